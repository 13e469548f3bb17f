"""Which records come in, and what do they say? Live tail, seek to any place, and one record in full."""

from collections.abc import Callable, Hashable, Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from kcon.core.ids import TopicName
from kcon.core.offset_spec import OffsetSpec, parse_offset_spec
from kcon.errors import KconError, UsageError
from kcon.plugin_api.decoding import Part as RecordPart
from kcon.records.record import Record
from kcon.tui.engine import Job
from kcon.tui.events import RecordsArrived
from kcon.tui.record_buffer import Held
from kcon.tui.record_detail import FORMS, detail_lines, page_count
from kcon.tui.record_fields import Path as FieldPath
from kcon.tui.record_reader import RecordReader
from kcon.tui.record_rows import LazyColumn, RecordTexts
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.record_verbs import RecordVerbs
from kcon.tui.text import UNKNOWN, Line, Part, cut_middle
from kcon.tui.widgets.pager import Pager
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.prompt import Prompt
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

FILTERED_DRAW_S: Final = 0.5
"""While a filter is set the whole buffer is searched at each draw, so there are fewer of them."""
SEEK_HINT: Final = "place: start, end, 42, end-100, start+10, @-1h, @14:05, @today, @2026-01-31"
NOTES_MAX: Final = 2
FIELD_WIDTH: Final = 14


class RecordsScreen(RecordVerbs):
    """The records of a topic, or of one partition."""

    TITLE_WORD = "RECORDS"
    ACTIONS = (
        "seek",
        "follow",
        "pause",
        "detail",
        "filter",
        "yank",
        "form",
        "compare",
        "fields",
        "mark",
        "mark_all",
        "produce",
        "resend",
        "export",
        "editor",
        "page_previous",
        "page_next",
        "previous",
        "next",
        "open",
    )
    COPIES = "kvhoac"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    DEFAULT_CSS = """
    RecordsScreen {
        #split { height: 1fr; layout: vertical; }
        &.-wide #split { layout: horizontal; }
        #detail { display: none; height: 1fr; width: 1fr; border-top: solid $primary; }
        &.-wide #detail { border-top: none; border-left: solid $primary; padding-left: 1; }
        &.detailed #detail { display: block; }
        #split VirtualTable { width: 1fr; }
    }
    """

    def __init__(
        self, name: TopicName, partition: int | None = None, start: str = "", others: Sequence[TopicName] = ()
    ) -> None:
        """others: further topics, whose records stand among those of the first by their time."""
        super().__init__()
        self._topics = (name, *others)
        self._partition = partition
        self._start = start
        self.reader: RecordReader | None = None
        self._held = Held()
        self._job: Job[None] | None = None
        self._form = FORMS[0]
        self._page = 0
        self._has_ended = False
        self._draws_later = False

    def body(self) -> ComposeResult:
        """Notes, the table, one record in full."""
        yield Lines(widget_id="place")
        with Container(id="split"):
            yield VirtualTable(self._columns(), empty="waiting for records")
            yield Pager(widget_id="detail")

    def _columns(self) -> tuple[Column, ...]:
        def shown(text_of: Callable[[RecordTexts, Record], str]) -> Callable[[object], str]:
            def show(record: object) -> str:
                texts = self.reader.texts if self.reader is not None else None
                return text_of(texts, record) if texts is not None and isinstance(record, Record) else ""

            return show

        key = shown(lambda texts, record: texts.short(record, RecordPart.KEY))
        value = shown(lambda texts, record: texts.short(record, RecordPart.VALUE))
        time = shown(lambda texts, record: texts.short_time(record))

        def field(path: FieldPath) -> Callable[[object], str]:
            return shown(lambda texts, record: texts.field(record, path) or UNKNOWN)

        fields = [
            Column(
                key=f"field{place}",
                title=str(path[-1]).upper(),
                width=FIELD_WIDTH,
                show=field(path),
                search=True,
                sort=False,
            )
            for place, path in enumerate(self.fields)
        ]
        return (
            Column(key="topic", title="TOPIC", width=16, drop=4, hidden=len(self._topics) < 2, draw=cut_middle),
            Column(key="partition", title="P", right=True, width=3, drop=2),
            Column(key="offset", title="OFFSET", right=True, width=13),
            Column(key="time", title="TIME", width=18, drop=3, show=time, sort=False),
            Column(key="key", title="KEY", width=16, drop=1, show=key, search=True, sort=False),
            *fields,
            Column(key="value", title="VALUE", flex=True, flex_min=28, show=value, search=True, sort=False),
            Column(key="size", title="BYTES", right=True, hidden=True),
            Column(key="headers", title="HEADERS", right=True, hidden=True),
        )

    def mounted(self) -> None:
        """Begin to read."""
        super().mounted()
        self.begin(self._start)

    def on_unmount(self) -> None:
        """Stop reading."""
        super().on_unmount()
        self._stop()

    def crumbs(self) -> Sequence[Fact]:
        """Return the path to this view."""
        path = [Fact("topics"), Fact(" + ".join(map(str, self._topics)))]
        return path if self._partition is None else [*path, Fact(f"p{self._partition}")]

    def facts(self) -> Sequence[Fact]:
        """What the reading does, and how much of it is in view."""
        held, reader = self._held, self.reader
        paused = reader is not None and reader.buffer.is_paused
        facts = [Fact("PAUSED" if paused else self._doing(), 0, "warn" if paused else "text")]
        facts.append(Fact(f"{held.read:,} read", 2))
        if held.dropped:
            facts.append(Fact(f"{held.dropped:,} dropped from view", 1, "warn"))
        if reader is not None and reader.hidden:
            facts.append(Fact(f"{reader.hidden:,} hidden behind an open transaction", 3, "warn"))
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
        self._held, self._has_ended = Held(), False
        self.reader = RecordReader(self, self._topics, self._partition, spec, self.console.times)
        table = self.query_one(VirtualTable)
        table.sticks_to_end = self.reader.buffer.wanted is None
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
        if held != self._held:
            had_none = not self._held.records
            self._held = held
            self.query_one(VirtualTable).set_rows(rows_of(held.records, len(self.fields)))
            if had_none:
                self._draw_detail()
        self.draw_frame()

    # --- one record ------------------------------------------------------------------------------------------

    def shown_records(self) -> Sequence[Record]:
        """Return what the buffer held at the last draw."""
        return self._held.records

    def texts(self) -> RecordTexts | None:
        """Return how records read."""
        return self.reader.texts if self.reader is not None else None

    def key_of(self, record: Record) -> Hashable:
        """Return what identifies a record."""
        return _key_of(record)

    def topic_to_write(self) -> TopicName:
        """Return the topic, of several the one under the cursor."""
        record = self.record_at_cursor()
        return record.topic if record is not None else self._topics[0]

    def redraw(self) -> None:
        """Draw the columns and the rows anew."""
        table = self.query_one(VirtualTable)
        table.view.declare(self._columns())
        table.set_rows(rows_of(self._held.records, len(self.fields)))

    @on(VirtualTable.CursorMoved)
    def _moved(self) -> None:
        self._page = 0
        table = self.query_one(VirtualTable)
        if self.reader is not None:
            self.reader.buffer.look_at(table.cursor_index or 0, len(self._held.records))
        self._draw_detail()

    @on(VirtualTable.Chosen)
    def _chosen(self) -> None:
        self.do_detail()

    def do_detail(self) -> None:
        """Show or hide the record in full."""
        self.toggle_class("detailed")
        self._draw_detail()
        self.query_one(VirtualTable).focus()

    def _draw_detail(self) -> None:
        record, texts = self.record_at_cursor(), self.texts()
        if not self.has_class("detailed") or texts is None:
            return
        lines = [] if record is None else detail_lines(texts, record, self._form, self._page)
        self.query_one(Pager).show(lines)

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show lines in the place of the detail."""
        self.add_class("detailed")
        self.query_one(Pager).show(lines)

    def do_back(self) -> None:
        """Close the record first."""
        if self.has_class("detailed"):
            self.do_detail()
        else:
            super().do_back()

    def do_form(self) -> None:
        """Change between text, fields, hexadecimal and sizes."""
        self._form = FORMS[(FORMS.index(self._form) + 1) % len(FORMS)]
        self.add_class("detailed")
        self._draw_detail()
        self.say(f"Shown as {self._form}.")

    def do_page_next(self) -> None:
        """Turn to the next page of a large value."""
        record = self.record_at_cursor()
        if record is not None:
            self._page = min(self._page + 1, page_count(record) - 1)
            self._draw_detail()

    def do_page_previous(self) -> None:
        """Turn to the page before."""
        self._page = max(0, self._page - 1)
        self._draw_detail()

    def do_previous(self) -> None:
        """Go to the record before."""
        self.query_one(VirtualTable).action_move(-1)

    def do_next(self) -> None:
        """Go to the record after."""
        self.query_one(VirtualTable).action_move(1)

    # --- going on --------------------------------------------------------------------------------------------

    def do_pause(self) -> None:
        """Hold the stream, or let it go on. Nothing is lost: the cluster keeps what was not read."""
        if self.reader is not None:
            self.reader.buffer.is_paused = not self.reader.buffer.is_paused
            self.draw_frame()

    def do_follow(self) -> None:
        """Jump to the newest record and stay there."""
        self.begin("")

    def do_seek(self) -> None:
        """Ask for a place."""
        self.query_one(Prompt).open("seek", SEEK_HINT)

    def prompted(self, purpose: str, text: str) -> None:
        """Go to the place."""
        if purpose == "seek" and text.strip():
            self.begin(text.strip())
        else:
            super().prompted(purpose, text)


def rows_of(records: Sequence[Record], fields: int = 0) -> Rows:
    """Return rows whose texts are made when they are looked at. fields: how many columns show a field."""
    itself = LazyColumn(records, lambda record: record)
    return Rows(
        keys=LazyColumn(records, _key_of),
        values={
            "topic": LazyColumn(records, lambda record: record.topic),
            "partition": LazyColumn(records, lambda record: record.partition),
            "offset": LazyColumn(records, lambda record: record.offset),
            "size": LazyColumn(records, lambda record: record.size_bytes),
            "headers": LazyColumn(records, lambda record: len(record.headers)),
            **dict.fromkeys(("time", "key", "value", *(f"field{place}" for place in range(fields))), itself),
        },
    )


def _key_of(record: Record) -> Hashable:
    return (record.topic, record.partition, record.offset)
