"""What is written to this topic? A record typed, or one sent again with edits: shown as a plan, then produced."""

from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, TextArea

from kcon.contexts.context import Mode
from kcon.core.ids import TopicName
from kcon.core.key_partition import partition_of_key
from kcon.core.units import format_bytes
from kcon.errors import KconError, UsageError
from kcon.records.record import NewRecord, Record
from kcon.records.sender import SendOptions
from kcon.services.produce import ProducePlan, ProduceReport, produce
from kcon.services.session import Session
from kcon.tui.editor import edit
from kcon.tui.payload_text import format_headers, format_payload, parse_headers, parse_payload
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.plan import PlanScreen
from kcon.tui.screens.reset import result_role
from kcon.tui.text import UNKNOWN, Line, Part, cut_middle
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

FIELD_CHARS_MAX: Final = 100_000
EDIT_BYTES_MAX: Final = 1024 * 1024
"""A larger value is sent again as it is, or edited with e in $EDITOR."""
HINT: Final = "nothing: null, '': empty, base64:AAEC: bytes. esc leaves the fields, tab goes back to them."
COLUMNS: Final = (
    Column(key="where", title="TOPIC/P", flex=True, draw=cut_middle, search=True),
    Column(key="key", title="KEY", width_max=24),
    Column(key="headers", title="HEADERS", right=True),
    Column(key="value", title="VALUE", right=True),
    Column(key="result", title="RESULT", role=result_role, width_max=30),
)


class ProduceScreen(PlanScreen):
    """The dialog to produce one record."""

    TITLE_WORD = "PRODUCE"
    ACTIONS = ("editor", "yank")
    AUTO_FOCUS = "#value"
    DEFAULT_CSS = """
    ProduceScreen {
        #row { height: 1; }
        #row Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $panel; color: $foreground; }
        #row #partition { width: 14; }
        #value { height: 1fr; min-height: 3; border: none; padding: 0 1; background: $surface; color: $foreground; }
        #body VirtualTable { height: 3; }
    }
    """

    def __init__(self, topic: TopicName, record: Record | None = None, partition_count: int | None = None) -> None:
        """record: the one to send again."""
        super().__init__()
        self._topic = topic
        self._from = record
        self._partition_count = partition_count
        self._result = ""
        self._kept_value: bytes | None = None
        """A value too large or too odd for the field; what is in the field then stands for it."""
        if record is not None and len(record.value or b"") > EDIT_BYTES_MAX:
            self._kept_value = record.value

    def body(self) -> ComposeResult:
        """Fields, the value, the plan, the question."""
        record = self._from
        key = "" if record is None else format_payload(record.key)
        headers = "" if record is None else format_headers(record.headers)
        with Horizontal(id="row"):
            yield self._input("key", "key", key)
            yield self._input("headers", "headers: name=value; name=value", headers)
            yield self._input("partition", "partition", "")
        value = "" if record is None or self._kept_value is not None else format_payload(record.value)
        yield TextArea(value, id="value", read_only=self._kept_value is not None, soft_wrap=True)
        yield Lines([[Part(f"  {HINT}", "dim")]], widget_id="about")
        yield from self.plan_body(VirtualTable(COLUMNS, has_sums=False))

    @staticmethod
    def _input(name: str, hint: str, value: str) -> Input:
        return Input(value=value, placeholder=hint, id=name, compact=True, max_length=FIELD_CHARS_MAX)

    def mounted(self) -> None:
        """Show the plan of what is there."""
        super().mounted()
        self._draw()

    def crumbs(self) -> "tuple[Fact, ...]":
        """Return the path to this view."""
        return (Fact("topics"), Fact(self._topic))

    def cli_command(self) -> str:
        """Return the command that does about the same; the value comes from standard input."""
        from kcon.tui.command_line import quoted

        return f"kcon produce {quoted(self._topic.raw)}"

    # --- the plan --------------------------------------------------------------------------------------------

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _changed(self) -> None:
        if self.is_ready:
            self._draw()

    def _record(self) -> NewRecord:
        """Return what the fields say. UsageError when they say nothing sensible."""
        partition = self.query_one("#partition", Input).value.strip()
        if partition and not (partition.isascii() and partition.isdigit() and len(partition) < 10):
            raise UsageError("A partition is a number.", "Leave it out to let the key decide.")
        value = self._kept_value
        if value is None:
            value = parse_payload(self.query_one("#value", TextArea).text)
        return NewRecord(
            value=value,
            key=parse_payload(self.query_one("#key", Input).value),
            headers=parse_headers(self.query_one("#headers", Input).value),
            partition=int(partition) if partition else None,
        )

    def _draw(self) -> None:
        try:
            record = self._record()
        except KconError as error:
            self.query_one(VirtualTable).set_rows(Rows())
            self.show_facts([[Part(f"  {error.message} {error.hint}", "bad")]])
            self.show_ask()
            return
        partition = "?" if (found := self._place(record)) is None else str(found)
        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=[0],
                values={
                    "where": [f"{self._topic}/{partition}"],
                    "key": [_shown(record.key)],
                    "headers": [len(record.headers)],
                    "value": ["null (tombstone)" if record.value is None else format_bytes(len(record.value))],
                    "result": [self._result],
                },
            )
        )
        self.show_facts(self._facts())
        self.show_ask()

    def _place(self, record: NewRecord) -> int | None:
        if record.partition is not None:
            return record.partition
        if record.key is None or not self._partition_count:
            return None
        return partition_of_key(record.key, self._partition_count)

    def _facts(self) -> list[Line]:
        if self._from is None:
            return []
        record = self._from
        kept = "; its value is large and stays as it is" if self._kept_value is not None else ""
        return [[Part(f"  again {record.topic}/{record.partition}/{record.offset:,}{kept}", "dim")]]

    # --- carrying it out -------------------------------------------------------------------------------------

    def question(self) -> str | None:
        """Ask about the one record."""
        try:
            self._record()
        except KconError:
            return None
        return f"Write this record to {self._topic}?"

    def blocked(self) -> str | None:
        """A read-only context."""
        if self.console.context.mode is Mode.READ_ONLY:
            return f"Context {self.console.context.name} is read-only: nothing can be written."
        return None

    def typed_name(self) -> str:
        """The topic's name."""
        return self._topic.raw

    def apply(self, confirmed_by: str) -> None:
        """Produce it and wait for the broker's answer."""
        record, plan = self._record(), ProducePlan(topic=self._topic, confirmed_by=confirmed_by)

        async def work(session: Session) -> ProduceReport:
            permit = await session.authorise(plan)
            report = await produce(session, self._topic, [record], permit, SendOptions(positions=True))
            session.gate.record_result(permit, ok=report.ok)
            return report

        self.submit(f"produce to {self._topic}", work, self._produced, self.not_done)

    def _produced(self, report: ProduceReport) -> None:
        if not report.ok:
            reason = report.failures[0].reason if report.failures else "the broker did not take it"
            self.not_done(KconError(f"Not written: {reason}."))
            return
        where = report.positions[0] if report.positions else None
        self._result = "written"
        place = "" if where is None else f" as {self._topic}/{where.partition}/{where.offset:,}"
        self.finished(f"Written{place}.", bad=False)
        self._draw()

    # --- keys ------------------------------------------------------------------------------------------------

    def hear_key(self, event: events.Key) -> None:
        """Keys are text while a field has the focus; escape leaves the fields first."""
        if isinstance(self.focused, Input | TextArea) and self.focused.id in {"key", "headers", "partition", "value"}:
            if event.key == "escape":
                event.stop()
                self.query_one(VirtualTable).focus()
            return
        if event.key in {"tab", "shift+tab"} and not self.is_done:
            event.stop()
            self.query_one("#key" if event.key == "tab" else "#value").focus()
            return
        super().hear_key(event)

    def do_editor(self) -> None:
        """Write the value in $EDITOR."""
        try:
            record = self._record()
            data = edit(self.console, record.value or b"", ".txt")
        except KconError as error:
            self.complain(error)
            return
        self._kept_value = data if len(data) > EDIT_BYTES_MAX else None
        area = self.query_one("#value", TextArea)
        area.read_only = self._kept_value is not None
        area.text = "" if self._kept_value is not None else format_payload(data)
        self._draw()


def _shown(data: bytes | None) -> str:
    return UNKNOWN if data is None else format_payload(data)
