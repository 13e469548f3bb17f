"""The variables of a record in a filter, with mixed data in one topic."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kcon.core.filter.engine import FIT, Filter
from kcon.core.filter.outcome import Variables
from kcon.core.ids import topic_name
from kcon.core.wire_text import WireText
from kcon.records.record import Headers, Record, TimestampType
from kcon.services.record_filter import RecordFilter, _fit_variables, compile_record_filter

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


def texts_in(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for key, part in value.items() for text in (*texts_in(key), *texts_in(part))]
        case list():
            return [text for part in value for text in texts_in(part)]
        case _:
            return []


_JSON = st.recursive(
    st.none() | st.integers() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_BYTES = st.binary(max_size=6).map(lambda part: b'{"a": "' + part + b'"}')


@given(
    st.builds(
        lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"),
        _JSON,
        st.booleans(),
    )
    | _BYTES
    | st.binary(max_size=12)
)
@example(b'{"a": "\\u0000"}')
@example(b'{"a": "\xed\xa0\x80"}')
@example(b'{"\\ud800": 1}')
@example(b"{\0}")
@example(b'["plain"]')
def test_what_is_told_to_be_fit_for_the_engine_is(data: bytes) -> None:
    """The engine ends a text at a NUL, and itself at a surrogate: no value may get past the look through it."""
    wanted: list[Variables] = []

    def matches(variables: Variables) -> bool:
        wanted.append(variables)
        return True

    compiled = Filter(
        text="", matches=matches, variables=frozenset({"value"}), is_simple=False, whole=frozenset({"value"})
    )
    RecordFilter(compiled, NOW_MS).keep([record(data)])
    (variables,) = wanted
    if "value" in variables[FIT]:
        assert not any(
            "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text)
            for text in texts_in(variables["value"])
        )


def test_a_whole_value_is_told_to_be_fit_where_it_is_plain_json() -> None:
    """Or a filter that walks through every field would cost a third more."""
    compiled = compile_record_filter("value.exists(name, name == 'b')", NOW_MS)
    assert FIT in dict(compiled._readers)
    assert _fit_variables(record(b'{"a": 1}')) == {"value"}
    assert FIT not in dict(compile_record_filter("value.a + 1 == 2", NOW_MS)._readers)
    assert [len(compiled.keep([record(data)])) for data in (b'{"b": 1}', b'{"a": 1}', b'{"b": "\\u0000"}')] == [1, 0, 1]


@pytest.mark.parametrize("time_ms", [-1, 0, 2**63 - 1, -(2**63)])
def test_any_time_is_a_time(time_ms: int) -> None:
    assert keeps("time <= timestamp('9999-12-31T23:59:59Z')", record(b"", time_ms=time_ms)) == [True]


def test_what_cannot_be_judged_is_counted() -> None:
    where: RecordFilter = compile_record_filter("value.a > 1", NOW_MS)
    where.keep([record(b'{"a": 2}'), record(b'{"b": 2}'), record(b'{"a": "x"}'), record(b'{"a": 1}')])
    assert (where.seen, where.matched, where.errors.total) == (4, 1, 2)
    assert dict(where.errors.reasons) == {"there is no value.a": 1, "a value is of another type": 1}
