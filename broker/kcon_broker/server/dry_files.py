"""What would be done to a data folder? The real files to read, and a memory that takes every change.

Recovery runs on this as on a disk; the folder itself is opened for reading only. A file that is written is copied into
memory first, which happens to indexes and checkpoints; a log is only ever cut, and of that the new size is kept.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from kcon_broker.storage.files import Buffer, File, Syncable, parent_of


class DryFiles:
    """A folder that stays as it is."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, DryFile | None] = {}
        """What became of a path; None: it is gone. All others are as on the disk."""

    def open(self, path: str, *, create: bool = False) -> File:
        """Return the file; see `Files.open`."""
        if path in self._names:
            file = self._names[path]
        else:
            file = DryFile(path, self._root / path) if (self._root / path).is_file() else None
        if file is None:
            if not create:
                raise FileNotFoundError(2, "no such file", path)
            file = DryFile(path, None)
        self._names[path] = file
        return file

    def folder(self, path: str) -> Syncable:
        """Return the folder, of which nothing is ever synced."""
        return DryFile(path, None)

    def exists(self, path: str) -> bool:
        """Say whether there is a file or folder of this name."""
        if path in self._names:
            return self._names[path] is not None
        return (self._root / path).exists()

    def list_names(self, path: str) -> list[str]:
        """Return the names in a folder."""
        folder = self._root / path
        names = set(os.listdir(folder)) if folder.is_dir() else set()
        for changed, file in self._names.items():
            if parent_of(changed) == path:
                (names.discard if file is None else names.add)(changed.rpartition("/")[2])
        return sorted(names)

    def make_folder(self, path: str) -> None:
        """Nothing is made; recovery never asks for it."""

    def rename(self, old_path: str, new_path: str) -> None:
        """Rename a file, in memory."""
        file = self.open(old_path)
        assert isinstance(file, DryFile)
        self._names[old_path] = None
        file.path = new_path
        self._names[new_path] = file

    def remove(self, path: str) -> None:
        """Remove a file, in memory."""
        self.open(path)
        self._names[path] = None

    def remove_tree(self, path: str) -> None:
        """Remove a folder, in memory."""
        for name in self.list_names(path):
            self.remove(f"{path}/{name}")

    def forget(self) -> None:
        """Undo all changes."""
        self._names.clear()


class DryFile:
    """A file whose changes stay in memory."""

    is_dirty = False

    def __init__(self, path: str, source: Path | None) -> None:
        self.path = path
        self._source = source
        """Where its bytes are; None: in `_content`."""
        self._content = bytearray()
        self._size = source.stat().st_size if source is not None else 0

    def begin_sync(self) -> Callable[[], None]:
        """There is nothing to sync."""
        return lambda: None

    def end_sync(self, error: OSError | None) -> None:
        """There was nothing to sync."""

    def sync(self) -> None:
        """There is nothing to sync."""

    def write(self, buffers: Sequence[Buffer], position: int) -> int:
        """Write into memory."""
        if self._source is not None:
            self._content[:] = self.read(self._size, 0)
            self._source = None
        content = b"".join(buffers)
        self._content.extend(bytes(max(0, position - len(self._content))))
        self._content[position : position + len(content)] = content
        self._size = len(self._content)
        return len(content)

    def read(self, size: int, position: int) -> bytes:
        """Return up to `size` bytes from `position`."""
        size = max(0, min(size, self._size - position))
        if self._source is None:
            return bytes(self._content[position : position + size])
        with self._source.open("rb", buffering=0) as stream:
            return os.pread(stream.fileno(), size, position)

    def part_now(self, size: int, position: int) -> memoryview:
        """Return what `read` does."""
        return memoryview(self.read(size, position))

    def read_now(self, size: int, position: int) -> bytes:
        """Return up to `size` bytes; nobody is kept waiting here."""
        return self.read(size, position)

    def read_into(self, buffer: memoryview, position: int) -> int:
        """Fill `buffer` from `position`."""
        content = self.read(len(buffer), position)
        buffer[: len(content)] = content
        return len(content)

    def begin_read(self) -> Callable[[int, int], bytes]:
        """Return `read`."""
        return self.read

    def end_read(self) -> None:
        """Nothing is held."""

    def truncate(self, size: int) -> None:
        """Cut the file, in memory."""
        self._size = size
        del self._content[size:]

    def size(self) -> int:
        """Return the size in bytes, as it would be."""
        return self._size

    def close(self) -> None:
        """Nothing is held."""

    def discard(self) -> None:
        """Nothing is held."""
