"""DescribeCluster (60), versions 0-2: which brokers make up this cluster (KIP-700)?

- v1: the client says whether it asks a broker (1) or a controller (2, KIP-919); this is a broker's endpoint.
- v2: fenced brokers may be told (KIP-1073); one node has none.
"""

from kcon_broker.handlers.metadata import CLUSTER_OPERATIONS
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)

_BROKER_ENDPOINT = 1
_CONTROLLER_ENDPOINT = 2


@handles(ApiKey.DESCRIBE_CLUSTER, versions=(0, 2))
def handle_describe_cluster(ctx: RequestContext, request: DescribeClusterRequest) -> Answer:
    """Tell the one node."""
    broker = ctx.broker
    if ctx.api_version >= 1 and request.endpoint_type != _BROKER_ENDPOINT:
        return Answer(
            DescribeClusterResponse(
                error_code=(
                    ErrorCode.MISMATCHED_ENDPOINT_TYPE
                    if request.endpoint_type == _CONTROLLER_ENDPOINT
                    else ErrorCode.UNSUPPORTED_ENDPOINT_TYPE
                ),
                error_message=f"The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type "
                f"{'CONTROLLER' if request.endpoint_type == _CONTROLLER_ENDPOINT else 'UNKNOWN'}",
            )
        )
    host, port = broker.advertised
    response = DescribeClusterResponse(
        cluster_id=broker.cluster_id,
        controller_id=broker.node_id,
        brokers=[DescribeClusterBroker(broker_id=broker.node_id, host=host, port=port, rack=broker.settings.rack)],
    )
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = CLUSTER_OPERATIONS
    return Answer(response)
