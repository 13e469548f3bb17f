"""Conditions to wait for."""

import pytest

from kcon.core.wait_condition import Condition, Subject, parse_condition
from kcon.errors import UsageError


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("urp=0", 0, True),
        ("urp=0", 1, False),
        ("lag<10", 9, True),
        ("lag<10", 10, False),
        ("lag<=10", 10, True),
        ("lag<=10", 11, False),
        ("brokers>=3", 3, True),
        ("brokers>=3", 2, False),
        ("members > 0", 1, True),
        ("members>0", 0, False),
        ("moves!=0", 0, False),
        ("LAG=0", None, False),
        ("group=empty", frozenset({"empty"}), True),
        ("group=Empty", frozenset({"empty", "stable"}), False),
        ("group!=stable", frozenset({"empty"}), True),
        ("group!=stable", frozenset({"empty", "stable"}), False),
        ("group=empty", frozenset(), False),
        ("group=empty", None, False),
    ],
)
def test_a_condition_is_judged(text: str, value: int | frozenset[str] | None, holds: bool) -> None:
    """One below, at, and one above; what is unknown never holds."""
    assert parse_condition(text).holds(value) is holds


def test_a_condition_reads_as_it_is_written() -> None:
    assert str(parse_condition(" lag < 5 ")) == "lag<5"
    assert parse_condition("urp=0") == Condition(subject=Subject.URP, operator="=", wanted=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("urp", "Not a condition"),
        ("urp==0", "Not a condition"),
        ("lag<-1", "Not a condition"),
        ("lag=1e3", "Not a condition"),
        ("disk=0", "nothing to wait for"),
        ("urp=none", "compared with a number"),
        ("lag<" + "9" * 19, "compared with a number"),
        ("group=gone", "Not a state"),
        ("group<stable", "Not a state"),
        ("lag=\u0661", "Not a condition"),
    ],
)
def test_slips_are_explained(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_condition(text)
