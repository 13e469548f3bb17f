"""How do the places of groups move to another cluster? Each commit through the offset map of its partition.

The commit goes to the first record at or after the place it had. A group that is active at the target, or that has
moved on there since the last run, is left where it is.
"""

from collections.abc import Mapping
from typing import Any

from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import LATEST
from kcon.core.snapshot import CommittedOffset, OffsetAt
from kcon.errors import RefusedError
from kcon.records.read_plan import Isolation, PartitionRange, ReadPlan
from kcon.services.job_progress import PROGRESS_TOPIC, read_progress_records, restated, write_state
from kcon.services.migration import CommitPlan, GroupMoved
from kcon.services.migration_plan import GroupMove, MigrationPlan, topic_job
from kcon.services.offset_map import MappedRange, mapped_ranges, translate
from kcon.services.records import PlannedRead, RecordQuery, RecordReading
from kcon.services.resets import keep_undo_record
from kcon.services.session import Session


class GroupMigration:
    """Moves groups after their topics were moved."""

    def __init__(self, source: Session, target: Session, plan: MigrationPlan, confirmed_by: str) -> None:
        self._source = source
        self._target = target
        self._plan = plan
        self._confirmed_by = confirmed_by
        self._main = frozenset(move.topic.name.raw for move in plan.topics)
        self._maps: dict[TopicName, dict[int, list[MappedRange]]] = {}

    async def move_group(self, move: GroupMove) -> GroupMoved:
        """Commit the places of a group at the target."""
        moved = GroupMoved(group=move.group)
        admin = await self._target.admin()
        described = (await admin.describe_groups([move.group]))[move.group]
        if isinstance(described, KafkaError):
            raise described.as_exception(f"group {move.group}")
        if described.is_active:
            raise RefusedError(f"Group {move.group} is active at the target, so it is not moved.")
        key = f"{self._plan.job}//{move.group.raw}"
        written = (await read_progress_records(self._target, key)).get(key, {}).get("commits", {})
        there = (await admin.committed_offsets([move.group]))[move.group]
        if isinstance(there, KafkaError):
            raise there.as_exception(f"group {move.group}")
        places = await self._places(move)
        for where, commit in there.items():
            known = written.get(f"{where.topic.raw}/{where.partition}")
            if where in places and isinstance(commit, CommittedOffset) and commit.offset not in {known, places[where]}:
                raise RefusedError(
                    f"Group {move.group} has moved on at the target ({where.topic}/{where.partition} stands at "
                    f"{commit.offset}), so it is not moved.",
                    "`kcon group reset` moves it by hand.",
                )
        await self._commit(move, places, there)
        state = {"commits": {f"{where.topic.raw}/{where.partition}": offset for where, offset in places.items()}}
        confirmed_by = restated(self._confirmed_by, self._main, frozenset({PROGRESS_TOPIC.raw}))
        await write_state(self._target, key, state, confirmed_by)
        moved.committed = {where: (move.commits[where].offset, offset) for where, offset in places.items()}
        return moved

    async def _commit(self, move: GroupMove, places: Mapping[TopicPartition, int], there: Mapping[Any, Any]) -> None:
        names = frozenset({move.group.raw})
        plan = CommitPlan(group=move.group, confirmed_by=restated(self._confirmed_by, self._main, names))
        permit = await self._target.authorise(plan)
        await keep_undo(self._target, move.group, there, places)
        admin = await self._target.admin()
        offsets: dict[TopicPartition, int | CommittedOffset] = {
            where: CommittedOffset(offset, -1, move.commits[where].metadata) for where, offset in places.items()
        }
        results = await admin.commit_offsets(move.group, offsets, permit)
        failed = {f"{where.topic.raw}/{where.partition}": error.name for where, error in results.items() if error}
        self._target.gate.record_result(permit, ok=not failed, detail={"errors": failed})
        for where, error in results.items():
            if error is not None:
                raise error.as_exception(f"{where.topic}/{where.partition} of group {move.group}")

    async def _places(self, move: GroupMove) -> dict[TopicPartition, int]:
        places: dict[TopicPartition, int] = {}
        ends = await (await self._target.admin()).list_offsets(list(move.commits), LATEST, read_committed=True)
        for where, commit in move.commits.items():
            end = ends[where]
            if not isinstance(end, OffsetAt):
                raise end.as_exception(f"{where.topic}/{where.partition}")
            ranges = (await self._map_of(where.topic)).get(where.partition, [])
            found = translate(commit.offset, ranges, end.offset)
            places[where] = found.offset
            if found.count_from is not None:
                places[where] += await self._records_between(where, found.count_from, commit.offset)
        return places

    async def _map_of(self, topic: TopicName) -> dict[int, list[MappedRange]]:
        if topic not in self._maps:
            job = topic_job(self._plan.job, topic)
            self._maps[topic] = mapped_ranges(await read_progress_records(self._target, job), f"{job}/{topic.raw}")
        return self._maps[topic]

    async def _records_between(self, where: TopicPartition, start: int, end: int) -> int:
        part = PartitionRange(partition=where, start_offset=start, end_offset=end)
        planned = PlannedRead(plan=ReadPlan(ranges=(part,), isolation=Isolation.READ_COMMITTED), bounds={})
        count = 0
        async with RecordReading(self._source, planned, RecordQuery(topics=()), None) as reading:
            async for batch in reading:
                count += len(batch)
        return count


async def keep_undo(
    session: Session, group: GroupId, before: Mapping[Any, Any], after: Mapping[TopicPartition, int]
) -> None:
    """Keep what the commits overwrite, so that `kcon group undo` takes them back."""
    await session.cluster_id()
    keep_undo_record(session, group, "migration", dict(before), dict(after))
