"""How do records get from the engine's thread into a view? One reading: where from, what it holds, how it goes.

Made by the view, run by the engine; the view looks at its attributes whenever it is told that records arrived.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from kcon.core.ids import TopicName
from kcon.core.offset_spec import FromEnd, OffsetSpec
from kcon.records.read_plan import Order
from kcon.services.records import RecordQuery, open_stream
from kcon.services.session import Session
from kcon.tui.engine import Receiver
from kcon.tui.events import RecordsArrived
from kcon.tui.record_buffer import AHEAD, RecordBuffer
from kcon.tui.record_rows import RecordTexts, decoders_of
from kcon.tui.times import TimeStyle

TAIL_RECORDS: Final = 100
"""Where a tail begins: so many records before the end."""
NOTIFY_S: Final = 0.1
"""The view hears of new records at most this often."""
HOLD_S: Final = 0.05
"""How often a stream that has to wait looks whether it may go on."""


class RecordReader:
    """One reading of a topic or a partition."""

    def __init__(
        self,
        owner: Receiver,
        topics: Sequence[TopicName],
        partition: int | None,
        start: OffsetSpec | None,
        times: TimeStyle,
    ) -> None:
        """start: None follows the newest records; from a place on, partitions and topics are merged by time."""
        self.buffer = RecordBuffer()
        self.buffer.wanted = None if start is None or isinstance(start, FromEnd) else AHEAD
        self.texts: RecordTexts | None = None
        """There before the first record is."""
        self.notes: tuple[str, ...] = ()
        """What the plan said: places that were moved into what exists."""
        self.hidden = 0
        """Offsets at the end that an open transaction hides."""
        self._owner = owner
        self._times = times
        self._told_s = 0.0
        self._will_tell = False
        self._query = RecordQuery(
            topics=tuple(topics),
            partitions=None if partition is None else frozenset({partition}),
            start=start or FromEnd(),
            last_total=TAIL_RECORDS if start is None else None,
            follow=True,
            order=Order.ARRIVAL if start is None else Order.TIME,
        )

    async def read(self, session: Session) -> None:
        """Read until it is cancelled. Engine thread."""
        self.texts = RecordTexts(await asyncio.to_thread(decoders_of, session, self._query.topics), self._times)
        async with await open_stream(session, self._query) as reading:
            self.notes = reading.planned.notes
            self.hidden = reading.planned.hidden
            self._tell()
            async for batch in reading:
                self.buffer.add(batch)
                self._tell()
                while self.buffer.is_full:  # noqa: ASYNC110 - another thread sets a plain flag.
                    await asyncio.sleep(HOLD_S)

    def _tell(self) -> None:
        """Tell the view, now or soon."""
        if self._will_tell:
            return
        loop = asyncio.get_running_loop()
        wait_s = self._told_s + NOTIFY_S - loop.time()
        if wait_s <= 0:
            self._post()
        else:
            self._will_tell = True
            loop.call_later(wait_s, self._post)

    def _post(self) -> None:
        self._will_tell = False
        self._told_s = asyncio.get_running_loop().time()
        self._owner.post_message(RecordsArrived())
