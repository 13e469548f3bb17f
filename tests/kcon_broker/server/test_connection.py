"""What a client may do to its own connection, and never to anybody else's."""

import logging
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kcon_broker.settings import BrokerSettings, NetworkSettings, SeedTopic
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from kcon_broker.wire.messages.produce import ProduceResponse
from tests.kcon_broker.raw_client import RawClient, batch, frame, produce, produce_request

_NETWORK = NetworkSettings(first_request_bytes_max=2_000, request_bytes_max=100_000)
_SETTINGS = BrokerSettings(data_dir=Path(), port=0, network=_NETWORK, seed_topics=(SeedTopic(name="t", partitions=1),))


@pytest.fixture
def broker() -> Iterator[InProcessBroker]:
    with InProcessBroker(settings=_SETTINGS) as running:
        yield running


@pytest.fixture
def client(broker: InProcessBroker) -> Iterator[RawClient]:
    with RawClient(broker.bootstrap) as connected:
        yield connected


def is_alive(client: RawClient) -> bool:
    return client.ask(ApiVersionsRequest(), ApiVersionsResponse, 0).error_code == ErrorCode.NONE


def sized(body: bytes) -> bytes:
    return struct.pack(">i", len(body)) + body


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(struct.pack(">i", -1), id="negative size"),
        pytest.param(struct.pack(">i", 0), id="empty frame"),
        pytest.param(struct.pack(">i", 2_001), id="first frame too large"),
        pytest.param(struct.pack(">i", 2**31 - 1), id="largest size"),
        pytest.param(sized(b"\0\3"), id="header cut short"),
        pytest.param(sized(struct.pack(">hhih", 3, 1, 1, 100)), id="client id longer than the frame"),
        pytest.param(sized(struct.pack(">hhih", 999, 0, 1, -1)), id="unknown key"),
        pytest.param(sized(struct.pack(">hhih", -1, 0, 1, -1)), id="negative key"),
        pytest.param(sized(struct.pack(">hhih", 3, 99, 1, -1)), id="version too new"),
        pytest.param(sized(struct.pack(">hhih", 0, 2, 1, -1)), id="advertised and not served"),
        pytest.param(sized(struct.pack(">hhih", 3, 1, 1, -1)), id="body missing"),
        pytest.param(sized(struct.pack(">hhihi", 3, 1, 1, -1, 2**31 - 1)), id="count beyond the frame"),
        pytest.param(sized(struct.pack(">hhihih", 3, 1, 1, -1, 1, 4) + b"\xff\xfe\xfd\xfc"), id="no UTF-8"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600), id="TLS"),
    ],
)
def test_bad_frame_closes_only_its_own_connection(
    broker: InProcessBroker, client: RawClient, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """One line in the log, and the neighbour notices nothing."""
    assert is_alive(client)
    with caplog.at_level(logging.WARNING, "kcon_broker"), RawClient(broker.bootstrap) as hostile:
        hostile.send_bytes(data)
        assert hostile.is_closed_by_broker()
    assert len(caplog.records) == 1
    assert is_alive(client)


def test_frame_limit_is_higher_after_the_first_request(client: RawClient) -> None:
    value = bytes(50_000)
    assert is_alive(client)
    assert produce(client, "t", batch(value)).error_code == ErrorCode.NONE
    client.send_bytes(struct.pack(">i", 100_001))
    assert client.is_closed_by_broker()


def test_first_frame_at_its_limit_is_served(client: RawClient) -> None:
    request = frame(MetadataRequest(topics=[]), 1, 7)
    padded = struct.pack(">i", 2_000) + request[4:] + bytes(2_000 - len(request) + 4)
    client.send_bytes(padded)
    assert client.receive(MetadataResponse, 1)[0] == 7


def test_bytes_after_a_complete_body_are_ignored(client: RawClient) -> None:
    request = frame(ApiVersionsRequest(), 0, 5)
    client.send_bytes(struct.pack(">i", len(request) - 4 + 3) + request[4:] + b"xyz")
    assert client.receive(ApiVersionsResponse, 0)[0] == 5


@pytest.mark.parametrize("version", [5, 99, -1])
def test_unknown_api_versions_version_is_answered_in_version_0(client: RawClient, version: int) -> None:
    """KIP-35, KIP-511: otherwise a client newer than the broker could not find out what to speak."""
    client.send_bytes(sized(struct.pack(">hhih", 18, version, 42, -1)))
    correlation_id, response = client.receive(ApiVersionsResponse, 0)
    assert correlation_id == 42
    assert response.error_code == ErrorCode.UNSUPPORTED_VERSION
    assert [(entry.api_key, entry.min_version, entry.max_version) for entry in response.api_keys] == [(18, 0, 4)]
    assert is_alive(client)


def test_frame_may_arrive_byte_by_byte(client: RawClient) -> None:
    for byte in frame(ApiVersionsRequest(), 0, 3):
        client.send_bytes(bytes([byte]))
    assert client.receive(ApiVersionsResponse, 0)[0] == 3


def test_pipelined_requests_are_answered_in_order(client: RawClient) -> None:
    """Produce may overtake nothing, and nothing overtakes Produce."""
    fetch = FetchRequest(
        max_wait_ms=150,
        min_bytes=1 << 20,
        topics=[FetchTopic(topic="t", partitions=[FetchPartition(partition_max_bytes=1 << 20)])],
    )
    client.send_bytes(
        frame(produce_request("t", batch(b"1")), 9, 1)
        + frame(produce_request("t", batch(b"2"), acks=1), 9, 2)
        + frame(fetch, 11, 3)
        + frame(ApiVersionsRequest(), 0, 4)
        + frame(produce_request("t", batch(b"3")), 9, 5)
    )
    assert client.receive(ProduceResponse, 9)[0] == 1
    assert client.receive(ProduceResponse, 9)[0] == 2
    assert client.receive(FetchResponse, 11)[0] == 3
    assert client.receive(ApiVersionsResponse, 0)[0] == 4
    correlation_id, response = client.receive(ProduceResponse, 9)
    assert (correlation_id, response.responses[0].partition_responses[0].base_offset) == (5, 2)


def test_acks_0_has_no_answer_and_its_error_closes(client: RawClient) -> None:
    client.send(produce_request("t", batch(b"1"), acks=0), 9)
    assert is_alive(client)
    client.send(produce_request("no-such-topic", batch(b"1"), acks=0), 9)
    assert client.is_closed_by_broker()


def test_silent_connection_is_closed_by_its_deadline() -> None:
    """Slowloris: neither silence nor half a frame may hold a place for ever."""
    network = replace(_NETWORK, first_request_timeout_ms=1, frame_timeout_ms=1)
    with InProcessBroker(settings=replace(_SETTINGS, network=network)) as broker:
        with RawClient(broker.bootstrap) as silent:
            assert silent.is_closed_by_broker()
        with RawClient(broker.bootstrap) as slow:
            assert is_alive(slow)
            slow.send_bytes(frame(ApiVersionsRequest(), 0, 1)[:-1])
            assert slow.is_closed_by_broker()


def test_connection_beyond_the_limit_is_refused() -> None:
    network = replace(_NETWORK, connections_max=2)
    with (
        InProcessBroker(settings=replace(_SETTINGS, network=network)) as broker,
        RawClient(broker.bootstrap) as first,
        RawClient(broker.bootstrap) as second,
    ):
        assert is_alive(first)
        assert is_alive(second)
        with RawClient(broker.bootstrap) as third:
            assert third.is_closed_by_broker()
        assert is_alive(first)


def test_large_answers_reach_a_client_that_reads_late(client: RawClient) -> None:
    """More than the socket takes at once: the rest follows, in order and complete."""
    value = bytes(range(256)) * 300
    assert is_alive(client)
    for _ in range(100):
        assert produce(client, "t", batch(value)).error_code == ErrorCode.NONE
    fetch = FetchRequest(
        max_wait_ms=0,
        topics=[FetchTopic(topic="t", partitions=[FetchPartition(partition_max_bytes=1 << 26)])],
    )
    for correlation_id in range(3):
        client.send_bytes(frame(fetch, 11, correlation_id))
    for correlation_id in range(3):
        received, response = client.receive(FetchResponse, 11)
        records = response.responses[0].partitions[0].records
        assert received == correlation_id
        assert isinstance(records, memoryview)
        assert bytes(records).count(value) == 100
