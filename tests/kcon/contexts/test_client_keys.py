"""`-X key=value`: both spellings are taken, a slip gets the nearest name, and a secret never stands in argv."""

import pytest

from kcon.contexts.client_keys import SECRET_KEYS, parse_property
from kcon.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linger.ms=5", ("linger.ms", "5")),
        ("sasl.mechanism=PLAIN", ("sasl.mechanisms", "PLAIN")),
        ("metadata.broker.list=h:1", ("bootstrap.servers", "h:1")),
        ("topic.acks=all", ("acks", "all")),
        (" client.id = a=b ", ("client.id", "a=b")),
        ("topic.metadata.refresh.interval.ms=1", ("topic.metadata.refresh.interval.ms", "1")),
    ],
)
def test_properties_read(text: str, expected: tuple[str, str]) -> None:
    assert parse_property(text) == expected


@pytest.mark.parametrize("key", sorted(SECRET_KEYS))
@pytest.mark.parametrize("form", ["{}=hunter2", "{}", "topic.{}=hunter2"])
def test_secrets_are_refused_and_not_repeated(key: str, form: str) -> None:
    """Other users of the machine read argv in the list of processes."""
    with pytest.raises(UsageError) as caught:
        parse_property(form.format(key))
    assert "hunter2" not in caught.value.message + caught.value.hint
    assert "password_cmd" in caught.value.hint


def test_upper_case_secret_is_refused_too() -> None:
    with pytest.raises(UsageError) as caught:
        parse_property("SASL.Password=hunter2")
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(("text", "near"), [("linger=5", "linger.ms"), ("securty.protocol=SSL", "security.protocol")])
def test_slip_gets_the_nearest_name(text: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_property(text)
    assert near in caught.value.hint


def test_key_without_a_value_is_refused() -> None:
    with pytest.raises(UsageError, match="Not a setting"):
        parse_property("linger.ms")
