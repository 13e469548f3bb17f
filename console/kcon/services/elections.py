"""Which partitions need another leader? The plan of an election."""

from collections.abc import Mapping, Sequence

from kcon.admin.client import Admin
from kcon.admin.elections import Election
from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.errors import NotFoundError
from kcon.gate.permit import Operation, Permit
from kcon.services.groups import PartitionScope
from kcon.services.item_changes import ItemChanges
from kcon.services.session import Session


async def plan_election(
    session: Session, election: Election, scopes: Sequence[PartitionScope]
) -> tuple[dict[TopicPartition, tuple[int, int]], ItemChanges[TopicPartition]]:
    """Plan an election where one is needed; return leader and preferred leader by partition, and the changes.

    Preferred: another broker leads, and the first replica is in sync. Unclean: nobody leads. scopes: only these.
    """
    admin = await session.admin()
    topics = await admin.topics([scope.topic for scope in scopes] if scopes else None)
    rows: dict[TopicPartition, tuple[int, int]] = {}
    for topic in topics:
        if topic.error is not None:
            if scopes:
                raise topic.error.as_exception(f"topic {topic.name}")
            continue
        for part in topic.partitions:
            where = TopicPartition(topic.name, part.partition)
            if not part.replicas or (scopes and not any(scope.covers(where) for scope in scopes)):
                continue
            preferred = part.replicas[0]
            needed = (
                part.leader_id < 0
                if election is Election.UNCLEAN
                else part.leader_id != preferred and preferred in part.isr
            )
            if needed:
                rows[where] = (part.leader_id, preferred)
    _require_known(scopes, {TopicPartition(t.name, p.partition) for t in topics for p in t.partitions})

    async def send(admin: Admin, permit: Permit) -> Mapping[TopicPartition, KafkaError | None]:
        told = await admin.elect_leaders(list(rows), election, permit)
        return {where: result if isinstance(result, KafkaError) else None for where, result in told.items()}

    changes = ItemChanges(
        operation=Operation.LEADERS_ELECT,
        targets=frozenset(where.topic.raw for where in rows),
        keys=tuple(rows),
        label=lambda where: f"{where.topic.raw}/{where.partition}",
        send=send,
    )
    return rows, changes


def _require_known(scopes: Sequence[PartitionScope], known: set[TopicPartition]) -> None:
    for scope in scopes:
        for partition in sorted(scope.partitions or ()):
            if TopicPartition(scope.topic, partition) not in known:
                raise NotFoundError(f"Topic {scope.topic} has no partition {partition}.")
