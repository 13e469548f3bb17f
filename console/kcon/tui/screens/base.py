"""What do all views share? The top line, the line of keys, the prompt, and how a key becomes an action.

A view names its actions and defines `do_<action>` for each; it reads `app.snapshot` and submits jobs to the engine.
It never asks the cluster itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from kcon.contexts.context import Mode
from kcon.errors import KconError, UsageError
from kcon.tui.actions import ACTIONS, EVERYWHERE
from kcon.tui.engine import Job
from kcon.tui.events import JobEnded
from kcon.tui.rows import parse_filter, sort_letters
from kcon.tui.text import Part, age
from kcon.tui.widgets.pager import wrap
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.prompt import Prompt
from kcon.tui.widgets.status_line import Fact, StatusLine
from kcon.tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from kcon.services.session import Session
    from kcon.tui.app import KconApp

Result = TypeVar("Result")

FILTER_DELAY_S = 0.12
POLL_S = 0.25
NOTE_LINES_MAX = 4
COPY_LETTERS = {"k": "key", "v": "value", "h": "headers", "o": "offset", "a": "all", "c": "CLI command"}


class KconScreen(Screen[None]):
    """A view."""

    TITLE_WORD: ClassVar[str] = ""
    ACTIONS: ClassVar[tuple[str, ...]] = ()
    """Beside those that work everywhere; they stand first in the hints."""
    COPIES: ClassVar[str] = "oc"
    """Letters of what can be copied here: k key, v value, h headers, o name or offset, a all, c the CLI command."""
    AUTO_FOCUS = "VirtualTable"
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._pending: Callable[[str], None] | None = None
        """What the next key is for, after `s` or `y`."""
        self._note = ""
        self._note_is_bad = False
        self.is_ready = False
        """Its widgets are there."""
        self._filter_timer: Timer | None = None

    # --- to be told by views ---------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """Yield the widgets between the top line and the hints."""
        raise TypeError("a view has a body")

    def facts(self) -> Sequence[Fact]:
        """Return what the top line says beside the context."""
        return ()

    def crumbs(self) -> Sequence[Fact]:
        """Return the path to this view."""
        return ()

    def snapshot_changed(self) -> None:
        """Draw what the new snapshot says."""

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon ui"

    def copy_text(self, letter: str) -> str | None:
        """Return the text for a letter of COPIES; None when there is nothing."""
        return self.cli_command() if letter == "c" else None

    def why_not(self, action: str) -> str | None:
        """Return why an action is not possible now, or None."""
        if ACTIONS[action].mutation is not None and self.console.context.mode is Mode.READ_ONLY:
            return f"context {self.console.context.name} is read-only"
        return None

    # --- frame -----------------------------------------------------------------------------------------------

    @property
    def console(self) -> "KconApp":
        """Return the app."""
        from kcon.tui.app import KconApp

        app = self.app
        assert isinstance(app, KconApp)
        return app

    def compose(self) -> ComposeResult:
        """Put the parts in place."""
        yield StatusLine()
        with Vertical(id="body"):
            yield from self.body()
        yield Lines(widget_id="problems")
        yield Lines([[Part("")]], widget_id="hints")
        yield Prompt()

    def on_mount(self) -> None:
        """Begin, unless the view was left before it was complete."""
        if self in self.app.screen_stack and self.query(StatusLine):
            self.is_ready = True
            self.mounted()

    def on_unmount(self) -> None:
        """Draw nothing more."""
        self.is_ready = False

    def mounted(self) -> None:
        """Draw for the first time. Views that need more begin here."""
        self.set_interval(1.0, self.draw_frame)
        self.draw_frame()
        self.snapshot_changed()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another view was in front."""
        self.catch_up()

    def on_resize(self) -> None:
        """What is drawn depends on the width."""
        self.catch_up()

    def catch_up(self) -> None:
        """Draw the newest snapshot; a view whose parts are not in place yet draws it when they are."""
        if self.is_ready:
            self.snapshot_changed()
            self.draw_frame()

    @property
    def table(self) -> VirtualTable | None:
        """Return the table that keys work on: the focused one, or the first that is shown."""
        if isinstance(self.focused, VirtualTable):
            return self.focused
        return next((table for table in self.query(VirtualTable) if table.display), None)

    def draw_frame(self) -> None:
        """Draw the top line, the problem line and the hints."""
        if not self.is_ready or not self.is_current:
            return
        status = self.query_one(StatusLine)
        status.background = self.console.frame_color
        status.show(self.TITLE_WORD, [*self._context_facts(), *self.facts(), *self._time_facts()])
        problem = self.console.problem()
        lines = wrap([Part(f" ! {problem}", "bad")], max(1, self.size.width))[:NOTE_LINES_MAX] if problem else []
        self.query_one("#problems", Lines).set_lines(lines)
        if self._note:
            note = Part(f" {self._note}", "bad" if self._note_is_bad else "strong")
            self.query_one("#hints", Lines).set_lines(wrap([note], max(1, self.size.width))[:NOTE_LINES_MAX])
        else:
            self._set_hints(self._hint_parts())

    def _context_facts(self) -> list[Fact]:
        context = self.console.context
        where = context.name if context.name != "(none)" else context.bootstrap[0]
        path = "".join(f" > {fact.text}" for fact in self.crumbs())
        mode = context.mode.value
        return [Fact(f"{where}{path}"), Fact(mode, 0 if context.mode is not Mode.READ_WRITE else 9)]

    def _time_facts(self) -> list[Fact]:
        console = self.console
        facts = []
        if console.snapshot is not None:
            old = age(console.snapshot.taken_ms, console.now_ms())
            stale = console.failure is not None
            facts.append(Fact(f"{old} old", 0, "warn" if stale else "text"))
        else:
            facts.append(Fact("no data yet" if console.failure else "connecting", 0, "warn"))
        if console.engine is not None and console.engine.is_paused:
            facts.append(Fact("PAUSED", 0, "warn"))
        facts.append(Fact(console.clock(), 4))
        return facts

    def _set_hints(self, parts: Sequence[Part]) -> None:
        self.query_one("#hints", Lines).set_lines([parts])

    def _hint_parts(self) -> list[Part]:
        keymap = self.console.keymap
        reasons = {name: why for name in self.available() if (why := self.why_not(name)) is not None}
        shown = [name for name in self.available() if ACTIONS[name].hint and name not in reasons]
        off = ""
        if reasons:
            keys = " ".join(keymap.shown(name) for name in reasons)
            off = f"({keys} off: {next(iter(reasons.values()))})"
        left = self.size.width - 2 - len(off)
        parts = [Part(" ")]
        for name in shown:
            width = len(keymap.shown(name)) + len(ACTIONS[name].hint) + 3
            if width > left:
                break
            left -= width
            parts += [Part(keymap.shown(name), "key"), Part(f" {ACTIONS[name].hint}  ", "dim")]
        return [*parts, Part(off, "dim")]

    def available(self) -> tuple[str, ...]:
        """Return the actions of this view, those of its own first."""
        return (*self.ACTIONS, *(name for name in EVERYWHERE if name not in self.ACTIONS))

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a sentence in the line of hints until the next key."""
        self._note, self._note_is_bad = text, bad
        self.draw_frame()

    def complain(self, error: KconError) -> None:
        """Show an error in the line of hints."""
        self.say(f"{error.message} {error.hint}".rstrip(), bad=True)

    # --- jobs ------------------------------------------------------------------------------------------------

    def submit(
        self,
        name: str,
        work: "Callable[[Session], Awaitable[Result]]",
        on_done: Callable[[Result], None],
        on_failed: Callable[[KconError], None] | None = None,
    ) -> Job[Result] | None:
        """Run work on the engine; call back here. None without an engine."""
        engine = self.console.engine
        if engine is None:
            return None
        return engine.submit(Job(name, work, self, on_done, on_failed or self.complain))

    def poll(
        self,
        name: str,
        work: "Callable[[Session], Awaitable[Result]]",
        on_done: Callable[[Result], None],
    ) -> None:
        """Run work now and then again as often as the engine looks, while this view is in front."""
        running: list[Job[Result]] = []
        asked_ms = 0

        def done(result: Result) -> None:
            running.clear()
            on_done(result)

        def failed(error: KconError) -> None:
            running.clear()
            self.complain(error)

        def ask() -> None:
            nonlocal asked_ms
            engine = self.console.engine
            if engine is None or running or not self.is_current:
                return
            now_ms = self.console.now_ms()
            if asked_ms and (engine.is_paused or now_ms - asked_ms < engine.interval_ms):
                return
            asked_ms = now_ms
            job = self.submit(name, work, done, failed)
            if job is not None:
                running.append(job)

        self.set_interval(POLL_S, ask)
        ask()

    def on_job_ended(self, event: JobEnded) -> None:
        """Call back with what a job brought."""
        event.stop()
        if self.is_ready:
            event.job.deliver()

    # --- keys ------------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Turn a key into an action."""
        prompt = self.query_one(Prompt)
        if prompt.is_open:
            if event.key == "escape":
                event.stop()
                event.prevent_default()
                self._leave_prompt(cancelled=True)
            return
        if self._note:
            self._note = ""
            self.draw_frame()
        if self._pending is not None:
            event.stop()
            event.prevent_default()
            pending, self._pending = self._pending, None
            self.draw_frame()
            if event.is_printable and event.character:
                pending(event.character)
            return
        action = self.console.keymap.action_of(event, self.available())
        if action is None:
            return
        event.stop()
        event.prevent_default()
        self.run_action_named(action)

    def run_action_named(self, name: str) -> None:
        """Do an action, or say why not."""
        reason = self.why_not(name)
        if reason is not None:
            self.say(f"{self.console.keymap.shown(name)} is off: {reason}.", bad=True)
            return
        getattr(self, f"do_{name}")()

    def do_open(self) -> None:
        """Open the row with the cursor."""
        if self.table is not None:
            self.table.action_choose()

    def do_back(self) -> None:
        """Clear the filter first; then leave."""
        table = self.table
        if table is not None and table.filter is not None:
            table.set_filter(None)
        elif len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    def do_filter(self) -> None:
        """Ask for a filter."""
        table = self.table
        if table is not None:
            value = table.filter.typed if table.filter else ""
            self.query_one(Prompt).open("filter", "filter: regex, !inverse, ~fuzzy", value)

    def do_sort(self) -> None:
        """Ask for the letter of a column."""
        table = self.table
        if table is None:
            return
        letters = sort_letters(table.columns)
        parts = [Part(" sort by ", "dim")]
        for letter, column in letters.items():
            parts += [Part(letter, "key"), Part(f" {column.title.lower()}  ", "dim")]
        self._set_hints(parts)
        self._pending = self._sort_by

    def _sort_by(self, letter: str) -> None:
        if self.table is not None and not self.table.toggle_sort(letter):
            self.say(f"There is no column for {letter!r}.", bad=True)

    def do_yank(self) -> None:
        """Ask what to copy."""
        parts = [Part(" copy ", "dim")]
        for letter in self.COPIES:
            parts += [Part(letter, "key"), Part(f" {COPY_LETTERS[letter]}  ", "dim")]
        self._set_hints(parts)
        self._pending = self._yank

    def _yank(self, letter: str) -> None:
        text = self.copy_text(letter) if letter in self.COPIES else None
        if text is None:
            self.say(f"There is nothing to copy for {letter!r}.", bad=True)
            return
        self.app.copy_to_clipboard(text)
        shown = f"{len(text):,} characters" if len(text) > 60 else text
        self.say(f"Copied: {shown}")

    def do_command(self) -> None:
        """Ask for a command line."""
        self.query_one(Prompt).open("command", "a command as in the CLI; enter alone lists every action")

    def do_help(self) -> None:
        """Show the keys."""
        from kcon.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self))

    def do_refresh(self) -> None:
        """Look now."""
        if self.console.engine is not None:
            self.console.engine.refresh()

    def do_pause(self) -> None:
        """Pause, or go on."""
        engine = self.console.engine
        if engine is not None:
            engine.set_paused(not engine.is_paused)
            self.draw_frame()

    def do_faster(self) -> None:
        """Look more often."""
        self.console.change_interval(-1)

    def do_slower(self) -> None:
        """Look less often."""
        self.console.change_interval(1)

    def do_overview(self) -> None:
        """Go to the overview."""
        self.console.go("overview")

    def do_topics(self) -> None:
        """Go to the topics."""
        self.console.go("topics")

    def do_groups(self) -> None:
        """Go to the groups."""
        self.console.go("groups")

    def do_contexts(self) -> None:
        """Choose another cluster."""
        self.console.choose_context()

    def do_quit(self) -> None:
        """Leave."""
        self.app.exit(0)

    # --- prompt ----------------------------------------------------------------------------------------------

    def _leave_prompt(self, *, cancelled: bool) -> None:
        prompt = self.query_one(Prompt)
        purpose = prompt.purpose
        prompt.close()
        target: Widget | None = self.table
        self.set_focus(target)
        if cancelled and purpose == "filter" and self.table is not None:
            self.table.set_filter(None)

    @on(Input.Changed)
    def _prompt_changed(self, event: Input.Changed) -> None:
        prompt = self.query_one(Prompt)
        if event.input is not prompt or prompt.purpose != "filter":
            return
        if self._filter_timer is not None:
            self._filter_timer.stop()
        self._filter_timer = self.set_timer(FILTER_DELAY_S, self._apply_filter)

    def _apply_filter(self) -> None:
        prompt = self.query_one(Prompt)
        if prompt.purpose == "filter":
            self.filter_by(prompt.value, quiet=True)

    def filter_by(self, typed: str, *, quiet: bool = False) -> None:
        """Filter the table by what was typed."""
        table = self.table
        if table is None:
            return
        try:
            table.set_filter(parse_filter(typed))
        except UsageError as error:
            if not quiet:
                self.complain(error)

    @on(Input.Submitted)
    def _prompt_submitted(self, event: Input.Submitted) -> None:
        prompt = self.query_one(Prompt)
        if event.input is not prompt:
            return
        event.stop()
        purpose, text = prompt.purpose, prompt.value
        self._leave_prompt(cancelled=False)
        if purpose == "filter":
            self.filter_by(text)
        elif purpose == "command":
            self.console.execute_line(text)
        else:
            self.prompted(purpose, text)

    def prompted(self, purpose: str, text: str) -> None:
        """Take a line that the view itself asked for."""
