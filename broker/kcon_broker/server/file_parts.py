"""How does a part of a log get from the page cache to a socket without passing through this program?

sendfile(2). It would wait for the disk where the part is not in memory, so that is looked at first, each time: a slow
client may ask for the rest of a part minutes later. The file stays open meanwhile, even if it is removed.
"""

import os
from typing import TYPE_CHECKING

from kcon_broker.storage.files import WouldBlockError
from kcon_broker.wire.stored_bytes import StoredBytes

if TYPE_CHECKING:
    from kcon_broker.server.os_files import OsFile, OsFiles

PART_BYTES_MIN = 64 * 1024
"""What is smaller costs less to read than to look at, hold open and send by a call of its own."""
_SENT_BYTES_MAX = 1 << 20
"""By one call."""


class FilePart(StoredBytes):
    """A part of a file that is open."""

    __slots__ = ("_descriptor", "_file", "_files", "_is_released", "_position", "_size")

    def __init__(self, file: "OsFile", files: "OsFiles", descriptor: int, size: int, position: int) -> None:
        self._file = file
        self._files = files
        self._descriptor = descriptor
        self._size = size
        self._position = position
        self._is_released = False
        file.reader_count += 1
        if not file.part_count:
            files.pinned_count += 1
        file.part_count += 1

    def __len__(self) -> int:
        return self._size

    def send(self, socket_descriptor: int, start: int, *, may_block: bool) -> tuple[int, int]:
        """Send some of the rest; raises WouldBlockError where that would wait for the disk."""
        position = self._position + start
        size = min(self._size - start, _SENT_BYTES_MAX)
        is_cached = self._files.is_cached
        if not may_block and is_cached is not None and not is_cached(self._descriptor, size, position):
            raise WouldBlockError(self._file, size, position)
        return os.sendfile(socket_descriptor, self._descriptor, position, size), size

    def load(self) -> memoryview:
        """Return the bytes, in memory of their own."""
        content = bytearray(self._size)
        self._file.read_into(memoryview(content), self._position)
        return memoryview(content)

    def release(self) -> None:
        """Let the file be closed."""
        if not self._is_released:
            self._is_released = True
            self._file.part_count -= 1
            if not self._file.part_count:
                self._files.pinned_count -= 1
            self._file.end_read()

    def __del__(self) -> None:
        # The net below: an answer that is dropped unsent, such as one whose encoding failed.
        self.release()
