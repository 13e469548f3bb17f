"""AddRaftVoter (80), versions 0-1, and RemoveRaftVoter (81), version 0: who else shall keep the metadata (KIP-853)?

Nobody can: this node is the only one. What is wrong with a request is said in Apache Kafka's order.
v1 of AddRaftVoter: whether to answer only when the new voter is in.
"""

import base64

from kcon_broker.handlers.describe_quorum import CONTROLLER_LISTENER
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.features import KRAFT_VERSION
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.add_raft_voter import AddRaftVoterRequest, AddRaftVoterResponse
from kcon_broker.wire.messages.remove_raft_voter import RemoveRaftVoterRequest, RemoveRaftVoterResponse
from kcon_broker.wire.schema import ZERO_UUID


@handles(ApiKey.ADD_RAFT_VOTER, versions=(0, 1))
def handle_add_raft_voter(ctx: RequestContext, request: AddRaftVoterRequest) -> Answer:
    """Say why there can be no other voter."""
    error_code, message = _add_refusal(ctx, request)
    return Answer(AddRaftVoterResponse(error_code=error_code, error_message=message))


@handles(ApiKey.REMOVE_RAFT_VOTER, versions=(0, 0))
def handle_remove_raft_voter(ctx: RequestContext, request: RemoveRaftVoterRequest) -> Answer:
    """Say why the voter stays."""
    error_code, message = _remove_refusal(ctx, request)
    return Answer(RemoveRaftVoterResponse(error_code=error_code, error_message=message))


def _add_refusal(ctx: RequestContext, request: AddRaftVoterRequest) -> tuple[ErrorCode, str]:
    if (refusal := _other_cluster(ctx, request.cluster_id)) is not None:
        return refusal
    if request.voter_id < 0 or request.voter_directory_id == ZERO_UUID:
        return ErrorCode.INVALID_REQUEST, "Add voter request didn't include a valid voter"
    if all(listener.name != CONTROLLER_LISTENER for listener in request.listeners):
        return (
            ErrorCode.INVALID_REQUEST,
            f"Add voter request didn't include the endpoint for the default listener {CONTROLLER_LISTENER}",
        )
    if not ctx.broker.cluster.features.levels[KRAFT_VERSION]:
        return (
            ErrorCode.UNSUPPORTED_VERSION,
            "Cluster doesn't support adding voter because the kraft.version feature is 0",
        )
    if request.voter_id == ctx.broker.node_id:
        voter = _voter(request.voter_id, request.voter_directory_id)
        return ErrorCode.DUPLICATE_VOTER, f"The voter id for {voter} is already part of the set of voters."
    return ErrorCode.REQUEST_TIMED_OUT, "This broker is a single node: it takes no other voter."


def _remove_refusal(ctx: RequestContext, request: RemoveRaftVoterRequest) -> tuple[ErrorCode, str]:
    if (refusal := _other_cluster(ctx, request.cluster_id)) is not None:
        return refusal
    if request.voter_id < 0 or request.voter_directory_id == ZERO_UUID:
        return ErrorCode.INVALID_REQUEST, "Remove voter request didn't include a valid voter"
    if not ctx.broker.cluster.features.levels[KRAFT_VERSION]:
        return (
            ErrorCode.UNSUPPORTED_VERSION,
            "Cluster doesn't support removing voter because the kraft.version feature is 0",
        )
    return (
        ErrorCode.VOTER_NOT_FOUND,
        f"Cannot remove voter {_voter(request.voter_id, request.voter_directory_id)} from the set of voters.",
    )


def _other_cluster(ctx: RequestContext, cluster_id: str | None) -> tuple[ErrorCode, str] | None:
    if cluster_id in (None, ctx.broker.cluster_id):
        return None
    return (
        ErrorCode.INCONSISTENT_CLUSTER_ID,
        f'The given id "{cluster_id}" doesn\'t match the cluster id "{ctx.broker.cluster_id}"',
    )


def _voter(voter_id: int, directory_id: bytes) -> str:
    text = base64.urlsafe_b64encode(directory_id).rstrip(b"=").decode()
    return f"ReplicaKey(id={voter_id}, directoryId={text})"
