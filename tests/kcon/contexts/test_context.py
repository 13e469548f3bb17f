"""Addresses and the security that works today."""

import pytest

from kcon.contexts.context import parse_bootstrap, split_address
from kcon.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h", ("h:9092",)),
        ("h:1", ("h:1",)),
        ("a:1, b ,c:3,", ("a:1", "b:9092", "c:3")),
        ("[::1]:9093", ("[::1]:9093",)),
        ("[::1]", ("[::1]:9092",)),
        ("PLAINTEXT://h:1", ("h:1",)),
        ("127.0.0.1:65535", ("127.0.0.1:65535",)),
    ],
)
def test_addresses_read(text: str, expected: tuple[str, ...]) -> None:
    assert parse_bootstrap(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "h:0",
        "h:65536",
        "h:x",
        ":9092",
        "::1",
        "[::1",
        "[::1]x",
        "a b:1",
        "http://h:1",
        "h/x:1",
        "u@h:1",
        "h:",
        "h:٣",
        "h\x1b[2J:1",
    ],
)
def test_addresses_refuse(text: str) -> None:
    with pytest.raises(UsageError):
        parse_bootstrap(text)


@pytest.mark.parametrize(("address", "expected"), [("h:1", ("h", 1)), ("[::1]:9093", ("::1", 9093))])
def test_address_splits(address: str, expected: tuple[str, int]) -> None:
    assert split_address(address) == expected
