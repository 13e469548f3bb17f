"""Do groups keep up? Lag in records, and in time without reading a record where the brokers' time index tells.

Whether a partition is late is one question of ListOffsets a broker: the first record that is young enough lies behind
the commit, or not. Records are looked at only to say how late the worst ones are.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from kcon.admin.client import Admin
from kcon.core.check_result import CheckResult, CheckStatus, Measure
from kcon.core.frozen import Frozen
from kcon.core.ids import GroupId, TopicPartition, group_id
from kcon.core.lag import PartitionLag, sum_lag
from kcon.core.offset_query import Timestamp
from kcon.core.snapshot import OffsetAt, OffsetResult
from kcon.core.time_lag import Probe
from kcon.core.units import format_count, format_duration
from kcon.core.wire_text import display_safe
from kcon.services.groups import group_lag
from kcon.services.session import Session

PROBES_A_GROUP: Final = 5
PROBES_MAX: Final = 100
"""Batches fetched in all to say how late something is."""
NO_RECORD: Final = -1


class LagLimits(Frozen):
    """The largest lags that pass; None: any."""

    max_lag: int | None = None
    """Records, summed over the group's partitions."""
    max_time_lag_ms: int | None = None
    """The age of the oldest record that is not read yet."""


async def check_lag(session: Session, names: Sequence[str], limits: LagLimits) -> list[CheckResult]:
    """Return one result a group, sorted by id; names are globs. KconError when the cluster cannot be asked."""
    admin = await session.admin()
    report = await group_lag(session, names)
    rows = [_settled(row) for row in report.rows]
    now_ms = session.now_ms()
    young: Mapping[TopicPartition, OffsetResult] = {}
    if limits.max_time_lag_ms is not None:
        places = list(dict.fromkeys(row.partition for row in rows if row.lag))
        young = await admin.list_offsets(places, Timestamp(max(0, now_ms - limits.max_time_lag_ms)))
    by_group: dict[GroupId, list[PartitionLag]] = {group: [] for group in report.groups}
    for row in rows:
        by_group.setdefault(row.group, []).append(row)
    results = []
    left = PROBES_MAX
    for group, mine in sorted(by_group.items(), key=lambda item: item[0].raw):
        late = _Lateness(mine, young, limits)
        places_to_look = late.places(min(left, PROBES_A_GROUP))
        left -= len(places_to_look)
        late.take(await _probe(admin, places_to_look), now_ms)
        results.append(_judge(group, mine, late, limits))
    for failed, error in report.group_errors.items():
        results.append(CheckResult(subject=str(failed), status=CheckStatus.UNKNOWN, detail=error.message))
    for broker_id, problem in report.broker_errors.items():
        detail = f"Its groups are missing: {problem.message}"
        results.append(CheckResult(subject=f"broker {broker_id}", status=CheckStatus.UNKNOWN, detail=detail))
    if not results:
        wanted = " ".join(display_safe(str(group_id(name))) for name in names)
        results.append(CheckResult(subject=wanted, status=CheckStatus.UNKNOWN, detail="No group matches."))
    return results


def _settled(row: PartitionLag) -> PartitionLag:
    """Take a partition without a commit and without a record as read: nobody could have committed there."""
    is_empty = row.committed is None and row.end is not None and row.end <= (row.start or 0)
    return row._replace(lag=0) if is_empty else row


async def _probe(admin: Admin, places: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, object]:
    return await admin.probe_times(places) if places else {}


class _Lateness:
    """Which partitions of one group have a record that waits for too long, and for how long the worst one does."""

    def __init__(
        self, rows: Sequence[PartitionLag], young: Mapping[TopicPartition, OffsetResult], limits: LagLimits
    ) -> None:
        self.limit_ms = limits.max_time_lag_ms
        self.late: list[PartitionLag] = []
        self.unknown = 0
        self.worst_ms: int | None = None
        """Of what was looked at; None: nothing was."""
        self._behind = sorted((row for row in rows if row.lag), key=lambda row: row.lag or 0, reverse=True)
        if self.limit_ms is None:
            return
        for row in self._behind:
            told = young.get(row.partition)
            if not isinstance(told, OffsetAt):
                self.unknown += 1
            elif told.offset == NO_RECORD or next_offset(row) < told.offset:
                self.late.append(row)
        self.unknown += sum(row.lag is None for row in rows)

    def places(self, count: int) -> dict[TopicPartition, int]:
        """Return where to look, the late ones first."""
        if self.limit_ms is None:
            return {}
        rows = [*self.late, *(row for row in self._behind if row not in self.late)]
        return {row.partition: next_offset(row) for row in rows[:count]}

    def take(self, probes: Mapping[TopicPartition, object], now_ms: int) -> None:
        """Take in what was found: how late, and gaps that only looked late (markers, compaction)."""
        limit_ms = self.limit_ms or 0
        for row in list(self.late):
            probe = probes.get(row.partition, row)
            if probe is None:
                self.late.remove(row)  # A transaction's marker stands there, and nothing that could be read.
            elif isinstance(probe, Probe) and probe.is_compacted and now_ms - probe.base_timestamp_ms <= limit_ms:
                self.late.remove(row)
        late = {row.partition for row in self.late}
        for where, found in probes.items():
            if isinstance(found, Probe):
                # The brokers' index is exact; a place within a batch is only on the line through its times.
                age_ms = max(0, now_ms - found.timestamp_ms)
                age_ms = max(age_ms, limit_ms + 1) if where in late else min(age_ms, limit_ms)
                self.worst_ms = max(self.worst_ms or 0, age_ms)
        if self.limit_ms is not None and not self._behind and not self.unknown:
            self.worst_ms = 0


def next_offset(row: PartitionLag) -> int:
    """Return where the group reads on."""
    return max(row.committed or 0, row.start or 0)


def _judge(group: GroupId, rows: Sequence[PartitionLag], late: _Lateness, limits: LagLimits) -> CheckResult:
    if not rows:
        detail = "It has neither a commit nor a partition assigned."
        return CheckResult(subject=str(group), status=CheckStatus.UNKNOWN, detail=detail)
    total = sum_lag(rows)
    parts = [f"lag {format_count(total.lag)}"]
    is_over = limits.max_lag is not None and total.lag > limits.max_lag
    if limits.max_lag is not None and is_over:
        parts[0] += f" above {format_count(limits.max_lag)}"
    if late.limit_ms is not None and late.late:
        first = late.late[0].partition
        more = f" and {len(late.late) - 1} more" if len(late.late) > 1 else ""
        age = f" ({format_duration(late.worst_ms)})" if late.worst_ms is not None else ""
        parts.append(f"older than {format_duration(late.limit_ms)}{age} in {first.topic}/{first.partition}{more}")
    elif late.worst_ms is not None:
        parts.append(f"oldest unread {format_duration(late.worst_ms)}")
    unknown = max(total.unknown, late.unknown)
    if unknown:
        parts.append(f"{unknown} partition{'' if unknown == 1 else 's'} unknown")
    if total.lost:
        parts.append(f"{format_count(total.lost)} records lost to retention")
    measures = [Measure("lag", total.lag, limits.max_lag)]
    if late.worst_ms is not None:
        measures.append(Measure("time_lag_ms", late.worst_ms, limits.max_time_lag_ms, "ms"))
    status = CheckStatus.UNKNOWN if unknown else CheckStatus.OK
    if is_over or late.late:
        status = CheckStatus.FAILED
    return CheckResult(subject=str(group), status=status, detail=", ".join(parts), measures=tuple(measures))
