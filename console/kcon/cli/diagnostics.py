"""What goes to standard error? Errors, notes, progress and questions; all of it made safe, one sentence each."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from kcon.cli.document import Item, ItemError
from kcon.cli.environment import Environment
from kcon.cli.output import API_VERSION, encode, error_fields, json_text, plain
from kcon.commands.request import OutputFormat
from kcon.core.wire_text import display_safe
from kcon.errors import KconError


class Diagnostics:
    """Writes to standard error, and asks there."""

    def __init__(self, environment: Environment, chosen: OutputFormat | None = None) -> None:
        self._environment = environment
        self._as_json = chosen in {OutputFormat.JSON, OutputFormat.NDJSON}
        self.context = ""

    def error(self, error: KconError) -> None:
        """Say why the command failed; one JSON object where the answer would have been JSON."""
        if self._as_json:
            document: Item = {
                "kind": "Error",
                "apiVersion": API_VERSION,
                "context": self.context,
                "items": [],
                "errors": [error_fields(error)],
            }
            self._line(json_text(plain(document)))
            return
        self._line(f"kcon: {error.message}")
        if error.hint:
            self._line(f"  {error.hint}")

    def item_errors(self, errors: Iterable[ItemError]) -> None:
        """Say which items failed, each with its hint when it differs from the one before."""
        last_hint = ""
        for each in errors:
            message = each.error.message
            self._line(f"kcon: {message}" if each.item.lower() in message.lower() else f"kcon: {each.item}: {message}")
            if each.error.hint and each.error.hint != last_hint:
                self._line(f"  {each.error.hint}")
            last_hint = each.error.hint

    def note(self, text: str) -> None:
        """Say something that is no failure."""
        self._line(f"kcon: {text}")

    def plain_line(self, text: str) -> None:
        """Write one line without the program's name in front."""
        self._line(text)

    def progress(self, text: str) -> None:
        """Show a line that the next one replaces. Only where standard error is a terminal that can replace one."""
        if self._environment.stderr_is_terminal and not self._environment.is_dumb:
            self._write(f"\r\x1b[K{display_safe(text)}")

    def end_progress(self) -> None:
        """Take the progress line away."""
        if self._environment.stderr_is_terminal and not self._environment.is_dumb:
            self._write("\r\x1b[K")

    async def ask(self, question: str) -> str | None:
        """Return the line typed in answer, or None at the end of input. Only where `is_interactive`."""
        self._write(f"{display_safe(question)} ")
        answer = await _read_line(self._environment.stdin)
        return answer.decode("utf-8", "replace").strip() if answer else None

    async def ask_secret(self, question: str) -> str:
        """Return the line typed in answer, which is not shown. Only where `is_interactive`."""
        self._write(f"{display_safe(question)} ")
        with _silent(self._environment.stdin):
            answer = await _read_line(self._environment.stdin)
        self._write("\n")
        return answer.decode("utf-8", "surrogateescape").rstrip("\r\n")

    def _line(self, text: str) -> None:
        self._write(f"{display_safe(text)}\n")

    def _write(self, text: str) -> None:
        try:
            self._environment.stderr.write(encode(text))
            self._environment.stderr.flush()
        except OSError:
            pass  # Nobody listens on standard error; the exit code still tells.


@contextmanager
def _silent(stdin: IO[bytes]) -> Iterator[None]:
    """Keep a terminal from showing what is typed. KconError where that is not possible."""
    try:
        import termios

        descriptor = stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (ImportError, OSError, ValueError) as error:
        if isinstance(error, OSError | ValueError) and not _is_descriptor(stdin):
            yield  # A stream of a test: there is nothing that could show it.
            return
        raise KconError("The terminal cannot hide what is typed.", "Use --password-file.") from error
    hidden = [*before]
    hidden[3] = before[3] & ~termios.ECHO
    try:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, hidden)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


def _is_descriptor(stdin: IO[bytes]) -> bool:
    try:
        stdin.fileno()
    except (OSError, ValueError):
        return False
    return True


async def _read_line(stdin: IO[bytes]) -> bytes:
    """Read one line without blocking the loop, so that ctrl-C is answered at the question."""
    import asyncio

    loop = asyncio.get_running_loop()
    try:
        descriptor = stdin.fileno()
        readable = asyncio.Event()
        loop.add_reader(descriptor, readable.set)
    except (OSError, NotImplementedError, ValueError):  # A stream of a test, a regular file, or Windows.
        return stdin.readline()
    try:
        await readable.wait()
        return os.read(descriptor, 4_096)  # A terminal hands over whole lines.
    finally:
        loop.remove_reader(descriptor)
