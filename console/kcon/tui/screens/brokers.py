"""Which brokers are there, what do they carry, and how full are their disks?"""

from collections.abc import Sequence
from typing import Any

from textual import on

from kcon.core.broker_facts import LogDir
from kcon.observe.past import Past
from kcon.services.brokers import BrokersFound, read_brokers
from kcon.services.past import past_brokers_found
from kcon.services.session import Session
from kcon.tui.address import Broker
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.disk_columns import full_role, show_bytes, show_full_in, show_share
from kcon.tui.screens.listing import ListingScreen
from kcon.tui.text import plural, show_rate
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable


def state_role(value: object) -> str:
    """Return the role of a broker's state."""
    return "bad" if value in {"fenced", "GONE", "DISK OFFLINE"} else "text"


class BrokersScreen(ListingScreen):
    """All brokers."""

    TITLE_WORD = "BROKERS"
    SHOWS_PAST = True
    ACTIONS = ("open", "filter", "sort", "yank", "elect")
    COPIES = "oc"
    EMPTY = "no brokers"
    COLUMNS = (
        Column(key="broker", title="BROKER", right=True, show=str),
        Column(key="host", title="HOST", flex=True, search=True),
        Column(key="rack", title="RACK", search=True, drop=8),
        Column(key="leaders", title="LEADERS", right=True, sums=True),
        Column(key="replicas", title="REPLICAS", right=True, sums=True, drop=5),
        Column(key="behind", title="URP", right=True, sums=True, role=lambda value: "warn" if value else "text"),
        Column(key="in", title="IN/s", right=True, width=8, show=show_rate, sums=True, drop=2),
        Column(key="size", title="SIZE", right=True, width=9, show=show_bytes, sums=True, drop=3),
        Column(key="used", title="DISK", right=True, width=5, show=show_share, role=full_role, drop=4),
        Column(key="full", title="FULL IN", right=True, drop=9, show=show_full_in),
        Column(key="state", title="STATE", search=True, role=state_role, drop=1),
    )

    def past_reader(self, past: Past, look_ms: int) -> BrokersFound:
        """Read the brokers as they were."""
        return past_brokers_found(past, look_ms)

    async def read(self, session: Session) -> BrokersFound:
        """Ask the cluster."""
        return await read_brokers(session)

    def notes_of(self, told: Any) -> Sequence[str]:
        """Return what could not be read."""
        return list(told.problems)

    def facts(self) -> Sequence[Fact]:
        """Count them."""
        return () if self.told is None else (Fact(plural(len(self.told.rows), "broker"), 2),)

    def rows_of(self, told: Any) -> Rows:
        """Return a row a broker."""
        found: BrokersFound = told
        snapshot = self.console.snapshot
        standing = self.console.standing
        rates = dict(zip(snapshot.brokers.broker_id, snapshot.brokers.in_per_s, strict=True)) if snapshot else {}
        loads = [found.loads(row.id) for row in found.rows]
        dirs = [_dirs(found, row.id) for row in found.rows]
        return Rows(
            keys=[row.id for row in found.rows],
            values={
                "broker": [row.id for row in found.rows],
                "host": [f"{row.host}:{row.port}" for row in found.rows],
                "rack": [row.rack for row in found.rows],
                "leaders": [load["leaders"] for load in loads],
                "replicas": [load["replicas"] for load in loads],
                "behind": [load["out_of_sync"] for load in loads],
                "in": [rates.get(row.id) for row in found.rows],
                "size": [None if each is None else sum(one.size_bytes for one in each) for each in dirs],
                "used": [None if each is None else used_share(each) for each in dirs],
                "full": [None if standing is None else standing.full_in_ms(row.id) for row in found.rows],
                "state": [
                    _state(row.fenced, row.id == found.controller_id, each)
                    for row, each in zip(found.rows, dirs, strict=True)
                ],
            },
        )

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon broker list"

    @on(VirtualTable.Chosen)
    def _open(self, event: VirtualTable.Chosen) -> None:
        if isinstance(event.key, int):
            self.console.open(Broker(event.key))

    def do_elect(self) -> None:
        """Show which partitions another leader would get."""
        self.plan("cluster", "elect")


def _dirs(found: BrokersFound, broker_id: int) -> tuple[LogDir, ...] | None:
    told = found.log_dirs.get(broker_id)
    return told if isinstance(told, tuple) else None


def used_share(dirs: Sequence[LogDir]) -> float | None:
    """Return how full the fullest volume is; None when no broker says."""
    shares = [
        1 - each.usable_bytes / each.total_bytes
        for each in dirs
        if each.total_bytes and each.usable_bytes is not None and each.error is None
    ]
    return max(shares) if shares else None


def _state(fenced: bool | None, controller: bool, dirs: Sequence[LogDir] | None) -> str:
    if fenced:
        return "fenced"
    if dirs is not None and any(each.error is not None for each in dirs):
        return "DISK OFFLINE"
    if fenced is None and dirs is None:
        return "controller" if controller else ""  # Of the past.
    return "controller" if controller else "ok"
