"""Which topics are there, and who leads their partitions? One Metadata answer, decoded in pieces."""

import asyncio
import base64
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from kcon.admin import codec
from kcon.admin.cluster import Cluster, Deadline, metadata_request
from kcon.core.ids import TopicName
from kcon.core.kafka_error import kafka_error
from kcon.core.snapshot import PartitionInfo, TopicInfo
from kcon.core.wire_text import WireText

_NAMES_PER_REQUEST: Final = 5_000


async def read_topics(cluster: Cluster, names: Sequence[TopicName] | None, deadline: Deadline) -> list[TopicInfo]:
    """Return topics sorted by name (None: all), or in the order of `names`, a missing one with its error."""
    if names is None:
        found = await _read(cluster, None, deadline)
        return sorted(found, key=lambda topic: topic.name.raw)
    by_name: dict[TopicName, TopicInfo] = {}
    unique = list(dict.fromkeys(names))
    for start in range(0, len(unique), _NAMES_PER_REQUEST):
        part = unique[start : start + _NAMES_PER_REQUEST]
        by_name |= {topic.name: topic for topic in await _read(cluster, [n.raw for n in part], deadline)}
    missing = kafka_error(3)
    return [by_name.get(name) or TopicInfo(name, None, False, (), missing) for name in unique]


async def _read(cluster: Cluster, names: Sequence[str] | None, deadline: Deadline) -> list[TopicInfo]:
    answer = await cluster.send(metadata_request(names), deadline)
    top = codec.entity_type(answer.api, answer.version, "response")
    head, items = codec.read_array(top, answer.body, answer.offset, "topics")
    cluster.learn(head)
    known: dict[tuple[int, ...], tuple[int, ...]] = {}  # Tens of thousands of replica lists share a few values.
    topics: list[TopicInfo] = []
    held = 0
    for item in items:
        topics.append(_topic(item, known))
        held += len(item.partitions) + 1
        if held >= cluster.settings.partitions_per_hold_max:
            held = 0
            await asyncio.sleep(0)
    return topics


def _topic(item: Any, known: dict[tuple[int, ...], tuple[int, ...]]) -> TopicInfo:
    error_code = int(item.error_code)
    topic_id: UUID | None = getattr(item, "topic_id", None)
    partitions = [
        PartitionInfo(
            p.partition_index,
            p.leader_id,
            getattr(p, "leader_epoch", -1),
            known.setdefault(p.replica_nodes, p.replica_nodes),
            known.setdefault(p.isr_nodes, p.isr_nodes),
            getattr(p, "offline_replicas", ()),
            kafka_error(int(p.error_code)) if int(p.error_code) else None,
        )
        for p in item.partitions
    ]
    partitions.sort(key=lambda p: p.partition)
    return TopicInfo(
        TopicName(WireText(item.name or "")),
        format_topic_id(topic_id) if topic_id else None,
        bool(getattr(item, "is_internal", False)),
        tuple(partitions),
        kafka_error(error_code) if error_code else None,
    )


def format_topic_id(topic_id: UUID) -> str:
    """Return Kafka's form of an id: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(topic_id.bytes).rstrip(b"=").decode()
