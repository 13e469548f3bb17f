"""Which topics are there, how large are they, and which ones move? The list of topics."""

import shlex
from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult

from kcon.core.ids import TopicName
from kcon.core.sparkline import spark
from kcon.core.wire_text import WireText
from kcon.tui.address import Records, Topic
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.base import KconScreen
from kcon.tui.screens.disk_columns import show_bytes, show_share
from kcon.tui.text import UNKNOWN, cut_middle, none_of, plural, show_rate
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

TREND_WIDTH = 12


def draw_trend(value: object, width: int) -> str:
    """Draw the last values of a row."""
    return spark(value, width) if isinstance(value, tuple) else ""


FAVOURITE = "»"

COLUMNS = (
    Column(key="topic", title="NAME", flex=True, flex_wish=32, draw=cut_middle, search=True),
    Column(key="partitions", title="PARTITIONS", right=True, sums=True, drop=3),
    Column(key="replicas", title="REPLICAS", right=True, drop=5),
    Column(key="span", title="OFFSETS", right=True, sums=True, counts_unknown=True),
    Column(key="in", title="IN/s", right=True, width=8, show=show_rate, sums=True),
    Column(
        key="trend", title="TREND", width=TREND_WIDTH, draw=draw_trend, drop=4, role=lambda _value: "in", sort=False
    ),
    Column(key="groups", title="GROUPS", right=True, drop=6),
    Column(key="urp", title="URP", right=True, sums=True, drop=7, role=lambda value: "warn" if value else "text"),
    Column(key="loved", title="", width=1, drop=1, sort=False, role=lambda _value: "key"),
    Column(key="offline", title="OFFLINE", right=True, hidden=True, role=lambda value: "bad" if value else "text"),
    Column(key="share", title="SHARE", right=True, width=5, show=show_share, drop=9),
    Column(key="size", title="SIZE", right=True, width=9, drop=8, show=show_bytes, sums=True),
    Column(key="out", title="OUT/s", right=True, width=8, show=show_rate, sums=True, drop=10),
    Column(key="hot", title="HOT", right=True, width=5, drop=11, sort=False, role=lambda _value: "warn"),
)


class TopicsScreen(KconScreen):
    """All topics but Kafka's own, unless they are asked for."""

    TITLE_WORD = "TOPICS"
    SHOWS_PAST = True
    ACTIONS = (
        "open",
        "records",
        "filter",
        "sort",
        "mark",
        "mark_all",
        "favourite",
        "yank",
        "new_topic",
        "more_partitions",
        "produce",
        "delete_topics",
    )
    COPIES = "oc"

    def body(self) -> ComposeResult:
        """One table."""
        yield VirtualTable(COLUMNS, empty=UNKNOWN)

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
        self.query_one(VirtualTable).empty = none_of("topics", as_a_user=self.console.context.is_authenticated)
        topics, arrangements = snapshot.topics, self.console.arrangements
        shown = [index for index in range(len(topics)) if not topics.internal[index]]
        context = self.console.context.name
        loved = set(arrangements.favourites.get(context, {}).get("topics", ()))
        if loved:
            shown.sort(key=lambda index: topics.name[index].raw not in loved)
        total = sum(topics.in_per_s[index] or 0.0 for index in shown)
        standing = self.console.standing
        sizes = None if standing is None else standing.topic_bytes

        def pick(values: Sequence[object]) -> list[object]:
            return [values[index] for index in shown]

        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=[topics.name[index] for index in shown],
                values={
                    "topic": pick(topics.name),
                    "loved": [FAVOURITE if topics.name[index].raw in loved else "" for index in shown],
                    "offline": pick(topics.offline),
                    "share": [
                        None if (rate := topics.in_per_s[index]) is None or total <= 0 else rate / total
                        for index in shown
                    ],
                    "partitions": pick(topics.partitions),
                    "replicas": pick(topics.replicas),
                    "span": pick(topics.span),
                    "in": pick(topics.in_per_s),
                    "trend": pick(topics.trend),
                    "groups": pick(topics.groups),
                    "urp": pick(topics.under_replicated),
                    "size": [None if sizes is None else sizes.get(topics.name[index]) for index in shown],
                    "out": pick(topics.out_per_s),
                    "hot": [None if (hot := topics.hot[index]) is None else f"p{hot}!" for index in shown],
                },
            )
        )

    @on(VirtualTable.Chosen)
    def _open(self, event: VirtualTable.Chosen) -> None:
        if isinstance(event.key, WireText):
            self.console.open(Topic(TopicName(event.key)))

    def do_records(self) -> None:
        """Go to the records of the marked topics, merged by time, or of the topic under the cursor."""
        names = self._targets()
        if names:
            self.console.open(Records(names[0], others=tuple(names[1:])))

    def _targets(self) -> list[TopicName]:
        keys = self.query_one(VirtualTable).view.targets()
        return [TopicName(key) for key in keys if isinstance(key, WireText)]

    def do_favourite(self) -> None:
        """Keep the topic above the others, or not any more."""
        key = self.table.cursor_key if self.table else None
        if isinstance(key, WireText):
            is_one = self.console.arrangements.toggle_favourite(self.console.context.name, "topics", key.raw)
            self.say(f"{key} {'is a favourite' if is_one else 'is no favourite any more'}.")
            self.snapshot_changed()

    # --- changes ---------------------------------------------------------------------------------------------

    def do_new_topic(self) -> None:
        """Offer to create one."""
        self.type_command("topic create NAME -p 3")

    def do_more_partitions(self) -> None:
        """Offer to let the marked topics grow."""
        names = self._targets()
        if names:
            self.type_command(f"topic add-partitions {quoted_names(names)} --add 1")

    def do_produce(self) -> None:
        """Write a record to the topic under the cursor."""
        from kcon.tui.screens.produce import ProduceScreen

        names = self._targets()
        snapshot = self.console.snapshot
        if names and snapshot is not None and names[0] in snapshot.topics.name:
            count = snapshot.topics.partitions[snapshot.topics.name.index(names[0])]
            self.app.push_screen(ProduceScreen(names[0], None, count))

    def do_delete_topics(self) -> None:
        """Ask what is to go."""
        if self._targets():
            self.ask_letter("delete", {"t": "topics with their records", "r": "records only"}, self._delete)

    def _delete(self, letter: str) -> None:
        names = [name.raw for name in self._targets()]
        if letter == "t":
            self.plan("topic", "delete", *names)
        elif letter == "r":
            self.type_command(f"topic purge {quoted_names(self._targets())} --before end")


def quoted_names(names: Sequence[WireText]) -> str:
    """Return names as words of a command line."""
    return shlex.join(name.raw for name in names)
