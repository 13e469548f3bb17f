"""What can be asked of a Kafka cluster, and what can be changed? `Admin`: the one admin client of kcon.

Reads never change the cluster: no topic is created by a look, and no coordinator is asked where there are no
groups. What changes something takes a `Permit` as an argument and spends it.
"""

from collections import Counter
from collections.abc import Iterable
from types import TracebackType

from kcon.admin.cluster import Cluster
from kcon.admin.groups import GroupsListed, list_groups
from kcon.admin.settings import AdminSettings
from kcon.admin.topics import read_topics
from kcon.core.ids import TopicName
from kcon.core.snapshot import ClusterInfo, TopicInfo


class Admin:
    """One cluster. Use it on one event loop, as an async context manager or with `close()`."""

    def __init__(self, settings: AdminSettings) -> None:
        self.settings = settings
        self._cluster = Cluster(settings)

    @classmethod
    async def connect(cls, settings: AdminSettings) -> "Admin":
        """Connect to the first bootstrap address that answers. UnreachableError says why none does."""
        admin = cls(settings)
        try:
            await admin._cluster.refresh(admin._cluster.deadline())
        except BaseException:
            await admin.close()
            raise
        return admin

    async def close(self) -> None:
        """Close every connection."""
        self._cluster.close()

    async def __aenter__(self) -> "Admin":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def requests_sent(self) -> "Counter[str]":
        """Requests sent so far, by Kafka's name of the API."""
        return self._cluster.requests_sent

    async def cluster(self) -> ClusterInfo:
        """Return the cluster id, the controller and the live brokers, asked now."""
        return await self._cluster.refresh(self._cluster.deadline())

    async def topics(self, names: Iterable[TopicName] | None = None) -> list[TopicInfo]:
        """Return all topics sorted by name, or the named ones in the order given; a missing one has its error."""
        wanted = None if names is None else list(names)
        return await read_topics(self._cluster, wanted, self._cluster.deadline())

    async def list_groups(self) -> GroupsListed:
        """Return the groups of every broker, with an error for each broker that did not answer."""
        return await list_groups(self._cluster, self._cluster.deadline())
