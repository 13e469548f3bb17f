"""ListPartitionReassignments (46), version 0: which partitions are on their way to other brokers (KIP-455)?

On one node none ever is.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)


@handles(ApiKey.LIST_PARTITION_REASSIGNMENTS, versions=(0, 0))
def handle_list_partition_reassignments(ctx: RequestContext, request: ListPartitionReassignmentsRequest) -> Answer:
    """Tell none."""
    return Answer(ListPartitionReassignmentsResponse(error_message=None))
