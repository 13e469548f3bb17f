"""What of a cluster changes slowly? Its release, its controller, its disks, what lacks replicas, what hangs.

A sampler looks every few seconds; this is looked at every half minute, because it costs more or moves less. What
cannot be read is a sentence, and the rest is there.
"""

from collections import deque
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from kcon.admin.client import Admin
from kcon.core.disk_usage import LogDirs, VolumeUse, volume_uses
from kcon.core.ids import TopicName
from kcon.core.kafka_error import KafkaError
from kcon.core.partition_health import PartitionHealth, partition_health
from kcon.core.release import METADATA_VERSION, release_of_level
from kcon.core.transaction import HANGING_AFTER_MS, HangingTransaction
from kcon.errors import KconError
from kcon.observe.controller import active_controller
from kcon.services.min_isr import read_min_isr
from kcon.services.session import Session
from kcon.services.transactions import read_hanging

GROWTH_LOOKS: Final = 10
"""Growth is told over so many looks at the disks."""
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One look. None and empty are "not told" where a sentence in `problems` says so."""

    taken_ms: int
    release: str | None = None
    """Of the broker that answered, e.g. `4.3`."""
    controller_id: int | None = None
    """The active controller, not the random broker that Metadata names."""
    volumes: tuple[VolumeUse, ...] = ()
    topic_bytes: Mapping[TopicName, int] = field(default_factory=dict)
    """By topic, the bytes of all replicas."""
    health: PartitionHealth = field(default_factory=PartitionHealth)
    hanging: tuple[HangingTransaction, ...] = ()
    problems: tuple[str, ...] = ()

    def broker_bytes(self, broker_id: int) -> int | None:
        """Return the bytes of a broker's replicas; None: not told."""
        sizes = [each.kafka_bytes for each in self.volumes if each.broker_id == broker_id]
        return sum(sizes) if sizes else None

    def used_share(self, broker_id: int) -> float | None:
        """Return how full the fullest volume of a broker is, between 0 and 1."""
        free = [each.free_share for each in self.volumes if each.broker_id == broker_id]
        told = [1 - share for share in free if share is not None]
        return max(told) if told else None

    def full_in_ms(self, broker_id: int) -> int | None:
        """Return when the first volume of a broker is full at its present growth; None: it does not grow."""
        told = [each.full_in_ms for each in self.volumes if each.broker_id == broker_id and each.full_in_ms is not None]
        return min(told) if told else None


class StandingReader:
    """Looks again and again, and remembers earlier looks at the disks. One event loop."""

    def __init__(self) -> None:
        self._looks: deque[tuple[int, LogDirs]] = deque(maxlen=GROWTH_LOOKS)

    async def read(self, session: Session) -> Standing:
        """Look once. KconError when not even the topics can be read."""
        admin = await session.admin()
        topics = await admin.topics()
        problems: list[str] = []
        info = await admin.cluster()
        controller_id = await active_controller(admin, info)
        dirs = await _or_none(admin.log_dirs(), "Disks", problems)
        missing = [topic for topic in topics if any(part.is_under_replicated for part in topic.partitions)]
        minimums = await _or_none(read_min_isr(admin, missing), "min.insync.replicas", problems)
        unknown: dict[str, int | None] = {topic.name.raw: None for topic in missing}
        hanging = await _or_none(
            read_hanging(session, (), older_than_ms=HANGING_AFTER_MS), "Hanging transactions", problems
        )
        now_ms = session.now_ms()
        if dirs is not None:
            problems += [
                f"Disks of broker {broker_id}: {told}."
                for broker_id, told in dirs.items()
                if isinstance(told, KafkaError)
            ]
        return Standing(
            taken_ms=now_ms,
            release=await _release(admin),
            controller_id=controller_id,
            volumes=self._volumes(dirs, now_ms),
            topic_bytes=_topic_bytes(dirs),
            health=partition_health(topics, unknown if minimums is None else minimums),
            hanging=tuple(hanging[0]) if hanging is not None else (),
            problems=tuple(problems),
        )

    def _volumes(self, dirs: LogDirs | None, now_ms: int) -> tuple[VolumeUse, ...]:
        if dirs is None:
            return ()
        before_ms, before = self._looks[0] if self._looks else (now_ms, None)
        self._looks.append((now_ms, dirs))
        return tuple(volume_uses(dirs, before, now_ms - before_ms))


async def _or_none(told: Awaitable[Told], what: str, problems: list[str]) -> Told | None:
    try:
        return await told
    except KconError as error:
        problems.append(f"{what}: {error.message}")
        return None


async def _release(admin: Admin) -> str | None:
    """Return the release of the broker that answers; None where features are not told (before 2.7)."""
    try:
        feature = (await admin.features()).features.get(METADATA_VERSION)
    except KconError:
        return None
    return None if feature is None else release_of_level(feature.supported_max)


def _topic_bytes(dirs: LogDirs | None) -> dict[TopicName, int]:
    sizes: dict[TopicName, int] = {}
    for told in (dirs or {}).values():
        if isinstance(told, KafkaError):
            continue
        for log_dir in told:
            for replica in log_dir.replicas:
                name = replica.partition.topic
                sizes[name] = sizes.get(name, 0) + replica.size_bytes
    return sizes
