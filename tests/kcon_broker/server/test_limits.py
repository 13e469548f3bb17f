"""Limits of connections and of what is under way: below, at and above each, and nobody else notices."""

import contextlib
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kcon_broker.server.listener import Listener
from kcon_broker.server.server import BrokerServer
from kcon_broker.settings import BrokerSettings, NetworkSettings, SeedTopic, StorageSettings
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from kcon_broker.wire.messages.describe_cluster import DescribeClusterRequest, DescribeClusterResponse
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from kcon_broker.wire.messages.produce import ProduceResponse
from tests.kcon_broker.raw_client import RawClient, batch, frame, produce, produce_request

_SETTINGS = BrokerSettings(data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=2),))


def with_network(**limits: int) -> BrokerSettings:
    return replace(_SETTINGS, network=replace(NetworkSettings(), **limits))


def is_alive(client: RawClient) -> bool:
    return client.ask(ApiVersionsRequest(), ApiVersionsResponse, 0).error_code == ErrorCode.NONE


def listener_of(server: BrokerServer) -> Listener:
    return server._listener


def silence(server: BrokerServer, seconds: float) -> None:
    """Make all connections look as if they had been silent for so long."""
    for connection in server.dispatcher.connections.values():
        connection.last_active_s = time.monotonic() - seconds


@pytest.mark.parametrize(("silent_s", "is_evicted"), [(9.0, False), (10.5, True)])
def test_at_the_limit_a_newcomer_takes_the_place_of_who_was_silent_for_long(silent_s: float, is_evicted: bool) -> None:
    """An operator gets in beside clients that only hold their places."""
    with (
        InProcessBroker(settings=with_network(connections_max=2, evictable_after_ms=10_000)) as broker,
        RawClient(broker.bootstrap) as first,
        RawClient(broker.bootstrap) as second,
    ):
        assert is_alive(first)
        assert is_alive(second)
        broker.call(lambda server: silence(server, silent_s))
        assert is_alive(second)
        with RawClient(broker.bootstrap) as third:
            if is_evicted:
                assert is_alive(third)
                assert first.is_closed_by_broker()
            else:
                assert third.is_closed_by_broker()
                assert is_alive(first)
        assert is_alive(second)


@pytest.mark.parametrize("others", [17, 18, 19])
def test_the_last_places_are_for_administration(others: int) -> None:
    """Below, at and above the limit for everybody else, which is two less than that for all."""
    with (
        InProcessBroker(settings=with_network(connections_max=20, admin_connections=2)) as broker,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(others):
            assert is_alive(stack.enter_context(RawClient(broker.bootstrap)))
        newcomer = stack.enter_context(RawClient(broker.bootstrap))
        assert is_alive(newcomer)
        described = newcomer.ask(DescribeClusterRequest(), DescribeClusterResponse, 0)
        assert described.error_code == ErrorCode.NONE
        newcomer.send(produce_request("t", batch(b"x")), 9)
        if others < 18:
            assert newcomer.receive(ProduceResponse, 9)[1].responses[0].partition_responses[0].error_code == 0
        else:
            assert newcomer.is_closed_by_broker()


def test_a_client_does_not_take_a_place_for_administration_where_a_silent_one_leaves_its_own() -> None:
    with (
        InProcessBroker(settings=with_network(connections_max=10, admin_connections=1)) as broker,
        contextlib.ExitStack() as stack,
    ):
        clients = [stack.enter_context(RawClient(broker.bootstrap)) for _ in range(9)]
        assert all(map(is_alive, clients))
        broker.call(lambda server: silence(server, 60.0))
        newcomer = stack.enter_context(RawClient(broker.bootstrap))
        assert produce(newcomer, "t", batch(b"x")).error_code == ErrorCode.NONE


def test_who_waits_for_an_answer_is_not_silent() -> None:
    """A consumer in a long poll says nothing for as long as it likes."""
    wish = FetchPartition(partition=0, partition_max_bytes=1 << 20)
    poll = FetchRequest(max_wait_ms=60_000, min_bytes=1, topics=[FetchTopic(topic="t", partitions=[wish])])
    with (
        InProcessBroker(settings=with_network(connections_max=1, evictable_after_ms=1)) as broker,
        RawClient(broker.bootstrap) as polling,
    ):
        assert is_alive(polling)
        polling.send(poll, 11)
        while not broker.call(lambda server: server.dispatcher.parked.count):
            pass
        broker.call(lambda server: silence(server, 100.0))
        with RawClient(broker.bootstrap) as other:
            assert other.is_closed_by_broker()


@pytest.mark.parametrize(("idle_s", "is_closed"), [(599.0, False), (600.5, True)])
def test_an_idle_connection_is_closed_after_its_time(idle_s: float, is_closed: bool) -> None:
    with InProcessBroker(settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        assert is_alive(client)

        def look(server: BrokerServer) -> None:
            silence(server, idle_s)
            server.housekeeping._close_late_connections()

        broker.call(look)
        assert client.is_closed_by_broker() if is_closed else is_alive(client)


@pytest.mark.parametrize(("known", "is_refused"), [(1, False), (2, True), (3, True)])
def test_connections_of_one_address_have_a_limit_and_loopback_has_none(known: int, is_refused: bool) -> None:
    with (
        InProcessBroker(settings=with_network(connections_per_address_max=2)) as broker,
        RawClient(broker.bootstrap) as first,
        RawClient(broker.bootstrap) as second,
        RawClient(broker.bootstrap) as third,
    ):
        assert all(map(is_alive, (first, second, third)))

        def refusal(server: BrokerServer) -> str | None:
            for connection in list(server.dispatcher.connections.values())[:known]:
                connection.client_host = "192.0.2.1"
            return listener_of(server)._refusal("192.0.2.1")

        assert (broker.call(refusal) is not None) is is_refused


def test_newcomers_of_other_addresses_beyond_a_seconds_worth_wait_for_their_turn() -> None:
    with InProcessBroker(settings=with_network(connections_per_second_max=5)) as broker:

        def turns(server: BrokerServer) -> list[float]:
            return [listener_of(server)._turn("192.0.2.1") for _ in range(8)]

        waits = broker.call(turns)
        assert all(wait_s <= 0 for wait_s in waits[:5])
        assert all(0 < wait_s <= 0.7 for wait_s in waits[5:])
        assert broker.call(lambda server: listener_of(server)._turn("127.0.0.1")) == 0


def test_a_flood_of_refused_connections_writes_a_line_and_not_thousands(caplog: pytest.LogCaptureFixture) -> None:
    with InProcessBroker(settings=with_network(connections_max=1)) as broker, RawClient(broker.bootstrap) as client:
        assert is_alive(client)
        for _ in range(50):
            with RawClient(broker.bootstrap) as refused:
                assert refused.is_closed_by_broker()
        assert is_alive(client)
    assert 1 <= len([record for record in caplog.records if "refused a connection" in record.getMessage()]) < 25


@pytest.mark.parametrize(
    "limits",
    [{"pipelined_requests_max": 3}, {"waiting_bytes_max": 500}, {"in_flight_bytes_max": 500}],
    ids=lambda limits: next(iter(limits)),
)
def test_above_what_may_be_under_way_requests_wait_and_all_are_answered(limits: dict[str, int]) -> None:
    """A limit slows its client down, and takes nothing from anybody."""
    with (
        InProcessBroker(settings=with_network(**limits)) as broker,
        RawClient(broker.bootstrap) as client,
        RawClient(broker.bootstrap) as neighbour,
    ):
        assert is_alive(client)
        assert is_alive(neighbour)
        request = frame(produce_request("t", batch(bytes(100))), 9, 1)
        client.send_bytes(request * 200)
        assert produce(neighbour, "t", batch(b"other"), partition=1).error_code == ErrorCode.NONE
        offsets = [client.receive(ProduceResponse, 9)[1].responses[0].partition_responses[0] for _ in range(200)]
        assert [each.base_offset for each in offsets] == list(range(200))
        assert broker.call(lambda server: server.dispatcher.in_flight_bytes) == 0


@pytest.mark.parametrize(("polls", "is_closed"), [(1, False), (2, False), (3, True)])
def test_requests_that_wait_have_a_limit(polls: int, is_closed: bool) -> None:
    wish = FetchPartition(partition=0, partition_max_bytes=1 << 20)
    poll = FetchRequest(max_wait_ms=60_000, min_bytes=1, topics=[FetchTopic(topic="t", partitions=[wish])])
    with InProcessBroker(settings=with_network(parked_requests_max=2)) as broker, RawClient(broker.bootstrap) as other:
        assert is_alive(other)
        clients = [RawClient(broker.bootstrap) for _ in range(polls)]
        for number, client in enumerate(clients, 1):
            client.send(poll, 11)
            while number <= 2 and broker.call(lambda server: server.dispatcher.parked.count) < number:
                pass
        if is_closed:
            assert clients[-1].is_closed_by_broker()
        assert produce(other, "t", batch(b"x")).error_code == ErrorCode.NONE
        for client in clients[:2]:
            assert client.receive_frame()
        for client in clients:
            client.__exit__(None, None, None)


@pytest.mark.parametrize(("producers", "is_remembered"), [(2, True), (3, True), (4, False)])
def test_producers_beyond_what_a_partition_remembers_are_forgotten_the_oldest_first(
    producers: int, is_remembered: bool
) -> None:
    """A resent batch of one who is remembered is a duplicate; of one who is not it is a new one."""
    settings = replace(_SETTINGS, storage=StorageSettings(producer_ids_per_partition_max=3))
    with InProcessBroker(settings=settings) as broker, RawClient(broker.bootstrap) as client:
        for producer_id in range(producers):
            produce(client, "t", batch(b"x", producer_id=producer_id, epoch=0, sequence=0))
        again = produce(client, "t", batch(b"x", producer_id=0, epoch=0, sequence=0))
        assert again.base_offset == (0 if is_remembered else producers)


def _create(client: RawClient, partitions: int) -> int:
    topic = CreatableTopic(name="new", num_partitions=partitions, replication_factor=1)
    code: int = client.ask(CreateTopicsRequest(topics=[topic]), CreateTopicsResponse, 5).topics[0].error_code
    return code


@pytest.mark.parametrize(("partitions", "is_made"), [(7, True), (8, True), (9, False)])
def test_partitions_of_all_topics_together_have_a_limit(partitions: int, is_made: bool) -> None:
    settings = replace(_SETTINGS, partitions_max=10)
    with InProcessBroker(settings=settings) as broker, RawClient(broker.bootstrap) as client:
        assert (_create(client, partitions) == ErrorCode.NONE) is is_made
