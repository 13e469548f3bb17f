"""What does one look at a group show? Its lag, how late each partition is, its settings, what can be taken back.

Runs on the engine's thread; what it returns is frozen and belongs to the screen.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from kcon.core.config_entry import ConfigEntry, ConfigResource, ResourceType
from kcon.core.ids import GroupId, MemberId, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.lag import PartitionLag
from kcon.errors import KconError
from kcon.gate.undo import UndoRecord
from kcon.observe.history_keys import COMMIT, END, GROUP_LAG, Mark, SeriesKey, commit_name, partition_name
from kcon.observe.lag_engine import (
    UNKNOWN_BOUNDS,
    Bounds,
    GroupReading,
    LagEngine,
    PartitionLateness,
    Rates,
    assigned_partitions,
)
from kcon.observe.past import Past, bucket_means
from kcon.observe.rings import Series
from kcon.services.groups import LagReport, group_lag
from kcon.services.session import Session
from kcon.services.typed_lag import SHARE, STREAMS, TypedLag, kind_of_group, share_lag, streams_lag
from kcon.services.undo import list_undo_records

EngineOf = Callable[[], LagEngine | None]
"""Returns what the sampler remembers; None before its first look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLook:
    """One group at one moment."""

    report: LagReport
    kind: str | None = None
    """`classic`, `consumer`, `share` or `streams`; None where it is not known."""
    sharers: Mapping[TopicPartition, int] = field(default_factory=dict)
    """Members of a share group that read a partition."""
    tasks: Mapping[MemberId, str] = field(default_factory=dict)
    """What each member of a streams group does."""
    undo: tuple[UndoRecord, ...] = ()
    configs: tuple[ConfigEntry, ...] | None = None
    """None where the cluster does not know any, or does not tell."""
    late: Mapping[TopicPartition, PartitionLateness] = field(default_factory=dict)
    rates: Mapping[TopicPartition, Rates] = field(default_factory=dict)
    """From the sampler's looks before this one."""


async def look_at_group(
    session: Session, group: GroupId, lag_engine_of: EngineOf, kind: str | None = None
) -> GroupLook:
    """Ask for everything that the view of a group shows. kind: what kind of group it is; None: the cluster is asked."""
    if kind is None:
        kind = await kind_of_group(session, group)
    if kind == SHARE:
        typed = await share_lag(session, group)
        configs = await _configs_of(session, group)
        return GroupLook(report=typed.report, kind=kind, configs=configs, sharers=typed.sharers)
    typed = (
        await streams_lag(session, group) if kind == STREAMS else TypedLag(report=await group_lag(session, [group.raw]))
    )
    report = typed.report
    undo = await list_undo_records(session, group)
    configs = await _configs_of(session, group)
    lag_engine = lag_engine_of()
    if lag_engine is None:
        return GroupLook(report=report, kind=kind, undo=tuple(undo), configs=configs, tasks=typed.tasks)
    now_ms = session.now_ms()
    late = lag_engine.rows(_reading(group, report), now_ms)
    return GroupLook(
        report=report,
        kind=kind,
        undo=tuple(undo),
        configs=configs,
        tasks=typed.tasks,
        late={each.where: each for each in late},
        rates={each.where: lag_engine.rates(group, each.where) for each in late},
    )


def _reading(group: GroupId, report: LagReport) -> GroupReading:
    described = report.groups.get(group)
    bounds = {row.partition: Bounds(row.start, row.end) for row in report.rows}
    return GroupReading(
        group=group,
        commits={row.partition: row.committed for row in report.rows if row.committed is not None},
        bounds_of=lambda where: bounds.get(where, UNKNOWN_BOUNDS),
        # What was assigned but could not be read is not without a commit.
        assigned=assigned_partitions(described) - {where for _group, where in report.partition_errors},
        state=described.state if described is not None else "",
        members=len(described.members) if described is not None else None,
    )


STRIP_MS: Final = 6 * 3_600_000
TREND_MS: Final = 600_000
TREND_POINTS: Final = 30
TRENDS_MAX: Final = 60
MARKS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupThen:
    """One group at a moment of the past."""

    look: GroupLook
    lags: Series
    """The lag of the hours before."""
    marks: tuple[Mark, ...]
    """What happened to it in these hours."""
    trends: Mapping[TopicPartition, tuple[float, ...]]
    """The lag of the minutes before, of the first partitions."""


def look_at_past_group(past: Past, group: GroupId, look_ms: int) -> GroupThen | None:
    """Return what the view of a group shows of the past; None when history does not know the group then."""
    told = past.group_at(group, look_ms)
    if told is None or told.description is None:
        return None
    report = LagReport(rows=list(told.rows), groups={group: told.description}, group_errors={}, partition_errors={})
    return GroupThen(
        look=GroupLook(report=report, late=told.late, rates=told.rates),
        lags=past_lags(past, group, look_ms),
        marks=past_marks(past, group, look_ms),
        trends={row.partition: _past_trend(past, row, look_ms) for row in told.rows[:TRENDS_MAX]},
    )


def past_lags(past: Past, group: GroupId, look_ms: int) -> Series:
    """Return the lag of a group over the hours before a look."""
    return past.reader.series(SeriesKey(GROUP_LAG, group), look_ms - STRIP_MS, look_ms + 1)


def past_strip(past: Past, group: GroupId, look_ms: int) -> tuple[Series, tuple[Mark, ...]]:
    """Return both: the lag of the hours before, and what happened in them."""
    return past_lags(past, group, look_ms), past_marks(past, group, look_ms)


def past_marks(past: Past, group: GroupId, look_ms: int) -> tuple[Mark, ...]:
    """Return what happened in the hours before a look: to the group, to the topics it read, and to all."""
    fact = past.group_fact(group, look_ms)
    names = {group.raw, "", "cluster", *((fact["reads"] or ()) if fact is not None else ())}
    marks = past.marks(look_ms - STRIP_MS, look_ms + 1, limit=MARKS_MAX)
    return tuple(mark for mark in marks if mark.subject.raw in names or mark.kind in {"broker", "note", "incident"})


def _past_trend(past: Past, row: PartitionLag, look_ms: int) -> tuple[float, ...]:
    since_ms = look_ms - TREND_MS
    name, where = commit_name(row.group, row.partition), partition_name(row.partition)
    ends = past.reader.series(SeriesKey(END, where), since_ms, look_ms + 1)
    commits = past.reader.series(SeriesKey(COMMIT, name), since_ms, look_ms + 1)
    committed = dict(zip(commits.times_ms, commits.values, strict=True))
    lags = [
        max(0.0, end - committed.get(at_ms, math.nan)) for at_ms, end in zip(ends.times_ms, ends.values, strict=True)
    ]
    return bucket_means(Series(ends.times_ms, tuple(lags)), look_ms, TREND_MS, TREND_POINTS)


async def _configs_of(session: Session, group: GroupId) -> tuple[ConfigEntry, ...] | None:
    """Return the group's own settings (KIP-848)."""
    resource = ConfigResource(ResourceType.GROUP, group)
    try:
        told = (await (await session.admin()).describe_configs([resource]))[resource]
    except KconError:
        return None
    return None if isinstance(told, KafkaError) else tuple(told.values())
