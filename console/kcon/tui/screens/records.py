"""Which records come in, and what do they say? Live tail, seek to any place, and one record in full."""

from collections.abc import Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult

from kcon.core.ids import GroupId, TopicName
from kcon.core.offset_spec import OffsetSpec, parse_offset_spec
from kcon.errors import KconError, UsageError
from kcon.tui.engine import Job
from kcon.tui.events import RecordsArrived
from kcon.tui.record_buffer import Held
from kcon.tui.record_reader import RecordReader
from kcon.tui.record_rows import RecordTexts
from kcon.tui.rows import Rows
from kcon.tui.screens.record_pane import RecordPane
from kcon.tui.text import Part
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.prompt import Prompt
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

FILTERED_DRAW_S: Final = 0.5
"""While a filter is set the whole buffer is searched at each draw, so there are fewer of them."""
SEEK_HINT: Final = "place: start, end, 42, end-100, start+10, @-1h, @14:05, @today, @2026-01-31"
SEARCH_HINT: Final = 'search all records where: value.status == "late" && key.startsWith("a")'
NOTES_MAX: Final = 2
FIELD_WIDTH: Final = 14


class RecordsScreen(RecordPane):
    """The records of a topic, or of one partition."""

    TITLE_WORD = "RECORDS"
    ACTIONS = (
        "seek",
        "follow",
        "search",
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
        "produce",
        "resend",
        "redrive",
        "export",
        "editor",
        "page_previous",
        "page_next",
        "previous",
        "next",
        "open",
    )

    def __init__(
        self,
        name: TopicName,
        partition: int | None = None,
        start: str = "",
        others: Sequence[TopicName] = (),
        group: GroupId | None = None,
    ) -> None:
        """others: further topics, merged with the first by time. group: whose commit a skip moves."""
        super().__init__()
        self._group = group
        self._topics = (name, *others)
        self._partition = partition
        self._start = start
        self.reader: RecordReader | None = None
        self._job: Job[None] | None = None
        self._has_ended = False
        self._draws_later = False

    def body(self) -> ComposeResult:
        """Notes, the table, one record in full."""
        yield Lines(widget_id="place")
        yield from self.split("waiting for records")

    def is_many(self) -> bool:
        """Return whether records of several topics are shown."""
        return len(self._topics) > 1

    def mounted(self) -> None:
        """Begin to read."""
        super().mounted()
        self.begin(self._start)

    def on_unmount(self) -> None:
        """Stop reading."""
        super().on_unmount()
        self._stop()

    def leave(self) -> None:
        """Stop reading, also where this is the first view, which stays below all others."""
        if self.is_current:
            self._stop()
        super().leave()

    def crumbs(self) -> Sequence[Fact]:
        """Return the path to this view."""
        path = [Fact("topics"), Fact(" + ".join(map(str, self._topics)))]
        return path if self._partition is None else [*path, Fact(f"p{self._partition}")]

    def facts(self) -> Sequence[Fact]:
        """What the reading does, and how much of it is in view."""
        held, reader = self.held, self.reader
        paused = reader is not None and reader.buffer.is_paused
        facts = [Fact("PAUSED" if paused else self._doing(), 0, "warn" if paused else "text")]
        facts.append(Fact(f"{held.read:,} read", 2))
        if held.dropped:
            facts.append(Fact(f"{held.dropped:,} dropped from view", 1, "warn"))
        if reader is not None and reader.hidden:
            facts.append(Fact(f"{reader.hidden:,} hidden behind an open transaction", 3, "warn"))
        if self.masked_topics():
            facts.append(Fact("masked", 4, "warn"))
        return facts

    def _doing(self) -> str:
        if self._has_ended:
            return "ended"
        is_tail = self.reader is None or self.reader.buffer.wanted is None
        return "following" if is_tail else f"from {self._start}"

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        from kcon.tui.command_line import quoted

        names = [quoted(name.raw) for name in self._topics]
        words = ["kcon", "tail", *names]
        if self._start:
            words = ["kcon", "consume", *names, "-o", quoted(self._start)]
        if self._partition is not None:
            words += ["-p", str(self._partition)]
        return " ".join(words)

    # --- reading ---------------------------------------------------------------------------------------------

    def begin(self, start: str) -> None:
        """Read from a place of the offsets mini-language; "" and `end` follow the newest records."""
        spec: OffsetSpec | None = None
        if start not in {"", "end"}:
            try:
                spec = parse_offset_spec(start, now_ms=self.console.now_ms(), tz=self.console.times.tz)
            except UsageError as error:
                self.complain(error)
                return
        self._stop()
        self._start = start if spec is not None else ""
        self.held, self._has_ended = Held(), False
        self.reader = RecordReader(self, self._topics, self._partition, spec, self.console.times)
        table = self.query_one(VirtualTable)
        table.sticks_to_end, self._was_stuck = self.reader.buffer.wanted is None, False
        table.set_rows(Rows())
        self.query_one("#place", Lines).set_lines([])
        self._job = self.submit(f"read {self._topics[0]}", self.reader.read, self._ended, self._failed)
        self.draw_frame()

    def _stop(self) -> None:
        if self._job is not None and self.console.engine is not None:
            self.console.engine.cancel(self._job)
        self._job = None

    def _ended(self, _result: None) -> None:
        self._has_ended = True
        self.draw_frame()

    def _failed(self, error: KconError) -> None:
        self._has_ended = True
        self.complain(error)

    def on_records_arrived(self, event: RecordsArrived) -> None:
        """Draw what the buffer holds now; a little later when that means to search all of it."""
        event.stop()
        if self.query_one(VirtualTable).filter is None:
            self._draw()
        elif not self._draws_later:
            self._draws_later = True
            self.set_timer(FILTERED_DRAW_S, self._draw)

    def _draw(self) -> None:
        self._draws_later = False
        if self.reader is None or not self.is_ready:
            return
        held = self.reader.buffer.held()
        notes = self.reader.notes[:NOTES_MAX]
        self.query_one("#place", Lines).set_lines([[Part(f" {note}", "warn")] for note in notes])
        if held != self.held:
            self.show_held(held)
        self.draw_frame()

    # --- one record ------------------------------------------------------------------------------------------

    def texts(self) -> RecordTexts | None:
        """Return how records read."""
        return self.reader.texts if self.reader is not None else None

    def group_to_skip_for(self) -> GroupId | None:
        """Return the group that this view was opened for."""
        return self._group

    def topics_shown(self) -> Sequence[TopicName]:
        """Return the topics."""
        return self._topics

    def topic_to_write(self) -> TopicName:
        """Return the topic, of several the one under the cursor."""
        record = self.record_at_cursor()
        return record.topic if record is not None else self._topics[0]

    @on(VirtualTable.CursorMoved)
    def _moved(self) -> None:
        if self.reader is not None:
            self.reader.buffer.look_at(self.query_one(VirtualTable).cursor_index or 0, len(self.held.records))

    @on(VirtualTable.Chosen)
    def _chosen(self) -> None:
        self.do_detail()

    # --- going on --------------------------------------------------------------------------------------------

    def do_pause(self) -> None:
        """Hold the stream, or let it go on. Nothing is lost: the cluster keeps what was not read."""
        if self.reader is not None:
            self.reader.buffer.is_paused = not self.reader.buffer.is_paused
            self.draw_frame()

    def do_follow(self) -> None:
        """Jump to the newest record and stay there."""
        self.begin("")

    def do_search(self) -> None:
        """Ask what to look for in all records, from the start."""
        self.ask_line("search", SEARCH_HINT)

    def do_seek(self) -> None:
        """Ask for a place."""
        self.query_one(Prompt).open("seek", SEEK_HINT)

    def prompted(self, purpose: str, text: str) -> None:
        """Go to the place."""
        if purpose == "seek" and text.strip():
            self.begin(text.strip())
        elif purpose == "search" and text.strip():
            partitions = None if self._partition is None else frozenset({self._partition})
            self.console.search(self._topics, text.strip(), "", partitions)
        else:
            super().prompted(purpose, text)
