"""How does a search run beside the views? A job on the engine that holds its matches and its coverage.

Made by a view and kept by the console: leaving the view neither ends nor forgets it. Stopped, it goes on where its
coverage ends. The engine's thread writes, the screen's thread reads.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from kcon.core.ids import TopicName
from kcon.core.offset_spec import OffsetSpec
from kcon.services.record_filter import RecordFilter, compile_record_filter
from kcon.services.records import START, RecordQuery
from kcon.services.search import PartitionCoverage, Search, SearchPlan, plan_search, resumed_plan
from kcon.services.session import Session
from kcon.tui.record_buffer import RecordBuffer
from kcon.tui.record_rows import RecordTexts, decoders_of
from kcon.tui.times import TimeStyle

MATCHES_MAX: Final = 10_000
"""Matches that are kept; with more the search stops, and goes on when it is asked to."""
COVERAGE_S: Final = 0.1
"""How often what was searched is told."""


class SearchState(Enum):
    """Where a search is."""

    READY = "ready"
    RUNNING = "searching"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class SearchKey:
    """What is searched; the same search is opened again, not begun anew."""

    topics: tuple[TopicName, ...]
    where: str
    start: str
    partitions: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much was looked at."""

    searched: int = 0
    whole: int = 0
    lost: int = 0
    """Deleted by retention before they could be read; not among the searched."""
    partitions: Sequence[PartitionCoverage] = ()

    @property
    def share(self) -> float:
        """Return the part that was looked at, 0 to 1."""
        return self.searched / self.whole if self.whole else 1.0


class SearchJob:
    """One search."""

    def __init__(self, key: SearchKey, start: OffsetSpec | None, times: TimeStyle, now_ms: int) -> None:
        """UsageError when the expression is off; KconError when its engine is not installed."""
        self.key = key
        self.filter: RecordFilter = compile_record_filter(key.where, now_ms)
        self.buffer = RecordBuffer(records_max=MATCHES_MAX + 1)
        self.state = SearchState.READY
        self.coverage = Coverage()
        self.bytes_read = 0
        self.texts: RecordTexts | None = None
        self.is_full = False
        """It stopped because there are so many matches."""
        self.took_s = 0.0
        self._times = times
        self._query = RecordQuery(topics=key.topics, partitions=key.partitions, start=start or START)
        self._wants_stop = False

    def stop(self) -> None:
        """Stop at the next batch. Any thread."""
        self._wants_stop = True

    async def run(self, session: Session) -> None:
        """Search, or go on, until the end, a stop, or too many matches. Engine thread."""
        self._wants_stop, self.is_full, self.state = False, False, SearchState.RUNNING
        if self.texts is None:
            self.texts = RecordTexts(await asyncio.to_thread(decoders_of, session, self.key.topics), self._times)
        plan = await self._plan(session)
        loop = asyncio.get_running_loop()
        began_s, told_s, before_s, bytes_before = loop.time(), 0.0, self.took_s, self.bytes_read
        room = self.filter.matched + MATCHES_MAX
        try:
            async with Search(session, plan, self.filter) as search:
                try:
                    async for batch in search:
                        if batch:
                            self.buffer.add(batch)
                        self.bytes_read = bytes_before + search.bytes_read
                        self.is_full = self.filter.matched >= room
                        if loop.time() - told_s >= COVERAGE_S:
                            told_s = loop.time()
                            self.took_s = before_s + told_s - began_s
                            self.coverage = _sum_up(search.coverage())
                        if self._wants_stop or self.is_full:
                            self.state = SearchState.STOPPED
                            return
                    self.state = SearchState.DONE
                finally:
                    self.coverage = _sum_up(search.coverage())
                    self.took_s = before_s + loop.time() - began_s
        finally:
            if self.state is SearchState.RUNNING:
                self.state = SearchState.STOPPED

    async def _plan(self, session: Session) -> SearchPlan:
        if self.coverage.partitions:
            return resumed_plan(self._query, self.coverage.partitions)
        plan = await plan_search(session, self._query)
        self.coverage = _sum_up(plan.coverage)
        return plan


def _sum_up(partitions: Sequence[PartitionCoverage]) -> Coverage:
    return Coverage(
        searched=sum(each.searched for each in partitions),
        lost=sum(each.lost for each in partitions),
        whole=sum(max(0, each.end_offset - each.start_offset) for each in partitions),
        partitions=tuple(partitions),
    )
