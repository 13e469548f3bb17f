"""With history, a verdict on movement needs no waiting, and says what happened; without it nothing changes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kcon.contexts.context import Context
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.verdict import Cause, Verdict
from kcon.services.group_watch import why_group
from kcon.services.history import HISTORY_FOLDER
from kcon.services.session import open_session
from kcon.services.why_history import from_history
from tests.kcon.cli.test_check import probe_like_the_log
from tests.kcon.conftest import NOW_MS
from tests.kcon.observe.watched import TICK_MS, Watched

PARTITIONS = [TopicPartition(topic_name("orders"), partition) for partition in range(3)]


@pytest.fixture
def slow(orders: Any) -> Any:
    """Return a cluster whose group reads one record where ten are written."""
    orders.answers["probe_times"] = probe_like_the_log
    orders.answers["producers"] = {}
    group = orders.groups_by_id["billing"]
    group.state, group.members = "Stable", [("app", PARTITIONS)]
    for partition in range(3):
        orders.topics_by_name["orders"].bounds[partition] = (0, 2_000)
        orders.commit("billing", "orders", partition, 500)
    return orders


def grow(cluster: Any, look: int) -> None:
    for partition in range(3):
        cluster.topics_by_name["orders"].bounds[partition] = (0, 2_000 + 100 * look)
        cluster.commit("billing", "orders", partition, 500 + 10 * look)


def why(folder: Path, **options: Any) -> tuple[Verdict, int]:
    """Return the verdict, and how often it was waited for."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def main() -> Verdict:
        context = Context(name="prod", bootstrap=("fake:9092",))
        clock = iter(range(NOW_MS, NOW_MS + 10_000_000, 1_000))
        session = open_session(context, {"KCON_STATE_DIR": str(folder)}, lambda: NOW_MS)
        async with session:
            return await why_group(
                session, "billing", sleep=sleep, clock_ms=lambda: next(clock), history=from_history, **options
            )

    return asyncio.run(main()), len(slept)


def record(cluster: Any, folder: Path) -> None:
    """Look at the cluster once in ten seconds in the minute before now."""
    watched = Watched(cluster, folder / HISTORY_FOLDER)
    watched.now_ms = NOW_MS - 7 * TICK_MS

    async def main() -> None:
        for look in range(6):
            grow(cluster, look)
            await watched.look()
        await watched.recording.close()

    asyncio.run(main())
    grow(cluster, 6)


def test_without_history_it_waits_for_movement(slow: Any, tmp_path: Path) -> None:
    _verdict, waited = why(tmp_path)
    assert waited >= 5


def test_with_history_it_tells_at_once(slow: Any, tmp_path: Path) -> None:
    record(slow, tmp_path)
    verdict, waited = why(tmp_path)
    assert (verdict.cause, waited) == (Cause.SLOW_CONSUMER, 0)


def test_who_asks_to_watch_is_not_served_from_history(slow: Any, tmp_path: Path) -> None:
    record(slow, tmp_path)
    _verdict, waited = why(tmp_path, watch_ms=3_000)
    assert waited >= 1


def test_a_group_that_was_not_stable_then_is_watched_now(slow: Any, tmp_path: Path) -> None:
    slow.groups_by_id["billing"].state = "PreparingRebalance"
    record(slow, tmp_path)
    slow.groups_by_id["billing"].state = "Stable"
    _verdict, waited = why(tmp_path)
    assert waited >= 1


def test_what_happened_in_the_last_hour_is_evidence(slow: Any, tmp_path: Path) -> None:
    group = slow.groups_by_id["billing"]
    group.members = [("app", PARTITIONS), ("other", [])]
    watched = Watched(slow, tmp_path / HISTORY_FOLDER)
    watched.now_ms = NOW_MS - 600_000

    def leave() -> None:
        group.members = [("app", PARTITIONS)]

    watched.run(leave)
    verdict, _waited = why(tmp_path)
    assert any("formed anew, members 2 > 1, left other" in line for line in verdict.evidence)
