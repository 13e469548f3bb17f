"""How do files on a disk behave as `Files`, with a bound on the open ones?

A file has a descriptor only while it is in use: at most `open_files_max` are open, and the one unused for longest is
closed for another. One that was written is synced before it is closed: closing it could lose the error of a write
that the kernel does later. All methods belong to one thread, but for the removal of what nobody has open, and the
function that `begin_sync` returns, whose file stays open meanwhile.
"""

import contextlib
import errno
import os
import shutil
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

from kcon_broker.server.file_parts import PART_BYTES_MIN, FilePart
from kcon_broker.server.page_cache import find_cachestat
from kcon_broker.server.read_buffers import BufferPool
from kcon_broker.server.syncfs import find_syncfs
from kcon_broker.storage.files import Buffer, File, Syncable, WouldBlockError
from kcon_broker.wire.stored_bytes import StoredBytes

_READ_FLAGS = getattr(os, "RWF_NOWAIT", 0)
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
OPEN_FILES_MIN = 8


class OsFiles:
    """The data folder on a disk."""

    def __init__(self, root: Path, *, open_files_max: int) -> None:
        self.root = str(root)
        self._open_files_max = max(open_files_max, OPEN_FILES_MIN)
        self._open: OrderedDict[OsFile, None] = OrderedDict()
        self._known: dict[str, dict[str, OsFile]] = {}
        """Folder -> name -> file. One object a file, so that its dirty mark and its failure are known to all."""
        self._folders: dict[str, OsEntry] = {}
        self.read_buffers = BufferPool()
        self.is_cached = find_cachestat()
        self.pinned_count = 0
        """Files of which clients are being sent parts."""
        self._syncfs = find_syncfs()
        self._root_descriptor = -1

    @property
    def open_count(self) -> int:
        """Files that have a descriptor."""
        return len(self._open)

    def open(self, path: str, *, create: bool = False) -> File:
        """Return the file; see `Files.open`."""
        folder, _, name = path.rpartition("/")
        file = self._known.get(folder, {}).get(name)
        if file is None:
            file = OsFile(self, path)
            existed = True
            if create:
                existed = os.path.lexists(self.full(path))
            self.open_descriptor(file, create=create)
            if not existed:
                self._folder(folder).changed = True
        return file

    def folder(self, path: str) -> Syncable:
        """Return the folder, to be synced."""
        return self._folder(path)

    def exists(self, path: str) -> bool:
        """Say whether there is a file or folder of this name."""
        return os.path.lexists(self.full(path))

    def list_names(self, path: str) -> list[str]:
        """Return the names in a folder."""
        try:
            return os.listdir(self.full(path))
        except FileNotFoundError:
            return []

    def make_folder(self, path: str) -> None:
        """Make one folder."""
        try:
            os.mkdir(self.full(path), _FOLDER_MODE)
        except FileExistsError:
            return
        self._folder(path.rpartition("/")[0]).changed = True

    def rename(self, old_path: str, new_path: str) -> None:
        """Rename a file or folder inside its parent."""
        os.rename(self.full(old_path), self.full(new_path))
        folder, _, old_name = old_path.rpartition("/")
        new_name = new_path.rpartition("/")[2]
        known = self._known.get(folder, {})
        replaced = known.pop(new_name, None)
        if replaced is not None:
            self.close_descriptor(replaced)
        file = known.pop(old_name, None)
        if file is not None:
            file.path = new_path
            known[new_name] = file
        self._forget_folder(old_path)
        self._folder(folder).changed = True

    def remove(self, path: str) -> None:
        """Remove one file."""
        os.unlink(self.full(path))
        folder, _, name = path.rpartition("/")
        file = self._known.get(folder, {}).pop(name, None)
        if file is not None:
            self.close_descriptor(file)

    def remove_tree(self, path: str) -> None:
        """Remove a folder and everything in it."""
        shutil.rmtree(self.full(path))
        self._forget_folder(path)

    def close(self) -> None:
        """Close every descriptor; whatever has to be synced was."""
        for file in list(self._open):
            self.close_descriptor(file)
        if self._root_descriptor >= 0:
            os.close(self._root_descriptor)
            self._root_descriptor = -1
        self._known.clear()
        self._folders.clear()

    # Used by the files

    def full(self, path: str) -> str:
        """Return the path for the operating system."""
        return f"{self.root}/{path}" if path else self.root

    def touch(self, file: "OsFile") -> int:
        """Return the descriptor of a file that is about to be used."""
        if file.descriptor < 0:
            self.open_descriptor(file, create=False)
        else:
            self._open.move_to_end(file)
        return file.descriptor

    def open_descriptor(self, file: "OsFile", *, create: bool) -> None:
        """Open a file, making room for it first."""
        if len(self._open) >= self._open_files_max:
            self._make_room()
        if self._root_descriptor < 0 and self._syncfs is not None:
            # Open before anything is written, or syncfs would not tell of errors.
            self._root_descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        file.descriptor = os.open(self.full(file.path), flags, _FILE_MODE)
        self._open[file] = None
        folder, _, name = file.path.rpartition("/")
        self._known.setdefault(folder, {}).setdefault(name, file)

    def close_descriptor(self, file: "OsFile") -> None:
        """Close a file, unless another thread uses it: then it is closed when that ends."""
        if file.is_in_use:
            file.is_closing = True
        elif file.descriptor >= 0:
            os.close(file.descriptor)
            file.descriptor = -1
            self._open.pop(file, None)

    @property
    def may_pin(self) -> bool:
        """One more file may be held open for a client that reads: half of them must stay free to be closed."""
        return self.pinned_count < self._open_files_max // 2

    def forget(self, file: "OsFile") -> None:
        """Drop a file that nobody has to remember anything of."""
        folder, _, name = file.path.rpartition("/")
        known = self._known.get(folder)
        if known is not None and known.get(name) is file:
            del known[name]
            if not known:
                del self._known[folder]

    def _make_room(self) -> None:
        """Close the file unused for longest: a clean one, or else a written one after a sync."""
        written: list[OsFile] = []
        for file in self._open:
            if file.is_in_use:
                continue
            if not file.is_dirty:
                file.close()
                return
            if file.has_failed:
                self.close_descriptor(file)
                return
            written.append(file)
        if not written:
            return
        # Files remember a failure: whoever waits for their sync will be told.
        if self._syncfs is not None:
            self._sync_all(self._syncfs, written)
        else:
            with contextlib.suppress(OSError):
                written[0].sync()
        self.close_descriptor(written[0])

    def _sync_all(self, syncfs: Callable[[int], None], files: Sequence["OsFile"]) -> None:
        """Sync all open files together: it takes hardly longer than one, and makes room for many."""
        failure: OSError | None = None
        for file in files:
            file.begin_sync()
        try:
            syncfs(self._root_descriptor)
        except OSError as error:
            failure = error
        for file in files:
            file.end_sync(failure)

    def _forget_folder(self, path: str) -> None:
        for file in self._known.pop(path, {}).values():
            self.close_descriptor(file)
        self._folders.pop(path, None)

    def _folder(self, path: str) -> "OsEntry":
        found = self._folders.get(path)
        if found is None:
            found = self._folders[path] = OsEntry(self, path)
        return found


class OsEntry:
    """A folder, and what a file has in common with it: the dirty mark, the syncs under way, a failure that stays."""

    __slots__ = ("_failure", "_files", "changed", "descriptor", "path", "sync_count")

    is_folder = True

    def __init__(self, files: OsFiles, path: str) -> None:
        self._files = files
        self._failure: OSError | None = None
        self.path = path
        self.descriptor = -1
        """-1: not open. Open from `begin_sync` to `end_sync` in any case."""
        self.changed = False
        """Written, or names changed, since the last sync began."""
        self.sync_count = 0
        """Syncs under way."""

    @property
    def is_dirty(self) -> bool:
        """Something changed since the last sync ended well."""
        return self.changed or self.sync_count > 0 or self._failure is not None

    @property
    def has_failed(self) -> bool:
        """A sync failed: whatever else was written is not known to be on the disk."""
        return self._failure is not None

    def begin_sync(self) -> Callable[[], None]:
        """Return the function that syncs; see `Syncable.begin_sync`."""
        if self._failure is not None:
            raise self._failure
        if self.descriptor < 0:
            self.descriptor = os.open(self._files.full(self.path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        descriptor = self.descriptor
        self._begin()
        return lambda: os.fsync(descriptor)

    def end_sync(self, error: OSError | None) -> None:
        """Say how the sync ended."""
        self.sync_count -= 1
        if self.is_folder and not self.sync_count:
            os.close(self.descriptor)
            self.descriptor = -1
        if error is not None:
            self._failure = self._failure or error

    def sync(self) -> None:
        """Sync now, in this thread."""
        work = self.begin_sync()
        try:
            work()
        except OSError as error:
            self.end_sync(error)
            raise
        self.end_sync(None)

    def _begin(self) -> None:
        self.changed = False
        self.sync_count += 1


class OsFile(OsEntry):
    """One file on the disk."""

    __slots__ = ("is_closing", "part_count", "reader_count")

    is_folder = False

    def __init__(self, files: OsFiles, path: str) -> None:
        super().__init__(files, path)
        self.is_closing = False
        self.part_count = 0
        """Parts of it in answers that are not sent yet."""
        self.reader_count = 0
        """Threads that read, and those parts."""

    @property
    def is_in_use(self) -> bool:
        """Another thread uses the descriptor."""
        return self.sync_count > 0 or self.reader_count > 0

    def begin_sync(self) -> Callable[[], None]:
        """Return the function that syncs; see `Syncable.begin_sync`."""
        if self._failure is not None:
            raise self._failure
        descriptor = self._files.touch(self)
        self._begin()
        return lambda: os.fdatasync(descriptor)

    def end_sync(self, error: OSError | None) -> None:
        """Say how the sync ended."""
        super().end_sync(error)
        self._close_if_due()

    def write(self, buffers: Sequence[Buffer], position: int) -> int:
        """Write at `position`; see `File.write`."""
        descriptor = self._files.touch(self)
        self.changed = True
        if len(buffers) == 1:
            return os.pwrite(descriptor, buffers[0], position)
        return os.pwritev(descriptor, buffers, position)

    def read(self, size: int, position: int) -> bytes:
        """Return up to `size` bytes from `position`; see `File.read`."""
        return _read(self._files.touch(self), size, position)

    def read_now(self, size: int, position: int) -> memoryview:
        """Return what is in memory, in a buffer that is used again when nobody holds a view of it any more."""
        descriptor = self._files.touch(self)
        buffer = self._files.read_buffers.take(size)
        total = 0
        try:
            while total < size:
                count = os.preadv(descriptor, [buffer[total:]], position + total, _READ_FLAGS)
                if count == 0:
                    break
                total += count
        except BlockingIOError:
            raise WouldBlockError(self, size, position) from None
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
            # This file system cannot tell.
            return memoryview(_read(descriptor, size, position))
        return buffer[:total]

    def part_now(self, size: int, position: int) -> memoryview | StoredBytes:
        """Return what is in memory: a large part as one that the kernel sends by itself, where it can."""
        files = self._files
        is_cached = files.is_cached
        if size < PART_BYTES_MIN or is_cached is None or not (self.part_count or files.may_pin):
            return self.read_now(size, position)
        descriptor = files.touch(self)
        if not is_cached(descriptor, size, position):
            raise WouldBlockError(self, size, position)
        return FilePart(self, files, descriptor, size, position)

    def begin_read(self) -> Callable[[int, int], bytes]:
        """Return a function that reads in any thread; see `File.begin_read`."""
        descriptor = self._files.touch(self)
        self.reader_count += 1
        return lambda size, position: _read(descriptor, size, position)

    def end_read(self) -> None:
        """Say that it reads no more; see `File.end_read`."""
        self.reader_count -= 1
        self._close_if_due()

    def read_into(self, buffer: memoryview, position: int) -> int:
        """Fill `buffer` from `position`; see `File.read_into`."""
        descriptor = self._files.touch(self)
        total = 0
        while total < len(buffer):
            count = os.preadv(descriptor, [buffer[total:]], position + total)
            if count == 0:
                break
            total += count
        return total

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes."""
        descriptor = self._files.touch(self)
        self.changed = True
        os.ftruncate(descriptor, size)

    def size(self) -> int:
        """Return the size of the file in bytes."""
        return os.fstat(self._files.touch(self)).st_size

    def close(self) -> None:
        """Give back the descriptor; a written file keeps it until it was synced and another needs the room."""
        if not self.is_dirty:
            self.discard()

    def discard(self) -> None:
        """Give back the descriptor of a file that is about to be removed; see `File.discard`."""
        self.changed = False
        self._files.close_descriptor(self)
        self._files.forget(self)

    def _close_if_due(self) -> None:
        if self.is_closing and not self.is_in_use:
            self.is_closing = False
            self._files.close_descriptor(self)


def _read(descriptor: int, size: int, position: int) -> bytes:
    content = os.pread(descriptor, size, position)
    while len(content) < size:
        more = os.pread(descriptor, size - len(content), position + len(content))
        if not more:
            break
        content += more
    return content
