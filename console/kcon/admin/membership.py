"""Which nodes belong to the cluster? Brokers that are forgotten for good, and voters of the metadata quorum."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from kcon.admin.apis import Api
from kcon.admin.calls import change, controller_or_any, item_error
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.requests import WriteRequest, targets_of
from kcon.core.broker_facts import VoterListener
from kcon.core.kafka_error import KafkaError
from kcon.gate.permit import Operation, Permit


async def unregister_broker(cluster: Cluster, broker_id: int, permit: Permit, deadline: Deadline) -> KafkaError | None:
    """Let the cluster forget a broker that is gone (KIP-500's UnregisterBroker); None when it has."""
    request = WriteRequest(api=Api.UNREGISTER_BROKER, values={"broker_id": broker_id})
    return await _once(cluster, request, permit, deadline, operation=Operation.BROKER_UNREGISTER)


async def add_voter(
    cluster: Cluster,
    voter_id: int,
    directory_id: bytes,
    *,
    listeners: Sequence[VoterListener],
    permit: Permit,
    deadline: Deadline,
) -> KafkaError | None:
    """Let a controller vote (KIP-853); None when it does."""
    values = {
        "cluster_id": None,
        "timeout": int(deadline.left_ms(cluster.settings.request_timeout_ms)),
        "voter_id": voter_id,
        "voter_directory_id": UUID(bytes=directory_id),
        "listeners": [{"name": each.name, "host": each.host, "port": each.port} for each in listeners],
    }
    request = WriteRequest(api=Api.ADD_RAFT_VOTER, values=values)
    return await _once(cluster, request, permit, deadline, operation=Operation.QUORUM_CHANGE)


async def remove_voter(
    cluster: Cluster, voter_id: int, directory_id: bytes, permit: Permit, deadline: Deadline
) -> KafkaError | None:
    """Take a controller's vote away (KIP-853); None when it has none any more."""
    values = {"cluster_id": None, "voter_id": voter_id, "voter_directory_id": UUID(bytes=directory_id)}
    request = WriteRequest(api=Api.REMOVE_RAFT_VOTER, values=values)
    return await _once(cluster, request, permit, deadline, operation=Operation.QUORUM_CHANGE)


async def _once(
    cluster: Cluster, request: WriteRequest, permit: Permit, deadline: Deadline, *, operation: Operation
) -> KafkaError | None:
    with permit.use(context=cluster.settings.context, operation=operation, targets=targets_of(request)):
        to = await controller_or_any(cluster, deadline, fresh=False)
        told: Any = await change(cluster, request, permit, deadline, to)
    return item_error(told)
