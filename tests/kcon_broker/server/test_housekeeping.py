"""What the broker does unasked: a clock that jumps erases nothing, a disk that fills is told before it is full."""

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kcon_broker.server.server import BrokerServer
from kcon_broker.settings import BrokerSettings, SeedTopic, StorageSettings
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from kcon_broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from tests.kcon_broker.raw_client import RawClient, batch, produce
from tests.kcon_broker.server.test_durability import fetch

SETTINGS = BrokerSettings(
    data_dir=Path(),
    port=0,
    seed_topics=(SeedTopic(name="t", partitions=1),),
    storage=StorageSettings(retention_check_interval_ms=1),
)
_TEN_YEARS_S = 10 * 365 * 86_400


class JumpingClock:
    """`time.time`, moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead_s = 0.0
        self.calls = 0
        real = time.time

        def moved() -> float:
            self.calls += 1
            return real() + self.ahead_s

        monkeypatch.setattr("time.time", moved)


@pytest.mark.parametrize("jump_s", [3_600, -3_600, _TEN_YEARS_S, -1_700_000_000])
def test_a_clock_that_jumps_erases_nothing(monkeypatch: pytest.MonkeyPatch, jump_s: float) -> None:
    """An hour either way, ten years ahead, 1970: retention runs on, and what is a minute old stays."""
    clock = JumpingClock(monkeypatch)
    with InProcessBroker(settings=SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        assert produce(client, "t", batch(b"before", producer_id=9, epoch=0, sequence=0)).error_code == ErrorCode.NONE
        clock.ahead_s = jump_s
        passes = broker.call(lambda server: server.housekeeping.retention_passes)
        while broker.call(lambda server: server.housekeeping.retention_passes) < passes + 3:
            pass
        assert b"before" in fetch(client, "t", 0, max_wait_ms=0)[1]
        # The producer is not forgotten either: its resent batch is the same one.
        again = produce(client, "t", batch(b"before", producer_id=9, epoch=0, sequence=0))
        assert (again.error_code, again.base_offset) == (ErrorCode.NONE, 0)


def test_a_partition_that_retention_emptied_is_written_on(tmp_path: Path) -> None:
    """Its last segment is sealed and goes at once: what was never synced of it must not be synced any more."""
    with InProcessBroker(tmp_path, settings=SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        assert produce(client, "t", batch(b"old", timestamp_ms=1_000)).error_code == ErrorCode.NONE
        passes = broker.call(lambda server: server.housekeeping.retention_passes)
        while broker.call(lambda server: server.housekeeping.retention_passes) < passes + 3:
            pass
        written = produce(client, "t", batch(b"new"))
        assert (written.error_code, written.base_offset) == (ErrorCode.NONE, 1)
        assert b"new" in fetch(client, "t", 1, max_wait_ms=0)[1]


def test_topics_that_change_while_the_metadata_log_is_compacted_are_as_they_were_after_a_kill(tmp_path: Path) -> None:
    """Created, deleted, made again, grown and configured, before and behind the place where the compaction is."""

    async def live() -> dict[str, tuple[bytes, int, dict[str, str]]]:
        server = BrokerServer(BrokerSettings(data_dir=tmp_path, port=0))
        await server.start()
        broker = server.broker
        for number in range(1_000):
            broker.create_topic(f"t{number}", 1, {})
        await server.committer.drain()
        compacting = asyncio.get_running_loop().create_task(server.housekeeping.compact_metadata())
        number = 0
        while not compacting.done():
            number += 1
            for name in (f"t{number}", f"t{900 - number}") if number < 400 else ():
                topic = broker.topics.by_name[name]
                if number % 3 == 0:
                    broker.delete_topic(topic, now_ms=0, wall_ms=0)
                if number % 6 == 0:
                    broker.create_topic(name, 2, {"retention.ms": "1"})
                if number % 3 == 1:
                    broker.grow_topic(topic, 3)
                    broker.configure_topic(topic, {"retention.ms": str(number)})
            if number < 400:
                broker.create_topic(f"new{number}", 1, {})
            await asyncio.sleep(0)
        assert number > 5
        await compacting
        await server.committer.drain()
        await server.abandon()
        return known(server)

    def known(server: BrokerServer) -> dict[str, tuple[bytes, int, dict[str, str]]]:
        topics = server.broker.topics.by_name.values()
        return {topic.name: (topic.topic_id, topic.partition_count, topic.configs) for topic in topics}

    before = asyncio.run(live())
    assert list((tmp_path / "metadata").iterdir()) == [tmp_path / "metadata" / "0000000002.log"]
    with InProcessBroker(tmp_path) as broker:
        assert broker.call(known) == before


def test_a_disk_that_fills_is_told_once_and_once_that_it_has_room(caplog: pytest.LogCaptureFixture) -> None:
    """One above the limit, at it, below it; and room is only told with some to spare."""
    space = [1 << 30]
    settings = replace(SETTINGS, storage=replace(SETTINGS.storage, low_space_bytes=1_000_000, reserved_space_bytes=0))

    def look(server: BrokerServer) -> None:
        server.broker.disk_space = lambda: (1 << 40, space[0])
        server.housekeeping.check_space()

    with InProcessBroker(settings=settings) as broker, caplog.at_level(logging.INFO, "kcon_broker"):
        for free, words in (
            (1_000_000, None),
            (999_999, "nearly full"),
            (10, None),
            (1_999_999, None),
            (2_000_000, "has room again"),
            (5_000_000, None),
        ):
            space[0] = free
            caplog.clear()
            broker.call(look)
            lines = [record.getMessage() for record in caplog.records]
            assert [words is not None and words in line for line in lines] == [True] * (words is not None)


def test_no_record_is_taken_while_the_disk_has_only_what_is_reserved() -> None:
    """At the limit, below it, and with some to spare; commits go on, and it needs no restart."""
    space = [1 << 40]
    settings = replace(SETTINGS, storage=replace(SETTINGS.storage, low_space_bytes=0, reserved_space_bytes=1_000_000))

    def look(server: BrokerServer) -> None:
        server.broker.disk_space = lambda: (1 << 40, space[0])
        server.housekeeping.check_space()

    commit = OffsetCommitRequest(
        group_id="g",
        topics=[OffsetCommitRequestTopic(name="t", partitions=[OffsetCommitRequestPartition(committed_offset=1)])],
    )
    with InProcessBroker(settings=settings) as broker, RawClient(broker.bootstrap) as client:
        client.ask(FindCoordinatorRequest(key="g"), FindCoordinatorResponse, 2)
        for free, expected in (
            (1_000_000, ErrorCode.NONE),
            (999_999, ErrorCode.KAFKA_STORAGE_ERROR),
            (1_999_999, ErrorCode.KAFKA_STORAGE_ERROR),
            (2_000_000, ErrorCode.NONE),
        ):
            space[0] = free
            broker.call(look)
            assert produce(client, "t", batch(b"x")).error_code == expected
            answer = client.ask(commit, OffsetCommitResponse, 2)
            assert answer.topics[0].partitions[0].error_code == ErrorCode.NONE


@pytest.mark.parametrize(("free", "is_taken"), [(99, False), (100, True), (101, True)])
def test_of_a_small_disk_a_fiftieth_is_reserved(free: int, is_taken: bool) -> None:
    with InProcessBroker(settings=SETTINGS) as broker, RawClient(broker.bootstrap) as client:

        def look(server: BrokerServer) -> None:
            server.broker.disk_space = lambda: (5_000, free)
            server.housekeeping.check_space()

        broker.call(look)
        assert (produce(client, "t", batch(b"x")).error_code == ErrorCode.NONE) is is_taken


def test_many_topics_deleted_at_once_leave_no_folder_no_error_and_no_task(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each deletion asks for a removal of all that is to go: they must not get in each other's way, or pile up."""

    async def live() -> int:
        server = BrokerServer(BrokerSettings(data_dir=tmp_path, port=0))
        await server.start()
        for number in range(60):
            topic, _ = server.broker.create_topic(f"t{number}", 2, {})
            for index in range(2):
                partition = topic.partition(index)
                assert partition is not None
                log = server.broker.log_of(partition)
                assert log is not None
                log.append(bytearray(batch(b"x")), now_ms=0)
                server.broker.dirty[partition] = None
        await server.committer.drain()
        for name in list(server.broker.topics.by_name):
            server.broker.delete_topic(server.broker.topics.by_name[name], now_ms=0, wall_ms=0)
        while server.housekeeping._removals:
            await asyncio.sleep(0)
        await server.stop()
        return len(server.housekeeping._tasks)

    tasks = asyncio.run(live())
    assert not list(tmp_path.glob("*-delete"))
    assert [record.getMessage() for record in caplog.records] == []
    assert tasks < 10


def test_a_file_that_is_gone_already_keeps_no_other_from_being_removed(tmp_path: Path) -> None:
    async def live() -> None:
        server = BrokerServer(BrokerSettings(data_dir=tmp_path, port=0))
        await server.start()
        (tmp_path / "left").write_bytes(b"")
        await server.housekeeping._remove_deleted(["gone", "left"])
        await server.stop()

    asyncio.run(live())
    assert not (tmp_path / "left").exists()
