"""How does kcon run its own broker? As a child process on a folder, stopped cleanly, never left behind.

The child ends with its parent, however that ends: it watches a pipe whose other end only the parent holds.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kcon.core.wire_text import display_safe
from kcon.errors import KconError, UnreachableError

START_TIMEOUT_S: Final = 20.0
STOP_GRACE_S: Final = 10.0
POLL_S: Final = 0.01
READY: Final = b"ready "
METRICS: Final = "metrics="
"""The broker prints this word and its address once it serves clients."""

# The pipe on standard input closes when the parent is gone, even by SIGKILL; then the broker is asked to stop.
_CHILD: Final = """\
import os, runpy, signal, threading

def watch():
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=watch, daemon=True).start()
runpy.run_module("kcon_broker", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBrokerOptions:
    """What a caller may choose."""

    data_dir: Path
    """Kept by `stop`; the caller removes it."""
    host: str = "127.0.0.1"
    port: int = 0
    """0: a free one."""
    log_path: Path | None = None
    """Where the broker's log goes; None: `broker.log` beside the data folder."""
    arguments: Sequence[str] = ()
    """Further options of the broker's command line."""
    start_timeout_s: float = START_TIMEOUT_S


class LocalBroker:
    """A running child. Stop it with `stop`, from any event loop."""

    def __init__(self, process: "subprocess.Popen[bytes]", options: LocalBrokerOptions, log_path: Path) -> None:
        self._process = process
        self.data_dir = options.data_dir
        self.log_path = log_path
        self.bootstrap = ""
        """Its address, known once it is ready."""
        self.metrics_url: str | None = None
        """Where its metrics are served, if it was told to."""

    @property
    def pid(self) -> int:
        """Return the child's process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Return how it ended (negative: by which signal), or None while it runs."""
        return self._process.poll()

    async def stop(self, *, grace_s: float = STOP_GRACE_S) -> int:
        """Stop the broker cleanly, after `grace_s` by force, and return its exit code. Idempotent."""
        process = self._process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            if not await self.ended_within(grace_s):
                process.kill()
                await asyncio.to_thread(process.wait)
        if process.stdin is not None:
            process.stdin.close()
        return process.wait()

    async def ended_within(self, timeout_s: float) -> bool:
        """Wait for the child to end by itself; False when it still runs."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self._process.poll() is None:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(POLL_S)
        return True


async def start_local_broker(options: LocalBrokerOptions) -> LocalBroker:
    """Start the broker and return when it serves clients.

    KconError with the broker's own last words when it ends early (port in use, folder locked); UnreachableError
    on the deadline.
    """
    log_path = options.log_path or options.data_dir.with_name(options.data_dir.name + ".log")
    broker = LocalBroker(_spawn(options, log_path), options, log_path)
    try:
        broker.bootstrap = await _ready_address(broker, options.start_timeout_s)
    except BaseException:
        await broker.stop(grace_s=0)
        raise
    return broker


def serve_in_foreground(arguments: Sequence[str]) -> int:
    """Run the broker in this process until it is told to stop; return its exit code. arguments: its own options."""
    from kcon_broker.__main__ import main

    return main(arguments)


def _spawn(options: LocalBrokerOptions, log_path: Path) -> "subprocess.Popen[bytes]":
    # fmt: off
    argv = [sys.executable, "-c", _CHILD, "--data-dir", str(options.data_dir), "--host", options.host,
            "--port", str(options.port), *options.arguments]
    # fmt: on
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("wb") as log:
        # Its own process group: ctrl-C in the terminal is the parent's business, which stops it in order.
        return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=log, stderr=log, process_group=0)


async def _ready_address(broker: LocalBroker, timeout_s: float) -> str:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        ended = broker.exit_code is not None
        log = broker.log_path.read_bytes()
        for line in log.splitlines(keepends=True):
            if line.startswith(READY) and line.endswith(b"\n"):
                words = line.decode("utf-8", "replace").split()
                served = [word.removeprefix(METRICS) for word in words if word.startswith(METRICS)]
                broker.metrics_url = f"http://{served[0]}/metrics" if served else None
                return words[1]
        if ended:
            raise KconError(f"The broker did not start: {_last_words(log)}", f"Its log: {broker.log_path}")
        if asyncio.get_running_loop().time() > deadline:
            raise UnreachableError(f"The broker was not ready within {timeout_s:.0f} s.", f"Its log: {broker.log_path}")
        await asyncio.sleep(POLL_S)


def _last_words(log: bytes) -> str:
    lines = [line.strip() for line in log.decode("utf-8", "replace").splitlines() if line.strip()]
    return display_safe(lines[-1].removeprefix("Error: ")) if lines else "it said nothing."
