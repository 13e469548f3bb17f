"""The broker's own metrics: what is counted, under which names, and that the endpoint has limits."""

import asyncio
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from prometheus_client.parser import text_string_to_metric_families

from kcon.services.dashboards import dashboard_text
from kcon_broker.errors import BrokerError
from kcon_broker.server.http_endpoint import HEAD_BYTES_MAX
from kcon_broker.server.metrics import CONNECTIONS_MAX, METRICS, SLICE_LINES, IdleMeter, escape
from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from tests.kcon_broker.raw_client import RawClient, batch, produce

LOOPBACK = ("127.0.0.1", 0)
NOWHERE = Path("in-memory")
Samples = dict[tuple[str, ...], float]


@pytest.fixture(scope="module")
def broker() -> Iterator[InProcessBroker]:
    settings = BrokerSettings(
        data_dir=NOWHERE, port=0, metrics=LOOPBACK, seed_topics=(SeedTopic(name="idle", partitions=3),)
    )
    with InProcessBroker(settings=settings) as started:
        yield started


def scrape(broker: InProcessBroker) -> dict[str, Samples]:
    with urllib.request.urlopen(broker.metrics_url, timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = answer.read().decode()
    return {
        sample.name: {tuple(each.labels.values()): each.value for each in family.samples if each.name == sample.name}
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def write(broker: InProcessBroker, topic: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for _ in range(count):
        producer.produce(topic, b"x" * 100, partition=0)
    assert producer.flush(30) == 0


def test_what_goes_through_a_topic_is_counted(broker: InProcessBroker) -> None:
    write(broker, "orders", 10)
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "g", "enable.auto.commit": False})
    consumer.assign([TopicPartition("orders", 0, 0)])
    assert len(consumer.consume(10, 30)) == 10
    consumer.close()
    told = scrape(broker)
    start = "kafka_server_brokertopicmetrics_"
    assert told[f"{start}messagesin_total"]["orders",] == 10
    assert told[f"{start}bytesin_total"]["orders",] > 1_000
    assert told[f"{start}bytesout_total"]["orders",] >= told[f"{start}bytesin_total"]["orders",]
    assert told[f"{start}totalproducerequests_total"]["orders",] >= 1
    assert told[f"{start}totalfetchrequests_total"]["orders",] >= 1
    assert told[f"{start}failedproducerequests_total"]["orders",] == 0
    assert told["kafka_log_log_size"]["orders", "0"] == told[f"{start}bytesin_total"]["orders",]


def test_a_refused_batch_counts_as_failed(broker: InProcessBroker) -> None:
    write(broker, "small", 1)
    with RawClient(broker.bootstrap) as client:
        # The first request of a connection must be a small one.
        assert produce(client, "small", batch(b"x")).error_code == ErrorCode.NONE
        assert produce(client, "small", batch(b"x" * 2_000_000)).error_code == ErrorCode.MESSAGE_TOO_LARGE
    told = scrape(broker)
    assert told["kafka_server_brokertopicmetrics_failedproducerequests_total"]["small",] >= 1
    assert told["kafka_server_brokertopicmetrics_messagesin_total"]["small",] == 2


def test_the_node_tells_of_itself(broker: InProcessBroker) -> None:
    told = scrape(broker)
    assert told["kafka_controller_kafkacontroller_activecontrollercount"] == {(): 1}
    assert told["kafka_server_replicamanager_partitioncount"][()] >= 3
    assert told["kafka_controller_kafkacontroller_offlinepartitionscount"] == {(): 0}
    assert 0 <= told["kafka_network_socketserver_networkprocessoravgidle_percent"][()] <= 1
    assert told["process_open_fds"][()] > 3
    assert set(told["kafka_server_socket_server_metrics_connection_count"]) == {("PLAINTEXT",)}


def test_a_topic_that_is_gone_leaves_nothing(broker: InProcessBroker) -> None:
    write(broker, "gone", 1)
    wait_for(lambda: ("gone", "0") in scrape(broker)["kafka_log_log_size"])
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for future in admin.delete_topics(["gone"]).values():
        future.result(30)
    # A family without any series is not in the text.
    wait_for(lambda: ("gone", "0") not in scrape(broker).get("kafka_log_log_size", {}))


def wait_for(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def test_every_metric_is_told_and_in_the_dashboard(broker: InProcessBroker) -> None:
    write(broker, "any", 1)
    names = {metric.name for metric in METRICS}
    assert set(scrape(broker)) == names
    board = dashboard_text("broker")
    assert not [name for name in names if name not in board]


def test_many_partitions_are_told_in_slices() -> None:
    """Between two slices clients have their turn."""
    topics = tuple(SeedTopic(name=f"t{index}", partitions=1) for index in range(400))
    turns: list[int] = []

    async def count() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async def render(broker: InProcessBroker) -> bytes:
        counting = asyncio.get_running_loop().create_task(count())
        text: bytes = await broker.call(lambda server: server.metrics).text()  # type: ignore[union-attr]  # It is on.
        counting.cancel()
        return text

    with InProcessBroker(
        settings=BrokerSettings(data_dir=NOWHERE, port=0, metrics=LOOPBACK, seed_topics=topics)
    ) as broker:
        text = asyncio.run(render(broker))
    assert len(turns) >= len(text.splitlines()) // SLICE_LINES >= 2


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /metrics HTTP/1.1\r\n\r\n", b"200 OK"),
        (b"HEAD /metrics HTTP/1.1\r\n\r\n", b"200 OK"),
        (b"GET / HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405 Method Not Allowed"),
        (b"\x16\x03\x01\r\n\r\n", b"405 Method Not Allowed"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES_MAX, b""),
    ],
)
def test_only_a_scrape_is_answered(broker: InProcessBroker, request_bytes: bytes, status: bytes) -> None:
    host, port = broker.metrics_url.removeprefix("http://").removesuffix("/metrics").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(request_bytes)
        answer = b""
        try:
            while part := client.recv(65_536):
                answer += part
        except ConnectionError:
            pass
    assert answer.partition(b"\r\n")[0].removeprefix(b"HTTP/1.1 ") == status
    if request_bytes.startswith(b"HEAD"):
        assert answer.endswith(b"\r\n\r\n")


def test_more_scrapers_than_there_may_be_are_turned_away() -> None:
    settings = BrokerSettings(data_dir=NOWHERE, port=0, metrics=LOOPBACK)
    with InProcessBroker(settings=settings) as broker, ExitStack() as idle:
        host, port = broker.metrics_url.removeprefix("http://").removesuffix("/metrics").split(":")
        for _ in range(CONNECTIONS_MAX):
            idle.enter_context(socket.create_connection((host, int(port)), timeout=30))
        # The loop takes them in the order in which they came.
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            urllib.request.urlopen(broker.metrics_url, timeout=30)


def test_beyond_this_machine_it_must_be_said() -> None:
    settings = BrokerSettings(data_dir=NOWHERE, port=0, metrics=("0.0.0.0", 0))
    with pytest.raises(BrokerError, match="insecure"), InProcessBroker(settings=settings):
        pass


def test_without_an_address_there_is_none() -> None:
    with InProcessBroker() as broker:
        assert broker.metrics_url == ""


def test_idleness_is_what_the_processor_did_not_work() -> None:
    clock, busy = iter([0.0, 10.0, 10.0, 20.0]), iter([1.0, 3.5, 3.5, 99.0])
    meter = IdleMeter(lambda: next(clock), lambda: next(busy))
    assert (meter.share(), meter.share(), meter.share()) == (0.75, 1.0, 0.0)


@pytest.mark.parametrize(("value", "escaped"), [('a"b', r"a\"b"), ("a\\b", r"a\\b"), ("a\nb", r"a\nb"), ("ä", "ä")])
def test_label_values_are_escaped(value: str, escaped: str) -> None:
    assert escape(value) == escaped
