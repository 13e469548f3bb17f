"""FindCoordinator (10), versions 0-6: which broker looks after a group, or a transactional id?

- v1: the key may be a transactional id.
- v4: several keys in one request (KIP-699).
- v6: share group state (KIP-932), which is not kept here.

There is one broker, so the answer is always this one. The first look-up of each kind creates `__consumer_offsets` or
`__transaction_state`; Apache Kafka answers COORDINATOR_NOT_AVAILABLE until the topic is there, here it is there at
once.
"""

from enum import IntEnum

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.gate import Gate
from kcon_broker.state.topic import OFFSETS_TOPIC, TRANSACTIONS_TOPIC
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)

_KEYS_SINCE = 4
_SHARE_SINCE = 6
_OFFSETS_TOPIC_CONFIGS = {
    "cleanup.policy": "compact",
    "compression.type": "producer",
    "segment.bytes": "104857600",
}
_TRANSACTIONS_TOPIC_CONFIGS = {
    "cleanup.policy": "compact",
    "compression.type": "uncompressed",
    "min.insync.replicas": "1",
    "segment.bytes": "104857600",
    "unclean.leader.election.enable": "false",
}
_MESSAGES = {
    ErrorCode.NONE: "NONE",
    ErrorCode.COORDINATOR_NOT_AVAILABLE: "The coordinator is not available.",
    ErrorCode.INVALID_REQUEST: "There is no such type of coordinator in this version of the request.",
}


class CoordinatorType(IntEnum):
    """What a key names."""

    GROUP = 0
    TRANSACTION = 1
    SHARE = 2


@handles(ApiKey.FIND_COORDINATOR, versions=(0, 6))
def handle_find_coordinator(ctx: RequestContext, request: FindCoordinatorRequest) -> Answer:
    """Name this broker, and make sure that it can keep groups."""
    keys = request.coordinator_keys if ctx.api_version >= _KEYS_SINCE else [request.key]
    if request.key_type == CoordinatorType.SHARE and not (
        ctx.api_version >= _SHARE_SINCE and all(map(_is_share_key, keys))
    ):
        # From version 4 on it is refused without the sentence that other unknown types get.
        message = "" if ctx.api_version >= _KEYS_SINCE else None
        return Answer(_response(ctx, keys, ErrorCode.INVALID_REQUEST, message=message))
    error_code, position = _look_up(ctx, request.key_type)
    return Answer(
        _response(ctx, keys, error_code),
        after=() if position is None else (position,),
        failed=lambda _gate: _response(ctx, keys, ErrorCode.COORDINATOR_NOT_AVAILABLE),
    )


def _is_share_key(key: str) -> bool:
    """Tell whether a key has the form `group:topic id:partition` (SharePartitionKey)."""
    group, _, rest = key.partition(":")
    topic_id, _, partition = rest.partition(":")
    return bool(group and topic_id) and partition.isdecimal()


def _look_up(ctx: RequestContext, key_type: int) -> tuple[ErrorCode, tuple[Gate, int] | None]:
    if key_type == CoordinatorType.GROUP:
        partition_count = ctx.broker.settings.groups.offsets_partitions
        return _ensure_topic(ctx, OFFSETS_TOPIC, partition_count, _OFFSETS_TOPIC_CONFIGS)
    if key_type == CoordinatorType.TRANSACTION:
        partition_count = ctx.broker.settings.transactions.state_partitions
        return _ensure_topic(ctx, TRANSACTIONS_TOPIC, partition_count, _TRANSACTIONS_TOPIC_CONFIGS)
    if key_type == CoordinatorType.SHARE:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE, None
    return ErrorCode.INVALID_REQUEST, None


def _ensure_topic(
    ctx: RequestContext, name: str, partition_count: int, configs: dict[str, str]
) -> tuple[ErrorCode, tuple[Gate, int] | None]:
    broker = ctx.broker
    if name in broker.topics.by_name:
        # It may have come into being in a request that is not durable yet.
        return ErrorCode.NONE, broker.topics_position()
    if not broker.has_room_for(partition_count):
        return ErrorCode.COORDINATOR_NOT_AVAILABLE, None
    _, position = broker.create_topic(name, partition_count, dict(configs))
    return ErrorCode.NONE, position


def _response(
    ctx: RequestContext, keys: list[str], error_code: ErrorCode, *, message: str | None = None
) -> FindCoordinatorResponse:
    message = _MESSAGES[error_code] if message is None else message
    node_id, (host, port) = ctx.broker.node_id, ctx.broker.advertised
    if error_code is not ErrorCode.NONE:
        node_id, host, port = -1, "", -1
    if ctx.api_version < _KEYS_SINCE:
        return FindCoordinatorResponse(
            error_code=error_code, error_message=message, node_id=node_id, host=host, port=port
        )
    return FindCoordinatorResponse(
        coordinators=[
            Coordinator(
                key=key,
                node_id=node_id,
                host=host,
                port=port,
                error_code=error_code,
                error_message="" if error_code is ErrorCode.NONE else message,
            )
            for key in keys
        ]
    )
