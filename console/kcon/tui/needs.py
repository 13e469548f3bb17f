"""What needs a person, and where does one look first? Read from one picture of the cluster; pure."""

from typing import TYPE_CHECKING, Final, NamedTuple

from kcon.core.group_status import WEIGHT, GroupStatus
from kcon.core.ids import GroupId
from kcon.core.snapshot import NO_BROKER
from kcon.core.units import format_count_short, format_duration
from kcon.core.wire_text import WireText
from kcon.observe.snapshot import ClusterSnapshot
from kcon.tui.address import Address, Broker, Group, Listing, Topics
from kcon.tui.lag_text import show_time_lag
from kcon.tui.text import age, plural, show_eta

if TYPE_CHECKING:
    from kcon.services.standing import Standing

FULL_SHARE: Final = 0.9
"""A volume that is as full as this needs somebody,"""
FULL_SOON_MS: Final = 24 * 3_600_000
"""and so does one that will be full within so long."""
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
    def key(self) -> tuple[str, str]:
        """Return what makes it a row of its own, look after look."""
        return str(self.address), self.what or self.detail

    @property
    def level(self) -> str:
        """Return the word for how urgent it is."""
        return "page" if self.is_page else "warn"


def needs_of(snapshot: ClusterSnapshot, standing: "Standing | None" = None) -> list[Need]:
    """Return what a person should look at, the worst first. standing: what changes slowly, where it is known."""
    needs = [*_partitions(snapshot, standing), *_standing(snapshot, standing), *_groups(snapshot)]
    needs += [Need(False, "sampling", "", problem, Listing("brokers")) for problem in snapshot.problems]
    needs.sort(key=lambda need: not need.is_page)
    return needs[:NEEDS_MAX]


def _partitions(snapshot: ClusterSnapshot, standing: "Standing | None") -> list[Need]:
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
            Need(
                False,
                "replicas",
                f"{plural(under, 'partition')} under-replicated",
                _suspect(snapshot, standing),
                _brokers(),
            )
        )
    return needs


def _standing(snapshot: ClusterSnapshot, standing: "Standing | None") -> list[Need]:
    if standing is None:
        return []
    needs = []
    # Half a minute old: what the last look at the partitions does not bear out any more is left out.
    under = len(standing.health.under_min_isr) if sum(snapshot.topics.under_replicated) else 0
    if under:
        suspects = sorted(standing.health.suspects)
        where: Address = Broker(suspects[0]) if len(suspects) == 1 else Listing("brokers")
        text = f"writes with acks=all fail; all wait on broker {', '.join(map(str, suspects))}"
        needs.append(Need(True, "min ISR", plural(under, "partition"), text, where))
    for each in standing.hanging:
        producer = each.producer
        since = age(producer.last_timestamp_ms, snapshot.taken_ms)
        place = f"{producer.partition.topic}/{producer.partition.partition}/{producer.txn_start_offset}"
        name = each.transactional_id or f"producer {producer.producer_id}"
        needs.append(Need(True, name, f"HANGS {since}", f"readers wait at {place}", Listing("transactions")))
    for volume in standing.volumes:
        if volume.error is not None:
            needs.append(
                Need(True, f"broker {volume.broker_id}", "DISK OFFLINE", str(volume.path), Broker(volume.broker_id))
            )
            continue
        used = None if volume.free_share is None else 1 - volume.free_share
        soon = volume.full_in_ms is not None and volume.full_in_ms < FULL_SOON_MS
        if used is not None and (used >= FULL_SHARE or soon):
            text = f"full in {format_duration(volume.full_in_ms)}" if volume.full_in_ms is not None else ""
            needs.append(
                Need(False, f"broker {volume.broker_id}", f"disk {used:.0%} full", text, Broker(volume.broker_id))
            )
    return needs


def _brokers() -> Address:
    return Listing("brokers")


def _suspect(snapshot: ClusterSnapshot, standing: "Standing | None") -> str:
    """Say which brokers are behind; before that is known, who leads what they should hold."""
    if standing is not None and standing.health.suspects:
        return f"all wait on broker {', '.join(map(str, sorted(standing.health.suspects)))}"
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
