"""Who uses the disks? Two looks at the log dirs tell growth; the brokers' index of times tells what is old."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kcon.admin.client import Admin
from kcon.core.broker_facts import LogDir
from kcon.core.config_entry import ConfigResource, ResourceType
from kcon.core.disk_usage import PartitionUse, VolumeUse, partition_uses, reclaimable_bytes, volume_uses
from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import EARLIEST, LATEST, Timestamp
from kcon.core.snapshot import OffsetAt, OffsetResult
from kcon.services.names import select_names
from kcon.services.session import Session

CLEANUP_POLICY: Final = "cleanup.policy"
DELETE: Final = "delete"
NO_RECORD: Final = -1

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskUsage:
    """What the brokers told."""

    partitions: list[PartitionUse]
    volumes: list[VolumeUse]
    reclaimable: Mapping[TopicPartition, tuple[int | None, ...]] = field(default_factory=dict)
    """By partition, for each retention that was asked about: bytes of all replicas; None: it cannot be told."""
    missing: list[str] = field(default_factory=list)
    """Plain names of topics that no broker has."""
    errors: Mapping[int, KafkaError] = field(default_factory=dict)
    """Brokers that did not tell."""


async def read_disk_usage(
    session: Session,
    names: Sequence[str] | None = None,
    *,
    watch_ms: int = 0,
    retentions_ms: Sequence[int] = (),
    sleep: Sleep = asyncio.sleep,
) -> DiskUsage:
    """Look once, or twice `watch_ms` apart. names: globs of topics; None: all. Volumes are always told whole."""
    admin = await session.admin()
    loop = asyncio.get_running_loop()
    before: Mapping[int, tuple[LogDir, ...] | KafkaError] | None = None
    began_s = loop.time()
    if watch_ms:
        before = await admin.log_dirs()
        began_s = loop.time()
        await sleep(watch_ms / 1000)
    now = await admin.log_dirs()
    elapsed_ms = round((loop.time() - began_s) * 1000)
    partitions = partition_uses(now, before, elapsed_ms)
    topics = dict.fromkeys(use.where.topic for use in partitions)
    selection = select_names(topics, names)
    chosen = set(selection.names)
    partitions = [use for use in partitions if use.where.topic in chosen]
    return DiskUsage(
        partitions=partitions,
        volumes=volume_uses(now, before, elapsed_ms),
        reclaimable=await _reclaimable(admin, partitions, retentions_ms, session.now_ms()) if retentions_ms else {},
        missing=selection.missing,
        errors={broker_id: told for broker_id, told in now.items() if isinstance(told, KafkaError)},
    )


async def _reclaimable(
    admin: Admin, uses: Sequence[PartitionUse], retentions_ms: Sequence[int], now_ms: int
) -> dict[TopicPartition, tuple[int | None, ...]]:
    places = [use.where for use in uses]
    deleted = await _deleted_by_age(admin, list(dict.fromkeys(where.topic for where in places)))
    places = [where for where in places if deleted.get(where.topic) is not False]
    starts, ends = await asyncio.gather(admin.list_offsets(places, EARLIEST), admin.list_offsets(places, LATEST))
    kept = [await admin.list_offsets(places, Timestamp(max(0, now_ms - each))) for each in retentions_ms]
    found: dict[TopicPartition, tuple[int | None, ...]] = {}
    for use in uses:
        policy = deleted.get(use.where.topic)
        if policy is False:
            found[use.where] = (0,) * len(retentions_ms)  # Compacted alone: nothing goes by age.
        else:
            found[use.where] = tuple(
                None if policy is None else _freed(use, starts, ends, first_kept) for first_kept in kept
            )
    return found


def _freed(
    use: PartitionUse,
    starts: Mapping[TopicPartition, OffsetResult],
    ends: Mapping[TopicPartition, OffsetResult],
    first_kept: Mapping[TopicPartition, OffsetResult],
) -> int | None:
    start, end, kept = starts.get(use.where), ends.get(use.where), first_kept.get(use.where)
    if not isinstance(start, OffsetAt) or not isinstance(end, OffsetAt) or not isinstance(kept, OffsetAt):
        return None
    first = end.offset if kept.offset == NO_RECORD else kept.offset  # Everything is older.
    return reclaimable_bytes(use.size_bytes, start.offset, end.offset, first)


async def _deleted_by_age(admin: Admin, topics: Sequence[TopicName]) -> dict[TopicName, bool | None]:
    """Return by topic whether records go by age; None where the setting could not be read."""
    resources = {ConfigResource(ResourceType.TOPIC, name): name for name in topics}
    told = await admin.describe_configs(resources, names=(CLEANUP_POLICY,)) if resources else {}
    found: dict[TopicName, bool | None] = {}
    for resource, configs in told.items():
        if isinstance(configs, KafkaError):
            found[resources[resource]] = None
            continue
        values = [entry.value.raw for key, entry in configs.items() if key.raw == CLEANUP_POLICY and entry.value]
        found[resources[resource]] = not values or DELETE in values[0].split(",")
    return found
