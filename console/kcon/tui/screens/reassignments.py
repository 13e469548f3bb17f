"""What is being moved, and how far is it? Reassignments in progress, with what is still to be copied."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.errors import KconError
from kcon.services.session import Session
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.disk_columns import show_bytes, show_share
from kcon.tui.screens.listing import ListingScreen
from kcon.tui.text import cut_middle, plural
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable


@dataclass(frozen=True, slots=True)
class Move:
    """One partition on its way."""

    partition: TopicPartition
    replicas: tuple[int, ...]
    adding: tuple[int, ...]
    removing: tuple[int, ...]
    leader_bytes: int | None
    """The largest replica there is: what a new one must reach."""
    copied_bytes: int | None
    """What the new replicas hold together."""

    @property
    def share(self) -> float | None:
        """Return how much is copied; None when the disks do not say."""
        if self.leader_bytes is None or self.copied_bytes is None or not self.adding:
            return None
        whole = self.leader_bytes * len(self.adding)
        return min(1.0, self.copied_bytes / whole) if whole else 1.0


class ReassignmentsScreen(ListingScreen):
    """Moves in progress."""

    TITLE_WORD = "MOVES"
    ACTIONS = ("filter", "sort", "mark", "mark_all", "yank", "move", "cancel_moves")
    EMPTY = "nothing moves"
    COLUMNS = (
        Column(key="where", title="TOPIC/P", flex=True, flex_wish=32, draw=cut_middle, search=True),
        Column(key="replicas", title="REPLICAS", sort=False),
        Column(key="adding", title="ADDING", sort=False),
        Column(key="removing", title="REMOVING", sort=False, drop=2),
        Column(key="copied", title="COPIED", right=True, width=9, show=show_bytes, sums=True),
        Column(key="whole", title="OF", right=True, width=9, show=show_bytes, sums=True, drop=1),
        Column(key="share", title="DONE", right=True, width=5, show=show_share),
    )

    async def read(self, session: Session) -> list[Move]:
        """Ask the controller what moves, and the brokers how large it is by now."""
        admin = await session.admin()
        moving = await admin.reassignments()
        sizes: dict[tuple[TopicPartition, int], int] = {}
        if moving:
            try:
                for broker_id, dirs in (await admin.log_dirs(None, list(moving))).items():
                    if isinstance(dirs, KafkaError):
                        continue
                    for each in dirs:
                        sizes.update({(replica.partition, broker_id): replica.size_bytes for replica in each.replicas})
            except KconError:
                sizes = {}  # What moves is known; how far it is stays unknown.
        return [
            Move(
                partition=where,
                replicas=tuple(each.replicas),
                adding=tuple(each.adding),
                removing=tuple(each.removing),
                leader_bytes=max((sizes[where, b] for b in each.replicas if (where, b) in sizes), default=None),
                copied_bytes=sum(sizes.get((where, b), 0) for b in each.adding) if sizes else None,
            )
            for where, each in moving.items()
        ]

    def facts(self) -> Sequence[Fact]:
        """Count them."""
        return () if self.told is None else (Fact(plural(len(self.told), "move"), 2),)

    def rows_of(self, told: Any) -> Rows:
        """Return a row a partition."""
        moves: list[Move] = told
        return Rows(
            keys=[move.partition for move in moves],
            values={
                "where": [f"{move.partition.topic}/{move.partition.partition}" for move in moves],
                "replicas": [move.replicas for move in moves],
                "adding": [move.adding for move in moves],
                "removing": [move.removing for move in moves],
                "copied": [move.copied_bytes for move in moves],
                "whole": [
                    None if move.leader_bytes is None else move.leader_bytes * len(move.adding) for move in moves
                ],
                "share": [move.share for move in moves],
            },
        )

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon reassign status"

    def do_move(self) -> None:
        """Offer to plan a move."""
        self.type_command("reassign execute -t TOPIC --brokers 1,2,3")

    def do_cancel_moves(self) -> None:
        """Cancel the moves of the marked topics."""
        keys = self.query_one(VirtualTable).view.targets()
        names = dict.fromkeys(key.topic.raw for key in keys if isinstance(key, TopicPartition))
        if names:
            self.plan("reassign", "cancel", *(word for name in names for word in ("-t", name)))
