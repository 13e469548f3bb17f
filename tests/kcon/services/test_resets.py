"""Resets: the plan's scope, and that nothing is written without a way back."""

import os
from typing import Any

import pytest

from kcon.contexts.context import Mode
from kcon.core.ids import GroupId, TopicPartition, group_id, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.offset_spec import AtTime, FromCurrent, FromEnd, FromStart, OffsetSpec
from kcon.errors import NotFoundError, RefusedError
from kcon.gate.permit import Operation
from kcon.services.groups import PartitionScope
from kcon.services.resets import (
    ResetResult,
    Target,
    ToGroup,
    ToOffsets,
    ToPlace,
    apply_reset,
    plan_reset,
    wait_until_empty,
)
from kcon.services.session import Session

BILLING = group_id("billing")


def at(partition: int, topic: str = "orders") -> TopicPartition:
    return TopicPartition(topic_name(topic), partition)


def to(spec: OffsetSpec) -> ToPlace:
    return ToPlace(spec=spec, text=str(spec))


async def reset(
    session: Session, target: Target, scopes: list[PartitionScope] | None = None, group: GroupId = BILLING
) -> ResetResult:
    plan = await plan_reset(session, group, target, scopes or [])
    return await apply_reset(session, plan.confirmed("-y"))


def moves(plan: Any) -> dict[int, tuple[int | None, int | None]]:
    return {row.partition.partition: (row.current, row.new) for row in plan.plan.rows}


def test_scope_is_what_has_a_commit(orders: Any, on_session: Any) -> None:
    plan = on_session(plan_reset, BILLING, to(FromStart()))
    assert moves(plan) == {0: (60, 0), 1: (20, 40)}


def test_a_named_topic_adds_its_uncommitted_partitions(orders: Any, on_session: Any) -> None:
    plan = on_session(plan_reset, BILLING, to(FromEnd()), [PartitionScope(topic=topic_name("orders"))])
    assert moves(plan) == {0: (60, 100), 1: (20, 90), 2: (None, 10)}


def test_named_partitions_narrow(orders: Any, on_session: Any) -> None:
    scope = PartitionScope(topic=topic_name("orders"), partitions=frozenset({1}))
    assert list(moves(on_session(plan_reset, BILLING, to(FromEnd()), [scope]))) == [1]


@pytest.mark.parametrize("scope", [("nope", None), ("orders", frozenset({9}))])
def test_what_does_not_exist_is_not_found(orders: Any, on_session: Any, scope: Any) -> None:
    named = PartitionScope(topic=topic_name(scope[0]), partitions=scope[1])
    with pytest.raises(NotFoundError):
        on_session(plan_reset, BILLING, to(FromEnd()), [named])


def test_an_unknown_group_is_not_found_unless_a_topic_is_named(orders: Any, on_session: Any) -> None:
    with pytest.raises(NotFoundError):
        on_session(plan_reset, group_id("nope"), to(FromEnd()))
    scope = PartitionScope(topic=topic_name("clicks"))
    assert moves(on_session(plan_reset, group_id("nope"), to(FromEnd()), [scope])) == {0: (None, 5)}


def test_time_is_resolved_by_the_cluster(orders: Any, on_session: Any) -> None:
    first_ms = orders.topics_by_name["orders"].first_time_ms
    plan = on_session(plan_reset, BILLING, to(AtTime(first_ms + 70_000)))
    assert moves(plan) == {0: (60, 70), 1: (20, 70)}


def test_offsets_of_a_file_and_of_another_group(orders: Any, on_session: Any) -> None:
    plan = on_session(plan_reset, BILLING, ToOffsets(offsets={at(2): 7, at(0): 1_000}, text="file"))
    assert moves(plan) == {0: (60, 100), 2: (None, 7)}
    orders.commit("other", "clicks", 0, 5)
    plan = on_session(plan_reset, BILLING, ToGroup(group=group_id("other")))
    assert {(str(row.partition.topic), row.new) for row in plan.plan.rows} == {("clicks", 5), ("orders", None)}
    with pytest.raises(NotFoundError):
        on_session(plan_reset, BILLING, ToGroup(group=group_id("nobody")))


def test_apply_commits_and_keeps_what_was_there(orders: Any, on_session: Any) -> None:
    result = on_session(reset, to(FromStart()))
    assert result.results == {at(0): None, at(1): None}
    assert orders.mutations == [(Operation.OFFSETS_COMMIT, {at(0): 0, at(1): 40})]
    record = on_session.session().undo.find(orders_cluster_id(orders), BILLING, result.undo_id)
    assert [(entry.before.offset, entry.after) for entry in record.entries] == [(60, 0), (20, 40)]


def orders_cluster_id(cluster: Any) -> Any:
    import asyncio

    return asyncio.run(cluster.cluster()).cluster_id


def test_without_an_undo_record_nothing_is_written(orders: Any, on_session: Any) -> None:
    blocker = on_session.folder / "undo"
    blocker.write_text("a file where the folder should be")
    with pytest.raises(RefusedError, match="undo record"):
        on_session(reset, to(FromStart()))
    assert orders.mutations == []


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX file modes")
def test_undo_records_are_private(orders: Any, on_session: Any) -> None:
    on_session(reset, to(FromStart()))
    (path,) = (on_session.folder / "undo").rglob("*.json")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_group_that_became_active_is_refused_before_anything_is_written(orders: Any, on_session: Any) -> None:
    """The plan was made while the group was empty; the check just before writing must see the new member."""
    described: list[int] = []

    def meanwhile() -> None:
        described.append(1)
        if len(described) == 2:
            orders.groups_by_id["billing"].state = "Stable"
            orders.groups_by_id["billing"].members = [("app-1", [at(0)])]

    orders.before_describe = meanwhile
    with pytest.raises(RefusedError, match="Stable with 1 member"):
        on_session(reset, to(FromStart()))
    assert orders.mutations == []
    assert not list(on_session.folder.rglob("undo/**/*.json"))


def test_a_relative_plan_is_refused_when_the_group_committed_meanwhile(orders: Any, on_session: Any) -> None:
    described: list[int] = []

    def meanwhile() -> None:
        described.append(1)
        if len(described) == 2:
            orders.commit("billing", "orders", 0, 61)

    orders.before_describe = meanwhile
    with pytest.raises(RefusedError, match="committed since"):
        on_session(reset, to(FromCurrent(-10)))
    assert orders.mutations == []


def test_the_undo_record_holds_the_commits_of_the_last_moment(orders: Any, on_session: Any) -> None:
    described: list[int] = []

    def meanwhile() -> None:
        described.append(1)
        if len(described) == 2:
            orders.commit("billing", "orders", 0, 61)

    orders.before_describe = meanwhile
    result = on_session(reset, to(FromStart()))
    record = on_session.session().undo.find(orders_cluster_id(orders), BILLING, result.undo_id)
    assert record.entries[0].before.offset == 61


def test_a_refused_partition_is_an_error_inside_a_successful_answer(orders: Any, on_session: Any) -> None:
    orders.refuse[at(1)] = kafka_error(29)
    result = on_session(reset, to(FromStart()))
    assert result.results[at(0)] is None
    assert result.results[at(1)].name == "TOPIC_AUTHORIZATION_FAILED"


def test_a_read_only_context_refuses(orders: Any, on_session: Any) -> None:
    on_session.mode = Mode.READ_ONLY
    with pytest.raises(RefusedError, match="read-only"):
        on_session(reset, to(FromStart()))
    assert orders.mutations == []


def test_nothing_to_do_asks_for_no_permit(orders: Any, on_session: Any) -> None:
    on_session.mode = Mode.READ_ONLY
    assert on_session(reset, to(FromCurrent()), [PartitionScope(topic=topic_name("orders"), partitions=frozenset({0}))])
    assert orders.mutations == []


def test_waiting_ends_when_the_group_is_empty_or_the_time_is_up(orders: Any, on_session: Any) -> None:
    group = orders.groups_by_id["billing"]
    group.state, group.members = "Stable", [("app-1", [])]
    with pytest.raises(RefusedError):
        on_session(wait_until_empty, BILLING, 0)
    seen: list[int] = []

    def leave(description: Any) -> None:
        seen.append(len(description.members))
        group.state, group.members = "Empty", []

    on_session(wait_until_empty, BILLING, 60_000, leave)
    assert seen == [1]
