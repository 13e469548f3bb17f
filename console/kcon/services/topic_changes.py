"""How are topics made and deleted? Plan first, then apply, then wait until the change shows."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kcon.admin.client import Admin
from kcon.admin.topic_changes import NewTopic
from kcon.core.ids import TopicName
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import NO_BROKER, TopicInfo
from kcon.gate.permit import Operation
from kcon.services.names import is_pattern
from kcon.services.session import Session
from kcon.services.topics import TopicDescription, describe_topics, find_topics, is_missing

SETTLE_MS: Final = 5_000
"""How long a change may take to show."""
SETTLE_POLL_MS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicCreatePlan:
    """Topics to create."""

    topics: tuple[NewTopic, ...]
    confirmed_by: str | None = None

    @property
    def operation(self) -> Operation:
        """The kind of mutation."""
        return Operation.TOPIC_CREATE

    @property
    def targets(self) -> frozenset[str]:
        """The topics' raw names."""
        return frozenset(topic.name.raw for topic in self.topics)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicDeletePlan:
    """Topics to delete, with what goes with them."""

    descriptions: tuple[TopicDescription, ...]
    missing: tuple[str, ...] = ()
    """Plain names that do not exist."""
    near: Mapping[str, list[str]] = field(default_factory=dict)
    """By missing name those that are spelt nearly so."""
    by_pattern: bool = False
    """Names came from a pattern, so the user has not typed each of them."""
    confirmed_by: str | None = None

    @property
    def operation(self) -> Operation:
        """The kind of mutation."""
        return Operation.TOPIC_DELETE

    @property
    def targets(self) -> frozenset[str]:
        """The topics' raw names."""
        return frozenset(each.topic.name.raw for each in self.descriptions)


TopicResults = dict[TopicName, KafkaError | None]


async def check_create(session: Session, plan: TopicCreatePlan) -> TopicResults:
    """Let the cluster check the plan without creating anything."""
    admin = await session.admin()
    return await admin.create_topics(plan.topics, None, validate_only=True)


async def apply_create(session: Session, plan: TopicCreatePlan) -> TopicResults:
    """Create the topics; None for each that was created."""
    permit = await session.authorise(plan)
    admin = await session.admin()
    results = await admin.create_topics(plan.topics, permit)
    await _settle(admin, [name for name, error in results.items() if error is None], there=True)
    session.gate.record_result(permit, ok=not any(results.values()), detail=_failures(results))
    return results


async def plan_delete(session: Session, names: Sequence[str], *, regex: bool = False) -> TopicDeletePlan:
    """Find what would be deleted."""
    found = await find_topics(session, names, regex=regex)
    return TopicDeletePlan(
        descriptions=tuple(await describe_topics(session, found.topics)),
        missing=tuple(found.missing),
        near=found.near,
        by_pattern=any(is_pattern(name, regex=regex) for name in names),
    )


async def apply_delete(session: Session, plan: TopicDeletePlan) -> TopicResults:
    """Delete the topics; None for each that is gone."""
    permit = await session.authorise(plan)
    admin = await session.admin()
    results = await admin.delete_topics([each.topic.name for each in plan.descriptions], permit)
    await _settle(admin, [name for name, error in results.items() if error is None], there=False)
    session.gate.record_result(permit, ok=not any(results.values()), detail=_failures(results))
    return results


async def _settle(admin: Admin, names: Sequence[TopicName], *, there: bool) -> None:
    """Wait until the change shows, so that the next command finds the cluster as this one left it.

    A controller answers before every broker has heard of it. When that takes too long the change still stands.
    """
    deadline = asyncio.get_running_loop().time() + SETTLE_MS / 1000
    while names and asyncio.get_running_loop().time() < deadline:
        infos = await admin.topics(names)
        if all(_is_served(info) if there else is_missing(info) for info in infos):
            return
        await asyncio.sleep(SETTLE_POLL_MS / 1000)


def _is_served(info: TopicInfo) -> bool:
    return info.error is None and all(part.leader_id != NO_BROKER for part in info.partitions)


def _failures(results: TopicResults) -> dict[str, object]:
    return {"errors": {name.raw: error.name for name, error in results.items() if error is not None}}
