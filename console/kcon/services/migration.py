"""How does a cluster move into another one? Topics, settings and records; verified, resumable.

Each topic is made with settings under which nothing is deleted, compacted or stamped anew, filled partition by
partition (`services.copying`), read again and compared by count and digest, and only then given the settings of the
source. Commits of groups (`services.migration_groups`) go through the map of offsets that the copy wrote down. Run
again, it goes on, or catches up with what has come since. It never deletes, and never moves a group that has moved on
at the target.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kcon.admin.topic_changes import NewTopic
from kcon.core.config_entry import ConfigResource, ResourceType
from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.offset_query import LATEST
from kcon.core.snapshot import OffsetAt
from kcon.errors import KconError
from kcon.gate.permit import Operation
from kcon.records.read_plan import Isolation, PartitionRange, ReadPlan
from kcon.records.record import Record
from kcon.services.copy_plan import spec_digest
from kcon.services.copying import Copier, CopyCounts, CopyTask, Outgoing, read_tallies
from kcon.services.job_progress import (
    PROGRESS_TOPIC,
    authorise_job,
    read_progress_records,
    restated,
    write_state,
)
from kcon.services.migration_plan import BEGUN, SETTLED, MigrationPlan, TopicMove, partitions_of, topic_job
from kcon.services.record_digest import Tally
from kcon.services.records import PlannedRead, RecordQuery, plan_read
from kcon.services.session import Session
from kcon.services.topic_changes import TopicCreatePlan, apply_create

SAFE_CONFIGS: Final = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "CreateTime",
}
"""Under these a topic keeps what it is given, until it is verified."""
CARRIED_CONFIGS: Final = frozenset({"max.message.bytes", "compression.type", "segment.bytes"})
"""Settings of the source that already hold while it is filled."""
VISIBLE_WAIT_S: Final = 75.0
VISIBLE_POLL_S: Final = 0.05


@dataclass(slots=True, kw_only=True)
class TopicMoved:
    """What became of a topic."""

    topic: TopicName
    copied: int = 0
    before: int = 0
    verified: int | None = None
    """Records that were read again at the target and are the same."""
    error: KconError | None = None


@dataclass(slots=True, kw_only=True)
class GroupMoved:
    """What became of a group."""

    group: GroupId
    committed: dict[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    """Source and target offset by partition."""
    error: KconError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitPlan:
    """What the gate is asked for the commits of a group."""

    group: GroupId
    confirmed_by: str | None = None
    operation: Operation = Operation.OFFSETS_COMMIT

    @property
    def targets(self) -> frozenset[str]:
        """The group's raw id."""
        return frozenset({self.group.raw})


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPlan:
    """What the gate is asked for the settings of a topic, or its partitions."""

    names: frozenset[str]
    operation: Operation
    confirmed_by: str | None = None

    @property
    def targets(self) -> frozenset[str]:
        """`topic:NAME` for settings, the name for partitions."""
        return self.names


class Migration:
    """One run of a migration."""

    def __init__(
        self,
        source: Session,
        target: Session,
        plan: MigrationPlan,
        confirmed_by: str,
        *,
        verifies: bool = True,
        bytes_per_s_max: float | None = None,
    ) -> None:
        self._source = source
        self._target = target
        self._plan = plan
        self._confirmed_by = confirmed_by
        self._main = frozenset(move.topic.name.raw for move in plan.topics)
        self._verifies = verifies
        self._bytes_per_s_max = bytes_per_s_max

    async def move_topic(self, move: TopicMove, on_progress: Callable[[str, CopyCounts], None]) -> TopicMoved:
        """Make, fill, verify and settle one topic."""
        name = move.topic.name
        moved = TopicMoved(topic=name)
        job = topic_job(self._plan.job, name)
        # Said before anything is there, or what a killed run left behind would be taken for somebody else's.
        confirmed_by = restated(self._confirmed_by, self._main, frozenset({PROGRESS_TOPIC.raw}))
        if move.action in {"create", "fill"}:
            await write_state(self._target, f"{job}/{BEGUN}", {}, confirmed_by)
        if move.action == "create":
            await self._create(move)
        elif move.action != "catch up":
            await self._configure(name, SAFE_CONFIGS)
        if move.action in {"go on", "catch up"}:
            await self._grow(move)
        planned = await plan_read(self._source, RecordQuery(topics=(name,), exact=True))
        for part, error in (planned.errors or {}).items():
            raise error.as_exception(f"{part.topic}/{part.partition}")
        task = CopyTask(
            job=job,
            kind="migrate",
            spec=spec_digest(str(await self._source.cluster_id()), name.raw, move.topic.topic_id),
            topics=frozenset({name}),
            planned=planned,
            route=_same_place,
            wants_map=True,
            bytes_per_s_max=self._bytes_per_s_max,
        )
        confirmed_by = restated(self._confirmed_by, self._main, frozenset({name.raw}))
        permit = await authorise_job(self._target, task.topics, name, confirmed_by)
        copier = Copier(self._source, self._target, task, permit)
        try:
            await copier.run(lambda counts: on_progress("copying", counts))
        finally:
            detail = {"job": job, "copied": copier.counts.copied, "complete": copier.is_complete}
            self._target.gate.record_result(permit, ok=copier.is_complete, detail=detail)
        moved.copied, moved.before = copier.counts.copied, copier.counts.before
        tallies = {partition: tally for (_topic, partition), tally in copier.tallies.items()}
        records = await read_progress_records(self._target, job)
        settled = records.get(f"{job}/{SETTLED}")
        if settled is None or copier.counts.copied:
            if self._verifies:
                moved.verified = await self._verify(move, tallies, settled, on_progress)
            await self._configure(name, move.configs, unset=[key for key in SAFE_CONFIGS if key not in move.configs])
            await self._settle(job, move, tallies)
        return moved

    async def _create(self, move: TopicMove) -> None:
        carried = {key: value for key, value in move.configs.items() if key in CARRIED_CONFIGS}
        new = NewTopic(
            name=move.topic.name,
            partitions=len(move.topic.partitions),
            replication_factor=self._plan.replication_factor,
            configs={**carried, **SAFE_CONFIGS},
        )
        confirmed_by = restated(self._confirmed_by, self._main, frozenset({new.name.raw}))
        results = await apply_create(self._target, TopicCreatePlan(topics=(new,), confirmed_by=confirmed_by))
        error = results[new.name]
        if error is not None:
            raise error.as_exception(f"topic {new.name}")

    async def _configure(self, name: TopicName, configs: Mapping[str, str], unset: Sequence[str] = ()) -> None:
        resource = ConfigResource(ResourceType.TOPIC, name)
        names = frozenset({resource.target})
        plan = SettingsPlan(
            names=names,
            operation=Operation.CONFIG_ALTER,
            confirmed_by=restated(self._confirmed_by, self._main, names),
        )
        permit = await self._target.authorise(plan)
        admin = await self._target.admin()
        edits: dict[str, str | None] = {**configs, **dict.fromkeys(unset)}
        error = (await admin.alter_configs({resource: edits}, permit))[resource]
        self._target.gate.record_result(permit, ok=error is None, detail={})
        if error is not None:
            raise error.as_exception(f"configs of {name}")

    async def _grow(self, move: TopicMove) -> None:
        """Add the partitions that the source got since."""
        name, wanted = move.topic.name, len(move.topic.partitions)
        admin = await self._target.admin()
        (there,) = await admin.topics([name])
        if len(there.partitions) >= wanted:
            return
        names = frozenset({name.raw})
        plan = SettingsPlan(
            names=names,
            operation=Operation.PARTITIONS_ADD,
            confirmed_by=restated(self._confirmed_by, self._main, names),
        )
        permit = await self._target.authorise(plan)
        error = (await admin.add_partitions({name: wanted}, permit))[name]
        self._target.gate.record_result(permit, ok=error is None, detail={})
        if error is not None:
            raise error.as_exception(f"topic {name}")

    # --- verification ----------------------------------------------------------------------------------------

    async def _verify(
        self,
        move: TopicMove,
        tallies: Mapping[int, Tally],
        settled: Mapping[str, Any] | None,
        on_progress: Callable[[str, CopyCounts], None],
    ) -> int:
        """Read what was written since the topic was settled and compare. KconError names the partition that differs."""
        ends = await self._visible_ends(move)
        before = {} if settled is None else settled["partitions"]
        ranges, expected = [], {}
        for part in partitions_of(move.topic):
            start, text = before.get(str(part.partition), (0, Tally().as_text()))
            known = Tally.of_text(text)
            full = tallies.get(part.partition, Tally())
            ranges.append(PartitionRange(partition=part, start_offset=start, end_offset=ends[part]))
            expected[part] = (known.count, full - known)
        planned = PlannedRead(plan=ReadPlan(ranges=tuple(ranges), isolation=Isolation.READ_COMMITTED), bounds={})
        first_numbers = {part: number for part, (number, _total) in expected.items()}

        def show(count: int) -> None:
            on_progress("verifying", CopyCounts(copied=count, offsets_done=count, offsets_total=total))

        total = sum(tally.count for _number, tally in expected.values())
        found = await read_tallies(self._target, planned, first_numbers, show)
        for part, (_number, wanted) in expected.items():
            seen = found[part] - Tally(first_numbers[part])
            if seen != wanted:
                others = ", not the same ones" if seen.count == wanted.count else ""
                raise KconError(
                    f"{part.topic}/{part.partition} differs: {wanted.count:,} records were copied, "
                    f"and {seen.count:,} are at the target{others}.",
                    "Something else writes to it or deletes from it. Delete the topic there and migrate it again.",
                )
        return total

    async def _visible_ends(self, move: TopicMove) -> dict[TopicPartition, int]:
        """Return the ends of the target once the markers of the last transaction are written."""
        admin = await self._target.admin()
        partitions = partitions_of(move.topic)
        deadline_s = asyncio.get_running_loop().time() + VISIBLE_WAIT_S
        while True:
            ends = await admin.list_offsets(partitions, LATEST)
            stable = await admin.list_offsets(partitions, LATEST, read_committed=True)
            known = {part: end.offset for part, end in ends.items() if isinstance(end, OffsetAt)}
            if known and known == {part: end.offset for part, end in stable.items() if isinstance(end, OffsetAt)}:
                return known
            if asyncio.get_running_loop().time() > deadline_s:
                raise KconError(f"An open transaction hides the end of {move.topic.name} at the target.")
            await asyncio.sleep(VISIBLE_POLL_S)

    async def _settle(self, job: str, move: TopicMove, tallies: Mapping[int, Tally]) -> None:
        ends = await self._visible_ends(move)
        state = {
            "partitions": {
                str(part.partition): [ends[part], tallies.get(part.partition, Tally()).as_text()]
                for part in partitions_of(move.topic)
            }
        }
        confirmed_by = restated(self._confirmed_by, self._main, frozenset({PROGRESS_TOPIC.raw}))
        await write_state(self._target, f"{job}/{SETTLED}", state, confirmed_by)


def _same_place(record: Record) -> Outgoing:
    return Outgoing(record.topic.raw, record.partition)
