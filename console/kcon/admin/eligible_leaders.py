"""Which replicas may still lead a partition whose in-sync ones are gone? DescribeTopicPartitions (KIP-966)."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from kcon.admin.apis import Api
from kcon.admin.calls import ask, item_error
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.requests import ReadRequest
from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText
from kcon.errors import KconError

PARTITIONS_PER_PAGE: Final = 2_000
"""What a broker gives at most in one answer by default (max.request.partition.size.limit)."""


class EligibleLeaders(NamedTuple):
    """The replicas of one partition that are out of sync and yet hold everything that was committed."""

    partition: TopicPartition
    eligible: tuple[int, ...] | None
    """None: the cluster does not track them (eligible.leader.replicas.version is 0)."""
    last_known: tuple[int, ...] | None
    """Who led last, where nobody is eligible."""


async def read_eligible_leaders(
    cluster: Cluster, topics: Sequence[TopicName], deadline: Deadline
) -> dict[TopicName, tuple[EligibleLeaders, ...] | KafkaError]:
    """Return the eligible leader replicas of topics, partition by partition, page after page."""
    found: dict[TopicName, list[EligibleLeaders] | KafkaError] = {}
    wanted = sorted({topic.raw for topic in topics})
    cursor: dict[str, object] | None = None
    while wanted:
        values = {
            "topics": [{"name": name} for name in wanted],
            "response_partition_limit": PARTITIONS_PER_PAGE,
            "cursor": cursor,
        }
        told = await ask(cluster, ReadRequest(api=Api.DESCRIBE_TOPIC_PARTITIONS, values=values), deadline)
        for topic in told.topics:
            _take(found, topic)
        following = told.next_cursor
        if following is None:
            break
        place = (following.topic_name, following.partition_index)
        if cursor is not None and place <= (cursor["topic_name"], cursor["partition_index"]):
            raise KconError("A broker answers DescribeTopicPartitions with the same page again and again.")
        cursor = {"topic_name": place[0], "partition_index": place[1]}
        wanted = [name for name in wanted if name >= place[0]]
    return {topic: each if isinstance(each, KafkaError) else tuple(each) for topic, each in found.items()}


def _take(found: dict[TopicName, "list[EligibleLeaders] | KafkaError"], topic: Any) -> None:
    name = TopicName(WireText(topic.name or ""))
    error = item_error(topic)
    if error is not None:
        found[name] = error
        return
    known = found.setdefault(name, [])
    if isinstance(known, list):
        known += [
            EligibleLeaders(
                TopicPartition(name, part.partition_index),
                _ids(part.eligible_leader_replicas),
                _ids(part.last_known_elr),
            )
            for part in topic.partitions
        ]


def _ids(told: Sequence[int] | None) -> tuple[int, ...] | None:
    return None if told is None else tuple(told)
