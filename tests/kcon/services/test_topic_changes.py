"""Topics: creating and deleting over the cluster in memory."""

from typing import Any

import pytest

from kcon.admin.topic_changes import NewTopic
from kcon.contexts.context import Mode
from kcon.core.ids import topic_name
from kcon.errors import RefusedError
from kcon.services.session import Session
from kcon.services.topic_changes import (
    TopicCreatePlan,
    TopicDeletePlan,
    TopicResults,
    apply_create,
    apply_delete,
    check_create,
    plan_delete,
)


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
