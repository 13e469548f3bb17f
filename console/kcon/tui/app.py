"""The console on a terminal: which view is in front, and how do the engine's messages reach it?"""

import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from kcon.contexts.context import Context
from kcon.contexts.folders import state_folder
from kcon.observe.snapshot import ClusterSnapshot
from kcon.tui.address import Address, Group, Groups, Overview, Records, Topic, Topics, parse_address
from kcon.tui.crash import last_words, write_report
from kcon.tui.engine import INTERVALS_MS, Engine
from kcon.tui.events import SamplingFailed, SnapshotTaken
from kcon.tui.keymap import Keymap, load_keymap
from kcon.tui.screens.base import KconScreen
from kcon.tui.text import age
from kcon.tui.theme import KCON_THEME, NAMED_COLORS

CommandRunner = Callable[[Sequence[str], Context, int], tuple[int, str]]
"""Runs a command line of the CLI for a context at a width; returns the exit code and what it wrote."""


def now_ms() -> int:
    """Return the time."""
    return time.time_ns() // 1_000_000


@dataclass(kw_only=True)
class Launch:
    """What the console is started with; all of it can be replaced in tests."""

    context: Context | None
    """None: the start view."""
    address: Address = field(default_factory=Overview)
    open_engine: Callable[[Context], Engine]
    contexts: Callable[[], list[tuple[str, str, str]]] = list
    """Known contexts: name, addresses, mode."""
    resolve: Callable[[str | None, str | None], Context] | None = None
    """Makes a context of a name, or of an address."""
    run_command: CommandRunner | None = None
    start_demo: Callable[[], Context] | None = None
    keymap: Keymap = field(default_factory=Keymap)
    warnings: list[str] = field(default_factory=list)
    now_ms: Callable[[], int] = now_ms
    state_folder: Callable[[], Path] = lambda: state_folder(os.environ)
    """Where a report of a defect goes."""


class KconApp(App[int]):
    """The console."""

    TITLE = "kcon"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: $background; }
    #body { height: 1fr; }
    #hints { height: auto; max-height: 4; min-height: 1; }
    #problems { height: auto; max-height: 3; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "leave", show=False, priority=True)]

    def __init__(self, launch: Launch) -> None:
        super().__init__()
        self.launch = launch
        self.engine: Engine | None = None
        self.snapshot: ClusterSnapshot | None = None
        self.failure: tuple[str, str] | None = None
        """Why the last look failed, and a hint; None when it did not."""
        self.keymap = launch.keymap
        self.now_ms = launch.now_ms
        self.terminal_encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
        self._chosen = launch.context
        self._is_frozen = False
        self.register_theme(KCON_THEME)
        self.theme = KCON_THEME.name

    # --- start and end ---------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[None]:
        """Begin with the overview; it stays at the bottom."""
        from kcon.tui.screens.overview import OverviewScreen

        return OverviewScreen()

    def on_mount(self) -> None:
        """Start the engine and go where the address leads; without a cluster, ask for one."""
        if self._chosen is None:
            self.choose_context()
            return
        self.start_engine(self._chosen)
        self.open(self.launch.address)
        for warning in self.launch.warnings[:1]:
            if isinstance(self.screen, KconScreen):
                self.screen.say(warning, bad=True)

    def start_engine(self, context: Context) -> None:
        """Work with this cluster from now on."""
        if self.engine is not None:
            self.engine.stop()
        self._chosen = context
        self.snapshot, self.failure = None, None
        engine = self.engine = self.launch.open_engine(context)

        def begin() -> None:
            if self.engine is engine:
                engine.start(self)

        # Jobs may be submitted from now on, but the first picture goes before everything that has to be loaded.
        self.call_after_refresh(begin)

    def on_unmount(self) -> None:
        """Let the engine go."""
        if self.engine is not None:
            self.engine.stop()

    def _fatal_error(self) -> None:
        """Leave with a sentence and a report, instead of Textual's traceback with the values of variables."""
        from rich.text import Text

        error = self._exception
        assert error is not None, "Textual sets it before it calls this"
        report = write_report(self.launch.state_folder(), error, self.now_ms())
        self.bell()
        self._exit_renderables.append(Text(last_words(error, report)))
        self._close_messages_no_wait()

    def action_leave(self) -> None:
        """Leave at ctrl-C."""
        self.exit(0)

    # --- what the engine says --------------------------------------------------------------------------------

    def on_snapshot_taken(self, event: SnapshotTaken) -> None:
        """Hand the picture to the view in front; the others catch up when they are."""
        self.snapshot, self.failure = event.snapshot, None
        screen = self.screen
        if isinstance(screen, KconScreen):
            with self.batch_update():
                screen.catch_up()
        if event.snapshot.has_offsets and not self._is_frozen:
            # What lives now lives long: the collector need not look at it again.
            self._is_frozen = True
            gc.collect()
            gc.freeze()

    def on_sampling_failed(self, event: SamplingFailed) -> None:
        """Keep the old picture, and say why there is no newer one."""
        self.failure = (event.reason, event.hint)
        if isinstance(self.screen, KconScreen):
            self.screen.catch_up()

    def problem(self) -> str:
        """Return the sentence about the engine's last failure, with the age of what is shown; or ""."""
        if self.failure is None:
            return ""
        reason, hint = self.failure
        seen = f" Shown is what was known {age(self.snapshot.taken_ms, self.now_ms())} ago." if self.snapshot else ""
        return f"{reason}{seen} {hint}".rstrip()

    # --- facts for views -------------------------------------------------------------------------------------

    @property
    def context(self) -> Context:
        """Return the cluster that is shown."""
        if self._chosen is None:
            return Context(name="no cluster", bootstrap=("",))
        return self._chosen

    @property
    def frame_color(self) -> str | None:
        """Return the background of the top line."""
        color = self.context.color
        return None if color is None else NAMED_COLORS.get(color, color if color.startswith("#") else None)

    def clock(self) -> str:
        """Return the time of day in the context's zone."""
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self.now_ms())
        local = moment.astimezone(self.context.tz)
        return f"{local:%H:%M} {local.tzname() or ''}".rstrip()

    # --- going places ----------------------------------------------------------------------------------------

    def go(self, name: str) -> None:
        """Go to one of the lists, above the overview alone."""
        self.open(parse_address(name), from_top=True)

    def open(self, address: Address, *, from_top: bool = False) -> None:
        """Show what an address names.

        Nothing here is awaited: a view that waited for its own end inside a key press would wait for ever.
        """
        if from_top:
            while len(self.screen_stack) > 1:
                self.pop_screen()
        screen = _screen_of(address)
        if screen is not None:
            self.push_screen(screen)

    def change_interval(self, step: int) -> None:
        """Look more (-1) or less (+1) often."""
        if self.engine is None:
            return
        place = INTERVALS_MS.index(self.engine.interval_ms) if self.engine.interval_ms in INTERVALS_MS else 2
        chosen = INTERVALS_MS[min(max(0, place + step), len(INTERVALS_MS) - 1)]
        self.engine.set_interval(chosen)
        if isinstance(self.screen, KconScreen):
            self.screen.say(f"Looking every {chosen / 1000:g} s.")

    def choose_context(self) -> None:
        """Show the contexts."""
        from kcon.tui.screens.start import StartScreen

        self.push_screen(StartScreen())

    def use_context(self, context: Context) -> None:
        """Look at another cluster."""
        self.start_engine(context)
        self.open(Overview(), from_top=True)

    def execute_line(self, text: str) -> None:
        """Execute what was typed at the `:`; empty: list the actions."""
        from kcon.tui.command_line import execute

        execute(self, text)


def _screen_of(address: Address) -> KconScreen | None:
    match address:
        case Topics():
            from kcon.tui.screens.topics import TopicsScreen

            return TopicsScreen()
        case Groups():
            from kcon.tui.screens.groups import GroupsScreen

            return GroupsScreen()
        case Topic(name):
            from kcon.tui.screens.topic import TopicScreen

            return TopicScreen(name)
        case Group(group):
            from kcon.tui.screens.group import GroupScreen

            return GroupScreen(group)
        case Records(name, partition, start):
            from kcon.tui.screens.records import RecordsScreen

            return RecordsScreen(name, partition, start)
        case _:
            return None


def run_tui(
    context: Context | None,
    address: str | None,
    *,
    run_command: CommandRunner | None = None,
    start_demo: Callable[[], Context] | None = None,
) -> int:
    """Open the console on this process's terminal; return the exit code. UsageError when the address is off.

    context: None shows the start view. run_command and start_demo come from the CLI, which this package never
    imports.
    """
    place = parse_address(address or "overview")
    from kcon.contexts.folders import config_folder
    from kcon.contexts.resolve import ContextStore, Overrides
    from kcon.tui.engine import ThreadEngine

    store = ContextStore()
    keymap, warnings = load_keymap(config_folder(os.environ))

    def open_engine(chosen: Context) -> Engine:
        from kcon.services.session import open_session

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
    )
    app = KconApp(launch)
    result = app.run()
    # After a defect there is no result, and Textual's own code says 1.
    return app.return_code or result or 0
