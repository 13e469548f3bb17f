"""How does a record read in one line, and in full? Decoded only when it is looked at."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from datetime import tzinfo
from typing import Final, overload

from kcon.core.times import format_time
from kcon.core.units import format_bytes
from kcon.core.wire_text import WireText, display_safe
from kcon.plugin_api.decoding import DecodeContext
from kcon.plugin_api.decoding import Part as RecordPart
from kcon.records.record import NO_TIMESTAMP_MS, Record, TimestampType
from kcon.services.decoding import DecoderChain, Shown
from kcon.tui.text import UNKNOWN, Line, Part

LINE_CHARS_MAX: Final = 400
DETAIL_CHARS_MAX: Final = 1_000_000
CACHE_MAX: Final = 2_000
HEX_BYTES_MAX: Final = 64 * 1024
HEX_ROW_BYTES: Final = 16


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

    def __init__(self, chain: DecoderChain, tz: tzinfo) -> None:
        self._chain = chain
        self._tz = tz
        self._kept: OrderedDict[tuple[int, int, RecordPart], WireText] = OrderedDict()

    def time(self, record: Record) -> str:
        """Return when it was written."""
        if record.timestamp_ms == NO_TIMESTAMP_MS:
            return UNKNOWN
        return format_time(record.timestamp_ms, self._tz)

    def short_time(self, record: Record) -> str:
        """Return when it was written, without year and zone."""
        text = self.time(record)
        return text[5:23].replace("T", " ") if len(text) > 23 else text

    def short(self, record: Record, part: RecordPart) -> str:
        """Return a key or a value on one line."""
        key = (record.partition, record.offset, part)
        text = self._kept.get(key)
        if text is None:
            text = self._decoded(record, part, LINE_CHARS_MAX, wants_pretty=False).text
            self._kept[key] = text
            if len(self._kept) > CACHE_MAX:
                self._kept.popitem(last=False)
        return str(text)

    def _decoded(self, record: Record, part: RecordPart, chars_max: int, *, wants_pretty: bool) -> Shown:
        payload = record.key if part is RecordPart.KEY else record.value
        return self._chain.decode(
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

    def detail(self, record: Record, *, as_hex: bool) -> list[Line]:
        """Return a record in full, as lines."""
        kind = "" if record.timestamp_type is TimestampType.NOT_AVAILABLE else f" {record.timestamp_type.name.lower()}"
        lines: list[Line] = [
            [Part(f"{record.topic}/{record.partition}/{record.offset:,}", "title")],
            [Part("time    ", "dim"), Part(f"{self.time(record)}{kind.replace('_', ' ')}")],
            [Part("size    ", "dim"), Part(format_bytes(record.size_bytes))],
        ]
        lines += self._payload("key", record, RecordPart.KEY, as_hex=as_hex)
        for name, value in record.headers:
            lines.append([Part("header  ", "dim"), Part(name, "strong"), Part(" = "), *_header_value(value)])
        lines += self._payload("value", record, RecordPart.VALUE, as_hex=as_hex)
        return lines

    def _payload(self, title: str, record: Record, part: RecordPart, *, as_hex: bool) -> list[Line]:
        payload = record.key if part is RecordPart.KEY else record.value
        label = Part(f"{title:<8}", "dim")
        if payload is None:
            return [[label, Part("null", "warn")]]
        if not payload:
            return [[label, Part("empty, 0 bytes", "warn")]]
        if as_hex:
            return [[label, Part(f"{len(payload):,} bytes", "dim")], *hex_lines(payload)]
        shown = self._decoded(record, part, DETAIL_CHARS_MAX, wants_pretty=True)
        note = f"{shown.decoder}, {len(payload):,} bytes"
        if shown.is_cut:
            note += f", cut at {DETAIL_CHARS_MAX:,} characters"
        lines: list[Line] = [[label, Part(note, "dim")]]
        lines += [
            [Part("  "), Part(f"{each.decoder}: {each.reason}", "warn")] for each in shown.attempts if each.is_fault
        ]
        text = (shown.pretty or shown.text).raw
        return lines + [[Part(line.expandtabs(4))] for line in text.split("\n")]

    def full(self, record: Record, part: RecordPart) -> str:
        """Return a key or a value as text, in full, for the clipboard."""
        return self._decoded(record, part, DETAIL_CHARS_MAX, wants_pretty=False).text.raw


def _header_value(value: bytes | None) -> list[Part]:
    if value is None:
        return [Part("null", "warn")]
    return [Part(WireText.decode(value))]


def hex_lines(payload: bytes) -> list[Line]:
    """Return a hexadecimal dump: offset, bytes, ASCII."""
    lines: list[Line] = []
    for start in range(0, min(len(payload), HEX_BYTES_MAX), HEX_ROW_BYTES):
        row = payload[start : start + HEX_ROW_BYTES]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append([Part(f"  {start:06x}  ", "dim"), Part(f"{row.hex(' '):<47}  "), Part(display_safe(text), "in")])
    if len(payload) > HEX_BYTES_MAX:
        lines.append([Part(f"  ... {len(payload) - HEX_BYTES_MAX:,} more bytes", "warn")])
    return lines
