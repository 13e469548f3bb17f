"""How does a partition get another leader? ElectLeaders, at the controller."""

from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

from kcon.admin.apis import Api
from kcon.admin.calls import change, item_error, on_controller
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.requests import WriteRequest
from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import NO_BROKER
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation, Permit


class Election(IntEnum):
    """Who may become the leader; the values are Kafka's."""

    PREFERRED = 0
    """The first replica, when it is in sync."""
    UNCLEAN = 1
    """Any live replica, where no one in sync is left. Records may be lost."""


async def elect_leaders(
    cluster: Cluster, partitions: Collection[TopicPartition], election: Election, permit: Permit, deadline: Deadline
) -> dict[TopicPartition, bool | KafkaError]:
    """Elect leaders. True: a leader was elected; False: there was no need."""

    async def ask(broker_id: int, keys: Sequence[TopicPartition]) -> Mapping[TopicPartition, bool | KafkaError]:
        by_topic: dict[TopicName, list[int]] = {}
        for topic, partition in keys:
            by_topic.setdefault(topic, []).append(partition)
        values = {
            "election_type": int(election),
            "topic_partitions": [{"topic": topic.raw, "partitions": parts} for topic, parts in by_topic.items()],
            "timeout": int(deadline.left_ms(cluster.settings.request_timeout_ms)),
        }
        request = WriteRequest(api=Api.ELECT_LEADERS, values=values)
        told = await change(cluster, request, permit, deadline, None if broker_id == NO_BROKER else broker_id)
        whole = item_error(told)
        if whole is not None:
            return dict.fromkeys(keys, whole)
        return {
            TopicPartition(TopicName(WireText(topic.topic)), part.partition_id): _result(part)
            for topic in told.replica_election_results
            for part in topic.partition_result
        }

    targets = {where.topic.raw for where in partitions}
    with permit.use(context=cluster.settings.context, operation=Operation.LEADERS_ELECT, targets=targets):
        return await on_controller(cluster, list(partitions), ask, deadline, batch_max=5_000)


def _result(part: Any) -> bool | KafkaError:
    if part.error_code == _ELECTION_NOT_NEEDED:
        return False  # Kafka calls this error retriable; asking again would only say it again.
    return item_error(part) or True


_ELECTION_NOT_NEEDED: Final = 84
