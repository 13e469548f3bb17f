"""What do the samples say together? Turns each into a `ClusterSnapshot` with rates and short histories.

Work is done in slices with a turn of the event loop between them, so that one tick over tens of thousands of
partitions never holds the interpreter for long.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kcon.core.group_status import GroupStatus, StatusRules
from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.lag import offset_lag, records_lost
from kcon.core.snapshot import (
    NO_BROKER,
    CommittedOffset,
    GroupDescription,
    GroupListing,
    TopicInfo,
)
from kcon.core.time_lag import UNKNOWN_LAG
from kcon.observe.flow import SLICE, Flow, Turn, is_hot, progress_per_s, read_outflow
from kcon.observe.lag_engine import UNKNOWN_BOUNDS, Bounds, GroupLateness, GroupReading, LagEngine, assigned_partitions
from kcon.observe.rings import Rings, lag_eta_ms, rate_per_s
from kcon.observe.sampler import Sample
from kcon.observe.snapshot import BrokerColumns, ClusterSnapshot, GroupColumns, TopicColumns

CLUSTER_TICKS: Final = 1_800
TOPIC_TICKS: Final = 60
GROUP_TICKS: Final = 150

_IN, _OUT, _LAG = "in", "out", "lag"


@dataclass(slots=True)
class _Bounds:
    """Start and end of each partition of one topic; None where unknown."""

    starts: Sequence[int | None]
    ends: Sequence[int | None]


@dataclass(slots=True)
class _GroupFacts:
    lag: int | None
    unknown: int
    lost: int
    topics: frozenset[TopicName]
    out_per_s: float | None
    late: GroupLateness
    readable: bool


class _Limits(dict[TopicPartition, Bounds]):
    """The bounds of partitions, each put together when it is first asked for: most are asked for three times."""

    def __init__(self, bounds: Mapping[TopicName, _Bounds]) -> None:
        super().__init__()
        self._bounds = bounds

    def __missing__(self, where: TopicPartition) -> Bounds:
        of_topic = self._bounds.get(where.topic)
        found = UNKNOWN_BOUNDS
        if of_topic is not None and where.partition < len(of_topic.ends):
            found = Bounds(of_topic.starts[where.partition], of_topic.ends[where.partition])
        self[where] = found
        return found


class Store:
    """Keeps what the next tick compares with. One event loop."""

    def __init__(self, rules: StatusRules | None = None) -> None:
        self._cluster: Rings[str] = Rings(CLUSTER_TICKS)
        self._topics: Rings[TopicName] = Rings(TOPIC_TICKS)
        self._groups: Rings[GroupId] = Rings(GROUP_TICKS)
        self._bounds: dict[TopicName, _Bounds] = {}
        self._commits: dict[GroupId, dict[TopicPartition, int]] = {}
        self._taken_ms = 0
        self._requests = 0
        self._brokers_seen: set[int] = set()
        self._turn = Turn()
        self.lag_engine = LagEngine(rules)
        """What is remembered of each group's commits, and of the ends of what it reads."""

    async def add(self, sample: Sample) -> ClusterSnapshot:
        """Take in one sample and return the picture with it."""
        if sample.has_offsets:
            self.lag_engine.begin_tick()
            self.lag_engine.add_probes(sample.probes)
        elapsed_ms = sample.taken_ms - self._taken_ms if self._taken_ms and sample.has_offsets else 0
        names = {topic.name: topic for topic in sample.topics}
        bounds = await self._read_bounds(sample) if sample.has_offsets else {}
        inflow = await self._topic_rates(sample, bounds, elapsed_ms)
        moved: dict[TopicPartition, int] | None = {}
        if not self._commits or elapsed_ms <= 0 or sample.groups.errors:
            moved = None
        facts = await self._group_facts(sample, bounds, elapsed_ms, moved)
        outflow = read_outflow(names, moved, elapsed_ms)
        if sample.has_offsets:
            self._push(sample, names, inflow.by_topic, facts)
            self.lag_engine.end_tick()
        topics = await self._topic_columns(sample, bounds, inflow, outflow, facts)
        groups = self._group_columns(sample, facts)
        brokers = self._broker_columns(sample, inflow, outflow)
        requests_per_s = rate_per_s(self._requests, sample.requests, elapsed_ms) if elapsed_ms else None
        if sample.has_offsets:
            self._bounds, self._taken_ms, self._requests = bounds, sample.taken_ms, sample.requests
        return ClusterSnapshot(
            taken_ms=sample.taken_ms,
            duration_ms=sample.duration_ms,
            cluster=sample.cluster,
            has_offsets=sample.has_offsets,
            topics=topics,
            groups=groups,
            brokers=brokers,
            brokers_seen=len(self._brokers_seen),
            in_series=self._cluster.series(_IN),
            out_series=self._cluster.series(_OUT),
            lag_series=self._cluster.series(_LAG),
            requests_per_s=requests_per_s,
            problems=sample.problems,
        )

    # --- topics ----------------------------------------------------------------------------------------------

    async def _read_bounds(self, sample: Sample) -> dict[TopicName, _Bounds]:
        bounds: dict[TopicName, _Bounds] = {}
        for topic in sample.topics:
            starts, ends = sample.starts.offsets(topic), sample.ends.offsets(topic)
            if len(starts) < len(ends):  # Partitions that came after the last look at the starts.
                starts = [*starts, *[None] * (len(ends) - len(starts))]
            bounds[topic.name] = _Bounds(starts, ends)
            await self._turn.after(len(ends))
        return bounds

    async def _topic_rates(self, sample: Sample, bounds: Mapping[TopicName, _Bounds], elapsed_ms: int) -> Flow:
        """Return records a second by topic, and by the broker that leads; and the partition that is hot."""
        flow = Flow()
        by_broker = flow.by_broker
        for topic in sample.topics:
            now, before = bounds.get(topic.name), self._bounds.get(topic.name)
            if now is None or before is None or elapsed_ms <= 0:
                flow.by_topic[topic.name] = None
                continue
            if before.ends == now.ends and None not in now.ends and now.ends:
                flow.by_topic[topic.name] = 0.0  # Most topics of a large cluster rest.
                continue
            total: float | None = None
            hottest, most = -1, 0.0
            for part in topic.partitions:
                rate = _partition_rate(before.ends, now.ends, part.partition, elapsed_ms)
                if rate is not None:
                    total = (total or 0.0) + rate
                    by_broker[part.leader_id] = by_broker.get(part.leader_id, 0.0) + rate
                    if rate > most:
                        hottest, most = part.partition, rate
            flow.by_topic[topic.name] = total
            if total and is_hot(most, total, len(topic.partitions), elapsed_ms):
                flow.hot[topic.name] = hottest
            await self._turn.after(len(topic.partitions))
        return flow

    async def _topic_columns(
        self,
        sample: Sample,
        bounds: Mapping[TopicName, _Bounds],
        inflow: Flow,
        outflow: Flow,
        facts: Mapping[GroupId, _GroupFacts],
    ) -> TopicColumns:
        readers: dict[TopicName, int] = {}
        for each in facts.values():
            for name in each.topics:
                readers[name] = readers.get(name, 0) + 1
        knows_groups = sample.has_offsets and not sample.groups.errors
        topics = sample.topics
        columns = TopicColumns(
            name=tuple(topic.name for topic in topics),
            internal=tuple(topic.internal for topic in topics),
            partitions=tuple(len(topic.partitions) for topic in topics),
            replicas=tuple(topic.replication_factor for topic in topics),
            under_replicated=tuple(_count_under_replicated(topic) for topic in topics),
            offline=tuple(sum(part.leader_id == NO_BROKER for part in topic.partitions) for topic in topics),
            span=tuple(_span(bounds.get(topic.name)) for topic in topics),
            in_per_s=tuple(inflow.by_topic.get(topic.name) for topic in topics),
            out_per_s=tuple(outflow.by_topic.get(topic.name) for topic in topics),
            hot=tuple(inflow.hot.get(topic.name) for topic in topics),
            trend=tuple(self._topics.values(topic.name) for topic in topics),
            groups=tuple(readers.get(topic.name, 0) if knows_groups else None for topic in topics),
        )
        await self._turn.after(SLICE)
        return columns

    def _broker_columns(self, sample: Sample, inflow: Flow, outflow: Flow) -> BrokerColumns:
        leaders: dict[int, int] = {}
        under_replicated: dict[int, int] = {}
        for topic in sample.topics:
            for part in topic.partitions:
                leaders[part.leader_id] = leaders.get(part.leader_id, 0) + 1
                self._brokers_seen.update(part.replicas)
                if part.is_under_replicated:
                    under_replicated[part.leader_id] = under_replicated.get(part.leader_id, 0) + 1
        ids = tuple(broker.id for broker in sample.cluster.brokers)
        self._brokers_seen.update(ids)
        has_rates = bool(self._bounds) and sample.has_offsets
        return BrokerColumns(
            broker_id=ids,
            leaders=tuple(leaders.get(each, 0) for each in ids),
            in_per_s=tuple(inflow.by_broker.get(each, 0.0) if has_rates else None for each in ids),
            out_per_s=tuple(outflow.by_broker.get(each, 0.0) if outflow.by_topic else None for each in ids),
            under_replicated=tuple(under_replicated.get(each, 0) for each in ids),
        )

    # --- groups ----------------------------------------------------------------------------------------------

    async def _group_facts(
        self,
        sample: Sample,
        bounds: Mapping[TopicName, _Bounds],
        elapsed_ms: int,
        moved: dict[TopicPartition, int] | None,
    ) -> dict[GroupId, _GroupFacts]:
        """moved: gets the offsets that commits moved, by partition; None: there is nothing to compare with."""
        facts: dict[GroupId, _GroupFacts] = {}
        kept: dict[GroupId, dict[TopicPartition, int]] = {}
        states = {row.group: _state(row, sample) for row in sample.groups.items}

        limits = _Limits(bounds)
        for group, commits in sample.commits.items():
            if isinstance(commits, KafkaError):
                facts[group] = _GroupFacts(None, 0, 0, frozenset(), None, GroupLateness(), readable=False)
                self.lag_engine.keep(group)
                continue
            described = sample.members.get(group)
            assigned = assigned_partitions(described)
            now: dict[TopicPartition, int] = {}
            lag, known, unknown, lost = 0, 0, 0, 0
            for where, commit in commits.items():
                if not isinstance(commit, CommittedOffset):
                    unknown += 1
                    continue
                now[where] = committed = commit.offset
                start, end = limits[where]
                behind = offset_lag(committed, start, end)
                if behind is None:
                    unknown += 1
                else:
                    known += 1
                    lag += behind
                lost += records_lost(committed, start)
            unknown += sum(where not in commits for where in assigned)
            facts[group] = _GroupFacts(
                lag if known else None,
                unknown,
                lost,
                frozenset(where.topic for where in commits),
                progress_per_s(self._commits.get(group), now, elapsed_ms, moved),
                self.lag_engine.assess(
                    GroupReading(
                        group=group,
                        commits=now,
                        bounds_of=limits.__getitem__,
                        assigned=assigned,
                        state=states.get(group, ""),
                        members=_member_count(described),
                    ),
                    sample.taken_ms,
                ),
                readable=True,
            )
            kept[group] = now
            await self._turn.after(len(commits))
        if sample.has_offsets:
            self._commits = kept
        return facts

    def _group_columns(self, sample: Sample, facts: Mapping[GroupId, _GroupFacts]) -> GroupColumns:
        rows = sample.groups.items
        of_rows = [facts.get(row.group) for row in rows]
        return GroupColumns(
            group=tuple(row.group for row in rows),
            state=tuple(_state(row, sample) for row in rows),
            kind=tuple(row.group_type for row in rows),
            coordinator_id=tuple(row.coordinator_id for row in rows),
            members=tuple(_member_count(sample.members.get(row.group)) for row in rows),
            topics=tuple(len(each.topics) if each and each.readable else None for each in of_rows),
            reads=tuple(each.topics if each else frozenset() for each in of_rows),
            lag=tuple(each.lag if each else None for each in of_rows),
            unknown=tuple(each.unknown if each else 0 for each in of_rows),
            lost=tuple(each.lost if each else 0 for each in of_rows),
            out_per_s=tuple(each.out_per_s if each else None for each in of_rows),
            eta_ms=tuple(
                lag_eta_ms(self._groups.series(row.group)) if each and each.lag is not None else None
                for row, each in zip(rows, of_rows, strict=True)
            ),
            time_lag=tuple(each.late.worst if each else UNKNOWN_LAG for each in of_rows),
            time_unknown=tuple(each.late.unknown if each else 0 for each in of_rows),
            status=tuple(each.late.status if each else GroupStatus.NOTFOUND for each in of_rows),
            status_since_ms=tuple(each.late.since_ms if each else 0 for each in of_rows),
            status_at=tuple(each.late.at if each else None for each in of_rows),
            trend=tuple(self._groups.values(row.group) for row in rows),
        )

    def _push(
        self,
        sample: Sample,
        names: Mapping[TopicName, TopicInfo],
        rates: Mapping[TopicName, float | None],
        facts: Mapping[GroupId, _GroupFacts],
    ) -> None:
        self._topics.push_each(sample.taken_ms, names, rates.get)
        self._groups.push_each(sample.taken_ms, facts, lambda group: facts[group].lag)
        self._cluster.push(
            sample.taken_ms,
            {
                _IN: _sum_known(list(rates.values())),
                _OUT: _sum_known([each.out_per_s for each in facts.values()]),
                _LAG: _sum_known([each.lag for each in facts.values()]),
            },
        )


def _partition_rate(
    before: Sequence[int | None], now: Sequence[int | None], partition: int, elapsed_ms: int
) -> float | None:
    if partition >= len(before):
        return None  # A partition that was added since.
    return rate_per_s(before[partition], now[partition], elapsed_ms)


def _span(bounds: _Bounds | None) -> int | None:
    if bounds is None:
        return None
    total = 0
    for start, end in zip(bounds.starts, bounds.ends, strict=True):
        if start is None or end is None:
            return None
        total += max(0, end - start)
    return total


def _count_under_replicated(topic: TopicInfo) -> int:
    return sum(part.is_under_replicated for part in topic.partitions)


def _member_count(described: GroupDescription | KafkaError | None) -> int | None:
    return len(described.members) if isinstance(described, GroupDescription) else None


def _state(row: GroupListing, sample: Sample) -> str:
    if row.state:
        return row.state
    described = sample.members.get(row.group)
    return described.state if isinstance(described, GroupDescription) else ""


def _sum_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return math.fsum(known) if known else None
