"""How is a reset taken back? A plan from the undo record and what happened since, then its execution.

To undo is itself a change: it is planned, confirmed, and leaves an undo record of its own.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from kcon.core.ids import ClusterId, GroupId, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.lag import offset_lag, records_lost
from kcon.core.offset_query import EARLIEST, LATEST
from kcon.core.snapshot import CommittedOffset, GroupDescription, OffsetAt
from kcon.errors import KconError, NotFoundError
from kcon.gate.permit import Operation
from kcon.gate.undo import UndoRecord
from kcon.services.resets import (
    Commits,
    active_group,
    describe_one,
    keep_undo_record,
    read_commits,
)
from kcon.services.session import Session

_UNDO_WORDS: Final = "undo of "


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRow:
    """One partition of an undo plan."""

    partition: TopicPartition
    current: int | None
    """None: no commit now."""
    restored: CommittedOffset | None
    """What is committed again; None: the commit did not exist before and is deleted."""
    moved: int | None
    """How far the group went since the change: those records are read again, or skipped when negative."""
    lag: int | None
    """The lag after the undo; None when it is unknown or the commit is deleted."""
    lost: int
    """Records between the restored commit and the log start that are gone."""
    error: KafkaError | None = None

    @property
    def delta(self) -> int | None:
        """Restored minus current: negative repeats records, positive skips them."""
        if self.current is None or self.restored is None:
            return None
        return self.restored.offset - self.current

    @property
    def changes(self) -> bool:
        """Something is written or deleted."""
        if self.restored is None:
            return self.current is not None
        return self.restored.offset != self.current


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """What an undo would do."""

    record: UndoRecord
    description: GroupDescription
    rows: tuple[UndoRow, ...]
    confirmed_by: str | None = None
    deletes: bool = False
    """Which of its two mutations the gate is asked for: commits that are restored, or those that are deleted."""

    @property
    def operation(self) -> Operation:
        """The kind of mutation."""
        return Operation.OFFSETS_DELETE if self.deletes else Operation.OFFSETS_COMMIT

    @property
    def targets(self) -> frozenset[str]:
        """The group's raw id."""
        return frozenset({self.record.group.raw})

    def confirmed(self, confirmed_by: str) -> "UndoPlan":
        """Return the plan with the word of who agreed."""
        return replace(self, confirmed_by=confirmed_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    """What became of an undo; None for each partition that is as it was before."""

    results: Mapping[TopicPartition, KafkaError | None]
    undo_id: str | None
    """The record of this very undo; None: nothing was written."""


async def list_undo_records(session: Session, group: GroupId | None = None) -> list[UndoRecord]:
    """Return what can be taken back on the connected cluster, the newest first."""
    cluster_id = await session.cluster_id()
    return [] if cluster_id is None else session.undo.records(cluster_id, group)


async def plan_undo(session: Session, group: GroupId, record_id: str | None = None) -> UndoPlan:
    """Plan to take one change back; by default the newest of the group. NotFoundError: there is none."""
    cluster_id = await session.cluster_id()
    if cluster_id is None:
        raise KconError("The cluster does not tell its id, so there are no undo records for it.")
    record = _find(session, cluster_id, group, record_id)
    admin = await session.admin()
    description = await describe_one(admin, group)
    commits = await read_commits(admin, group)
    places = [entry.partition for entry in record.entries]
    starts, ends = await asyncio.gather(admin.list_offsets(places, EARLIEST), admin.list_offsets(places, LATEST))
    rows = []
    for entry in record.entries:
        where = entry.partition
        commit, start, end = commits.get(where), starts[where], ends[where]
        current = commit.offset if isinstance(commit, CommittedOffset) else None
        restored = entry.before.offset if entry.before else None
        start_offset = start.offset if isinstance(start, OffsetAt) else None
        end_offset = end.offset if isinstance(end, OffsetAt) else None
        moved = current - entry.after if current is not None and entry.after is not None else None
        rows.append(
            UndoRow(
                partition=where,
                current=current,
                restored=entry.before,
                moved=moved,
                lag=offset_lag(restored, start_offset, end_offset),
                lost=records_lost(restored, start_offset),
                error=next((each for each in (commit, start, end) if isinstance(each, KafkaError)), None),
            )
        )
    rows.sort(key=lambda row: (row.partition.topic.raw, row.partition.partition))
    return UndoPlan(record=record, description=description, rows=tuple(rows))


def _find(session: Session, cluster_id: ClusterId, group: GroupId, record_id: str | None) -> UndoRecord:
    """Return the named record, or the newest change that still stands. An undo is taken back only by its id."""
    if record_id is None:
        for record in session.undo.records(cluster_id, group):
            if record.undone_ms is None and not record.operation.startswith(_UNDO_WORDS):
                record_id = record.id
                break
    if record_id is None:
        raise NotFoundError(
            f"There is nothing to undo for group {group}.", "`kcon group undo --list` shows what there is."
        )
    return session.undo.find(cluster_id, group, record_id)


async def apply_undo(session: Session, plan: UndoPlan) -> UndoResult:
    """Restore the commits of the record and delete those that it did not have."""
    restored = {row.partition: row.restored for row in plan.rows if row.changes and row.restored is not None}
    deleted = [row.partition for row in plan.rows if row.changes and row.restored is None]
    if not restored and not deleted:
        return UndoResult(results={}, undo_id=None)
    commit_permit = await session.authorise(plan) if restored else None
    delete_permit = await session.authorise(replace(plan, deletes=True)) if deleted else None
    admin = await session.admin()
    group = plan.record.group
    description = await describe_one(admin, group)
    if description.is_active:
        raise active_group(description)
    before: Commits = await read_commits(admin, group)
    after: dict[TopicPartition, int | None] = {where: commit.offset for where, commit in restored.items()}
    after |= dict.fromkeys(deleted)
    undo_id = keep_undo_record(session, group, f"{_UNDO_WORDS}{plan.record.id}", before, after)
    results: dict[TopicPartition, KafkaError | None] = {}
    if commit_permit is not None:
        results |= await admin.commit_offsets(group, restored, commit_permit)
        session.gate.record_result(commit_permit, ok=not any(results.values()), detail={"undo": undo_id})
    if delete_permit is not None:
        gone = await admin.delete_offsets(group, deleted, delete_permit)
        session.gate.record_result(delete_permit, ok=not any(gone.values()), detail={"undo": undo_id})
        results |= gone
    if not any(results.values()):
        session.undo.mark_undone(plan.record, session.now_ms())
    return UndoResult(results=results, undo_id=undo_id)
