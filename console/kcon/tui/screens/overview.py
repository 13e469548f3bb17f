"""Is the cluster well, and where does it move? What needs a person first, then throughput, groups, topics, brokers."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from kcon.core.ids import GroupId
from kcon.core.sparkline import spark
from kcon.core.time_lag import worst_time_lag
from kcon.core.units import format_count_short
from kcon.core.wire_text import WireText
from kcon.observe.history_keys import Mark
from kcon.observe.snapshot import ClusterSnapshot
from kcon.tui.address import Address, Broker, Group, Topic
from kcon.tui.cluster_events import ClusterEvent, newest
from kcon.tui.engine import Job
from kcon.tui.lag_text import show_time_lag
from kcon.tui.needs import Need, needs_of
from kcon.tui.screens.base import KconScreen
from kcon.tui.screens.overview_columns import (
    BROKER_COLUMNS,
    GROUP_COLUMNS,
    NEED_COLUMNS,
    TOPIC_COLUMNS,
    broker_rows,
    group_rows,
    need_rows,
    topic_rows,
)
from kcon.tui.text import UNKNOWN, Part, none_of, plural, show_rate
from kcon.tui.widgets.chart import Chart, is_ascii_only
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from kcon.observe.past import Past
    from kcon.services.session import Session

NEEDS_SHOWN = 4
"""Rows of what needs a person; the others are below them, where the keys lead."""
EVENTS_SHOWN = 8
MARKS_SPAN_MS = 86_400_000
MARKS_EVERY_S = 10.0
MARKS_FIRST_S = 1.0
MARKS_MAX = 500


class OverviewScreen(KconScreen):
    """The first view."""

    TITLE_WORD = "OVERVIEW"
    AUTO_FOCUS = "#groups"
    SHOWS_PAST = True
    ACTIONS = ("open", "why", "filter", "sort", "yank", "zoom_in", "zoom_out", "tab_1", "tab_2", "tab_3", "tab_4")
    COPIES = "oc"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-tall")]
    DEFAULT_CSS = """
    OverviewScreen {
        #charts { height: 1fr; min-height: 5; max-height: 16; }
        #panels { height: 1fr; min-height: 5; }
        #needs { min-height: 2; }
        #panels VirtualTable { width: 1fr; margin-right: 1; }
        #brokers { width: 1fr; }
        &.-narrow #brokers { display: none; }
        &.-low #charts { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._needs: dict[tuple[str, str], Address] = {}
        self._told: Sequence[Mark] = ()
        """What history says happened lately, the oldest first."""

    def body(self) -> ComposeResult:
        """What needs somebody, the strip, two charts, three panels."""
        yield VirtualTable(NEED_COLUMNS, widget_id="needs", has_sums=False, empty=UNKNOWN)
        yield Lines([[Part("")]], widget_id="strip")
        with Horizontal(id="charts"):
            yield Chart("IN", "in", widget_id="chart-in")
            yield Chart("OUT", "out", widget_id="chart-out")
        with Horizontal(id="panels"):
            yield VirtualTable(GROUP_COLUMNS, widget_id="groups", has_sums=False, empty=UNKNOWN)
            yield VirtualTable(TOPIC_COLUMNS, widget_id="topics", has_sums=False, empty=UNKNOWN)
            yield VirtualTable(BROKER_COLUMNS, widget_id="brokers", has_sums=False, empty=UNKNOWN)
        yield Lines([[Part("  EVENTS ", "title"), Part(UNKNOWN, "dim")]], widget_id="events")

    def mounted(self) -> None:
        """Begin to ask history what happened."""
        super().mounted()
        self.set_interval(MARKS_EVERY_S, self._ask_marks)
        self.set_timer(MARKS_FIRST_S, self._ask_marks)

    def _ask_marks(self) -> None:
        """Read the last marks from history; without one there are none."""
        engine = self.console.engine
        if engine is None or not self.is_current or self.console.is_in_past or engine.is_paused:
            return
        now_ms = self.console.now_ms()

        async def read(session: "Session") -> Sequence[Mark]:
            from kcon.services.history import open_past  # After the first picture.

            past = await open_past(session)
            try:
                return await asyncio.to_thread(past.marks, now_ms - MARKS_SPAN_MS, now_ms + 1, limit=MARKS_MAX)
            finally:
                past.close()

        def told(marks: Sequence[Mark]) -> None:
            self._told = marks
            self.catch_up()

        engine.submit(Job("read what happened", read, self, told, lambda _error: None))

    def past_reader(self, past: "Past", look_ms: int) -> Sequence[Mark]:
        """Read what had happened by then."""
        return past.marks(look_ms - MARKS_SPAN_MS, look_ms + 1, limit=MARKS_MAX)

    def _marks(self) -> Sequence[Mark]:
        view = self.past_view
        if view is None:
            return self._told
        moment = view.shown
        return moment.extra or () if moment is not None and moment.owner is self else ()

    def _events(self) -> Sequence[ClusterEvent]:
        """Return the latest events: those that this console saw, and before them those of history."""
        marks = self._marks()
        live = newest(self.console.desks[-1].events.rows, EVENTS_SHOWN) if self.console.desks else []
        if self.past_view is not None:
            live = []
        first_ms = live[-1].time_ms if live else None
        earlier = [
            ClusterEvent(mark.at_ms, mark.text) for mark in reversed(marks) if first_ms is None or mark.at_ms < first_ms
        ]
        return [*live, *earlier][:EVENTS_SHOWN]

    def facts(self) -> Sequence[Fact]:
        """Version, brokers, counts, cost."""
        snapshot = self.console.snapshot
        if snapshot is None:
            return (Fact(",".join(self.console.context.bootstrap), 3),)
        cluster = snapshot.cluster
        live, seen = len(cluster.brokers), snapshot.brokers_seen
        standing = self.console.standing
        controller = UNKNOWN if standing is None or standing.controller_id is None else standing.controller_id
        groups = plural(len(snapshot.groups), "group") if snapshot.has_offsets else f"{UNKNOWN} groups"
        rps = UNKNOWN if snapshot.requests_per_s is None else f"{snapshot.requests_per_s:.0f}"
        return (
            *([Fact(standing.release, 8)] if standing is not None and standing.release is not None else []),
            Fact(f"brokers {live}/{seen} ctrl {controller}", 5, "bad" if live < seen else "text"),
            Fact(f"{plural(len(snapshot.topics), 'topic')} {groups}", 2),
            Fact(f"{rps} rps", 6),
        )

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon ui overview"

    def copy_text(self, letter: str) -> str | None:
        """Copy the name under the cursor."""
        if letter != "o":
            return super().copy_text(letter)
        key = self.table.cursor_key if self.table else None
        return key[1].raw if isinstance(key, tuple) else None

    def snapshot_changed(self) -> None:
        """Draw the snapshot."""
        snapshot = self.console.snapshot
        if snapshot is None:
            self._draw_needs(None)
            return
        needs = needs_of(snapshot, self.console.standing)
        self._draw_needs(needs if needs or snapshot.has_offsets else None)
        # What is not there is said once it is known.
        for name, is_known in (("groups", snapshot.has_offsets), ("topics", True), ("brokers", True)):
            nothing = none_of(name, as_a_user=self.console.context.is_authenticated)
            self.query_one(f"#{name}", VirtualTable).empty = nothing if is_known else UNKNOWN
        self._draw_throughput(snapshot)
        self.query_one("#groups", VirtualTable).set_rows(group_rows(snapshot))
        self.query_one("#topics", VirtualTable).set_rows(topic_rows(snapshot))
        self.query_one("#brokers", VirtualTable).set_rows(broker_rows(snapshot, self.console.standing))
        self._draw_events()

    def _draw_needs(self, known: Sequence[Need] | None) -> None:
        needs = known or ()
        self._needs = {need.key: need.address for need in needs}
        table = self.query_one("#needs", VirtualTable)
        table.empty = UNKNOWN if known is None else "nothing found"
        # The count stands where the column's title does.
        first = replace(NEED_COLUMNS[0], title=f"NEEDS YOU {UNKNOWN if known is None else len(needs)}")
        table.view.replace_columns([first, *NEED_COLUMNS[1:]])
        table.styles.height = 1 + min(max(1, len(needs)), NEEDS_SHOWN if self.size.height >= 22 else 1)
        table.set_rows(need_rows(needs))

    def _draw_events(self) -> None:
        """The latest first; as many as the line holds."""
        line: list[Part] = [Part("  EVENTS ", "title")]
        for place, event in enumerate(self._events()):
            line += [Part(" · ", "dim")] if place else []
            line += [Part(f"{self.console.times.time_of_day(event.time_ms)} ", "dim")]
            line.append(Part(event.what, "bad" if event.is_bad else "text"))
        self.query_one("#events", Lines).set_lines(
            [line if len(line) > 1 else [*line, Part("none since start", "dim")]]
        )

    def _draw_throughput(self, snapshot: ClusterSnapshot) -> None:
        strip = self.query_one("#strip", Lines)
        flows = (("IN", "in", snapshot.in_series), ("OUT", "out", snapshot.out_series))
        lag = snapshot.lag_series.last
        labels = [f"{name} {show_rate(series.last)} " for name, _role, series in flows]
        labels.append(f"LAG {UNKNOWN if lag is None else format_count_short(lag)} ")
        time_lag = f" | MAX TIME LAG {show_time_lag(worst_time_lag(list(snapshot.groups.time_lag)).worst)}"
        width = max(4, (self.size.width - 2 - sum(map(len, labels)) - len(time_lag) - 6) // 3)
        ascii_only = is_ascii_only(strip)
        parts = [Part("  ")]
        for label, role, series in zip(
            labels, ("in", "out", "warn"), (snapshot.in_series, snapshot.out_series, snapshot.lag_series), strict=True
        ):
            parts += [
                Part(label, "strong"),
                Part(spark(series.values[-width:], width, ascii_only=ascii_only), role),
                Part(" | ", "dim"),
            ]
        strip.set_lines([[*parts[:-1], Part(time_lag, "dim")]])
        for name, _role, series in flows:
            chart = self.query_one(f"#chart-{name.lower()}", Chart)
            chart.set_series(series, f"{name} records {show_rate(series.last)}", snapshot.taken_ms, self._marks())

    @on(VirtualTable.Chosen)
    def _open(self, event: VirtualTable.Chosen) -> None:
        key = event.key
        address: Address
        if event.table.id == "needs":
            found = self._needs.get(key) if isinstance(key, tuple) else None
            if found is None:
                return
            address = found
        elif event.table.id == "groups" and isinstance(key, tuple):
            address = Group(key[1])
        elif event.table.id == "topics" and isinstance(key, tuple):
            address = Topic(key[1])
        elif isinstance(key, int):
            address = Broker(key)
        else:
            return
        self.console.open(address)

    def do_zoom_in(self) -> None:
        """Show a shorter time."""
        for chart in self.query(Chart):
            chart.zoom(-1)

    def do_zoom_out(self) -> None:
        """Show a longer time."""
        for chart in self.query(Chart):
            chart.zoom(1)

    def do_tab_1(self) -> None:
        """Go to what needs a person."""
        self.query_one("#needs").focus()

    def do_tab_2(self) -> None:
        """Go to the groups' panel."""
        self.query_one("#groups").focus()

    def do_tab_3(self) -> None:
        """Go to the topics' panel."""
        self.query_one("#topics").focus()

    def why_not(self, action: str) -> str | None:
        """Only of a group is it told why it lags."""
        if action == "why" and self._group_at_cursor() is None:
            return "the cursor is not on a group"
        return super().why_not(action)

    def _group_at_cursor(self) -> GroupId | None:
        key = self.table.cursor_key if self.is_ready and self.table is not None else None
        if not isinstance(key, tuple):
            return None
        kind, name = key
        if kind == "group" and isinstance(name, WireText):
            return GroupId(name)
        address = self._needs.get(key)
        return address.group if isinstance(address, Group) else None

    def do_why(self) -> None:
        """Tell why the group under the cursor lags."""
        from kcon.tui.screens.why import WhyScreen

        group = self._group_at_cursor()
        if group is not None:
            self.app.push_screen(WhyScreen(group))

    def do_tab_4(self) -> None:
        """Go to the brokers' panel."""
        self.query_one("#brokers").focus()
