"""Which columns do the tables of one group have?"""

from kcon.core.group_status import GroupStatus
from kcon.tui.lag_text import show_time_lag, status_role, time_lag_role
from kcon.tui.plot import spark
from kcon.tui.rows import Column
from kcon.tui.text import cut_middle, show_eta, show_rate

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
    Column(key="where", title="TOPIC/P", flex=True, flex_min=22, draw=cut_middle, search=True),
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
