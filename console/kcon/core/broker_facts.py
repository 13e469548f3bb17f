"""What does a broker or the metadata quorum tell about itself? Frozen values of the admin client."""

from collections.abc import Mapping
from typing import NamedTuple

from kcon.core.ids import HostName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText


class BrokerRow(NamedTuple):
    """One registered broker."""

    id: int
    host: HostName
    port: int
    rack: WireText | None
    fenced: bool | None
    """Registered but not serving; None when the cluster is too old to say (before 4.0)."""


class ReplicaSize(NamedTuple):
    """One replica on disk."""

    partition: TopicPartition
    size_bytes: int
    offset_lag: int
    """How far it is behind the high watermark, or a future replica behind the current one."""
    is_future: bool
    """It is being moved here from another log dir of the same broker."""


class LogDir(NamedTuple):
    """One log dir of a broker."""

    path: WireText
    error: KafkaError | None
    """KAFKA_STORAGE_ERROR: the dir is offline."""
    total_bytes: int | None
    """Of the volume; None when the broker is too old to say (before 3.3)."""
    usable_bytes: int | None
    replicas: tuple[ReplicaSize, ...]

    @property
    def size_bytes(self) -> int:
        """The bytes of all replicas."""
        return sum(replica.size_bytes for replica in self.replicas)


class QuorumReplica(NamedTuple):
    """One voter or observer of the metadata log."""

    id: int
    directory_id: str | None
    log_end_offset: int
    last_fetch_ms: int | None
    """When the leader last heard from it; None: never, or the leader itself, or too old to say."""
    last_caught_up_ms: int | None


class Quorum(NamedTuple):
    """The metadata quorum of a KRaft cluster, as its leader sees it."""

    leader_id: int
    leader_epoch: int
    high_watermark: int
    voters: tuple[QuorumReplica, ...]
    observers: tuple[QuorumReplica, ...]


class VoterListener(NamedTuple):
    """Where the other voters reach a controller."""

    name: str
    """Of its listener, e.g. `CONTROLLER`."""
    host: str
    port: int


class Feature(NamedTuple):
    """One feature flag of the cluster (KIP-584)."""

    name: WireText
    supported_min: int | None
    """None: the broker does not say, which it may for a minimum of 0."""
    supported_max: int | None
    finalized: int | None
    """The level in force; None: not in use."""


class Features(NamedTuple):
    """The features of the cluster as one broker knows them."""

    features: Mapping[str, Feature]
    epoch: int | None
