"""How does storage see files?

Only through `Files` and `File`, so that the same code runs on a disk and on `MemoryFiles`, where a test may pull the
plug, fill the disk or fail a sync. Paths are text relative to the data folder, with "/" between their parts.

Every call may raise OSError, and only that. Writes are not durable before the sync of their file, and a new, renamed
or removed name is not durable before the sync of its folder.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from kcon_broker.wire.stored_bytes import StoredBytes

Buffer: TypeAlias = bytes | bytearray | memoryview

IO_VECTORS_MAX = 1_024
"""Buffers of one write (IOV_MAX of Linux)."""


class WouldBlockError(Exception):
    """What was asked for is not in memory: reading it would wait for the disk."""

    def __init__(self, file: "File", size: int, position: int) -> None:
        super().__init__(f"{size} bytes at {position} of {file.path} are not in memory")
        self.file = file
        self.size = size
        self.position = position


class Syncable(Protocol):
    """A file or folder whose changes can be made durable.

    `begin_sync` and `end_sync` stand around a sync that another thread runs: the owner's thread calls both, the
    function between them may be called anywhere. What is written after `begin_sync` is for the next sync. A sync that
    failed stays failed: the kernel may have dropped the unwritten pages, so a later success would prove nothing.
    """

    @property
    def path(self) -> str:
        """Relative to the data folder; "" is the data folder itself."""
        ...

    @property
    def is_dirty(self) -> bool:
        """Something changed since the last sync began, or a sync failed."""
        ...

    def begin_sync(self) -> Callable[[], None]:
        """Return the function that syncs (blocks, raises OSError); raise OSError when a sync failed before."""
        ...

    def end_sync(self, error: OSError | None) -> None:
        """Say how the sync ended."""
        ...

    def sync(self) -> None:
        """Sync now, in this thread."""
        ...


class File(Syncable, Protocol):
    """One file, read and written at positions. It holds a descriptor only while it is in use."""

    def write(self, buffers: Sequence[Buffer], position: int) -> int:
        """Write at `position`; return the number of bytes written, which may be fewer than were given."""
        ...

    def read(self, size: int, position: int) -> bytes:
        """Return up to `size` bytes from `position`; fewer only at the end of the file."""
        ...

    def read_now(self, size: int, position: int) -> bytes | memoryview:
        """Return what `read` does, without waiting for the disk; raise WouldBlockError where that cannot be."""
        ...

    def part_now(self, size: int, position: int) -> memoryview | StoredBytes:
        """Return what `read_now` does, or what sends it without reading it; raise WouldBlockError likewise."""
        ...

    def read_into(self, buffer: memoryview, position: int) -> int:
        """Fill `buffer` from `position`; return the number of bytes read, fewer only at the end of the file."""
        ...

    def begin_read(self) -> Callable[[int, int], bytes]:
        """Return a function like `read` that any thread may call until `end_read`, even if the file is removed."""
        ...

    def end_read(self) -> None:
        """Say that the function of `begin_read` is not called any more."""
        ...

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes."""
        ...

    def size(self) -> int:
        """Return the size of the file in bytes."""
        ...

    def close(self) -> None:
        """Give back the descriptor; the file opens again when it is used again."""
        ...

    def discard(self) -> None:
        """Give back the descriptor of a file that is about to be removed: what it holds need not be synced."""
        ...


class Files(Protocol):
    """The data folder."""

    def open(self, path: str, *, create: bool = False) -> File:
        """Return the file; raise FileNotFoundError when it is not there and not to be created."""
        ...

    def folder(self, path: str) -> Syncable:
        """Return the folder, to be synced."""
        ...

    def exists(self, path: str) -> bool:
        """Say whether there is a file or folder of this name."""
        ...

    def list_names(self, path: str) -> list[str]:
        """Return the names in a folder, in no particular order; a folder that is not there has none."""
        ...

    def make_folder(self, path: str) -> None:
        """Make one folder; one that is there already is left as it is."""
        ...

    def rename(self, old_path: str, new_path: str) -> None:
        """Rename a file or folder inside its parent; a file in the way is replaced."""
        ...

    def remove(self, path: str) -> None:
        """Remove one file; in any thread when nobody has it open. Its folder is not dirty for that.

        A power cut may bring it back: whoever removes a file would remove it again.
        """
        ...

    def remove_tree(self, path: str) -> None:
        """Remove a folder and everything in it; otherwise like `remove`."""
        ...


def parent_of(path: str) -> str:
    """Return the path of the folder that holds `path`."""
    return path.rpartition("/")[0]


def write_all(file: File, buffers: Sequence[Buffer], position: int) -> None:
    """Write all the buffers at `position`, in as few calls as it takes."""
    for start in range(0, len(buffers), IO_VECTORS_MAX):
        chunk = buffers[start : start + IO_VECTORS_MAX]
        total = sum(map(len, chunk))
        written = file.write(chunk, position)
        position += written
        if written < total:
            rest = memoryview(b"".join(chunk))[written:]
            while rest:
                written = file.write([rest], position)
                if written == 0:
                    raise OSError(5, "the disk takes no more bytes")
                position += written
                rest = rest[written:]


def read_bytes(files: Files, path: str, *, bytes_max: int) -> bytes | None:
    """Return the content of a small file; None: it is not there, or larger than it can be."""
    try:
        file = files.open(path)
    except FileNotFoundError:
        return None
    try:
        size = file.size()
        return file.read(size, 0) if size <= bytes_max else None
    finally:
        file.close()


def write_aside(files: Files, path: str, content: bytes, *, sync: bool) -> File:
    """Replace a small file in one step: a reader finds the old content or the new one, never a mixture.

    With `sync` it is durable on return. Without, the caller syncs the returned file and its folder; until then a
    power cut may leave the old content, or a file whose bytes are missing.
    """
    aside = path + ".tmp"
    file = files.open(aside, create=True)
    file.truncate(0)
    write_all(file, [content], 0)
    if sync:
        file.sync()
    file.close()
    files.rename(aside, path)
    if sync:
        files.folder(parent_of(path)).sync()
    return files.open(path)
