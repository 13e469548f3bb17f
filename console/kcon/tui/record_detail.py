"""How does one record read in full? As text, as fields, in hexadecimal, by its sizes; and beside another record.

Values of tens of megabytes are shown page by page: only the bytes of the page are decoded.
"""

import difflib
from collections.abc import Sequence
from typing import Final

from kcon.core.units import format_bytes
from kcon.core.wire_text import WireText, display_safe
from kcon.plugin_api.decoding import Part as RecordPart
from kcon.records.record import Record, TimestampType
from kcon.tui.record_fields import FIELDS_MAX, MISSING, format_path, leaf_text, leaves, parse_json
from kcon.tui.record_rows import RecordTexts
from kcon.tui.text import Line, Part

FORMS: Final = ("text", "fields", "hex", "sizes")
PAGE_BYTES: Final = 64 * 1024
"""A value above this is shown in pages."""
HEX_ROW_BYTES: Final = 16
HEX_ROW_CELLS: Final = 76
"""In a narrower pane a row has half the bytes."""
DIFF_LINES_MAX: Final = 5_000
TREE_BYTES_MAX: Final = 4 * 1024 * 1024
"""A larger value is not taken apart into fields."""


def page_count(record: Record) -> int:
    """Return how many pages the record's value has."""
    return max(1, -(-len(record.value or b"") // PAGE_BYTES))


def detail_lines(texts: RecordTexts, record: Record, form: str, page: int = 0, width: int = 0) -> list[Line]:
    """Return a record in full. page: of a large value, from 0. width: in cells; 0 is enough for everything."""
    if form == "hex":
        row_bytes = HEX_ROW_BYTES // 2 if 0 < width < HEX_ROW_CELLS else HEX_ROW_BYTES
        return _head(texts, record) + _all_hex(record, page, row_bytes)
    lines = _head(texts, record)
    if form == "sizes":
        return lines + _sizes(record)
    lines += _payload(texts, record, RecordPart.KEY, form, 0)
    for name, value in record.headers:
        lines.append([Part("header  ", "dim"), Part(name, "strong"), Part(" = "), *_header_value(value)])
    return lines + _payload(texts, record, RecordPart.VALUE, form, page)


def _all_hex(record: Record, page: int, row_bytes: int) -> list[Line]:
    lines: list[Line] = []
    for label, payload, shown in (("key     ", record.key, 0), ("value   ", record.value, page)):
        if not payload:
            text = "null" if payload is None else "empty, 0 bytes"
            lines.append([Part(label, "dim"), Part(text, "warn")])
        else:
            lines += _paged(Part(label, "dim"), payload, shown, row_bytes)
    return lines


def _head(texts: RecordTexts, record: Record) -> list[Line]:
    kind = "" if record.timestamp_type is TimestampType.NOT_AVAILABLE else f" {record.timestamp_type.name.lower()}"
    return [
        [Part(f"{record.topic}/{record.partition}/{record.offset:,}", "title")],
        [Part("time    ", "dim"), Part(f"{texts.time(record)}{kind.replace('_', ' ')}")],
        [Part("size    ", "dim"), Part(format_bytes(record.size_bytes))],
    ]


def _payload(texts: RecordTexts, record: Record, part: RecordPart, form: str, page: int) -> list[Line]:
    payload = record.key if part is RecordPart.KEY else record.value
    label = Part("key     " if part is RecordPart.KEY else "value   ", "dim")
    if payload is None:
        return [[label, Part("null", "warn")]]
    if not payload:
        return [[label, Part("empty, 0 bytes", "warn")]]
    if form == "fields" and len(payload) <= TREE_BYTES_MAX:
        value = parse_json(payload)
        if value is not MISSING:
            return [[label, Part(f"fields, {len(payload):,} bytes", "dim")], *_field_lines(value)]
    if len(payload) > PAGE_BYTES:
        return _paged(label, payload, page, 0)
    shown = texts.decoded(record, part)
    tried = "".join(f"; {each.decoder}: {each.reason}" for each in shown.attempts if not each.is_fault)
    lines: list[Line] = [[label, Part(f"{shown.decoder}, {len(payload):,} bytes{tried}", "dim")]]
    lines += [[Part("  "), Part(f"{each.decoder}: {each.reason}", "warn")] for each in shown.attempts if each.is_fault]
    text = (shown.pretty or shown.text).raw
    return lines + [[Part(line.expandtabs(4))] for line in text.split("\n")]


def _paged(label: Part, payload: bytes, page: int, hex_row_bytes: int) -> list[Line]:
    """Return one page; hex_row_bytes: 0 for text."""
    pages = -(-len(payload) // PAGE_BYTES)
    page = min(max(0, page), pages - 1)
    start = page * PAGE_BYTES
    piece = payload[start : start + PAGE_BYTES]
    note = f"{len(payload):,} bytes"
    if pages > 1:
        note += f", page {page + 1:,} of {pages:,}, bytes {start:,} to {start + len(piece):,}; ( ) turn the page"
    head: Line = [label, Part(note, "dim")]
    if hex_row_bytes:
        return [head, *hex_lines(piece, start, hex_row_bytes)]
    text = piece.decode("utf-8", "replace")
    return [head, *([Part(line.expandtabs(4))] for line in text.split("\n"))]


def _field_lines(value: object) -> list[Line]:
    lines: list[Line] = []
    for path, leaf in leaves(value):
        role = "text" if isinstance(leaf, str) else "out" if isinstance(leaf, int | float) else "warn"
        name = format_path(path)
        lines.append([Part("  "), Part(name, "in"), Part(" = ", "dim"), Part(leaf_text(leaf), role)])
    if len(lines) >= FIELDS_MAX:
        lines.append([Part(f"  ... only the first {FIELDS_MAX:,} fields", "warn")])
    return lines


def _sizes(record: Record) -> list[Line]:
    rows = [("key", record.key), ("value", record.value)]
    lines: list[Line] = []
    for name, data in rows:
        shown = "null" if data is None else f"{len(data):,} bytes"
        lines.append([Part(f"{name:<8}", "dim"), Part(shown)])
    for header, value in record.headers:
        size = len(header.raw.encode("utf-8", "surrogateescape")) + len(value or b"")
        lines.append([Part("header  ", "dim"), Part(header, "strong"), Part(f"  {size:,} bytes")])
    return [*lines, [Part("sum     ", "dim"), Part(f"{record.size_bytes:,} bytes", "strong")]]


def _header_value(value: bytes | None) -> list[Part]:
    if value is None:
        return [Part("null", "warn")]
    return [Part(WireText.decode(value))]


def hex_lines(payload: bytes, first: int = 0, row_bytes: int = HEX_ROW_BYTES) -> list[Line]:
    """Return a hexadecimal dump: offset, bytes, ASCII. first: the offset of the first byte."""
    lines: list[Line] = []
    for start in range(0, len(payload), row_bytes):
        row = payload[start : start + row_bytes]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        place = f"  {first + start:06x}  "
        lines.append(
            [Part(place, "dim"), Part(f"{row.hex(' '):<{row_bytes * 3 - 1}}  "), Part(display_safe(text), "in")]
        )
    return lines


def diff_lines(texts: RecordTexts, one: Record, other: Record) -> list[Line]:
    """Return what differs between two records: lines of both, marked - and +."""
    before, after = (_plain_lines(texts, record) for record in (one, other))
    lines: list[Line] = [
        [Part(f"- {one.topic}/{one.partition}/{one.offset:,}  {texts.time(one)}", "bad")],
        [Part(f"+ {other.topic}/{other.partition}/{other.offset:,}  {texts.time(other)}", "ok")],
        [Part("")],
    ]
    changes = 0
    for line in difflib.ndiff(before[:DIFF_LINES_MAX], after[:DIFF_LINES_MAX]):
        if line.startswith("?"):
            continue
        role = {"-": "bad", "+": "ok"}.get(line[:1], "dim")
        changes += role != "dim"
        lines.append([Part(line, role)])
    if not changes:
        lines.append([Part("  key, headers and value are the same", "ok")])
    if max(len(before), len(after)) > DIFF_LINES_MAX:
        lines.append([Part(f"... compared are the first {DIFF_LINES_MAX:,} lines", "warn")])
    return lines


def _plain_lines(texts: RecordTexts, record: Record) -> Sequence[str]:
    lines = []
    for name, part in (("key", RecordPart.KEY), ("value", RecordPart.VALUE)):
        payload = record.key if part is RecordPart.KEY else record.value
        if payload is None:
            lines.append(f"{name}: null")
            continue
        shown = texts.decoded(record, part)
        lines.append(f"{name}:")
        lines += [f"  {line.expandtabs(4)}" for line in (shown.pretty or shown.text).raw.split("\n")]
        if name == "key":
            lines += [
                f"header {each.raw} = {(value or b'').decode(errors='replace')}" for each, value in record.headers
            ]
    return lines
