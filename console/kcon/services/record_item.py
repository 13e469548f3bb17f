"""How does a record look as one JSON object? The same for the command line and for what the console exports."""

import base64
from collections.abc import Callable
from typing import Final

from kcon.records.record import Record, TimestampType

_TIMESTAMP_TYPES: Final = {
    TimestampType.NOT_AVAILABLE: None,
    TimestampType.CREATE_TIME: "CreateTime",
    TimestampType.LOG_APPEND_TIME: "LogAppendTime",
}


def record_item(record: Record, int64: Callable[[int], object] = int) -> dict[str, object]:
    """Return the object. Names are WireText; int64: wraps 64-bit integers, for a writer that treats them apart."""
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": int64(record.offset),
        "timestamp": int64(record.timestamp_ms) if record.timestamp_ms >= 0 else None,
        "timestamp_type": _TIMESTAMP_TYPES[record.timestamp_type],
        **payload_item("key", record.key),
        **payload_item("value", record.value),
        "headers": [{"name": name, **payload_item("value", value)} for name, value in record.headers],
    }


def payload_item(name: str, data: bytes | None) -> dict[str, object]:
    """Return text where it is UTF-8, else base64 under another name; null stays null."""
    if data is None:
        return {name: None}
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {f"{name}_b64": base64.b64encode(data).decode()}
