"""Undo: what a reset overwrote comes back, exactly, and only on its own cluster."""

from typing import Any

import pytest

from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.core.offset_spec import FromStart
from kcon.core.snapshot import CommittedOffset
from kcon.core.wire_text import WireText
from kcon.errors import NotFoundError, RefusedError
from kcon.gate.permit import Operation
from kcon.services.group_delete import apply_group_delete, plan_group_delete
from kcon.services.groups import PartitionScope
from kcon.services.resets import ToPlace, apply_reset, plan_reset
from kcon.services.session import Session
from kcon.services.undo import UndoResult, apply_undo, list_undo_records, plan_undo

BILLING = group_id("billing")
START = ToPlace(spec=FromStart(), text="start")


def at(partition: int, topic: str = "orders") -> TopicPartition:
    return TopicPartition(topic_name(topic), partition)


async def reset(session: Session, topic: str | None = None) -> str | None:
    scopes = [] if topic is None else [PartitionScope(topic=topic_name(topic))]
    plan = await plan_reset(session, BILLING, START, scopes)
    return (await apply_reset(session, plan.confirmed("-y"))).undo_id


async def undo(session: Session, record_id: str | None = None) -> UndoResult:
    plan = await plan_undo(session, BILLING, record_id)
    return await apply_undo(session, plan.confirmed("-y"))


def commits(cluster: Any) -> dict[int, int]:
    return {where.partition: commit.offset for where, commit in cluster.groups_by_id["billing"].commits.items()}


def test_undo_restores_offset_epoch_and_metadata(orders: Any, on_session: Any) -> None:
    before = CommittedOffset(60, 7, WireText("note"))
    orders.groups_by_id["billing"].commits[at(0)] = before
    on_session(reset)
    assert commits(orders) == {0: 0, 1: 40}
    on_session(undo)
    assert commits(orders) == {0: 60, 1: 20}
    assert orders.groups_by_id["billing"].commits[at(0)] == before


def test_undo_deletes_a_commit_that_did_not_exist(orders: Any, on_session: Any) -> None:
    on_session(reset, "orders")
    assert set(commits(orders)) == {0, 1, 2}
    result = on_session(undo)
    assert commits(orders) == {0: 60, 1: 20}
    assert set(result.results) == {at(0), at(1), at(2)}
    assert (Operation.OFFSETS_DELETE, [at(2)]) in orders.mutations


def test_the_plan_says_what_happened_since(orders: Any, on_session: Any) -> None:
    """The group read 15 records after the reset: to undo must not take them away silently."""
    on_session(reset)
    orders.commit("billing", "orders", 0, 15)
    plan = on_session(plan_undo, BILLING)
    rows = {row.partition.partition: row for row in plan.rows}
    assert (rows[0].current, rows[0].restored.offset, rows[0].moved, rows[0].delta, rows[0].lag) == (15, 60, 15, 45, 40)
    assert rows[1].lost == 20


def test_undo_twice_goes_further_back(orders: Any, on_session: Any) -> None:
    on_session(reset)
    orders.commit("billing", "orders", 0, 77)
    on_session(reset)
    on_session(undo)
    assert commits(orders)[0] == 77
    on_session(undo)
    assert commits(orders)[0] == 60
    with pytest.raises(NotFoundError, match="nothing to undo"):
        on_session(undo)


def test_an_undo_is_taken_back_by_its_id(orders: Any, on_session: Any) -> None:
    on_session(reset)
    undo_id = on_session(undo).undo_id
    on_session(undo, undo_id)
    assert commits(orders) == {0: 0, 1: 40}


def test_an_active_group_is_refused(orders: Any, on_session: Any) -> None:
    on_session(reset)
    written = len(orders.mutations)
    orders.groups_by_id["billing"].state = "Stable"
    with pytest.raises(RefusedError):
        on_session(undo)
    assert len(orders.mutations) == written


def test_nothing_to_change_writes_nothing(orders: Any, on_session: Any) -> None:
    on_session(reset)
    orders.commit("billing", "orders", 0, 60)
    orders.commit("billing", "orders", 1, 20)
    written = len(orders.mutations)
    assert on_session(undo).undo_id is None
    assert len(orders.mutations) == written


def test_a_deleted_group_comes_back(orders: Any, on_session: Any) -> None:
    async def delete(session: Session) -> None:
        plan = await plan_group_delete(session, ["billing"])
        await apply_group_delete(session, type(plan)(groups=plan.groups, commits=plan.commits, confirmed_by="-y"))

    on_session(delete)
    assert "billing" not in orders.groups_by_id
    on_session(undo)
    assert commits(orders) == {0: 60, 1: 20}


def test_records_are_listed_newest_first(orders: Any, on_session: Any) -> None:
    first = on_session(reset)
    assert [record.id for record in on_session(list_undo_records)] == [first]
    assert on_session(list_undo_records, group_id("other")) == []


def test_an_unknown_id_is_not_found(orders: Any, on_session: Any) -> None:
    with pytest.raises(NotFoundError):
        on_session(undo, "20200101-000000-0000")
