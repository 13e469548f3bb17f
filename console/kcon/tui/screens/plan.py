"""How does a change go through? A plan is shown, confirmed, carried out, and its result stands in the same table.

In a protected context the name of the target is typed; elsewhere a `y` confirms. Nothing is sent before that.
"""

from abc import abstractmethod
from typing import ClassVar

from textual import events
from textual.app import ComposeResult

from kcon.contexts.context import Mode
from kcon.errors import KconError
from kcon.tui.screens.base import KconScreen
from kcon.tui.text import Line, Part, safe
from kcon.tui.widgets.hint_line import HintLine
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.prompt import Prompt
from kcon.tui.widgets.virtual_table import VirtualTable


class PlanScreen(KconScreen):
    """The frame of a plan: facts, table, and what can be done now."""

    ACTIONS: ClassVar[tuple[str, ...]] = ("filter", "sort", "yank")

    def __init__(self) -> None:
        super().__init__()
        self._asks = False
        self._is_running = False
        self.is_done = False

    def plan_body(self, table: VirtualTable) -> ComposeResult:
        """Yield facts, the table, and the line that asks."""
        yield Lines(widget_id="plan-facts")
        yield table
        yield HintLine(widget_id="plan-ask")

    def available(self) -> tuple[str, ...]:
        """A plan is looked at, confirmed or left. While it waits for `y`, that key means nothing else."""
        own = self.ACTIONS
        if self.is_ready and self.can_apply():
            own = tuple(name for name in own if name != "yank")
        return (*own, "help", "back")

    def is_planned(self) -> bool:
        """Return whether there is a plan to ask about."""
        return True

    @abstractmethod
    def question(self) -> str | None:
        """Return what is to be confirmed; None when there is nothing to do."""

    @abstractmethod
    def blocked(self) -> str | None:
        """Return why it cannot be carried out now."""

    @abstractmethod
    def typed_name(self) -> str:
        """Return what is typed to confirm in a protected context."""

    @abstractmethod
    def apply(self, confirmed_by: str) -> None:
        """Carry it out."""

    def show_facts(self, lines: list[Line]) -> None:
        """Show what stands above the plan."""
        self.query_one("#plan-facts", Lines).set_lines(lines)

    def show_ask(self) -> None:
        """Show what can be done now."""
        self.query_one("#plan-ask", Lines).set_lines([self._ask_line()])
        self.draw_frame()  # `y` copies until it confirms.

    def _ask_line(self) -> Line:
        if self._is_running:
            return [Part("  Working ...", "warn")]
        if self.is_done:
            return [Part("  Done. ", "ok"), Part("esc", "key"), Part(" back", "dim")]
        if not self.is_planned():
            return [Part("")]
        question, blocked = self.question(), self.blocked()
        if question is None:
            return [Part("  Nothing to change. ", "dim"), Part("esc", "key"), Part(" back", "dim")]
        if blocked is not None:
            return [Part(f"  {blocked}", "warn")]
        if self.console.context.mode is Mode.PROTECT:
            return [Part(f"  {question} "), Part("y", "key"), Part(" then type the name", "dim")]
        return [Part(f"  {question} "), Part("y", "key"), Part(" yes  ", "dim"), Part("esc", "key"), Part(" no", "dim")]

    def can_apply(self) -> bool:
        """Return whether a confirmation would be heard."""
        ready = not self._is_running and not self.is_done and self.is_planned()
        return ready and self.question() is not None and self.blocked() is None

    def hear_key(self, event: events.Key) -> None:
        """Hear the confirmation."""
        if event.character == "y" and not self.query_one(Prompt).is_open and self.can_apply():
            event.stop()
            event.prevent_default()
            if self.console.context.mode is Mode.PROTECT:
                self.query_one(Prompt).open("confirm", f"type {self.typed_name()} to confirm")
            else:
                self.start("dialog")
            return
        super().hear_key(event)

    def prompted(self, purpose: str, text: str) -> None:
        """Check the typed name."""
        if purpose != "confirm":
            return
        if text == self.typed_name():
            self.start(f"name:{text}")
        else:
            self.say("That is not the name; nothing was changed.", bad=True)

    def start(self, confirmed_by: str) -> None:
        """Begin to carry it out."""
        if self.can_apply():
            self._is_running = True
            self.show_ask()
            self.apply(confirmed_by)

    def finished(self, text: str, *, bad: bool) -> None:
        """Show how it ended."""
        self._is_running, self.is_done = False, True
        if self.console.desks:
            done = safe(self.cli_command().removeprefix("kcon "))
            self.console.desks[-1].events.add(self.console.now_ms(), done, is_bad=bad)
        self.show_ask()
        self.say(text, bad=bad)
        self.do_refresh()

    def not_done(self, error: KconError) -> None:
        """Show why it was not carried out; it may be tried again."""
        self._is_running = False
        self.show_ask()
        self.complain(error)
