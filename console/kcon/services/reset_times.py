"""When was the record written at which a reset would start? Reads one record a partition, for the plan."""

import asyncio
from collections.abc import Sequence
from typing import Final

from kcon.core.ids import TopicPartition
from kcon.core.reset_plan import ResetRow
from kcon.errors import KconError
from kcon.records.consumer import RecordStream
from kcon.records.read_plan import Isolation, PartitionRange, ReadPlan
from kcon.services.resets import GroupResetPlan
from kcon.services.session import Session

ROWS_BY_DEFAULT: Final = 50
TIMES_TIMEOUT_S: Final = 5.0


def rows_to_date(plan: GroupResetPlan, *, every: bool) -> Sequence[ResetRow]:
    """Return the rows whose time is looked up: those with the largest deltas, or all."""
    rows = [row for row in plan.plan.rows if row.new is not None and row.lag]
    if every:
        return rows
    return sorted(rows, key=lambda row: abs(row.delta or 0), reverse=True)[:ROWS_BY_DEFAULT]


async def times_at(session: Session, rows: Sequence[ResetRow]) -> dict[TopicPartition, int]:
    """Return the time (ms) of the record at the new offset; no entry where there is none or it was not read in time."""
    ranges = tuple(
        PartitionRange(partition=row.partition, start_offset=row.new, end_offset=row.new + 1)
        for row in rows
        if row.new is not None
    )
    found: dict[TopicPartition, int] = {}
    if not ranges:
        return found
    plan = ReadPlan(ranges=ranges, isolation=Isolation.READ_UNCOMMITTED, stall_timeout_s=TIMES_TIMEOUT_S)
    try:
        async with asyncio.timeout(TIMES_TIMEOUT_S), RecordStream(session.context, plan) as stream:
            async for batch in stream:
                found |= {record.topic_partition: record.timestamp_ms for record in batch if record.timestamp_ms >= 0}
    except (TimeoutError, KconError):
        pass  # The times are a help for the reader; the plan stands without them.
    return found
