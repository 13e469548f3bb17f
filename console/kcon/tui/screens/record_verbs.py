"""What can be done with records that are shown? Copy, compare, export, edit, send again, fields as columns."""

import json
import shlex
from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Final

from kcon.core.ids import GroupId, TopicName, group_id
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
DLQ_SUFFIX: Final = ".dlq"
SKIP_HINT: Final = "the group that goes on behind this record; its plan is shown first"
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

    @abstractmethod
    def topics_shown(self) -> Sequence[TopicName]:
        """Return the topics whose records are shown."""

    def masked_topics(self) -> list[TopicName]:
        """Return those of the topics that have masks: what is shown of them is not what is there."""
        rules = self.console.context.rules
        return [topic for topic in self.topics_shown() if rules.masks_for(topic.raw)]

    def why_not(self, action: str) -> str | None:
        """What is masked is never written."""
        reason = super().why_not(action)
        if reason is None and action == "resend" and self.masked_topics():
            return "its values are masked, and a mask is never written; `copy` and `redrive` send the exact bytes"
        return reason

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

    # --- records that cannot be read -------------------------------------------------------------------------

    def do_dead_letter(self) -> None:
        """Offer to copy the record under the cursor, byte by byte, to a queue of such records."""
        record = self.record_at_cursor()
        if record is None:
            self.say("There is no record to copy.", bad=True)
            return
        source = shlex.quote(f"{record.topic.raw}/{record.partition}/{record.offset}")
        queue = shlex.quote(f"{record.topic.raw}{DLQ_SUFFIX}")
        self.type_command(f"copy {source} {queue} --create --by-key --provenance --reason ''")

    def do_redrive(self) -> None:
        """Show which records would go where."""
        self.plan("redrive", self.topic_to_write().raw)

    def group_to_skip_for(self) -> GroupId | None:
        """Return the group whose commit is moved by a skip; None: it is asked for."""
        return None

    def do_skip(self) -> None:
        """Plan to let a group go on behind the record under the cursor."""
        record = self.record_at_cursor()
        if record is None:
            self.say("There is no record to skip.", bad=True)
            return
        group = self.group_to_skip_for()
        if group is not None:
            self._skip_for(group, record)
            return
        readers = self._readers_of(record.topic)
        self.ask_line("skip", SKIP_HINT, readers[0] if len(readers) == 1 else "", tuple(readers))

    def _readers_of(self, topic: TopicName) -> list[str]:
        snapshot = self.console.snapshot
        if snapshot is None:
            return []
        groups = snapshot.groups
        return [name.raw for name, reads in zip(groups.group, groups.reads, strict=False) if topic in reads]

    def _skip_for(self, group: GroupId, record: Record) -> None:
        from kcon.tui.screens.reset import ResetScreen, skip_target

        self.app.push_screen(ResetScreen(group, skip_target(record.topic_partition, record.offset)))

    def prompted(self, purpose: str, text: str) -> None:
        """Take what was asked for."""
        if purpose == "fields":
            self._take_fields(text)
        elif purpose == "export" and text.strip():
            self._write(text.strip())
        elif purpose == "skip" and text.strip():
            record = self.record_at_cursor()
            if record is not None:
                self._skip_for(group_id(text.strip()), record)
        else:
            super().prompted(purpose, text)


def _headers_text(record: Record) -> str:
    return "\n".join(f"{name.raw}={(value or b'').decode(errors='replace')}" for name, value in record.headers)


def _json_line(record: Record) -> str:
    def raw(value: object) -> object:
        return value.raw if isinstance(value, WireText) else str(value)

    return json.dumps(record_item(record), default=raw, ensure_ascii=True) + "\n"
