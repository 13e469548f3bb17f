"""A moment of the past is judged by the rules of the present, and by what history keeps alone."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kcon.contexts.history_settings import HistorySettings
from kcon.core.broker_facts import LogDir
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.snapshot import PartitionInfo
from kcon.core.verdict import Cause, Verdict
from kcon.core.wire_text import WireText
from kcon.errors import NotFoundError
from kcon.observe.past import Past
from kcon.services.past_why import UNKNOWN_THEN, why_past_cluster, why_past_group, why_past_topic
from tests.kcon.observe.watched import Watched

ORDERS = [TopicPartition(topic_name("orders"), index) for index in range(3)]


@pytest.fixture
def watched(orders: Any, tmp_path: Path) -> Watched:
    billing = orders.groups_by_id["billing"]
    billing.state, billing.members = "Stable", [("app", ORDERS)]
    return Watched(orders, tmp_path)


def after(watched: Watched, step: Callable[[int], None], ticks: int = 10) -> int:
    """Look so often, with a step before each look; return the time of the last look."""

    async def main() -> None:
        for tick in range(ticks):
            step(tick)
            await watched.look()
        await watched.recording.close()

    asyncio.run(main())
    return watched.now_ms


def judged(watched: Watched, ask: Callable[[Past], Verdict]) -> Verdict:
    past = watched.past()
    try:
        return ask(past)
    finally:
        past.close()


def test_a_group_that_fell_behind_is_told_as_slow(watched: Watched, orders: Any) -> None:
    def step(tick: int) -> None:
        for index in range(3):
            orders.topics_by_name["orders"].bounds[index] = (0, 1_000 + tick * 1_000)
            orders.commit("billing", "orders", index, 500 + tick * 300)

    at_ms = after(watched, step)
    verdict = judged(watched, lambda past: why_past_group(past, "billing", at_ms))
    assert verdict.cause is Cause.SLOW_CONSUMER
    assert UNKNOWN_THEN in verdict.evidence


def test_a_group_that_nobody_was_in_is_told_as_dead(watched: Watched, orders: Any) -> None:
    def step(tick: int) -> None:
        orders.groups_by_id["billing"].state, orders.groups_by_id["billing"].members = "Empty", []
        for index in range(3):
            orders.topics_by_name["orders"].bounds[index] = (0, 1_000 + tick * 1_000)
            orders.commit("billing", "orders", index, 500)

    at_ms = after(watched, step)
    assert judged(watched, lambda past: why_past_group(past, "billing", at_ms)).cause is Cause.DEAD_CONSUMER


def test_one_look_tells_no_movement_and_nothing_is_guessed(watched: Watched, orders: Any) -> None:
    for index in range(3):
        orders.topics_by_name["orders"].bounds[index] = (0, 100)
        orders.commit("billing", "orders", index, 60)
    at_ms = after(watched, lambda _tick: None, ticks=1)
    verdict = judged(watched, lambda past: why_past_group(past, "billing", at_ms))
    assert verdict.cause is Cause.UNKNOWN
    assert verdict.missing_ms > 0


def test_the_past_is_judged_by_itself_and_not_by_what_came_later(watched: Watched, orders: Any) -> None:
    def step(tick: int) -> None:
        end = 1_000 + min(tick, 9) * 1_000
        for index in range(3):
            orders.topics_by_name["orders"].bounds[index] = (0, end)
            orders.commit("billing", "orders", index, end if tick > 9 else 500 + tick * 300)

    now_ms = after(watched, step, ticks=20)
    then = judged(watched, lambda past: why_past_group(past, "billing", now_ms - 100_000))
    now = judged(watched, lambda past: why_past_group(past, "billing", now_ms))
    assert then.cause is Cause.SLOW_CONSUMER
    assert now.cause.is_fine


def test_a_topic_without_a_leader_and_one_that_is_well(watched: Watched, orders: Any) -> None:
    orders.topics_by_name["clicks"].partitions = (PartitionInfo(0, -1, 0, (1,), (), ()),)
    at_ms = after(watched, lambda _tick: None, ticks=2)
    assert judged(watched, lambda past: why_past_topic(past, "clicks", at_ms)).cause is Cause.BROKER_DOWN
    assert judged(watched, lambda past: why_past_topic(past, "orders", at_ms)).cause.is_fine
    with pytest.raises(NotFoundError, match="There was no topic nothing then"):
        judged(watched, lambda past: why_past_topic(past, "nothing", at_ms))
    with pytest.raises(NotFoundError, match="There was no group nobody then"):
        judged(watched, lambda past: why_past_group(past, "nobody", at_ms))


def test_a_broker_that_was_gone_and_a_disk_that_was_full(watched: Watched, orders: Any) -> None:
    orders.answers["log_dirs"] = {1: (LogDir(WireText("/data"), None, 1_000, 20, ()),)}
    at_ms = after(watched, lambda _tick: None, ticks=2)
    verdict = judged(watched, lambda past: why_past_cluster(past, at_ms))
    assert verdict.cause is Cause.DISK_FILLING
    orders.topics_by_name["clicks"].partitions = (PartitionInfo(0, 1, 0, (1, 2), (1,), ()),)
    watched.recording = type(watched.recording)(watched.folder)
    at_ms = after(watched, lambda _tick: None, ticks=2)
    assert judged(watched, lambda past: why_past_cluster(past, at_ms)).cause is Cause.BROKER_DOWN


def test_what_was_not_kept_partition_by_partition_is_no_verdict(orders: Any, tmp_path: Path) -> None:
    """Without commits the group would seem to read nothing."""
    watched = Watched(orders, tmp_path, HistorySettings(series_max=1))
    at_ms = after(watched, lambda _tick: None, ticks=3)
    with pytest.raises(NotFoundError, match="is not kept partition by partition"):
        judged(watched, lambda past: why_past_group(past, "billing", at_ms))
