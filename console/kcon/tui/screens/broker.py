"""What does one broker hold, and how is it set up? Its disks, its replicas, its settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult

from kcon.core.broker_facts import BrokerRow, LogDir
from kcon.core.config_entry import ConfigEntry, ConfigResource, ResourceType
from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.units import format_bytes_rate, format_rate
from kcon.core.wire_text import WireText
from kcon.errors import KconError, NotFoundError
from kcon.observe.controller import active_controller
from kcon.services.broker_metrics import BrokerLoad, read_broker_load
from kcon.services.session import Session
from kcon.tui.address import Records
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.brokers import used_share
from kcon.tui.screens.config_table import CONFIG_COLUMNS, alter_line, chosen_entries, config_rows, explain
from kcon.tui.screens.disk_columns import full_role, show_bytes, show_share
from kcon.tui.screens.tabbed import TabbedScreen
from kcon.tui.text import Line, Part, cut_middle, plural
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.tabs import Tab, TabLine
from kcon.tui.widgets.virtual_table import VirtualTable

DIR_COLUMNS = (
    Column(key="path", title="LOG DIR", flex=True, search=True),
    Column(key="replicas", title="REPLICAS", right=True, sums=True),
    Column(key="size", title="SIZE", right=True, width=9, show=show_bytes, sums=True),
    Column(key="total", title="VOLUME", right=True, width=9, show=show_bytes, drop=2),
    Column(key="usable", title="FREE", right=True, width=9, show=show_bytes, drop=1),
    Column(key="used", title="USED", right=True, width=5, show=show_share, role=full_role),
    Column(key="state", title="STATE", role=lambda value: "text" if value == "ok" else "bad"),
)
REPLICA_COLUMNS = (
    Column(key="where", title="TOPIC/P", flex=True, flex_wish=32, draw=cut_middle, search=True),
    Column(key="size", title="SIZE", right=True, width=9, show=show_bytes, sums=True),
    Column(key="behind", title="BEHIND", right=True, role=lambda value: "warn" if value else "text"),
    Column(key="leads", title="LEADS", drop=2),
    Column(key="note", title="NOTE", drop=1, role=lambda _value: "warn"),
    Column(key="dir", title="LOG DIR", drop=3, search=True, width_max=30),
)


@dataclass(frozen=True, slots=True)
class BrokerTold:
    """One broker at one moment."""

    row: BrokerRow
    is_controller: bool
    dirs: tuple[LogDir, ...] | KafkaError | None
    configs: Mapping[WireText, ConfigEntry] | KafkaError
    leads: frozenset[TopicPartition]
    load: BrokerLoad | None = None
    """What it tells of itself, where the context says where."""


class BrokerScreen(TabbedScreen):
    """One broker."""

    TITLE_WORD = "BROKER"
    ACTIONS = ("open", "filter", "sort", "yank", "every", "tab_1", "tab_2", "tab_3")
    COPIES = "oc"
    TAB_IDS = ("dirs", "replicas", "configs")
    DEFAULT_CSS = "BrokerScreen #explained { height: auto; max-height: 3; }"

    def __init__(self, broker_id: int) -> None:
        super().__init__()
        self._broker_id = broker_id
        self._told: BrokerTold | None = None
        self._every = False

    def body(self) -> ComposeResult:
        """Tabs and tables."""
        yield Lines(widget_id="load")
        yield TabLine()
        yield VirtualTable(DIR_COLUMNS, widget_id="dirs", empty="reading ...")
        yield VirtualTable(REPLICA_COLUMNS, widget_id="replicas", empty="it holds nothing", sort=("size", True))
        yield VirtualTable(CONFIG_COLUMNS, widget_id="configs", has_sums=False, empty="nothing was set")
        yield Lines(widget_id="explained")

    def mounted(self) -> None:
        """Begin to ask."""
        super().mounted()
        self.poll(f"describe broker {self._broker_id}", self._ask, self._take)

    async def _ask(self, session: Session) -> BrokerTold:
        admin = await session.admin()
        row = next((row for row in await admin.brokers() if row.id == self._broker_id), None)
        if row is None:
            raise NotFoundError(f"Broker {self._broker_id} is not registered.", "`kcon broker list` shows the brokers.")
        resource = ConfigResource(ResourceType.BROKER, WireText(str(self._broker_id)))
        topics = await admin.topics()
        return BrokerTold(
            row=row,
            is_controller=await active_controller(admin, await admin.cluster()) == self._broker_id,
            dirs=(await admin.log_dirs([self._broker_id])).get(self._broker_id),
            configs=(await admin.describe_configs([resource]))[resource],
            leads=frozenset(
                TopicPartition(topic.name, part.partition)
                for topic in topics
                for part in topic.partitions
                if part.leader_id == self._broker_id
            ),
            load=await _read_load(session, self._told.load if self._told is not None else None),
        )

    def _take(self, told: BrokerTold) -> None:
        self._told = told
        self.query_one("#load", Lines).set_lines(load_lines(told.load))
        dirs = told.dirs if isinstance(told.dirs, tuple) else ()
        self.query_one("#dirs", VirtualTable).set_rows(_dir_rows(dirs))
        self.query_one("#replicas", VirtualTable).set_rows(_replica_rows(dirs, told.leads))
        self._draw_configs()
        for what, error in (("disks", told.dirs), ("settings", told.configs)):
            if isinstance(error, KafkaError):
                self.complain(error.as_exception(f"{what} of broker {self._broker_id}"))
        self.draw_tabs()
        self.draw_frame()

    def _entries(self) -> list[ConfigEntry]:
        if self._told is None or isinstance(self._told.configs, KafkaError):
            return []
        return chosen_entries(self._told.configs.values(), every=self._every)

    def _draw_configs(self) -> None:
        self.query_one("#configs", VirtualTable).set_rows(config_rows(self._entries()))
        self._explain()

    @on(VirtualTable.CursorMoved, "#configs")
    def _explain(self) -> None:
        shown = self.TAB_IDS[self.tab] == "configs"
        self.query_one("#explained", Lines).set_lines(explain(self._entry_at_cursor()) if shown else [])

    def _entry_at_cursor(self) -> ConfigEntry | None:
        key = self.query_one("#configs", VirtualTable).cursor_key
        return next((entry for entry in self._entries() if entry.name == key), None)

    def to_tab(self, index: int) -> None:
        """Bring a tab to the front."""
        super().to_tab(index)
        self._explain()

    def crumbs(self) -> Sequence[Fact]:
        """Return the path to this view."""
        return (Fact("brokers"), Fact(str(self._broker_id)))

    def facts(self) -> Sequence[Fact]:
        """Address, rack, role."""
        told = self._told
        if told is None:
            return ()
        facts = [Fact(f"{told.row.host}:{told.row.port}", 4)]
        if told.row.rack is not None:
            facts.append(Fact(f"rack {told.row.rack}", 5))
        if told.row.fenced:
            facts.append(Fact("FENCED", 1, "bad"))
        if told.is_controller:
            facts.append(Fact("controller", 3))
        used = used_share(told.dirs) if isinstance(told.dirs, tuple) else None
        facts.append(Fact(f"leads {plural(len(told.leads), 'partition')}", 2))
        return [*facts, Fact(f"disk {show_share(used)}", 2, full_role(used))]

    def tabs(self) -> Sequence[Tab]:
        """Return the tabs."""
        told = self._told
        if told is None:
            return (Tab("Log dirs"), Tab("Replicas"), Tab("Configs"))
        dirs = told.dirs if isinstance(told.dirs, tuple) else ()
        return (
            Tab("Log dirs", str(len(dirs))),
            Tab("Replicas", str(sum(len(each.replicas) for each in dirs))),
            Tab("Configs", str(len(self._entries()))),
        )

    def tab_note(self) -> str:
        """Return the command of the CLI that says the same."""
        return f"= {self.cli_command()}"

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        verb = {"dirs": "logdirs", "replicas": "logdirs --replicas", "configs": "config"}[str(self.TAB_IDS[self.tab])]
        noun, *rest = verb.split()
        return " ".join(
            ["kcon broker", noun, str(self._broker_id), *rest, *(["--all"] if self._every and noun == "config" else [])]
        )

    def copy_text(self, letter: str) -> str | None:
        """Copy what is under the cursor."""
        if letter != "o":
            return super().copy_text(letter)
        key = self.table.cursor_key if self.table is not None else None
        return getattr(key, "raw", None) or (None if key is None else str(key))

    def do_every(self) -> None:
        """Show defaults too, or only what somebody set."""
        self._every = not self._every
        self._draw_configs()
        self.draw_tabs()

    @on(VirtualTable.Chosen, "#configs")
    def _change(self, _event: VirtualTable.Chosen) -> None:
        entry = self._entry_at_cursor()
        reason = self.why_not("edit")
        if entry is not None and entry.read_only:
            reason = "it needs a restart of the broker"
        if reason is not None:
            self.say(f"{self.console.keymap.shown('edit')} is off: {reason}.", bad=True)
        elif entry is not None:
            self.type_command(alter_line(f"broker config {self._broker_id}", entry))

    @on(VirtualTable.Chosen, "#replicas")
    def _open_records(self, event: VirtualTable.Chosen) -> None:
        if isinstance(event.key, TopicPartition):
            self.console.open(Records(event.key.topic, event.key.partition))


async def _read_load(session: Session, before: BrokerLoad | None) -> BrokerLoad | None:
    """Return what the broker tells of itself; None where that is not known, or nobody answers there."""
    url = session.context.metrics
    if url is None:
        return None
    try:
        return await read_broker_load(url, session.now_ms, before)
    except KconError:
        return None


def load_lines(load: BrokerLoad | None) -> list[Line]:
    """Return the panel of what a broker tells of itself: one line, or none."""
    if load is None:
        return []
    parts = [Part("  own metrics ", "dim")]
    for name, value in (
        ("in", None if load.bytes_in_per_s is None else format_bytes_rate(load.bytes_in_per_s)),
        ("out", None if load.bytes_out_per_s is None else format_bytes_rate(load.bytes_out_per_s)),
        ("records", None if load.records_in_per_s is None else format_rate(load.records_in_per_s)),
        ("produce", None if load.produce_per_s is None else format_rate(load.produce_per_s)),
        ("fetch", None if load.fetch_per_s is None else format_rate(load.fetch_per_s)),
        ("idle", None if load.idle is None else f"{load.idle:.0%}"),
        ("connections", None if load.connections is None else f"{load.connections:,}"),
        ("files", None if load.open_files is None else f"{load.open_files:,}"),
    ):
        parts += [Part(f"{name} ", "dim"), Part(f"{value or '—'}  ", "strong")]
    if load.failed_per_s:
        parts += [Part("failed ", "dim"), Part(format_rate(load.failed_per_s), "bad")]
    return [parts]


def _dir_rows(dirs: Sequence[LogDir]) -> Rows:
    return Rows(
        keys=[each.path for each in dirs],
        values={
            "path": [each.path for each in dirs],
            "replicas": [len(each.replicas) for each in dirs],
            "size": [each.size_bytes for each in dirs],
            "total": [each.total_bytes for each in dirs],
            "usable": [each.usable_bytes for each in dirs],
            "used": [used_share([each]) for each in dirs],
            "state": ["ok" if each.error is None else each.error.name for each in dirs],
        },
    )


def _replica_rows(dirs: Sequence[LogDir], leads: frozenset[TopicPartition]) -> Rows:
    pairs = [(each, replica) for each in dirs for replica in each.replicas]
    return Rows(
        keys=[replica.partition for _each, replica in pairs],
        values={
            "where": [f"{replica.partition.topic}/{replica.partition.partition}" for _each, replica in pairs],
            "size": [replica.size_bytes for _each, replica in pairs],
            "behind": [replica.offset_lag for _each, replica in pairs],
            "leads": [replica.partition in leads for _each, replica in pairs],
            "note": ["is being moved here" if replica.is_future else "" for _each, replica in pairs],
            "dir": [each.path for each, _replica in pairs],
        },
    )
