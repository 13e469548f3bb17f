"""What a search says of how far it looked, on both clusters."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kcon.core.ids import TopicPartition
from kcon.gate.permit import Operation
from kcon.services.record_filter import compile_record_filter
from kcon.services.records import RecordQuery
from kcon.services.search import PartitionCoverage, Search, SearchPlan, plan_search, resumed_plan
from kcon.services.search_state import SearchState, load_search, save_search
from kcon.services.session import Session
from tests.kcon.services.test_records import create, numbered, write

SessionOn = Callable[..., Session]


class Purge:
    """What the gate is asked."""

    operation = Operation.RECORDS_DELETE
    confirmed_by = "-y"

    def __init__(self, part: TopicPartition) -> None:
        self.targets = frozenset({part.topic.raw})


async def delete_before(session: Session, part: TopicPartition, offset: int) -> None:
    admin = await session.admin()
    await admin.delete_records({part: offset}, await session.authorise(Purge(part)))


async def searched(session: Session, plan: SearchPlan) -> tuple[int, PartitionCoverage]:
    """Search to the end; return how many records were looked at, and the coverage."""
    where = compile_record_filter("offset >= 0", session.now_ms())
    async with Search(session, plan, where) as search:
        async for _batch in search:
            pass
        (coverage,) = search.coverage()
    return where.seen, coverage


@pytest.mark.parametrize(("before", "lost"), [(0, 0), (8, 8), (20, 20), (25, 20)])
def test_what_retention_deleted_before_it_was_read_was_not_searched(
    cluster: Any, session_on: SessionOn, unique: Callable[[str], str], before: int, lost: int
) -> None:
    """The search covers 20 offsets; retention may delete beyond its end."""

    async def work() -> None:
        async with session_on(cluster) as session:
            topic = await create(session, unique("searched"))
            await write(session, topic, *numbered(20))
            plan = await plan_search(session, RecordQuery(topics=(topic,)))
            part = TopicPartition(topic, 0)
            await write(session, topic, *numbered(10))
            if before:
                await delete_before(session, part, before)
            seen, coverage = await searched(session, plan)
            assert (seen, coverage.searched, coverage.lost) == (20 - lost, 20 - lost, lost)
            assert coverage.is_complete

    asyncio.run(work())


def test_what_was_lost_stays_lost_when_a_search_goes_on(tmp_path: Any) -> None:
    from kcon.core.ids import topic_name

    part = TopicPartition(topic_name("orders"), 0)
    coverage = PartitionCoverage(partition=part, start_offset=0, next_offset=10, end_offset=20, lost=4)
    assert coverage.searched == 6
    name = save_search(
        tmp_path, SearchState(where="true", isolation="read_committed", cluster_id=None, coverage=[coverage])
    )
    loaded = load_search(tmp_path, name, None)
    assert list(loaded.coverage) == [coverage]
    (ahead,) = resumed_plan(RecordQuery(topics=(part.topic,)), loaded.coverage).planned.plan.ranges
    assert (ahead.start_offset, ahead.end_offset) == (10, 20)
