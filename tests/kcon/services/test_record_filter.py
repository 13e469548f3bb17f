"""The variables of a record in a filter, with mixed data in one topic."""

from typing import Any

import pytest

from kcon.core.ids import topic_name
from kcon.core.wire_text import WireText
from kcon.records.record import Headers, Record, TimestampType
from kcon.services.record_filter import RecordFilter, compile_record_filter

NOW_MS = 1_795_487_700_000


def record(
    value: bytes | None, key: bytes | None = None, *, offset: int = 5, time_ms: int = NOW_MS, headers: Headers = ()
) -> Record:
    return Record(topic_name("orders"), 2, offset, time_ms, TimestampType.CREATE_TIME, key, value, headers)


def keeps(text: str, *records: Record) -> list[bool]:
    where = compile_record_filter(text, NOW_MS)
    kept = where.keep(records)
    return [any(each is one for one in kept) for each in records]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("topic == 'orders' && partition == 2 && offset == 5", True),
        ("value.a == 1", True),
        ("key == 'k1'", True),
        ("text.contains('\"a\"')", True),
        ("headers.region == 'eu'", True),
        ("headers.region == 'us'", False),
        ("headers.raw == b'\\xff'", True),
        ("headers.gone == null", True),
        ("has(headers.region) && !has(headers.nope)", True),
        ("value_size == 8 && key_size == 2", True),
        (f"timestamp_ms == {NOW_MS}", True),
        ("time > now - duration('1h') && time <= now", True),
        ("time < timestamp('2020-01-01T00:00:00Z')", False),
    ],
)
def test_every_variable_is_published(text: str, expected: bool) -> None:
    headers: tuple[Any, ...] = (
        (WireText("region"), b"us"),
        (WireText("region"), b"eu"),
        (WireText("raw"), b"\xff"),
        (WireText("gone"), None),
    )
    assert keeps(text, record(b'{"a": 1}', b"k1", headers=headers)) == [expected]


def test_mixed_values_are_json_then_text_then_bytes() -> None:
    values = [record(b'{"a": 1}'), record(b"plain"), record(b"42"), record(b"\xff"), record(None), record(b"")]
    assert keeps("value.a == 1", *values) == [True, False, False, False, False, False]
    assert keeps("value == 'plain'", *values) == [False, True, False, False, False, False]
    assert keeps("value == 42", *values) == [False, False, True, False, False, False]
    assert keeps("value == b'\\xff'", *values) == [False, False, False, True, False, False]
    assert keeps("value == null", *values) == [False, False, False, False, True, False]
    assert keeps("value == ''", *values) == [False, False, False, False, False, True]


def test_a_key_is_text_unless_it_is_an_object_or_a_list() -> None:
    assert keeps("key == '48211'", record(b"", b"48211")) == [True]
    assert keeps("key.id == 7", record(b"", b'{"id": 7}')) == [True]
    assert keeps("key == null", record(b"", None)) == [True]


@pytest.mark.parametrize(
    "value",
    [
        b'{"a": "\\ud800", "b": 1}',
        b'{"a": 18446744073709551616, "b": 1}',
        b"[" * 5_000,
        b'{"a": NaN}',
        b'{"a": 1',
        b"nul",
    ],
)
def test_odd_json_ends_nothing(value: bytes) -> None:
    for text in ("value.b == 1", "value.b + 1 == 2", "size(value.a) > 9", "value.exists(x, x == 'q')"):
        compile_record_filter(text, NOW_MS).keep([record(value)])
    # A lone surrogate in one field does not take the others away.
    assert keeps("value.b == 1", record(b'{"a": "\\ud800", "b": 1}')) == [True]


@pytest.mark.parametrize("time_ms", [-1, 0, 2**63 - 1, -(2**63)])
def test_any_time_is_a_time(time_ms: int) -> None:
    assert keeps("time <= timestamp('9999-12-31T23:59:59Z')", record(b"", time_ms=time_ms)) == [True]


def test_what_cannot_be_judged_is_counted() -> None:
    where: RecordFilter = compile_record_filter("value.a > 1", NOW_MS)
    where.keep([record(b'{"a": 2}'), record(b'{"b": 2}'), record(b'{"a": "x"}'), record(b'{"a": 1}')])
    assert (where.seen, where.matched, where.errors.total) == (4, 1, 2)
    assert dict(where.errors.reasons) == {"there is no value.a": 1, "a value is of another type": 1}
