"""How do written files get to the disk without holding up the loop?

In rounds of files, several side by side; which files go together, and when, is decided in `commit`. A round of files
on a disk goes through the kernel's own queue (`aio`), which was faster than threads from two files on (64 files of
16 KiB: 2.8 ms, four threads 4.8); from `SYNCFS_FILES_MIN` files on one syncfs(2) was faster still (256 files: 6.1 ms
against 8.9). Where the system has neither, threads do it. Files in memory are synced on the spot.

A sync that fails is told to everybody who asked for that file, now and later. It is never tried again.
"""

import asyncio
import errno
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


Errors = dict[Syncable, OSError]
"""What could not be synced, and why."""


class SyncEngine:
    """Syncs files in rounds. Made, used and closed in the thread of its loop."""

    def __init__(self, root: Path | None = None, *, workers: int = 4, use_aio: bool = True) -> None:
        """Prepare for files below `root`; None: there are only files in memory."""
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[_Round, None] = {}
        self._by_token: dict[int, tuple[_Round, OsEntry]] = {}
        self._next_token = 0
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

    def begin(self, files: Iterable[Syncable], on_end: Callable[[Errors], None]) -> None:
        """Sync files; the loop calls `on_end` when everything written to them before this call is durable, or failed.

        No file may be in two rounds at once: the kernel tells an error of a file to one of them only.
        """
        this_round = _Round(on_end)
        self._under_way[this_round] = None
        wanted = dict.fromkeys(files)
        self.rounds += bool(wanted)
        on_disk: list[OsEntry] = []
        for file in wanted:
            try:
                work = file.begin_sync()
            except OSError as error:
                this_round.errors[file] = error
                continue
            self.files_synced += 1
            this_round.unfinished += 1
            if isinstance(file, OsEntry):
                this_round.works[file] = work
                on_disk.append(file)
            else:
                this_round.ended(file, _error_of(work))
        if on_disk:
            self._sync_on_disk(this_round, on_disk)
        if not this_round.unfinished:
            self._loop.call_soon(self._end_when_done, this_round)

    async def sync(self, files: Iterable[Syncable]) -> None:
        """Return when everything written to the files before this call is durable; raises SyncFailed."""
        ended: asyncio.Future[Errors] = self._loop.create_future()
        self.begin(files, ended.set_result)
        errors = await asyncio.shield(ended)
        if errors:
            raise SyncFailed(errors)

    def take_finished(self) -> None:
        """End the rounds that are done by now, without waiting for the loop to notice."""
        if self._aio is not None and self._aio.under_way:
            self._aio_finished()

    def sync_here(self, file: Syncable) -> Errors:
        """Sync one file in this thread, which waits for the disk."""
        self.rounds += 1
        self.files_synced += 1
        try:
            file.sync()
        except OSError as error:
            return {file: error}
        return {}

    async def close(self) -> None:
        """Wait for the rounds under way, then give everything back."""
        while self._under_way:
            await asyncio.wait([this_round.is_over for this_round in self._under_way])
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

    def _sync_on_disk(self, this_round: "_Round", files: list[OsEntry]) -> None:
        if self._syncfs is not None and len(files) >= SYNCFS_FILES_MIN:
            self._run(this_round, files, self._run_syncfs)
            return
        if self._aio is not None:
            files = self._submit(this_round, self._aio, files)
        for index in range(min(self._workers, len(files))):
            self._run(this_round, files[index :: self._workers], None)

    def _submit(self, this_round: "_Round", aio: AioQueue, files: list[OsEntry]) -> list[OsEntry]:
        """Give files to the kernel's queue; return those it did not take."""
        chunk = files[: aio.depth - aio.under_way]
        first_token = self._next_token
        try:
            taken = aio.submit([(file.descriptor, file.is_folder) for file in chunk], first_token=first_token)
        except OSError:
            # The queue is full or the file system does not take part: the threads do it.
            return files
        self._next_token += taken
        for index in range(taken):
            self._by_token[first_token + index] = (this_round, chunk[index])
        return files[taken:]

    def _aio_finished(self) -> None:
        if self._aio is None:
            return
        rounds: dict[_Round, None] = {}
        for token, number in self._aio.take_finished():
            this_round, file = self._by_token.pop(token)
            this_round.ended(file, OSError(number, os.strerror(number)) if number else None)
            rounds[this_round] = None
        for this_round in rounds:
            self._end_when_done(this_round)

    def _run(self, this_round: "_Round", files: list[OsEntry], all_at_once: Callable[[], None] | None) -> None:
        """Sync files in a thread: one by one, or all of them by one function."""
        works = [this_round.works[file] for file in files] if all_at_once is None else [all_at_once]
        running = self._loop.run_in_executor(self._threads, lambda: [_error_of(work) for work in works])

        def finished(result: "asyncio.Future[list[OSError | None]]") -> None:
            errors = result.result()
            for file, error in zip(files, errors if all_at_once is None else errors * len(files), strict=True):
                this_round.ended(file, error)
            self._end_when_done(this_round)

        running.add_done_callback(finished)

    def _run_syncfs(self) -> None:
        assert self._syncfs is not None
        self._syncfs(self._root_descriptor)

    def _end_when_done(self, this_round: "_Round") -> None:
        if not this_round.unfinished:
            del self._under_way[this_round]
            if this_round.waiter is not None:
                this_round.waiter.set_result(None)
            this_round.on_end(this_round.errors)


class _Round:
    """One round: what is still under way, what failed, whom to tell."""

    __slots__ = ("errors", "on_end", "unfinished", "waiter", "works")

    def __init__(self, on_end: Callable[[Errors], None]) -> None:
        self.on_end = on_end
        self.works: dict[OsEntry, Callable[[], None]] = {}
        self.unfinished = 0
        self.errors: Errors = {}
        self.waiter: asyncio.Future[None] | None = None

    @property
    def is_over(self) -> "asyncio.Future[None]":
        """Return what is done when the round is over."""
        if self.waiter is None:
            self.waiter = asyncio.get_running_loop().create_future()
        return self.waiter

    def ended(self, file: Syncable, error: OSError | None) -> None:
        """Take note of the end of one."""
        if error is None and isinstance(file, OsEntry) and file.has_failed:
            # Another sync of it was told the error, which is told once.
            error = OSError(errno.EIO, "another sync of it failed")
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
