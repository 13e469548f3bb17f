"""What a terminal would get from a command: it runs in this process, its three streams being a pseudo-terminal."""

import os
import pty
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from kcon.cli.environment import Environment
from kcon.cli.run import run


def run_on_terminal(
    argv: Sequence[str], variables: Mapping[str, str], folder: Path, *, columns: int = 200, now_ms: int | None = 0
) -> tuple[int, bytes]:
    """Run one command line; return its exit code and every byte that reached the terminal.

    now_ms: the time, which stands still; None is the machine's own, for what waits.
    """
    controller, terminal = pty.openpty()
    received = bytearray()

    def read() -> None:
        while True:
            try:
                part = os.read(controller, 65_536)
            except OSError:  # The other side is closed.
                return
            if not part:
                return
            received.extend(part)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with open(terminal, "wb", closefd=False) as out, open(os.devnull, "rb") as nothing:
            environment = Environment(
                stdin=nothing,
                stdout=out,
                stderr=out,
                stdin_is_terminal=False,
                stdout_is_terminal=True,
                stderr_is_terminal=True,
                variables=variables,
                columns=columns,
                now_ms=(lambda: time.time_ns() // 1_000_000) if now_ms is None else (lambda: now_ms),
                folder=folder,
            )
            code = run(argv, environment)
    finally:
        os.close(terminal)
        reader.join(10)
        os.close(controller)
    return code, bytes(received)
