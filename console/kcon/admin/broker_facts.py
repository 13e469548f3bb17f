"""Which brokers are registered, what lies on their disks, and how is the metadata quorum?

DescribeCluster, DescribeLogDirs, DescribeQuorum, and the features of ApiVersions.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from kcon.admin.apis import Api
from kcon.admin.calls import ask_brokers, ask_whole, item_error
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.requests import ReadRequest
from kcon.core.broker_facts import BrokerRow, LogDir, Quorum, QuorumReplica, ReplicaSize
from kcon.core.ids import HostName, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText
from kcon.errors import KconError

_METADATA_TOPIC: Final = "__cluster_metadata"
_FENCED_SINCE: Final = 2


async def list_brokers(cluster: Cluster, deadline: Deadline) -> list[BrokerRow]:
    """Return the registered brokers by id, with fenced ones where the cluster tells them (KIP-1073)."""
    info = await cluster.refresh(deadline)
    versions = await cluster.versions(deadline)
    if not versions.supports(Api.DESCRIBE_CLUSTER, _FENCED_SINCE):
        return [BrokerRow(b.id, b.host, b.port, b.rack, None) for b in info.brokers]
    request = ReadRequest(api=Api.DESCRIBE_CLUSTER, values={"include_fenced_brokers": True})
    told = await ask_whole(cluster, request, deadline)
    rows = [
        BrokerRow(
            b.broker_id,
            HostName(WireText(b.host)),
            b.port,
            WireText(b.rack) if b.rack is not None else None,
            b.is_fenced,
        )
        for b in told.brokers
    ]
    return sorted(rows)


async def describe_log_dirs(
    cluster: Cluster, broker_ids: Sequence[int] | None, topics: Collection[TopicPartition] | None, deadline: Deadline
) -> dict[int, tuple[LogDir, ...] | KafkaError]:
    """Return the log dirs of brokers (None: every live one). topics: only these partitions; None: all."""
    wanted: list[dict[str, object]] | None = None
    if topics is not None:
        by_topic: dict[TopicName, list[int]] = {}
        for topic, partition in topics:
            by_topic.setdefault(topic, []).append(partition)
        wanted = [{"topic": topic.raw, "partitions": parts} for topic, parts in by_topic.items()]
    request = ReadRequest(api=Api.DESCRIBE_LOG_DIRS, values={"topics": wanted})
    told = await ask_brokers(cluster, request, deadline, broker_ids)
    names: dict[str, TopicName] = {}
    return {
        broker_id: answer
        if isinstance(answer, KafkaError)
        else tuple(_log_dir(item, names) for item in sorted(answer.results, key=lambda each: each.log_dir))
        for broker_id, answer in told.items()
    }


def _log_dir(item: Any, names: dict[str, TopicName]) -> LogDir:
    total, usable = getattr(item, "total_bytes", -1), getattr(item, "usable_bytes", -1)
    replicas = []
    for topic in item.topics:
        name = names.setdefault(topic.name, TopicName(WireText(topic.name)))
        replicas += [
            ReplicaSize(TopicPartition(name, p.partition_index), p.partition_size, p.offset_lag, p.is_future_key)
            for p in topic.partitions
        ]
    return LogDir(
        path=WireText(item.log_dir),
        error=item_error(item),
        total_bytes=total if total >= 0 else None,
        usable_bytes=usable if usable >= 0 else None,
        replicas=tuple(replicas),
    )


async def describe_quorum(cluster: Cluster, deadline: Deadline) -> Quorum:
    """Return the metadata quorum. KconError where there is none: a cluster with ZooKeeper, or one broker in a box."""
    values = {"topics": [{"topic_name": _METADATA_TOPIC, "partitions": [{"partition_index": 0}]}]}
    told = await ask_whole(cluster, ReadRequest(api=Api.DESCRIBE_QUORUM, values=values), deadline)
    if not told.topics or not told.topics[0].partitions:
        raise KconError("The cluster did not describe its metadata quorum.")
    part = told.topics[0].partitions[0]
    error = item_error(part)
    if error is not None:
        raise error.as_exception("the metadata quorum")
    return Quorum(
        leader_id=part.leader_id,
        leader_epoch=part.leader_epoch,
        high_watermark=part.high_watermark,
        voters=tuple(_quorum_replica(each) for each in part.current_voters),
        observers=tuple(_quorum_replica(each) for each in part.observers),
    )


def _quorum_replica(item: Any) -> QuorumReplica:
    directory_id = getattr(item, "replica_directory_id", None)
    last_fetch_ms, caught_up_ms = (
        getattr(item, name, -1) for name in ("last_fetch_timestamp", "last_caught_up_timestamp")
    )
    return QuorumReplica(
        id=item.replica_id,
        directory_id=None if directory_id is None else _directory(directory_id.bytes),
        log_end_offset=item.log_end_offset,
        last_fetch_ms=last_fetch_ms if last_fetch_ms >= 0 else None,
        last_caught_up_ms=caught_up_ms if caught_up_ms >= 0 else None,
    )


def _directory(raw: bytes) -> str:
    from kcon.admin.topics import format_topic_id

    return format_topic_id(raw)
