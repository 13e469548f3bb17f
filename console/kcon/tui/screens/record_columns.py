"""Which columns does a table of records have? Their texts are made when they are looked at."""

from collections.abc import Callable, Hashable, Sequence
from typing import Final

from kcon.plugin_api.decoding import Part as RecordPart
from kcon.records.record import Record
from kcon.tui.record_fields import Path as FieldPath
from kcon.tui.record_rows import LazyColumn, RecordTexts
from kcon.tui.rows import Column, Rows
from kcon.tui.text import UNKNOWN, cut_middle

FIELD_WIDTH: Final = 14


def record_columns(
    texts_now: Callable[[], RecordTexts | None], fields: Sequence[FieldPath], *, many: bool
) -> tuple[Column, ...]:
    """Return the columns. many: records of several topics."""

    def shown(text_of: Callable[[RecordTexts, Record], str]) -> Callable[[object], str]:
        def show(record: object) -> str:
            texts = texts_now()
            return text_of(texts, record) if texts is not None and isinstance(record, Record) else ""

        return show

    def field(path: FieldPath) -> Callable[[object], str]:
        return shown(lambda texts, record: texts.field(record, path) or UNKNOWN)

    key = shown(lambda texts, record: texts.short(record, RecordPart.KEY))
    value = shown(lambda texts, record: texts.short(record, RecordPart.VALUE))
    time = shown(lambda texts, record: texts.short_time(record))
    extra = [
        Column(
            key=f"field{place}",
            title=str(path[-1]).upper(),
            width=FIELD_WIDTH,
            show=field(path),
            search=True,
            sort=False,
        )
        for place, path in enumerate(fields)
    ]
    return (
        Column(key="topic", title="TOPIC", width=16, drop=4, hidden=not many, draw=cut_middle),
        Column(key="partition", title="P", right=True, width=3, drop=2),
        Column(key="offset", title="OFFSET", right=True, width=13),
        Column(key="time", title="TIME", width=18, drop=3, show=time, sort=False),
        Column(key="key", title="KEY", width=16, drop=1, show=key, search=True, sort=False),
        *extra,
        Column(key="value", title="VALUE", flex=True, flex_min=24, show=value, search=True, sort=False),
        Column(key="size", title="BYTES", right=True, hidden=True),
        Column(key="headers", title="HEADERS", right=True, hidden=True),
    )


def record_rows(records: Sequence[Record], fields: int = 0) -> Rows:
    """Return rows whose texts are made when they are looked at. fields: how many columns show a field."""
    itself = LazyColumn(records, lambda record: record)
    return Rows(
        keys=LazyColumn(records, record_key),
        values={
            "topic": LazyColumn(records, lambda record: record.topic),
            "partition": LazyColumn(records, lambda record: record.partition),
            "offset": LazyColumn(records, lambda record: record.offset),
            "size": LazyColumn(records, lambda record: record.size_bytes),
            "headers": LazyColumn(records, lambda record: len(record.headers)),
            **dict.fromkeys(("time", "key", "value", *(f"field{place}" for place in range(fields))), itself),
        },
    )


def record_key(record: Record) -> Hashable:
    """Return what identifies a record."""
    return (record.topic, record.partition, record.offset)
