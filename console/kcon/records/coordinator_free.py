"""How are records read where nothing may change, not even by asking for a group coordinator?

librdkafka looks a coordinator up for every consumer, and a cluster that never had a group answers by creating
`__consumer_offsets`. On such a cluster a read-only context reads through aiokafka instead, which asks nobody when
it has no group. It is slower, and knows no more than this rare case needs.
"""

import asyncio
import logging
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from kcon.contexts.context import Context
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import KconError, UnreachableError
from kcon.records.client_config import CLIENT_ID, FETCH_WAIT_MS
from kcon.records.notice import Notice
from kcon.records.read_plan import Order, ReadPlan
from kcon.records.record import NO_TIMESTAMP_MS, Record, TimestampType
from kcon.records.security_config import aiokafka_arguments
from kcon.records.time_merge import TimeMerge

if TYPE_CHECKING:
    import aiokafka

POLL_MS: Final = 200
_TIMESTAMP_TYPES: Final = {
    None: TimestampType.NOT_AVAILABLE,
    0: TimestampType.CREATE_TIME,
    1: TimestampType.LOG_APPEND_TIME,
}

# Its warnings would land on standard error, which belongs to the fronts.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())
logging.getLogger("aiokafka").propagate = False


class CoordinatorFreeStream:
    """What `RecordStream` is, for a plan without a group."""

    def __init__(self, context: Context, plan: ReadPlan, notices: deque[Notice]) -> None:
        if plan.group is not None:
            raise AssertionError("a group needs its coordinator")
        context.security.check()
        self.plan = plan
        self.notices = notices
        self._context = context
        # aiokafka's consumer has no types.
        self._consumer: Any = None
        self._ends = {part.partition: part.end_offset for part in plan.ranges if not part.is_empty}
        self._open = set(self._ends)
        """Partitions that were not read to their end."""
        self._left = plan.limit
        self._merge = TimeMerge(self._open, bytes_max=plan.buffer_bytes) if plan.order is Order.TIME else None

    async def __aenter__(self) -> "CoordinatorFreeStream":
        if not self._open:
            return self
        import aiokafka

        make: Any = aiokafka.AIOKafkaConsumer
        self._consumer = consumer = make(
            bootstrap_servers=list(self._context.bootstrap),
            client_id=CLIENT_ID,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level=self.plan.isolation.value,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            **await asyncio.to_thread(aiokafka_arguments, self._context),
        )
        try:
            async with asyncio.timeout(self.plan.stall_timeout_s):
                await consumer.start()
        except (aiokafka.errors.KafkaError, TimeoutError) as error:
            await consumer.stop()
            raise UnreachableError(f"Reading failed: {display_safe(str(error)) or 'no answer in time'}.") from error
        consumer.assign([_theirs(part) for part in self._open])
        for part in self.plan.ranges:
            if not part.is_empty:
                consumer.seek(_theirs(part.partition), part.start_offset)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        if self._consumer is not None:
            await self._consumer.stop()

    def __aiter__(self) -> "CoordinatorFreeStream":
        return self

    async def __anext__(self) -> list[Record]:
        """Return the next batch, never an empty one."""
        silent_s = 0.0
        while self._left != 0:
            records = self._merge.pop_settled() if self._merge is not None else []
            if not records:
                if not self._open:
                    break
                fetched = await self._fetched()
                await self._close_ended()
                silent_s = 0.0 if fetched else silent_s + POLL_MS / 1_000
                if self.plan.is_bounded and silent_s >= self.plan.stall_timeout_s:
                    raise UnreachableError(f"Reading stalled: nothing came for {silent_s:.0f} s.")
                if self._merge is None:
                    records = fetched
            if records:
                if self._left is not None:
                    records = records[: self._left]
                    self._left -= len(records)
                return records
        raise StopAsyncIteration

    async def _fetched(self) -> list[Record]:
        import aiokafka

        try:
            fetched = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=self.plan.batch_records_max)
        except aiokafka.errors.KafkaError as error:
            raise KconError(f"Reading failed: {display_safe(str(error))}.") from error
        except UnicodeDecodeError as error:
            raise KconError("A header's name is not UTF-8; the records behind it cannot be read here.") from error
        records: list[Record] = []
        for theirs, messages in fetched.items():
            part = TopicPartition(topic_name(theirs.topic), theirs.partition)
            end_offset = self._ends[part]
            for message in messages:
                if end_offset is None or message.offset < end_offset:
                    records.append(_record(part, message))
                    if self._merge is not None:
                        self._merge.push(records[-1])
        return records

    async def _close_ended(self) -> None:
        """Stop reading partitions at their end; let the merge go on without those that have caught up."""
        consumer = self._consumer
        for part in sorted(self._open):
            theirs = _theirs(part)
            position = await consumer.position(theirs)
            end_offset = self._ends[part]
            if end_offset is not None and position >= end_offset:
                self._open.discard(part)
                consumer.pause(theirs)
            elif end_offset is not None or position < (consumer.highwater(theirs) or 0):
                continue
            if self._merge is not None:
                self._merge.release(part)


def _theirs(part: TopicPartition) -> "aiokafka.TopicPartition":
    import aiokafka

    return aiokafka.TopicPartition(part.topic.raw, part.partition)


def _record(part: TopicPartition, message: Any) -> Record:
    return Record(
        part.topic,
        part.partition,
        message.offset,
        NO_TIMESTAMP_MS if message.timestamp is None else message.timestamp,
        _TIMESTAMP_TYPES[message.timestamp_type],
        message.key,
        message.value,
        tuple((WireText(name), value) for name, value in message.headers),
    )
