"""CreateTopics (19), versions 2-7: bring topics into being.

- `validate_only` judges and changes nothing.
- v4: -1 partitions and -1 replicas mean the broker's defaults (KIP-464).
- v5: the answer tells the topic's configs (KIP-525); v7: and its id.
- One node has one copy: a replication factor above 1 is INVALID_REPLICATION_FACTOR.
- A topic named twice in one request is INVALID_REQUEST for that name.
"""

from collections import Counter

from kcon_broker.handlers.config_entries import topic_value
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.state.configs.definitions import topic_definitions
from kcon_broker.state.configs.values import InvalidConfigError
from kcon_broker.state.gate import Gate
from kcon_broker.state.topic import topic_name_error
from kcon_broker.state.topic_configs import check_configs
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)

_DEFAULT = -1


class _RefusedError(Exception):
    def __init__(self, error_code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code


@handles(ApiKey.CREATE_TOPICS, versions=(2, 7))
def handle_create_topics(ctx: RequestContext, request: CreateTopicsRequest) -> Answer:
    """Create each topic, or say why not."""
    times = Counter(topic.name for topic in request.topics)
    # Topics of one request do not collide with each other, as in Apache Kafka.
    colliding = {topic.name: ctx.broker.topics.colliding_name(topic.name) for topic in request.topics}
    results: dict[str, CreatableTopicResult] = {}
    after: dict[Gate, int] = {}
    for wish in request.topics:
        if wish.name in results:
            continue
        try:
            if times[wish.name] > 1:
                raise _RefusedError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            _check_name(ctx.broker, wish, colliding[wish.name])
            configs = _configs(ctx.broker, wish)
            partitions = _partition_count(ctx.broker, wish)
        except _RefusedError as refused:
            results[wish.name] = CreatableTopicResult(
                name=wish.name, error_code=refused.error_code, error_message=str(refused)
            )
            continue
        result = CreatableTopicResult(
            name=wish.name,
            topic_id=ctx.broker.new_topic_id(),
            error_message=None,
            num_partitions=partitions,
            replication_factor=1,
            configs=_told_configs(ctx.broker, configs),
        )
        if not request.validate_only:
            topic, (gate, position) = ctx.broker.create_topic(wish.name, partitions, configs)
            after[gate] = position
            result.topic_id = topic.topic_id
        results[wish.name] = result
    return Answer(CreateTopicsResponse(topics=list(results.values())), after=tuple(after.items()))


def _check_name(broker: Broker, wish: CreatableTopic, other: str | None) -> None:
    """Refuse a name that cannot be, is taken, or collides with `other`."""
    if (problem := topic_name_error(wish.name)) is not None:
        raise _RefusedError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {problem}")
    if wish.name in broker.topics.by_name:
        raise _RefusedError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{wish.name}' already exists.")
    if other is not None:
        raise _RefusedError(
            ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic '{wish.name}' collides with existing topic: {other}"
        )


def _partition_count(broker: Broker, wish: CreatableTopic) -> int:
    """Judge copies and partitions, in Kafka's order; return how many partitions the topic gets."""
    if wish.assignments:
        partitions = _assigned_partition_count(broker, wish)
    else:
        if wish.replication_factor == 0 or wish.replication_factor < _DEFAULT:
            raise _RefusedError(
                ErrorCode.INVALID_REPLICATION_FACTOR,
                "Replication factor must be larger than 0, or -1 to use the default value.",
            )
        if wish.num_partitions == 0 or wish.num_partitions < _DEFAULT:
            raise _RefusedError(
                ErrorCode.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value."
            )
        if wish.replication_factor > 1:
            copies = wish.replication_factor
            raise _RefusedError(
                ErrorCode.INVALID_REPLICATION_FACTOR,
                f"Unable to replicate the partition {copies} time(s): The target replication factor of {copies} cannot "
                "be reached because only 1 broker(s) are registered or some brokers have all their log directories "
                "cordoned.",
            )
        partitions = wish.num_partitions if wish.num_partitions > 0 else broker.settings.default_partitions
    if not broker.has_room_for(partitions):
        raise _RefusedError(
            ErrorCode.POLICY_VIOLATION, f"The broker holds at most {broker.settings.partitions_max} partitions."
        )
    return partitions


def _assigned_partition_count(broker: Broker, wish: CreatableTopic) -> int:
    if wish.replication_factor != _DEFAULT:
        raise _RefusedError(
            ErrorCode.INVALID_REQUEST,
            "A manual partition assignment was specified, but replication factor was not set to -1.",
        )
    if wish.num_partitions != _DEFAULT:
        raise _RefusedError(
            ErrorCode.INVALID_REQUEST,
            "A manual partition assignment was specified, but numPartitions was not set to -1.",
        )
    indexes = sorted(assignment.partition_index for assignment in wish.assignments)
    if indexes != list(range(len(indexes))):
        raise _RefusedError(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT, "partitions should be a consecutive 0-based integer sequence"
        )
    for assignment in wish.assignments:
        if assignment.broker_ids != [broker.node_id]:
            raise _RefusedError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"The manual partition assignment includes other brokers than the one there is, {broker.node_id}.",
            )
    return len(indexes)


def _configs(broker: Broker, wish: CreatableTopic) -> dict[str, str]:
    without_value = [config.name for config in wish.configs if config.value is None]
    if without_value:
        message = f"Null value not supported for topic configs: {','.join(without_value)}"
        raise _RefusedError(ErrorCode.INVALID_CONFIG, message)
    # Of a config that is set twice the last value counts.
    wanted = {config.name: config.value for config in wish.configs}
    try:
        check_configs(wanted, broker.config_defaults)
    except InvalidConfigError as error:
        raise _RefusedError(ErrorCode.INVALID_CONFIG, str(error)) from error
    return {name: value for name, value in wanted.items() if value is not None}


def _told_configs(broker: Broker, own: dict[str, str]) -> list[CreatableTopicConfigs]:
    told = []
    for name, definition in topic_definitions().items():
        value, source = topic_value(broker, own, definition)
        told.append(CreatableTopicConfigs(name=name, value=value, config_source=source))
    return told
