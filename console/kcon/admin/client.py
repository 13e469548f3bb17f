"""What can be asked of a Kafka cluster, and what can be changed? `Admin`: the one admin client of kcon.

Reads never change the cluster: no topic is created by a look, and no coordinator is asked where there are no
groups. What changes something takes a `Permit` as an argument and spends it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import TracebackType

from kcon.admin.cluster import Cluster
from kcon.admin.commits import commit_offsets, committed_offsets, delete_offsets
from kcon.admin.config_entries import alter_configs, describe_configs
from kcon.admin.fan_out import as_item_error
from kcon.admin.group_descriptions import describe_groups
from kcon.admin.groups import GroupsListed, delete_groups, list_groups
from kcon.admin.offsets import list_offsets
from kcon.admin.routes import Routes
from kcon.admin.settings import AdminSettings
from kcon.admin.topic_changes import NewTopic, create_topics, delete_topics
from kcon.admin.topics import read_topics
from kcon.core.config_entry import ConfigEntry, ConfigResource
from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import OffsetQuery
from kcon.core.snapshot import (
    ClusterInfo,
    CommittedOffset,
    GroupCommits,
    GroupDescription,
    OffsetResult,
    TopicInfo,
)
from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.gate.permit import Permit


class Admin:
    """One cluster. Use it on one event loop, as an async context manager or with `close()`."""

    def __init__(self, settings: AdminSettings) -> None:
        self.settings = settings
        self._cluster = Cluster(settings)
        self._routes = Routes(self._cluster)

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
        topics = await read_topics(self._cluster, wanted, self._cluster.deadline())
        self._routes.remember_topics(topics)
        return topics

    async def api_versions(self) -> dict[int, Mapping[int, tuple[int, int]] | KafkaError]:
        """Return by broker id the version range of each API key, or why the broker did not answer."""
        deadline = self._cluster.deadline()
        info = await self._cluster.refresh(deadline)
        told: dict[int, Mapping[int, tuple[int, int]] | KafkaError] = {}
        for broker in info.brokers:
            try:
                told[broker.id] = (await self._cluster.versions(deadline, broker.id)).ranges
            except KconError as error:
                told[broker.id] = as_item_error(error)
        return told

    # --- offsets ---------------------------------------------------------------------------------------------

    async def list_offsets(
        self, partitions: Iterable[TopicPartition], at: OffsetQuery, *, read_committed: bool = False
    ) -> dict[TopicPartition, OffsetResult]:
        """Return an offset, or an error, for every partition asked for.

        at: EARLIEST, LATEST, MAX_TIMESTAMP or Timestamp(ms); `OffsetAt.found` is False when no record is that
        late. read_committed: the end is the last stable offset.
        """
        return await list_offsets(
            self._cluster,
            self._routes,
            list(partitions),
            at,
            read_committed=read_committed,
            deadline=self._cluster.deadline(),
        )

    # --- groups ----------------------------------------------------------------------------------------------

    async def list_groups(self) -> GroupsListed:
        """Return the groups of every broker, with an error for each broker that did not answer."""
        return await list_groups(self._cluster, self._routes, self._cluster.deadline())

    async def describe_groups(self, groups: Iterable[GroupId]) -> dict[GroupId, GroupDescription | KafkaError]:
        """Describe groups and their members. One that does not exist has the state Dead, as in Kafka."""
        return await describe_groups(self._cluster, self._routes, list(groups), self._cluster.deadline())

    async def committed_offsets(
        self, groups: Iterable[GroupId] | Mapping[GroupId, Sequence[TopicPartition] | None]
    ) -> dict[GroupId, GroupCommits | KafkaError]:
        """Return by group and partition what is committed; a partition without a commit has no entry.

        groups: ids for all their commits, or a mapping to the partitions of interest (None: all).
        """
        wanted = groups if isinstance(groups, Mapping) else dict.fromkeys(groups)
        return await committed_offsets(self._cluster, self._routes, wanted, self._cluster.deadline())

    async def commit_offsets(
        self, group: GroupId, offsets: Mapping[TopicPartition, int | CommittedOffset], permit: Permit
    ) -> dict[TopicPartition, KafkaError | None]:
        """Commit from outside the group; None for each partition where it is done.

        permit: OFFSETS_COMMIT on the group. The broker refuses with UNKNOWN_MEMBER_ID while it has members.
        """
        return await commit_offsets(
            self._cluster,
            self._routes,
            group=group,
            offsets=offsets,
            permit=permit,
            deadline=self._cluster.deadline(),
        )

    async def delete_offsets(
        self, group: GroupId, partitions: Collection[TopicPartition], permit: Permit
    ) -> dict[TopicPartition, KafkaError | None]:
        """Remove commits of a group; None for each partition where it is done. permit: OFFSETS_DELETE."""
        return await delete_offsets(
            self._cluster,
            self._routes,
            group=group,
            partitions=partitions,
            permit=permit,
            deadline=self._cluster.deadline(),
        )

    async def delete_groups(self, groups: Iterable[GroupId], permit: Permit) -> dict[GroupId, KafkaError | None]:
        """Delete groups and their commits; None for each that is gone. permit: GROUP_DELETE."""
        return await delete_groups(self._cluster, self._routes, list(groups), permit, self._cluster.deadline())

    # --- topics and configs ----------------------------------------------------------------------------------

    async def create_topics(
        self, topics: Iterable[NewTopic], permit: Permit | None, *, validate_only: bool = False
    ) -> dict[TopicName, KafkaError | None]:
        """Create topics; None for each that is created. permit: TOPIC_CREATE, or None with validate_only."""
        new = list(topics)
        deadline = self._cluster.deadline()
        results = await create_topics(self._cluster, new, permit, validate_only=validate_only, deadline=deadline)
        self._routes.forget_topics(results)
        return results

    async def delete_topics(self, names: Iterable[TopicName], permit: Permit) -> dict[TopicName, KafkaError | None]:
        """Delete topics and their records; None for each that is gone. permit: TOPIC_DELETE."""
        results = await delete_topics(self._cluster, list(names), permit, self._cluster.deadline())
        self._routes.forget_topics(results)
        return results

    async def describe_configs(
        self, resources: Iterable[ConfigResource]
    ) -> dict[ConfigResource, dict[WireText, ConfigEntry] | KafkaError]:
        """Return every config of each resource, by name."""
        return await describe_configs(self._cluster, list(resources), self._cluster.deadline())

    async def alter_configs(
        self,
        changes: Mapping[ConfigResource, Mapping[str, str | None]],
        permit: Permit | None,
        *,
        validate_only: bool = False,
    ) -> dict[ConfigResource, KafkaError | None]:
        """Set single configs (None: back to the default), leaving the others; None for each that is done.

        permit: CONFIG_ALTER on `ConfigResource.target`, or None with validate_only.
        """
        return await alter_configs(
            self._cluster, changes, permit, validate_only=validate_only, deadline=self._cluster.deadline()
        )
