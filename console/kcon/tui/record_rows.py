"""How does a record read in one line? Decoded only when it is looked at; the latest texts are kept."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, overload

from kcon.core.ids import TopicName
from kcon.core.wire_text import WireText
from kcon.plugin_api.decoding import DecodeContext
from kcon.plugin_api.decoding import Part as RecordPart
from kcon.records.record import Record
from kcon.services.decoding import Shown
from kcon.services.session import Session
from kcon.services.topic_decoders import TopicDecoders
from kcon.tui.record_fields import MISSING, Path, at_path, leaf_text, parse_json
from kcon.tui.times import TimeStyle

LINE_CHARS_MAX: Final = 400
DETAIL_CHARS_MAX: Final = 1_000_000
CACHE_MAX: Final = 2_000
VALUES_MAX: Final = 200
"""Parsed values that are kept, for fields as columns."""
FIELD_BYTES_MAX: Final = 1024 * 1024
"""Of a larger value no field becomes a column."""


class LazyColumn(Sequence[Hashable]):
    """A column whose values are made when they are asked for."""

    def __init__(self, records: Sequence[Record], value_of: Callable[[Record], Hashable]) -> None:
        self._records = records
        self._value_of = value_of

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> Hashable: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Hashable]: ...
    def __getitem__(self, index: int | slice) -> Hashable | Sequence[Hashable]:
        if isinstance(index, slice):
            return LazyColumn(self._records[index], self._value_of)
        return self._value_of(self._records[index])


class RecordTexts:
    """Texts of records, with the latest kept."""

    def __init__(self, decoders: TopicDecoders, times: TimeStyle) -> None:
        self._decoders = decoders
        self._times = times
        self._kept: OrderedDict[tuple[str, int, int, RecordPart], WireText] = OrderedDict()
        self._values: OrderedDict[tuple[str, int, int], Any] = OrderedDict()

    def time(self, record: Record) -> str:
        """Return when it was written."""
        return self._times.format(record.timestamp_ms)

    def short_time(self, record: Record) -> str:
        """Return when it was written, without year and zone."""
        return self._times.short(record.timestamp_ms)

    def short(self, record: Record, part: RecordPart) -> str:
        """Return a key or a value on one line."""
        key = (record.topic.raw, record.partition, record.offset, part)
        text = self._kept.get(key)
        if text is None:
            text = self.decoded(record, part, LINE_CHARS_MAX, wants_pretty=False).text
            self._kept[key] = text
            if len(self._kept) > CACHE_MAX:
                self._kept.popitem(last=False)
        return str(text)

    def decoded(
        self, record: Record, part: RecordPart, chars_max: int = DETAIL_CHARS_MAX, *, wants_pretty: bool = True
    ) -> Shown:
        """Return a key or a value as the chain of decoders reads it."""
        payload = record.key if part is RecordPart.KEY else record.value
        return self._decoders.chain(record.topic.raw, part).decode(
            payload,
            DecodeContext(
                topic=record.topic,
                part=part,
                partition=record.partition,
                offset=record.offset,
                headers=record.headers,
                chars_max=chars_max,
                wants_pretty=wants_pretty,
            ),
        )

    def field(self, record: Record, path: Path) -> str | None:
        """Return what a JSON value has at a path, on one line; None when it has nothing there."""
        key = (record.topic.raw, record.partition, record.offset)
        if key not in self._values:
            self._values[key] = self._parsed(record) if len(record.value or b"") <= FIELD_BYTES_MAX else MISSING
            if len(self._values) > VALUES_MAX:
                self._values.popitem(last=False)
        found = at_path(self._values[key], path)
        return None if found is MISSING else leaf_text(found)[:LINE_CHARS_MAX]

    def _parsed(self, record: Record) -> Any:
        """Return the value as JSON: its own, or what a decoder makes of it."""
        value = parse_json(record.value)
        if value is MISSING and self._decoders.chosen(record.topic.raw, RecordPart.VALUE) is not None:
            text = self.decoded(record, RecordPart.VALUE, wants_pretty=False).text.raw
            value = parse_json(text.encode("utf-8", "surrogateescape"))
        return value

    def full(self, record: Record, part: RecordPart) -> str:
        """Return a key or a value as text, in full, for the clipboard."""
        return self.decoded(record, part, DETAIL_CHARS_MAX, wants_pretty=False).text.raw


def decoders_of(session: Session, topics: Sequence[TopicName]) -> TopicDecoders:
    """Return the decoders of topics, as the context's rules name them. UsageError: there is no such decoder.

    Loads plugins: not for an event loop.
    """
    decoders = TopicDecoders(session.context.rules)
    for topic in topics:
        for part in (RecordPart.KEY, RecordPart.VALUE):
            decoders.chain(topic.raw, part)  # A rule that is off is told now, and not while the screen is drawn.
    return decoders
