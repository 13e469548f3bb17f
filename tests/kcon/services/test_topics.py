"""Topics: listing, describing, creating, deleting over the cluster in memory."""

from typing import Any

import pytest

from kcon.admin.topic_changes import NewTopic
from kcon.contexts.context import Mode
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.errors import RefusedError
from kcon.services.session import Session
from kcon.services.topics import (
    TopicCreatePlan,
    TopicDeletePlan,
    TopicResults,
    apply_create,
    apply_delete,
    check_create,
    describe_topics,
    find_topics,
    list_topics,
    plan_delete,
)


def names(found: Any) -> list[str]:
    return [topic.name.raw for topic in found.topics]


def test_internal_topics_are_listed_on_request_or_by_name(orders: Any, on_session: Any) -> None:
    assert names(on_session(list_topics)) == ["clicks", "orders"]
    assert names(on_session(list_topics, internal=True)) == ["__consumer_offsets", "clicks", "orders"]
    assert names(on_session(list_topics, ["__consumer_offsets"])) == ["__consumer_offsets"]
    assert names(on_session(list_topics, ["*o*"])) == ["orders"]


def test_find_topics_tells_what_is_missing(orders: Any, on_session: Any) -> None:
    found = on_session(find_topics, ["nope", "orders", "orders"])
    assert names(found) == ["orders"]
    assert found.missing == ["nope"]


def test_a_topic_that_may_not_be_described_is_found_with_its_error(orders: Any, on_session: Any) -> None:
    orders.topics_by_name["clicks"].error = kafka_error(29)
    found = on_session(find_topics, ["clicks"])
    assert found.topics[0].error.name == "TOPIC_AUTHORIZATION_FAILED"


async def describe(session: Session, *wanted: str) -> Any:
    return await describe_topics(session, (await find_topics(session, wanted)).topics)


def test_describe_adds_bounds_and_settings(orders: Any, on_session: Any) -> None:
    (described,) = on_session(describe, "orders")
    assert [(part.start, part.end, part.span) for part in described.partitions] == [
        (0, 100, 100),
        (40, 90, 50),
        (0, 10, 10),
    ]
    assert described.span == 160
    assert [(str(entry.name), str(entry.value)) for entry in described.configs] == [("retention.ms", "1000")]


def test_an_unreadable_bound_makes_the_sum_unknown(orders: Any, on_session: Any) -> None:
    orders.unreadable[TopicPartition(topic_name("orders"), 1)] = kafka_error(5)
    (described,) = on_session(describe, "orders")
    assert described.span is None
    assert [part.error.name if part.error else None for part in described.partitions] == [
        None,
        "LEADER_NOT_AVAILABLE",
        None,
    ]


async def create(session: Session, *wanted: str, check: bool = False) -> TopicResults:
    plan = TopicCreatePlan(topics=tuple(NewTopic(name=topic_name(name)) for name in wanted), confirmed_by="command")
    return await (check_create if check else apply_create)(session, plan)


def test_create_reports_each_topic(orders: Any, on_session: Any) -> None:
    results = on_session(create, "new", "orders")
    assert results[topic_name("new")] is None
    assert results[topic_name("orders")].name == "TOPIC_ALREADY_EXISTS"
    assert "new" in orders.topics_by_name


def test_a_check_creates_nothing_and_works_read_only(orders: Any, on_session: Any) -> None:
    on_session.mode = Mode.READ_ONLY
    assert on_session(create, "new", check=True) == {topic_name("new"): None}
    assert orders.mutations == []
    with pytest.raises(RefusedError):
        on_session(create, "new")


async def delete(session: Session, *wanted: str, confirmed_by: str | None = "-y") -> TopicResults:
    plan = await plan_delete(session, wanted)
    return await apply_delete(session, TopicDeletePlan(descriptions=plan.descriptions, confirmed_by=confirmed_by))


def test_delete(orders: Any, on_session: Any) -> None:
    assert on_session(delete, "o*") == {topic_name("orders"): None}
    assert "orders" not in orders.topics_by_name


def test_an_unconfirmed_plan_is_refused(orders: Any, on_session: Any) -> None:
    with pytest.raises(RefusedError, match="not confirmed"):
        on_session(delete, "orders", confirmed_by=None)
    assert orders.mutations == []


def test_every_change_leaves_audit_lines(orders: Any, on_session: Any) -> None:
    import json

    on_session(create, "new")
    lines = [json.loads(line) for line in (on_session.folder / "audit.jsonl").read_text().splitlines()]
    assert [(line["event"], line["operation"], line["cluster_id"]) for line in lines] == [
        ("authorised", "topic.create", "cluster-1"),
        ("done", "topic.create", "cluster-1"),
    ]
