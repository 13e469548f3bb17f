"""How does a view show the past? The slider's keys, and the moment that is read for the view in front.

A view that can be shown as it was sets SHOWS_PAST and draws what `console.snapshot` has; one that shows more than a
snapshot says in `past_reader` what to read beside it, and draws that in `snapshot_changed`.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Final

from kcon.core.times import parse_time_ms
from kcon.core.units import format_duration
from kcon.errors import KconError
from kcon.tui.screens.keyed import KeyedScreen
from kcon.tui.text import UNKNOWN, age
from kcon.tui.widgets.chart import is_ascii_only
from kcon.tui.widgets.slider import Slider

if TYPE_CHECKING:
    from kcon.observe.past import Past
    from kcon.tui.past_view import PastView

PAST_ACTIONS: Final = (
    "past",
    "past_back",
    "past_on",
    "past_mark_back",
    "past_mark_on",
    "past_shorter",
    "past_longer",
)
AT_HINT: Final = "a moment: @-1h, 14:05, 2026-01-31T14:05; now is the present"


class TimedScreen(KeyedScreen):
    """A view in time."""

    SHOWS_PAST: ClassVar[bool] = False

    def past_reader(self, past: "Past", look_ms: int) -> Any:
        """Return what the view shows beside the snapshot of a look. Worker thread: no widgets."""
        return None

    @property
    def past_view(self) -> "PastView | None":
        """Return the slider while the past is shown here; None in the present."""
        view = self.console.past_view
        return view if view is not None and view.is_on and self.SHOWS_PAST else None

    def available(self) -> tuple[str, ...]:
        """Return the actions of this view, those of time after its own."""
        known = super().available()
        if not self.SHOWS_PAST:
            return known
        own = len(self.ACTIONS)
        return (*known[:own], *PAST_ACTIONS, *known[own:])

    # --- keys ------------------------------------------------------------------------------------------------

    def do_past(self) -> None:
        """Ask for a moment."""
        self.ask_line("past", AT_HINT, "@-1h")

    def prompted(self, purpose: str, text: str) -> None:
        """Go to the moment that was typed."""
        if purpose != "past":
            super().prompted(purpose, text)
            return
        word = text.strip()
        if word in {"", "now", "@now"}:
            self.console.leave_past()
            return
        now_ms = self.console.now_ms()
        try:
            at_ms = parse_time_ms(word.removeprefix("@"), now_ms=now_ms, tz=self.console.times.tz)
        except KconError as error:
            self.complain(error)
            return
        if at_ms > now_ms:
            self.say(f"{word} is yet to come.", bad=True)
            return
        view = self.console.enter_past()
        if view is not None:
            view.move(at_ms)
            self.console.read_past()

    def _move(self, count: int) -> None:
        view = self.console.enter_past()
        if view is None:
            return
        if count > 0 and view.at_ms + view.step_ms >= view.now_ms and not view.is_whole:
            self.console.leave_past()
            self.say("This is the present.")
            return
        view.move_steps(count)
        self.console.read_past()

    def do_past_back(self) -> None:
        """Go a step back."""
        self._move(-1)

    def do_past_on(self) -> None:
        """Go a step on; behind the last one is the present."""
        if self.past_view is None:
            self.say("This is the present.", bad=True)
            return
        self._move(1)

    def do_past_mark_back(self) -> None:
        """Go to the mark before."""
        self._to_mark(-1)

    def do_past_mark_on(self) -> None:
        """Go to the next mark."""
        self._to_mark(1)

    def _to_mark(self, direction: int) -> None:
        view = self.console.enter_past()
        if view is None:
            return
        if view.shown is None and not view.marks:
            self.console.read_past(lambda: self._to_mark(direction))
        elif view.move_to_mark(direction):
            self.console.read_past()
        else:
            self.say(f"There is no mark {'after' if direction > 0 else 'before'} this.", bad=True)

    def do_past_shorter(self) -> None:
        """Make shorter steps."""
        self._change_step(-1)

    def do_past_longer(self) -> None:
        """Make longer steps."""
        self._change_step(1)

    def _change_step(self, by: int) -> None:
        view = self.console.past_view
        if view is not None:
            view.change_step(by)
            self.say(f"Steps of {format_duration(view.step_ms)}.")

    # --- drawing ---------------------------------------------------------------------------------------------

    def draw_slider(self) -> None:
        """Draw where in time this is."""
        slider = self.query_one(Slider)
        view = self.past_view
        slider.display = view is not None
        if view is None:
            return
        slider.show_moment(
            view.window_ms(), view.at_ms, view.marks, self._slider_note(view), ascii_only=is_ascii_only(slider)
        )

    def _slider_note(self, view: "PastView") -> str:
        times = self.console.times
        there = f"{times.short(view.at_ms)[:14]}, {age(view.at_ms, self.console.now_ms())} ago"
        if view.shown is not None and view.shown.asked_ms == view.at_ms and view.shown.snapshot is None:
            there += ": nobody looked then"
        last = view.marks_until(view.at_ms, 1)
        told = f"{age(last[0].at_ms, view.at_ms)} before: {last[0].text}" if last else UNKNOWN
        return f"{there} | {self._slider_keys(view)} | {told}"

    def _slider_keys(self, view: "PastView") -> str:
        def keys(*actions: str) -> str:
            return " ".join(self.console.keymap.shown(action) for action in actions)

        steps = f"{keys('past_back', 'past_on')} {format_duration(view.step_ms)}"
        return f"{steps}, {keys('past_shorter', 'past_longer')} steps, {keys('past_mark_back', 'past_mark_on')} marks"
