"""What needs a person, and where does one look first? Read from one picture of the cluster; pure."""

from typing import Final, NamedTuple

from kcon.core.group_status import WEIGHT, GroupStatus
from kcon.core.ids import GroupId
from kcon.core.snapshot import NO_BROKER
from kcon.core.units import format_count_short
from kcon.core.wire_text import WireText
from kcon.observe.snapshot import ClusterSnapshot
from kcon.tui.address import Address, Group, Listing, Topics
from kcon.tui.lag_text import show_time_lag
from kcon.tui.text import age, plural, show_eta

NEEDS_MAX: Final = 50
_STATES: Final = frozenset(GroupStatus) - {GroupStatus.OK, GroupStatus.NOTFOUND}


class Need(NamedTuple):
    """One thing that a person should look at."""

    is_page: bool
    """It cannot wait."""
    subject: WireText | str
    what: str
    detail: str
    address: Address

    @property
    def level(self) -> str:
        """Return the word for how urgent it is."""
        return "page" if self.is_page else "warn"


def needs_of(snapshot: ClusterSnapshot) -> list[Need]:
    """Return what a person should look at, the worst first."""
    needs = [*_partitions(snapshot), *_groups(snapshot)]
    needs += [Need(False, "sampling", problem, "", Listing("brokers")) for problem in snapshot.problems]
    needs.sort(key=lambda need: not need.is_page)
    return needs[:NEEDS_MAX]


def _partitions(snapshot: ClusterSnapshot) -> list[Need]:
    needs = []
    offline = sum(snapshot.topics.offline)
    if offline:
        needs.append(Need(True, "no leader", plural(offline, "partition"), "nobody can write or read them", Topics()))
    missing = snapshot.brokers_seen - len(snapshot.cluster.brokers)
    if missing > 0:
        needs.append(Need(True, "brokers", f"{missing} missing", "", Listing("brokers")))
    if snapshot.cluster.controller_id == NO_BROKER:
        needs.append(Need(True, "controller", "there is none", "", Listing("quorum")))
    under = sum(snapshot.topics.under_replicated)
    if under:
        needs.append(
            Need(False, "replicas", f"{plural(under, 'partition')} under-replicated", _suspect(snapshot), _brokers())
        )
    return needs


def _brokers() -> Address:
    return Listing("brokers")


def _suspect(snapshot: ClusterSnapshot) -> str:
    """Say which leaders have partitions with too few replicas in sync."""
    brokers = snapshot.brokers
    leaders = [str(broker) for broker, count in zip(brokers.broker_id, brokers.under_replicated, strict=True) if count]
    return f"led by broker {', '.join(leaders)}" if leaders else ""


def _groups(snapshot: ClusterSnapshot) -> list[Need]:
    groups = snapshot.groups
    found: list[tuple[int, Need]] = []
    for index, group in enumerate(groups.group):
        if groups.lost[index]:
            text = f"{groups.lost[index]:,} records deleted before they were read"
            found.append((WEIGHT[GroupStatus.ERR] + 1, Need(True, group, "LOST", text, Group(group))))
        status = groups.status[index] if index < len(groups.status) else GroupStatus.NOTFOUND
        if status in _STATES:
            found.append((WEIGHT[status], _state(snapshot, index, group, status)))
    found.sort(key=lambda pair: -pair[0])
    return [need for _weight, need in found]


def _state(snapshot: ClusterSnapshot, index: int, group: GroupId, status: GroupStatus) -> Need:
    groups = snapshot.groups
    since = age(groups.status_since_ms[index], snapshot.taken_ms)
    word = "GROWS" if status is GroupStatus.WARN else status.name
    where = groups.status_at[index]
    parts = [] if where is None else [f"{where.topic}/{where.partition}"]
    lag = groups.lag[index]
    if lag is not None:
        parts.append(f"lag {format_count_short(lag)}")
    if groups.time_lag[index].value_ms is not None:
        parts.append(f"{show_time_lag(groups.time_lag[index])} old")
    if status is GroupStatus.WARN and groups.eta_ms[index] is not None:
        parts.append(f"eta {show_eta(groups.eta_ms[index])}")
    return Need(status.is_error, group, f"{word} {since}", "  ".join(parts), Group(group))
