"""How are old records deleted before retention does it? DeleteRecords at the leader of each partition."""

from collections.abc import Mapping, Sequence

from kcon.admin.apis import Api
from kcon.admin.calls import change, item_error
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.fan_out import fan_out
from kcon.admin.requests import WriteRequest
from kcon.admin.routes import Routes
from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation, Permit


async def delete_records(
    cluster: Cluster, routes: Routes, before: Mapping[TopicPartition, int], permit: Permit, deadline: Deadline
) -> dict[TopicPartition, int | KafkaError]:
    """Delete every record before an offset (-1: the high watermark); return the new log start by partition."""

    async def route(keys: Sequence[TopicPartition], fresh: bool) -> Mapping[TopicPartition, int | KafkaError]:
        return dict(zip(keys, await routes.leaders(keys, fresh, deadline), strict=True))

    async def ask(broker_id: int, keys: Sequence[TopicPartition]) -> Mapping[TopicPartition, int | KafkaError]:
        by_topic: dict[TopicName, list[dict[str, object]]] = {}
        for key in keys:
            by_topic.setdefault(key.topic, []).append({"partition_index": key.partition, "offset": before[key]})
        values = {
            "topics": [{"name": topic.raw, "partitions": parts} for topic, parts in by_topic.items()],
            "timeout": int(deadline.left_ms(cluster.settings.request_timeout_ms)),
        }
        request = WriteRequest(api=Api.DELETE_RECORDS, values=values)
        told = await change(cluster, request, permit, deadline, broker_id)
        return {
            TopicPartition(TopicName(WireText(topic.name)), part.partition_index): item_error(part)
            or part.low_watermark
            for topic in told.topics
            for part in topic.partitions
        }

    targets = {where.topic.raw for where in before}
    with permit.use(context=cluster.settings.context, operation=Operation.RECORDS_DELETE, targets=targets):
        return await fan_out(
            list(before),
            route=route,
            ask=ask,
            batch_max=cluster.settings.partitions_per_request_max,
            settings=cluster.settings,
            deadline=deadline,
            mutating=True,
        )
