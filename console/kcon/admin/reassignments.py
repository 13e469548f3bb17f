"""Which replicas move where? List- and AlterPartitionReassignments, at the controller."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from kcon.admin.apis import Api
from kcon.admin.calls import ask_whole, change, item_error, none_when_done, on_controller
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.requests import ReadRequest, WriteRequest
from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import NO_BROKER
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation, Permit


class Reassignment(NamedTuple):
    """One partition on the move."""

    replicas: tuple[int, ...]
    """All of them now, the leaving ones too."""
    adding: tuple[int, ...]
    removing: tuple[int, ...]

    @property
    def target(self) -> tuple[int, ...]:
        """The replicas when it is done."""
        return tuple(broker for broker in self.replicas if broker not in self.removing)


async def list_reassignments(
    cluster: Cluster, partitions: Collection[TopicPartition] | None, deadline: Deadline
) -> dict[TopicPartition, Reassignment]:
    """Return what is on the move (partitions None: everywhere), sorted."""
    topics: list[dict[str, object]] | None = None
    if partitions is not None:
        by_topic: dict[TopicName, list[int]] = {}
        for topic, partition in partitions:
            by_topic.setdefault(topic, []).append(partition)
        topics = [{"name": topic.raw, "partition_indexes": parts} for topic, parts in by_topic.items()]
    request = ReadRequest(api=Api.LIST_PARTITION_REASSIGNMENTS, values={"topics": topics})
    told = await ask_whole(cluster, request, deadline, controller=True)
    found = {
        TopicPartition(TopicName(WireText(topic.name)), part.partition_index): Reassignment(
            part.replicas, part.adding_replicas, part.removing_replicas
        )
        for topic in told.topics
        for part in topic.partitions
    }
    return dict(sorted(found.items(), key=lambda item: (item[0].topic.raw, item[0].partition)))


async def alter_reassignments(
    cluster: Cluster, targets: Mapping[TopicPartition, Sequence[int] | None], permit: Permit, deadline: Deadline
) -> dict[TopicPartition, KafkaError | None]:
    """Move partitions to these replicas, the preferred leader first; None cancels a move. None: begun."""

    async def ask(broker_id: int, keys: Sequence[TopicPartition]) -> Mapping[TopicPartition, bool | KafkaError]:
        by_topic: dict[TopicName, list[dict[str, object]]] = {}
        for key in keys:
            replicas = targets[key]
            moved = None if replicas is None else list(replicas)
            part: dict[str, object] = {"partition_index": key.partition, "replicas": moved}
            by_topic.setdefault(key.topic, []).append(part)
        values = {
            "topics": [{"name": topic.raw, "partitions": parts} for topic, parts in by_topic.items()],
            "timeout": int(deadline.left_ms(cluster.settings.request_timeout_ms)),
        }
        request = WriteRequest(api=Api.ALTER_PARTITION_REASSIGNMENTS, values=values)
        told = await change(cluster, request, permit, deadline, None if broker_id == NO_BROKER else broker_id)
        whole = item_error(told)
        if whole is not None:
            return dict.fromkeys(keys, whole)
        return {
            TopicPartition(TopicName(WireText(topic.name)), part.partition_index): item_error(part) or True
            for topic in told.responses
            for part in topic.partitions
        }

    names = {where.topic.raw for where in targets}
    with permit.use(context=cluster.settings.context, operation=Operation.REASSIGN, targets=names):
        return none_when_done(await on_controller(cluster, list(targets), ask, deadline, batch_max=1_000))
