"""Failures rehearsed with a real client: what a user of `kcon_broker.testing` would write."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer

from kcon_broker.server.faults import DELAY_MS_MAX
from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.testing import ApiKey, ErrorCode, InProcessBroker, ManualClock
from tests.kcon_broker.raw_client import RawClient, batch, produce

_DEADLINE_S = 30
_SESSION_MS = 6_000
SETTINGS = BrokerSettings(data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=1),))


@pytest.fixture
def timed() -> Iterator[InProcessBroker]:
    """Give a broker whose time the test advances."""
    with InProcessBroker(settings=SETTINGS, clock=ManualClock()) as broker:
        yield broker


def producer(broker: InProcessBroker) -> Producer:
    return Producer(
        {
            "bootstrap.servers": broker.bootstrap,
            "enable.idempotence": True,
            "linger.ms": 0,
            "retry.backoff.ms": 1,
            "reconnect.backoff.ms": 1,
            "log_level": 0,
        }
    )


def end_offset(broker: InProcessBroker) -> int:
    with RawClient(broker.bootstrap) as client:
        return produce(client, "t", batch(b"next")).base_offset


@pytest.mark.parametrize(
    "fail",
    [
        lambda broker: broker.inject(ApiKey.PRODUCE, error=ErrorCode.NOT_LEADER_OR_FOLLOWER, times=2),
        lambda broker: broker.inject(ApiKey.PRODUCE, drop_connection=True),
        lambda broker: broker.inject(ApiKey.PRODUCE, drop_connection=True, applied=True),
    ],
    ids=["moved leader", "lost request", "lost answer"],
)
def test_a_client_tries_again_and_writes_once(
    broker: InProcessBroker, fail: Callable[[InProcessBroker], object]
) -> None:
    fail(broker)
    told: list[KafkaError | None] = []
    client = producer(broker)
    client.produce("t", b"once", partition=0, on_delivery=lambda error, _: told.append(error))
    assert client.flush(_DEADLINE_S) == 0
    assert told == [None]
    assert broker.call(lambda server: server.dispatcher.faults.pending) == []
    assert end_offset(broker) == 1


def test_a_client_waits_for_a_delayed_answer(timed: InProcessBroker) -> None:
    injected = timed.inject(ApiKey.PRODUCE, delay_ms=DELAY_MS_MAX)
    delivered: list[Message] = []
    client = producer(timed)
    client.produce("t", b"late", partition=0, on_delivery=lambda _, message: delivered.append(message))
    for _ in range(_DEADLINE_S * 100):
        if injected.used:
            break
        client.poll(0.01)
    assert (injected.used, delivered) == (1, [])
    timed.advance(DELAY_MS_MAX)
    assert client.flush(_DEADLINE_S) == 0
    assert [message.error() for message in delivered] == [None]


def test_a_consumer_whose_session_expires_joins_again_and_reads_on(timed: InProcessBroker) -> None:
    assignments: list[int] = []
    consumer = Consumer(
        {
            "bootstrap.servers": timed.bootstrap,
            "group.id": "g",
            "session.timeout.ms": _SESSION_MS,
            "heartbeat.interval.ms": 50,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    with RawClient(timed.bootstrap) as client:
        produce(client, "t", batch(b"first"))
        consumer.subscribe(["t"], on_assign=lambda _, partitions: assignments.append(len(partitions)))
        seen = consumer.poll(_DEADLINE_S)
        assert (seen is not None and seen.value(), assignments) == (b"first", [1])
        timed.advance(_SESSION_MS)
        for _ in range(_DEADLINE_S * 10):
            if len(assignments) == 2:
                break
            consumer.poll(0.1)
    consumer.close()
    assert assignments == [1, 1]


def test_a_project_gets_the_fixtures_by_one_line(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["kcon_broker.testing"]\n')
    (tmp_path / "test_it.py").write_text(
        "def test_it(kafka_broker, kafka_bootstrap):\n"
        "    assert kafka_bootstrap == kafka_broker.bootstrap != ''\n"
        "    assert kafka_broker.clear_faults() == 0\n"
    )
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_DEADLINE_S, env=alone)
    assert (result.returncode, "1 passed" in result.stdout) == (0, True), result.stdout


def test_the_examples_of_the_page_run() -> None:
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    code = "\n".join(block for block in blocks if "pytest_plugins" not in block)
    exec(compile(code, "docs/testing.md", "exec"), {})
