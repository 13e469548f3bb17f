"""How is the console opened on this process's terminal? With the user's folders, contexts and clusters."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kcon.contexts.context import Context
from kcon.tui.address import parse_address
from kcon.tui.app import KconApp
from kcon.tui.engine import Engine
from kcon.tui.first_frame import FirstFrame
from kcon.tui.keymap import load_keymap
from kcon.tui.launch import Launch, RunCommand

if TYPE_CHECKING:
    from kcon.observe.snapshot import ClusterSnapshot


def run_tui(
    context: Context | None,
    address: str | None,
    *,
    run_command: RunCommand | None = None,
    start_demo: Callable[[], Context] | None = None,
    first_frame: FirstFrame | None = None,
) -> int:
    """Open the console; return the exit code. UsageError when the address is off.

    context: None shows the start view. run_command and start_demo come from the CLI, which this package never
    imports. first_frame: stands on the terminal already; the console takes it over.
    """
    place = parse_address(address or "overview")
    from kcon.contexts.folders import config_folder
    from kcon.contexts.resolve import ContextStore, Overrides
    from kcon.tui.engine import ThreadEngine

    store = ContextStore()
    folder = config_folder(os.environ)
    keymap, warnings = load_keymap(folder)

    def open_engine(chosen: Context) -> Engine:
        from kcon.services.session import open_session

        if chosen.recording is not None:
            return open_recording(chosen, chosen.recording)
        return ThreadEngine(chosen, lambda: open_session(chosen, os.environ))

    launch = Launch(
        context=context,
        address=place,
        open_engine=open_engine,
        contexts=lambda: [(each.name, ", ".join(each.bootstrap), each.mode.value) for each in store.listings()],
        resolve=lambda name, bootstrap: store.resolve(Overrides(context=name, bootstrap=bootstrap)),
        run_command=run_command,
        start_demo=start_demo,
        keymap=keymap,
        warnings=warnings,
        config_folder=folder,
    )
    app = KconApp(launch)
    if first_frame is not None:
        first_frame.hand_over()
    result = app.run()
    # After a defect there is no result, and Textual's own code says 1.
    return app.return_code or result or 0


def open_recording(context: Context, path: Path) -> Engine:
    """Return the engine of an exported incident."""
    from kcon.services.history import recorded_past
    from kcon.tui.recorded import RecordedEngine

    def read_last() -> "ClusterSnapshot | None":
        past = recorded_past(path)
        try:
            span = past.reader.span_ms()
            return past.snapshot_at(span[1]) if span is not None else None
        finally:
            past.close()

    return RecordedEngine(context, read_last)
