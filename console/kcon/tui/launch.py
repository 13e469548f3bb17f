"""What is the console started with? Everything it does not know itself; all of it can be replaced in tests."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kcon.contexts.context import Context
from kcon.contexts.folders import state_folder
from kcon.tui.address import Address, Overview
from kcon.tui.engine import Engine
from kcon.tui.keymap import Keymap

if TYPE_CHECKING:
    from kcon.observe.past import Past
    from kcon.observe.snapshot import ClusterSnapshot


class Answer(Protocol):
    """What a command line of the CLI left behind."""

    @property
    def code(self) -> int:
        """Its exit code."""

    @property
    def out(self) -> str:
        """What it wrote, safe for a terminal."""

    @property
    def err(self) -> str:
        """What it said beside that."""


class RunCommand(Protocol):
    """Runs a command line of the CLI for a context. It blocks: call it on a thread."""

    def __call__(self, argv: Sequence[str], context: Context, columns: int, stdin: bytes = b"") -> Answer:
        """Return what it left behind."""


def now_ms() -> int:
    """Return the time."""
    return time.time_ns() // 1_000_000


@dataclass(kw_only=True)
class Launch:
    """What the console is started with."""

    context: Context | None
    """None: the start view."""
    address: Address = field(default_factory=Overview)
    open_engine: Callable[[Context], Engine]
    contexts: Callable[[], list[tuple[str, str, str]]] = list
    """Known contexts: name, addresses, mode."""
    resolve: Callable[[str | None, str | None], Context] | None = None
    """Makes a context of a name, or of an address."""
    run_command: RunCommand | None = None
    start_demo: Callable[[], Context] | None = None
    keymap: Keymap = field(default_factory=Keymap)
    warnings: list[str] = field(default_factory=list)
    now_ms: Callable[[], int] = now_ms
    config_folder: Path | None = None
    """Where keys.toml, views.toml and themes/ are; None: nowhere."""
    state_folder: Callable[[], Path] = lambda: state_folder(os.environ)
    """Where a report of a defect goes."""

    def open_past(self, context: Context, snapshot: "ClusterSnapshot | None") -> "Past":
        """Return the history of a context's cluster, of which that is the last picture. It blocks. KconError: none."""
        from kcon.services.history import past_of, recorded_past

        if context.recording is not None:
            return recorded_past(context.recording)
        cluster_id = snapshot.cluster.cluster_id if snapshot is not None else None
        return past_of(context, self.state_folder(), cluster_id)
