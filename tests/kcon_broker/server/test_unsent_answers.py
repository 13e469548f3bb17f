"""What all clients together leave unsent is bounded, and nobody who reads goes without an answer."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from kcon_broker.server.os_files import OsFiles
from kcon_broker.server.server import BrokerServer
from kcon_broker.settings import BrokerSettings, NetworkSettings, SeedTopic
from kcon_broker.state.unsent_answers import SMALL_ANSWER_BYTES
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from tests.kcon_broker.raw_client import RawClient, batch, frame, produce

_LIMIT = 1_000_000
_SETTINGS = BrokerSettings(
    data_dir=Path(),
    port=0,
    network=NetworkSettings(all_unsent_bytes_max=_LIMIT, send_buffer_bytes=16_384),
    seed_topics=(SeedTopic(name="t", partitions=2),),
)
_LARGE, _SMALL = 0, 1
"""Partitions of large and of small batches."""
_LARGE_BATCH = batch(os.urandom(100_000))
_SMALL_BATCH = batch(os.urandom(10_000))


def files_of(server: BrokerServer) -> OsFiles:
    return cast("OsFiles", server._files)


def without_page_cache(server: BrokerServer) -> None:
    """Have everything read into memory, as where the system cannot tell what it has."""
    files_of(server).is_cached = None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[InProcessBroker]:
    with InProcessBroker(tmp_path, settings=_SETTINGS) as running:
        with RawClient(running.bootstrap) as client:
            for _ in range(8):
                assert produce(client, "t", _LARGE_BATCH, partition=_LARGE).error_code == ErrorCode.NONE
                assert produce(client, "t", _SMALL_BATCH, partition=_SMALL).error_code == ErrorCode.NONE
        yield running


def fetch(partition: int, max_wait_ms: int = 0) -> FetchRequest:
    wish = FetchPartition(partition=partition, fetch_offset=0, partition_max_bytes=1 << 30)
    return FetchRequest(max_wait_ms=max_wait_ms, max_bytes=1 << 30, topics=[FetchTopic(topic="t", partitions=[wish])])


def records_bytes(response: FetchResponse) -> int:
    data = response.responses[0].partitions[0]
    assert data.error_code == ErrorCode.NONE
    assert isinstance(data.records, memoryview | bytes)
    return len(data.records)


def held_bytes(server: BrokerServer) -> int:
    return server.broker.unsent_answers.held_bytes


@pytest.mark.parametrize(
    ("held", "partition", "batches"),
    [
        pytest.param(0, _LARGE, 4, id="half of the room"),
        pytest.param(_LIMIT - 1, _LARGE, 1, id="one batch below the limit"),
        pytest.param(_LIMIT, _LARGE, 0, id="a large one not at the limit"),
        pytest.param(_LIMIT + 1, _LARGE, 0, id="nor above it"),
        pytest.param(_LIMIT + 1, _SMALL, SMALL_ANSWER_BYTES // len(_SMALL_BATCH), id="small ones always"),
    ],
)
def test_an_answer_in_memory_is_as_large_as_there_is_room(
    broker: InProcessBroker, held: int, partition: int, batches: int
) -> None:
    broker.call(without_page_cache)
    broker.call(lambda server: server.broker.unsent_answers.hold(held))
    with RawClient(broker.bootstrap) as client:
        size = len(_LARGE_BATCH if partition == _LARGE else _SMALL_BATCH)
        assert records_bytes(client.ask(fetch(partition), FetchResponse, 11)) == batches * size
    assert broker.call(held_bytes) == held


def test_one_batch_from_the_page_cache_is_always_sent(broker: InProcessBroker) -> None:
    if broker.call(lambda server: files_of(server).is_cached is None):
        pytest.skip("cachestat(2) is missing: everything is read into memory")
    broker.call(lambda server: server.broker.unsent_answers.hold(_LIMIT))
    with RawClient(broker.bootstrap) as client:
        assert records_bytes(client.ask(fetch(_LARGE), FetchResponse, 11)) == len(_LARGE_BATCH)


def test_a_small_answer_keeps_no_more_than_itself(broker: InProcessBroker) -> None:
    """It is read with what stands around it: a client that takes its time must not keep that in memory."""

    def parts(server: BrokerServer) -> list[memoryview]:
        topic = server.broker.topics.by_name["t"]
        partition = topic.partition(_SMALL)
        assert partition is not None
        log = server.broker.log_of(partition)
        assert log is not None
        read = log.read_parts(0, 1, limit_offset=8, min_one=True, may_block=False, must_read=False)
        return [part for part in read if isinstance(part, memoryview)]

    (part,) = broker.call(parts)
    assert isinstance(part.obj, bytes | bytearray)
    assert len(part) == len(part.obj) == len(_SMALL_BATCH)


def test_a_fetch_waits_for_room_and_gets_it(broker: InProcessBroker) -> None:
    broker.call(without_page_cache)
    broker.call(lambda server: server.broker.unsent_answers.hold(_LIMIT))
    with RawClient(broker.bootstrap) as waiting, RawClient(broker.bootstrap) as other:
        waiting.send(fetch(_LARGE, max_wait_ms=20_000), 11)
        while not broker.call(lambda server: server.dispatcher.parked.count):
            assert other.ask(ApiVersionsRequest(), ApiVersionsResponse, 0).error_code == ErrorCode.NONE
        broker.call(lambda server: server.broker.unsent_answers.release(_LIMIT))
        assert records_bytes(waiting.receive(FetchResponse, 11)[1]) == 4 * len(_LARGE_BATCH)
    assert broker.call(held_bytes) == 0


def test_clients_that_take_nothing_hold_no_more_than_the_limit_and_a_batch(broker: InProcessBroker) -> None:
    """They ask for everything many times over; one that reads small batches is served beside them, and all later."""
    broker.call(without_page_cache)
    host, _, port = broker.bootstrap.rpartition(":")
    with contextlib.ExitStack() as stack, RawClient(broker.bootstrap) as healthy:
        for _ in range(12):
            stuck = stack.enter_context(socket.socket())
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            stuck.connect((host, int(port)))
            stuck.sendall(frame(ApiVersionsRequest(), 0, 1) + frame(fetch(_LARGE, max_wait_ms=20_000), 11, 2) * 10)
        most = 0
        while not broker.call(lambda server: server.dispatcher.parked.count):
            most = max(most, broker.call(held_bytes))
            assert records_bytes(healthy.ask(fetch(_SMALL), FetchResponse, 11)) >= len(_SMALL_BATCH)
        most = max(most, broker.call(held_bytes))
        assert _LIMIT <= most < _LIMIT + len(_LARGE_BATCH) + SMALL_ANSWER_BYTES
        stack.close()
        assert records_bytes(healthy.ask(fetch(_LARGE, max_wait_ms=20_000), FetchResponse, 11)) >= len(_LARGE_BATCH)
        while broker.call(lambda server: len(server.dispatcher.connections)) > 1:
            assert healthy.ask(ApiVersionsRequest(), ApiVersionsResponse, 0).error_code == ErrorCode.NONE
    assert broker.call(held_bytes) == 0


def test_who_leaves_the_most_goes_when_other_answers_are_too_many(caplog: pytest.LogCaptureFixture) -> None:
    """Metadata is not cut to what there is room for; who reads is served meanwhile, and is not closed."""
    network = NetworkSettings(all_unsent_bytes_max=400_000, send_buffer_bytes=16_384)
    seeds = (SeedTopic(name="t", partitions=10_000),)
    settings = BrokerSettings(data_dir=Path(), port=0, network=network, seed_topics=seeds)
    request = frame(MetadataRequest(topics=None), 1, 2)
    with (
        InProcessBroker(settings=settings) as broker,
        contextlib.ExitStack() as stack,
        RawClient(broker.bootstrap) as healthy,
        caplog.at_level(logging.WARNING, "kcon_broker"),
    ):
        host, _, port = broker.bootstrap.rpartition(":")
        for _ in range(8):
            stuck = stack.enter_context(socket.socket())
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            stuck.connect((host, int(port)))
            stuck.sendall(request * 3)
        while not caplog.records:
            assert healthy.ask(MetadataRequest(topics=[]), MetadataResponse, 1).topics == []
            assert broker.call(held_bytes) <= 2 * 400_000
        assert "bytes of answers" in caplog.text
        stack.close()
        assert len(healthy.ask(MetadataRequest(topics=None), MetadataResponse, 1).topics[0].partitions) == 10_000
