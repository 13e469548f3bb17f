"""What may a command touch of its process? The streams, the variables and the clock, replaceable in tests."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

COLUMNS_DEFAULT: Final = 80
LINES_DEFAULT: Final = 24


@dataclass(kw_only=True)
class Environment:
    """The process as a command sees it. Streams are binary: the program decides how text is encoded."""

    stdin: IO[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]
    stdin_is_terminal: bool = False
    stdout_is_terminal: bool = False
    stderr_is_terminal: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    columns: int = COLUMNS_DEFAULT
    """The width of the terminal in cells."""
    lines: int = LINES_DEFAULT
    """Its height."""
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    folder: Path | None = None
    """Where the command was given; None: the process's own folder."""
    owns_process: bool = False
    """Signals, the log handlers and the standard streams may be changed: it is the real process."""

    @property
    def is_dumb(self) -> bool:
        """The terminal knows no control sequences: nothing may be erased or replaced on it."""
        return self.variables.get("TERM") == "dumb"

    @property
    def is_interactive(self) -> bool:
        """There is somebody to ask: questions go to stderr, answers come from stdin."""
        return self.stdin_is_terminal and self.stderr_is_terminal


def process_environment() -> Environment:
    """Return the environment of this process. A closed standard stream is replaced by the null device."""
    stdin, stdout, stderr = (
        _binary(stream, mode) for stream, mode in ((sys.stdin, "rb"), (sys.stdout, "wb"), (sys.stderr, "wb"))
    )
    size = _size(stdout)
    return Environment(
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        stdin_is_terminal=stdin.isatty(),
        stdout_is_terminal=stdout.isatty(),
        stderr_is_terminal=stderr.isatty(),
        variables=os.environ,
        columns=size.columns or COLUMNS_DEFAULT,
        lines=size.lines or LINES_DEFAULT,
        owns_process=True,
    )


def _binary(stream: object, mode: str) -> IO[bytes]:
    buffer = getattr(stream, "buffer", None)
    return buffer if buffer is not None else open(os.devnull, mode)


def _size(stdout: IO[bytes]) -> os.terminal_size:
    try:
        return os.get_terminal_size(stdout.fileno())
    except (OSError, ValueError):
        return os.terminal_size((COLUMNS_DEFAULT, LINES_DEFAULT))
