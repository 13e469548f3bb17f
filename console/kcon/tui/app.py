"""The console on a terminal: which cluster and which view is in front, and how do the engine's messages reach it?"""

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.screen import Screen

from kcon.contexts.context import Context
from kcon.core.ids import TopicName
from kcon.errors import KconError
from kcon.tui.address import Address, Overview, parse_address
from kcon.tui.arrangements import Arrangements, load_arrangements
from kcon.tui.desk import DESKS_MAX, Desk
from kcon.tui.engine import INTERVALS_MS, Engine
from kcon.tui.events import JobEnded, SamplingFailed, SnapshotTaken
from kcon.tui.keymap import KEYS_FILE, load_keymap
from kcon.tui.launch import Launch
from kcon.tui.places import screen_of
from kcon.tui.request_log import RequestLog
from kcon.tui.screens.base import KconScreen
from kcon.tui.text import age
from kcon.tui.theme import FOLDER as THEMES_FOLDER
from kcon.tui.theme import NAMED_COLORS, THEMES, load_themes
from kcon.tui.time_travel import TimeTravel
from kcon.tui.times import TimeStyle

if TYPE_CHECKING:
    from kcon.observe.snapshot import ClusterSnapshot
    from kcon.services.standing import Standing

RELOAD_S: Final = 2.0
"""How often the files that are reloaded live are looked at."""
HOME: Final = "OVERVIEW"
DEPTH_MAX: Final = 40
"""Views above each other; a further one takes the place of the one above the overview."""


class KconApp(TimeTravel):
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
        self.desks: list[Desk] = []
        """The open clusters, the latest in front at the end."""
        self.request_log = RequestLog()
        self.times = TimeStyle(launch.now_ms)
        self.arrangements = Arrangements() if launch.config_folder is None else load_arrangements(launch.config_folder)
        self.keymap = launch.keymap
        self.now_ms = launch.now_ms
        self.terminal_encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
        self._chosen = launch.context
        self._is_frozen = False
        self._themes: list[str] = []
        self._seen_files: dict[Path, int] = {}
        self._load_themes()
        self.theme = "dark"

    # --- start and end ---------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[None]:
        """Begin where the address leads; without a cluster, ask for one.

        The overview, which a person comes back to, is made when it is needed: it costs a third of the first picture.
        """
        if self._chosen is None:
            from kcon.tui.screens.start import StartScreen

            return StartScreen()
        return screen_of(self.launch.address) or self._overview()

    @property
    def is_home(self) -> bool:
        """The overview is in front, below which nobody goes; the first view may be below it."""
        return isinstance(self.screen, KconScreen) and self.screen.TITLE_WORD == HOME

    @staticmethod
    def _overview() -> KconScreen:
        from kcon.tui.screens.overview import OverviewScreen

        return OverviewScreen()

    def on_mount(self) -> None:
        """Open the cluster."""
        if self._chosen is not None:
            self.start_engine(self._chosen)
        self.set_interval(RELOAD_S, self.reload_files)
        warnings = [*self.launch.warnings, *filter(None, [self.arrangements.warning])]
        for warning in warnings[:1]:
            if isinstance(self.screen, KconScreen):
                self.screen.say(warning, bad=True)

    def start_engine(self, context: Context) -> None:
        """Work with this cluster from now on; one that is open already is looked at again."""
        self._chosen = context
        self.times.use_zone(context.tz, context.tz_name)
        if self.desks:
            self.desks[-1].to_back()
        known = next((desk for desk in self.desks if desk.context == context), None)
        if known is not None:
            self.desks.remove(known)
            self.desks.append(known)
            known.to_front()
            return
        while len(self.desks) >= DESKS_MAX:
            self.desks.pop(0).close()
        self.desks.append(Desk(context, self.launch.open_engine(context), self))
        if isinstance(self.screen, KconScreen) and self.screen.is_ready:
            self.begin_looking()

    def begin_looking(self) -> None:
        """Let the engines start. Jobs may be submitted before, but the first picture goes before all they load."""
        for desk in self.desks:
            desk.start()

    def on_unmount(self) -> None:
        """Let the engines go."""
        for desk in self.desks:
            desk.close()

    @property
    def engine(self) -> Engine | None:
        """Return the engine of the cluster in front."""
        return self.desks[-1].engine if self.desks else None

    @property
    def snapshot(self) -> "ClusterSnapshot | None":
        """Return the last picture of the cluster in front, or that of the past where the view shows it."""
        if self.is_in_past:
            view = self.past_view
            return view.snapshot if view is not None else None
        return self.desks[-1].snapshot if self.desks else None

    @property
    def standing(self) -> "Standing | None":
        """Return what changes slowly in the cluster in front; None: it was not looked at yet, or the past is shown."""
        if self.is_in_past:
            return None
        return self.desks[-1].standing.known if self.desks else None

    @property
    def failure(self) -> tuple[str, str] | None:
        """Return why the last look failed, and a hint; None when it did not."""
        return self.desks[-1].failure if self.desks else None

    def _fatal_error(self) -> None:
        """Leave with a sentence and a report, instead of Textual's traceback with the values of variables."""
        from rich.text import Text

        from kcon.tui.crash import last_words, write_report

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
        from kcon.tui.needs import needs_of

        desk = event.desk
        if desk not in self.desks:
            return
        is_first = desk.snapshot is None
        desk.snapshot, desk.failure = event.snapshot, None
        if is_first and desk.context.recording is not None:
            self.enter_recording(desk, event.snapshot.taken_ms)
        has_changed = desk.events.look(event.snapshot)
        if event.snapshot.has_offsets:
            desk.standing.ask(self.now_ms(), at_once=has_changed)
            if desk.has_new_page(needs_of(event.snapshot, desk.standing.known)):
                self.bell()
        screen = self.screen
        if desk is self.desks[-1] and isinstance(screen, KconScreen):
            with self.batch_update():
                screen.catch_up()
        if event.snapshot.has_offsets and not self._is_frozen:
            # What lives now lives long: the collector need not look at it again.
            self._is_frozen = True
            gc.collect()
            gc.freeze()

    def on_job_ended(self, event: JobEnded) -> None:
        """Draw what a desk has learnt."""
        event.job.deliver()
        if self.desks and event.desk is self.desks[-1] and isinstance(self.screen, KconScreen):
            self.screen.catch_up()

    def on_sampling_failed(self, event: SamplingFailed) -> None:
        """Keep the old picture, and say why there is no newer one."""
        if event.desk not in self.desks:
            return
        event.desk.failure = (event.reason, event.hint)
        if event.desk is self.desks[-1] and isinstance(self.screen, KconScreen):
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
    def cluster_name(self) -> str:
        """Return what a person calls the cluster: the context's name, or the address that was given instead."""
        return self.context.name if self.context.name != "(none)" else self.context.bootstrap[0]

    @property
    def frame_color(self) -> str | None:
        """Return the background of the top line."""
        color = self.context.color
        return None if color is None else NAMED_COLORS.get(color, color if color.startswith("#") else None)

    def clock(self) -> str:
        """Return the time of day."""
        return self.times.clock()

    # --- files that are reloaded live ------------------------------------------------------------------------

    def _load_themes(self) -> list[str]:
        own, warnings = ({}, []) if self.launch.config_folder is None else load_themes(self.launch.config_folder)
        themes = {**THEMES, **own}
        for theme in themes.values():
            self.register_theme(theme)
        self._themes = list(themes)
        return warnings

    def reload_files(self) -> None:
        """Take keys and themes anew when their files have changed."""
        folder = self.launch.config_folder
        if folder is None:
            return
        themes = folder / THEMES_FOLDER
        found: dict[Path, int] = {}
        try:
            for path in (folder / KEYS_FILE, *(themes.glob("*.toml") if themes.is_dir() else ())):
                if path.exists():
                    found[path] = path.stat().st_mtime_ns
        except OSError:
            return
        if found == self._seen_files:
            return
        is_first, self._seen_files = not self._seen_files, found
        if is_first and found == {}:
            return
        self.keymap, warnings = load_keymap(folder)
        warnings += self._load_themes()
        if self.theme in self._themes:
            self._invalidate_css()
            self.refresh_css(animate=False)
        if isinstance(self.screen, KconScreen):
            self.screen.draw_frame()
            for warning in warnings[:1]:
                self.screen.say(warning, bad=True)

    def next_theme(self) -> str:
        """Look different; return the theme's name."""
        place = self._themes.index(self.theme) if self.theme in self._themes else -1
        self.use_theme(self._themes[(place + 1) % len(self._themes)])
        return self.theme

    def use_theme(self, name: str) -> None:
        """Take a theme by its name."""
        self.ansi_color = name == "16-colours"
        self.theme = name

    # --- going places ----------------------------------------------------------------------------------------

    def go(self, name: str) -> None:
        """Go to one of the lists, above the overview alone."""
        self.open(parse_address(name), from_top=True)

    def open(self, address: Address, *, from_top: bool = False) -> None:
        """Show what an address names.

        Nothing here is awaited: a view that waited for its own end inside a key press would wait for ever.
        """
        if from_top:
            while len(self.screen_stack) > 1 and not self.is_home:
                self.pop_screen()
            if not self.is_home:
                self.push_screen(self._overview())
        if len(self.screen_stack) >= DEPTH_MAX:
            self.go("overview")
        screen = screen_of(address)
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

    def search(
        self, topics: Sequence[TopicName], where: str, start: str, partitions: frozenset[int] | None = None
    ) -> None:
        """Search records as a job; the same search is shown again as it stands."""
        from kcon.core.offset_spec import parse_offset_spec
        from kcon.tui.record_search import SearchJob, SearchKey
        from kcon.tui.screens.search import SearchScreen

        key = SearchKey(tuple(topics), where, start, partitions)
        if not self.desks:
            return
        desk = self.desks[-1]
        job = desk.searches.pop(key, None)
        if job is None:
            try:
                spec = parse_offset_spec(start, now_ms=self.now_ms(), tz=self.times.tz) if start else None
                job = SearchJob(key, spec, self.times, self.now_ms())
            except KconError as error:
                if isinstance(self.screen, KconScreen):
                    self.screen.complain(error)
                return
        desk.keep_search(key, job)
        self.push_screen(SearchScreen(job))

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
