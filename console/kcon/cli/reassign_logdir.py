"""`kcon reassign logdir`: shows which replicas would move to another disk of their broker, and moves them."""

from collections.abc import Collection, Mapping, Sequence

from kcon.admin.client import Admin
from kcon.admin.replica_moves import Replica
from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, int64
from kcon.cli.group import scopes_of
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.cli.table import show
from kcon.commands.reassign import ReassignLogDir
from kcon.core.broker_facts import LogDir, ReplicaSize
from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.units import format_bytes
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import NotFoundError
from kcon.gate.permit import Operation, Permit
from kcon.services.groups import PartitionScope
from kcon.services.item_changes import ItemChanges
from kcon.services.session import Session

_COLUMNS = (
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="broker", right=True, drop=2),
    Column(key="size", right=True, show=lambda value: format_bytes(value) if isinstance(value, int) else show(None)),
    Column(key="from"),
    Column(key="to"),
)


async def run_logdir(request: ReassignLogDir, invocation: Invocation, session: Session) -> int:
    """Plan, confirm, begin to move."""
    refuse_early(session, Operation.REPLICAS_MOVE, request.confirmation)
    scopes = scopes_of(request.topics)
    broker = request.broker
    async with invocation.deadline():
        admin = await session.admin()
        if (await admin.cluster()).broker(broker) is None:
            raise NotFoundError(f"Broker {broker} is not live.", "`kcon broker list` shows the brokers.")
        told = (await admin.log_dirs([broker]))[broker]
    if isinstance(told, KafkaError):
        raise told.as_exception(f"log dirs of broker {broker}")
    _require_dir(told, request.path, broker)
    replicas = {
        replica.partition: (replica, each.path)
        for each in told
        for replica in each.replicas
        if not replica.is_future and any(scope.covers(replica.partition) for scope in scopes)
    }
    _require_replicas(scopes, replicas.keys(), broker)
    moved = {where: each for where, each in replicas.items() if each[1].raw != request.path}

    async def send(admin: Admin, permit: Permit) -> Mapping[TopicPartition, KafkaError | None]:
        results = await admin.move_replicas({Replica(broker, where): request.path for where in moved}, permit)
        return {replica.partition: error for replica, error in results.items()}

    changes = ItemChanges(
        operation=Operation.REPLICAS_MOVE,
        targets=frozenset(where.topic.raw for where in moved),
        keys=tuple(sorted(moved, key=lambda where: (where.topic.raw, where.partition))),
        label=lambda where: f"{where.topic.raw}/{where.partition}",
        send=send,
    )
    shape = _shape(request, list(moved.values()), [] if moved else ["They are all there already."])
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        changes,
        shape,
        item=lambda where: {
            "topic": where.topic,
            "partition": where.partition,
            "broker": broker,
            "size": int64(moved[where][0].size_bytes),
            "from": moved[where][1],
            "to": WireText(request.path),
        },
    )


def _shape(request: ReassignLogDir, moved: Sequence[tuple[ReplicaSize, WireText]], notes: Sequence[str]) -> Shape:
    count = len(moved)
    size = format_bytes(sum(replica.size_bytes for replica, _path in moved))
    return Shape(
        kind="LogDirMove",
        columns=_COLUMNS,
        question=f"Copy {count:,} replica{'' if count == 1 else 's'}, {size}, to {display_safe(request.path)}?",
        planned="to be moved",
        done="on its way",
        what="replicas",
        name_key="topic",
        notes=notes,
    )


def _require_dir(dirs: Sequence[LogDir], path: str, broker: int) -> None:
    if all(each.path.raw != path for each in dirs):
        known = ", ".join(str(each.path) for each in dirs)
        raise NotFoundError(f"Broker {broker} has no log dir {display_safe(path)}.", f"It has {known}.")


def _require_replicas(scopes: Sequence[PartitionScope], found: Collection[TopicPartition], broker: int) -> None:
    for scope in scopes:
        named = [TopicPartition(scope.topic, index) for index in sorted(scope.partitions or ())]
        lacking = [f"{where.topic}/{where.partition}" for where in named if where not in found]
        if not lacking and not any(scope.covers(where) for where in found):
            lacking = [str(scope.topic)]
        if lacking:
            raise NotFoundError(
                f"Broker {broker} has no replica of {lacking[0]}.", "`kcon topic describe` shows which brokers have."
            )
