"""A healthy client goes on while others attack: short tiers of `python -m tests.hostile`.

Times are printed, not judged; that nobody is cut off, nothing leaks and no defect shows is.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kcon_broker.settings import BrokerSettings, NetworkSettings, SeedTopic
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from tests.hostile.attacks import SlowClients, abuse_fetch
from tests.hostile.healthy import HealthyClient
from tests.hostile.scenarios import Outcome, run_connect_flood, run_out_of_descriptors, run_socket_fuzz
from tests.kcon_broker.raw_client import RawClient, batch, produce

_NETWORK = NetworkSettings(
    first_request_timeout_ms=500,
    frame_timeout_ms=500,
    send_timeout_ms=500,
    fetch_response_bytes_max=1_000_000,
    unsent_bytes_max=1_000_000,
)
_SETTINGS = BrokerSettings(data_dir=Path(), port=0, network=_NETWORK, seed_topics=(SeedTopic(name="t", partitions=4),))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("run", "trials"), [(run_socket_fuzz, 2_000), (run_connect_flood, 1_000), (run_out_of_descriptors, 1)]
)
def test_a_live_broker_is_not_impressed(run: Callable[[int, int], Outcome], trials: int) -> None:
    """Mutated frames, connects by the thousand, no descriptors left: a broker of its own, and a healthy client."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    outcome = run(trials, seed)
    print(outcome.figures)
    assert outcome.failures == []


def test_slow_clients_are_closed_by_their_deadlines_and_nobody_else() -> None:
    """A byte now and then, half a frame, and answers that are not read; none holds its place."""
    with InProcessBroker(settings=_SETTINGS) as broker:
        with RawClient(broker.bootstrap) as client:
            for _ in range(12):
                assert produce(client, "t", batch(bytes(400_000))).error_code == ErrorCode.NONE
        with HealthyClient(broker.bootstrap, "t") as healthy:
            slow = SlowClients(broker.bootstrap, 24, "t")
            try:
                assert slow.closed_within(60, byte_interval_s=0.1)
            finally:
                slow.close()
        assert healthy.failures == []
        assert healthy.times_ms


def test_a_greedy_fetch_gets_what_an_answer_may_hold_and_long_polls_leave_nothing() -> None:
    """2^31 - 1 bytes of 1,000 partitions, long polls that are cut off, and readers that leave in the middle."""
    with InProcessBroker(settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        for number in range(8):
            assert produce(client, "t", batch(bytes(300_000)), partition=number % 4).error_code == ErrorCode.NONE
        wanted = [FetchPartition(partition=number % 4, partition_max_bytes=2**31 - 1) for number in range(1_000)]
        request = FetchRequest(max_wait_ms=0, max_bytes=2**31 - 1, topics=[FetchTopic(topic="t", partitions=wanted)])
        answer = client.ask(request, FetchResponse, 11)
        sizes = [len(data.records or b"") for topic in answer.responses for data in topic.partitions]
        assert 0 < sum(sizes) <= _NETWORK.fetch_response_bytes_max + 300_200
        abuse_fetch(broker.bootstrap, "t", partitions=1_000, polls=40)
        while broker.call(lambda server: len(server.dispatcher.connections)) > 1:
            assert client.ask(ApiVersionsRequest(), ApiVersionsResponse, 0).error_code == ErrorCode.NONE
        assert broker.call(lambda server: server.dispatcher.parked.count) == 0
        assert broker.call(lambda server: server.dispatcher.in_flight_bytes) == 0


@pytest.mark.parametrize(("size", "is_read"), [(511 * 1024, True), (512 * 1024 + 1, False)])
def test_nobody_sends_much_before_a_first_request(size: int, is_read: bool) -> None:
    """One above 512 KiB is closed at its size, before a byte of it is kept; below it the body is looked at."""
    settings = replace(_SETTINGS, network=NetworkSettings())
    with InProcessBroker(settings=settings) as broker, RawClient(broker.bootstrap) as client:
        client.send_bytes(size.to_bytes(4, "big") + b"\xff" * 100)
        kept = 0
        if is_read:
            while not kept:
                kept = broker.call(
                    lambda server: sum(each.pending_bytes for each in server.dispatcher.connections.values())
                )
            assert kept == 100
        else:
            assert client.is_closed_by_broker()
