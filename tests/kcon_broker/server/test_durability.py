"""Durable before visible: no acks=all answer leaves before a sync that covers its bytes, and no reader is ahead of it.

The files are in memory and keep a journal of every write and sync; each answer is noted with the length of the
journal at the moment it is handed to the socket. The same check must fail on a broker whose sync was taken out.
"""

import asyncio
import os
import random
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kcon_broker.server import housekeeping
from kcon_broker.server.server import BrokerServer
from kcon_broker.server.sync import Errors
from kcon_broker.server.tasks import spawn
from kcon_broker.settings import BrokerSettings, FlushMode, SeedTopic, StorageSettings
from kcon_broker.storage.checkpoint import RECOVERY_POINTS, read_offsets
from kcon_broker.storage.files import Syncable
from kcon_broker.storage.memory_files import MemoryFiles
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from kcon_broker.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicState
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from kcon_broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from kcon_broker.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestTopic, OffsetFetchResponse
from kcon_broker.wire.messages.produce import ProduceResponse
from tests.kcon_broker.false_sync import pretend_to_sync
from tests.kcon_broker.raw_client import RawClient, batch, frame, produce, produce_request

_SETTINGS = BrokerSettings(data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=4),))


class AnswerLog:
    """Notes, for each write to a socket, how long the journal of the files was."""

    def __init__(self, files: MemoryFiles, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sends: list[int] = []
        writev = os.writev

        def noting(descriptor: int, buffers: Sequence[bytes]) -> int:
            self.sends.append(len(files.journal))
            return writev(descriptor, buffers)

        monkeypatch.setattr("kcon_broker.server.sender.os.writev", noting)


def is_covered(files: MemoryFiles, value: bytes, journal_length: int) -> bool:
    """Tell whether the first `journal_length` steps wrote the value and then synced its file."""
    steps = files.journal[:journal_length]
    for index, step in enumerate(steps):
        if step.kind == "write" and step.path.startswith("t-") and value in step.content:
            return any(later.kind == "sync" and later.inode == step.inode for later in steps[index:])
    return False


def uncovered_answers(monkeypatch: pytest.MonkeyPatch, *, acks: int, flush: FlushMode = FlushMode.ALWAYS) -> int:
    """Produce 50 records one by one; return how many answers left before a sync that covers them."""
    files = MemoryFiles()
    settings = replace(_SETTINGS, storage=StorageSettings(flush=flush, flush_interval_ms=3_600_000))
    uncovered = 0
    with InProcessBroker(files=files, settings=settings) as broker, RawClient(broker.bootstrap) as client:
        answers = AnswerLog(files, monkeypatch)
        for number in range(50):
            value = f"value-{number:04d}".encode()
            answers.sends.clear()
            response = produce(client, "t", batch(value), partition=number % 4, acks=acks)
            assert response.error_code == ErrorCode.NONE
            assert len(answers.sends) == 1
            uncovered += not is_covered(files, value, answers.sends[0])
    return uncovered


def test_acks_all_answer_leaves_after_the_sync_that_covers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert uncovered_answers(monkeypatch, acks=-1) == 0


def test_broker_without_its_sync_fails_the_same_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check has teeth: a build that only pretends to sync does not pass it."""

    pretend_to_sync(monkeypatch)
    assert uncovered_answers(monkeypatch, acks=-1) == 50


def test_flush_mode_os_answers_without_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the laxer mode saves is just this wait."""
    assert uncovered_answers(monkeypatch, acks=-1, flush=FlushMode.OS) == 50


def test_acks_1_answer_leaves_after_the_write() -> None:
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        assert produce(client, "t", batch(b"written"), acks=1).error_code == ErrorCode.NONE
        written = [step for step in files.journal if step.kind == "write" and b"written" in step.content]
    assert len(written) == 1


def test_power_cut_takes_nothing_that_was_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many requests in flight, the power goes at random moments: what was answered by then is in the log."""
    files = MemoryFiles()
    acknowledged: list[tuple[int, bytes]] = []
    with InProcessBroker(files=files, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        answers = AnswerLog(files, monkeypatch)
        values = [f"value-{number:04d}".encode() for number in range(200)]
        answers.sends.clear()
        client.send_bytes(
            b"".join(
                frame(produce_request("t", batch(value), partition=number % 4), 9, number)
                for number, value in enumerate(values)
            )
        )
        for value in values:
            client.receive(ProduceResponse, 9)
            # At the latest the answers known now had left when the last write to the socket happened.
            acknowledged.append((answers.sends[-1], value))
    chance = random.Random(7)
    for _ in range(25):
        step_count = chance.randrange(acknowledged[0][0], len(files.journal))
        with InProcessBroker(files=files.power_cut(step_count, chance), settings=_SETTINGS) as broker:
            found = b"".join(read_all(broker.bootstrap, "t", partition) for partition in range(4))
        lost = [value for length, value in acknowledged if length <= step_count and value not in found]
        assert lost == []


def test_reader_never_sees_what_is_not_synced() -> None:
    """A record that a power cut could erase must not be read: its offset would hold two values."""
    files = MemoryFiles()
    held, entered = threading.Event(), threading.Event()
    with InProcessBroker(files=files, settings=_SETTINGS) as broker:
        hold_syncs(broker, held, entered)
        with RawClient(broker.bootstrap) as producer, RawClient(broker.bootstrap) as reader:
            assert produce(producer, "t", batch(b"early"), acks=1).error_code == ErrorCode.NONE
            assert entered.wait(10)
            assert fetch(reader, "t", 0, max_wait_ms=0) == (0, b"")
            held.set()
            high_watermark, records = fetch(reader, "t", 0, max_wait_ms=10_000)
            assert high_watermark == 1
            assert b"early" in records


def test_failed_sync_is_an_error_and_fences_the_partition() -> None:
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        assert produce(client, "t", batch(b"good")).base_offset == 0
        files.faults.sync_errors["t-0/"] = 5
        assert produce(client, "t", batch(b"lost")).error_code == ErrorCode.KAFKA_STORAGE_ERROR
        files.faults.sync_errors.clear()
        assert produce(client, "t", batch(b"later")).error_code == ErrorCode.KAFKA_STORAGE_ERROR
        assert produce(client, "t", batch(b"other"), partition=1).error_code == ErrorCode.NONE


def test_full_disk_is_an_error_and_work_resumes_with_space() -> None:
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        first = batch(b"a", producer_id=9, epoch=0, sequence=0)
        assert produce(client, "t", first).base_offset == 0
        files.faults.free_bytes = 0
        refused = batch(b"b", producer_id=9, epoch=0, sequence=1)
        for acks in (-1, 1):
            assert produce(client, "t", refused, acks=acks).error_code == ErrorCode.KAFKA_STORAGE_ERROR
        assert fetch(client, "t", 0, max_wait_ms=0)[0] == 1
        files.faults.free_bytes = None
        assert produce(client, "t", refused).base_offset == 1
        assert produce(client, "t", refused).base_offset == 1
        assert fetch(client, "t", 0, max_wait_ms=0)[0] == 2


def hold_syncs(broker: InProcessBroker, held: threading.Event, entered: threading.Event) -> None:
    """Let no sync end before `held` is set; `entered` tells that one wants to."""

    def install(server: BrokerServer) -> None:
        engine = server._engine
        assert engine is not None
        begin = engine.begin

        def slow(files: Iterable[Syncable], on_end: Callable[[Errors], None]) -> None:
            wanted = list(files)

            async def wait() -> None:
                await asyncio.to_thread(held.wait, 10)
                begin(wanted, on_end)

            entered.set()
            spawn(wait(), name="held sync")

        engine.begin = slow  # type: ignore[method-assign]  # What a slow disk does.

    broker.call(install)


def fetch(client: RawClient, topic: str, offset: int, *, max_wait_ms: int, partition: int = 0) -> tuple[int, bytes]:
    """Return the high watermark and the batches from an offset on."""
    request = FetchRequest(
        max_wait_ms=max_wait_ms,
        min_bytes=1,
        topics=[
            FetchTopic(
                topic=topic,
                partitions=[FetchPartition(partition=partition, fetch_offset=offset, partition_max_bytes=1 << 20)],
            )
        ],
    )
    data = client.ask(request, FetchResponse, 11).responses[0].partitions[0]
    assert data.error_code == ErrorCode.NONE
    assert isinstance(data.records, memoryview | bytes)
    return data.high_watermark, bytes(data.records)


def read_all(bootstrap: str, topic: str, partition: int) -> bytes:
    """Return all batches of a partition."""
    with RawClient(bootstrap) as client:
        return fetch(client, topic, 0, max_wait_ms=0, partition=partition)[1]


def commit(client: RawClient, offset: int) -> int:
    """Commit an offset of a group without members; return the error code."""
    partition = OffsetCommitRequestPartition(partition_index=0, committed_offset=offset)
    request = OffsetCommitRequest(
        group_id="g",
        generation_id_or_member_epoch=-1,
        topics=[OffsetCommitRequestTopic(name="t", partitions=[partition])],
    )
    return client.ask(request, OffsetCommitResponse, 8).topics[0].partitions[0].error_code


def committed(client: RawClient) -> int:
    request = OffsetFetchRequest(group_id="g", topics=[OffsetFetchRequestTopic(name="t", partition_indexes=[0])])
    return client.ask(request, OffsetFetchResponse, 7).topics[0].partitions[0].committed_offset


def make_offsets_topic(client: RawClient) -> None:
    assert client.ask(FindCoordinatorRequest(key="g"), FindCoordinatorResponse, 2).error_code == ErrorCode.NONE


def test_commit_that_cannot_be_written_never_was() -> None:
    """The coordinator's memory goes back to what the disk says, and goes on when there is space again."""
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        make_offsets_topic(client)
        assert commit(client, 5) == ErrorCode.NONE
        files.faults.free_bytes = 0
        assert commit(client, 6) == ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert committed(client) == 5
        files.faults.free_bytes = None
        assert commit(client, 7) == ErrorCode.NONE
        assert committed(client) == 7


def test_acknowledged_commit_survives_a_power_cut() -> None:
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        make_offsets_topic(client)
        for offset in range(1, 21):
            assert commit(client, offset) == ErrorCode.NONE
        step_count = len(files.journal)
    for seed in range(10):
        disk = files.power_cut(step_count, random.Random(seed))
        with InProcessBroker(files=disk, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
            assert committed(client) == 20


def test_created_topic_survives_a_power_cut_and_a_deleted_one_stays_away() -> None:
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        created = CreateTopicsRequest(topics=[CreatableTopic(name="new", num_partitions=3, replication_factor=1)])
        assert client.ask(created, CreateTopicsResponse, 7).topics[0].error_code == ErrorCode.NONE
        deleted = DeleteTopicsRequest(topics=[DeleteTopicState(name="t")])
        assert client.ask(deleted, DeleteTopicsResponse, 6).responses[0].error_code == ErrorCode.NONE
        step_count = len(files.journal)
    for seed in range(10):
        disk = files.power_cut(step_count, random.Random(seed))
        with InProcessBroker(files=disk) as broker, RawClient(broker.bootstrap) as client:
            topics = client.ask(MetadataRequest(topics=None), MetadataResponse, 9).topics
        assert [(topic.name, len(topic.partitions)) for topic in topics] == [("new", 3)]


def test_a_full_segment_is_synced_in_every_mode() -> None:
    """Or a start after a crash would read everything that was ever written, and snapshots would pile up."""
    storage = StorageSettings(flush=FlushMode.OS, checkpoint_interval_ms=50)
    settings = replace(_SETTINGS, storage=storage, topic_config_defaults=(("segment.bytes", "1048576"),))
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=settings) as broker, RawClient(broker.bootstrap) as client:
        for _ in range(12):
            assert produce(client, "t", batch(os.urandom(400_000))).error_code == ErrorCode.NONE
        wanted = 8
        while _durable_offset(broker) < wanted:
            assert produce(client, "t", batch(b"x"), partition=1).error_code == ErrorCode.NONE
        while len([path for path in files.paths() if path.startswith("t-0/") and path.endswith(".snapshot")]) > 3:
            assert produce(client, "t", batch(b"x"), partition=1).error_code == ErrorCode.NONE


def test_a_full_segment_that_is_durable_is_in_a_checkpoint_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """However quickly a log grows, a start after a crash reads its last segments and not a minute's worth."""
    monkeypatch.setattr(housekeeping, "_CHECKPOINT_PAUSE_S", 0.0)
    storage = StorageSettings(checkpoint_interval_ms=3_600_000)
    settings = replace(_SETTINGS, storage=storage, topic_config_defaults=(("segment.bytes", "1048576"),))
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=settings) as broker, RawClient(broker.bootstrap) as client:
        for sealed in (2, 4):
            while produce(client, "t", batch(os.urandom(400_000))).base_offset < sealed:
                pass
            for _ in range(10_000):
                if (read_offsets(files, RECOVERY_POINTS) or {}).get(("t", 0), 0) >= sealed:
                    break
                assert produce(client, "t", batch(b"x"), partition=1).error_code == ErrorCode.NONE
            else:
                pytest.fail("no checkpoint followed")


def _durable_offset(broker: InProcessBroker) -> int:
    def look(server: BrokerServer) -> int:
        partition = server.broker.topics.by_name["t"].partition(0)
        assert partition is not None
        assert partition.log is not None
        return partition.log.durable_offset

    return broker.call(look)
