"""The console as a conversation: one answer below the other, no control character, every change asked about."""

import re
from typing import Any

import pytest

from kcon.cli.plain import words_of


def talk(kcon: Any, *lines: str) -> str:
    ran = kcon("ui", "--plain", stdin="".join(f"{line}\n" for line in lines).encode())
    assert ran.code == 0, ran.err
    told: str = ran.out + ran.err
    return told


def test_lists_and_things_are_shown_one_below_the_other(orders: Any, kcon: Any) -> None:
    text = talk(kcon, "topics", "group/billing", "q")
    assert text.index("cluster-1") < text.index("clicks") < text.index("billing\torders")
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text) is None


def test_a_change_is_not_made_without_a_confirmation(orders: Any, kcon: Any) -> None:
    text = talk(kcon, "topic delete clicks", "q")
    assert "exit 6" in text
    assert orders.mutations == []


def test_the_end_of_input_is_the_end(orders: Any, kcon: Any) -> None:
    assert "?" in talk(kcon)
    assert "go" in talk(kcon, "tail orders", "'open", "?")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("topics", ["topic", "list"]),
        ("kcon topic list", ["topic", "list"]),
        ("group/a%2Fb", ["group", "lag", "a/b"]),
        ("orders/0/5", ["get", "orders/0/5"]),
        ("nonsense", ["nonsense"]),
    ],
)
def test_a_line_is_an_address_or_a_command(line: str, words: list[str]) -> None:
    assert words_of(line) == words
