"""How is one record written? kcat's percent verbs, JSON, or the plain value: bytes in, bytes out."""

import re
from collections.abc import Callable, Sequence
from typing import Final, cast

from kcon.cli.document import Int64, Value
from kcon.cli.output import json_text, plain
from kcon.commands.consume import RecordFormat
from kcon.core.escapes import unescape
from kcon.core.wire_text import display_safe
from kcon.errors import UsageError
from kcon.records.record import Record
from kcon.services.record_item import record_item

Writer = Callable[[Record], bytes]

_VERB: Final = re.compile(r"%(.)|(\\x[0-9A-Fa-f]{2}|\\.)", re.DOTALL)


def record_writer(chosen: RecordFormat, *, safe: bool, int64_as_string: bool = False) -> Writer:
    """Return the function that writes one record with its end. safe: for a terminal. UsageError: a bad template."""
    if chosen.kind == "ndjson":
        return lambda record: (json_text(plain_record(record, int64_as_string)) + "\n").encode()
    parts = _template(chosen)
    if not safe:
        return _joined(parts)
    inner = _joined(parts)

    def write_safe(record: Record) -> bytes:
        text = inner(record).decode("utf-8", "backslashreplace")
        return display_safe(text, multiline=True).encode("utf-8", "backslashreplace")

    return write_safe


def record_json(record: Record, *, int64_as_string: bool) -> str:
    """Return a record as one JSON object."""
    return json_text(plain_record(record, int64_as_string))


def plain_record(record: Record, int64_as_string: bool) -> object:
    """Return a record as what `json` takes."""
    item = cast("Value", record_item(record, Int64))  # Its values are all of them.
    return plain(item, int64_as_string=int64_as_string)


def _template(chosen: RecordFormat) -> list[Writer]:
    null = chosen.null_text.encode("utf-8", "surrogateescape")
    if chosen.template is not None:
        return _parse_template(chosen.template, null)
    parts: list[Writer] = []
    if chosen.key_separator is not None:
        parts += [_key(null), _constant(chosen.key_separator)]
    return [*parts, _value(null), _constant(chosen.record_separator)]


def _parse_template(template: str, null: bytes) -> list[Writer]:
    verbs: dict[str, Writer] = {
        "s": _value(null),
        "k": _key(null),
        "S": lambda record: _length(record.value),
        "K": lambda record: _length(record.key),
        "R": lambda record: (-1 if record.value is None else len(record.value)).to_bytes(4, "big", signed=True),
        "t": lambda record: record.topic.encode(),
        "p": lambda record: b"%d" % record.partition,
        "o": lambda record: b"%d" % record.offset,
        "T": lambda record: b"%d" % record.timestamp_ms,
        "h": lambda record: _headers(record, null),
        "%": _constant("%"),
    }
    parts: list[Writer] = []
    position = 0
    for match in _VERB.finditer(template):
        parts.append(_constant(template[position : match.start()]))
        position = match.end()
        if match[2] is not None:
            parts.append(_constant(unescape(match[2])))
        elif match[1] in verbs:
            parts.append(verbs[match[1]])
        else:
            raise UsageError(
                f"-f knows no %{display_safe(match[1])}.", f"It knows {' '.join(f'%{verb}' for verb in verbs)}."
            )
    if template.endswith("%") and (len(template) - len(template.rstrip("%"))) % 2:
        raise UsageError("-f ends in a lone %.", "Write %% for a percent sign.")
    parts.append(_constant(template[position:]))
    return parts


def _constant(text: str) -> Writer:
    data = text.encode("utf-8", "surrogateescape")
    return lambda _record: data


def _key(null: bytes) -> Writer:
    return lambda record: null if record.key is None else record.key


def _value(null: bytes) -> Writer:
    return lambda record: null if record.value is None else record.value


def _length(data: bytes | None) -> bytes:
    # As in kcat: -1 tells null from empty.
    return b"-1" if data is None else b"%d" % len(data)


def _headers(record: Record, null: bytes) -> bytes:
    return b",".join(
        name.encode() + b"=" + (null or b"NULL" if value is None else value) for name, value in record.headers
    )


def _joined(parts: Sequence[Writer]) -> Writer:
    if len(parts) == 2:  # The plain value and its end: the path of `consume | program`.
        first, last = parts
        return lambda record: first(record) + last(record)
    return lambda record: b"".join([part(record) for part in parts])
