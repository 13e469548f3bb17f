"""Who uses the disks, how fast does it grow, and when is a volume full? Sums over what the brokers tell."""

from collections.abc import Mapping
from typing import NamedTuple

from kcon.core.broker_facts import LogDir
from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText

LogDirs = Mapping[int, tuple[LogDir, ...] | KafkaError]
"""By broker id."""
Place = tuple[int, str]
"""A broker id and the raw path of a log dir."""


class PartitionUse(NamedTuple):
    """One partition over all brokers."""

    where: TopicPartition
    size_bytes: int
    """Of all its replicas."""
    replicas: int
    """On disk, one that is being moved to another folder counted as well."""
    growth_per_s: float | None
    """Bytes; less than 0 when it shrinks; None when it was not watched."""


class VolumeUse(NamedTuple):
    """One log dir of one broker."""

    broker_id: int
    path: WireText
    error: KafkaError | None
    """It is offline."""
    kafka_bytes: int
    """Of the replicas in it."""
    total_bytes: int | None
    usable_bytes: int | None
    growth_per_s: float | None
    full_in_ms: int | None
    """At its present growth; None when it does not grow, or something is not known."""

    @property
    def free_share(self) -> float | None:
        """Between 0 and 1."""
        if not self.total_bytes or self.usable_bytes is None:
            return None
        return self.usable_bytes / self.total_bytes


def partition_uses(now: LogDirs, before: LogDirs | None = None, elapsed_ms: int = 0) -> list[PartitionUse]:
    """Return what each partition uses, sorted by its name. before: what was told `elapsed_ms` ago."""
    sizes, replicas = _by_partition(now)
    earlier = None if before is None or elapsed_ms <= 0 else _by_partition(before)[0]
    return [
        PartitionUse(
            where,
            size_bytes,
            replicas[where],
            None if earlier is None else (size_bytes - earlier.get(where, 0)) / elapsed_ms * 1000,
        )
        for where, size_bytes in sorted(sizes.items())
    ]


def _by_partition(dirs: LogDirs) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    sizes: dict[TopicPartition, int] = {}
    replicas: dict[TopicPartition, int] = {}
    for told in dirs.values():
        if isinstance(told, KafkaError):
            continue
        for log_dir in told:
            for replica in log_dir.replicas:
                sizes[replica.partition] = sizes.get(replica.partition, 0) + replica.size_bytes
                replicas[replica.partition] = replicas.get(replica.partition, 0) + 1
    return sizes, replicas


def volume_uses(now: LogDirs, before: LogDirs | None = None, elapsed_ms: int = 0) -> list[VolumeUse]:
    """Return the log dirs, sorted by broker and path. before: what was told `elapsed_ms` ago."""
    earlier: dict[Place, int] = {}
    for broker_id, told in (before or {}).items():
        if not isinstance(told, KafkaError):
            earlier |= {(broker_id, each.path.raw): each.size_bytes for each in told if each.error is None}
    uses = []
    for broker_id, told in sorted(now.items()):
        if isinstance(told, KafkaError):
            continue
        for each in sorted(told, key=lambda log_dir: log_dir.path.raw):
            size_bytes = each.size_bytes
            then = earlier.get((broker_id, each.path.raw))
            growth = None if then is None or elapsed_ms <= 0 else (size_bytes - then) / elapsed_ms * 1000
            full_in_ms = None
            if growth is not None and growth > 0 and each.usable_bytes is not None:
                full_in_ms = round(each.usable_bytes / growth * 1000)
            uses.append(
                VolumeUse(
                    broker_id,
                    each.path,
                    each.error,
                    size_bytes,
                    each.total_bytes,
                    each.usable_bytes,
                    growth,
                    full_in_ms,
                )
            )
    return uses


def reclaimable_bytes(size_bytes: int, start: int, end: int, first_kept: int) -> int:
    """Return about how much retention would free: the share of the offsets before the first one that it keeps.

    An upper bound in practice: a segment goes as a whole, once its last record is old enough.
    """
    span = end - start
    if span <= 0:
        return 0
    return size_bytes * min(span, max(0, first_kept - start)) // span
