"""Checkpoints are written off the loop: who waits for one hears of it when no crash can undo what it says."""

import asyncio
import random
from pathlib import Path

import pytest

from kcon_broker.server.checkpoints import CheckpointWriter
from kcon_broker.server.server import BrokerServer
from kcon_broker.server.tasks import spawn
from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.state.gate import Gate
from kcon_broker.storage.checkpoint import LOG_STARTS, read_offsets
from kcon_broker.storage.data_folder import DataFolder
from kcon_broker.storage.memory_files import MemoryFiles
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)
from kcon_broker.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicState
from tests.kcon_broker.raw_client import RawClient, batch, produce

_SETTINGS = BrokerSettings(data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=4),))


class Notes:
    """A waiter that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def gate_passed(self, gate: Gate) -> None:
        self.told.append("passed")

    def gate_failed(self, gate: Gate) -> None:
        self.told.append("failed")


def delete_records(client: RawClient, offsets: dict[int, int]) -> list[DeleteRecordsPartitionResult]:
    """Move the starts of partitions of topic t."""
    wishes = [DeleteRecordsPartition(partition_index=index, offset=offset) for index, offset in offsets.items()]
    request = DeleteRecordsRequest(topics=[DeleteRecordsTopic(name="t", partitions=wishes)], timeout_ms=10_000)
    return client.ask(request, DeleteRecordsResponse, 2).topics[0].partitions


def log_start(server: BrokerServer) -> int:
    """Return where partition 0 of topic t begins."""
    partition = server.broker.topics.by_name["t"].partition(0)
    assert partition is not None
    log = server.broker.log_of(partition)
    assert log is not None
    return log.log_start_offset


def test_deleted_records_stay_away_after_a_power_cut() -> None:
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        for _ in range(5):
            assert produce(client, "t", batch(b"x")).error_code == ErrorCode.NONE
        (result,) = delete_records(client, {0: 3})
        assert (result.error_code, result.low_watermark) == (ErrorCode.NONE, 3)
        step_count = len(files.journal)
    for seed in range(10):
        disk = files.power_cut(step_count, random.Random(seed))
        with InProcessBroker(files=disk, settings=_SETTINGS) as broker:
            assert broker.call(log_start) == 3


def test_a_start_that_cannot_be_kept_is_an_error_for_its_partition_alone() -> None:
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        for _ in range(5):
            assert produce(client, "t", batch(b"x")).error_code == ErrorCode.NONE
        files.faults.sync_errors[LOG_STARTS] = 5
        moved, refused = delete_records(client, {0: 3, 1: 7})
        assert (moved.error_code, moved.low_watermark) == (ErrorCode.KAFKA_STORAGE_ERROR, -1)
        assert refused.error_code == ErrorCode.OFFSET_OUT_OF_RANGE
        files.faults.sync_errors.clear()
        (again,) = delete_records(client, {0: 4})
        assert (again.error_code, again.low_watermark) == (ErrorCode.NONE, 4)
        assert read_offsets(files, LOG_STARTS) == {("t", 0): 4}


def test_offsets_of_a_deleted_topic_are_forgotten_before_a_new_one_needs_it() -> None:
    """Its first records would wait for that, and with them everybody."""
    files = MemoryFiles()
    with InProcessBroker(files=files, settings=_SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        for _ in range(5):
            assert produce(client, "t", batch(b"x")).error_code == ErrorCode.NONE
        delete_records(client, {0: 3})
        deleted = DeleteTopicsRequest(topics=[DeleteTopicState(name="t")])
        assert client.ask(deleted, DeleteTopicsResponse, 6).responses[0].error_code == ErrorCode.NONE
        asyncio.run_coroutine_threadsafe(broker.call(lambda server: server._checkpoints.drain()), broker._loop).result(
            30
        )
        assert read_offsets(files, LOG_STARTS) == {}


@pytest.mark.parametrize("fails", [False, True])
def test_all_who_ask_meanwhile_share_the_next_write(fails: bool) -> None:
    files = MemoryFiles()
    folder = DataFolder.open(files, new_cluster_id=lambda: "cluster")

    async def run() -> tuple[list[str], list[str]]:
        writer = CheckpointWriter(folder)
        first, second = Notes(), Notes()
        folder.note_cleaned("t", 0, 1)
        writer.saved.wait(writer.soon(), first)
        if fails:
            files.faults.sync_errors["checkpoint"] = 5
        writing = spawn(writer.write(), name="write")
        for offset in range(2, 5):
            folder.note_cleaned("t", 0, offset)
            writer.saved.wait(writer.soon(), second)
        assert not first.told
        assert not second.told
        await asyncio.gather(writing, return_exceptions=True)
        await writer.drain()
        return first.told, second.told

    word = "failed" if fails else "passed"
    assert asyncio.run(run()) == ([word], [word] * 3)
    if not fails:
        assert read_offsets(files, "cleaner-offset-checkpoint") == {("t", 0): 4}
