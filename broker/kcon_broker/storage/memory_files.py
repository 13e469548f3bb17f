"""What would the disk hold if the power failed now? Files in memory, with faults and a record of everything done.

`MemoryFiles` is for tests, the broker's own and those of applications. It keeps a journal of every change and every
sync. `power_cut` builds, from the first part of that journal, one of the disks that a power cut could leave: what was
synced is there; a write that was not may be missing, or torn; an unsynced name may be missing, but a folder's names
get lost from the newest on, as a journaling file system guarantees.
"""

import errno
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kcon_broker.storage.files import Buffer, File, Syncable, WouldBlockError, parent_of


class Chance(Protocol):
    """The part of `random.Random` that is needed to choose what a power cut destroys."""

    def random(self) -> float:
        """Return a number of [0, 1)."""
        ...

    def randrange(self, stop: int, /) -> int:
        """Return one of the integers of [0, stop)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of the journal. `inode` tells files apart whatever they are called."""

    kind: str
    """create, make_folder, rename, remove, remove_tree (names); write, truncate (content); sync, sync_folder."""
    path: str
    inode: int = 0
    position: int = 0
    """Of a write; of a truncation the new size."""
    content: bytes = b""
    new_path: str = ""


@dataclass(slots=True)
class Faults:
    """What goes wrong from now on. Each is looked at when the call is made."""

    free_bytes: int | None = None
    """Space left; a write above it is cut short, then refused with ENOSPC."""
    write_bytes_max: int | None = None
    """The most that one write call takes."""
    write_errors: dict[str, int] = field(default_factory=dict)
    """Part of a path -> errno of writes to it."""
    read_errors: dict[str, int] = field(default_factory=dict)
    sync_errors: dict[str, int] = field(default_factory=dict)
    cold_paths: set[str] = field(default_factory=set)
    """Parts of paths of files that are not in memory until another thread has read them."""
    crash_after_steps: int | None = None
    """The process dies (`Crashed`) when it wants to take this step of the journal."""


class Crashed(BaseException):
    """The process is gone; nothing may catch this but the test."""


class MemoryFiles:
    """A data folder in memory."""

    def __init__(self) -> None:
        self.journal: list[Step] = []
        self.faults = Faults()
        self._inodes: dict[str, _MemoryFile] = {}
        self._folders: set[str] = {""}
        self._inode_count = 0
        self._syncables: dict[str, _MemoryFolder] = {}

    # Files

    def open(self, path: str, *, create: bool = False) -> File:
        """Return the file; see `Files.open`."""
        file = self._inodes.get(path)
        if file is None:
            if not create or parent_of(path) not in self._folders:
                raise FileNotFoundError(errno.ENOENT, "no such file", path)
            self._inode_count += 1
            file = _MemoryFile(self, path, self._inode_count)
            self.record(Step(kind="create", path=path, inode=file.inode))
            self._inodes[path] = file
            self._touch_folder(parent_of(path))
        return file

    def folder(self, path: str) -> Syncable:
        """Return the folder, to be synced."""
        return self._folder(path)

    def exists(self, path: str) -> bool:
        """Say whether there is a file or folder of this name."""
        return path in self._inodes or path in self._folders

    def list_names(self, path: str) -> list[str]:
        """Return the names in a folder."""
        return [name.rpartition("/")[2] for name in (*self._inodes, *self._folders) if name and parent_of(name) == path]

    def make_folder(self, path: str) -> None:
        """Make one folder."""
        if path in self._folders:
            return
        if parent_of(path) not in self._folders:
            raise FileNotFoundError(errno.ENOENT, "no such folder", path)
        self.record(Step(kind="make_folder", path=path))
        self._folders.add(path)
        self._touch_folder(parent_of(path))

    def rename(self, old_path: str, new_path: str) -> None:
        """Rename a file or folder inside its parent."""
        assert parent_of(old_path) == parent_of(new_path), "a rename stays in its folder"
        if not self.exists(old_path):
            raise FileNotFoundError(errno.ENOENT, "no such file", old_path)
        self.record(Step(kind="rename", path=old_path, new_path=new_path))
        _rename(self._inodes, self._folders, old_path, new_path)
        self._touch_folder(parent_of(old_path))

    def remove(self, path: str) -> None:
        """Remove one file."""
        if path not in self._inodes:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        self.record(Step(kind="remove", path=path))
        del self._inodes[path]

    def remove_tree(self, path: str) -> None:
        """Remove a folder and everything in it."""
        if path not in self._folders:
            raise FileNotFoundError(errno.ENOENT, "no such folder", path)
        self.record(Step(kind="remove_tree", path=path))
        _remove_tree(self._inodes, self._folders, path)

    # For tests

    def content(self, path: str) -> bytes:
        """Return all bytes of a file."""
        return bytes(self._inodes[path].stored)

    def overwrite(self, path: str, content: bytes) -> None:
        """Put other bytes into a file behind everybody's back, as a fault of the disk would."""
        file = self._inodes.get(path)
        if file is None:
            self._inode_count += 1
            file = self._inodes[path] = _MemoryFile(self, path, self._inode_count)
        file.stored[:] = content

    def paths(self) -> list[str]:
        """Return the paths of all files, sorted."""
        return sorted(self._inodes)

    def copy(self) -> "MemoryFiles":
        """Return what a killed process leaves: every written byte, without faults and with an empty journal."""
        copy = MemoryFiles()
        copy._folders = set(self._folders)
        copy._inode_count = self._inode_count
        for path, file in self._inodes.items():
            copy._inodes[path] = _MemoryFile(copy, path, file.inode)
            copy._inodes[path].stored[:] = file.stored
        return copy

    def power_cut(self, step_count: int, chance: Chance) -> "MemoryFiles":
        """Return a disk that a power cut after `step_count` steps could leave. The journal must reach to the start."""
        steps = self.journal[:step_count]
        lost_names = set(_lost_names(steps, chance))
        disk = MemoryFiles()
        contents: dict[int, bytearray] = {}
        for index, step in enumerate(steps):
            if index in lost_names or step.kind in ("sync", "sync_folder"):
                continue
            if step.kind == "write":
                kept = step.content
                if not _is_synced(steps, index) and chance.random() < 0.6:
                    kept = kept[: chance.randrange(len(kept) + 1)] if chance.random() < 0.5 else b""
                _write(contents.setdefault(step.inode, bytearray()), kept, step.position)
            elif step.kind == "truncate":
                if _is_synced(steps, index) or chance.random() < 0.5:
                    _truncate(contents.setdefault(step.inode, bytearray()), step.position)
            else:
                disk._replay_name(step)
        for file in disk._inodes.values():
            file.stored[:] = contents.get(file.inode, b"")
        disk._inode_count = self._inode_count
        return disk

    # Used by the files

    def record(self, step: Step) -> None:
        """Note a step before it is taken."""
        if self.faults.crash_after_steps is not None and len(self.journal) >= self.faults.crash_after_steps:
            raise Crashed
        self.journal.append(step)

    def _folder(self, path: str) -> "_MemoryFolder":
        found = self._syncables.get(path)
        if found is None:
            found = self._syncables[path] = _MemoryFolder(self, path)
        return found

    def _touch_folder(self, path: str) -> None:
        self._folder(path).changed = True

    def _replay_name(self, step: Step) -> None:
        """Apply a change of names; one whose object was lost with an earlier step changes nothing."""
        if step.kind == "create":
            if parent_of(step.path) in self._folders:
                self._inodes[step.path] = _MemoryFile(self, step.path, step.inode)
        elif step.kind == "make_folder":
            self._folders.add(step.path)
        elif step.kind == "rename":
            if self.exists(step.path):
                _rename(self._inodes, self._folders, step.path, step.new_path)
        elif step.kind == "remove":
            self._inodes.pop(step.path, None)
        else:
            _remove_tree(self._inodes, self._folders, step.path)


class _MemorySyncable:
    """What files and folders share: the dirty mark, and a failure that stays."""

    def __init__(self, files: MemoryFiles, path: str) -> None:
        self._files = files
        self.path = path
        self.changed = False
        self._failure: OSError | None = None

    @property
    def is_dirty(self) -> bool:
        return self.changed or self._failure is not None

    def begin_sync(self) -> Callable[[], None]:
        if self._failure is not None:
            raise self._failure
        self.changed = False
        return self._sync

    def end_sync(self, error: OSError | None) -> None:
        if error is not None:
            self._failure = error

    def sync(self) -> None:
        work = self.begin_sync()
        try:
            work()
        except OSError as error:
            self.end_sync(error)
            raise
        self.end_sync(None)

    def _sync(self) -> None:
        _fail(self._files.faults.sync_errors, self.path)
        self._files.record(self._sync_step())

    def _sync_step(self) -> Step:
        return Step(kind="sync_folder", path=self.path)


class _MemoryFolder(_MemorySyncable):
    pass


class _MemoryFile(_MemorySyncable):
    def __init__(self, files: MemoryFiles, path: str, inode: int) -> None:
        super().__init__(files, path)
        self.inode = inode
        self.stored = bytearray()

    def _sync_step(self) -> Step:
        return Step(kind="sync", path=self.path, inode=self.inode)

    def write(self, buffers: Sequence[Buffer], position: int) -> int:
        _fail(self._files.faults.write_errors, self.path)
        content = b"".join(buffers)
        faults = self._files.faults
        if faults.write_bytes_max is not None:
            content = content[: faults.write_bytes_max]
        if faults.free_bytes is not None:
            growth_max = max(len(self.stored) - position, 0) + faults.free_bytes
            if growth_max <= 0 and content:
                raise OSError(errno.ENOSPC, "no space left on device", self.path)
            content = content[:growth_max]
            faults.free_bytes -= max(position + len(content) - len(self.stored), 0)
        self._files.record(Step(kind="write", path=self.path, inode=self.inode, position=position, content=content))
        _write(self.stored, content, position)
        self.changed = True
        return len(content)

    def read(self, size: int, position: int) -> bytes:
        _fail(self._files.faults.read_errors, self.path)
        return bytes(self.stored[position : position + size])

    def part_now(self, size: int, position: int) -> memoryview:
        """Return what `read_now` does."""
        return memoryview(self.read_now(size, position))

    def read_now(self, size: int, position: int) -> bytes:
        content = self.read(size, position)
        faults = self._files.faults
        if any(part in self.path for part in faults.cold_paths):
            raise WouldBlockError(self, size, position)
        return content

    def read_into(self, buffer: memoryview, position: int) -> int:
        content = self.read(len(buffer), position)
        buffer[: len(content)] = content
        return len(content)

    def begin_read(self) -> Callable[[int, int], bytes]:
        cold_paths = self._files.faults.cold_paths
        cold_paths.difference_update([part for part in cold_paths if part in self.path])
        return self.read

    def end_read(self) -> None:
        """Nothing is held."""

    def truncate(self, size: int) -> None:
        _fail(self._files.faults.write_errors, self.path)
        self._files.record(Step(kind="truncate", path=self.path, inode=self.inode, position=size))
        _truncate(self.stored, size)
        self.changed = True

    def size(self) -> int:
        return len(self.stored)

    def close(self) -> None:
        """Nothing is held."""

    def discard(self) -> None:
        self.changed = False


def _fail(errors: dict[str, int], path: str) -> None:
    for part, number in errors.items():
        if part in path:
            raise OSError(number, errno.errorcode[number], path)


def _write(content: bytearray, piece: bytes, position: int) -> None:
    if not piece:
        return
    if len(content) < position:
        content.extend(bytes(position - len(content)))
    content[position : position + len(piece)] = piece


def _truncate(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


def _rename(inodes: dict[str, _MemoryFile], folders: set[str], old_path: str, new_path: str) -> None:
    if old_path in inodes:
        file = inodes[new_path] = inodes.pop(old_path)
        file.path = new_path
        return
    inside = old_path + "/"
    for path in [path for path in inodes if path.startswith(inside)]:
        file = inodes[new_path + path[len(old_path) :]] = inodes.pop(path)
        file.path = new_path + path[len(old_path) :]
    for path in [path for path in folders if path == old_path or path.startswith(inside)]:
        folders.remove(path)
        folders.add(new_path + path[len(old_path) :])


def _remove_tree(inodes: dict[str, _MemoryFile], folders: set[str], path: str) -> None:
    inside = path + "/"
    for found in [found for found in inodes if found.startswith(inside)]:
        del inodes[found]
    folders.difference_update([found for found in folders if found == path or found.startswith(inside)])


def _is_synced(steps: Sequence[Step], index: int) -> bool:
    inode = steps[index].inode
    return any(step.kind == "sync" and step.inode == inode for step in steps[index + 1 :])


def _lost_names(steps: Sequence[Step], chance: Chance) -> Iterator[int]:
    """Choose for each folder how many of its unsynced newest changes of names are lost."""
    unsynced: dict[str, list[int]] = {}
    for index, step in enumerate(steps):
        if step.kind == "sync_folder":
            unsynced.pop(step.path, None)
        elif step.kind not in ("write", "truncate", "sync"):
            unsynced.setdefault(parent_of(step.path), []).append(index)
    for indexes in unsynced.values():
        yield from indexes[chance.randrange(len(indexes) + 1) :]
