"""What can be taken back, and what would that do now? The list of resets, and the plan of one undo."""

from collections.abc import Mapping, Sequence

from textual import on
from textual.app import ComposeResult

from kcon.contexts.context import Mode
from kcon.core.ids import GroupId, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.errors import KconError
from kcon.gate.permit import Operation
from kcon.gate.undo import UndoRecord
from kcon.services.resets import active_group
from kcon.services.session import Session
from kcon.services.undo import UndoPlan, UndoResult, apply_undo, list_undo_records, plan_undo
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.base import KconScreen
from kcon.tui.screens.plan import PlanScreen
from kcon.tui.screens.reset import result_role, show_delta
from kcon.tui.text import Line, Part, cut_middle, plural, show
from kcon.tui.times import TimeStyle
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

UNDO_COLUMNS = (
    Column(key="id", title="ID"),
    Column(key="group", title="GROUP", search=True, drop=1),
    Column(key="time", title="WHEN", drop=2),
    Column(key="what", title="WHAT", flex=True, search=True),
    Column(key="count", title="PARTITIONS", right=True, drop=3),
    Column(key="state", title="STATE", role=lambda value: "dim" if value else "text"),
)
PLAN_COLUMNS = (
    Column(key="where", title="TOPIC/P", flex=True, flex_min=22, flex_wish=32, draw=cut_middle, search=True),
    Column(key="current", title="CURRENT", right=True),
    Column(key="restored", title="RESTORED", right=True),
    Column(key="delta", title="DELTA", right=True, show=show_delta, sums=True, drop=2),
    Column(key="lag", title="LAG AFTER", right=True, sums=True, counts_unknown=True, drop=1),
    Column(key="note", title="NOTE", drop=4, role=lambda _value: "warn"),
    Column(key="result", title="RESULT", role=result_role, drop=3),
)


def undo_rows(records: Sequence[UndoRecord], times: TimeStyle) -> Rows:
    """Return the table of what can be taken back."""
    return Rows(
        keys=[record.id for record in records],
        values={
            "id": [record.id for record in records],
            "group": [record.group for record in records],
            "time": [times.format(record.created_ms, milliseconds=False) for record in records],
            "what": [record.operation for record in records],
            "count": [len(record.entries) for record in records],
            "state": ["taken back" if record.undone_ms is not None else "" for record in records],
        },
    )


class UndoScreen(KconScreen):
    """The changes of this cluster that can be taken back."""

    TITLE_WORD = "UNDO"
    ACTIONS = ("open", "filter", "sort", "yank")
    COPIES = "oc"

    def __init__(self, group: GroupId | None) -> None:
        super().__init__()
        self._group = group
        self._records: list[UndoRecord] = []

    def body(self) -> ComposeResult:
        """One table."""
        yield VirtualTable(UNDO_COLUMNS, has_sums=False, empty="nothing to take back on this cluster")

    def mounted(self) -> None:
        """Begin to ask."""
        super().mounted()

        async def ask(session: Session) -> list[UndoRecord]:
            return await list_undo_records(session, self._group)

        self.poll("list what can be taken back", ask, self._told)

    def _told(self, records: list[UndoRecord]) -> None:
        self._records = records
        self.query_one(VirtualTable).set_rows(undo_rows(records, self.console.times))

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon group undo --list"

    def copy_text(self, letter: str) -> str | None:
        """Copy the id under the cursor."""
        key = self.table.cursor_key if self.table else None
        return (str(key) if key is not None else None) if letter == "o" else super().copy_text(letter)

    @on(VirtualTable.Chosen)
    def _open(self, event: VirtualTable.Chosen) -> None:
        record = next((record for record in self._records if record.id == event.key), None)
        if record is not None:
            self.app.push_screen(UndoPlanScreen(record))


class UndoPlanScreen(PlanScreen):
    """The plan to take one change back."""

    TITLE_WORD = "UNDO"

    def __init__(self, record: UndoRecord) -> None:
        super().__init__()
        self._record = record
        self._plan: UndoPlan | None = None
        self._error: KconError | None = None
        self._results: Mapping[TopicPartition, KafkaError | None] | None = None

    def body(self) -> ComposeResult:
        """The plan and the question."""
        yield from self.plan_body(VirtualTable(PLAN_COLUMNS, empty="planning ..."))

    def mounted(self) -> None:
        """Plan."""
        super().mounted()
        self._make_plan()
        self._draw()

    def _make_plan(self) -> None:
        record = self._record

        async def plan(session: Session) -> UndoPlan:
            return await plan_undo(session, record.group, record.id)

        self.submit(f"plan to undo {record.id}", plan, self._planned, self._plan_failed)

    def crumbs(self) -> Sequence[Fact]:
        """Return the path to this view."""
        return (Fact("groups"), Fact(self._record.group), Fact("undo"))

    def cli_command(self) -> str:
        """Return the command that does the same."""
        from kcon.tui.command_line import quoted

        return f"kcon group undo {quoted(self._record.group.raw)} {self._record.id}"

    def _planned(self, plan: UndoPlan) -> None:
        self._plan, self._error = plan, None
        self._draw()

    def _plan_failed(self, error: KconError) -> None:
        self._error = error
        self._draw()

    def _draw(self) -> None:
        rows = self._plan.rows if self._plan is not None else ()
        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=[row.partition for row in rows],
                values={
                    "where": [f"{row.partition.topic}/{row.partition.partition}" for row in rows],
                    "current": [row.current for row in rows],
                    "restored": [row.restored.offset if row.restored else None for row in rows],
                    "delta": [row.delta for row in rows],
                    "lag": [row.lag for row in rows],
                    "note": [_note(row.moved, row.lost, deletes=row.restored is None) for row in rows],
                    "result": [self._result_of(row.partition, deletes=row.restored is None) for row in rows],
                },
            )
        )
        self.show_facts(self._fact_lines())
        self.show_ask()

    def _fact_lines(self) -> list[Line]:
        if self._error is not None:
            return [[Part(f"  {self._error.message} {self._error.hint}", "bad")]]
        record = self._record
        when = self.console.times.format(record.created_ms, milliseconds=False)
        lines: list[Line] = [
            [Part("  takes back ", "dim"), Part(record.operation, "strong"), Part(f"   of {when}", "dim")]
        ]
        if self._plan is not None:
            description = self._plan.description
            changed = sum(row.changes for row in self._plan.rows)
            members = plural(len(description.members), "member")
            lines.append(
                [
                    Part("  group is ", "dim"),
                    Part(f"{description.state}, {members}"),
                    Part(f"   {plural(changed, 'commit')} to change of {show(len(self._plan.rows))}", "dim"),
                ]
            )
        return lines

    def _result_of(self, where: TopicPartition, *, deletes: bool) -> str:
        if self._results is None:
            return ""
        if where not in self._results:
            return "left alone"
        error = self._results[where]
        if error is not None:
            return error.name
        return "deleted" if deletes else "restored"

    def is_planned(self) -> bool:
        """The plan comes a moment after the dialog."""
        return self._plan is not None

    def question(self) -> str | None:
        """Ask about what changes."""
        changed = sum(row.changes for row in self._plan.rows) if self._plan is not None else 0
        return f"Take back {plural(changed, 'commit')} of group {self._record.group}?" if changed else None

    def blocked(self) -> str | None:
        """A read-only context and an active group do not allow it."""
        if self.console.context.mode is Mode.READ_ONLY:
            return f"Context {self.console.context.name} is read-only: {Operation.OFFSETS_COMMIT.value} is refused."
        if self._plan is None or not self._plan.description.is_active:
            return None
        return active_group(self._plan.description).message

    def typed_name(self) -> str:
        """The group's id."""
        return self._record.group.raw

    def apply(self, confirmed_by: str) -> None:
        """Take it back."""
        assert self._plan is not None, "can_apply looked at it"
        plan = self._plan.confirmed(confirmed_by)

        async def work(session: Session) -> UndoResult:
            return await apply_undo(session, plan)

        self.submit(f"undo {self._record.id}", work, self._applied, self.not_done)

    def _applied(self, result: UndoResult) -> None:
        self._results = result.results
        self.is_done = True
        self._draw()
        failed = [error for error in result.results.values() if error is not None]
        done = len(result.results) - len(failed)
        self.finished(f"{done:,} of {plural(len(result.results), 'commit')} as before.", bad=bool(failed))


def _note(moved: int | None, lost: int, *, deletes: bool) -> str:
    notes = []
    if deletes:
        notes.append("did not exist before, is deleted")
    if moved:
        notes.append(f"{moved:+,} since")
    if lost:
        notes.append(f"{lost:,} are gone")
    return ", ".join(notes)
