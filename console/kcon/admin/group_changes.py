"""How is a group changed from outside, beyond its commits? Members are put out, share groups moved and forgotten."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from kcon.admin.apis import Api
from kcon.admin.calls import change, item_error
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.fan_out import fan_out
from kcon.admin.requests import WriteRequest
from kcon.admin.routes import Routes
from kcon.core.ids import GroupId, MemberId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation, Permit

_GROUP_ID_NOT_FOUND = 69
_LEFT_OUT = "the answer left it out"


class GroupChanges:
    """Changes of one group, each one request to its coordinator."""

    def __init__(self, cluster: Cluster, routes: Routes, group: GroupId, permit: Permit, deadline: Deadline) -> None:
        self._cluster = cluster
        self._routes = routes
        self._group = group
        self._permit = permit
        self._deadline = deadline

    async def remove_members(self, members: Collection[MemberId]) -> dict[MemberId, KafkaError | None]:
        """Put members out of a classic group (LeaveGroup with several members, KIP-345); None for each that is out."""
        values = {
            "group_id": self._group.raw,
            "members": [{"member_id": each.raw, "group_instance_id": None} for each in members],
        }
        request = WriteRequest(api=Api.LEAVE_GROUP, values=values, version_min=3)

        def read(told: Any) -> Mapping[MemberId, KafkaError | None]:
            return {MemberId(WireText(item.member_id)): item_error(item) for item in told.members}

        return await self._send(request, Operation.MEMBERS_REMOVE, list(members), read)

    async def alter_share_offsets(
        self, starts: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, KafkaError | None]:
        """Set where an empty share group reads from (Kafka 4.1); None for each partition that is set."""
        by_topic: dict[TopicName, list[dict[str, object]]] = {}
        for where, offset in starts.items():
            by_topic.setdefault(where.topic, []).append({"partition_index": where.partition, "start_offset": offset})
        values = {
            "group_id": self._group.raw,
            "topics": [{"topic_name": topic.raw, "partitions": parts} for topic, parts in by_topic.items()],
        }
        request = WriteRequest(api=Api.ALTER_SHARE_GROUP_OFFSETS, values=values)

        def read(told: Any) -> Mapping[TopicPartition, KafkaError | None]:
            return {
                TopicPartition(TopicName(WireText(topic.topic_name)), part.partition_index): item_error(part)
                for topic in told.responses
                for part in topic.partitions
            }

        return await self._send(request, Operation.OFFSETS_COMMIT, list(starts), read)

    async def delete_share_offsets(self, topics: Collection[TopicName]) -> dict[TopicName, KafkaError | None]:
        """Let an empty share group forget topics (Kafka 4.1); None for each that is forgotten."""
        values = {"group_id": self._group.raw, "topics": [{"topic_name": topic.raw} for topic in topics]}
        request = WriteRequest(api=Api.DELETE_SHARE_GROUP_OFFSETS, values=values)

        def read(told: Any) -> Mapping[TopicName, KafkaError | None]:
            return {TopicName(WireText(topic.topic_name)): item_error(topic) for topic in told.responses}

        return await self._send(request, Operation.OFFSETS_DELETE, list(topics), read)

    async def _send(
        self,
        request: WriteRequest,
        operation: Operation,
        items: Sequence[Any],
        read: Callable[[Any], Mapping[Any, KafkaError | None]],
    ) -> dict[Any, KafkaError | None]:
        """Send the request to the coordinator; an error of the whole answer is the error of each item."""
        results: dict[Any, KafkaError | None] = {}

        async def route(keys: Sequence[GroupId], fresh: bool) -> Mapping[GroupId, int | KafkaError]:
            if not await self._routes.has_groups(self._deadline):
                return dict.fromkeys(keys, kafka_error(_GROUP_ID_NOT_FOUND))
            return await self._routes.coordinators(keys, fresh, self._deadline)

        async def ask(broker_id: int, keys: Sequence[GroupId]) -> Mapping[GroupId, bool | KafkaError]:
            told = await change(self._cluster, request, self._permit, self._deadline, broker_id)
            whole = item_error(told)
            if whole is None:
                results.update(read(told))
            return dict.fromkeys(keys, whole or True)

        context = self._cluster.settings.context
        with self._permit.use(context=context, operation=operation, targets={self._group.raw}):
            told = await fan_out(
                [self._group],
                route=route,
                ask=ask,
                batch_max=1,
                settings=self._cluster.settings,
                deadline=self._deadline,
                mutating=True,
                needs="READ",
            )
        whole = told[self._group]
        if isinstance(whole, KafkaError):
            return dict.fromkeys(items, whole)
        return {item: results.get(item, kafka_error(-1, _LEFT_OUT)) for item in items}
