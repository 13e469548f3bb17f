"""Which transactions are open, and which hang? What a coordinator knows, and what blocks the readers of a partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textual import on

from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.transaction import HANGING_AFTER_MS, HangingTransaction, TransactionDescription, TransactionListing
from kcon.errors import KconError
from kcon.services.session import Session
from kcon.services.transactions import read_hanging
from kcon.tui.address import Records
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.listing import ListingScreen
from kcon.tui.text import UNKNOWN, age, cut_middle, plural
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

OPEN_STATES = frozenset({"Ongoing", "PrepareCommit", "PrepareAbort", "PrepareEpochFence"})
DESCRIBED_MAX = 500
"""Open transactions that are described; the others stand in the list without their age."""


@dataclass(frozen=True, slots=True)
class TransactionsTold:
    """All transactional ids, and what hangs."""

    items: tuple[TransactionListing, ...]
    described: dict[str, TransactionDescription]
    hanging: tuple[HangingTransaction, ...]
    problems: tuple[str, ...]


def state_role(value: object) -> str:
    """Return the role of a state."""
    if value == "HANGS":
        return "bad"
    return "warn" if value in OPEN_STATES else "text"


class TransactionsScreen(ListingScreen):
    """Transactions, the hanging ones first, then the open ones by age."""

    TITLE_WORD = "TRANSACTIONS"
    ACTIONS = ("open", "filter", "sort", "yank", "abort")
    EMPTY = "no transactional ids"
    HAS_SUMS = False
    COLUMNS = (
        Column(key="id", title="TRANSACTIONAL ID", flex=True, flex_wish=32, draw=cut_middle, search=True),
        Column(key="state", title="STATE", search=True, role=state_role),
        Column(key="age", title="OPEN FOR", right=True),
        Column(
            key="producer", title="PRODUCER", right=True, show=lambda value: UNKNOWN if value is None else str(value)
        ),
        Column(key="epoch", title="EPOCH", right=True, drop=3),
        Column(key="where", title="PARTITIONS", search=True, width_max=36, drop=1),
        Column(key="start", title="TXN START", right=True, drop=4),
        Column(key="coordinator", title="COORD", right=True, drop=2),
    )

    async def read(self, session: Session) -> TransactionsTold:
        """Ask the coordinators, and the leaders of all partitions."""
        admin = await session.admin()
        listed = await admin.transactions()
        problems = [f"Broker {broker}: {error}." for broker, error in listed.errors.items()]
        wanted = [item.transactional_id.raw for item in listed.items if item.state in OPEN_STATES][:DESCRIBED_MAX]
        described = await admin.describe_transactions(wanted) if wanted else {}
        hanging: Sequence[HangingTransaction] = ()
        try:
            hanging, _producers = await read_hanging(session, (), older_than_ms=HANGING_AFTER_MS)
        except KconError as error:
            problems.append(f"Whether one hangs is unknown: {error.message}")
        return TransactionsTold(
            items=tuple(listed.items),
            described={name: told for name, told in described.items() if not isinstance(told, KafkaError)},
            hanging=tuple(hanging),
            problems=tuple(problems),
        )

    def notes_of(self, told: Any) -> Sequence[str]:
        """Return what could not be read."""
        return list(told.problems)

    def facts(self) -> Sequence[Fact]:
        """Count the open and the hanging ones."""
        told: TransactionsTold | None = self.told
        if told is None:
            return ()
        open_count = sum(item.state in OPEN_STATES for item in told.items)
        hanging = len(told.hanging)
        return (
            Fact(plural(len(told.items), "id"), 3),
            Fact(f"{open_count:,} open", 2),
            Fact(f"{hanging:,} hanging", 1, "bad" if hanging else "text"),
        )

    def rows_of(self, told: Any) -> Rows:
        """Return the hanging ones, then the rest by age."""
        found: TransactionsTold = told
        now_ms = self.console.now_ms()
        rows: list[tuple[Any, ...]] = []
        for each in found.hanging:
            producer = each.producer
            rows.append(
                (
                    (producer.partition, producer.producer_id),
                    each.transactional_id,
                    "HANGS",
                    age(producer.last_timestamp_ms, now_ms),
                    producer.producer_id,
                    producer.producer_epoch,
                    f"{producer.partition.topic}/{producer.partition.partition}",
                    producer.txn_start_offset,
                    None,
                )
            )

        def since(item: TransactionListing) -> int:
            described = found.described.get(item.transactional_id.raw)
            return described.start_ms if described is not None and described.start_ms is not None else now_ms + 1

        for item in sorted(found.items, key=lambda item: (item.state not in OPEN_STATES, since(item))):
            described = found.described.get(item.transactional_id.raw)
            places = described.partitions if described is not None else ()
            began = described.start_ms if described is not None else None
            rows.append(
                (
                    item.transactional_id,
                    item.transactional_id,
                    item.state,
                    None if began is None else age(began, now_ms),
                    item.producer_id,
                    described.producer_epoch if described is not None else None,
                    " ".join(f"{where.topic}/{where.partition}" for where in places),
                    None,
                    item.coordinator_id,
                )
            )
        names = ("id", "state", "age", "producer", "epoch", "where", "start", "coordinator")
        return Rows(
            keys=[row[0] for row in rows],
            values={name: [row[place] for row in rows] for place, name in enumerate(names, 1)},
        )

    def _hanging_at_cursor(self) -> HangingTransaction | None:
        key = self.query_one(VirtualTable).cursor_key if self.is_ready else None
        if self.told is None or not isinstance(key, tuple):
            return None
        return next(
            (each for each in self.told.hanging if (each.producer.partition, each.producer.producer_id) == key), None
        )

    def why_not(self, action: str) -> str | None:
        """Only one that hangs is aborted by hand; its coordinator ends the others."""
        reason = super().why_not(action)
        if reason is None and action == "abort" and self._hanging_at_cursor() is None:
            return "the cursor is not on a transaction that hangs"
        return reason

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon txn list"

    @on(VirtualTable.Chosen)
    def _open(self, event: VirtualTable.Chosen) -> None:
        hanging = self._hanging_at_cursor()
        if hanging is not None:
            where: TopicPartition = hanging.producer.partition
            self.console.open(Records(where.topic, where.partition, str(hanging.producer.txn_start_offset)))
            return
        raw = getattr(event.key, "raw", None)
        if raw is not None:
            import shlex

            self.console.execute_line(shlex.join(["txn", "describe", raw]))

    def do_abort(self) -> None:
        """Show the plan to abort the one under the cursor."""
        hanging = self._hanging_at_cursor()
        if hanging is not None:
            where = hanging.producer.partition
            start = str(hanging.producer.txn_start_offset)
            self.plan("txn", "abort", where.topic.raw, "-p", str(where.partition), "--start-offset", start)
