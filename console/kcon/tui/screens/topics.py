"""Which topics are there, how large are they, and which ones move? The list of topics."""

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult

from kcon.core.ids import TopicName
from kcon.core.wire_text import WireText
from kcon.tui.address import Records, Topic
from kcon.tui.plot import spark
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.base import KconScreen
from kcon.tui.text import plural, show_rate
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

TREND_WIDTH = 12


def draw_trend(value: object, width: int) -> str:
    """Draw the last values of a row."""
    return spark(value, width) if isinstance(value, tuple) else ""


COLUMNS = (
    Column(key="topic", title="NAME", flex=True, search=True),
    Column(key="partitions", title="PARTITIONS", right=True, sums=True, drop=3),
    Column(key="replicas", title="REPLICAS", right=True, drop=5),
    Column(key="span", title="OFFSETS", right=True, sums=True, counts_unknown=True),
    Column(key="in", title="IN/s", right=True, width=8, show=show_rate, sums=True),
    Column(
        key="trend", title="TREND", width=TREND_WIDTH, draw=draw_trend, drop=4, role=lambda _value: "in", sort=False
    ),
    Column(key="groups", title="GROUPS", right=True, drop=6),
    Column(key="urp", title="URP", right=True, sums=True, drop=7, role=lambda value: "warn" if value else "text"),
    Column(key="size", title="SIZE", right=True, drop=8, sort=False),
)


class TopicsScreen(KconScreen):
    """All topics but Kafka's own, unless they are asked for."""

    TITLE_WORD = "TOPICS"
    ACTIONS = ("open", "records", "filter", "sort", "yank")
    COPIES = "oc"

    def body(self) -> ComposeResult:
        """One table."""
        yield VirtualTable(COLUMNS, empty="no topics")

    def facts(self) -> Sequence[Fact]:
        """Count them."""
        snapshot = self.console.snapshot
        if snapshot is None:
            return ()
        hidden = sum(snapshot.topics.internal)
        text = plural(len(snapshot.topics) - hidden, "topic")
        return (Fact(text, 2), *([Fact(f"{hidden} internal hidden", 6)] if hidden else []))

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon topic list"

    def copy_text(self, letter: str) -> str | None:
        """Copy the name under the cursor."""
        key = self.table.cursor_key if self.table else None
        if letter == "o":
            return key.raw if isinstance(key, WireText) else None
        return super().copy_text(letter)

    def snapshot_changed(self) -> None:
        """Show the topics of the snapshot."""
        snapshot = self.console.snapshot
        if snapshot is None:
            return
        topics = snapshot.topics
        shown = [index for index in range(len(topics)) if not topics.internal[index]]

        def pick(values: Sequence[object]) -> list[object]:
            return [values[index] for index in shown]

        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=[topics.name[index] for index in shown],
                values={
                    "topic": pick(topics.name),
                    "partitions": pick(topics.partitions),
                    "replicas": pick(topics.replicas),
                    "span": pick(topics.span),
                    "in": pick(topics.in_per_s),
                    "trend": pick(topics.trend),
                    "groups": pick(topics.groups),
                    "urp": pick(topics.under_replicated),
                    "size": [None] * len(shown),
                },
            )
        )

    @on(VirtualTable.Chosen)
    def _open(self, event: VirtualTable.Chosen) -> None:
        if isinstance(event.key, WireText):
            self.console.open(Topic(TopicName(event.key)))

    def do_records(self) -> None:
        """Go to the records of the topic under the cursor."""
        key = self.table.cursor_key if self.table else None
        if isinstance(key, WireText):
            self.console.open(Records(TopicName(key)))
