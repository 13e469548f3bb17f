"""Where would this group go, and what does that skip or repeat? The reset dialog: target, live plan, result.

The target is written as after `kcon group reset GROUP`, and read by the same parser.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import Input

from kcon.core.ids import GroupId, TopicPartition, group_id, topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_spec import Purpose, describe_offset_spec, parse_offset_spec
from kcon.errors import KconError, UsageError
from kcon.services.groups import PartitionScope
from kcon.services.resets import (
    GroupResetPlan,
    ResetResult,
    Target,
    ToGroup,
    ToPlace,
    active_group,
    apply_reset,
    plan_reset,
)
from kcon.services.session import Session
from kcon.tui.engine import Job
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.plan import PlanScreen
from kcon.tui.text import UNKNOWN, Line, Part, cut_middle, plural, safe, show
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

PLAN_DELAY_S: Final = 0.3
SCENARIOS: Final = (
    "start | end | 48211 | start+10 | end-100 | @-1h | @today | current-100 | --to-group G | -t TOPIC:0,2"
)


def show_delta(value: object) -> str:
    """Write how far a commit moves."""
    return f"{value:+,}" if isinstance(value, int) else UNKNOWN


def result_role(value: object) -> str:
    """Return the role of a row's result."""
    return "ok" if value in {"committed", "restored", "deleted"} else "dim" if value in {"", "left alone"} else "bad"


COLUMNS = (
    Column(key="where", title="TOPIC/P", flex=True, flex_min=22, flex_wish=32, draw=cut_middle, search=True),
    Column(key="current", title="CURRENT", right=True),
    Column(key="new", title="NEW", right=True),
    Column(key="delta", title="DELTA", right=True, show=show_delta, sums=True, drop=2),
    Column(key="lag", title="LAG AFTER", right=True, sums=True, counts_unknown=True, drop=1),
    Column(key="note", title="NOTE", search=True, drop=4, role=lambda _value: "warn"),
    Column(key="result", title="RESULT", role=result_role, drop=3),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the line says."""

    target: Target
    scopes: tuple[PartitionScope, ...]


class ResetScreen(PlanScreen):
    """The reset dialog of one group."""

    TITLE_WORD = "RESET"
    AUTO_FOCUS = "#target"
    DEFAULT_CSS = """
    ResetScreen {
        #target { height: 1; border: none; padding: 0 2; background: $panel; color: $foreground; }
    }
    """

    def __init__(self, group: GroupId, target: str = "") -> None:
        """target: where to, as it would be typed; its plan is made at once."""
        super().__init__()
        self._group = group
        self._first_target = target
        self._plan: GroupResetPlan | None = None
        self._error: KconError | None = None
        self._results: Mapping[TopicPartition, KafkaError | None] | None = None
        self._timer: Timer | None = None
        self._job: Job[GroupResetPlan] | None = None

    def body(self) -> ComposeResult:
        """The target, the plan, the question."""
        field = Input(value=self._first_target, placeholder=SCENARIOS, id="target", compact=True, max_length=2_000)
        yield field
        yield from self.plan_body(VirtualTable(COLUMNS, empty="say where to, and the plan stands here"))

    def mounted(self) -> None:
        """Wait for a target, or plan the one that was given."""
        super().mounted()
        self._draw()
        if self._first_target:
            self.query_one(VirtualTable).focus()
            self._make_plan()

    def crumbs(self) -> Sequence[Fact]:
        """Return the path to this view."""
        return (Fact("groups"), Fact(self._group))

    def cli_command(self) -> str:
        """Return the command that does the same."""
        from kcon.tui.command_line import quoted

        return f"kcon group reset {quoted(self._group.raw)} {shlex.join(_options(self._target_text()))}".rstrip()

    def _target_text(self) -> str:
        return self.query_one("#target", Input).value.strip()

    # --- the plan --------------------------------------------------------------------------------------------

    @on(Input.Changed, "#target")
    def _target_changed(self) -> None:
        if self.is_done:
            return
        self._plan, self._error = None, None
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PLAN_DELAY_S, self._make_plan)
        self._draw()

    @on(Input.Submitted, "#target")
    def _target_submitted(self, event: Input.Submitted) -> None:
        """Leave the field for the plan, where `y` confirms."""
        event.stop()
        self.query_one(VirtualTable).focus()

    def _make_plan(self) -> None:
        text = self._target_text()
        if not text or self.is_done:
            return
        try:
            wanted = self._read_target(text)
        except KconError as error:
            self._error = error
            self._draw()
            return
        if self._job is not None and self.console.engine is not None:
            self.console.engine.cancel(self._job)

        async def plan(session: Session) -> GroupResetPlan:
            return await plan_reset(session, self._group, wanted.target, wanted.scopes)

        self._job = self.submit(f"plan a reset of {self._group}", plan, self._planned, self._plan_failed)

    def _read_target(self, text: str) -> Wanted:
        from kcon.commands.group import GroupReset
        from kcon.commands.parse import HelpRequested, parse

        try:
            request = parse(["group", "reset", self._group.raw, *_options(text)])
        except ValueError as error:
            raise UsageError(f"A quote is open: {error}.") from error
        except HelpRequested as error:
            raise UsageError(f"Say where to: {SCENARIOS}.") from error
        assert isinstance(request, GroupReset), "the words begin with it"
        if request.from_file is not None or request.export:
            raise UsageError("Files are for the command line.", "Use `kcon group reset` with --from-file or --export.")
        scopes = tuple(
            PartitionScope(
                topic=topic_name(each.topic), partitions=None if each.partitions is None else frozenset(each.partitions)
            )
            for each in request.topics
        )
        if request.to_group is not None:
            return Wanted(ToGroup(group=group_id(request.to_group)), scopes)
        context = self.console.context
        spec = parse_offset_spec(
            request.target or "", now_ms=self.console.now_ms(), tz=context.tz, purpose=Purpose.RESET
        )
        return Wanted(ToPlace(spec=spec, text=describe_offset_spec(spec, context.tz, context.tz_name)), scopes)

    def _planned(self, plan: GroupResetPlan) -> None:
        self._plan, self._error = plan, None
        self._draw()

    def _plan_failed(self, error: KconError) -> None:
        self._plan, self._error = None, error
        self._draw()

    def _draw(self) -> None:
        plan = self._plan
        rows = plan.plan.rows if plan is not None else ()
        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=[row.partition for row in rows],
                values={
                    "where": [f"{row.partition.topic}/{row.partition.partition}" for row in rows],
                    "current": [row.current for row in rows],
                    "new": [row.new for row in rows],
                    "delta": [row.delta for row in rows],
                    "lag": [row.lag for row in rows],
                    "note": [", ".join(note.value for note in row.notes) for row in rows],
                    "result": [self._result_of(row.partition) for row in rows],
                },
            )
        )
        self.show_facts(self._fact_lines())
        self.show_ask()

    def _result_of(self, where: TopicPartition) -> str:
        if self._results is None:
            return ""
        if where not in self._results:
            return "left alone"
        error = self._results[where]
        return "committed" if error is None else error.name

    def _fact_lines(self) -> list[Line]:
        if self._error is not None:
            return [[Part(f"  {self._error.message} {self._error.hint}", "bad")]]
        if self._plan is None:
            text = "planning ..." if self._target_text() else SCENARIOS
            return [[Part(f"  {text}", "dim")]]
        plan, description = self._plan.plan, self._plan.description
        cluster = self._plan.cluster_id or UNKNOWN
        lines: list[Line] = [
            [Part("  to ", "dim"), Part(plan.target, "strong"), Part("   cluster ", "dim"), Part(cluster)],
            [
                Part("  group is ", "dim"),
                Part(f"{description.state}, {plural(len(description.members), 'member')}"),
                Part(f"   {plural(len(plan.changed_rows), 'commit')} to move of {show(len(plan.rows))}", "dim"),
            ],
        ]
        return lines + [[Part(f"  ! {warning}", "warn")] for warning in plan.warnings]

    # --- carrying it out -------------------------------------------------------------------------------------

    def is_planned(self) -> bool:
        """The plan comes a moment after the target was typed."""
        return self._plan is not None

    def question(self) -> str | None:
        """Ask about what moves."""
        if self._plan is None or not self._plan.plan.changed_rows:
            return None
        return f"Move {plural(len(self._plan.plan.changed_rows), 'commit')} of group {self._group}?"

    def blocked(self) -> str | None:
        """An active group cannot be moved."""
        if self._plan is None or not self._plan.description.is_active:
            return None
        error = active_group(self._plan.description)
        return f"{error.message} Stop its members; r plans again."

    def typed_name(self) -> str:
        """The group's id."""
        return self._group.raw

    def available(self) -> tuple[str, ...]:
        """`r` plans again."""
        return (*super().available(), "refresh")

    def do_refresh(self) -> None:
        """Plan again with what the cluster says now."""
        if not self.is_done:
            self._make_plan()
        super().do_refresh()

    def apply(self, confirmed_by: str) -> None:
        """Commit the plan."""
        assert self._plan is not None, "can_apply looked at it"
        plan = self._plan.confirmed(confirmed_by)

        async def work(session: Session) -> ResetResult:
            return await apply_reset(session, plan)

        self.submit(f"reset {self._group}", work, self._applied, self.not_done)

    def _applied(self, result: ResetResult) -> None:
        self._results = result.results
        self.is_done = True
        self._draw()
        failed = [error for error in result.results.values() if error is not None]
        done = len(result.results) - len(failed)
        text = f"{done:,} of {plural(len(result.results), 'commit')} moved."
        if result.undo_id is not None:
            text += f" To take it back: u in the group, or kcon group undo {safe(self._group)} {result.undo_id}"
        self.finished(text, bad=bool(failed))

    def hear_key(self, event: events.Key) -> None:
        """Keys are text while the field has the focus; escape leaves the dialog."""
        if isinstance(self.focused, Input) and self.focused.id == "target":
            if event.key == "escape":
                event.stop()
                self.leave()
            elif event.key == "down":
                event.stop()
                self.query_one(VirtualTable).focus()
            return
        if event.key in {"tab", "shift+tab"} and not self.is_done:
            event.stop()
            self.query_one("#target", Input).focus()
            return
        super().hear_key(event)


def skip_target(where: TopicPartition, offset: int) -> str:
    """Return the target that goes on behind one record."""
    return f"{offset + 1} -t {shlex.quote(where.topic.raw)}:{where.partition}"


def _options(text: str) -> list[str]:
    """Return the line as options of `kcon group reset`; a bare place stands for --to."""
    words = shlex.split(text)
    return ["--to", *words] if words and not words[0].startswith("--") and words[0] != "-t" else words
