"""DeleteTopics (20), versions 1-6: remove topics with everything in them.

- v6: a topic may be named by its id (KIP-516), but not by name and id at once.
- The answer leaves when the removal is durable; the files go afterwards.
- Committed offsets of the topic go with it, as in Apache Kafka.
"""

from collections import Counter

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.gate import Gate
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from kcon_broker.wire.schema import ZERO_UUID


@handles(ApiKey.DELETE_TOPICS, versions=(1, 6))
def handle_delete_topics(ctx: RequestContext, request: DeleteTopicsRequest) -> Answer:
    """Delete each topic, or say why not."""
    wishes = request.topics or [DeleteTopicState(name=name) for name in request.topic_names]
    after: dict[Gate, int] = {}
    times = Counter((wish.name, wish.topic_id) for wish in wishes)
    responses = [
        _delete(ctx, wish, after)
        if times[wish.name, wish.topic_id] == 1
        else DeletableTopicResult(
            name=wish.name,
            topic_id=wish.topic_id,
            error_code=ErrorCode.INVALID_REQUEST,
            error_message="Duplicate topic name." if wish.name is not None else "Duplicate topic id.",
        )
        for wish in {(wish.name, wish.topic_id): wish for wish in wishes}.values()
    ]
    return Answer(DeleteTopicsResponse(responses=responses), after=tuple(after.items()))


def _delete(ctx: RequestContext, wish: DeleteTopicState, after: dict[Gate, int]) -> DeletableTopicResult:
    broker = ctx.broker
    if wish.name is not None and wish.topic_id != ZERO_UUID:
        return DeletableTopicResult(
            name=wish.name,
            topic_id=wish.topic_id,
            error_code=ErrorCode.INVALID_REQUEST,
            error_message="You may not specify both topic name and topic id.",
        )
    if wish.name is None and wish.topic_id == ZERO_UUID:
        return DeletableTopicResult(
            name=None,
            error_code=ErrorCode.INVALID_REQUEST,
            error_message="Neither topic name nor id were specified.",
        )
    if wish.name is not None:
        topic = broker.topics.by_name.get(wish.name)
        missing = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        message = "This server does not host this topic-partition."
    else:
        topic = broker.topics.by_id.get(wish.topic_id)
        missing = ErrorCode.UNKNOWN_TOPIC_ID
        message = "This server does not host this topic ID."
    if topic is None:
        return DeletableTopicResult(name=wish.name, topic_id=wish.topic_id, error_code=missing, error_message=message)
    gate, position = broker.delete_topic(topic, now_ms=ctx.now_ms, wall_ms=ctx.wall_ms)
    after[gate] = position
    return DeletableTopicResult(name=topic.name, topic_id=topic.topic_id)
