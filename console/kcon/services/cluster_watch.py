"""What does the whole cluster look like, look after look? One sampler and what it remembers, for one session."""

from kcon.observe.sampler import Sampler
from kcon.observe.snapshot import ClusterSnapshot
from kcon.observe.store import Store
from kcon.services.session import Session


class ClusterWatch:
    """Looks when it is asked to; rates compare a look with the one before. One event loop."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._store = Store()
        self._sampler: Sampler | None = None

    async def look(self) -> ClusterSnapshot:
        """Ask everything once. KconError when the cluster cannot be asked."""
        if self._sampler is None:
            self._sampler = Sampler(await self._session.admin(), self._session.now_ms)
        # What the tables of ends could not tell at the look before is looked up in the log now.
        sample = await self._sampler.sample(None, self._store.lag_engine.wanted_probes())
        return await self._store.add(sample)
