"""How are records read? One librdkafka consumer on one worker thread, handing batches to one event loop.

The consumer is given absolute positions (`ReadPlan`) and assigned to them; it subscribes only when the plan names
a group, which wants a permit. Fetching stops while the reader is behind by `ReadPlan.buffer_bytes`.
"""

import asyncio
from collections import deque
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Final

from kcon.contexts.context import Context
from kcon.gate.permit import Operation, Permit
from kcon.records.byte_queue import ByteQueue
from kcon.records.notice import Notice
from kcon.records.read_plan import ReadPlan
from kcon.records.record import Record

if TYPE_CHECKING:
    from kcon.records.consumer_thread import ConsumerThread

NOTICES_MAX: Final = 100
CLOSE_TIMEOUT_S: Final = 10.0


class RecordStream:
    """An asynchronous iterator over batches of records; also an asynchronous context manager.

    With a group, asking for the next batch acknowledges the one before: what was handed out and not yet
    followed by another request is read again by whoever comes next.
    """

    def __init__(
        self,
        context: Context,
        plan: ReadPlan,
        permit: Permit | None = None,
        notices: deque[Notice] | None = None,
    ) -> None:
        self.plan = plan
        self.notices: deque[Notice] = deque(maxlen=NOTICES_MAX) if notices is None else notices
        """What happened along the way, oldest first; a reader may take them out."""
        self.records_read = 0
        self._context = context
        self._permit = permit
        self._held = ExitStack()
        self._queue: ByteQueue[list[Record]] | None = None
        self._worker: ConsumerThread | None = None
        self._handed_out: list[Record] = []

    async def __aenter__(self) -> "RecordStream":
        if self.plan.group is not None:
            if self._permit is None:
                raise AssertionError("joining a group wants a permit")
            self._held.enter_context(
                self._permit.use(
                    context=self._context.name,
                    operation=Operation.GROUP_CONSUME,
                    targets=[self.plan.group.raw],
                )
            )
        self._queue = ByteQueue(self.plan.buffer_bytes)
        if all(part.is_empty for part in self.plan.ranges) and self.plan.group is None:
            self._queue.end()
            return self
        from kcon.records.consumer_thread import ConsumerThread

        self._worker = ConsumerThread(self._context, self.plan, self._queue, self.notices)
        self._worker.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the consumer and wait until it is closed; with a group, what was acknowledged is committed."""
        if self._queue is not None:
            self._queue.close()
        if self._worker is not None:
            self._worker.stop()
            await asyncio.to_thread(self._worker.join, CLOSE_TIMEOUT_S)
        self._held.close()

    def __aiter__(self) -> "RecordStream":
        return self

    async def __anext__(self) -> list[Record]:
        """Return the next batch, never an empty one. KconError when reading cannot go on."""
        if self._queue is None:
            raise AssertionError("enter the stream first")
        if self.plan.group is not None and self._worker is not None:
            self._worker.acknowledge(self._handed_out)
        batch = await self._queue.get()
        if batch is None:
            self._handed_out = []
            raise StopAsyncIteration
        self.records_read += len(batch)
        self._handed_out = batch
        return batch
