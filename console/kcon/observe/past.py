"""What did the cluster look like at a moment of the past? Snapshots, groups and settings made from its history.

A snapshot of the past is a `ClusterSnapshot` as the sampler makes them, so that what draws the present draws the past.
What history does not keep is unknown in it, never 0. One thread at a time.
"""

import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from kcon.core.group_status import GroupStatus
from kcon.core.head_history import HeadHistory
from kcon.core.ids import ClientId, ClusterId, GroupId, HostName, MemberId, TopicName, TopicPartition, topic_name
from kcon.core.lag import PartitionLag, offset_lag, records_lost
from kcon.core.snapshot import (
    NO_BROKER,
    UNKNOWN_CONTROLLER,
    BrokerInfo,
    ClusterInfo,
    GroupDescription,
    GroupListing,
    GroupMember,
    PartitionInfo,
    TopicInfo,
)
from kcon.core.time_lag import UNKNOWN_LAG, LagQuality, TimeLag, time_lag
from kcon.core.wire_text import WireText, display_safe
from kcon.observe import history_keys as keys
from kcon.observe.history_keys import Mark, SeriesKey, commit_name, partition_name, partition_of
from kcon.observe.history_reader import MARKS_MAX, HistoryReader
from kcon.observe.lag_engine import Bounds, PartitionLateness, Rates
from kcon.observe.rings import Series, lag_eta_ms
from kcon.observe.snapshot import BrokerColumns, ClusterSnapshot, GroupColumns, TopicColumns

HOUR_MS: Final = 3_600_000
TREND_MS: Final = HOUR_MS
TREND_POINTS: Final = 60
TRENDS_MAX: Final = 60
"""Rows of a list up to which each has the trend of the hour before."""
RATE_MS: Final = 60_000
ETA_MS: Final = 300_000
LATE_MAX: Final = 200
"""Partitions of a group of which the time lag is worked out."""
PARSED_MAX: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PastGroup:
    """One group at a moment."""

    look_ms: int
    """When the cluster was looked at."""
    description: GroupDescription | None
    """Its members as they were last told before; None when history knows no such group then."""
    rows: tuple[PartitionLag, ...] = ()
    late: Mapping[TopicPartition, PartitionLateness] = field(default_factory=dict)
    rates: Mapping[TopicPartition, Rates] = field(default_factory=dict)


class Past:
    """The past of one cluster."""

    def __init__(self, reader: HistoryReader) -> None:
        self.reader = reader
        self._parsed: dict[str, Any] = {}
        self._topics_of: dict[str, tuple[PartitionInfo, ...]] = {}

    def close(self) -> None:
        """Close the file."""
        self.reader.close()

    def marks(self, since_ms: int, until_ms: int, *, kinds: Iterable[str] = (), limit: int = MARKS_MAX) -> list[Mark]:
        """Return what happened in `[since_ms, until_ms)`, the oldest first, the latest `limit`. kinds: only these."""
        return self.reader.marks(since_ms, until_ms, kinds=kinds, limit=limit)

    # --- the whole cluster -----------------------------------------------------------------------------------

    def snapshot_at(self, time_ms: int) -> ClusterSnapshot | None:
        """Return the picture at a moment; None when nobody looked within a quarter of an hour before."""
        look_ms = self.reader.look_at(time_ms)
        if look_ms is None:
            return None
        topics = self.topics_at(look_ms)
        brokers = self.brokers_at(look_ms)
        groups = self._group_columns(look_ms)
        whole = self._parse(self.reader.fact_at("cluster", WireText(""), look_ms)) or {}
        since_ms = look_ms - TREND_MS
        series = {
            name: self.reader.series(SeriesKey(keys.CLUSTER, WireText(name)), since_ms, look_ms + 1)
            for name in ("in", "out", "lag")
        }
        duration_ms = self.reader.at(keys.LOOK, look_ms).get(WireText(""), 0.0)
        requests = self.reader.at(keys.CLUSTER, look_ms).get(WireText("requests"))
        cluster_id = whole.get("id")
        return ClusterSnapshot(
            taken_ms=look_ms,
            duration_ms=round(duration_ms),
            cluster=ClusterInfo(
                cluster_id=None if cluster_id is None else ClusterId(WireText(cluster_id)),
                controller_id=_controller_of(whole),
                brokers=brokers,
            ),
            has_offsets=True,
            topics=self._topic_columns(topics, groups, look_ms),
            groups=groups,
            brokers=self._broker_columns(brokers, topics, look_ms),
            brokers_seen=int(whole.get("seen", len(brokers))),
            in_series=series["in"],
            out_series=series["out"],
            lag_series=series["lag"],
            requests_per_s=requests,
        )

    def brokers_at(self, look_ms: int) -> tuple[BrokerInfo, ...]:
        """Return the brokers that were there."""
        found = []
        for name, text in self.reader.facts_at("broker", look_ms).items():
            fact = self._parse(text)
            rack = None if fact["rack"] is None else WireText(fact["rack"])
            found.append(
                BrokerInfo(id=int(name.raw), host=HostName(WireText(fact["host"])), port=fact["port"], rack=rack)
            )
        return tuple(sorted(found, key=lambda broker: broker.id))

    def controller_at(self, look_ms: int) -> int | None:
        """Return the node that was the active controller; None: not known."""
        found = _controller_of(self._parse(self.reader.fact_at("cluster", WireText(""), look_ms)) or {})
        return None if found == UNKNOWN_CONTROLLER else found

    def topics_at(self, look_ms: int) -> list[TopicInfo]:
        """Return the topics that were there, sorted by name, with leaders and replicas."""
        found = []
        for name, text in self.reader.facts_at("topic", look_ms).items():
            fact = self._parse(text)
            parts = self._topics_of.get(text)
            if parts is None:
                if len(self._topics_of) > PARSED_MAX:
                    self._topics_of.clear()
                parts = self._topics_of[text] = tuple(
                    PartitionInfo(part, leader, epoch, tuple(replicas), tuple(isr), tuple(offline))
                    for part, leader, epoch, replicas, isr, offline in fact["parts"]
                )
            found.append(TopicInfo(TopicName(name), fact["id"], fact["internal"], parts))
        return found

    def groups_at(self, look_ms: int) -> list[GroupListing]:
        """Return the groups that were there, sorted by id."""
        return [
            GroupListing(
                group=GroupId(name),
                state=display_safe(fact["state"]),
                protocol_type=display_safe(fact["type"]),
                group_type=display_safe(fact["kind"]),
                coordinator_id=fact["coordinator"],
            )
            for name, fact in self._facts("group", look_ms)
        ]

    def bounds_at(self, topic: TopicName, look_ms: int) -> dict[TopicPartition, Bounds]:
        """Return start and end of a topic's partitions; none where partitions are not recorded one by one."""
        starts = self.reader.at_prefix(keys.START, topic, look_ms)
        ends = self.reader.at_prefix(keys.END, topic, look_ms)
        return {
            partition_of(name): Bounds(_whole(starts.get(name)), _whole(ends.get(name)))
            for name in sorted(starts.keys() | ends.keys())
        }

    def configs_at(self, kind: str, name: WireText, look_ms: int) -> dict[str, str] | None:
        """Return what somebody had set on a topic or a broker; None when it was never read."""
        text = self.reader.fact_at("config", WireText(f"{kind}/{name.raw}"), look_ms)
        return None if text is None else dict(self._parse(text))

    # --- columns ---------------------------------------------------------------------------------------------

    def _topic_columns(self, topics: Sequence[TopicInfo], groups: GroupColumns, look_ms: int) -> TopicColumns:
        rates = self.reader.at(keys.TOPIC_IN, look_ms)
        outflow = self.reader.at(keys.TOPIC_OUT, look_ms)
        hot = self.reader.at(keys.TOPIC_HOT, look_ms)
        spans = self.reader.at(keys.TOPIC_SPAN, look_ms)
        readers: dict[TopicName, int] = {}
        for names in groups.reads:
            for name in names:
                readers[name] = readers.get(name, 0) + 1
        has_trends = len(topics) <= TRENDS_MAX
        return TopicColumns(
            name=tuple(topic.name for topic in topics),
            internal=tuple(topic.internal for topic in topics),
            partitions=tuple(len(topic.partitions) for topic in topics),
            replicas=tuple(topic.replication_factor for topic in topics),
            under_replicated=tuple(sum(part.is_under_replicated for part in topic.partitions) for topic in topics),
            offline=tuple(sum(part.leader_id == NO_BROKER for part in topic.partitions) for topic in topics),
            span=tuple(_whole(spans.get(topic.name)) for topic in topics),
            in_per_s=tuple(rates.get(topic.name) for topic in topics),
            out_per_s=tuple(outflow.get(topic.name) for topic in topics),
            hot=tuple(_hot(hot.get(topic.name)) for topic in topics),
            trend=tuple(self._trend(keys.TOPIC_IN, topic.name, look_ms) if has_trends else () for topic in topics),
            groups=tuple(readers.get(topic.name, 0) for topic in topics),
        )

    def _group_columns(self, look_ms: int) -> GroupColumns:
        facts = self._facts("group", look_ms)
        names = [name for name, _fact in facts]
        lags = self.reader.at(keys.GROUP_LAG, look_ms)
        outs = self.reader.at(keys.GROUP_OUT, look_ms)
        times = self.reader.at(keys.GROUP_TIME, look_ms)
        qualities = self.reader.at(keys.GROUP_QUALITY, look_ms)
        errors = self.reader.at(keys.GROUP_ERROR, look_ms)
        lost = self.reader.at(keys.GROUP_LOST, look_ms)
        unknown = self.reader.at(keys.GROUP_UNKNOWN, look_ms)
        has_trends = len(facts) <= TRENDS_MAX
        trends = [self._trend(keys.GROUP_LAG, name, look_ms) if has_trends else () for name in names]
        reads = [None if fact["reads"] is None else frozenset(map(topic_name, fact["reads"])) for _name, fact in facts]
        return GroupColumns(
            group=tuple(GroupId(name) for name in names),
            state=tuple(display_safe(fact["state"]) for _name, fact in facts),
            kind=tuple(display_safe(fact["kind"]) for _name, fact in facts),
            coordinator_id=tuple(fact["coordinator"] for _name, fact in facts),
            members=tuple(fact["members"] for _name, fact in facts),
            topics=tuple(None if each is None else len(each) for each in reads),
            reads=tuple(each or frozenset() for each in reads),
            lag=tuple(_whole(lags.get(name)) for name in names),
            unknown=tuple(_whole(unknown.get(name)) or 0 for name in names),
            lost=tuple(_whole(lost.get(name)) or 0 for name in names),
            out_per_s=tuple(outs.get(name) for name in names),
            eta_ms=tuple(
                self._eta_ms(name, look_ms) if has_trends and lags.get(name) is not None else None for name in names
            ),
            time_lag=tuple(_time_lag(times.get(name), qualities.get(name), errors.get(name)) for name in names),
            time_unknown=tuple(0 for _name in names),
            status=tuple(_status(fact["status"]) for _name, fact in facts),
            status_since_ms=tuple(fact["since"] for _name, fact in facts),
            status_at=tuple(
                None if fact["at"] is None else TopicPartition(topic_name(fact["at"][0]), fact["at"][1])
                for _name, fact in facts
            ),
            trend=tuple(trends),
        )

    def _broker_columns(
        self, brokers: Sequence[BrokerInfo], topics: Sequence[TopicInfo], look_ms: int
    ) -> BrokerColumns:
        leaders: dict[int, int] = {}
        under_replicated: dict[int, int] = {}
        for topic in topics:
            for part in topic.partitions:
                leaders[part.leader_id] = leaders.get(part.leader_id, 0) + 1
                if part.is_under_replicated:
                    under_replicated[part.leader_id] = under_replicated.get(part.leader_id, 0) + 1
        rates = self.reader.at(keys.BROKER_IN, look_ms)
        outflow = self.reader.at(keys.BROKER_OUT, look_ms)
        return BrokerColumns(
            broker_id=tuple(broker.id for broker in brokers),
            leaders=tuple(leaders.get(broker.id, 0) for broker in brokers),
            in_per_s=tuple(rates.get(WireText(str(broker.id))) for broker in brokers),
            out_per_s=tuple(outflow.get(WireText(str(broker.id))) for broker in brokers),
            under_replicated=tuple(under_replicated.get(broker.id, 0) for broker in brokers),
        )

    def _trend(self, kind: str, name: WireText, look_ms: int) -> tuple[float, ...]:
        series = self.reader.series(SeriesKey(kind, name), look_ms - TREND_MS, look_ms + 1)
        return bucket_means(series, look_ms, TREND_MS, TREND_POINTS)

    def _eta_ms(self, group: WireText, look_ms: int) -> float | None:
        return lag_eta_ms(self.reader.series(SeriesKey(keys.GROUP_LAG, group), look_ms - ETA_MS, look_ms + 1))

    # --- one group -------------------------------------------------------------------------------------------

    def group_at(self, group: GroupId, time_ms: int) -> PastGroup | None:
        """Return a group at a moment; None when nobody looked then."""
        look_ms = self.reader.look_at(time_ms)
        if look_ms is None:
            return None
        fact = self._parse(self.reader.fact_at("group", group, look_ms))
        if fact is None:
            return PastGroup(look_ms=look_ms, description=None)
        description = self.description_at(group, fact, look_ms)
        owners = {where: member for member in description.members for where in member.assignment}
        commits = {
            partition_of(name): _whole(value)
            for name, value in self.reader.at_prefix(keys.COMMIT, group, look_ms).items()
        }
        places = sorted({*commits, *owners})
        bounds: dict[TopicPartition, Bounds] = {}
        for topic in dict.fromkeys(where.topic for where in places):
            bounds.update(self.bounds_at(topic, look_ms))
        rows = tuple(
            _lag_row(group, where, commits.get(where), bounds.get(where, Bounds(None, None)), owners.get(where))
            for where in places
        )
        status, at = _status(fact["status"]), fact["at"]
        late: dict[TopicPartition, PartitionLateness] = {}
        for row in rows[:LATE_MAX]:
            is_it = at is not None and (row.partition.topic.raw, row.partition.partition) == (at[0], at[1])
            state = status if is_it else GroupStatus.OK if row.lag is not None else GroupStatus.NOCOMMIT
            lag = self._partition_time_lag(row, look_ms)
            late[row.partition] = PartitionLateness(
                row.partition, row.committed, Bounds(row.start, row.end), lag, state
            )
        return PastGroup(
            look_ms=look_ms,
            description=description,
            rows=rows,
            late=late,
            rates={row.partition: self._rates(group, row.partition, look_ms) for row in rows[:LATE_MAX]},
        )

    def description_at(self, group: GroupId, fact: Mapping[str, Any], look_ms: int) -> GroupDescription:
        """Return state and members of a group from its facts."""
        told = self._parse(self.reader.fact_at("members", group, look_ms)) or {}
        members = tuple(
            GroupMember(
                member_id=MemberId(WireText(member_id)),
                client_id=ClientId(WireText(client)),
                host=HostName(WireText(host)),
                instance_id=None if instance is None else WireText(instance),
                assignment=tuple(
                    sorted(TopicPartition(topic_name(topic), part) for topic, parts in owned for part in parts)
                ),
            )
            for member_id, client, host, instance, owned in told.get("members", ())
        )
        return GroupDescription(
            group=group,
            state=display_safe(fact["state"]),
            protocol_type=display_safe(fact["type"]),
            protocol=display_safe(told.get("assignor", "")),
            coordinator_id=fact["coordinator"],
            members=members,
            group_type=display_safe(fact["kind"]) or "classic",
            generation_id=told.get("generation"),
        )

    def group_fact(self, group: GroupId, look_ms: int) -> Mapping[str, Any] | None:
        """Return what is kept of a group beside its numbers; None when it was not there."""
        found: Mapping[str, Any] | None = self._parse(self.reader.fact_at("group", group, look_ms))
        return found

    def _partition_time_lag(self, row: PartitionLag, look_ms: int) -> TimeLag:
        if row.committed is None or row.end is None:
            return UNKNOWN_LAG
        key = SeriesKey(keys.END, partition_name(row.partition))
        history = None
        for span_ms in (HOUR_MS, keys.DAY_MS):
            if row.lag == 0:
                break
            series = self.reader.series(key, look_ms - span_ms, look_ms + 1)
            pairs = zip(series.times_ms, series.values, strict=True)
            points = tuple((round(end), at_ms) for at_ms, end in pairs if not math.isnan(end))
            history = HeadHistory.of(points, points_max=len(points) + 1)
            if history.oldest_offset is not None and history.oldest_offset <= row.committed:
                break
        return time_lag(
            committed=row.committed, start=row.start, end=row.end, history=history, now_ms=look_ms, probe=None
        )

    def _rates(self, group: GroupId, where: TopicPartition, look_ms: int) -> Rates:
        since_ms = look_ms - RATE_MS
        ends = self.reader.series(SeriesKey(keys.END, partition_name(where)), since_ms, look_ms + 1)
        commits = self.reader.series(SeriesKey(keys.COMMIT, commit_name(group, where)), since_ms, look_ms + 1)
        return Rates(
            *(None if (rate := each.change_per_s(RATE_MS)) is None else max(0.0, rate) for each in (ends, commits))
        )

    # --- facts -----------------------------------------------------------------------------------------------

    def _facts(self, kind: str, look_ms: int) -> list[tuple[WireText, Any]]:
        return [(name, self._parse(text)) for name, text in self.reader.facts_at(kind, look_ms).items()]

    def _parse(self, text: str | None) -> Any:
        if text is None:
            return None
        found = self._parsed.get(text)
        if found is None:
            if len(self._parsed) > PARSED_MAX:
                self._parsed.clear()
            found = self._parsed[text] = json.loads(text)
        return found


def bucket_means(series: Series, until_ms: int, span_ms: int, count: int) -> tuple[float, ...]:
    """Return `count` means over equal stretches of the time before `until_ms`; NaN where nothing is known."""
    times, first_ms = series.times_ms, until_ms - span_ms
    edges = [first_ms + span_ms * place // count for place in range(count)]
    places = [bisect_left(times, edge) for edge in edges]
    places.append(bisect_right(times, until_ms))
    means = []
    for start, end in pairwise(places):
        known = [value for value in series.values[start:end] if not math.isnan(value)]
        means.append(math.fsum(known) / len(known) if known else math.nan)
    return tuple(means)


def _lag_row(
    group: GroupId, where: TopicPartition, committed: int | None, bounds: Bounds, owner: GroupMember | None
) -> PartitionLag:
    return PartitionLag(
        group=group,
        partition=where,
        committed=committed,
        start=bounds.start,
        end=bounds.end,
        lag=offset_lag(committed, bounds.start, bounds.end),
        lost=records_lost(committed, bounds.start),
        member_id=owner.member_id if owner else None,
        client_id=owner.client_id if owner else None,
        host=owner.host if owner else None,
    )


def _whole(value: float | None) -> int | None:
    return None if value is None or math.isnan(value) else round(value)


def _hot(value: float | None) -> int | None:
    whole = _whole(value)
    return None if whole is None or whole == keys.NOT_HOT else whole


def _controller_of(cluster: Mapping[str, Any]) -> int:
    told = cluster.get("controller")
    return UNKNOWN_CONTROLLER if told is None else int(told)


def _time_lag(value: float | None, quality: float | None, error: float | None) -> TimeLag:
    whole = _whole(value)
    if whole is None or quality is None:
        return UNKNOWN_LAG
    return TimeLag(whole, LagQuality(round(quality)), _whole(error) or 0)


def _status(name: str) -> GroupStatus:
    return GroupStatus.__members__.get(name, GroupStatus.NOTFOUND)
