"""From where are rows read? A file, or a pipe that may be silent as long as it likes and is given up when told to."""

import io
import os
import select
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kcon.errors import KconError
from kcon.services.load_rows import RowFormat

READ_BYTES: Final = 1024 * 1024
INPUT_POLL_S: Final = 0.2


class Input(io.RawIOBase):
    """Bytes of a file or a pipe; reading a pipe gives up when it is told to stop."""

    def __init__(self, handle: int, bytes_total: int | None, stopping: threading.Event) -> None:
        self._handle = handle
        self._stopping = stopping
        self.bytes_total = bytes_total
        self.bytes_read = 0
        self.on_idle: Callable[[], None] | None = None
        """Called while a pipe has nothing."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if self.bytes_total is None:
            while not select.select([self._handle], [], [], INPUT_POLL_S)[0]:
                if self._stopping.is_set():
                    return 0
                if self.on_idle is not None:
                    self.on_idle()
        data = os.read(self._handle, len(buffer))
        buffer[: len(data)] = data
        self.bytes_read += len(data)
        return len(data)


def as_text(source: Input, row_format: RowFormat) -> io.TextIOWrapper:
    """Return it as text; bytes that are no UTF-8 survive."""
    return io.TextIOWrapper(
        io.BufferedReader(source, READ_BYTES),
        encoding="utf-8",
        errors="surrogateescape",
        # A carriage return alone ends a row of a CSV and nothing else.
        newline="" if row_format is RowFormat.CSV else "\n",
    )


@contextmanager
def open_input(path: Path | None, stopping: threading.Event) -> Iterator[Input]:
    """Open a file, or standard input (None). stopping: ends a wait for a pipe."""
    if path is None:
        yield Input(sys.stdin.fileno(), None, stopping)
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        status = os.fstat(handle)
        yield Input(handle, status.st_size if stat.S_ISREG(status.st_mode) else None, stopping)
    finally:
        os.close(handle)


def unreadable(path: Path | None, error: OSError) -> KconError:
    """Return the error for a file that cannot be read."""
    from kcon.core.wire_text import display_safe
    from kcon.errors import NotFoundError

    kind = NotFoundError if isinstance(error, FileNotFoundError) else KconError
    return kind(f"Cannot read {display_safe(str(path or 'standard input'))}: {error.strerror or error}.")
