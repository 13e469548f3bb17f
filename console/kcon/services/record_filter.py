"""Which records does `--where` let through? The published variables of a record, computed only where they are used.

| variable | type | what it is |
|---|---|---|
| `topic`, `partition`, `offset` | string, int, int | where the record lies |
| `time`, `timestamp_ms` | timestamp, int | its time; without one `time` is 1970 and `timestamp_ms` -1 |
| `value` | any | the value as JSON where it is JSON, else as text, else as bytes; null for a tombstone |
| `key` | any | the key as text, as JSON where it is an object or a list, else as bytes; null without one |
| `text` | string | the value as text whatever it holds, with U+FFFD for what is not UTF-8 |
| `headers` | map | the last value of each name, as text, else as bytes, or null |
| `value_size`, `key_size` | int | bytes; -1 for null |
| `now` | timestamp | when the command began |
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kcon.core.filter.engine import FIT, Filter, VariableType, compile_filter
from kcon.core.filter.outcome import FilterError, FilterErrors
from kcon.records.record import Record

RECORD_VARIABLES: Final[dict[str, VariableType]] = {
    "value": "dyn",
    "key": "dyn",
    "headers": "map",
    "topic": "string",
    "partition": "int",
    "offset": "int",
    "time": "timestamp",
    "timestamp_ms": "int",
    "text": "string",
    "value_size": "int",
    "key_size": "int",
    "now": "timestamp",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIME_MS_MAX: Final = 253_402_300_799_000
"""The last second of the year 9999; a record may claim a later time."""

_Reader = Callable[[Record], Any]


class RecordFilter:
    """Lets records through. One thread at a time."""

    def __init__(self, compiled: Filter, now_ms: int) -> None:
        self.text = compiled.text
        self.is_simple = compiled.is_simple
        self.errors = FilterErrors()
        self.seen = 0
        self.matched = 0
        self._matches = compiled.matches
        readers: dict[str, _Reader] = {**_READERS, "now": _constant(_moment(now_ms))}
        self._readers = tuple((name, readers[name]) for name in sorted(compiled.variables))
        if "value" in compiled.whole:
            self._readers += ((FIT, _fit_variables),)

    def keep(self, records: Sequence[Record]) -> list[Record]:
        """Return the records that match, in their order; count the others and the errors."""
        matches, readers = self._matches, self._readers
        kept: list[Record] = []
        for record in records:
            verdict = matches({name: read(record) for name, read in readers})
            if verdict is True:
                kept.append(record)
            elif type(verdict) is FilterError:
                self.errors.add(verdict)
        self.seen += len(records)
        self.matched += len(kept)
        return kept


def compile_record_filter(text: str, now_ms: int) -> RecordFilter:
    """Compile `--where` for records. UsageError when it is off; KconError when the engine is not installed."""
    return RecordFilter(compile_filter(text, RECORD_VARIABLES), now_ms)


def _constant(value: Any) -> _Reader:
    return lambda _record: value


def _moment(time_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=min(max(time_ms, 0), TIME_MS_MAX))


def _value(record: Record) -> Any:
    return None if record.value is None else _json_or_text(record.value)


def _json_or_text(data: bytes) -> Any:
    if data[:1] not in _JSON_BEGINNINGS:
        return _text_or_bytes(data)
    try:
        return _quick_json(data)
    except (ValueError, RecursionError):
        pass
    try:
        # It takes what the quick reader refuses: a lone surrogate in a text is JSON all the same.
        return json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return _text_or_bytes(data)


def _fit_variables(record: Record) -> frozenset[str]:
    """Tell whether the value is fit for the engine: JSON in which no text can hold NUL or a surrogate.

    In JSON they are written as escapes; a surrogate may also stand there as the bytes ED A0..BF xx.
    """
    data = record.value
    if data is None or data[:1] not in _JSON_OPENINGS or b"\\u" in data or b"\xed" in data or b"\0" in data:
        return _NOTHING
    return _VALUE


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _quick_reader() -> Callable[[bytes], Any]:
    try:
        import orjson
    except ImportError:
        return json.loads
    return orjson.loads


def _key(record: Record) -> Any:
    data = record.key
    if data is None:
        return None
    return _json_or_text(data) if data[:1] in {b"{", b"["} else _text_or_bytes(data)


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _text(record: Record) -> str:
    return "" if record.value is None else record.value.decode("utf-8", "replace")


def _headers(record: Record) -> dict[str, Any]:
    return {name.raw: None if data is None else _text_or_bytes(data) for name, data in record.headers}


_quick_json: Final = _quick_reader()
"""orjson reads five times as fast as the standard library; it comes with the engine."""
_NOTHING: Final[frozenset[str]] = frozenset()
_VALUE: Final = frozenset({"value"})
_JSON_OPENINGS: Final = frozenset({b"{", b"["})
_JSON_BEGINNINGS: Final = frozenset(bytes([byte]) for byte in b'{["-0123456789tfn \t\r\n')
_READERS: Final[dict[str, _Reader]] = {
    "value": _value,
    "key": _key,
    "headers": _headers,
    "topic": lambda record: record.topic.raw,
    "partition": lambda record: record.partition,
    "offset": lambda record: record.offset,
    "time": lambda record: _moment(record.timestamp_ms),
    "timestamp_ms": lambda record: record.timestamp_ms,
    "text": _text,
    "value_size": lambda record: -1 if record.value is None else len(record.value),
    "key_size": lambda record: -1 if record.key is None else len(record.key),
}
