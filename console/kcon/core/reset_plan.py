"""Where would each partition of a group move, and what would that skip or repeat? Pure: bounds in, plan out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from kcon.core.ids import GroupId, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.lag import offset_lag
from kcon.core.offset_spec import Absolute, AtTime, FromCurrent, FromEnd, FromStart, OffsetSpec
from kcon.core.snapshot import OffsetAt


class ResetNote(Enum):
    """What a person should know about one row of a plan."""

    NEW_COMMIT = "new commit"
    """The group had no commit here."""
    CLAMPED_TO_START = "clamped to start"
    """The asked offset is gone, or below zero; the first one there is takes its place."""
    CLAMPED_TO_END = "clamped to end"
    """The asked offset does not exist yet."""
    NO_RECORD_AT_TIME = "no record after that time, moved to end"
    UNCHANGED = "unchanged"
    NO_COMMIT = "no commit to move from"
    """`current` means nothing here: the row is left alone."""
    NOT_IN_SOURCE = "not in the source"
    """The other group, or the file, says nothing about it: the row is left alone."""
    NO_BOUNDS = "offsets could not be read"
    """What exists is unknown, so nothing is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionState:
    """What is known about one partition in the scope of a reset."""

    partition: TopicPartition
    committed: int | None
    """None: no commit."""
    start: int | None
    """The log start offset; None when it could not be read."""
    end: int | None
    """The high watermark; None when it could not be read."""
    at_time: OffsetAt | None = None
    """The answer for an `@TIME` spec; not found counts as "no record that late"."""
    error: KafkaError | None = None
    """Why a part of it could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetRow:
    """One partition of a plan. `new` None: nothing is written for it."""

    partition: TopicPartition
    current: int | None
    new: int | None
    asked: int | None
    """The target before it was clamped; None when nothing was to be clamped."""
    delta: int | None
    """new - current: negative repeats records, positive skips them; None without both."""
    lag: int | None
    """The lag after the reset; None when nothing is written and the lag is unknown."""
    notes: tuple[ResetNote, ...] = ()
    error: KafkaError | None = None

    @property
    def changes(self) -> bool:
        """Something is written for this row: it moves, or it is a new commit."""
        return self.new is not None and self.new != self.current


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPlan:
    """A whole reset as it is shown and then applied. Rows are sorted by topic and partition."""

    group: GroupId
    target: str
    """What was asked for, e.g. `@2026-01-31T14:05:00.000+01:00 (Europe/Paris)`."""
    rows: tuple[ResetRow, ...]
    warnings: tuple[str, ...]

    @property
    def changed_rows(self) -> tuple[ResetRow, ...]:
        """The rows that are written."""
        return tuple(row for row in self.rows if row.changes)

    @property
    def failed_rows(self) -> tuple[ResetRow, ...]:
        """The rows that cannot be planned because their offsets could not be read."""
        return tuple(row for row in self.rows if ResetNote.NO_BOUNDS in row.notes)

    def offsets(self) -> dict[TopicPartition, int]:
        """Return what to commit."""
        return {row.partition: row.new for row in self.rows if row.new is not None and row.changes}


def plan_reset(group: GroupId, spec: OffsetSpec, states: Iterable[PartitionState], *, target: str) -> ResetPlan:
    """Plan to move every partition to one place."""
    rows = [_row(state, *_resolve(spec, state)) for state in states]
    return _plan(group, rows, target)


def plan_reset_to(
    group: GroupId,
    offsets: Mapping[TopicPartition, int],
    states: Iterable[PartitionState],
    *,
    target: str,
) -> ResetPlan:
    """Plan to move each partition to its own offset: another group's commit, or a file's line."""
    rows = []
    for state in states:
        wanted = offsets.get(state.partition)
        rows.append(_row(state, wanted, None if wanted is not None else ResetNote.NOT_IN_SOURCE))
    return _plan(group, rows, target)


def _plan(group: GroupId, rows: list[ResetRow], target: str) -> ResetPlan:
    rows.sort(key=lambda row: (row.partition.topic.raw, row.partition.partition))
    return ResetPlan(group=group, target=target, rows=tuple(rows), warnings=_warnings(rows))


def _resolve(spec: OffsetSpec, state: PartitionState) -> tuple[int | None, ResetNote | None]:
    """Return the asked offset before clamping, and what to say about it; None: leave the row alone."""
    match spec:
        case Absolute(offset):
            return offset, None
        case FromCurrent(delta):
            if state.committed is None:
                return None, ResetNote.NO_COMMIT
            return state.committed + delta, None
        case FromStart(plus):
            return (None, ResetNote.NO_BOUNDS) if state.start is None else (state.start + plus, None)
        case FromEnd(minus):
            return (None, ResetNote.NO_BOUNDS) if state.end is None else (state.end - minus, None)
        case AtTime():
            if state.at_time is None:
                return None, ResetNote.NO_BOUNDS
            if state.at_time.found:
                return state.at_time.offset, None
            return state.end, ResetNote.NO_RECORD_AT_TIME
        case _:
            assert_never(spec)


def _row(state: PartitionState, asked: int | None, note: ResetNote | None) -> ResetRow:
    notes = [note] if note is not None else []
    new = asked
    if asked is not None and (state.start is None or state.end is None):
        # What exists is unknown: a target that was not clamped could commit an offset that never was.
        new = None
        notes = [ResetNote.NO_BOUNDS]
    elif asked is not None and state.start is not None and state.end is not None:
        new = min(max(asked, state.start), state.end)
        if new > asked:
            notes.append(ResetNote.CLAMPED_TO_START)
        elif new < asked:
            notes.append(ResetNote.CLAMPED_TO_END)
        if state.committed is None:
            notes.append(ResetNote.NEW_COMMIT)
        elif new == state.committed:
            notes.append(ResetNote.UNCHANGED)
    kept = new if new is not None else state.committed
    return ResetRow(
        partition=state.partition,
        current=state.committed,
        new=new,
        asked=asked if new != asked and new is not None else None,
        delta=new - state.committed if new is not None and state.committed is not None else None,
        lag=offset_lag(kept, state.start, state.end),
        notes=tuple(notes),
        error=state.error,
    )


def _warnings(rows: Iterable[ResetRow]) -> tuple[str, ...]:
    counts = dict.fromkeys(ResetNote, 0)
    for row in rows:
        for note in row.notes:
            counts[note] += 1
    return tuple(
        sentence.format(count=counts[note], s="" if counts[note] == 1 else "s")
        for note, sentence in _SENTENCES.items()
        if counts[note]
    )


_SENTENCES = {
    ResetNote.CLAMPED_TO_START: "{count} target{s} before the first record there is: moved to the start.",
    ResetNote.CLAMPED_TO_END: "{count} target{s} behind the end: moved to the end.",
    ResetNote.NO_RECORD_AT_TIME: "{count} partition{s} without a record that late: moved to the end.",
    ResetNote.NO_COMMIT: "{count} partition{s} without a commit: left alone.",
    ResetNote.NOT_IN_SOURCE: "{count} partition{s} not in the source: left alone.",
    ResetNote.NO_BOUNDS: "{count} partition{s} whose offsets could not be read: left alone.",
}
