"""A sampler, a store and a history over a cluster in memory, with a clock that is moved by hand."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from kcon.contexts.history_settings import HistorySettings
from kcon.observe.history_reader import HistoryReader
from kcon.observe.past import Past
from kcon.observe.recording import Recording, history_path
from kcon.observe.sampler import Sample, Sampler
from kcon.observe.snapshot import ClusterSnapshot
from kcon.observe.store import Store

NOW_MS = 1_795_487_700_000
TICK_MS = 10_000


class Watched:
    """Looks at the cluster and records what it sees."""

    def __init__(self, cluster: Any, folder: Path, settings: HistorySettings | None = None) -> None:
        cluster.requests_sent = Counter()
        cluster.answers.setdefault("log_dirs", {})
        self.cluster = cluster
        self.folder = folder
        self.now_ms = NOW_MS
        self.store = Store()
        self.sampler = Sampler(cluster, lambda: self.now_ms)
        self.recording = Recording(folder, settings)
        self.sample: Sample | None = None

    @property
    def path(self) -> Path:
        """Where the history is."""
        from kcon.core.ids import ClusterId
        from kcon.core.wire_text import WireText

        return history_path(self.folder, ClusterId(WireText("cluster-1")))

    async def look(self, after_ms: int = TICK_MS) -> ClusterSnapshot:
        """Look `after_ms` later, and wait until it is written."""
        self.now_ms += after_ms
        self.sample = await self.sampler.sample()
        snapshot = await self.store.add(self.sample)
        await self.recording.take(self.sample, snapshot, self.cluster)
        if self.recording._work is not None:
            await self.recording._work
        return snapshot

    def run(self, *steps: Any, ticks: int = 0) -> None:
        """Look, then do each step and look again; then look `ticks` times more; then close."""

        async def main() -> None:
            await self.look()
            for step in steps:
                step()
                await self.look()
            for _ in range(ticks):
                await self.look()
            await self.recording.close()

        asyncio.run(main())

    def past(self) -> Past:
        """Open what was written."""
        return Past(HistoryReader(self.path))
