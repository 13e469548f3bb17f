"""Which columns do the tables of one group have, and what stands in their rows?"""

from collections.abc import Mapping, Sequence

from kcon.core.group_status import GroupStatus
from kcon.core.ids import MemberId, TopicPartition
from kcon.core.lag import PartitionLag
from kcon.core.snapshot import GroupMember
from kcon.core.sparkline import spark
from kcon.observe.lag_engine import PartitionLateness, Rates
from kcon.tui.lag_text import known_time_lag, show_status, show_time_lag, status_role, time_lag_role
from kcon.tui.rows import Column, Rows
from kcon.tui.text import UNKNOWN, cut_middle, plural, show_eta, show_rate

LOST = "LOST"
"""Retention took records before they were read; said before how the partition moves."""


def state_role(value: object) -> str:
    """Return the role of a partition's state."""
    name = str(value)
    if name == LOST:
        return "bad"
    return status_role(GroupStatus[name]) if name in GroupStatus.__members__ else "dim"


def draw_lags(value: object, width: int) -> str:
    """Draw the last lags of a partition."""
    return spark(value, width) if isinstance(value, tuple) else ""


PARTITION_COLUMNS = (
    Column(key="where", title="TOPIC/P", flex=True, flex_min=22, flex_wish=32, draw=cut_middle, search=True),
    Column(key="committed", title="COMMITTED", right=True, drop=5),
    Column(key="end", title="END", right=True, drop=6),
    Column(key="lag", title="LAG", right=True, sums=True, counts_unknown=True),
    Column(key="trend", title="10m", width=6, draw=draw_lags, drop=9, sort=False, role=lambda _value: "out"),
    Column(key="in", title="IN/s", right=True, width=8, show=show_rate, drop=8, sums=True),
    Column(key="out", title="OUT/s", right=True, width=8, show=show_rate, drop=7, sums=True),
    Column(key="time", title="TIME LAG", right=True, drop=2, show=show_time_lag, role=time_lag_role),
    Column(key="eta", title="ETA", right=True, width=7, show=show_eta, drop=4),
    Column(key="owner", title="OWNER", search=True, width_max=24, drop=3),
    Column(key="state", title="STATE", search=True, role=state_role, drop=1),
)
MEMBER_COLUMNS = (
    Column(key="client", title="CLIENT", search=True),
    Column(key="host", title="HOST", drop=2),
    Column(key="count", title="PARTITIONS", right=True),
    Column(key="assignment", title="ASSIGNMENT", flex=True, search=True, sort=False),
    Column(key="instance", title="INSTANCE", drop=3),
    Column(key="member", title="MEMBER", drop=4),
)


EVENT_COLUMNS = (
    Column(key="when", title="WHEN"),
    Column(key="what", title="WHAT", flex=True, search=True),
)


def partition_rows(
    rows: Sequence[PartitionLag],
    rates: Sequence[Rates],
    late: Sequence[PartitionLateness | None],
    *,
    trends: Sequence[tuple[float, ...]],
    etas: Sequence[float | None],
    sharers: Mapping[TopicPartition, int] | None = None,
) -> Rows:
    """Return the rows of the partitions' table; all sequences are in the order of `rows`.

    sharers: how many members of a share group read a partition.
    """
    return Rows(
        keys=[row.partition for row in rows],
        values={
            "where": [f"{row.partition.topic}/{row.partition.partition}" for row in rows],
            "committed": [row.committed for row in rows],
            "end": [row.end for row in rows],
            "lag": [row.lag for row in rows],
            "trend": trends,
            "in": [each.in_per_s for each in rates],
            "out": [each.out_per_s for each in rates],
            "time": [known_time_lag(each.lag if each else None) for each in late],
            "eta": etas,
            "owner": [_owner(row, (sharers or {}).get(row.partition, 0)) for row in rows],
            "state": [_state(row, each) for row, each in zip(rows, late, strict=True)],
        },
    )


def member_rows(members: Sequence[GroupMember], tasks: Mapping[MemberId, str] | None = None) -> Rows:
    """Return the rows of the members' table. tasks: what members of a streams group do."""
    doing = tasks or {}
    return Rows(
        keys=[member.member_id for member in members],
        values={
            "client": [member.client_id for member in members],
            "host": [member.host for member in members],
            "count": [len(member.assignment) for member in members],
            "assignment": [
                doing.get(member.member_id)
                or " ".join(f"{where.topic}/{where.partition}" for where in member.assignment)
                for member in members
            ],
            "instance": [member.instance_id for member in members],
            "member": [member.member_id for member in members],
        },
    )


def _owner(row: PartitionLag, sharers: int) -> str | None:
    if sharers > 1:
        return plural(sharers, "member")
    if row.client_id is None:
        return None
    return f"{row.client_id}@{str(row.host).removeprefix('/')}" if row.host is not None else str(row.client_id)


def _state(row: PartitionLag, late: PartitionLateness | None) -> str:
    if row.lost:
        return LOST
    return UNKNOWN if late is None else show_status(late.status)
