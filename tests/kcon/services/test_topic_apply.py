"""`topic apply`: what a file says, and what must change for it. Nothing goes away unless that was asked for."""

from typing import Any

import pytest

from kcon.core.ids import topic_name
from kcon.errors import UsageError
from kcon.services.topic_apply import TOPICS_MAX, parse_specs, plan_apply


def test_a_file_is_read() -> None:
    orders, plain = parse_specs(
        b"""
        [topic.orders]
        partitions = 12
        replication_factor = 3
        [topic.orders.config]
        "retention.ms" = 86400000
        cleanup.policy = ["compact", "delete"]
        preallocate = true
        [topic."plain.topic"]
        """
    )
    assert (orders.name, orders.partitions, orders.replication_factor) == (topic_name("orders"), 12, 3)
    assert orders.configs == {"retention.ms": "86400000", "cleanup.policy": "compact,delete", "preallocate": "true"}
    assert (plain.name, plain.partitions, plain.configs) == (topic_name("plain.topic"), None, {})


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "names no topic"),
        (b"[topic]", "names no topic"),
        (b"[topics.x]", "means nothing"),
        (b"[topic.x]\npartition = 3", "a key partition"),
        (b"[topic.x]\npartitions = 0", "from 1 to"),
        (b"[topic.x]\npartitions = 1000001", "from 1 to"),
        (b"[topic.x]\npartitions = true", "from 1 to"),
        (b"[topic.x]\npartitions = '3'", "from 1 to"),
        (b"[topic.x]\nreplication_factor = 32768", "from 1 to"),
        (b"[topic.x]\nconfig = 3", "is not a table"),
        (b"[topic.x.config]\na = [1]", "neither text"),
        (b"[topic.x.config]\na = 2024-01-01", "neither text"),
        (b"[topic.x", "not TOML"),
        (b"\xff", "not TOML"),
        (b"[topic.x]\n[topic.x]", "not TOML"),
        (b"topic.x = 3", "is not a table"),
        (b'[topic."\\u001b]0;x"]\nfoo = 1', "means nothing"),
    ],
)
def test_what_means_nothing_is_a_usage_error(data: bytes, part: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_specs(data)
    assert part in raised.value.message
    assert raised.value.message.isprintable()


def test_more_topics_than_make_sense_are_refused() -> None:
    with pytest.raises(UsageError):
        parse_specs(b"[topic]\n" + b"".join(b"t%d={}\n" % n for n in range(TOPICS_MAX + 1)))


def test_a_slip_in_a_key_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError) as raised:
        parse_specs(b"[topic.x]\nreplication-factor = 3")
    assert raised.value.hint == "Did you mean replication_factor?"


def plan(on_session: Any, text: str, **more: Any) -> list[tuple[str, str, str, str | None, str | None]]:
    made = on_session(plan_apply, parse_specs(text.encode()), **more)
    return [(row.topic.raw, row.action, row.what, row.current, row.wanted) for row in made.rows]


def test_only_what_differs_is_planned(orders: Any, on_session: Any) -> None:
    same = '[topic.orders]\npartitions = 3\nreplication_factor = 1\n[topic.orders.config]\n"retention.ms" = 1000'
    assert plan(on_session, same) == []
    assert plan(on_session, same.replace("partitions = 3", "partitions = 5").replace("1000", "2000")) == [
        ("orders", "add-partitions", "partitions", "3", "5"),
        ("orders", "set", "retention.ms", "1000", "2000"),
    ]
    assert plan(on_session, "[topic.new]\npartitions = 2") == [
        ("new", "create", "partitions", None, "2"),
        ("new", "create", "replication_factor", None, "the cluster's default"),
    ]


def test_what_cannot_be_done_is_refused_and_says_how(orders: Any, on_session: Any) -> None:
    made = on_session(plan_apply, parse_specs(b"[topic.orders]\npartitions = 2\nreplication_factor = 3"))
    assert [row.action for row in made.rows] == ["refused", "refused"]
    assert "cannot take any away" in made.rows[0].error.message
    assert "kcon reassign" in made.rows[1].error.hint
    assert made.error is made.rows[0].error


def test_nothing_goes_away_unless_asked(orders: Any, on_session: Any) -> None:
    text = "[topic.orders]"
    assert plan(on_session, text) == []
    assert plan(on_session, text, resets=True) == [("orders", "reset", "retention.ms", "1000", None)]
    # Internal topics and those in the file are safe from the widest pattern.
    assert plan(on_session, text, delete="*") == [("clicks", "delete", "topic", "5 offsets", None)]
    assert plan(on_session, text, delete="c*x") == []
