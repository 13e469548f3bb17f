"""How does a key become an action? Keys by the keymap, letters after a key, and the line that is typed.

A view names its actions and defines `do_<action>` for each.
"""

from collections.abc import Callable
from typing import Final

from textual import events, on
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from kcon.errors import KconError
from kcon.tui.rows import Filter, parse_filter
from kcon.tui.screens.working import WorkingScreen
from kcon.tui.text import Part
from kcon.tui.widgets.hint_line import HintLine, press_of
from kcon.tui.widgets.prompt import Prompt
from kcon.tui.widgets.virtual_table import VirtualTable

FILTER_DELAY_S: Final = 0.12
FILTER_HINT: Final = "filter: regex, !inverse, ~fuzzy, =expression such as =lag > 1000"


class KeyedScreen(WorkingScreen):
    """A view that hears keys and asks for lines."""

    def __init__(self) -> None:
        super().__init__()
        self._pending: Callable[[str], None] | None = None
        """What the next key is for, after `s` or `y`."""
        self._filter_timer: Timer | None = None

    @property
    def table(self) -> VirtualTable | None:
        """Return the table that keys work on: the focused one, or the first that is shown."""
        if isinstance(self.focused, VirtualTable):
            return self.focused
        return next((table for table in self.query(VirtualTable) if table.display), None)

    # --- keys ------------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Hear a key. Views change `hear_key`: a second handler of this name would be called beside this one."""
        # Keys that are typed faster than the console works may wait for a view that the first of them left.
        if self.is_ready and self.is_current:
            self.hear_key(event)

    def hear_key(self, event: events.Key) -> None:
        """Turn a key into an action."""
        prompt = self.query_one(Prompt)
        if prompt.is_open:
            if event.key == "escape":
                event.stop()
                event.prevent_default()
                self._leave_prompt(cancelled=True)
            return
        self.unsay()
        if self._pending is not None:
            event.stop()
            event.prevent_default()
            pending, self._pending = self._pending, None
            self.set_hints(None)
            if event.is_printable and event.character:
                pending(event.character)
            return
        action = self.console.keymap.action_of(event, self.available())
        if action is None:
            return
        event.stop()
        event.prevent_default()
        self.run_action_named(action)

    @on(HintLine.Picked)
    def _picked_hint(self, event: HintLine.Picked) -> None:
        """A key that was clicked is for the view, whatever field has the focus."""
        event.stop()
        if not (self.is_ready and self.is_current):
            return
        if self.query_one(Prompt).is_open:
            self._leave_prompt(cancelled=True)
        elif isinstance(self.focused, Input) and self.table is not None:
            self.set_focus(self.table)
        self.hear_key(press_of(event.key))

    def run_action_named(self, name: str) -> None:
        """Do an action, or say why not."""
        reason = self.why_not(name)
        if reason is not None:
            self.say(f"{self.console.keymap.shown(name)} is off: {reason}.", bad=True)
            return
        getattr(self, f"do_{name}")()

    def ask_letter(self, title: str, letters: dict[str, str], then: Callable[[str], None]) -> None:
        """Show letters with their meaning; the next key is one of them."""
        parts = [Part(f" {title} ", "dim")]
        for letter, word in letters.items():
            parts += [Part(letter, "key"), Part(f" {word}  ", "dim")]
        self.set_hints(parts)
        self._pending = then

    # --- the line that is typed ------------------------------------------------------------------------------

    def ask_line(self, purpose: str, hint: str, value: str = "", suggestions: tuple[str, ...] = ()) -> None:
        """Ask for a line; `prompted` gets it."""
        self.query_one(Prompt).open(purpose, hint, value, suggestions)

    def prompted(self, purpose: str, text: str) -> None:
        """Take a line that the view itself asked for."""

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

    def make_filter(self, typed: str) -> Filter | None:
        """Read a filter for the table that keys work on."""
        return parse_filter(typed, self.table.view.all_columns if self.table is not None else ())

    def filter_by(self, typed: str, *, quiet: bool = False) -> None:
        """Filter the table by what was typed."""
        table = self.table
        if table is None:
            return
        try:
            table.set_filter(self.make_filter(typed))
        except KconError as error:
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
