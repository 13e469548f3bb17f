"""How far is a cluster from what is waited for? Measures conditions, each with as few questions as it takes."""

from collections.abc import Callable, Sequence

from kcon.core.ids import group_id
from kcon.core.kafka_error import KafkaError
from kcon.core.lag import sum_lag
from kcon.core.snapshot import PartitionInfo, TopicInfo
from kcon.core.wait_condition import Condition, Subject
from kcon.errors import KconError
from kcon.services.groups import group_lag
from kcon.services.session import Session

Measured = int | frozenset[str] | None
"""A count, the states of groups, or None: it is not known now."""


async def measure(
    session: Session, conditions: Sequence[Condition], groups: Sequence[str], topics: Sequence[str]
) -> dict[Condition, Measured]:
    """Measure each condition once. topics: only these count for urp and offline; none: all.

    KconError when the cluster cannot be asked.
    """
    admin = await session.admin()
    subjects = {condition.subject for condition in conditions}
    found: dict[Subject, Measured] = {}
    if subjects & {Subject.URP, Subject.OFFLINE}:
        from kcon.services.topics import list_topics

        listed = await list_topics(session, topics or None, internal=True)
        known = None if listed.missing or any(topic.error for topic in listed.topics) else listed.topics
        found[Subject.URP] = _count(known, lambda part: part.is_under_replicated)
        found[Subject.OFFLINE] = _count(known, lambda part: part.leader_id < 0)
    if Subject.BROKERS in subjects:
        found[Subject.BROKERS] = len((await admin.cluster()).brokers)
    if Subject.MOVES in subjects:
        found[Subject.MOVES] = len(await admin.reassignments())
    if subjects & {Subject.GROUP, Subject.MEMBERS}:
        found |= await _describe(session, groups)
    if Subject.LAG in subjects:
        found[Subject.LAG] = await _lag(session, groups)
    return {condition: found[condition.subject] for condition in conditions}


def _count(topics: Sequence[TopicInfo] | None, matches: Callable[[PartitionInfo], bool]) -> int | None:
    if topics is None:
        return None
    return sum(bool(matches(part)) for topic in topics for part in topic.partitions)


async def _describe(session: Session, groups: Sequence[str]) -> dict[Subject, Measured]:
    described = await (await session.admin()).describe_groups([group_id(name) for name in groups])
    if any(isinstance(each, KafkaError) for each in described.values()):
        return {Subject.GROUP: None, Subject.MEMBERS: None}
    known = [each for each in described.values() if not isinstance(each, KafkaError)]
    return {
        Subject.GROUP: frozenset(each.state.lower() for each in known),
        Subject.MEMBERS: sum(len(each.members) for each in known),
    }


async def _lag(session: Session, groups: Sequence[str]) -> int | None:
    """Return the sum; None when a part of it is unknown, for then it may be any number."""
    try:
        report = await group_lag(session, groups)
    except KconError:
        return None
    total = sum_lag(report.rows)
    if report.group_errors or report.broker_errors or total.unknown or not report.rows:
        return None
    return total.lag
