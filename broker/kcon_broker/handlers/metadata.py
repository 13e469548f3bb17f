"""Metadata (3), versions 0-13: which brokers, topics and partitions are there?

- v0: an empty list of topics asks for all; from v1 on null does, and the empty list asks for none.
- v0-v3 always create missing topics where the broker allows it, from v4 on the client says whether.
- v10: topics have ids (KIP-516); v12: they can be asked for by id.
- v8: authorized operations (KIP-430); without an authorizer that is all of them.
- A missing topic is created with its leader at once, where Apache Kafka says UNKNOWN_TOPIC_OR_PARTITION first.

The answer for all topics is kept encoded until a topic changes.
"""

from kcon_broker.handlers.metadata_bodies import encode_all_topics
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.gate import Gate
from kcon_broker.state.topic import Topic, topic_name_error
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from kcon_broker.wire.schema import ZERO_UUID, Part

TOPIC_OPERATIONS = 0b1101_1111_1000
"""READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS as bits (AclOperation's codes)."""
CLUSTER_OPERATIONS = 0b1_1111_1010_0000
"""CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE as bits."""
_NOT_ASKED = -(1 << 31)
_IDS_SINCE = 12


class EncodedBody:
    """A response that was encoded before, in one version."""

    __slots__ = ("_body",)

    def __init__(self, body: bytes) -> None:
        self._body = body

    def encode_parts(self, version: int) -> list[Part]:
        """Return the bytes."""
        return [self._body]


@handles(ApiKey.METADATA, versions=(0, 13))
def handle_metadata(ctx: RequestContext, request: MetadataRequest) -> Answer:
    """Describe the cluster and the topics asked for; create missing ones where wished."""
    broker = ctx.broker
    wanted = request.topics
    if wanted is None or (ctx.api_version == 0 and not wanted):
        return Answer(_all_topics(ctx, request))
    if ctx.api_version < _IDS_SINCE and any(wish.topic_id != ZERO_UUID or wish.name is None for wish in wanted):
        return Answer(_refused(request, ErrorCode.INVALID_REQUEST))
    if any(wish.topic_id != ZERO_UUID for wish in wanted):
        # Where one topic is asked for by id, those without an id are not looked at.
        wanted = list({wish.topic_id: wish for wish in wanted if wish.topic_id != ZERO_UUID}.values())
    elif any(wish.name is None for wish in wanted):
        # Apache Kafka's handler fails on it, and all topics with it.
        return Answer(_refused(request, ErrorCode.UNKNOWN_SERVER_ERROR))
    may_create = broker.settings.auto_create_topics and (ctx.api_version < 4 or request.allow_auto_topic_creation)
    if 10 <= ctx.api_version < 12 and any(wish.name is None or wish.topic_id != ZERO_UUID for wish in wanted):
        # The field for ids came two versions before anybody looked at it.
        return Answer(_response(ctx, request, [_invalid(wish) for wish in wanted]))
    topics: list[MetadataResponseTopic] = []
    after: tuple[tuple[Gate, int], ...] = ()
    seen: set[str] = set()
    for wish in wanted:
        if wish.topic_id != ZERO_UUID:
            topic = broker.topics.by_id.get(wish.topic_id)
            if topic is None:
                error = ErrorCode.UNKNOWN_TOPIC_ID
                topics.append(MetadataResponseTopic(error_code=error, name=None, topic_id=wish.topic_id))
                continue
        else:
            name = wish.name or ""
            if name in seen:
                continue
            seen.add(name)
            topic = broker.topics.by_name.get(name)
            if topic is None and (
                topic_name_error(name) is not None or (may_create and broker.topics.colliding_name(name) is not None)
            ):
                topics.append(_missing(request, name, ErrorCode.INVALID_TOPIC_EXCEPTION))
                continue
            if topic is None and may_create and broker.has_room_for(broker.settings.default_partitions):
                topic, position = broker.create_topic(name, broker.settings.default_partitions, {})
                after = (position,)
            if topic is None:
                topics.append(_missing(request, name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
                continue
        topics.append(_describe(ctx, topic, with_operations=request.include_topic_authorized_operations))
    # The topics told may have come into being in an earlier request that is not durable yet.
    return Answer(_response(ctx, request, topics), after=after or (broker.topics_position(),))


def _invalid(wish: MetadataRequestTopic) -> MetadataResponseTopic:
    return MetadataResponseTopic(error_code=ErrorCode.INVALID_REQUEST, name=wish.name or "", topic_id=wish.topic_id)


def _refused(request: MetadataRequest, error_code: ErrorCode) -> MetadataResponse:
    """Return what a request is answered with that fails as a whole."""
    topics = [
        MetadataResponseTopic(error_code=error_code, name=wish.name or "", topic_id=wish.topic_id)
        for wish in request.topics or ()
    ]
    return MetadataResponse(topics=topics, error_code=error_code)


def _missing(request: MetadataRequest, name: str, error_code: ErrorCode) -> MetadataResponseTopic:
    """Return the entry of a topic that is not there; what one may do with it is told all the same."""
    operations = TOPIC_OPERATIONS if request.include_topic_authorized_operations else _NOT_ASKED
    return MetadataResponseTopic(error_code=error_code, name=name, topic_authorized_operations=operations)


def _all_topics(ctx: RequestContext, request: MetadataRequest) -> EncodedBody:
    broker = ctx.broker
    key = (
        ctx.api_version,
        request.include_topic_authorized_operations,
        request.include_cluster_authorized_operations,
    )
    cache = broker.metadata_cache
    if cache.topics_version != broker.topics.version:
        cache.bodies.clear()
        cache.topics_version = broker.topics.version
    body = cache.bodies.get(key)
    if body is None:
        with_operations = request.include_topic_authorized_operations

        def respond(topics: list[Topic]) -> MetadataResponse:
            return _response(ctx, request, [_describe(ctx, topic, with_operations=with_operations) for topic in topics])

        topics = list(broker.topics.by_name.values())
        body = cache.bodies[key] = encode_all_topics(topics, ctx.api_version, respond)
    return EncodedBody(body)


def _response(ctx: RequestContext, request: MetadataRequest, topics: list[MetadataResponseTopic]) -> MetadataResponse:
    broker = ctx.broker
    host, port = broker.advertised
    return MetadataResponse(
        brokers=[MetadataResponseBroker(node_id=broker.node_id, host=host, port=port, rack=broker.settings.rack)],
        cluster_id=broker.cluster_id,
        controller_id=broker.node_id,
        topics=topics,
        cluster_authorized_operations=(
            CLUSTER_OPERATIONS if request.include_cluster_authorized_operations else _NOT_ASKED
        ),
    )


def _describe(ctx: RequestContext, topic: Topic, *, with_operations: bool) -> MetadataResponseTopic:
    broker = ctx.broker
    replicas = [broker.node_id]
    epoch = broker.leader_epoch(topic)
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.is_internal,
        partitions=[
            MetadataResponsePartition(
                partition_index=index,
                leader_id=broker.node_id,
                leader_epoch=epoch,
                replica_nodes=replicas,
                isr_nodes=replicas,
            )
            for index in range(topic.partition_count)
        ],
        topic_authorized_operations=TOPIC_OPERATIONS if with_operations else _NOT_ASKED,
    )
