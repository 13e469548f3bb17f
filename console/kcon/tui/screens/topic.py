"""What is in one topic, where do its partitions lie, who reads it, and how fast does it grow?"""

import shlex
from collections.abc import Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from kcon.core.config_entry import ConfigEntry
from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.snapshot import NO_BROKER
from kcon.core.wire_text import WireText
from kcon.observe.rings import Rings, Series
from kcon.services.session import Session
from kcon.services.topics import TopicDescription
from kcon.tui.address import Group, Records
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.config_table import CONFIG_COLUMNS, alter_line, chosen_entries, config_rows, explain
from kcon.tui.screens.disk_columns import show_bytes, show_share
from kcon.tui.screens.groups import state_role
from kcon.tui.screens.tabbed import TabbedScreen
from kcon.tui.screens.topics import TREND_WIDTH, draw_trend
from kcon.tui.text import UNKNOWN, cut_middle, plural, show, show_rate
from kcon.tui.topic_reading import TopicReading, read_topic
from kcon.tui.widgets.chart import Chart
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.tabs import Tab, TabLine
from kcon.tui.widgets.virtual_table import VirtualTable

RATE_WINDOW_MS = 10_000
TICKS = 900

PARTITION_COLUMNS = (
    Column(key="partition", title="PARTITION", right=True),
    Column(key="leader", title="LEADER", right=True, drop=2),
    Column(key="epoch", title="EPOCH", right=True, drop=6),
    Column(key="replicas", title="REPLICAS", drop=5, sort=False),
    Column(key="isr", title="ISR", drop=4, sort=False),
    Column(key="start", title="START", right=True, drop=3),
    Column(key="end", title="END", right=True),
    Column(key="span", title="OFFSETS", right=True, sums=True, counts_unknown=True),
    Column(key="in", title="IN/s", right=True, width=8, show=show_rate, sums=True),
    Column(
        key="trend", title="TREND", width=TREND_WIDTH, draw=draw_trend, drop=9, role=lambda _value: "in", sort=False
    ),
    Column(key="share", title="SHARE", right=True, width=5, show=show_share, drop=7),
    Column(key="size", title="SIZE", right=True, width=9, show=show_bytes, sums=True, drop=8),
    Column(
        key="state",
        title="STATE",
        flex=True,
        flex_min=24,
        search=True,
        drop=1,
        role=lambda value: "bad" if value else "text",
    ),
)
READER_COLUMNS = (
    Column(key="group", title="GROUP", flex=True, draw=cut_middle, search=True),
    Column(key="state", title="STATE", role=state_role, drop=1),
    Column(key="lag", title="LAG OF ALL ITS TOPICS", right=True),
)


class TopicScreen(TabbedScreen):
    """One topic."""

    TITLE_WORD = "TOPIC"
    ACTIONS = (
        "open",
        "records",
        "filter",
        "sort",
        "yank",
        "every",
        "produce",
        "delete_topics",
        "more_partitions",
        "zoom_in",
        "zoom_out",
        "tab_1",
        "tab_2",
        "tab_3",
    )
    COPIES = "oc"
    TAB_IDS = ("partitions", "configs", "readers")
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-tall")]
    DEFAULT_CSS = """
    TopicScreen {
        #charts { height: 35%; min-height: 6; max-height: 14; }
        &.-low #charts { display: none; }
    }
    """

    def __init__(self, name: TopicName) -> None:
        super().__init__()
        self._name_shown = name
        self._ends: Rings[TopicPartition] = Rings(TICKS)
        self._rates: Rings[TopicPartition] = Rings(TREND_WIDTH)
        self._rate: Rings[str] = Rings(TICKS)
        self._described: TopicDescription | None = None
        self._sizes: Mapping[int, int] = {}
        self._configs: Mapping[WireText, ConfigEntry] | None = None
        self._every = False

    def body(self) -> ComposeResult:
        """A chart, tabs, tables."""
        with Horizontal(id="charts"):
            yield Chart("IN", "in", widget_id="chart")
            yield Chart("OUT", "out", widget_id="chart-out")
        yield TabLine()
        yield VirtualTable(PARTITION_COLUMNS, widget_id="partitions", empty="reading the partitions")
        yield VirtualTable(CONFIG_COLUMNS, widget_id="configs", has_sums=False, empty="all from the cluster's defaults")
        yield VirtualTable(READER_COLUMNS, widget_id="readers", has_sums=False, empty="no group has a commit here")
        yield Lines(widget_id="explained")

    def mounted(self) -> None:
        """Begin to ask."""
        super().mounted()
        self.poll(f"describe topic {self._name_shown}", self._ask, self._told)

    def crumbs(self) -> Sequence[Fact]:
        """Return the path to this view."""
        return (Fact("topics"), Fact(self._name_shown))

    def facts(self) -> Sequence[Fact]:
        """Partitions, replicas, offsets, rate."""
        described = self._described
        if described is None:
            return ()
        topic = described.topic
        rate = self._rate.series("in").last
        size = sum(self._sizes.values()) if self._sizes else None
        return (
            Fact(plural(len(topic.partitions), "partition"), 3),
            Fact(f"RF {topic.replication_factor}", 5),
            Fact(f"{show(described.span)} offsets", 1),
            Fact(f"in {show_rate(rate)}", 2),
            Fact(show_bytes(size), 4),
        )

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        from kcon.tui.command_line import quoted

        return f"kcon topic describe {quoted(self._name_shown.raw)}"

    def copy_text(self, letter: str) -> str | None:
        """Copy the topic's name."""
        return self._name_shown.raw if letter == "o" else super().copy_text(letter)

    def tabs(self) -> Sequence[Tab]:
        """Return the tabs."""
        described = self._described
        if described is None:
            return (Tab("Partitions"), Tab("Configs"), Tab("Groups"))
        configs = UNKNOWN if self._configs is None else str(len(self._entries()))
        return (
            Tab("Partitions", str(len(described.partitions))),
            Tab("Configs", configs),
            Tab("Groups", str(len(self._readers()))),
        )

    # --- asking ----------------------------------------------------------------------------------------------

    async def _ask(self, session: Session) -> TopicReading:
        return await read_topic(session, self._name_shown)

    def _told(self, told: TopicReading) -> None:
        described, self._configs = told.described, told.configs
        self._described, self._sizes = described, told.sizes
        now_ms = self.console.now_ms()
        places = {TopicPartition(self._name_shown, part.info.partition): part.end for part in described.partitions}
        self._ends.push(now_ms, places)
        rates = {where: self._ends.series(where).change_per_s(RATE_WINDOW_MS) for where in places}
        self._rates.push(now_ms, {where: None if rate is None else max(0.0, rate) for where, rate in rates.items()})
        known_rates = [max(0.0, rate) for rate in rates.values() if rate is not None]
        self._rate.push(now_ms, {"in": sum(known_rates) if known_rates else None, "out": self._out_per_s()})
        self._draw_partitions(described, list(rates.values()))
        self._draw_configs()
        self._draw_charts(now_ms)
        self.draw_tabs()
        self.draw_frame()

    def _out_per_s(self) -> float | None:
        """Return how fast groups move in it, as the last look at the whole cluster has it."""
        snapshot = self.console.snapshot
        if snapshot is None or self._name_shown not in snapshot.topics.name:
            return None
        return snapshot.topics.out_per_s[snapshot.topics.name.index(self._name_shown)]

    def _draw_partitions(self, described: TopicDescription, rates: Sequence[float | None]) -> None:
        parts = described.partitions
        total = sum(max(0.0, rate) for rate in rates if rate is not None)
        self.query_one("#partitions", VirtualTable).set_rows(
            Rows(
                keys=[part.info.partition for part in parts],
                values={
                    "partition": [part.info.partition for part in parts],
                    "leader": [part.info.leader_id if part.info.leader_id != NO_BROKER else None for part in parts],
                    "epoch": [part.info.leader_epoch if part.info.leader_epoch >= 0 else None for part in parts],
                    "replicas": [part.info.replicas for part in parts],
                    "isr": [part.info.isr for part in parts],
                    "start": [part.start for part in parts],
                    "end": [part.end for part in parts],
                    "span": [part.span for part in parts],
                    "in": [None if rate is None else max(0.0, rate) for rate in rates],
                    "share": [None if rate is None or total <= 0 else max(0.0, rate) / total for rate in rates],
                    "trend": [
                        self._rates.values(TopicPartition(self._name_shown, part.info.partition)) for part in parts
                    ],
                    "size": [self._sizes.get(part.info.partition) for part in parts],
                    "state": [_state(part.info.leader_id, part.info.is_under_replicated, part.error) for part in parts],
                },
            )
        )

    def _draw_charts(self, now_ms: int) -> None:
        own = self._rate.series("in")
        before = self._from_snapshot(own.times_ms[0] if own.times_ms else now_ms)
        series = Series((*before.times_ms, *own.times_ms), (*before.values, *own.values))
        self.query_one("#chart", Chart).set_series(series, f"IN {show_rate(own.last)} records", now_ms)
        out = self._rate.series("out")
        self.query_one("#chart-out", Chart).set_series(out, f"OUT {show_rate(out.last)} records", now_ms)

    def _from_snapshot(self, until_ms: int) -> Series:
        """Return what was sampled of this topic before the view was opened."""
        snapshot = self.console.snapshot
        if snapshot is None or self._name_shown not in snapshot.topics.name:
            return Series()
        values = snapshot.topics.trend[snapshot.topics.name.index(self._name_shown)]
        times = snapshot.in_series.times_ms[len(snapshot.in_series.times_ms) - len(values) :]
        pairs = [pair for pair in zip(times, values, strict=False) if pair[0] < until_ms]
        return Series(tuple(time for time, _value in pairs), tuple(value for _time, value in pairs))

    # --- configs ---------------------------------------------------------------------------------------------

    def _entries(self) -> list[ConfigEntry]:
        return chosen_entries((self._configs or {}).values(), every=self._every)

    def _draw_configs(self) -> None:
        table = self.query_one("#configs", VirtualTable)
        if self._configs is None:
            table.empty = "the settings may not be read"
        table.set_rows(config_rows(self._entries()))
        self._explain()

    def _entry_at_cursor(self) -> ConfigEntry | None:
        key = self.query_one("#configs", VirtualTable).cursor_key
        return next((entry for entry in self._entries() if entry.name == key), None)

    @on(VirtualTable.CursorMoved, "#configs")
    def _explain(self) -> None:
        shown = self.TAB_IDS[self.tab] == "configs"
        self.query_one("#explained", Lines).set_lines(explain(self._entry_at_cursor()) if shown else [])

    def to_tab(self, index: int) -> None:
        """Bring a tab to the front."""
        super().to_tab(index)
        self._explain()

    def do_every(self) -> None:
        """Show defaults too, or only what somebody set."""
        self._every = not self._every
        self._draw_configs()
        self.draw_tabs()

    @on(VirtualTable.Chosen, "#configs")
    def _change(self) -> None:
        entry, reason = self._entry_at_cursor(), self.why_not("edit")
        if reason is not None:
            self.say(f"{self.console.keymap.shown('edit')} is off: {reason}.", bad=True)
        elif entry is not None:
            self.type_command(alter_line(f"topic alter {shlex.quote(self._name_shown.raw)}", entry))

    # --- groups ----------------------------------------------------------------------------------------------

    def _readers(self) -> list[int]:
        snapshot = self.console.snapshot
        if snapshot is None:
            return []
        reads = snapshot.groups.reads
        return [index for index in range(len(reads)) if self._name_shown in reads[index]]

    def snapshot_changed(self) -> None:
        """Show the groups that read it."""
        snapshot = self.console.snapshot
        if snapshot is None:
            return
        groups, shown = snapshot.groups, self._readers()
        self.query_one("#readers", VirtualTable).set_rows(
            Rows(
                keys=[groups.group[index] for index in shown],
                values={
                    "group": [groups.group[index] for index in shown],
                    "state": [groups.state[index] for index in shown],
                    "lag": [groups.lag[index] for index in shown],
                },
            )
        )
        self.draw_tabs()

    # --- going on --------------------------------------------------------------------------------------------

    @on(VirtualTable.Chosen, "#partitions")
    def _open_partition(self, event: VirtualTable.Chosen) -> None:
        if isinstance(event.key, int):
            self.console.open(Records(self._name_shown, event.key))

    @on(VirtualTable.Chosen, "#readers")
    def _open_group(self, event: VirtualTable.Chosen) -> None:
        if isinstance(event.key, WireText):
            self.console.open(Group(GroupId(event.key)))

    def do_produce(self) -> None:
        """Write a record."""
        from kcon.tui.screens.produce import ProduceScreen

        count = len(self._described.partitions) if self._described is not None else None
        self.app.push_screen(ProduceScreen(self._name_shown, None, count))

    def do_delete_topics(self) -> None:
        """Ask what is to go."""
        self.ask_letter("delete", {"t": "the topic with its records", "r": "records only"}, self._delete)

    def _delete(self, letter: str) -> None:
        if letter == "t":
            self.plan("topic", "delete", self._name_shown.raw)
        elif letter == "r":
            self.type_command(f"topic purge {shlex.quote(self._name_shown.raw)} --before end")

    def do_more_partitions(self) -> None:
        """Offer to let it grow."""
        self.type_command(f"topic add-partitions {shlex.quote(self._name_shown.raw)} --add 1")

    def do_zoom_in(self) -> None:
        """Show a shorter time."""
        for chart in self.query(Chart):
            chart.zoom(-1)

    def do_zoom_out(self) -> None:
        """Show a longer time."""
        for chart in self.query(Chart):
            chart.zoom(1)

    def do_records(self) -> None:
        """Follow the records of all partitions."""
        self.console.open(Records(self._name_shown))


def _state(leader_id: int, under_replicated: bool, error: object) -> str:
    if leader_id == NO_BROKER:
        return "NO LEADER"
    if error is not None:
        return str(error)
    return "UNDER-REPLICATED" if under_replicated else ""
