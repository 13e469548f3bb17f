"""`kcon top`: looks at the cluster again and again, and shows what matters most."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Final

from kcon.cli.document import Block, Column, Document, Item, Value, int64
from kcon.cli.invocation import Invocation
from kcon.cli.table import UNKNOWN, format_table
from kcon.commands.request import OutputFormat, Request
from kcon.commands.top import Top
from kcon.core.group_status import WEIGHT, GroupStatus
from kcon.core.sparkline import spark
from kcon.core.times import format_time
from kcon.core.units import format_count_short, format_duration, format_rate
from kcon.core.wire_text import WireText
from kcon.errors import ExitCode, UnreachableError
from kcon.observe.history_keys import GROUP_LAG, TOPIC_IN, SeriesKey
from kcon.observe.snapshot import ClusterSnapshot
from kcon.observe.worst import busiest_topics, worst_groups
from kcon.services.cluster_watch import ClusterWatch

TREND_CELLS: Final = 12
IDLE_FACTOR: Final = 3
"""The pause after a look is at least so many times as long as the look took."""
FIRST_PAUSE_MS: Final = 1_000
"""On a terminal the second look, which tells rates, comes soon."""

Trends = Mapping[SeriesKey, tuple[float, ...]]


def _rate(value: Value) -> str:
    return format_rate(value) if isinstance(value, int | float) else UNKNOWN


def _trend(value: Value) -> str:
    if not isinstance(value, list):
        return ""
    return spark([math.nan if each is None else float(each) for each in value], TREND_CELLS)


def _count(value: Value) -> str:
    return format_count_short(value) if isinstance(value, int) else UNKNOWN


_GROUPS = (
    Column(key="group"),
    Column(key="status"),
    Column(key="time", header="TIME LAG", right=True),
    Column(key="lag", right=True, show=_count),
    Column(key="trend", show=_trend, drop=3),
    Column(key="out_per_s", header="READS", right=True, show=_rate),
    Column(key="eta", header="ETA", right=True),
    Column(key="members", right=True, drop=1),
    Column(key="at", drop=2),
)
_TOPICS = (
    Column(key="topic"),
    Column(key="in_per_s", header="WRITES", right=True, show=_rate),
    Column(key="trend", show=_trend, drop=2),
    Column(key="share", right=True, show=lambda value: f"{value:.0%}" if isinstance(value, float) else UNKNOWN),
    Column(key="partitions", right=True),
    Column(key="groups", right=True, drop=1),
)


async def run_top(request: Request, invocation: Invocation) -> int:
    """Look until ctrl-C, or twice."""
    assert isinstance(request, Top)
    invocation.follows = not request.once
    async with invocation.open_session() as session:
        watch = ClusterWatch(session, records=not request.once)
        try:
            return await _watch(request, invocation, watch)
        finally:
            await watch.close()


async def _watch(request: Top, invocation: Invocation, watch: ClusterWatch) -> int:
    seen = await _look(invocation, watch)
    pause_ms, told = request.interval_ms, ""
    if not request.once:
        await _show(request, invocation, watch, seen)
        pause_ms = min(pause_ms, FIRST_PAUSE_MS) if invocation.writer.is_terminal else pause_ms
    while True:
        await asyncio.sleep(max(pause_ms, seen.duration_ms * IDLE_FACTOR) / 1000)
        try:
            seen = await _look(invocation, watch)
        except UnreachableError as error:
            if request.once:
                raise
            if error.message != told:
                invocation.diagnostics.note(error.message)  # What was seen stays on the screen; it may come back.
            told = error.message
        else:
            told = ""
            await _show(request, invocation, watch, seen)
        if request.once:
            return ExitCode.OK
        hurry_ms = watch.recording.interval_ms if watch.recording is not None else None
        pause_ms = min(request.interval_ms, hurry_ms or request.interval_ms)


async def _look(invocation: Invocation, watch: ClusterWatch) -> ClusterSnapshot:
    async with invocation.deadline():
        return await watch.look()


async def _show(request: Top, invocation: Invocation, watch: ClusterWatch, seen: ClusterSnapshot) -> None:
    trends: Trends = {}
    if not request.summary:
        keys = [SeriesKey(GROUP_LAG, seen.groups.group[index]) for index in worst_groups(seen.groups, request.rows)]
        keys += [SeriesKey(TOPIC_IN, seen.topics.name[index]) for index in busiest_topics(seen.topics, request.rows)]
        trends = await watch.trends(keys, seen.taken_ms, TREND_CELLS)
    is_live = invocation.writer.is_terminal and not request.once
    if is_live and invocation.writer.format in {OutputFormat.TABLE, OutputFormat.WIDE}:
        invocation.writer.clear_screen()
    invocation.show(top_document(request, invocation, seen, trends))


def top_document(
    request: Top, invocation: Invocation, seen: ClusterSnapshot, trends: "Trends | None" = None
) -> Document:
    """Return one look as an answer. trends: of the last hour; without them those of the snapshot are shown."""
    trends = trends or {}
    return Document(
        kind="Top",
        context=invocation.context.name,
        columns=_GROUPS,
        items=[_item(request, seen, format_time(seen.taken_ms, invocation.zone[0]), trends)],
        blocks=_blocks(request, invocation, seen, trends),
    )


# --- for scripts -----------------------------------------------------------------------------------------------


def _item(request: Top, seen: ClusterSnapshot, at: str, trends: Trends) -> Item:
    whole: dict[str, Value] = {
        "at": at,
        "look_ms": seen.duration_ms,
        "brokers": len(seen.cluster.brokers),
        "topics_count": len(seen.topics),
        "groups_count": len(seen.groups),
        "in_per_s": seen.in_series.last,
        "out_per_s": seen.out_series.last,
        "lag": None if (lag := seen.lag_series.last) is None else int64(round(lag)),
        "max_time_lag_ms": int64(_max_time_lag_ms(seen)),
        "not_ok": _not_ok(seen),
        "under_replicated": sum(seen.topics.under_replicated),
        "offline": sum(seen.topics.offline),
        "problems": list(seen.problems),
    }
    if request.summary:
        return whole
    return {
        **whole,
        "groups": [_group(seen, index, trends) for index in worst_groups(seen.groups, request.rows)],
        "topics": [_topic(seen, index, trends) for index in busiest_topics(seen.topics, request.rows)],
    }


def _max_time_lag_ms(seen: ClusterSnapshot) -> int | None:
    known = [lag.value_ms for lag in seen.groups.time_lag if lag.value_ms is not None]
    return max(known, default=None)


def _not_ok(seen: ClusterSnapshot) -> int:
    return sum(WEIGHT[status] > WEIGHT[GroupStatus.OK] for status in seen.groups.status)


def _trend_of(kind: str, name: WireText, sampled: Sequence[float], trends: Trends) -> list[Value]:
    """Return the values of the last hour, or as many of the last ones as were sampled; None where unknown."""
    values = trends.get(SeriesKey(kind, name)) or tuple(sampled[-TREND_CELLS:])
    return [None if math.isnan(value) else round(value, 3) for value in values]


def _group(seen: ClusterSnapshot, index: int, trends: Trends) -> dict[str, Value]:
    groups = seen.groups
    late, eta_ms, at = groups.time_lag[index], groups.eta_ms[index], groups.status_at[index]
    return {
        "group": groups.group[index],
        "status": groups.status[index].name,
        "state": groups.state[index],
        "members": groups.members[index],
        "lag": int64(groups.lag[index]),
        "unknown": groups.unknown[index],
        "lost": int64(groups.lost[index]),
        "time_lag_ms": int64(late.value_ms),
        "time_lag_quality": late.quality.name.lower(),
        "out_per_s": groups.out_per_s[index],
        "eta_ms": None if eta_ms is None or math.isinf(eta_ms) else int64(round(eta_ms)),
        "shrinks": None if eta_ms is None else not math.isinf(eta_ms),
        "partition": None if at is None else f"{at.topic}/{at.partition}",
        "trend": _trend_of(GROUP_LAG, groups.group[index], groups.trend[index], trends),
    }


def _topic(seen: ClusterSnapshot, index: int, trends: Trends) -> dict[str, Value]:
    topics, total = seen.topics, seen.in_series.last
    rate = topics.in_per_s[index]
    return {
        "topic": topics.name[index],
        "in_per_s": rate,
        "share": None if rate is None or not total else rate / total,
        "partitions": topics.partitions[index],
        "groups": topics.groups[index],
        "trend": _trend_of(TOPIC_IN, topics.name[index], topics.trend[index], trends),
    }


# --- for people ------------------------------------------------------------------------------------------------


def _blocks(request: Top, invocation: Invocation, seen: ClusterSnapshot, trends: Trends) -> list[Block]:
    width = invocation.environment.columns if invocation.writer.is_terminal else None
    blocks = [Block(text="\n".join(_summary(seen, format_time(seen.taken_ms, invocation.zone[0]))))]
    if request.summary:
        return blocks
    groups: list[Item] = []
    for index in worst_groups(seen.groups, request.rows):
        row, late = _group(seen, index, trends), seen.groups.time_lag[index]
        time = late.quality.mark if late.value_ms is None else f"{format_duration(late.value_ms)} {late.quality.mark}"
        groups.append({**row, "time": time, "eta": _eta(seen.groups.eta_ms[index]), "at": row["partition"] or ""})
    topics: list[Item] = [_topic(seen, index, trends) for index in busiest_topics(seen.topics, request.rows)]
    for columns, rows in ((_GROUPS, groups), (_TOPICS, topics)):
        if rows:
            blocks.append(Block(text=format_table(columns, rows, width=width, headers=True)))
    return blocks


def _eta(eta_ms: float | None) -> str:
    if eta_ms is None:
        return UNKNOWN
    return "never" if math.isinf(eta_ms) else format_duration(eta_ms)


def _summary(seen: ClusterSnapshot, at: str) -> list[str]:
    lag, late_ms = seen.lag_series.last, _max_time_lag_ms(seen)
    lines = [
        (
            f"{at} | brokers {len(seen.cluster.brokers)}/{seen.brokers_seen} | {len(seen.topics):,} topics "
            f"{len(seen.groups):,} groups"
        ),
        (
            f"in {_rate(seen.in_series.last)} | out {_rate(seen.out_series.last)} | lag "
            f"{UNKNOWN if lag is None else format_count_short(lag)} | max time lag "
            f"{UNKNOWN if late_ms is None else format_duration(late_ms)}"
        ),
        (
            f"groups not ok {_not_ok(seen)} | under-replicated {sum(seen.topics.under_replicated)} | offline "
            f"{sum(seen.topics.offline)} | look {format_duration(seen.duration_ms)}"
        ),
    ]
    return [*lines, *seen.problems]
