"""How does a cluster move into another one? Topics, settings, records and the places of groups; verified, resumable.

Each topic is made with settings under which nothing is deleted, compacted or stamped anew, filled partition by
partition (`services.copying`), read again and compared by count and digest, and only then given the settings of the
source. Commits of groups go through the map of offsets that the copy wrote down. Run again, it goes on, or catches up
with what has come since. It never deletes, and never moves a group that has moved on at the target.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kcon.admin.topic_changes import NewTopic
from kcon.core.config_entry import ConfigResource, ResourceType
from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import LATEST
from kcon.core.snapshot import CommittedOffset, OffsetAt, TopicInfo
from kcon.errors import KconError, RefusedError
from kcon.gate.permit import Operation
from kcon.records.read_plan import Isolation, PartitionRange, ReadPlan
from kcon.records.record import Record
from kcon.services.copy_plan import spec_digest
from kcon.services.copying import Copier, CopyCounts, CopyTask, Outgoing, positions_of, read_tallies, rest_of
from kcon.services.job_progress import (
    PROGRESS_TOPIC,
    authorise_job,
    job_name,
    peek_progress_records,
    read_progress_records,
    restated,
    write_state,
)
from kcon.services.record_digest import Tally
from kcon.services.records import PlannedRead, RecordQuery, plan_read
from kcon.services.session import Session
from kcon.services.topic_changes import TopicCreatePlan, apply_create
from kcon.services.topics import describe_topics, list_topics

SAFE_CONFIGS: Final = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "CreateTime",
}
"""Under these a topic keeps what it is given, until it is verified."""
CARRIED_CONFIGS: Final = frozenset({"max.message.bytes", "compression.type", "segment.bytes"})
"""Settings of the source that already hold while it is filled."""
REPLICAS_DEFAULT_MAX: Final = 3
BEGUN: Final = "begun"
"""The last part of the key of the record that says: what is in the topic is ours, committed or not."""
SETTLED: Final = "settled"
"""The last part of the key of the record that says: verified, and with its own settings."""
VISIBLE_WAIT_S: Final = 75.0
VISIBLE_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicMove:
    """One topic of the plan."""

    topic: TopicInfo
    configs: Mapping[str, str]
    """What somebody set at the source."""
    action: str
    """`create`, `fill` (it is there, and empty), `go on`, `catch up`, or why it is blocked."""
    is_blocked: bool
    offsets: int
    """Left to copy; an upper bound of the records."""
    copied: int
    """By earlier runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMove:
    """One group of the plan."""

    group: GroupId
    commits: Mapping[TopicPartition, CommittedOffset]
    target_state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPlan:
    """What a migration will do."""

    job: str
    topics: Sequence[TopicMove]
    groups: Sequence[GroupMove]
    missing: Sequence[str]
    replication_factor: int
    hidden: int
    """Behind open transactions of the source; they are not copied now."""


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


async def plan_migration(
    source: Session,
    target: Session,
    patterns: Sequence[str] | None,
    *,
    job: str | None = None,
    replication_factor: int | None = None,
    wants_groups: bool = True,
) -> MigrationPlan:
    """Look at both clusters and change nothing. RefusedError when they are the same."""
    source_id, target_id = await source.cluster_id(), await target.cluster_id()
    if source_id == target_id:
        raise RefusedError("Both are the same cluster.", "`kcon copy` copies topics within one.")
    job = job or job_name("migrate", str(source_id), str(target_id))
    found = await list_topics(source, patterns)
    topics = [topic for topic in found.topics if topic.name != PROGRESS_TOPIC]
    for topic in topics:
        if topic.error is not None:
            raise topic.error.as_exception(f"topic {topic.name}")
    told = await peek_progress_records(target, job)
    moves, hidden = await _topic_moves(source, target, topics, told, job)
    brokers = len((await (await target.admin()).cluster()).brokers)
    return MigrationPlan(
        job=job,
        topics=moves,
        groups=await _group_moves(source, target, {topic.name for topic in topics}) if wants_groups else [],
        missing=found.missing,
        replication_factor=replication_factor or min(REPLICAS_DEFAULT_MAX, brokers),
        hidden=hidden,
    )


def topic_job(job: str, topic: TopicName) -> str:
    """Return the name of one topic's part of a migration."""
    return f"{job}/{topic.raw}"


async def _topic_moves(
    source: Session, target: Session, topics: Sequence[TopicInfo], told: Mapping[str, Any], job: str
) -> tuple[list[TopicMove], int]:
    described = await describe_topics(source, topics)
    admin = await target.admin()
    there = {info.name: info for info in await admin.topics([topic.name for topic in topics])}
    moves, hidden = [], 0
    for each in described:
        name = each.topic.name
        if each.configs is None:
            assert each.configs_error is not None
            raise each.configs_error.as_exception(f"configs of {name}")
        progress = told.get(topic_job(job, name))
        planned = await plan_read(source, RecordQuery(topics=(name,)))
        hidden += planned.hidden
        rest = rest_of(planned, positions_of(progress))
        action, is_blocked = await _action(
            target,
            there[name],
            each.topic,
            progress=progress,
            begun=f"{topic_job(job, name)}/{BEGUN}" in told,
            settled=f"{topic_job(job, name)}/{SETTLED}" in told,
        )
        moves.append(
            TopicMove(
                topic=each.topic,
                configs={entry.name.raw: entry.value.raw for entry in each.configs if entry.value is not None},
                action=action,
                is_blocked=is_blocked,
                offsets=sum((part.end_offset or 0) - part.start_offset for part in rest.plan.ranges),
                copied=0 if progress is None else progress["copied"],
            )
        )
    return moves, hidden


async def _action(
    target: Session, there: TopicInfo, topic: TopicInfo, *, progress: object, begun: bool, settled: bool
) -> tuple[str, bool]:
    if there.error is not None:
        if there.error.name == "UNKNOWN_TOPIC_OR_PARTITION":
            return ("gone at the target since it was begun", True) if progress is not None else ("create", False)
        return there.error.name, True
    if begun or progress is not None:
        return "catch up" if settled else "go on", False
    if len(there.partitions) != len(topic.partitions):
        return f"there already, with {len(there.partitions)} partitions", True
    ends = await (await target.admin()).list_offsets(_partitions(there), LATEST)
    if any(not isinstance(end, OffsetAt) or end.offset > 0 for end in ends.values()):
        return "there already, and not empty", True
    return "fill", False


def _partitions(topic: TopicInfo) -> list[TopicPartition]:
    return [TopicPartition(topic.name, part.partition) for part in topic.partitions]


async def _group_moves(source: Session, target: Session, topics: set[TopicName]) -> list[GroupMove]:
    from_admin, to_admin = await source.admin(), await target.admin()
    listed = await from_admin.list_groups()
    groups = [each.group for each in listed.items if each.group_type in {"", "classic", "consumer"}]
    told = await from_admin.committed_offsets(groups)
    chosen: dict[GroupId, dict[TopicPartition, CommittedOffset]] = {}
    for group, commits in told.items():
        if isinstance(commits, KafkaError):
            raise commits.as_exception(f"group {group}")
        kept = {
            where: commit
            for where, commit in commits.items()
            if isinstance(commit, CommittedOffset) and where.topic in topics and commit.offset >= 0
        }
        if kept:
            chosen[group] = kept
    states = await to_admin.describe_groups(list(chosen)) if chosen else {}
    return [
        GroupMove(group=group, commits=commits, target_state=_state_of(states[group]))
        for group, commits in sorted(chosen.items(), key=lambda item: item[0].raw)
    ]


def _state_of(described: object) -> str:
    return described.name if isinstance(described, KafkaError) else str(getattr(described, "state", ""))


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
        for part in _partitions(move.topic):
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
        partitions = _partitions(move.topic)
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
                for part in _partitions(move.topic)
            }
        }
        confirmed_by = restated(self._confirmed_by, self._main, frozenset({PROGRESS_TOPIC.raw}))
        await write_state(self._target, f"{job}/{SETTLED}", state, confirmed_by)


def _same_place(record: Record) -> Outgoing:
    return Outgoing(record.topic.raw, record.partition)
