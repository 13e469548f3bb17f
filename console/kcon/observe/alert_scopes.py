"""Over what may a user's own rule speak? The things of one tick, each with its labels and the names a rule may use.

A value that is not known is null, and a comparison with null is no match: what is unknown never alerts.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from kcon.core.alert import Labels, labels_of
from kcon.core.lag import offset_lag
from kcon.observe.metric_families import Rows, Tick
from kcon.observe.snapshot import ClusterSnapshot

Values: TypeAlias = Mapping[str, Any]


class Subject(NamedTuple):
    """One thing that a rule is asked of."""

    labels: Labels
    values: Values


class Scope(NamedTuple):
    """A kind of things."""

    names: Mapping[str, str]
    """What a rule may use, each with what it means."""
    subjects: Callable[[Tick, ClusterSnapshot, Rows], Iterator[Subject]]


def _clusters(tick: Tick, snapshot: ClusterSnapshot, _rows: Rows) -> Iterator[Subject]:
    yield Subject(
        (),
        {
            "brokers": len(snapshot.brokers),
            "brokers_seen": snapshot.brokers_seen,
            "topics": len(snapshot.topics),
            "groups": len(snapshot.groups),
            "in_per_s": snapshot.in_series.last,
            "out_per_s": snapshot.out_series.last,
            "lag": _whole(snapshot.lag_series.last),
            "under_replicated": sum(snapshot.topics.under_replicated),
            "offline": sum(snapshot.topics.offline),
            "requests_per_s": snapshot.requests_per_s,
            "poll_seconds": tick.sample.duration_ms / 1000,
        },
    )


def _brokers(_tick: Tick, snapshot: ClusterSnapshot, _rows: Rows) -> Iterator[Subject]:
    brokers = snapshot.brokers
    for index, broker_id in enumerate(brokers.broker_id):
        yield Subject(
            labels_of(broker=broker_id),
            {
                "broker": broker_id,
                "leaders": brokers.leaders[index],
                "in_per_s": brokers.in_per_s[index],
                "under_replicated": brokers.under_replicated[index],
            },
        )


def _topics(_tick: Tick, snapshot: ClusterSnapshot, _rows: Rows) -> Iterator[Subject]:
    topics = snapshot.topics
    for index, name in enumerate(topics.name):
        yield Subject(
            labels_of(topic=name),
            {
                "topic": str(name),
                "internal": topics.internal[index],
                "partitions": topics.partitions[index],
                "replicas": topics.replicas[index],
                "under_replicated": topics.under_replicated[index],
                "offline": topics.offline[index],
                "records": topics.span[index],
                "in_per_s": topics.in_per_s[index],
                "groups": topics.groups[index],
            },
        )


def _groups(tick: Tick, snapshot: ClusterSnapshot, _rows: Rows) -> Iterator[Subject]:
    groups = snapshot.groups
    for index, group in enumerate(groups.group):
        late = groups.time_lag[index]
        yield Subject(
            labels_of(group=group),
            {
                "group": str(group),
                "state": groups.state[index],
                "kind": groups.kind[index],
                "members": groups.members[index],
                "topics": groups.topics[index],
                "lag": groups.lag[index],
                "lag_seconds": None if late.value_ms is None else late.value_ms / 1000,
                "lag_quality": late.quality.name.lower(),
                "unknown": groups.unknown[index],
                "lost": groups.lost[index],
                "out_per_s": groups.out_per_s[index],
                "catchup_seconds": _seconds(groups.eta_ms[index]),
                "status": groups.status[index].name.lower(),
                "status_seconds": (tick.sample.taken_ms - groups.status_since_ms[index]) / 1000,
                "rebalances": tick.engine.rebalances(group),
            },
        )


def _partitions(tick: Tick, _snapshot: ClusterSnapshot, rows: Rows) -> Iterator[Subject]:
    for group, of_group in rows.items():
        for row in of_group:
            labels = labels_of(group=group, topic=row.where.topic, partition=row.where.partition)
            yield Subject(
                labels,
                {
                    "group": str(group),
                    "topic": str(row.where.topic),
                    "partition": row.where.partition,
                    "committed": row.committed,
                    "start": row.bounds.start,
                    "end": tick.sample.ends.offset(row.where),
                    "lag": offset_lag(row.committed, row.bounds.start, row.bounds.end),
                    "lag_seconds": None if row.lag.value_ms is None else row.lag.value_ms / 1000,
                    "lag_quality": row.lag.quality.name.lower(),
                    "status": row.status.name.lower(),
                },
            )


def _seconds(duration_ms: float | None) -> float | None:
    return None if duration_ms is None or math.isinf(duration_ms) else duration_ms / 1000


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


_RATE: Final = "records a second written since the tick before"
_LAG: Final = "records between the commit and the end"
_LAG_SECONDS: Final = "age of the oldest unread record"
_QUALITY: Final = "`exact`, `interpolated`, `lower_bound` or `unknown`"
_STATUS: Final = "`ok`, `warn`, `stop`, `stall`, `rewind`, `nocommit`, `rebalancing`, `dead` or `notfound`"

SCOPES: Final[Mapping[str, Scope]] = {
    "cluster": Scope(
        {
            "brokers": "live brokers",
            "brokers_seen": "brokers that were ever seen, or that replicas name",
            "topics": "topics",
            "groups": "groups",
            "in_per_s": _RATE,
            "out_per_s": "records a second that groups moved past",
            "lag": "known lags of all groups",
            "under_replicated": "partitions",
            "offline": "partitions without a leader",
            "requests_per_s": "what kcon itself asks",
            "poll_seconds": "how long the look took",
        },
        _clusters,
    ),
    "broker": Scope(
        {
            "broker": "its id",
            "leaders": "partitions it leads",
            "in_per_s": _RATE,
            "under_replicated": "partitions it leads that lack replicas",
        },
        _brokers,
    ),
    "topic": Scope(
        {
            "topic": "its name",
            "internal": "Kafka's own",
            "partitions": "partitions",
            "replicas": "replication factor",
            "under_replicated": "partitions",
            "offline": "partitions without a leader",
            "records": "offsets between start and end",
            "in_per_s": _RATE,
            "groups": "groups with a commit in it",
        },
        _topics,
    ),
    "group": Scope(
        {
            "group": "its id",
            "state": "Kafka's word",
            "kind": "`classic`, `consumer`, `share`, ...",
            "members": "members",
            "topics": "topics with a commit",
            "lag": "known lags, summed",
            "lag_seconds": f"{_LAG_SECONDS}, the worst partition",
            "lag_quality": _QUALITY,
            "unknown": "partitions whose lag is unknown",
            "lost": "records that retention took before they were read",
            "out_per_s": "commits moved a second",
            "catchup_seconds": "until the lag is gone; null when it does not shrink",
            "status": _STATUS,
            "status_seconds": "since the status was first seen",
            "rebalances": "seen to begin",
        },
        _groups,
    ),
    "partition": Scope(
        {
            "group": "a group that reads it",
            "topic": "topic",
            "partition": "number",
            "committed": "committed offset",
            "start": "log start offset",
            "end": "end offset",
            "lag": _LAG,
            "lag_seconds": _LAG_SECONDS,
            "lag_quality": _QUALITY,
            "status": _STATUS,
        },
        _partitions,
    ),
}
"""By the word that a rule says after `on`."""
