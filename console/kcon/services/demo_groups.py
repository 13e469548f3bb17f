"""Who consumes in the demo? Three groups that behave as groups do: one keeps up, one is slow, one has stopped."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Final

from kcon.core.ids import GroupId, TopicName, TopicPartition, group_id, topic_name
from kcon.core.offset_query import LATEST
from kcon.core.snapshot import OffsetAt
from kcon.errors import KconError
from kcon.gate.permit import Operation
from kcon.records.consumer import RecordStream
from kcon.records.read_plan import ReadPlan
from kcon.services.demo_feed import TOPICS
from kcon.services.records import GroupConsumePlan
from kcon.services.session import Session

CONFIRMED_BY: Final = "kcon demo"
SLOW_RECORDS_PER_S: Final = 45.0
"""About half of what the flights bring."""
SLOW_BATCH_RECORDS: Final = 15
STOPPED_AFTER_S: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoGroup:
    """One group of the demo."""

    group: GroupId
    behaviour: str
    topics: tuple[TopicName, ...]
    records_per_s: float | None = None
    """None: as fast as it can."""
    starts_at_end: bool = False
    """It begins where the past ends."""
    stops_after_s: float | None = None


GROUPS: Final = (
    DemoGroup(
        group=group_id("departures-board"),
        behaviour="keeps up",
        topics=(topic_name("flights"), topic_name("weather")),
    ),
    DemoGroup(
        group=group_id("delay-analysis"),
        behaviour="slow",
        topics=(topic_name("flights"),),
        records_per_s=SLOW_RECORDS_PER_S,
        starts_at_end=True,
    ),
    DemoGroup(
        group=group_id("weather-archive"),
        behaviour="stopped",
        topics=(topic_name("flights"), topic_name("weather")),
        stops_after_s=STOPPED_AFTER_S,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitPlan:
    """What the gate is asked before a group's start is committed."""

    group: GroupId
    confirmed_by: str = CONFIRMED_BY

    @property
    def operation(self) -> Operation:
        """The kind of mutation."""
        return Operation.OFFSETS_COMMIT

    @property
    def targets(self) -> frozenset[str]:
        """The group's raw id."""
        return frozenset({self.group.raw})


class GroupRunner:
    """Runs one group until it is cancelled."""

    def __init__(self, session: Session, group: DemoGroup) -> None:
        self.group = group
        self.records_read = 0
        self.error: KconError | None = None
        self._session = session
        self._changed = asyncio.Event()

    async def has_read(self, count: int) -> None:
        """Wait until so many records were read, or the group failed."""
        while self.records_read < count and self.error is None:
            self._changed.clear()
            await self._changed.wait()

    async def run(self, past_is_written: threading.Event) -> None:
        """Consume and commit. A failure is kept in `error`: the demo goes on without this group."""
        try:
            if self.group.starts_at_end:
                await asyncio.to_thread(past_is_written.wait)
                await self._start_at_end()
            if self.group.stops_after_s is None:
                await self._consume()
            else:
                try:
                    await asyncio.wait_for(self._consume(), self.group.stops_after_s)
                except TimeoutError:
                    return
        except KconError as error:
            self.error = error
            self._changed.set()

    async def _start_at_end(self) -> None:
        admin = await self._session.admin()
        group = self.group.group
        if (await admin.committed_offsets([group])).get(group):
            return
        partitions = [TopicPartition(topic, index) for topic in self.group.topics for index in range(TOPICS[topic.raw])]
        ends = await admin.list_offsets(partitions, LATEST)
        offsets = {part: end.offset for part, end in ends.items() if isinstance(end, OffsetAt)}
        permit = await self._session.authorise(CommitPlan(group=group))
        await admin.commit_offsets(group, offsets, permit)

    async def _consume(self) -> None:
        group = self.group
        permit = await self._session.authorise(GroupConsumePlan(group=group.group, confirmed_by=CONFIRMED_BY))
        plan = ReadPlan(group=group.group, topics=group.topics)
        if group.records_per_s is not None:
            # A slow reader with a small buffer, so that its commits show where it really is.
            plan = ReadPlan(
                group=group.group,
                topics=group.topics,
                batch_records_max=SLOW_BATCH_RECORDS,
                buffer_bytes=1,
            )
        async with RecordStream(self._session.context, plan, permit) as stream:
            async for batch in stream:
                self.records_read += len(batch)
                self._changed.set()
                if group.records_per_s is not None:
                    await asyncio.sleep(len(batch) / group.records_per_s)
