"""ElectLeaders (43), versions 0-2: let partitions choose their leader anew (KIP-183, KIP-460).

The one copy leads already: ELECTION_NOT_NEEDED, and where all partitions are asked for, those are left out.
v1: the kind of election, preferred (0) or unclean (1), and an error for the whole request.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)

_ELECTION_TYPES = (0, 1)


@handles(ApiKey.ELECT_LEADERS, versions=(0, 2))
def handle_elect_leaders(ctx: RequestContext, request: ElectLeadersRequest) -> Answer:
    """Say of each partition that its leader stays."""
    error_code, message = ErrorCode.NONE, None
    if request.topic_partitions == []:
        return Answer(ElectLeadersResponse())
    if request.timeout_ms <= 0:
        error_code = ErrorCode.REQUEST_TIMED_OUT
    elif ctx.api_version >= 1 and request.election_type not in _ELECTION_TYPES:
        error_code, message = ErrorCode.INVALID_REQUEST, f"Unknown election type {request.election_type}"
    response = ElectLeadersResponse(error_code=error_code)
    if request.topic_partitions is None:
        if error_code is ErrorCode.NONE:
            response.replica_election_results = [
                ReplicaElectionResult(topic=name) for name in ctx.broker.topics.by_name
            ]
        return Answer(response)
    for wish in request.topic_partitions:
        result = ReplicaElectionResult(topic=wish.topic)
        response.replica_election_results.append(result)
        for index in wish.partitions:
            told = (error_code, message) if error_code else _judge(ctx.broker, wish.topic, index)
            result.partition_result.append(
                PartitionResult(partition_id=index, error_code=told[0], error_message=told[1])
            )
    return Answer(response)


def _judge(broker: Broker, name: str, index: int) -> tuple[ErrorCode, str]:
    topic = broker.topics.by_name.get(name)
    if topic is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"No such topic as {name}"
    if not 0 <= index < topic.partition_count:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"No such partition as {name}-{index}"
    return ErrorCode.ELECTION_NOT_NEEDED, "Leader election not needed for topic partition."
