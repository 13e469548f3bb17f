"""A round covers all that was asked for before it began, and a failure reaches everybody it concerns, for good."""

import asyncio
import errno
import os
import select
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from kcon_broker.server.aio import AioQueue
from kcon_broker.server.os_files import OsFiles
from kcon_broker.server.sync import SYNCFS_FILES_MIN, Errors, SyncEngine, SyncFailed
from kcon_broker.storage.files import File, write_all
from kcon_broker.storage.memory_files import MemoryFiles


def with_engine(test: Callable[[SyncEngine, OsFiles], Awaitable[None]], root: Path, *, use_aio: bool) -> None:
    async def run() -> None:
        files = OsFiles(root, open_files_max=256)
        engine = SyncEngine(root, use_aio=use_aio)
        try:
            await test(engine, files)
        finally:
            await engine.close()
            files.close()

    asyncio.run(run())


def written(files: OsFiles, count: int) -> list[File]:
    handles = [files.open(f"file-{number}", create=True) for number in range(count)]
    for file in handles:
        write_all(file, [b"x"], 0)
    return handles


@pytest.mark.parametrize("use_aio", [True, False])
@pytest.mark.parametrize("count", [1, 5, SYNCFS_FILES_MIN - 1, SYNCFS_FILES_MIN, SYNCFS_FILES_MIN + 30])
def test_files_and_folders_are_clean_afterwards(tmp_path: Path, count: int, use_aio: bool) -> None:
    async def test(engine: SyncEngine, files: OsFiles) -> None:
        dirty = [*written(files, count), files.folder("")]
        assert all(file.is_dirty for file in dirty)
        await engine.sync(dirty)
        assert not any(file.is_dirty for file in dirty)
        assert (engine.rounds, engine.files_synced) == (1, count + 1)

    with_engine(test, tmp_path, use_aio=use_aio)


@pytest.mark.parametrize("use_aio", [True, False])
@pytest.mark.parametrize("count", [10, 100])
def test_rounds_run_side_by_side_and_each_ends_once(tmp_path: Path, count: int, use_aio: bool) -> None:
    """More files than the kernel's queue holds go through threads."""

    async def test(engine: SyncEngine, files: OsFiles) -> None:
        handles = written(files, count)
        ended: list[int] = []
        all_ended = asyncio.Event()

        def end(number: int, errors: Errors) -> None:
            assert not errors
            ended.append(number)
            if len(ended) == count:
                all_ended.set()

        for number, file in enumerate(handles):
            engine.begin([file], partial(end, number))
        assert not ended, "nobody is called back before the call returns"
        await asyncio.wait_for(all_ended.wait(), 30)
        assert sorted(ended) == list(range(count))
        assert (engine.rounds, engine.files_synced) == (count, count)
        assert not any(file.is_dirty for file in handles)

    with_engine(test, tmp_path, use_aio=use_aio)


def test_what_has_ended_is_told_without_the_loop(tmp_path: Path) -> None:
    """In the middle of a round of requests nobody waits for its end to hear of a sync."""

    async def test(engine: SyncEngine, files: OsFiles) -> None:
        if engine._aio is None:
            pytest.skip("the kernel has no queue of its own for syncs here")
        ended: list[Errors] = []
        engine.take_finished()
        engine.begin(written(files, 1), ended.append)
        readable, _, _ = select.select([engine._aio.event_descriptor], [], [], 30)
        assert readable
        assert not ended
        engine.take_finished()
        assert ended == [{}]
        engine.take_finished()
        assert ended == [{}]

    with_engine(test, tmp_path, use_aio=True)


def test_error_that_another_sync_of_the_file_was_told_counts_for_both(tmp_path: Path) -> None:
    """The kernel tells it once: to whichever sync asks first."""

    async def test(engine: SyncEngine, files: OsFiles) -> None:
        (file,) = written(files, 1)
        syncing = asyncio.ensure_future(engine.sync([file]))  # noqa: TID251
        await asyncio.sleep(0)
        file.begin_sync()
        file.end_sync(OSError(errno.EIO, "gone"))
        with pytest.raises(SyncFailed):
            await syncing

    with_engine(test, tmp_path, use_aio=False)


def test_sync_in_the_thread_of_the_loop_tells_errors_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "gone")

    async def test(engine: SyncEngine, files: OsFiles) -> None:
        (file,) = written(files, 1)
        assert engine.sync_here(file) == {}
        assert not file.is_dirty
        write_all(file, [b"y"], 1)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", fail)
            assert [error.errno for error in engine.sync_here(file).values()] == [errno.EIO]
        assert list(engine.sync_here(file)) == [file], "for good"

    with_engine(test, tmp_path, use_aio=True)


@pytest.mark.parametrize("use_aio", [True, False])
def test_a_failure_is_told_for_its_file_only_and_stays(tmp_path: Path, use_aio: bool) -> None:
    async def test(engine: SyncEngine, files: OsFiles) -> None:
        good, bad = written(files, 2)
        work = bad.begin_sync()
        work()
        bad.end_sync(OSError(errno.EIO, "gone"))
        with pytest.raises(SyncFailed) as failed:
            await engine.sync([good, bad])
        assert list(failed.value.errors) == [bad]
        assert "file-1" in str(failed.value)
        await engine.sync([good])
        with pytest.raises(SyncFailed):
            await engine.sync([bad])

    with_engine(test, tmp_path, use_aio=use_aio)


def test_an_error_of_a_thread_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    async def test(engine: SyncEngine, files: OsFiles) -> None:
        (file,) = written(files, 1)
        monkeypatch.setattr(os, "fdatasync", fail)
        with pytest.raises(SyncFailed):
            await engine.sync([file])
        monkeypatch.undo()
        with pytest.raises(SyncFailed):
            await engine.sync([file])

    with_engine(test, tmp_path, use_aio=False)


def test_an_error_that_the_kernels_queue_reports_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take_finished = AioQueue.take_finished

    def take_with_an_error(queue: AioQueue) -> list[tuple[int, int]]:
        return [(index, errno.EIO if index == 1 else number) for index, number in take_finished(queue)]

    monkeypatch.setattr(AioQueue, "take_finished", take_with_an_error)

    async def test(engine: SyncEngine, files: OsFiles) -> None:
        handles = written(files, 3)
        with pytest.raises(SyncFailed) as failed:
            await engine.sync(handles)
        assert {file.path: error.errno for file, error in failed.value.errors.items()} == {"file-1": errno.EIO}
        assert [file.is_dirty for file in handles] == [False, True, False]

    with_engine(test, tmp_path, use_aio=True)


def test_the_kernels_queue_syncs_files_and_folders_and_refuses_a_pipe(tmp_path: Path) -> None:

    async def run() -> list[tuple[int, int]]:
        queue = AioQueue(4)
        read_end, write_end = os.pipe()
        file = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
        arrived = asyncio.Event()
        finished: list[tuple[int, int]] = []

        def take() -> None:
            finished.extend(queue.take_finished())
            if len(finished) == 2:
                arrived.set()

        asyncio.get_running_loop().add_reader(queue.event_descriptor, take)
        try:
            taken = queue.submit([(file, False), (tmp_descriptor, True)], first_token=7)
            assert taken == 2
            await asyncio.wait_for(arrived.wait(), 30)
            with pytest.raises(OSError, match="Invalid argument"):
                queue.submit([(write_end, False)], first_token=9)
        finally:
            asyncio.get_running_loop().remove_reader(queue.event_descriptor)
            queue.close()
            for descriptor in (read_end, write_end, file):
                os.close(descriptor)
        return sorted(finished)

    tmp_descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        assert asyncio.run(run()) == [(7, 0), (8, 0)]
    finally:
        os.close(tmp_descriptor)


def test_files_in_memory_are_synced_on_the_spot() -> None:
    async def run() -> None:
        files = MemoryFiles()
        engine = SyncEngine()
        try:
            file = files.open("a", create=True)
            write_all(file, [b"x"], 0)
            await engine.sync([file, files.folder("")])
            assert [step.kind for step in files.journal] == ["create", "write", "sync", "sync_folder"]
            files.faults.sync_errors["a"] = errno.EIO
            write_all(file, [b"x"], 0)
            with pytest.raises(SyncFailed):
                await engine.sync([file])
        finally:
            await engine.close()

    asyncio.run(run())


def test_nothing_to_sync_is_no_round() -> None:
    async def run() -> None:
        engine = SyncEngine()
        await engine.sync([])
        assert engine.rounds == 0
        await engine.close()

    asyncio.run(run())


def test_close_waits_for_what_was_asked_for(tmp_path: Path) -> None:
    async def run() -> None:
        files = OsFiles(tmp_path, open_files_max=256)
        engine = SyncEngine(tmp_path)
        handles = written(files, 6)
        waiting = [asyncio.ensure_future(engine.sync([file])) for file in handles]  # noqa: TID251
        await asyncio.sleep(0)
        await engine.close()
        await asyncio.gather(*waiting)
        assert not any(file.is_dirty for file in handles)
        files.close()

    asyncio.run(run())
