"""Whom can kcon tell of an alert, and what does it do for a sink? The kinds that plugins give, and their tools."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import IO, Final

from kcon.core.wire_text import display_safe
from kcon.errors import KconError
from kcon.plugin_api.alerting import HttpAnswer, SecretText, SinkFailure, SinkKind
from kcon.plugin_api.decoding import ENTRY_POINT_GROUP
from kcon.services.decoding import PluginFault, wanted_plugins

STDERR_BYTES_MAX: Final = 1_024
PIPES_S: Final = 1.0
KEPT_VARIABLES: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "TMPDIR")
"""What a program that is run gets of the environment: not the secrets that may be in it."""


def load_sink_kinds(points: Iterable[EntryPoint] | None = None) -> tuple[dict[str, SinkKind], tuple[PluginFault, ...]]:
    """Return the kinds of sinks by name, and the plugins that could not be loaded. The first of a name wins."""
    names = wanted_plugins()
    kinds: dict[str, SinkKind] = {}
    faults: list[PluginFault] = []
    for point in entry_points(group=ENTRY_POINT_GROUP) if points is None else points:
        if names is not None and point.name not in names:
            continue
        try:
            hook = getattr(point.load(), "sink_kinds", None)
            for kind in hook() if hook is not None else ():
                if not isinstance(kind, SinkKind):
                    raise TypeError(f"{type(kind).__name__} is no kind of sink")
                kinds.setdefault(kind.name, kind)
        except Exception as error:  # noqa: BLE001  # The border to a plugin.
            faults.append(PluginFault(plugin=point.name, reason=display_safe(f"{type(error).__name__}: {error}")[:200]))
    return kinds, tuple(faults)


class Tools:
    """What kcon does for one sink. One event loop."""

    def __init__(
        self,
        *,
        timeout_ms: int,
        now_ms: Callable[[], int],
        ca: str | None = None,
        terminal: IO[bytes] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """terminal: where the bell rings; None: there is none. variables: the environment; None: the process's."""
        self._timeout_ms = timeout_ms
        self._now_ms = now_ms
        self._ca = ca
        self._terminal = terminal
        self._variables = os.environ if variables is None else variables

    def now_ms(self) -> int:
        """Return the time."""
        return self._now_ms()

    async def post(self, url: SecretText, body: bytes, headers: Mapping[str, SecretText | str]) -> HttpAnswer:
        """Send a POST request. SinkFailure when there is no answer."""
        from kcon.http.post import post  # An HTTP client takes long to load, and few commands need one.

        plain = {name: value if isinstance(value, str) else value.reveal() for name, value in headers.items()}
        try:
            answer = await post(url.reveal(), body, plain, timeout_s=self._timeout_ms / 1000, ca=self._ca)
        except KconError as error:
            raise SinkFailure(error.message.rstrip(".")) from None
        return HttpAnswer(status=answer.status, text=answer.text, retry_after_s=answer.retry_after_s)

    async def run(self, argv: Sequence[str], stdin: bytes, variables: Mapping[str, str]) -> None:
        """Run a program without a shell; its whole process group ends with the deadline."""
        kept = {name: self._variables[name] for name in KEPT_VARIABLES if name in self._variables}
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={**kept, **variables},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise SinkFailure(f"the program cannot be run: {getattr(error, 'strerror', None) or error}") from None
        try:
            async with asyncio.timeout(self._timeout_ms / 1000):
                _, stderr = await asyncio.gather(_feed(process, stdin), _first_bytes(process))
                code = await process.wait()
        except TimeoutError:
            raise SinkFailure(f"the program was not done within {self._timeout_ms / 1000:g} s") from None
        finally:
            # Whatever it started goes with it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await _close_pipes(process)
        if code != 0:
            said = display_safe(stderr.decode("utf-8", "replace").strip().partition("\n")[0])
            raise SinkFailure(f"the program ended with {code}{f': {said}' if said else ''}")

    def ring(self, line: str) -> None:
        """Ring the bell, and print a line."""
        if self._terminal is None:
            raise SinkFailure("there is no terminal to ring", is_final=True)
        try:
            self._terminal.write(b"\a" + display_safe(line).encode("utf-8", "replace") + b"\n")
            self._terminal.flush()
        except (OSError, ValueError) as error:
            raise SinkFailure(f"the terminal is gone: {error}", is_final=True) from None


async def _feed(process: asyncio.subprocess.Process, stdin: bytes) -> None:
    assert process.stdin is not None, "asked for"
    with contextlib.suppress(ConnectionError):  # It need not read it.
        process.stdin.write(stdin)
        await process.stdin.drain()
    process.stdin.close()


async def _close_pipes(process: asyncio.subprocess.Process) -> None:
    """Wait until the loop has let go of a process that is gone; who left its group may hold stderr a little longer."""
    assert process.stdin is not None, "asked for"
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PIPES_S):
            await _first_bytes(process)
            await process.wait()


async def _first_bytes(process: asyncio.subprocess.Process) -> bytes:
    assert process.stderr is not None, "asked for"
    kept = bytearray()
    while part := await process.stderr.read(STDERR_BYTES_MAX):
        kept += part[: STDERR_BYTES_MAX - len(kept)]
    return bytes(kept)
