"""Fields of JSON values: found by their path, never guessed."""

import pytest

from kcon.errors import UsageError
from kcon.tui.record_fields import MISSING, at_path, format_path, leaf_text, leaves, parse_json, parse_path

VALUE = parse_json(b'{"a": {"b": [1, {"c": null}]}, "n": 12345678901234567890, "t": "x"}')


@pytest.mark.parametrize(
    ("path", "text"),
    [("a.b[0]", "1"), ("$.a.b[1].c", "null"), ("n", "12345678901234567890"), ("t", "x"), ("a.b", '[1,{"c":null}]')],
)
def test_a_field_is_found_by_its_path(path: str, text: str) -> None:
    assert leaf_text(at_path(VALUE, parse_path(path))) == text


@pytest.mark.parametrize("path", ["x", "a.b[2]", "a[0]", "t.u", "a.b.c"])
def test_what_is_not_there_is_missing(path: str) -> None:
    assert at_path(VALUE, parse_path(path)) is MISSING


@pytest.mark.parametrize("text", ["", "$", "a[x]", "a]b"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Not a path"):
        parse_path(text)


def test_every_leaf_is_listed_in_order_with_a_path_that_finds_it() -> None:
    found = list(leaves(VALUE))
    assert [format_path(path) for path, _leaf in found] == ["$.a.b[0]", "$.a.b[1].c", "$.n", "$.t"]
    assert all(at_path(VALUE, path) == leaf for path, leaf in found)


@pytest.mark.parametrize("data", [None, b"", b"x", b"{", b"[" * 100_000])
def test_what_is_no_json_is_missing(data: bytes | None) -> None:
    assert parse_json(data) is MISSING
