"""Rules for decoders, masks and the registry: what is read, and what a slip in them says."""

from typing import Any

import pytest

from kcon.contexts.rules import RULES_MAX, parse_rules
from kcon.errors import UsageError


def test_rules_are_read_in_their_order() -> None:
    rules = parse_rules(
        "x",
        {
            "serde": [
                {"topic": "orders.*", "value": "avro", "key": "string", "fallback": ["json", "hex"]},
                {"value": "text"},
            ],
            "mask": [{"topic": "users*", "path": "$.email"}, {"topic": "*", "path": "$.iban", "with": "IBAN"}],
            "registry": {"url": "https://r:8081", "auth": "basic", "username": "u", "password_cmd": "x"},
        },
    )
    first, second = rules.serde_for("orders.eu"), rules.serde_for("else")
    assert first is not None
    assert second is not None
    assert (first.value, first.key, first.fallback, second.value) == ("avro", "string", ("json", "hex"), "text")
    assert [mask.replacement for mask in rules.masks_for("users")] == ["****", "IBAN"]
    assert [mask.path for mask in rules.masks_for("else")] == ["$.iban"]
    assert rules.registry is not None
    assert rules.registry.username == "u"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"serde": {"topic": "x"}}, "not a list of tables"),
        ({"serde": [{"topic": "x", "vlaue": "json"}]}, "unknown key 'vlaue'"),
        ({"serde": [{"topic": "x"}]}, "names no decoder"),
        ({"serde": [{"topic": "x", "fallback": "json"}]}, "not a list of decoders"),
        ({"serde": [{"topic": 3, "value": "json"}]}, "topic is not text"),
        ({"serde": [{"value": "x"}] * (RULES_MAX + 1)}, "more than"),
        ({"mask": [{"topic": "x"}]}, "needs the path"),
        ({"mask": [{"topic": "x", "path": "email"}]}, "needs the path"),
        ({"registry": "https://r"}, "not a table"),
        ({"registry": {}}, "not an address"),
        ({"registry": {"url": "ftp://r"}}, "not an address"),
        ({"registry": {"url": "https://u:canary@r"}}, "holds a user name"),
        ({"registry": {"url": "https://r", "password": "canary"}}, "readable in the file"),
        ({"registry": {"url": "https://r", "auth": "magic"}}, "not a kind of auth"),
        ({"registry": {"url": "https://r", "password_cmd": "a", "password_file": "b"}}, "only one of"),
    ],
)
def test_a_slip_is_said(table: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse_rules("here", table)
    assert caught.value.hint
    assert "canary" not in caught.value.message + caught.value.hint


def test_the_limit_itself_is_allowed() -> None:
    assert len(parse_rules("x", {"serde": [{"value": "x"}] * RULES_MAX}).serdes) == RULES_MAX
