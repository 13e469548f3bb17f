"""Which metrics does one tick give? The families of the profiles, under the names that other exporters gave them.

- `exporter`: what kafka_exporter tells, for the boards made for it.
- `lag`: what kafka-lag-exporter and klag-exporter tell.
- `kcon`: what nobody else tells: how good a time lag is, the status of a partition, the cost of looking.

A commit that is missing has no series (a -1 would spoil every sum) unless `missing_commit` says otherwise.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.lag import offset_lag, records_lost
from kcon.core.snapshot import (
    NO_BROKER,
    CommittedOffset,
    GroupDescription,
    GroupMember,
)
from kcon.observe.exposition import Family, escape_label
from kcon.observe.family_table import FamilyTable
from kcon.observe.lag_engine import Bounds, GroupReading, LagEngine, PartitionLateness, assigned_partitions
from kcon.observe.sampler import Sample
from kcon.observe.slow_facts import SlowFacts
from kcon.observe.snapshot import ClusterSnapshot


class Profile(Enum):
    """A set of families under one tradition's names."""

    EXPORTER = "exporter"
    LAG = "lag"
    KCON = "kcon"


class MissingCommit(Enum):
    """What stands for a commit that is not there."""

    OMIT = "omit"
    MINUS_ONE = "-1"
    NAN = "nan"


GROUP_STATES: Final = {
    "PreparingRebalance": 1,
    "CompletingRebalance": 2,
    "Stable": 3,
    "Dead": 4,
    "Empty": 5,
    "Assigning": 6,
    "Reconciling": 7,
}
"""The numbers of `kafka_consumergroup_group_state`; 0 is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What the families are made of."""

    sample: Sample
    engine: LagEngine
    cluster_name: str
    profiles: frozenset[Profile] = frozenset(Profile)
    missing_commit: MissingCommit = MissingCommit.OMIT
    static_labels: tuple[tuple[str, str], ...] = ()
    requests_by_api: Mapping[str, int] = field(default_factory=dict)
    before: Sample | None = None
    """The look before."""
    snapshot: ClusterSnapshot | None = None
    slow: SlowFacts | None = None
    """What was asked at an earlier tick, perhaps; None: nothing yet."""


Rows: TypeAlias = Mapping[GroupId, Sequence[PartitionLateness]]
"""Every partition of every group whose commits could be read."""


def group_rows(tick: Tick) -> Rows:
    """Return how each partition of each group stands; the most work of a tick, so it is done once."""
    return {group: _rows_of(tick, group) for group in tick.sample.commits}


def metric_families(tick: Tick, rows: Rows | None = None) -> list[Family]:
    """Return the families of one tick, with the static labels on each. rows: `group_rows(tick)`, if that is known.

    Every family of the profiles is there, those without a sample too.
    """
    from kcon.observe.kcon_families import kcon_tables

    rows = group_rows(tick) if rows is None else rows
    tables: list[FamilyTable] = []
    if Profile.EXPORTER in tick.profiles:
        tables += [*_cluster_tables(tick), *_partition_tables(tick), *_exporter_group_tables(tick, rows)]
    if Profile.LAG in tick.profiles:
        tables += _lag_tables(tick, rows)
    if Profile.KCON in tick.profiles:
        tables += kcon_tables(tick, rows)
    names = tuple(name for name, _value in tick.static_labels)
    values = tuple(escape_label(value) for _name, value in tick.static_labels)
    return [
        Family(
            table.name,
            table.kind,
            table.help,
            table.labels + names,
            [(labels + values, value) for labels, value in table.samples] if names else table.samples,
        )
        for table in tables
    ]


def _rows_of(tick: Tick, group: GroupId) -> list[PartitionLateness]:
    sample = tick.sample
    told = sample.commits[group]
    if isinstance(told, KafkaError):
        return []
    described = sample.members.get(group)
    reading = GroupReading(
        group=group,
        commits={where: each.offset for where, each in told.items() if isinstance(each, CommittedOffset)},
        bounds_of=_bounds_of(sample),
        assigned=assigned_partitions(described),
        members=len(described.members) if isinstance(described, GroupDescription) else None,
    )
    return tick.engine.rows(reading, sample.taken_ms)


def _bounds_of(sample: Sample) -> Callable[[TopicPartition], Bounds]:
    return lambda where: Bounds(sample.starts.offset(where), sample.ends.offset(where))


# --- exporter --------------------------------------------------------------------------------------------------

_TOPIC_PARTITION: Final = ("topic", "partition")


def _cluster_tables(tick: Tick) -> Iterable[FamilyTable]:
    brokers = FamilyTable("kafka_brokers", "Brokers in the cluster.")
    brokers.add((), len(tick.sample.cluster.brokers))
    info = FamilyTable("kafka_broker_info", "A broker; always 1.", ("id", "address"))
    for broker in tick.sample.cluster.brokers:
        info.add((str(broker.id), escape_label(f"{broker.host.raw}:{broker.port}")), 1)
    return brokers, info


def _partition_tables(tick: Tick) -> Iterable[FamilyTable]:
    sample = tick.sample
    count = FamilyTable("kafka_topic_partitions", "Partitions of the topic.", ("topic",))
    current = FamilyTable("kafka_topic_partition_current_offset", "The end offset.", _TOPIC_PARTITION)
    oldest = FamilyTable("kafka_topic_partition_oldest_offset", "The log start offset.", _TOPIC_PARTITION)
    in_sync = FamilyTable("kafka_topic_partition_in_sync_replica", "Replicas in sync.", _TOPIC_PARTITION)
    leader = FamilyTable("kafka_topic_partition_leader", "The leader's broker id.", _TOPIC_PARTITION)
    preferred = FamilyTable(
        "kafka_topic_partition_leader_is_preferred", "1 where the preferred replica leads.", _TOPIC_PARTITION
    )
    replicas = FamilyTable("kafka_topic_partition_replicas", "Replicas assigned.", _TOPIC_PARTITION)
    short = FamilyTable(
        "kafka_topic_partition_under_replicated_partition",
        "1 where fewer replicas are in sync than assigned.",
        _TOPIC_PARTITION,
    )
    for topic in sample.topics:
        name = escape_label(topic.name)
        count.add((name,), len(topic.partitions))
        for part in topic.partitions:
            labels = (name, str(part.partition))
            where = TopicPartition(topic.name, part.partition)
            current.add(labels, sample.ends.offset(where))
            oldest.add(labels, sample.starts.offset(where))
            in_sync.add(labels, len(part.isr))
            leader.add(labels, None if part.leader_id == NO_BROKER else part.leader_id)
            preferred.add(labels, float(bool(part.replicas) and part.replicas[0] == part.leader_id))
            replicas.add(labels, len(part.replicas))
            short.add(labels, float(part.is_under_replicated))
    return count, current, oldest, in_sync, leader, preferred, replicas, short


def _exporter_group_tables(tick: Tick, rows: Rows) -> Iterable[FamilyTable]:
    labels_of = ("consumergroup", "topic", "partition")
    offset = FamilyTable("kafka_consumergroup_current_offset", "The committed offset.", labels_of)
    lag = FamilyTable("kafka_consumergroup_lag", "Records between the commit and the end.", labels_of)
    offset_sum = FamilyTable("kafka_consumergroup_current_offset_sum", "Committed offsets, summed.", labels_of[:2])
    lag_sum = FamilyTable("kafka_consumergroup_lag_sum", "Known lags, summed.", labels_of[:2])
    members = FamilyTable("kafka_consumergroup_members", "Members of the group.", labels_of[:1])
    for group, of_group in rows.items():
        name = escape_label(group)
        sums: dict[TopicName, tuple[int, int]] = {}
        for row in of_group:
            labels = (name, escape_label(row.where.topic), str(row.where.partition))
            behind = _lag_of(row)
            offset.add(labels, _or_missing(row.committed, tick.missing_commit))
            lag.add(labels, _or_missing(behind, tick.missing_commit) if row.committed is None else behind)
            if row.committed is not None:
                offsets, lags = sums.get(row.where.topic, (0, 0))
                sums[row.where.topic] = (offsets + row.committed, lags + (behind or 0))
        for topic, (offsets, lags) in sums.items():
            offset_sum.add((name, escape_label(topic)), offsets)
            lag_sum.add((name, escape_label(topic)), lags)
        described = tick.sample.members.get(group)
        members.add((name,), len(described.members) if isinstance(described, GroupDescription) else None)
    return offset, lag, offset_sum, lag_sum, members


def _lag_of(row: PartitionLateness) -> int | None:
    return offset_lag(row.committed, row.bounds.start, row.bounds.end)


def _or_missing(value: int | None, missing: MissingCommit) -> float | None:
    if value is not None or missing is MissingCommit.OMIT:
        return value
    return -1.0 if missing is MissingCommit.MINUS_ONE else float("nan")


# --- lag -------------------------------------------------------------------------------------------------------


def _lag_tables(tick: Tick, rows: Rows) -> Iterable[FamilyTable]:
    place = ("cluster_name", "group", "topic", "partition", "member_host", "consumer_id", "client_id")
    of_group = ("cluster_name", "group")
    of_partition = ("cluster_name", "topic", "partition")
    start = "kafka_consumergroup_"
    offset = FamilyTable(f"{start}group_offset", "The committed offset.", place)
    lag = FamilyTable(f"{start}group_lag", "Records between the commit and the end.", place)
    seconds = FamilyTable(f"{start}group_lag_seconds", "The age of the oldest unread record.", place)
    lost = FamilyTable(f"{start}group_messages_lost", "Records that retention took before they were read.", place)
    margin = FamilyTable(f"{start}group_retention_margin", "Records between the log start and the commit.", place)
    ratio = FamilyTable(
        f"{start}group_lag_retention_ratio", "The lag as a share of what retention keeps, in percent.", place
    )
    most = FamilyTable(f"{start}group_max_lag", "The largest lag of a partition.", (*of_group, "is_simple_consumer"))
    most_seconds = FamilyTable(
        f"{start}group_max_lag_seconds", "The largest time lag of a partition.", (*of_group, "is_simple_consumer")
    )
    total = FamilyTable(f"{start}group_sum_lag", "Known lags, summed.", of_group)
    of_topic = FamilyTable(f"{start}group_topic_sum_lag", "Known lags by topic, summed.", (*of_group, "topic"))
    state = FamilyTable(f"{start}group_state", "0 unknown, 1 to 7 as klag-exporter numbers them.", of_group)
    latest = FamilyTable("kafka_partition_latest_offset", "The end offset.", of_partition)
    earliest = FamilyTable("kafka_partition_earliest_offset", "The log start offset.", of_partition)
    poll = FamilyTable(f"{start}poll_time_ms", "How long the look took.", ("cluster_name",))
    cluster = escape_label(tick.cluster_name)
    poll.add((cluster,), tick.sample.duration_ms)
    for where in tick.sample.ends:
        at = (cluster, escape_label(where.topic), str(where.partition))
        latest.add(at, tick.sample.ends.offset(where))
        earliest.add(at, tick.sample.starts.offset(where))
    states = {listing.group: listing for listing in tick.sample.groups.items}
    for group, mine in rows.items():
        name = escape_label(group)
        owners = _owners(tick.sample.members.get(group))
        sums: dict[str, int] = {}
        for row in mine:
            labels = (cluster, name, escape_label(row.where.topic), str(row.where.partition), *_who(owners, row.where))
            behind = _lag_of(row)
            offset.add(labels, row.committed)
            lag.add(labels, behind)
            seconds.add(labels, None if row.lag.value_ms is None else row.lag.value_ms / 1000)
            lost.add(labels, records_lost(row.committed, row.bounds.start) if row.committed is not None else None)
            margin.add(labels, retention_margin(row))
            ratio.add(labels, lag_retention_percent(row))
            if behind is not None:
                sums[labels[2]] = sums.get(labels[2], 0) + behind
        listing = states.get(group)
        simple = (cluster, name, str(not listing or not listing.protocol_type).lower())
        most.add(simple, max((_lag_of(row) or 0 for row in mine), default=None))
        late = [row.lag.value_ms for row in mine if row.lag.value_ms is not None]
        most_seconds.add(simple, max(late) / 1000 if late else None)
        total.add((cluster, name), sum(sums.values()) if sums else None)
        for topic, behind in sums.items():
            of_topic.add((cluster, name, topic), behind)
        state.add((cluster, name), GROUP_STATES.get(listing.state if listing else "", 0))
    return offset, lag, seconds, lost, margin, ratio, most, most_seconds, total, of_topic, state, latest, earliest, poll


def retention_margin(row: PartitionLateness) -> int | None:
    """Return how many records retention may take before it takes an unread one; 0 when it has."""
    if row.committed is None or row.bounds.start is None:
        return None
    return max(0, row.committed - row.bounds.start)


def lag_retention_percent(row: PartitionLateness) -> float | None:
    """Return the lag as a share of the log, 0 to 100; None when either is unknown, or the log is empty."""
    behind = _lag_of(row)
    if behind is None or row.bounds.start is None or row.bounds.end is None or row.bounds.end <= row.bounds.start:
        return None
    return min(100.0, 100.0 * behind / (row.bounds.end - row.bounds.start))


def _owners(described: object) -> dict[TopicPartition, GroupMember]:
    if not isinstance(described, GroupDescription):
        return {}
    return {where: member for member in described.members for where in member.assignment}


def _who(owners: Mapping[TopicPartition, GroupMember], where: TopicPartition) -> tuple[str, str, str]:
    owner = owners.get(where)
    if owner is None:
        return "", "", ""
    return escape_label(owner.host), escape_label(owner.member_id), escape_label(owner.client_id)
