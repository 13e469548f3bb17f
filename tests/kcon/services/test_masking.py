"""Masks: what is masked never comes out, whatever the value is; and copies are never masked."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.contexts.rules import MaskRule, Rules
from kcon.core.ids import topic_name
from kcon.errors import UsageError
from kcon.records.record import Record, TimestampType
from kcon.services.masking import Masks, mask_value, parse_path


def rule(path: str, topic: str = "*") -> MaskRule:
    return MaskRule(topic=topic, path=path)


def masked(value: bytes | None, *paths: str) -> bytes | None:
    return mask_value(value, [(parse_path(rule(path)), "****") for path in paths])


@pytest.mark.parametrize(
    ("value", "paths", "expected"),
    [
        (b'{"email": "a@b", "n": 12345678901234567890}', ["$.email"], b'{"email":"****","n":12345678901234567890}'),
        (b'{"a": {"b": [{"c": 1}, {"c": 2}]}}', ["$.a.b[*].c"], b'{"a":{"b":[{"c":"****"},{"c":"****"}]}}'),
        (b'{"a": [1, 2]}', ["$.a[1]"], b'{"a":[1,"****"]}'),
        (b'{"x.y": 1}', ['$["x.y"]'], b'{"x.y":"****"}'),
        (b'{"a": 1, "b": 2}', ["$.*"], b'{"a":"****","b":"****"}'),
        (b'{"a": 1, "b": 2}', ["$.a", "$.b"], b'{"a":"****","b":"****"}'),
        (b'{"a": {"deep": "secret"}}', ["$.a"], b'{"a":"****"}'),
        (b'{ "b": 1 }', ["$.a"], b'{ "b": 1 }'),
        (b"[1]", ["$.a"], b"[1]"),
        (b"plain secret", ["$.a"], b"****"),
        (b"\xff secret", ["$.a"], b"****"),
        (b"[" * 100_000, ["$.a"], b"****"),
        (b'{"a": 1}', ["$"], b"****"),
        (b"", ["$.a"], b"****"),
        (None, ["$.a"], None),
    ],
)
def test_what_is_masked_is_replaced(value: bytes | None, paths: list[str], expected: bytes | None) -> None:
    assert masked(value, *paths) == expected


@pytest.mark.parametrize("path", ["", "email", "$email", "$.", "$.a.", "$[", "$[x]", "$..a", "$.a[-1]"])
def test_a_path_that_cannot_be_read_is_an_error_and_not_no_mask(path: str) -> None:
    with pytest.raises(UsageError):
        Masks(Rules(masks=(rule(path),)))


@given(
    st.recursive(
        st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abe"), inner, max_size=3),
        max_leaves=8,
    )
)
def test_nothing_below_a_masked_name_survives(document: Any) -> None:
    value = json.dumps({"e": document, "other": "kept"}).encode()
    assert json.loads(masked(value, "$.e") or b"") == {"e": "****", "other": "kept"}


def test_masks_go_by_topic() -> None:
    masks = Masks(Rules(masks=(rule("$.email", "users*"),)))
    assert masks
    assert not Masks(Rules())
    records = [
        Record(topic_name(topic), 0, 0, 0, TimestampType.CREATE_TIME, None, b'{"email":"a"}')
        for topic in ("users-1", "x")
    ]
    assert [record.value for record in masks.apply(records)] == [b'{"email":"****"}', b'{"email":"a"}']
