"""The state of share groups between brokers (KIP-932): InitializeShareGroupState (83), version 0, Read (84), 0, Write
(85), 0-1, Delete (86), 0, and ReadShareGroupStateSummary (87), 0-1.

There is no `__share_group_state` where the feature `share.version` is at 0, so this broker coordinates no share group:
NOT_COORDINATOR for each partition, and nothing for a group without a name, as in Apache Kafka 4.3.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages import delete_share_group_state as delete
from kcon_broker.wire.messages import initialize_share_group_state as initialize
from kcon_broker.wire.messages import read_share_group_state as read
from kcon_broker.wire.messages import read_share_group_state_summary as summary
from kcon_broker.wire.messages import write_share_group_state as write

_Result = TypeVar("_Result")


@handles(ApiKey.INITIALIZE_SHARE_GROUP_STATE, versions=(0, 0))
def handle_initialize_share_group_state(
    ctx: RequestContext, request: initialize.InitializeShareGroupStateRequest
) -> Answer:
    """Refuse each partition."""
    results = _refused(request, initialize.InitializeStateResult, initialize.PartitionResult, "initialize")
    return Answer(initialize.InitializeShareGroupStateResponse(results=results))


@handles(ApiKey.READ_SHARE_GROUP_STATE, versions=(0, 0))
def handle_read_share_group_state(ctx: RequestContext, request: read.ReadShareGroupStateRequest) -> Answer:
    """Refuse each partition."""
    results = _refused(request, read.ReadStateResult, read.PartitionResult, "read")
    return Answer(read.ReadShareGroupStateResponse(results=results))


@handles(ApiKey.WRITE_SHARE_GROUP_STATE, versions=(0, 1))
def handle_write_share_group_state(ctx: RequestContext, request: write.WriteShareGroupStateRequest) -> Answer:
    """Refuse each partition."""
    results = _refused(request, write.WriteStateResult, write.PartitionResult, "write")
    return Answer(write.WriteShareGroupStateResponse(results=results))


@handles(ApiKey.DELETE_SHARE_GROUP_STATE, versions=(0, 0))
def handle_delete_share_group_state(ctx: RequestContext, request: delete.DeleteShareGroupStateRequest) -> Answer:
    """Refuse each partition."""
    results = _refused(request, delete.DeleteStateResult, delete.PartitionResult, "delete")
    return Answer(delete.DeleteShareGroupStateResponse(results=results))


@handles(ApiKey.READ_SHARE_GROUP_STATE_SUMMARY, versions=(0, 1))
def handle_read_share_group_state_summary(
    ctx: RequestContext, request: summary.ReadShareGroupStateSummaryRequest
) -> Answer:
    """Refuse each partition."""
    results = _refused(request, summary.ReadStateSummaryResult, summary.PartitionResult, "read", " summary")
    return Answer(summary.ReadShareGroupStateSummaryResponse(results=results))


def _refused(
    request: Any, result: Callable[..., _Result], partition: Callable[..., object], verb: str, what: str = ""
) -> list[_Result]:
    """Return the results of a request; `result` and `partition` are the classes of its answer."""
    message = f"Unable to {verb} share group state{what}: This is not the correct coordinator."
    return [
        result(
            topic_id=topic.topic_id,
            partitions=[
                partition(partition=each.partition, error_code=ErrorCode.NOT_COORDINATOR, error_message=message)
                for each in topic.partitions
            ],
        )
        for topic in (request.topics if request.group_id else ())
    ]
