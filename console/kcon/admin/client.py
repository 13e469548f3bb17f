"""What can be asked of a Kafka cluster, and what can be changed? `Admin`: the one admin client of kcon.

    settings = AdminSettings(bootstrap=("localhost:9092",))
    async with await Admin.connect(settings) as admin:
        for topic in await admin.topics():
            print(topic.name, len(topic.partitions))

Reads never change the cluster: no topic is created by a look, and no coordinator is asked where there are no
groups. What changes something takes a `Permit` as an argument and spends it. The module of a call is loaded with its
first use, because a short command uses one or two of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kcon.admin.client_cluster import ClusterCalls
from kcon.admin.client_groups import GroupCalls
from kcon.admin.client_security import SecurityCalls
from kcon.admin.client_transactions import TransactionCalls

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from types import TracebackType

    from kcon.admin.config_entries import Edits
    from kcon.admin.groups import GroupsListed
    from kcon.admin.settings import AdminSettings
    from kcon.admin.topic_changes import NewTopic
    from kcon.core.config_entry import ConfigEntry, ConfigResource
    from kcon.core.ids import GroupId, TopicName, TopicPartition
    from kcon.core.kafka_error import KafkaError
    from kcon.core.offset_columns import OffsetColumns
    from kcon.core.offset_query import OffsetBound, OffsetQuery
    from kcon.core.snapshot import (
        ClusterInfo,
        CommittedOffset,
        GroupCommits,
        GroupDescription,
        OffsetResult,
        TopicInfo,
    )
    from kcon.core.time_lag import Probe
    from kcon.core.typed_group import ShareGroup, ShareOffset, StreamsGroup
    from kcon.core.wire_text import WireText
    from kcon.gate.permit import Permit


class Admin(ClusterCalls, GroupCalls, SecurityCalls, TransactionCalls):
    """One cluster. Use it on one event loop, as an async context manager or with `close()`."""

    @classmethod
    async def connect(cls, settings: AdminSettings) -> Admin:
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

    def certificate_expiries_ms(self) -> dict[str, int]:
        """Return by address when the certificates that brokers showed end; none without TLS. Asks nobody."""
        return self._cluster.certificate_expiries_ms()

    async def __aenter__(self) -> Admin:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def cluster(self) -> ClusterInfo:
        """Return the cluster id, the controller and the live brokers, asked now."""
        return await self._cluster.refresh(self._cluster.deadline())

    async def topics(self, names: Iterable[TopicName] | None = None) -> list[TopicInfo]:
        """Return all topics sorted by name, or the named ones in the order given; a missing one has its error."""
        from kcon.admin.topics import read_topics

        wanted = None if names is None else list(names)
        topics = await read_topics(self._cluster, wanted, self._cluster.deadline(), self._routes.known_topics)
        self._routes.remember_topics(topics)
        return topics

    # --- offsets ---------------------------------------------------------------------------------------------

    async def list_offsets(
        self, partitions: Iterable[TopicPartition], at: OffsetQuery, *, read_committed: bool = False
    ) -> dict[TopicPartition, OffsetResult]:
        """Return an offset, or an error, for every partition asked for.

        at: EARLIEST, LATEST, MAX_TIMESTAMP or Timestamp(ms); `OffsetAt.found` is False when no record is that
        late. read_committed: the end is the last stable offset.
        """
        from kcon.admin.offsets import list_offsets

        return await list_offsets(
            self._cluster,
            self._routes,
            list(partitions),
            at,
            read_committed=read_committed,
            deadline=self._cluster.deadline(),
        )

    async def list_bounds(
        self, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, tuple[OffsetResult, OffsetResult]]:
        """Return where every partition starts and ends, at less cost than two calls of `list_offsets`.

        Where one of the two cannot be read, both are the error.
        """
        from kcon.admin.offsets import list_bounds

        return await list_bounds(self._cluster, self._routes, list(partitions), self._cluster.deadline())

    async def sweep_offsets(self, topics: Sequence[TopicInfo], bound: OffsetBound) -> OffsetColumns:
        """Return where every partition of these topics starts (EARLIEST) or ends (LATEST): quick when repeated."""
        if self._sweep is None:
            from kcon.admin.offset_sweep import OffsetSweep

            self._sweep = OffsetSweep(self._cluster, self._routes)
        return await self._sweep.ask(topics, bound, self._cluster.deadline())

    async def probe_times(
        self, places: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, Probe | KafkaError | None]:
        """Return the time of the record at an offset of each partition, at the cost of one batch each.

        None where no record is at or after the offset, or none that tells its time.
        """
        from kcon.admin.probes import probe_times

        return await probe_times(self._cluster, self._routes, places, self._cluster.deadline())

    # --- groups ----------------------------------------------------------------------------------------------

    async def list_groups(self) -> GroupsListed:
        """Return the groups of every broker, with an error for each broker that did not answer."""
        from kcon.admin.groups import list_groups

        return await list_groups(self._cluster, self._routes, self._cluster.deadline())

    async def describe_groups(self, groups: Iterable[GroupId]) -> dict[GroupId, GroupDescription | KafkaError]:
        """Describe groups and their members. One that does not exist has the state Dead, as in Kafka."""
        from kcon.admin.group_descriptions import describe_groups

        return await describe_groups(self._cluster, self._routes, list(groups), self._cluster.deadline())

    async def committed_offsets(
        self, groups: Iterable[GroupId] | Mapping[GroupId, Sequence[TopicPartition] | None]
    ) -> dict[GroupId, GroupCommits | KafkaError]:
        """Return by group and partition what is committed; a partition without a commit has no entry.

        groups: ids for all their commits, or a mapping to the partitions of interest (None: all).
        """
        from kcon.admin.commits import committed_offsets

        wanted = groups if isinstance(groups, Mapping) else dict.fromkeys(groups)
        return await committed_offsets(self._cluster, self._routes, wanted, self._cluster.deadline())

    async def commit_offsets(
        self, group: GroupId, offsets: Mapping[TopicPartition, int | CommittedOffset], permit: Permit
    ) -> dict[TopicPartition, KafkaError | None]:
        """Commit from outside the group; None for each partition where it is done.

        permit: OFFSETS_COMMIT on the group. The broker refuses with UNKNOWN_MEMBER_ID while it has members.
        """
        from kcon.admin.commits import commit_offsets

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
        from kcon.admin.commits import delete_offsets

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
        from kcon.admin.groups import delete_groups

        return await delete_groups(self._cluster, self._routes, list(groups), permit, self._cluster.deadline())

    async def describe_share_groups(self, groups: Iterable[GroupId]) -> dict[GroupId, ShareGroup | KafkaError]:
        """Describe share groups and their members (Kafka 4.1)."""
        from kcon.admin.typed_groups import describe_share_groups

        return await describe_share_groups(self._cluster, self._routes, list(groups), self._cluster.deadline())

    async def share_offsets(self, groups: Iterable[GroupId]) -> dict[GroupId, tuple[ShareOffset, ...] | KafkaError]:
        """Return where share groups stand in each partition."""
        from kcon.admin.typed_groups import share_offsets

        return await share_offsets(self._cluster, self._routes, list(groups), self._cluster.deadline())

    async def describe_streams_groups(self, groups: Iterable[GroupId]) -> dict[GroupId, StreamsGroup | KafkaError]:
        """Describe streams groups: topology, members and their tasks (Kafka 4.2)."""
        from kcon.admin.typed_groups import describe_streams_groups

        return await describe_streams_groups(self._cluster, self._routes, list(groups), self._cluster.deadline())

    # --- topics and configs ----------------------------------------------------------------------------------

    async def create_topics(
        self, topics: Iterable[NewTopic], permit: Permit | None, *, validate_only: bool = False
    ) -> dict[TopicName, KafkaError | None]:
        """Create topics; None for each that is created. permit: TOPIC_CREATE, or None with validate_only."""
        from kcon.admin.topic_changes import create_topics

        new = list(topics)
        deadline = self._cluster.deadline()
        results = await create_topics(self._cluster, new, permit, validate_only=validate_only, deadline=deadline)
        self._routes.forget_topics(results)
        return results

    async def delete_topics(self, names: Iterable[TopicName], permit: Permit) -> dict[TopicName, KafkaError | None]:
        """Delete topics and their records; None for each that is gone. permit: TOPIC_DELETE."""
        from kcon.admin.topic_changes import delete_topics

        results = await delete_topics(self._cluster, list(names), permit, self._cluster.deadline())
        self._routes.forget_topics(results)
        return results

    async def add_partitions(
        self, counts: Mapping[TopicName, int], permit: Permit | None, *, validate_only: bool = False
    ) -> dict[TopicName, KafkaError | None]:
        """Grow topics to so many partitions in total; None for each that has them. permit: PARTITIONS_ADD, or None."""
        from kcon.admin.topic_changes import add_partitions

        deadline = self._cluster.deadline()
        results = await add_partitions(self._cluster, counts, permit, validate_only=validate_only, deadline=deadline)
        self._routes.forget_topics(results)
        return results

    async def delete_records(
        self, before: Mapping[TopicPartition, int], permit: Permit
    ) -> dict[TopicPartition, int | KafkaError]:
        """Delete the records before an offset (-1: all); return the new log starts. permit: RECORDS_DELETE."""
        from kcon.admin.record_deletion import delete_records

        return await delete_records(self._cluster, self._routes, before, permit, self._cluster.deadline())

    async def describe_configs(
        self, resources: Iterable[ConfigResource], names: Collection[str] | None = None
    ) -> dict[ConfigResource, dict[WireText, ConfigEntry] | KafkaError]:
        """Return the configs of each resource, by name. names: only these; None: every one."""
        from kcon.admin.config_entries import describe_configs

        return await describe_configs(self._cluster, list(resources), self._cluster.deadline(), names)

    async def alter_configs(
        self,
        changes: Mapping[ConfigResource, Edits],
        permit: Permit | None,
        *,
        validate_only: bool = False,
    ) -> dict[ConfigResource, KafkaError | None]:
        """Edit single configs (None: back to the default), leaving the others; None for each that is done.

        permit: CONFIG_ALTER on `ConfigResource.target`, or None with validate_only.
        """
        from kcon.admin.config_entries import alter_configs

        return await alter_configs(
            self._cluster, changes, permit, validate_only=validate_only, deadline=self._cluster.deadline()
        )
