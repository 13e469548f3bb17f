"""May a broker go for good? What each one leads and holds, and how the cluster is told to forget one."""

from collections import Counter
from typing import Final

from kcon.admin.requests import broker_target
from kcon.core.frozen import Frozen
from kcon.errors import RefusedError
from kcon.gate.permit import Operation
from kcon.observe.controller import active_controller
from kcon.services.session import Session

_TOPICS_NAMED: Final = 3


class BrokerView(Frozen):
    """One live broker, as the cluster sees it."""

    is_controller: bool
    leads: int
    """Partitions."""
    holds: int
    """Replicas."""
    out_of_sync: int
    """Replicas on it that are not in sync."""


class _Removal(Frozen):
    operation: Operation
    targets: frozenset[str]
    confirmed_by: str | None


async def look_at_brokers(session: Session) -> dict[int, BrokerView]:
    """Return by id every broker that is live or holds a replica."""
    admin = await session.admin()
    topics = await admin.topics()
    info = await admin.cluster()
    controller_id = await active_controller(admin, info)
    leads: Counter[int] = Counter()
    holds: Counter[int] = Counter()
    out_of_sync: Counter[int] = Counter()
    for part in (part for topic in topics for part in topic.partitions):
        leads[part.leader_id] += 1
        holds.update(part.replicas)
        out_of_sync.update(set(part.replicas) - set(part.isr))
    return {
        broker_id: BrokerView(
            is_controller=broker_id == controller_id,
            leads=leads[broker_id],
            holds=holds[broker_id],
            out_of_sync=out_of_sync[broker_id],
        )
        for broker_id in sorted({broker.id for broker in info.brokers} | set(holds))
    }


async def check_empty(session: Session, broker_id: int, *, hint: str) -> None:
    """Make sure that a broker holds no replica. RefusedError names some of the topics; hint: what to do then."""
    admin = await session.admin()
    topics = [
        topic.name for topic in await admin.topics() if any(broker_id in part.replicas for part in topic.partitions)
    ]
    if topics:
        named = ", ".join(map(str, topics[:_TOPICS_NAMED])) + (", ..." if len(topics) > _TOPICS_NAMED else "")
        raise RefusedError(
            f"Broker {broker_id} holds replicas of {len(topics):,} topic{'s'[: len(topics) != 1]}: {named}.", hint
        )


async def unregister(session: Session, broker_id: int, *, confirmed_by: str) -> None:
    """Let the cluster forget a broker that was stopped. KconError when it does not."""
    targets = frozenset({broker_target(broker_id)})
    plan = _Removal(operation=Operation.BROKER_UNREGISTER, targets=targets, confirmed_by=confirmed_by)
    permit = await session.authorise(plan)
    error = await (await session.admin()).unregister_broker(broker_id, permit)
    session.gate.record_result(permit, ok=error is None, detail={"error": None if error is None else error.name})
    if error is not None:
        raise error.as_exception(f"broker {broker_id}")
