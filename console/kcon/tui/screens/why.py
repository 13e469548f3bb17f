"""Why does this group lag? The verdict as it grows more certain, its evidence, and the commands to go on with."""

from collections.abc import Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult

from kcon.core.ids import GroupId
from kcon.core.units import format_duration
from kcon.core.verdict import Verdict
from kcon.core.wire_text import display_safe
from kcon.errors import KconError
from kcon.tui.engine import AnyJob
from kcon.tui.group_why import GroupWatch
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.base import KconScreen
from kcon.tui.text import Line, Part
from kcon.tui.widgets.pager import Pager
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

LOOK_S: Final = 0.2
GOES_ON: Final = " --watch"
"""What has no place in the console, whose views renew themselves."""
COLUMNS = (Column(key="command", title="RUN NEXT", flex=True, search=True, sort=False),)


class WhyScreen(KconScreen):
    """The verdict on one group."""

    TITLE_WORD = "WHY"
    ACTIONS = ("open", "filter", "yank")
    COPIES = "oac"
    AUTO_FOCUS = "#commands"
    DEFAULT_CSS = """
    WhyScreen {
        #verdict { height: 1fr; }
        #commands { height: 6; }
    }
    """

    def __init__(self, group: GroupId) -> None:
        super().__init__()
        self._group = group
        self._watch = GroupWatch(group)
        self._job: AnyJob | None = None
        self._drawn: tuple[Verdict | None, bool] | None = None

    def body(self) -> ComposeResult:
        """The verdict, and what to run next."""
        yield Pager(widget_id="verdict")
        yield VirtualTable(COLUMNS, widget_id="commands", has_sums=False, empty="nothing to run yet")

    def mounted(self) -> None:
        """Begin to watch."""
        super().mounted()
        self.set_interval(LOOK_S, self.look)
        self._begin()

    def on_unmount(self) -> None:
        """Ask no more: nobody reads the answer."""
        super().on_unmount()
        self._stop()

    def crumbs(self) -> Sequence[Fact]:
        """Return the path to this view."""
        return (Fact("groups"), Fact(self._group))

    def facts(self) -> Sequence[Fact]:
        """How far it is."""
        verdict = self._watch.verdict
        if self._job is None and not self._watch.is_done:
            return (Fact("failed", 0, "bad"),)
        if self._watch.is_done:
            return (Fact("done", 0, "ok"),)
        if verdict is None or not verdict.missing_ms:
            return (Fact("looking", 0, "warn"),)
        return (Fact(f"need {format_duration(verdict.missing_ms)} more", 0, "warn"),)

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        from kcon.tui.command_line import quoted

        return f"kcon why {quoted(self._group.raw)}"

    def copy_text(self, letter: str) -> str | None:
        """Copy the command under the cursor, or the whole verdict."""
        if letter == "o":
            key = self.query_one("#commands", VirtualTable).cursor_key
            return key if isinstance(key, str) else None
        if letter == "a":
            return None if self._watch.verdict is None else as_text(self._watch.verdict)
        return super().copy_text(letter)

    # --- watching --------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._watch = GroupWatch(self._group)
        self._job = self.submit(f"why {self._group}", self._watch.run, self._ended, self._failed)
        self.look()

    def _stop(self) -> None:
        if self._job is not None and self.console.engine is not None and not self._watch.is_done:
            self.console.engine.cancel(self._job)
        self._job = None

    def _ended(self, _result: None) -> None:
        self.look()

    def _failed(self, error: KconError) -> None:
        self._job = None
        self.complain(error)
        self.look()

    def do_refresh(self) -> None:
        """Judge anew."""
        self._stop()
        self._begin()

    def look(self) -> None:
        """Draw what is known."""
        watch = self._watch
        drawn = (watch.verdict, watch.is_done)
        if not self.is_ready or drawn == self._drawn:
            return
        self._drawn = drawn
        commands = watch.verdict.next_commands if watch.verdict is not None else ()
        self.query_one("#verdict", Pager).show(verdict_lines(watch.verdict, is_done=watch.is_done), keep_place=True)
        self.query_one("#commands", VirtualTable).set_rows(Rows(keys=commands, values={"command": commands}))
        self.draw_frame()

    # --- going on --------------------------------------------------------------------------------------------

    @on(VirtualTable.Chosen, "#commands")
    def _run(self, event: VirtualTable.Chosen) -> None:
        """Offer the command, so that what it leaves open (`...`) can be filled in; enter runs it."""
        if isinstance(event.key, str):
            self.type_command(event.key.removeprefix("kcon ").removesuffix(GOES_ON))


def verdict_lines(verdict: Verdict | None, *, is_done: bool) -> list[Line]:
    """Return a verdict as lines to read."""
    if verdict is None:
        return [[Part("  looking ...", "dim")]]
    role = "ok" if verdict.cause.is_fine else "bad" if is_done else "warn"
    lines: list[Line] = [
        [Part("")],
        [Part(f"  {verdict.headline}", role)],
        [Part(f"  {verdict.cause.value} ({verdict.confidence.value})", "strong")],
    ]
    if not is_done:
        more = f"need {format_duration(verdict.missing_ms)} more" if verdict.missing_ms else "looking on"
        lines.append([Part(f"  {more}: what only movement shows is not said before", "warn")])
    for title, sentences in (
        ("EVIDENCE", verdict.evidence),
        ("ALSO", tuple(also.headline for also in verdict.also)),
    ):
        if sentences:
            lines += [[Part("")], [Part(f"  {title}", "title")]]
            lines += [[Part(f"  - {sentence}")] for sentence in sentences]
    return lines


def as_text(verdict: Verdict) -> str:
    """Return a verdict as text to paste."""
    lines = [verdict.headline, f"{verdict.cause.value} ({verdict.confidence.value})"]
    lines += [f"- {sentence}" for sentence in verdict.evidence]
    lines += [f"also: {also.headline}" for also in verdict.also]
    lines += [f"next: {command}" for command in verdict.next_commands]
    return display_safe("\n".join(lines))
