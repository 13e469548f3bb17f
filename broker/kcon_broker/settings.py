"""What may the broker be told, and what does it assume when told nothing?

Every limit the broker has is a field here, with its unit in its name and its default beside it. Values are frozen:
a running broker never changes them.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

STANDARD_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
"""Apache Kafka's own authorizer: the one name of an authorizer that means something here."""


class FlushMode(StrEnum):
    """When written records count as safe, and so become visible."""

    ALWAYS = "always"
    """After the sync that covers them. An acks=all answer waits for it."""
    INTERVAL = "interval"
    """At the write; a sync follows every `flush_interval_ms`."""
    OS = "os"
    """At the write; the operating system syncs when it likes, and the broker when a segment is full, as Apache Kafka
    does by default."""


class RecordValidation(StrEnum):
    """How deeply a produced batch is looked into."""

    FULL = "full"
    """Every record is walked, as Apache Kafka does."""
    HEADER = "header"
    """What the batch header shows is checked, the records are not."""


class MigrationPolicy(StrEnum):
    """Which way a group with members may go over to the other group protocol (group.consumer.migration.policy)."""

    DISABLED = "disabled"
    UPGRADE = "upgrade"
    """From the classic protocol to the new one (KIP-848)."""
    DOWNGRADE = "downgrade"
    BIDIRECTIONAL = "bidirectional"

    @property
    def allows_upgrade(self) -> bool:
        """Say whether a member of the new protocol may join a group with classic members."""
        return self in (MigrationPolicy.UPGRADE, MigrationPolicy.BIDIRECTIONAL)

    @property
    def allows_downgrade(self) -> bool:
        """Say whether a group goes back once only classic members are left."""
        return self in (MigrationPolicy.DOWNGRADE, MigrationPolicy.BIDIRECTIONAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """Limits and timings of the group coordinator, in Kafka's words."""

    min_session_timeout_ms: int = 6_000
    max_session_timeout_ms: int = 1_800_000
    initial_rebalance_delay_ms: int = 0
    """Kafka's default is 3 s, the server.properties it ships says 0: a small broker should not make anyone wait."""
    max_members: int = 10_000
    """Members of one group; JoinGroup answers GROUP_MAX_SIZE_REACHED above."""
    max_groups: int = 100_000
    consumer_session_timeout_ms: int = 45_000
    """A member of a group of the new protocol (KIP-848) that is silent for so long is out."""
    consumer_heartbeat_interval_ms: int = 5_000
    """How often members of such a group are told to call."""
    consumer_assignment_interval_ms: int = 1_000
    """The least time between two target assignments of such a group (KIP-1263); 0: at every change."""
    consumer_regex_refresh_interval_ms: int = 10_000
    """The least time between two looks for new topics that a group's regular expressions match."""
    consumer_migration_policy: MigrationPolicy = MigrationPolicy.BIDIRECTIONAL
    """Whether groups with members move between the two group protocols, and which way."""
    consumer_max_members: int = 10_000
    """Members of one group of the new protocol; ConsumerGroupHeartbeat answers GROUP_MAX_SIZE_REACHED above."""
    offsets_partitions: int = 50
    """Partitions of `__consumer_offsets`; fixed once the topic exists."""
    offset_metadata_bytes_max: int = 4_096
    offsets_retention_ms: int = 7 * 24 * 3_600_000
    offsets_retention_check_interval_ms: int = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionSettings:
    """Limits and timings of the transaction coordinator, in Kafka's words."""

    state_partitions: int = 50
    """Partitions of `__transaction_state`; fixed once the topic exists (transaction.state.log.num.partitions)."""
    timeout_max_ms: int = 900_000
    """The longest transaction.timeout.ms a producer may ask for (transaction.max.timeout.ms)."""
    id_expiration_ms: int = 7 * 24 * 3_600_000
    """A transactional id that nobody uses for so long is forgotten (transactional.id.expiration.ms)."""
    id_expiration_check_interval_ms: int = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """Limits of connections and requests."""

    request_bytes_max: int = 100 * 1024 * 1024
    """The largest frame (socket.request.max.bytes)."""
    first_request_bytes_max: int = 512 * 1024
    """The largest first frame of a connection: nobody has shown to be a Kafka client yet."""
    first_request_timeout_ms: int = 10_000
    frame_timeout_ms: int = 30_000
    """A frame that began must be complete by then."""
    idle_timeout_ms: int = 600_000
    """connections.max.idle.ms."""
    connections_max: int = 1_000
    """max.connections. At the limit a newcomer takes the place of who has been silent for longest, if anybody has."""
    admin_connections: int = 10
    """The last so many of them, but no more than a tenth, are for administration: who produces, fetches or joins a
    group is closed there."""
    evictable_after_ms: int = 10_000
    """Who asked for nothing for so long, and waits for nothing, has to make room at the limit."""
    connections_per_address_max: int = 100
    """Loopback is exempt."""
    connections_per_second_max: int = 50
    """New connections of all other addresses; more are delayed, not dropped. Loopback is exempt."""
    in_flight_bytes_max: int = 256 * 1024 * 1024
    """Bytes of frames being received or processed, all connections together; above it nothing is read."""
    waiting_bytes_max: int = 32 * 1024 * 1024
    """Bytes of unanswered requests of one connection; above it the connection is not read."""
    pipelined_requests_max: int = 1_000
    """Unanswered Produce requests of one connection."""
    send_buffer_bytes: int = 102_400
    """What the system holds of answers to one client (socket.send.buffer.bytes); 0: as much as it likes.

    With a bound what the client copies out is still in the processor's cache.
    """
    unsent_bytes_max: int = 8 * 1024 * 1024
    """Answer bytes a client does not take; above it its next requests wait."""
    all_unsent_bytes_max: int = 128 * 1024 * 1024
    """Answer bytes in memory, all connections together; above it a Fetch gets 64 KiB, what the page cache sends by
    itself, or waits; above twice as many who leaves the most is closed. A single batch may exceed it."""
    send_timeout_ms: int = 30_000
    """A client that takes no answer byte for so long is closed."""
    parked_requests_max: int = 10_000
    fetch_response_bytes_max: int = 55 * 1024 * 1024
    """fetch.max.bytes of the broker: a larger wish is cut to this."""
    fetch_sessions_max: int = 1_000
    """max.incremental.fetch.session.cache.slots."""
    fetch_session_min_idle_ms: int = 120_000
    """A session younger than this is not evicted for another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """How the data folder is kept."""

    flush: FlushMode = FlushMode.ALWAYS
    flush_interval_ms: int = 100
    open_files_max: int = 512
    """Files kept open at once; less when `ulimit -n` is lower."""
    producer_ids_per_partition_max: int = 10_000
    """Idempotent producers remembered for one partition; the one silent for longest goes first."""
    producer_id_expiration_ms: int = 86_400_000
    retention_check_interval_ms: int = 30_000
    cleaner_interval_ms: int = 15_000
    """How often compacted topics are looked at (log.cleaner.backoff.ms)."""
    cleaner_keys_bytes_max: int = 16 * 1024 * 1024
    """The table of keys of a compaction, 24 bytes a key (log.cleaner.dedupe.buffer.size)."""
    offsets_segment_bytes_max: int = 4 * 1024 * 1024
    """A segment of `__consumer_offsets` is sealed above this, so that compaction keeps a start short."""
    checkpoint_interval_ms: int = 60_000
    sync_workers: int = 4
    low_space_bytes: int = 1024 * 1024 * 1024
    """Below it, or below a twentieth of a small disk, a warning is written, once until there is room again."""
    reserved_space_bytes: int = 64 * 1024 * 1024
    """Below it, or below a fiftieth of a small disk, Produce is refused: the rest is for commits, and for a start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedTopic:
    """A topic that must exist when the broker is ready."""

    name: str
    partitions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """Everything a broker needs to know to start."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 9092
    """0 picks a free port."""
    advertised_host: str | None = None
    """What Metadata tells clients; None: the address listened on."""
    advertised_port: int | None = None
    insecure: bool = False
    """Allows to listen on an address other than loopback without authentication."""
    node_id: int = 1
    rack: str | None = None
    cluster_id: str | None = None
    """None: the one kept in the data folder, or a new one."""
    auto_create_topics: bool = True
    default_partitions: int = 4
    """num.partitions; Apache Kafka's own default is 1."""
    partitions_max: int = 200_000
    """Of all topics together."""
    record_validation: RecordValidation = RecordValidation.FULL
    topic_config_defaults: tuple[tuple[str, str], ...] = ()
    """Broker-wide defaults of topic configs, by their topic config name."""
    seed_topics: tuple[SeedTopic, ...] = ()
    control: tuple[str, int] | None = None
    """Where faults can be injected by HTTP (`server/control`): a loopback address and a port, 0: a free one."""
    metrics: tuple[str, int] | None = None
    """Where its metrics are served (`server/metrics`): an address and a port, 0: a free one. None: nowhere."""
    authorizer_class_name: str = ""
    """STANDARD_AUTHORIZER: access rules (ACLs) are kept and told, though not enforced; empty: there are none."""
    groups: GroupSettings = field(default_factory=GroupSettings)
    transactions: TransactionSettings = field(default_factory=TransactionSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
