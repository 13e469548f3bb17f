"""Several contexts at once: one answer in which every item says its context, and one cluster's failure is its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.answering_broker import AnsweringBroker


@pytest.fixture
def contexts(kcon: Any) -> Any:
    def write(**addresses: str) -> None:
        path = Path(kcon.variables["KCON_CONFIG_DIR"]) / "config.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f'[context.{name}]\nbootstrap = "{at}"\n' for name, at in addresses.items()))

    return write


def test_items_of_all_clusters_say_their_context(kcon: Any, contexts: Any) -> None:
    with AnsweringBroker(("one",), many=1) as first, AnsweringBroker(("two",), many=1) as second:
        contexts(a=first.address, b=second.address)
        lines = kcon.lines("topic", "list", "-C", "a,b", "--columns", "context,name")
        assert lines == ["context\tname", "a\tone", "b\ttwo"]
        told = json.loads(kcon("group", "list", "-C", "a, b,a", "-o", "json").out)
        assert told["context"] == "a,b"
        assert {item["context"] for item in told["items"]} == {"a", "b"}
        assert kcon("topic", "list", "-C", "a,b", "--sort", "-context", "-o", "name").out == "two\none\n"
        assert "CONTEXT" in kcon("cluster", "info", "-C", "a,b", "-o", "table").out


def test_one_cluster_that_is_away_hides_none_of_the_others(kcon: Any, contexts: Any) -> None:
    with AnsweringBroker(("one",), many=1) as first:
        contexts(a=first.address, gone="127.0.0.1:1")
        ran = kcon("topic", "list", "-C", "a,gone,nope", "-o", "json")
        told = json.loads(ran.out)
        assert ran.code == 1
        assert [item["name"] for item in told["items"]] == ["one"]
        assert [(error["item"], error["exitCode"]) for error in told["errors"]] == [
            ("context gone", 3),
            ("context nope", 2),
        ]
    ran = kcon("topic", "list", "-C", "gone,gone2")
    assert (ran.code, ran.out) == (1, "")
    assert "context gone: " in ran.err


def test_a_change_is_for_one_cluster(kcon: Any, contexts: Any) -> None:
    contexts(a="127.0.0.1:1", b="127.0.0.1:1")
    ran = kcon("topic", "delete", "x", "-C", "a,b", "-y")
    assert ran.code == 2
    assert "one context at a time" in ran.err
