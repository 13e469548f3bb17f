"""What does the whole cluster look like, look after look? One sampler and what it remembers, for one session."""

from kcon.observe.recording import Recording
from kcon.observe.sampler import Sampler
from kcon.observe.snapshot import ClusterSnapshot
from kcon.observe.store import Store
from kcon.services.history import recording_of
from kcon.services.session import Session


class ClusterWatch:
    """Looks when it is asked to; rates compare a look with the one before. One event loop."""

    def __init__(self, session: Session, *, records: bool = False) -> None:
        """records: what is seen goes into the cluster's history, unless another process keeps it."""
        self._session = session
        self.recording: Recording | None = recording_of(session) if records else None
        self._store = Store()
        self._sampler: Sampler | None = None

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

    async def close(self) -> None:
        """Write what is in memory."""
        if self.recording is not None:
            await self.recording.close()
