"""What will a migration do? Looks at both clusters and changes nothing: topics, what is left of each, and groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import LATEST
from kcon.core.snapshot import CommittedOffset, OffsetAt, TopicInfo
from kcon.errors import RefusedError
from kcon.services.copying import positions_of, rest_of
from kcon.services.job_progress import PROGRESS_TOPIC, job_name, peek_progress_records
from kcon.services.records import RecordQuery, plan_read
from kcon.services.session import Session
from kcon.services.topics import describe_topics, list_topics

REPLICAS_DEFAULT_MAX: Final = 3
BEGUN: Final = "begun"
"""The last part of the key of the record that says: what is in the topic is ours, committed or not."""
SETTLED: Final = "settled"
"""The last part of the key of the record that says: verified, and with its own settings."""


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
    ends = await (await target.admin()).list_offsets(partitions_of(there), LATEST)
    if any(not isinstance(end, OffsetAt) or end.offset > 0 for end in ends.values()):
        return "there already, and not empty", True
    return "fill", False


def partitions_of(topic: TopicInfo) -> list[TopicPartition]:
    """Return the partitions of a topic, by index."""
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
