"""How far behind is one group, partition by partition, who owns what, and where is it going?"""

import asyncio
from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult

from kcon.core.group_status import GroupStatus
from kcon.core.ids import GroupId, TopicPartition
from kcon.core.lag import PartitionLag, sum_lag
from kcon.core.snapshot import GroupDescription
from kcon.core.sparkline import spark
from kcon.core.time_lag import TimeLag
from kcon.core.units import format_count_short
from kcon.observe.history_keys import Mark
from kcon.observe.lag_engine import Rates
from kcon.observe.past import Past
from kcon.observe.rings import Rings, Series, lag_eta_ms
from kcon.services.groups import LagReport
from kcon.services.history import open_past
from kcon.services.session import Session
from kcon.tui.group_events import GroupEvents
from kcon.tui.group_look import GroupLook, GroupThen, look_at_group, look_at_past_group, past_strip
from kcon.tui.lag_text import show_status, show_time_lag, status_role, time_lag_role
from kcon.tui.rows import Rows
from kcon.tui.screens.config_table import CONFIG_COLUMNS, chosen_entries, config_rows
from kcon.tui.screens.group_columns import (
    EVENT_COLUMNS,
    MEMBER_COLUMNS,
    PARTITION_COLUMNS,
    member_rows,
    partition_rows,
)
from kcon.tui.screens.group_verbs import GroupVerbs
from kcon.tui.screens.undo import UNDO_COLUMNS, undo_rows
from kcon.tui.text import UNKNOWN, Line, Part, plural, show, show_eta, show_rate
from kcon.tui.widgets.chart import Chart, is_ascii_only
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.tabs import Tab, TabLine
from kcon.tui.widgets.virtual_table import VirtualTable

TICKS = 900
TREND_TICKS = 300
"""Ten minutes at the usual pace."""
RATE_WINDOW_MS = 10_000
WIDE = 100
"""From this width on nothing that is 0 is left out."""


class GroupScreen(GroupVerbs):
    """One group."""

    TITLE_WORD = "GROUP"
    SHOWS_PAST = True
    ACTIONS = (
        "open",
        "why",
        "reset",
        "skip",
        "undo",
        "filter",
        "sort",
        "yank",
        "delete_groups",
        "zoom_in",
        "zoom_out",
        "tab_1",
        "tab_2",
        "tab_3",
        "tab_4",
        "tab_5",
    )
    COPIES = "oc"
    TAB_IDS = ("partitions", "members", "configs", "events", "undo")
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-tall")]
    DEFAULT_CSS = """
    GroupScreen {
        #chart { height: 30%; min-height: 6; max-height: 12; }
        &.-low #chart { display: none; }
    }
    """

    def __init__(self, group: GroupId) -> None:
        super().__init__(group)
        self._drew_past = False
        self._live_look: GroupLook | None = None
        """The last look at the present, while the past is shown."""
        self._marks: tuple[Mark, ...] = ()
        self._earlier = Series()
        """The lag before the view was opened, from history."""
        self._events = GroupEvents()
        self._lags: Rings[TopicPartition] = Rings(TREND_TICKS)
        self._ends: Rings[TopicPartition] = Rings(TREND_TICKS)
        self._commits: Rings[TopicPartition] = Rings(TREND_TICKS)
        self._total: Rings[str] = Rings(TICKS)

    def body(self) -> ComposeResult:
        """Totals, the lag strip, a chart, tabs, tables."""
        yield Lines([[Part("")], [Part("")]], widget_id="totals")
        yield Chart("LAG", "warn", widget_id="chart")
        yield TabLine()
        yield VirtualTable(PARTITION_COLUMNS, widget_id="partitions", empty="no commits and no members")
        yield VirtualTable(MEMBER_COLUMNS, widget_id="members", has_sums=False, empty="no members")
        yield VirtualTable(CONFIG_COLUMNS, widget_id="configs", has_sums=False, empty="no settings of its own")
        yield VirtualTable(EVENT_COLUMNS, widget_id="events", has_sums=False, empty="nothing changed yet")
        yield VirtualTable(UNDO_COLUMNS, widget_id="undo", has_sums=False, empty="nothing to take back")

    def mounted(self) -> None:
        """Begin to ask."""
        super().mounted()
        self.poll(f"lag of {self.group}", self._ask, self._told)
        self._read_earlier()

    def _read_earlier(self) -> None:
        """Read the lag of the last hours from history, once; where there is none, the chart begins here."""

        async def read(session: Session) -> tuple[Series, tuple[Mark, ...]]:
            past = await open_past(session)
            try:
                return await asyncio.to_thread(past_strip, past, self.group, session.now_ms())
            finally:
                past.close()

        def told(strip: tuple[Series, tuple[Mark, ...]]) -> None:
            self._earlier, self._marks = strip
            self.catch_up()

        self.submit(f"history of {self.group}", read, told, lambda _error: None)

    def crumbs(self) -> Sequence[Fact]:
        """Return the path to this view."""
        return (Fact("groups"), Fact(self.group))

    def facts(self) -> Sequence[Fact]:
        """Kind, state, members, coordinator."""
        described = self._described()
        if described is None:
            return ()
        generation = UNKNOWN if described.generation_id is None else str(described.generation_id)
        return (
            Fact(f"{described.group_type} {described.state or UNKNOWN} gen {generation}", 2),
            Fact(plural(len(described.members), "member"), 3),
            Fact(f"coord b{described.coordinator_id}", 6),
        )

    def _described(self) -> GroupDescription | None:
        return self.group_look.report.groups.get(self.group) if self.group_look is not None else None

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        from kcon.tui.command_line import quoted

        return f"kcon group lag {quoted(self.group.raw)}"

    def copy_text(self, letter: str) -> str | None:
        """Copy the group's id."""
        return self.group.raw if letter == "o" else super().copy_text(letter)

    def tabs(self) -> Sequence[Tab]:
        """Return the tabs."""
        described = self._described()
        look = self.group_look
        rows = str(len(look.report.rows)) if look is not None else ""
        configs = look.configs if look is not None else None
        members = str(len(described.members)) if described is not None else ""
        return (
            Tab("Partitions", rows),
            Tab("Members", members),
            Tab("Config", UNKNOWN if configs is None else str(len(configs))),
            Tab("Events", str(len(self._events.rows))),
            Tab("Undo", str(len(self.undo_records()))),
        )

    def tab_note(self) -> str:
        """Return the command of the CLI that says the same."""
        return f"= {self.cli_command()}"

    # --- asking ----------------------------------------------------------------------------------------------

    def past_reader(self, past: Past, look_ms: int) -> GroupThen | None:
        """Read the group as it was."""
        return look_at_past_group(past, self.group, look_ms)

    @property
    def _then(self) -> GroupThen | None:
        """Return the group as it was, while the past is shown and read."""
        view = self.past_view
        moment = view.shown if view is not None else None
        return moment.extra if moment is not None and moment.owner is self else None

    async def _ask(self, session: Session) -> GroupLook:
        engine = self.console.engine
        kind = self._kind()
        return await look_at_group(session, self.group, engine.lag_engine if engine is not None else lambda: None, kind)

    def _kind(self) -> str | None:
        """Return what kind of group it is, if that is known already."""
        if self.group_look is not None and self.group_look.kind is not None:
            return self.group_look.kind
        snapshot = self.console.snapshot
        if snapshot is None or self.group not in snapshot.groups.group:
            return None
        return snapshot.groups.kind[snapshot.groups.group.index(self.group)]

    def _told(self, look: GroupLook) -> None:
        if self._drew_past:
            self._live_look = look  # It was asked for before the past was shown.
            return
        self.group_look, report = look, look.report
        now_ms = self.console.now_ms()
        self._lags.push(now_ms, {row.partition: row.lag for row in report.rows})
        self._ends.push(now_ms, {row.partition: row.end for row in report.rows})
        self._commits.push(now_ms, {row.partition: row.committed for row in report.rows})
        total = sum_lag(report.rows)
        self._total.push(now_ms, {"lag": total.lag if total.known else None})
        error = report.group_errors.get(self.group)
        if error is not None:
            self.complain(error)
        self._draw_partitions(look)
        self._draw_members()
        self._draw_events(now_ms)
        self._draw_totals(report.rows, now_ms)
        self.query_one("#undo", VirtualTable).set_rows(undo_rows(look.undo, self.console.times))
        self.draw_tabs()
        self.draw_frame()

    def snapshot_changed(self) -> None:
        """The totals are drawn for the width, and say what the whole look at the cluster found."""
        if self.past_view is not None:
            self._draw_past()
            return
        if self._drew_past:
            self._drew_past = False
            self.group_look, self._live_look = self._live_look, None
            if self.group_look is not None:
                self._draw_partitions(self.group_look)
            self._draw_members()
            self.draw_tabs()
        if self.group_look is not None:
            self._draw_totals(self.group_look.report.rows, self.console.now_ms())

    def _draw_past(self) -> None:
        """Draw the group as it was; what a look at the present brought is kept for the way back."""
        view = self.past_view
        moment = view.shown if view is not None else None
        if moment is None or moment.owner is not self or moment.snapshot is None:
            return
        if not self._drew_past:
            self._drew_past, self._live_look = True, self.group_look
        then = self._then
        self.group_look = then.look if then is not None else GroupLook(report=NO_GROUP)
        self._draw_partitions(self.group_look)
        self._draw_members()
        self._draw_totals(self.group_look.report.rows, moment.snapshot.taken_ms)
        self.draw_tabs()
        if then is None:
            self.say("The group was not there then.")

    def _rates(self, where: TopicPartition) -> Rates:
        """Return the rates as this view saw them, or before it saw enough as the sampler did."""
        known = self.group_look.rates.get(where) if self.group_look is not None else None
        if self._drew_past:
            return known or Rates(None, None)
        seen = (rings.series(where).change_per_s(RATE_WINDOW_MS) for rings in (self._ends, self._commits))
        return Rates(
            *(each if now is None else max(0.0, now) for now, each in zip(seen, known or (None, None), strict=True))
        )

    def _eta(self, row: PartitionLag) -> float | None:
        if row.lag is None or self._drew_past:
            return None
        return lag_eta_ms(self._lags.series(row.partition))

    def _trend(self, where: TopicPartition) -> tuple[float, ...]:
        then = self._then
        return then.trends.get(where, ()) if then is not None else self._lags.values(where)

    def _draw_partitions(self, look: GroupLook) -> None:
        rows = look.report.rows
        rates = [self._rates(row.partition) for row in rows]
        late = [look.late.get(row.partition) for row in rows]
        self.query_one("#partitions", VirtualTable).set_rows(
            partition_rows(
                rows,
                rates,
                late,
                trends=[self._trend(row.partition) for row in rows],
                etas=[self._eta(row) for row in rows],
                sharers=look.sharers,
            )
        )

    def _draw_members(self) -> None:
        described = self._described()
        members = described.members if described is not None else ()
        self.query_one("#members", VirtualTable).set_rows(
            member_rows(members, self.group_look.tasks if self.group_look is not None else None)
        )

    def _draw_events(self, now_ms: int) -> None:
        self._events.look(now_ms, self._described())
        times = self.console.times
        told = self.group_look.configs if self.group_look is not None else None
        configs = chosen_entries(told or (), every=True)
        self.query_one("#events", VirtualTable).set_rows(
            Rows(
                keys=range(len(self._events.rows)),
                values={
                    "when": [times.format(event.time_ms, milliseconds=False) for event in self._events.rows],
                    "what": [event.what for event in self._events.rows],
                },
            )
        )
        self.query_one("#configs", VirtualTable).set_rows(config_rows(configs))

    def _draw_totals(self, rows: Sequence[PartitionLag], now_ms: int) -> None:
        total = sum_lag(rows)
        series = self._lag_series()
        lag = total.lag if total.known else None
        rates = [self._rates(row.partition) for row in rows]
        inflow = [each.in_per_s for each in rates if each.in_per_s is not None]
        outflow = [each.out_per_s for each in rates if each.out_per_s is not None]
        time_lag, status = self._judged()
        facts = [
            Part(f"  lag {show(lag)}", "strong"),
            Part(f" | {show_status(status)}", status_role(status)),
            Part(f" | time {show_time_lag(time_lag)}", time_lag_role(time_lag)),
            Part(
                f" | in {show_rate(sum(inflow) if inflow else None)} out {show_rate(sum(outflow) if outflow else None)}"
            ),
            Part(f" | ETA {show_eta(lag_eta_ms(series) if lag is not None else None)}"),
        ]
        if total.lost or self.size.width >= WIDE:
            facts.append(Part(f" | lost {show(total.lost)}", "bad" if total.lost else "text"))
        if total.unknown or self.size.width >= WIDE:
            facts.append(Part(f" | unknown {show(total.unknown)}", "warn" if total.unknown else "text"))
        lines = self.query_one("#totals", Lines)
        label = f"  LAG -{_span_text(series, now_ms)} "
        width = max(4, self.size.width - len(label) - len(" now  x reset") - 2)
        strip: Line = [
            Part(label, "dim"),
            Part(spark(series.values, width, ascii_only=is_ascii_only(lines)), "warn"),
            Part(" now", "dim"),
        ]
        # The chart shows the same, larger.
        lines.set_lines([facts] if self.query_one("#chart", Chart).display else [facts, strip])
        short = UNKNOWN if lag is None else format_count_short(lag)
        then = self._then
        marks = then.marks if then is not None else self._marks
        self.query_one("#chart", Chart).set_series(series, f"LAG {short}", now_ms, marks)

    def _judged(self) -> tuple[TimeLag | None, GroupStatus | None]:
        """Return the group's time lag and status as the last look at the whole cluster has them."""
        snapshot = self.console.snapshot
        if snapshot is None or self.group not in snapshot.groups.group:
            return None, None
        place = snapshot.groups.group.index(self.group)
        if place >= len(snapshot.groups.time_lag):
            return None, None
        return snapshot.groups.time_lag[place], snapshot.groups.status[place]

    def _lag_series(self) -> Series:
        """Return what history has, what was sampled before the view was opened, and what it saw itself."""
        then = self._then
        if then is not None:
            return then.lags
        return self._earlier.then(self._sampled_lags())

    def _sampled_lags(self) -> Series:
        own = self._total.series("lag")
        snapshot = self.console.snapshot
        if snapshot is None or self.group not in snapshot.groups.group:
            return own
        values = snapshot.groups.trend[snapshot.groups.group.index(self.group)]
        times = snapshot.in_series.times_ms[len(snapshot.in_series.times_ms) - len(values) :]
        until_ms = own.times_ms[0] if own.times_ms else snapshot.taken_ms + 1
        pairs = [pair for pair in zip(times, values, strict=False) if pair[0] < until_ms]
        return Series(
            (*(time for time, _value in pairs), *own.times_ms), (*(value for _time, value in pairs), *own.values)
        )


NO_GROUP: Final = LagReport(rows=[], groups={}, group_errors={}, partition_errors={})


def _span_text(series: Series, now_ms: int) -> str:
    seconds = (now_ms - series.times_ms[0]) // 1000 if series.times_ms else 0
    return f"{seconds}s" if seconds < 120 else f"{seconds // 60}m"
