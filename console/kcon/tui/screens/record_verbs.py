"""What can be done with records that are shown? Copy, compare, export, edit, send again, fields as columns."""

import json
from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Final

from kcon.core.ids import TopicName
from kcon.core.wire_text import WireText
from kcon.errors import KconError, UsageError
from kcon.plugin_api.decoding import Part as RecordPart
from kcon.records.record import Record
from kcon.services.record_item import record_item
from kcon.tui.editor import edit
from kcon.tui.record_detail import diff_lines
from kcon.tui.record_fields import Path as FieldPath
from kcon.tui.record_fields import parse_path
from kcon.tui.record_rows import RecordTexts
from kcon.tui.screens.base import KconScreen
from kcon.tui.text import Line
from kcon.tui.widgets.virtual_table import VirtualTable

FIELDS_MAX: Final = 12
FIELDS_HINT: Final = "fields of the value as columns: status, $.items[0].price; nothing: none"
EXPORT_HINT: Final = "file to write the records to, as NDJSON (the form of kcon consume -J)"


class RecordVerbs(KconScreen):
    """The verbs of a view that shows records."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: tuple[FieldPath, ...] = ()

    @abstractmethod
    def shown_records(self) -> Sequence[Record]:
        """Return the records that the table holds."""

    @abstractmethod
    def texts(self) -> RecordTexts | None:
        """Return how they read; None while nothing was read."""

    @abstractmethod
    def key_of(self, record: Record) -> Hashable:
        """Return what identifies a record in the table."""

    @abstractmethod
    def redraw(self) -> None:
        """Draw the table anew."""

    @abstractmethod
    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show lines where the detail is."""

    def record_at_cursor(self) -> Record | None:
        """Return the record that the cursor is on."""
        index = self.query_one(VirtualTable).cursor_index
        records = self.shown_records()
        return records[index] if index is not None and index < len(records) else None

    def chosen_records(self) -> list[Record]:
        """Return the marked records, or all that the filter lets through."""
        view, records = self.query_one(VirtualTable).view, self.shown_records()
        if view.marks:
            return [record for record in records if self.key_of(record) in view.marks]
        return [records[index] for index in view.order if index < len(records)]

    # --- copying ---------------------------------------------------------------------------------------------

    def copy_text(self, letter: str) -> str | None:
        """Copy a part of the record under the cursor."""
        record, texts = self.record_at_cursor(), self.texts()
        if letter == "c" or record is None or texts is None:
            return super().copy_text(letter)
        parts: dict[str, Callable[[], str]] = {
            "k": lambda: texts.full(record, RecordPart.KEY),
            "v": lambda: texts.full(record, RecordPart.VALUE),
            "h": lambda: _headers_text(record),
            "o": lambda: f"{record.topic.raw}/{record.partition}/{record.offset}",
        }
        if letter == "a":
            return "\t".join(parts[each]() for each in "okhv")
        return parts[letter]()

    # --- comparing -------------------------------------------------------------------------------------------

    def do_compare(self) -> None:
        """Compare the marked record with the one under the cursor; without a mark, with the one before of its key."""
        record, texts = self.record_at_cursor(), self.texts()
        if record is None or texts is None:
            return
        marked = [each for each in self.chosen_records() if each is not record]
        other = marked[0] if self.query_one(VirtualTable).view.marks and marked else self._before(record)
        if other is None:
            self.say("There is no record to compare with: mark one with space.", bad=True)
            return
        self.show_lines(diff_lines(texts, other, record))

    def _before(self, record: Record) -> Record | None:
        """Return the last record before of the same key; without a key, of the same partition."""
        records = self.shown_records()
        found = None
        for each in records:
            if each is record:
                return found
            if each.topic == record.topic and (
                each.key == record.key if record.key is not None else each.partition == record.partition
            ):
                found = each
        return found

    # --- fields as columns -----------------------------------------------------------------------------------

    def do_fields(self) -> None:
        """Ask for fields."""
        shown = ", ".join(".".join(map(str, path)) for path in self.fields)
        self.ask_line("fields", FIELDS_HINT, shown)

    def _take_fields(self, text: str) -> None:
        try:
            self.fields = tuple(parse_path(word) for word in text.split(",") if word.strip())[:FIELDS_MAX]
        except UsageError as error:
            self.complain(error)
            return
        self.redraw()

    # --- files and editors -----------------------------------------------------------------------------------

    def do_export(self) -> None:
        """Ask where to write the records."""
        count = len(self.chosen_records())
        if not count:
            self.say("There are no records to write.", bad=True)
            return
        self.ask_line("export", f"{count:,} records: {EXPORT_HINT}", "records.ndjson")

    def _write(self, text: str) -> None:
        path = Path(text).expanduser()
        records = self.chosen_records()
        try:
            # Never over a file that is there: a typing error must not cost one.
            with path.open("x", encoding="utf-8") as file:
                for record in records:
                    file.write(_json_line(record))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.complain(KconError(f"Cannot write {text}: {reason}."))
            return
        self.say(f"{len(records):,} records are in {path}.")

    def do_editor(self) -> None:
        """Open the value in the user's editor, or pager."""
        record = self.record_at_cursor()
        if record is None:
            return
        suffix = ".json" if (record.value or b"")[:1] in b"{[" else ".txt"
        try:
            edit(self.console, record.value or b"", suffix)
        except KconError as error:
            self.complain(error)

    # --- producing -------------------------------------------------------------------------------------------

    @abstractmethod
    def topic_to_write(self) -> TopicName:
        """Return where a new record goes."""

    def _partition_count(self, topic: TopicName) -> int | None:
        snapshot = self.console.snapshot
        if snapshot is None or topic not in snapshot.topics.name:
            return None
        return snapshot.topics.partitions[snapshot.topics.name.index(topic)]

    def do_produce(self) -> None:
        """Write a new record."""
        from kcon.tui.screens.produce import ProduceScreen

        topic = self.topic_to_write()
        self.app.push_screen(ProduceScreen(topic, None, self._partition_count(topic)))

    def do_resend(self) -> None:
        """Send the record under the cursor again, with edits."""
        from kcon.tui.screens.produce import ProduceScreen

        record = self.record_at_cursor()
        if record is None:
            self.say("There is no record to send again.", bad=True)
            return
        self.app.push_screen(ProduceScreen(record.topic, record, self._partition_count(record.topic)))

    def prompted(self, purpose: str, text: str) -> None:
        """Take what was asked for."""
        if purpose == "fields":
            self._take_fields(text)
        elif purpose == "export" and text.strip():
            self._write(text.strip())
        else:
            super().prompted(purpose, text)


def _headers_text(record: Record) -> str:
    return "\n".join(f"{name.raw}={(value or b'').decode(errors='replace')}" for name, value in record.headers)


def _json_line(record: Record) -> str:
    def raw(value: object) -> object:
        return value.raw if isinstance(value, WireText) else str(value)

    return json.dumps(record_item(record), default=raw, ensure_ascii=True) + "\n"
