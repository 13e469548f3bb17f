"""How does a replica move to another disk of its broker? AlterReplicaLogDirs, at the broker itself (KIP-113)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kcon.admin.apis import Api
from kcon.admin.calls import change, item_error
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.fan_out import fan_out
from kcon.admin.requests import WriteRequest
from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation, Permit


class Replica(NamedTuple):
    """One replica of one partition."""

    broker_id: int
    partition: TopicPartition


async def move_replicas(
    cluster: Cluster, targets: Mapping[Replica, str], permit: Permit, deadline: Deadline
) -> dict[Replica, KafkaError | None]:
    """Begin to move replicas to log dirs of their brokers, by absolute path; None for each that is on its way."""

    async def route(keys: Sequence[Replica], fresh: bool) -> Mapping[Replica, int | KafkaError]:
        if fresh:
            await cluster.refresh(deadline)
        return {key: key.broker_id for key in keys}

    async def ask(broker_id: int, keys: Sequence[Replica]) -> Mapping[Replica, bool | KafkaError]:
        by_path: dict[str, dict[TopicName, list[int]]] = {}
        for key in keys:
            topics = by_path.setdefault(targets[key], {})
            topics.setdefault(key.partition.topic, []).append(key.partition.partition)
        dirs = [
            {"path": path, "topics": [{"name": topic.raw, "partitions": parts} for topic, parts in topics.items()]}
            for path, topics in by_path.items()
        ]
        request = WriteRequest(api=Api.ALTER_REPLICA_LOG_DIRS, values={"dirs": dirs})
        told = await change(cluster, request, permit, deadline, broker_id)
        return {
            Replica(broker_id, TopicPartition(TopicName(WireText(topic.topic_name)), part.partition_index)): item_error(
                part
            )
            or True
            for topic in told.results
            for part in topic.partitions
        }

    names = {replica.partition.topic.raw for replica in targets}
    with permit.use(context=cluster.settings.context, operation=Operation.REPLICAS_MOVE, targets=names):
        told = await fan_out(
            list(targets),
            route=route,
            ask=ask,
            batch_max=5_000,
            settings=cluster.settings,
            deadline=deadline,
            mutating=True,
            needs="ALTER",
        )
    return {key: result if isinstance(result, KafkaError) else None for key, result in told.items()}
