"""How do written files get to the disk without holding up the loop?

Group commit: one round of syncs is under way at a time, and everything asked for meanwhile goes together in the next.
A round of files on a disk goes through the kernel's own queue (`aio`), which was faster than threads from two files
on (64 files of 16 KiB: 2.8 ms, four threads 4.8); from `SYNCFS_FILES_MIN` files on one syncfs(2) was faster still
(256 files: 6.1 ms against 8.9). Where the system has neither, threads do it. Files in memory are synced on the spot.

A sync that fails is told to everybody who asked for that file, now and later. It is never tried again.
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kcon_broker.server.aio import AioQueue
from kcon_broker.server.os_files import OsEntry
from kcon_broker.server.syncfs import find_syncfs
from kcon_broker.storage.files import Syncable

SYNCFS_FILES_MIN = 64
"""Lower would win a little, but syncfs also waits for what other programs wrote to the same file system."""
_AIO_DEPTH = 64


class SyncFailed(Exception):
    """Some files could not be synced: what they hold above the last good sync is unknown."""

    def __init__(self, errors: dict[Syncable, OSError]) -> None:
        names = ", ".join(f"{file.path or 'the data folder'} ({error.strerror})" for file, error in errors.items())
        super().__init__(f"could not be synced: {names}")
        self.errors = errors


class SyncEngine:
    """Syncs files in rounds. Made, used and closed in the thread of its loop."""

    def __init__(self, root: Path | None = None, *, workers: int = 4, use_aio: bool = True) -> None:
        """Prepare for files below `root`; None: there are only files in memory."""
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[asyncio.Future[None], list[Syncable]]] = []
        self._round: _Round | None = None
        self._workers = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="kcon-sync")
        self._root_descriptor = -1
        self._syncfs: Callable[[int], None] | None = None
        self._aio: AioQueue | None = None
        self.rounds = 0
        """Rounds begun so far."""
        self.files_synced = 0
        if root is not None:
            self._prepare(root, use_aio=use_aio)

    async def sync(self, files: Iterable[Syncable]) -> None:
        """Return when everything written to the files before this call is durable; raises SyncFailed."""
        wanted = list(files)
        if not wanted:
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((future, wanted))
        if self._round is None:
            self._begin_round()
        await future

    async def close(self) -> None:
        """Wait for the rounds under way and asked for, then give everything back."""
        pending = [future for future, _ in self._waiting]
        if self._round is not None:
            pending += [future for future, _ in self._round.waiters]
        if pending:
            await asyncio.wait(pending)
        self._threads.shutdown()
        if self._aio is not None:
            self._loop.remove_reader(self._aio.event_descriptor)
            self._aio.close()
            self._aio = None
        if self._root_descriptor >= 0:
            os.close(self._root_descriptor)
            self._root_descriptor = -1

    def _prepare(self, root: Path, *, use_aio: bool) -> None:
        # Errors of writes are told to descriptors opened before them: this one stays open for syncfs.
        self._root_descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._syncfs = find_syncfs()
        if use_aio:
            try:
                self._aio = AioQueue(_AIO_DEPTH)
            except OSError:
                # No such system, or another program took all of fs.aio-max-nr: threads do it.
                return
            self._loop.add_reader(self._aio.event_descriptor, self._aio_finished)

    def _begin_round(self) -> None:
        waiters, self._waiting = self._waiting, []
        this_round = self._round = _Round(waiters)
        self.rounds += 1
        on_disk: list[OsEntry] = []
        for file in dict.fromkeys(file for _, files in waiters for file in files):
            try:
                work = file.begin_sync()
            except OSError as error:
                this_round.errors[file] = error
                continue
            self.files_synced += 1
            this_round.works[file] = work
            if isinstance(file, OsEntry):
                on_disk.append(file)
            else:
                this_round.begun([file])
                this_round.ended(file, _error_of(work))
        self._sync_on_disk(this_round, on_disk)
        self._end_round_when_done(this_round)

    def _sync_on_disk(self, this_round: "_Round", files: list[OsEntry]) -> None:
        if not files:
            return
        this_round.begun(files)
        if self._syncfs is not None and len(files) >= SYNCFS_FILES_MIN:
            self._run(this_round, files, self._run_syncfs)
            return
        if self._aio is not None:
            files = self._submit(this_round, self._aio, files)
        for index in range(min(self._workers, len(files))):
            self._run(this_round, files[index :: self._workers], None)

    def _submit(self, this_round: "_Round", aio: AioQueue, files: list[OsEntry]) -> list[OsEntry]:
        """Give files to the kernel's queue; return those it did not take."""
        chunk = files[: aio.depth]
        try:
            taken = aio.submit([(file.descriptor, file.is_folder) for file in chunk])
        except OSError:
            # The queue is full or the file system does not take part: the threads do it.
            return files
        this_round.submitted = chunk[:taken]
        return files[taken:]

    def _aio_finished(self) -> None:
        this_round = self._round
        if self._aio is None or this_round is None:
            return
        for index, number in self._aio.take_finished():
            this_round.ended(this_round.submitted[index], OSError(number, os.strerror(number)) if number else None)
        self._end_round_when_done(this_round)

    def _run(self, this_round: "_Round", files: list[OsEntry], all_at_once: Callable[[], None] | None) -> None:
        """Sync files in a thread: one by one, or all of them by one function."""
        works = [this_round.works[file] for file in files] if all_at_once is None else [all_at_once]
        running = self._loop.run_in_executor(self._threads, lambda: [_error_of(work) for work in works])

        def finished(result: "asyncio.Future[list[OSError | None]]") -> None:
            errors = result.result()
            for file, error in zip(files, errors if all_at_once is None else errors * len(files), strict=True):
                this_round.ended(file, error)
            self._end_round_when_done(this_round)

        running.add_done_callback(finished)

    def _run_syncfs(self) -> None:
        assert self._syncfs is not None
        self._syncfs(self._root_descriptor)

    def _end_round_when_done(self, this_round: "_Round") -> None:
        if this_round is not self._round or this_round.unfinished:
            return
        self._round = None
        for future, files in this_round.waiters:
            errors = {file: this_round.errors[file] for file in files if file in this_round.errors}
            if future.cancelled():
                continue
            if errors:
                future.set_exception(SyncFailed(errors))
            else:
                future.set_result(None)
        if self._waiting:
            self._begin_round()


class _Round:
    """One round: who waits, what is still under way, what failed."""

    __slots__ = ("errors", "submitted", "unfinished", "waiters", "works")

    def __init__(self, waiters: list[tuple["asyncio.Future[None]", list[Syncable]]]) -> None:
        self.waiters = waiters
        self.works: dict[Syncable, Callable[[], None]] = {}
        self.unfinished = 0
        self.submitted: list[OsEntry] = []
        self.errors: dict[Syncable, OSError] = {}

    def begun(self, files: Iterable[Syncable]) -> None:
        """Take note of syncs that will end."""
        self.unfinished += len(list(files))

    def ended(self, file: Syncable, error: OSError | None) -> None:
        """Take note of the end of one."""
        file.end_sync(error)
        self.unfinished -= 1
        if error is not None:
            self.errors[file] = error


def _error_of(work: Callable[[], None]) -> OSError | None:
    try:
        work()
    except OSError as error:
        return error
    return None
