"""Addresses and the security that works today."""

import pytest

from kcon.contexts.context import Security, parse_bootstrap, split_address
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


def test_plain_text_is_supported() -> None:
    Security().require_supported()


@pytest.mark.parametrize(
    "security",
    [Security(protocol="SSL"), Security(protocol="SASL_PLAINTEXT"), Security(username="ann"), Security(ca="x")],
)
def test_other_security_is_a_clear_not_yet(security: Security) -> None:
    """Silently connecting in plain text with credentials configured would be worse than not connecting."""
    with pytest.raises(UsageError) as caught:
        security.require_supported()
    assert caught.value.hint
