"""Where is the record? A search as a job: its matches, how much was looked at, stop and go on."""

from collections.abc import Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult

from kcon.core.ids import TopicName
from kcon.core.units import format_bytes, format_duration, format_rate
from kcon.errors import KconError
from kcon.tui.address import Records
from kcon.tui.record_rows import RecordTexts
from kcon.tui.record_search import MATCHES_MAX, SearchJob, SearchState
from kcon.tui.screens.record_pane import RecordPane
from kcon.tui.text import Line, Part
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

LOOK_S: Final = 0.2
BAR_CELLS: Final = 30


class SearchScreen(RecordPane):
    """One search."""

    TITLE_WORD = "SEARCH"
    ACTIONS = (
        "open",
        "pause",
        "detail",
        "filter",
        "yank",
        "form",
        "compare",
        "fields",
        "mark",
        "mark_all",
        "dead_letter",
        "skip",
        "resend",
        "export",
        "editor",
        "page_previous",
        "page_next",
        "previous",
        "next",
    )

    def __init__(self, job: SearchJob) -> None:
        super().__init__()
        self._search = job

    def body(self) -> ComposeResult:
        """How far it is, the matches, one record in full."""
        yield Lines([[Part("")], [Part("")]], widget_id="progress")
        yield from self.split("no match yet")

    def mounted(self) -> None:
        """Begin, unless it runs or is done already."""
        super().mounted()
        self.set_interval(LOOK_S, self.look)
        if self._search.state is SearchState.READY:
            self._go_on()
        self.look()

    def crumbs(self) -> Sequence[Fact]:
        """Return the path to this view."""
        return (Fact("topics"), Fact(" + ".join(map(str, self._search.key.topics))))

    def facts(self) -> Sequence[Fact]:
        """How it goes."""
        job = self._search
        role = "ok" if job.state is SearchState.DONE else "warn"
        matches = f"{job.filter.matched:,} match{'' if job.filter.matched == 1 else 'es'}"
        return (Fact(job.state.value, 0, role), Fact(matches, 0))

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        from kcon.tui.command_line import quoted

        key = self._search.key
        words = ["kcon", "search", *(quoted(name.raw) for name in key.topics)]
        words += ["-o", quoted(key.start)] if key.start else []
        words += ["-p", ",".join(map(str, sorted(key.partitions)))] if key.partitions is not None else []
        return " ".join([*words, "--where", quoted(key.where)])

    # --- running ---------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        self.submit("search", self._search.run, self._ended, self._failed)

    def _ended(self, _result: None) -> None:
        self.look()

    def _failed(self, error: KconError) -> None:
        self.complain(error)

    def do_pause(self) -> None:
        """Stop the search, or let it go on where it was."""
        job = self._search
        if job.state is SearchState.RUNNING:
            job.stop()
        elif job.state is SearchState.STOPPED:
            self._go_on()
        self.look()

    def look(self) -> None:
        """Draw what was found and how far it is."""
        if not self.is_ready:
            return
        job = self._search
        held = job.buffer.held()
        table = self.query_one(VirtualTable)
        table.empty = "no match" if job.state is SearchState.DONE else "no match yet"
        if held != self.held:
            self.show_held(held)
        self.query_one("#progress", Lines).set_lines(self._progress())
        self.draw_frame()

    def _progress(self) -> list[Line]:
        job = self._search
        coverage, errors = job.coverage, job.filter.errors.total
        filled = round(coverage.share * BAR_CELLS)
        rate = format_rate(job.filter.seen / job.took_s) if job.took_s > 0 else ""
        first: Line = [
            Part("  where ", "dim"),
            Part(job.key.where, "strong"),
            Part(f"   from {job.key.start or 'start'}", "dim"),
        ]
        second = [
            Part(f"  [{'#' * filled}{'.' * (BAR_CELLS - filled)}] ", "in"),
            Part(f"searched {coverage.searched:,} of {coverage.whole:,} offsets ({coverage.share:.1%})"),
            Part(f"   {format_bytes(job.bytes_read)} {rate} {format_duration(job.took_s * 1000)}", "dim"),
        ]
        if coverage.lost:
            second.append(Part(f"   {coverage.lost:,} deleted before they were read", "warn"))
        if errors:
            second.append(Part(f"   {errors:,} not judged: {next(iter(job.filter.errors.reasons), '')}", "warn"))
        if job.is_full:
            second.append(Part(f"   stopped at {MATCHES_MAX:,} matches; p goes on", "warn"))
        return [first, second]

    # --- records ---------------------------------------------------------------------------------------------

    def texts(self) -> RecordTexts | None:
        """Return how they read."""
        return self._search.texts

    def topics_shown(self) -> Sequence[TopicName]:
        """Return what is searched."""
        return self._search.key.topics

    def topic_to_write(self) -> TopicName:
        """Return the first topic."""
        return self._search.key.topics[0]

    def is_many(self) -> bool:
        """Return whether several topics are searched."""
        return len(self._search.key.topics) > 1

    @on(VirtualTable.Chosen)
    def _chosen(self) -> None:
        record = self.record_at_cursor()
        if record is not None:
            self.console.open(Records(record.topic, record.partition, str(record.offset)))
