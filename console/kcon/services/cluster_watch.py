"""What does the whole cluster look like, look after look? One sampler and what it remembers, for one session."""

import asyncio
from collections.abc import Sequence

from kcon.errors import KconError
from kcon.observe.history_keys import SeriesKey
from kcon.observe.past import HOUR_MS, Past, bucket_means
from kcon.observe.recording import Recording
from kcon.observe.sampler import Sampler
from kcon.observe.snapshot import ClusterSnapshot
from kcon.observe.store import Store
from kcon.services.history import open_past, recording_of
from kcon.services.session import Session


class ClusterWatch:
    """Looks when it is asked to; rates compare a look with the one before. One event loop."""

    def __init__(self, session: Session, *, records: bool = False) -> None:
        """records: what is seen goes into the cluster's history, unless another process keeps it."""
        self._session = session
        self.recording: Recording | None = recording_of(session) if records else None
        self._store = Store()
        self._sampler: Sampler | None = None
        self._past: Past | None = None

    async def look(self) -> ClusterSnapshot:
        """Ask everything once. KconError when the cluster cannot be asked."""
        admin = await self._session.admin()
        if self._sampler is None:
            self._sampler = Sampler(admin, self._session.now_ms)
        # What the tables of ends could not tell at the look before is looked up in the log now.
        sample = await self._sampler.sample(None, self._store.lag_engine.wanted_probes())
        snapshot = await self._store.add(sample)
        if self.recording is not None:
            await self.recording.take(sample, snapshot, admin)
        return snapshot

    async def trends(self, keys: Sequence[SeriesKey], now_ms: int, count: int) -> dict[SeriesKey, tuple[float, ...]]:
        """Return the last hour of series as `count` means each, from history; {} where there is none."""
        try:
            if self._past is None:
                self._past = await open_past(self._session)
            return await asyncio.to_thread(_trends, self._past, keys, now_ms, count)
        except KconError:
            return {}

    async def close(self) -> None:
        """Write what is in memory."""
        if self.recording is not None:
            await self.recording.close()
        if self._past is not None:
            self._past.close()
            self._past = None


def _trends(past: Past, keys: Sequence[SeriesKey], now_ms: int, count: int) -> dict[SeriesKey, tuple[float, ...]]:
    found = {}
    for key in keys:
        series = past.reader.series(key, now_ms - HOUR_MS, now_ms + 1)
        if len(series):
            found[key] = bucket_means(series, now_ms, HOUR_MS, count)
    return found
