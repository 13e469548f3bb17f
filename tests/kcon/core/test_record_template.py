"""Templates of produced records: fields, counters, and random values that a seed repeats."""

import json
import re

import pytest

from kcon.core.record_template import HEX_DIGITS_MAX, compile_template
from kcon.errors import UsageError

NOW_MS = 1_795_487_700_000


def made(text: str, count: int = 1, seed: int = 1) -> list[str]:
    template = compile_template(text, seed)
    return [template(number, NOW_MS).decode() for number in range(count)]


def test_counters_count_and_braces_stay() -> None:
    assert made("{n} {n:100}", 3) == ["1 100", "2 101", "3 102"]
    assert json.loads(made('{{"id": {n}}}')[0]) == {"id": 1}
    assert made("{time} {time_ms}") == [f"2026-11-24T02:35:00.000Z {NOW_MS}"]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("{int:3:5}", "[345]"),
        ("{int:7:7}", "7"),
        ("{float:0:1}", r"[0-9.e-]+"),
        ("{choice:a|b:c}", "a|b:c"),
        ("{hex:8}", "[0-9a-f]{8}"),
        ("{uuid}", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        ("{word}", "[a-z]+"),
        ("plain", "plain"),
    ],
)
def test_random_fields_have_their_form(text: str, pattern: str) -> None:
    for value in made(text, 50):
        assert re.fullmatch(pattern, value), value


def test_a_seed_repeats() -> None:
    text = "{int:0:1000000} {uuid}"
    assert made(text, 5, seed=7) == made(text, 5, seed=7)
    assert made(text, 5, seed=7) != made(text, 5, seed=8)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "}",
        "{nope}",
        "{n:x}",
        "{int:1}",
        "{int:5:3}",
        "{int:a:b}",
        "{hex:0}",
        f"{{hex:{HEX_DIGITS_MAX + 1}}}",
        "{choice:}",
        "{}",
    ],
)
def test_what_means_nothing_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        compile_template(text)


def test_as_many_digits_as_allowed() -> None:
    assert len(made(f"{{hex:{HEX_DIGITS_MAX}}}")[0]) == HEX_DIGITS_MAX
