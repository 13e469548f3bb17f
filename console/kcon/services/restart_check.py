"""May a broker be stopped? Reads what `core.restart_check` judges."""

from collections.abc import Iterable
from typing import Final

from kcon.admin.client import Admin
from kcon.core.broker_facts import Quorum
from kcon.core.restart_check import Finding, Verdict, judge_partitions, judge_quorum, look_at_partitions
from kcon.core.snapshot import TopicInfo
from kcon.errors import KconError, NotFoundError
from kcon.services.min_isr import read_min_isr
from kcon.services.session import Session

STALE_MS: Final = 10_000
"""A voter that did not catch up for so long would not be one that the quorum can count on."""


async def check_restart(session: Session, broker_id: int, *, allow_single: bool) -> list[Finding]:
    """Return the findings about stopping a broker. NotFoundError when it is not live."""
    admin = await session.admin()
    info = await admin.cluster()
    if info.broker(broker_id) is None:
        live = ", ".join(str(broker.id) for broker in info.brokers)
        raise NotFoundError(f"Broker {broker_id} is not live.", f"Live are {live}.")
    topics = await admin.topics()
    concerned = [topic for topic in topics if any(broker_id in part.replicas for part in topic.partitions)]
    held = look_at_partitions(broker_id, concerned, await read_min_isr(admin, concerned))
    findings = judge_partitions(held, allow_single=allow_single)
    findings.append(judge_quorum(broker_id, await _quorum(admin), now_ms=session.now_ms(), stale_ms=STALE_MS))
    findings.append(_others(broker_id, topics))
    findings.append(await _moves(admin, broker_id))
    return findings


async def _quorum(admin: Admin) -> Quorum | None:
    try:
        return await admin.quorum()
    except KconError:
        return None


def _others(broker_id: int, topics: Iterable[TopicInfo]) -> Finding:
    """Say whether something is behind elsewhere: then it is a bad moment, though this broker may not be part of it."""
    behind = sum(
        part.is_under_replicated and set(part.replicas) - set(part.isr) != {broker_id}
        for topic in topics
        for part in topic.partitions
    )
    if behind:
        detail = f"{behind:,} partitions have replicas of other brokers out of sync: `kcon wait urp=0` first."
        return Finding(subject="replicas", verdict=Verdict.WARN, detail=detail)
    return Finding(subject="replicas", verdict=Verdict.OK, detail="Every replica of other brokers is in sync.")


async def _moves(admin: Admin, broker_id: int) -> Finding:
    try:
        moving = await admin.reassignments()
    except KconError:
        return Finding(subject="moves", verdict=Verdict.WARN, detail="Reassignments could not be read.")
    mine = sum(broker_id in each.replicas for each in moving.values())
    if mine:
        detail = f"{mine:,} partitions move to or from it; they wait until it is back."
        return Finding(subject="moves", verdict=Verdict.WARN, detail=detail)
    return Finding(subject="moves", verdict=Verdict.OK, detail="Nothing moves to or from it.")
