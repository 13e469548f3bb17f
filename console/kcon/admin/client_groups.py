"""What can be changed of a group beyond its commits? A part of `Admin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kcon.admin.client_calls import AdminCalls

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kcon.admin.group_changes import GroupChanges
    from kcon.core.ids import GroupId, MemberId, TopicName, TopicPartition
    from kcon.core.kafka_error import KafkaError
    from kcon.gate.permit import Permit


class GroupCalls(AdminCalls):
    """Calls that change groups."""

    async def remove_members(
        self, group: GroupId, members: Collection[MemberId], permit: Permit
    ) -> dict[MemberId, KafkaError | None]:
        """Put members out of a classic group; None for each that is out. permit: MEMBERS_REMOVE on the group.

        A member that lives joins again; this is for one that does not and holds its partitions until it times out.
        """
        return await self._changes_of(group, permit).remove_members(members)

    async def alter_share_offsets(
        self, group: GroupId, starts: Mapping[TopicPartition, int], permit: Permit
    ) -> dict[TopicPartition, KafkaError | None]:
        """Set where an empty share group reads from; None for each partition. permit: OFFSETS_COMMIT (Kafka 4.1)."""
        return await self._changes_of(group, permit).alter_share_offsets(starts)

    async def delete_share_offsets(
        self, group: GroupId, topics: Collection[TopicName], permit: Permit
    ) -> dict[TopicName, KafkaError | None]:
        """Let an empty share group forget topics; None for each. permit: OFFSETS_DELETE (Kafka 4.1)."""
        return await self._changes_of(group, permit).delete_share_offsets(topics)

    def _changes_of(self, group: GroupId, permit: Permit) -> GroupChanges:
        from kcon.admin.group_changes import GroupChanges

        return GroupChanges(self._cluster, self._routes, group, permit, self._cluster.deadline())
