"""What stands around every view? The top line, the problem line, and the line of keys or of a sentence."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen

from kcon.contexts.context import Mode
from kcon.errors import KconError
from kcon.tui.actions import ACTIONS, EVERYWHERE
from kcon.tui.text import Part, age
from kcon.tui.widgets.hint_line import HintLine
from kcon.tui.widgets.pager import wrap_words
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.prompt import Prompt
from kcon.tui.widgets.slider import Slider
from kcon.tui.widgets.status_line import Fact, StatusLine

if TYPE_CHECKING:
    from kcon.tui.app import KconApp

NOTE_LINES_MAX: Final = 3
"""A sentence for the user is wrapped, never cut, unless it is longer than this."""


class FramedScreen(Screen[None]):
    """A view's frame. Views say facts, path and actions; this draws them."""

    TITLE_WORD: ClassVar[str] = ""
    ACTIONS: ClassVar[tuple[str, ...]] = ()
    """Beside those that work everywhere; they stand first in the hints."""
    AUTO_FOCUS = "VirtualTable"
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._note = ""
        self._note_is_bad = False
        self._asked: Sequence[Part] | None = None
        """Stands where the keys stand, while a letter is waited for."""
        self.is_ready = False
        """Its widgets are there."""

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

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon ui"

    def why_not(self, action: str) -> str | None:
        """Return why an action is not possible now, or None."""
        if ACTIONS[action].mutation is not None and self.console.is_in_past:
            return "the past is shown; esc goes back to now"
        if ACTIONS[action].mutation is not None and self.console.context.mode is Mode.READ_ONLY:
            return f"context {self.console.context.name} is read-only"
        return None

    def available(self) -> tuple[str, ...]:
        """Return the actions of this view, those of its own first."""
        return (*self.ACTIONS, *(name for name in EVERYWHERE if name not in self.ACTIONS))

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
        yield Slider()
        yield Lines(widget_id="problems")
        yield HintLine([[Part("")]], widget_id="hints")
        yield Prompt()

    def draw_frame(self) -> None:
        """Draw the top line, the problem line and the hints."""
        if not self.is_ready or not self.is_current:
            return
        status = self.query_one(StatusLine)
        status.background = self.console.frame_color
        status.show(self.TITLE_WORD, [*self._context_facts(), *self.facts(), *self._time_facts()])
        problem = self.console.problem()
        lines = wrap_words(Part(f" ! {problem}", "bad"), max(1, self.size.width))[:NOTE_LINES_MAX] if problem else []
        self.query_one("#problems", Lines).set_lines(lines)
        self.draw_slider()
        if self._note:
            note = Part(f" {self._note}", "bad" if self._note_is_bad else "strong")
            self.query_one("#hints", Lines).set_lines(wrap_words(note, max(1, self.size.width))[:NOTE_LINES_MAX])
        else:
            self.query_one("#hints", Lines).set_lines([self._asked or self._hint_parts()])

    def _context_facts(self) -> list[Fact]:
        context = self.console.context
        where = self.console.cluster_name
        path = "".join(f" > {fact.text}" for fact in self.crumbs())
        mode = context.mode.value
        return [Fact(f"{where}{path}"), Fact(mode, 0 if context.mode is not Mode.READ_WRITE else 9)]

    def _time_facts(self) -> list[Fact]:
        console = self.console
        facts = []
        if console.is_in_past:
            shown = console.snapshot
            then = console.times.short(shown.taken_ms)[:14] if shown is not None else "reading"
            facts.append(Fact(f"PAST {then}", 0, "bad"))
        elif console.snapshot is not None:
            if console.past_view is not None and console.past_view.is_on:
                facts.append(Fact("NOW: no past here", 0, "warn"))
            old = age(console.snapshot.taken_ms, console.now_ms())
            stale = console.failure is not None
            facts.append(Fact(f"{old} old", 0, "warn" if stale else "text"))
        else:
            facts.append(Fact("no data yet" if console.failure else "connecting", 0, "warn"))
        if console.engine is not None and console.engine.is_paused:
            facts.append(Fact("PAUSED", 0, "warn"))
        facts.append(Fact(console.clock(), 4))
        return facts

    def draw_slider(self) -> None:
        """Draw where in time this is."""

    def set_hints(self, parts: Sequence[Part] | None) -> None:
        """Show something else in the line of keys; None: the keys again."""
        self._asked = parts
        self.draw_frame()

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

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a sentence in the line of hints until the next key."""
        self._note, self._note_is_bad = text, bad
        self.draw_frame()

    def complain(self, error: KconError) -> None:
        """Show an error in the line of hints."""
        self.say(f"{error.message} {error.hint}".rstrip(), bad=True)

    def unsay(self) -> None:
        """Take the sentence away."""
        if self._note:
            self._note = ""
            self.draw_frame()
