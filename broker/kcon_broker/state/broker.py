"""What does the broker know? The root of all state.

One thread owns it, the event loop's. Nothing here waits, and nothing here knows the time or chance: both are handed
in. Topics change through the metadata log alone: a change is written there first and then applied, at the start by
replaying the log, later one by one.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from kcon_broker.batch.header import (
    CODEC_GZIP,
    CODEC_LZ4,
    CODEC_NONE,
    CODEC_SNAPPY,
    CODEC_ZSTD,
    CREATE_TIME,
    LOG_APPEND_TIME,
)
from kcon_broker.batch.validate import BatchRules
from kcon_broker.settings import BrokerSettings, RecordValidation
from kcon_broker.state.cluster_records import ClusterChange, ClusterState, ResourceConfigured
from kcon_broker.state.configs.acting import static_configs, with_dynamic
from kcon_broker.state.configs.broker_configs import BrokerConfigs
from kcon_broker.state.configs.definitions import ResourceType
from kcon_broker.state.fetch_sessions import FetchSessionTable
from kcon_broker.state.gate import Gate
from kcon_broker.state.group_journal import GroupJournal
from kcon_broker.state.groups.coordinator import GroupCoordinator
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.state.metadata_journal import MetadataJournal
from kcon_broker.state.partition import Partition
from kcon_broker.state.steady_time import SteadyTime
from kcon_broker.state.topic import (
    OFFSETS_TOPIC,
    TRANSACTIONS_TOPIC,
    PartitionsGrew,
    Topic,
    TopicConfigured,
    TopicCreated,
    TopicDeleted,
    TopicTable,
)
from kcon_broker.state.topic_configs import TopicConfig, effective_config
from kcon_broker.state.topic_records import MetadataChange, ProducerIdsReserved
from kcon_broker.state.transaction_journal import BrokerTransactionJournal
from kcon_broker.state.transactions.coordinator import TransactionCoordinator
from kcon_broker.state.unsent_answers import UnsentAnswers
from kcon_broker.storage.log import Log

_PRODUCER_ID_BLOCK = 1_000
_START_EPOCH_SHIFT = 16
_CODECS: dict[str, int | None] = {
    "producer": None,
    "uncompressed": CODEC_NONE,
    "gzip": CODEC_GZIP,
    "snappy": CODEC_SNAPPY,
    "lz4": CODEC_LZ4,
    "zstd": CODEC_ZSTD,
}


@dataclass(slots=True)
class MetadataCache:
    """Encoded answers of Metadata for all topics, good for one version of the topics."""

    topics_version: int = -1
    bodies: dict[tuple[int, bool, bool], bytes] = field(default_factory=dict)


class Broker:
    """Settings, topics, groups, producers: everything a handler may read and change."""

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        cluster_id: str,
        start_epoch: int,
        journal: MetadataJournal,
        open_log: Callable[[Partition], Log | None],
        save_log_start: Callable[[Partition], tuple[Gate, int]],
        report: Callable[[str], None],
        new_uuid: Callable[[], bytes],
    ) -> None:
        self.settings = settings
        """What applies now: the settings of the start, with what was changed since by configs."""
        self._start_settings = settings
        self.cluster_id = cluster_id
        self.node_id = settings.node_id
        self.start_epoch = start_epoch
        """Rises with every start, and the leader epochs with it."""
        self.directory_id = hashlib.sha256(f"metadata {cluster_id}".encode()).digest()[:16]
        """The id of the metadata's folder (KIP-853)."""
        self.advertised = (settings.advertised_host or settings.host, settings.advertised_port or settings.port)
        self.configs = BrokerConfigs(static_configs(settings, listening=(settings.host, settings.port)))
        self.config_defaults: dict[str, str] = {}
        """What applies to topics that say nothing themselves, by the names of topic configs."""
        self.cluster = ClusterState()
        self.topics = TopicTable()
        self.dirty: dict[Partition, None] = {}
        """Partitions with appended bytes that are not written yet."""
        self.metadata_cache = MetadataCache()
        self.fetch_sessions = FetchSessionTable(
            sessions_max=settings.network.fetch_sessions_max,
            min_idle_ms=settings.network.fetch_session_min_idle_ms,
            new_session_id=lambda: int.from_bytes(new_uuid()[:4], "big") & 0x7FFFFFFF,
        )
        self.on_topic_deleted: Callable[[Topic], None] = lambda _: None
        """Told when a deletion is written; the files may go."""
        self.report: Callable[[str], None] = report
        """Tell the operator about a failure of the disk."""
        self.steady_time = SteadyTime(report)
        """The wall time that ages are judged by."""
        self.is_out_of_room = False
        """The disk is so full that no records are taken any more."""
        self.disk_space: Callable[[], tuple[int, int]] = lambda: (-1, -1)
        """Return the bytes of the disk, all and usable; -1: not known."""
        self.wake: Callable[[Hashable], None] = lambda _: None
        """Ask every parked request again that waits for this key: a Partition, or a group's."""
        self.unsent_answers = UnsentAnswers(
            settings.network.all_unsent_bytes_max,
            on_room=lambda key: self.wake(key),  # noqa: PLW0108  # It is set later.
        )
        self.request_round: Callable[[], None] = lambda: None
        """See to it that timers and appended records are looked after soon."""
        self.transactions = TransactionCoordinator(settings.transactions, journal=BrokerTransactionJournal(self))
        self.group_journal = GroupJournal(self)
        self.groups = GroupCoordinator(
            settings.groups,
            journal=self.group_journal,
            new_uuid=lambda: _uuid_text(new_uuid()),
            topics=self.topics,
            append_pending=self.group_journal.append_pending,
        )
        self._journal = journal
        self._open_log = open_log
        self._save_log_start = save_log_start
        self._new_uuid = new_uuid
        self._apply_broker_configs()
        self._next_producer_id = 0
        self._reserved_producer_ids_end = 0

    # Topics

    def create_topic(self, name: str, partition_count: int, configs: dict[str, str]) -> tuple[Topic, tuple[Gate, int]]:
        """Create a topic that was found valid; return it and the position at which it is durable."""
        change = TopicCreated(
            name=name,
            topic_id=self.new_topic_id(),
            partition_count=partition_count,
            created_epoch=self.start_epoch,
            configs=configs,
        )
        position = self._change(change)
        return self.topics.by_name[name], position

    def delete_topic(self, topic: Topic, *, now_ms: int, wall_ms: int) -> tuple[Gate, int]:
        """Delete a topic with its committed offsets; return the position at which that is durable."""
        position = self._change(TopicDeleted(name=topic.name, topic_id=topic.topic_id))
        self.groups.topic_deleted(topic.name, topic.topic_id, Moment(now_ms, wall_ms))
        for partition in topic.touched_partitions():
            self.dirty.pop(partition, None)
            partition.written.fail()
            partition.fail()
            self.wake(partition)
        self.on_topic_deleted(topic)
        return position

    def grow_topic(self, topic: Topic, partition_count: int) -> tuple[Gate, int]:
        """Give a topic more partitions; return the position at which they are durable."""
        return self._change(PartitionsGrew(name=topic.name, partition_count=partition_count))

    def configure_topic(self, topic: Topic, configs: dict[str, str]) -> tuple[Gate, int]:
        """Give a topic exactly these own configs; return the position at which that is durable."""
        position = self._change(TopicConfigured(name=topic.name, configs=configs))
        for partition in topic.touched_partitions():
            if partition.log is not None:
                partition.log.settings = self.config_of(topic)
        return position

    def change_cluster(self, change: ClusterChange) -> tuple[Gate, int]:
        """Make a change that was found valid; return the position at which it is durable."""
        return self._change(change)

    @property
    def features_epoch(self) -> int:
        """Return a number that rises whenever the level of a feature changes, and with every start."""
        return (self.start_epoch << _START_EPOCH_SHIFT) + self.cluster.features.change_count

    def topics_position(self) -> tuple[Gate, int]:
        """Return the position at which everything that is known of topics is durable."""
        return self._journal.gate, self._journal.position

    def has_room_for(self, partitions: int) -> bool:
        """Tell whether so many more partitions stay within the limit."""
        return self.topics.partition_total + partitions <= self.settings.partitions_max

    def leader_epoch(self, topic: Topic) -> int:
        """Return the leader epoch of a topic's partitions: 0 in the run that created it, higher in later ones."""
        return self.start_epoch - topic.created_epoch

    def config_of(self, topic: Topic) -> TopicConfig:
        """Return what a topic's configs, and the defaults below them, say."""
        if topic.effective is None:
            topic.effective = effective_config(topic.configs, self.config_defaults)
        return topic.effective

    def rules_of(self, topic: Topic) -> BatchRules:
        """Return what a topic demands of the batches produced to it."""
        if topic.rules is None:
            config = self.config_of(topic)
            topic.rules = BatchRules(
                mode="full" if self.settings.record_validation is RecordValidation.FULL else "header",
                max_message_bytes=config.max_message_bytes,
                is_compacted=config.is_compacted,
                timestamp_type=LOG_APPEND_TIME if config.timestamp_is_append_time else CREATE_TIME,
                timestamp_before_max_ms=config.timestamp_before_max_ms,
                timestamp_after_max_ms=config.timestamp_after_max_ms,
                codec=_CODECS[config.compression_type],
            )
        return topic.rules

    def replay(self, change: MetadataChange) -> None:
        """Apply one record of the metadata log."""
        if isinstance(change, ProducerIdsReserved):
            # Ids of the block that were not given before the stop are skipped.
            self._next_producer_id = self._reserved_producer_ids_end = change.end
        elif isinstance(change, TopicCreated | TopicDeleted | PartitionsGrew | TopicConfigured):
            self.topics.apply(change)
        else:
            self.cluster.apply(change)
            if isinstance(change, ResourceConfigured):
                self._apply_configs(change.resource_type, change.name)

    def snapshot(self) -> Iterator[MetadataChange]:
        """Return changes that lead from nothing to the present state.

        What changes while they are taken may be in them already: a change is right also when it comes again.
        """
        created = (
            TopicCreated(
                name=topic.name,
                topic_id=topic.topic_id,
                partition_count=topic.partition_count,
                created_epoch=topic.created_epoch,
                configs=topic.configs,
            )
            for topic in list(self.topics.by_name.values())
        )
        others = [ProducerIdsReserved(end=self._reserved_producer_ids_end), *self.cluster.snapshot()]
        return chain(created, others)

    def _apply_configs(self, resource_type: ResourceType, name: str) -> None:
        """Let the changed configs of a resource act."""
        if resource_type is ResourceType.GROUP:
            self.groups.group_configs.configure(name, self.cluster.configs_of(resource_type, name))
        elif resource_type is ResourceType.BROKER:
            self._apply_broker_configs()

    def _apply_broker_configs(self) -> None:
        """Let the broker's dynamic configs act: as its settings, and as the defaults of topics."""
        self.configs.change(
            cluster_wide=self.cluster.configs_of(ResourceType.BROKER, ""),
            per_broker=self.cluster.configs_of(ResourceType.BROKER, str(self.node_id)),
        )
        self.settings = with_dynamic(self._start_settings, self.configs.dynamic())
        self.groups.group_configs.settings = self.settings.groups
        defaults = dict(self.settings.topic_config_defaults) | self.configs.topic_defaults()
        if defaults == self.config_defaults:
            return
        self.config_defaults = defaults
        for topic in self.topics.by_name.values():
            topic.effective = topic.rules = None
            for partition in topic.touched_partitions():
                if partition.log is not None:
                    partition.log.settings = self.config_of(topic)

    def _change(self, change: MetadataChange) -> tuple[Gate, int]:
        position = self._journal.append(change)
        self.replay(change)
        return self._journal.gate, position

    def new_topic_id(self) -> bytes:
        """Return an id that no topic has."""
        topic_id = self._new_uuid()
        # Kafka keeps the first ids for itself and avoids a leading dash in the URL-safe text form.
        while topic_id in self.topics.by_id or topic_id[0] == 0xF8 or not any(topic_id[:15]):
            topic_id = self._new_uuid()
        return topic_id

    # Producers

    def next_producer_id(self) -> tuple[int, tuple[Gate, int]]:
        """Return a producer id that was never given before, and the position at which that is durable."""
        # An id in a transaction's record may be of a block that a crash took from the metadata log.
        producer_id = max(self._next_producer_id, self.transactions.producer_id_max + 1)
        if producer_id >= self._reserved_producer_ids_end:
            position = self._journal.append(ProducerIdsReserved(end=producer_id + _PRODUCER_ID_BLOCK))
            self._reserved_producer_ids_end = producer_id + _PRODUCER_ID_BLOCK
            self._next_producer_id = producer_id + 1
            return producer_id, (self._journal.gate, position)
        self._next_producer_id = producer_id + 1
        return producer_id, self.topics_position()

    # Partitions

    def log_of(self, partition: Partition) -> Log | None:
        """Return a partition's log, opening it at the first touch; None: the disk failed it."""
        log = partition.log
        if log is None and not partition.is_fenced:
            log = self._open_log(partition)
        return log

    def move_log_start(self, partition: Partition, offset: int) -> tuple[Gate, int]:
        """Let go of the records before an offset; return the position at which that is for good. Raises OSError."""
        assert partition.log is not None
        partition.log.delete_before(offset)
        position = self._save_log_start(partition)
        self.wake(partition)
        return position

    # Groups

    def offsets_partition_of(self, group_id: str) -> int:
        """Return the partition of `__consumer_offsets` that keeps this group (Kafka: abs of Java's string hash)."""
        topic = self.topics.by_name.get(OFFSETS_TOPIC)
        count = self.settings.groups.offsets_partitions if topic is None else topic.partition_count
        return java_string_hash(group_id) % count

    # Transactions

    def transactions_partition_of(self, transactional_id: str) -> int:
        """Return the partition of `__transaction_state` that keeps this transactional id."""
        topic = self.topics.by_name.get(TRANSACTIONS_TOPIC)
        count = self.settings.transactions.state_partitions if topic is None else topic.partition_count
        return java_string_hash(transactional_id) % count

    def transaction_positions(self, transactional_id: str) -> tuple[tuple[Gate, int], ...]:
        """Return what must be durable before anything about this transactional id may be told."""
        topic = self.topics.by_name.get(TRANSACTIONS_TOPIC)
        partition = None if topic is None else topic.partition(self.transactions_partition_of(transactional_id))
        if partition is None or partition.log is None:
            return (self.topics_position(),)
        return (partition, partition.log.log_end_offset), self.topics_position()

    def transaction_coordinator_epoch(self) -> int:
        """Return the epoch that markers carry: that of the leader of `__transaction_state`."""
        topic = self.topics.by_name.get(TRANSACTIONS_TOPIC)
        return 0 if topic is None else self.leader_epoch(topic)

    def coordinator_position(self, group_id: str) -> tuple[Gate, int] | None:
        """Return the position that must be durable before anything about this group may be told; None: nothing is."""
        topic = self.topics.by_name.get(OFFSETS_TOPIC)
        partition = None if topic is None else topic.partition(self.offsets_partition_of(group_id))
        if partition is None or partition.log is None:
            return None
        return partition, partition.log.log_end_offset


def java_string_hash(text: str) -> int:
    """Return `Utils.abs(text.hashCode())` as Java computes it, over UTF-16 code units."""
    value = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for index in range(0, len(units), 2):
        value = (value * 31 + (units[index] << 8 | units[index + 1])) & 0xFFFFFFFF
    if value >= 0x80000000:
        value = 0x100000000 - value
    return 0 if value == 0x80000000 else value


def _uuid_text(uuid: bytes) -> str:
    digits = uuid.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
