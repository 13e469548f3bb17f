"""`kcon cluster unregister|add-voter|remove-voter`: shows what would change, and changes it."""

import base64
from collections.abc import Mapping

from kcon.admin.client import Admin
from kcon.admin.requests import broker_target, voter_target
from kcon.admin.topics import format_topic_id
from kcon.cli.changes import refuse_early
from kcon.cli.document import Column
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.commands.cluster_members import ClusterUnregister, ClusterVoter
from kcon.core.broker_facts import QuorumReplica, VoterListener
from kcon.core.kafka_error import KafkaError
from kcon.errors import KconError, NotFoundError, RefusedError
from kcon.gate.permit import Operation, Permit
from kcon.services.broker_removal import check_empty
from kcon.services.item_changes import ItemChanges
from kcon.services.session import Session


async def run_unregister(request: ClusterUnregister, invocation: Invocation, session: Session) -> int:
    """Plan, confirm, forget."""
    refuse_early(session, Operation.BROKER_UNREGISTER, request.confirmation)
    broker_id = request.broker
    async with invocation.deadline():
        admin = await session.admin()
        found = {each.id: each for each in await admin.brokers()}.get(broker_id)
    if found is None:
        raise NotFoundError(f"There is no broker {broker_id}.", "`kcon broker list` shows the ids.")
    if found.fenced is False:
        raise RefusedError(f"Broker {broker_id} runs: it would register again.", "Stop it first.")
    async with invocation.deadline():
        await check_empty(session, broker_id, hint="Move them first with `kcon reassign execute`.")

    async def send(admin: Admin, permit: Permit) -> Mapping[int, KafkaError | None]:
        return {broker_id: await admin.unregister_broker(broker_id, permit)}

    changes = ItemChanges(
        operation=Operation.BROKER_UNREGISTER,
        targets=frozenset({broker_target(broker_id)}),
        keys=(broker_id,),
        label=lambda each: f"broker {each}",
        send=send,
    )
    shape = Shape(
        kind="BrokerUnregistration",
        columns=(Column(key="broker", right=True), Column(key="host"), Column(key="port", right=True)),
        question=f"Let the cluster forget broker {broker_id}?",
        planned="to be forgotten",
        done="forgotten",
        what="brokers",
        name_key="broker",
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        changes,
        shape,
        item=lambda each: {"broker": each, "host": found.host, "port": found.port},
    )


async def run_voter(request: ClusterVoter, invocation: Invocation, session: Session) -> int:
    """Plan, confirm, give or take the vote."""
    refuse_early(session, Operation.QUORUM_CHANGE, request.confirmation)
    node = request.node
    adds = bool(request.listeners)
    async with invocation.deadline():
        quorum = await (await session.admin()).quorum()
    votes = {each.id for each in quorum.voters}
    if adds and node in votes:
        raise RefusedError(f"Node {node} votes already.", "See `kcon cluster quorum`.")
    if not adds and node not in votes:
        raise NotFoundError(f"Node {node} does not vote.", "`kcon cluster quorum` shows who does.")
    replicas = {each.id: each for each in (*quorum.observers, *quorum.voters)}
    directory_id = request.directory_id or _directory_of(replicas.get(node), node)
    listeners = [VoterListener(*each) for each in request.listeners]

    async def send(admin: Admin, permit: Permit) -> Mapping[int, KafkaError | None]:
        if adds:
            return {node: await admin.add_voter(node, directory_id, listeners, permit)}
        return {node: await admin.remove_voter(node, directory_id, permit)}

    changes = ItemChanges(
        operation=Operation.QUORUM_CHANGE,
        targets=frozenset({voter_target(node)}),
        keys=(node,),
        label=lambda each: f"voter {each}",
        send=send,
    )
    after = len(votes) + (1 if adds else -1)
    shape = Shape(
        kind="QuorumChange",
        columns=(Column(key="node", right=True), Column(key="directory_id", header="DIRECTORY")),
        question=f"{'Let' if adds else 'Take the vote of'} node {node}{' vote' if adds else ' away'}?",
        planned="to vote" if adds else "to lose its vote",
        done="changed",
        what="voters",
        name_key="node",
        notes=[f"{len(votes)} vote now, {after} then: {after // 2 + 1} of them must be up."],
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        changes,
        shape,
        item=lambda each: {"node": each, "directory_id": format_topic_id(directory_id)},
    )


def _directory_of(replica: QuorumReplica | None, node: int) -> bytes:
    if replica is None or replica.directory_id is None:
        raise KconError(
            f"The quorum does not tell the directory id of node {node}.",
            "Start it as an observer first, or give --directory-id, which its meta.properties holds.",
        )
    return base64.urlsafe_b64decode(f"{replica.directory_id}==")
