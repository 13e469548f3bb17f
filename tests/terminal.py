"""A real terminal for tests: tmux runs a command at a fixed size, takes keys and gives the screen back as text."""

import os
import shlex
import subprocess
import time
import unicodedata
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

WAIT_S = 60.0
_POLL_S = 0.1


def cells(text: str) -> int:
    """Return how many cells `text` takes: wide characters two, combining marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


class Terminal:
    """One tmux session on a server of its own, ended with the block."""

    def __init__(
        self, argv: Sequence[str], *, columns: int, rows: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self.columns = columns
        self.rows = rows
        self._argv = argv
        self._environment = {"TERM": "xterm-256color", **(environment or {})}
        self._server = f"kcon-test-{uuid.uuid4().hex[:12]}"

    def __enter__(self) -> "Terminal":
        settings = " ".join(f"{key}={shlex.quote(value)}" for key, value in self._environment.items())
        # The pane outlives the command, so that a last screen or a traceback can still be read.
        # readline, loaded by the test runner, exports the size of another terminal.
        command = f"env -u COLUMNS -u LINES {settings} {shlex.join(self._argv)}"
        command += "; code=$?; echo; echo ended with $code; sleep 600"
        self._tmux("-f", os.devnull, "new-session", "-d", "-x", str(self.columns), "-y", str(self.rows), command)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["tmux", "-L", self._server, "kill-server"], capture_output=True, check=False, timeout=30)

    def _tmux(self, *arguments: str) -> str:
        result = subprocess.run(
            ["tmux", "-L", self._server, *arguments], capture_output=True, text=True, check=True, timeout=30
        )
        return result.stdout

    def keys(self, *keys: str) -> None:
        """Send keys by tmux's names (`Enter`, `Escape`, `C-c`), or text."""
        for key in keys:
            self._tmux("send-keys", key)

    def type(self, text: str) -> None:
        """Send text as it is typed, whatever tmux would read in it."""
        self._tmux("send-keys", "-l", "--", text)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal while the command runs."""
        self.columns, self.rows = columns, rows
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def lines(self) -> list[str]:
        """Return the screen, a string a line, without trailing blanks."""
        return self._tmux("capture-pane", "-p").split("\n")[: self.rows]

    def screen(self) -> str:
        """Return the screen as one text."""
        return "\n".join(self.lines())

    def wait_for(self, is_there: str | Callable[[str], bool], *, wait_s: float = WAIT_S) -> str:
        """Wait until the screen contains a text, or satisfies a condition; return that screen."""
        end = time.monotonic() + wait_s
        while True:
            screen = self.screen()
            if is_there in screen if isinstance(is_there, str) else is_there(screen):
                return screen
            if time.monotonic() > end:
                raise AssertionError(f"not on the screen within {wait_s:.0f} s: {is_there!r}\n{screen}")
            time.sleep(_POLL_S)
