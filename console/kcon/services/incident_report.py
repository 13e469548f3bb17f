"""What happened in an incident, for people to read? A timeline in Markdown: the worst, what changed, what was noted."""

import math
from datetime import tzinfo
from typing import Final

from kcon.core.group_status import GroupStatus
from kcon.core.sparkline import spark
from kcon.core.times import format_clock, format_time
from kcon.core.units import format_count_short, format_duration, format_rate
from kcon.core.wire_text import WireText
from kcon.observe.history_keys import CLUSTER, GROUP_LAG, Incident, SeriesKey
from kcon.observe.moment_diff import differences
from kcon.observe.past import bucket_means
from kcon.observe.rings import Series
from kcon.services.history import ClusterPast

WIDTH: Final = 40
GROUPS_MAX: Final = 10
MARKS_MAX: Final = 500
DIFFERENCES_MAX: Final = 100


def incident_markdown(past: ClusterPast, incident: Incident, end_ms: int, tz: tzinfo) -> str:
    """Return the timeline of an incident up to `end_ms`. Times are in `tz`."""
    since, until = (format_time(each, tz, milliseconds=False) for each in (incident.start_ms, end_ms))
    ended = "" if incident.end_ms is not None else " (it goes on)"
    lines = [
        f"# Incident {_cell(incident.name)}",
        "",
        f"From {since} to {until}, {format_duration(end_ms - incident.start_ms)}{ended}.",
        "",
    ]
    lines += _course(past, incident.start_ms, end_ms)
    lines += _groups(past, incident.start_ms, end_ms)
    lines += _timeline(past, incident.start_ms, end_ms, tz)
    lines += _differences(past, incident.start_ms, end_ms)
    return "\n".join(lines) + "\n"


def _course(past: ClusterPast, start_ms: int, end_ms: int) -> list[str]:
    rows = []
    for name, title, show in (("in", "written", format_rate), ("out", "read", format_rate), ("lag", "lag", _count)):
        series = past.reader.series(SeriesKey(CLUSTER, WireText(name)), start_ms, end_ms + 1)
        known = _known(series)
        if known:
            rows.append(
                f"| {title} | `{_spark(series, start_ms, end_ms)}` | {show(min(known))} | {show(max(known))} "
                f"| {show(known[-1])} |"
            )
    if not rows:
        return ["Nobody looked at the cluster in that time.", ""]
    return [
        "## Course",
        "",
        "| records | from beginning to end | least | most | last |",
        "|---|---|--:|--:|--:|",
        *rows,
        "",
    ]


def _groups(past: ClusterPast, start_ms: int, end_ms: int) -> list[str]:
    worst = []
    for key in past.reader.keys(GROUP_LAG):
        series = past.reader.series(key, start_ms, end_ms + 1)
        known = _known(series)
        if known and max(known) > 0:
            worst.append((max(known), key.name, series, known[-1]))
    worst.sort(key=lambda each: each[0], reverse=True)
    if not worst:
        return []
    end = past.snapshot_at(end_ms)
    statuses: dict[WireText, GroupStatus] = {}
    if end is not None:
        statuses = dict(zip(end.groups.group, end.groups.status, strict=True))
    rows = [
        f"| {_cell(name)} | `{_spark(series, start_ms, end_ms)}` | {_count(most)} | {_count(last)} "
        f"| {statuses[name].name if name in statuses else '—'} |"
        for most, name, series, last in worst[:GROUPS_MAX]
    ]
    more = [f"And {len(worst) - GROUPS_MAX} more groups with lag.", ""] if len(worst) > GROUPS_MAX else []
    return ["## Groups", "", "| group | lag | most | at the end | status |", "|---|---|--:|--:|---|", *rows, "", *more]


def _timeline(past: ClusterPast, start_ms: int, end_ms: int, tz: tzinfo) -> list[str]:
    marks = past.marks(start_ms, end_ms + 1)
    shown = marks[:MARKS_MAX]
    rows = [f"| {format_clock(mark.at_ms, tz)} | {mark.kind} | {_cell(mark.text)} |" for mark in shown]
    more = [f"And {len(marks) - len(shown)} more.", ""] if len(marks) > len(shown) else []
    if not rows:
        return ["## Timeline", "", "Nothing was marked.", ""]
    return ["## Timeline", "", "| time | what | |", "|---|---|---|", *rows, "", *more]


def _differences(past: ClusterPast, start_ms: int, end_ms: int) -> list[str]:
    before, after = past.snapshot_at(start_ms), past.snapshot_at(end_ms)
    if before is None:
        first = past.reader.series(SeriesKey("look", WireText("")), start_ms, end_ms + 1).times_ms[:1]
        before = past.snapshot_at(first[0]) if first else None
    if before is None or after is None:
        return []
    found = [each for each in differences(past, before, after) if each.what != "offsets"]
    rows = [
        f"| {each.kind} | {_cell(each.name)} | {each.what} | {_cell(each.before)} | {_cell(each.after)} |"
        for each in found[:DIFFERENCES_MAX]
    ]
    if not rows:
        return []
    return ["## Beginning and end", "", "| | | | beginning | end |", "|---|---|---|---|---|", *rows, ""]


def _spark(series: Series, start_ms: int, end_ms: int) -> str:
    return spark(bucket_means(series, end_ms, max(1, end_ms - start_ms), WIDTH), WIDTH)


def _known(series: Series) -> list[float]:
    return [value for value in series.values if not math.isnan(value)]


def _count(value: float) -> str:
    return format_count_short(value)


def _cell(value: "str | WireText | None") -> str:
    """Write text into a cell of a table: what Markdown would act on is escaped."""
    text = "—" if value is None else str(value)
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!~" else char for char in text)
