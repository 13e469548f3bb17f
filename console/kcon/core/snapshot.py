"""What does a cluster look like at one moment? Frozen values that the admin client hands to everyone above it.

No I/O and no kio types: the fronts, the sampler and the tests build and compare them freely.
"""

from typing import NamedTuple, TypeAlias

from kcon.core.frozen import Frozen
from kcon.core.ids import ClientId, ClusterId, GroupId, HostName, MemberId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText

NO_BROKER = -1
"""The broker id that stands for "none": a partition without a leader, a cluster without a controller."""

UNKNOWN_CONTROLLER = -2
"""The controller's id in a picture of the past: which it was is not kept."""


class BrokerInfo(Frozen):
    """One live broker as Metadata names it."""

    id: int
    host: HostName
    port: int
    rack: WireText | None = None


class ClusterInfo(Frozen):
    """The cluster and its live brokers, sorted by id."""

    cluster_id: ClusterId | None
    """None when the broker is too old to say (before 0.10.1)."""
    controller_id: int
    """A broker id, or NO_BROKER."""
    brokers: tuple[BrokerInfo, ...]

    def broker(self, broker_id: int) -> BrokerInfo | None:
        """Return the live broker with this id, or None."""
        return next((broker for broker in self.brokers if broker.id == broker_id), None)


class PartitionInfo(NamedTuple):
    """Where one partition lives. A tuple, as the other values of which there are tens of thousands: made 3x faster."""

    partition: int
    leader_id: int
    """A broker id, or NO_BROKER."""
    leader_epoch: int
    """-1 when the broker is too old to say."""
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    offline: tuple[int, ...]
    error: KafkaError | None = None

    @property
    def is_under_replicated(self) -> bool:
        """Fewer replicas are in sync than assigned."""
        return len(self.isr) < len(self.replicas)


class TopicInfo(NamedTuple):
    """One topic with its partitions sorted by index; or, with `error` set, why it cannot be described."""

    name: TopicName
    topic_id: str | None
    """Kafka's base64 form of the id, or None when the broker does not say."""
    internal: bool
    partitions: tuple[PartitionInfo, ...]
    error: KafkaError | None = None

    @property
    def replication_factor(self) -> int:
        """The number of replicas of the first partition; 0 without partitions."""
        return len(self.partitions[0].replicas) if self.partitions else 0

    def partition(self, index: int) -> PartitionInfo | None:
        """Return one partition; None where there is none of that index."""
        if 0 <= index < len(self.partitions) and self.partitions[index].partition == index:
            return self.partitions[index]
        return next((part for part in self.partitions if part.partition == index), None)


class GroupListing(Frozen):
    """One group as ListGroups names it."""

    group: GroupId
    state: str
    """Kafka's word (Stable, Empty, ...) made safe, or "" when the broker is too old to say (before 2.6)."""
    protocol_type: str
    """`consumer`, `connect`, ..., or "" for a simple group."""
    group_type: str
    """`classic`, `consumer`, `share`, `streams`, or "" when the broker is too old to say (before 3.8)."""
    coordinator_id: int
    """The broker that listed it."""


class GroupMember(Frozen):
    """One member of a group and what it owns."""

    member_id: MemberId
    client_id: ClientId
    host: HostName
    instance_id: WireText | None = None
    assignment: tuple[TopicPartition, ...] = ()
    """Sorted. Empty when the group's protocol is not `consumer`, or the assignment cannot be read."""


class GroupDescription(Frozen):
    """One group and its members. A group that does not exist has the state Dead, as in Kafka."""

    group: GroupId
    state: str
    protocol_type: str
    protocol: str
    """The assignor in use, or ""."""
    coordinator_id: int
    members: tuple[GroupMember, ...]
    group_type: str = "classic"
    generation_id: int | None = None
    """The group epoch of a KIP-848 group; classic groups do not tell theirs."""
    error: KafkaError | None = None

    @property
    def is_active(self) -> bool:
        """Has members or is forming: offsets must not be committed from outside."""
        return self.state not in {"Empty", "Dead"}


class CommittedOffset(NamedTuple):
    """One commit of a group."""

    offset: int
    leader_epoch: int
    """-1 when unknown."""
    metadata: WireText | None = None
    """What the committer wrote beside it, or None."""


class OffsetAt(NamedTuple):
    """An answer of ListOffsets: the first offset at or after the asked time, or a bound of the partition."""

    offset: int
    """-1 when no record has that time or a later one."""
    timestamp_ms: int
    """The time of that record; -1 for EARLIEST and LATEST, and when there is none."""
    leader_epoch: int
    """-1 when unknown."""

    @property
    def found(self) -> bool:
        """There is such an offset."""
        return self.offset >= 0


OffsetResult: TypeAlias = OffsetAt | KafkaError
CommitResult: TypeAlias = CommittedOffset | KafkaError
GroupCommits: TypeAlias = dict[TopicPartition, CommitResult]


def offset_of(result: OffsetResult | None) -> int | None:
    """Return the offset of an answer; None when it could not be read."""
    return result.offset if isinstance(result, OffsetAt) else None
