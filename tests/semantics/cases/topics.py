"""CreateTopics, DeleteTopics, CreatePartitions, Metadata, DescribeTopicPartitions: the life of a topic."""

from typing import Any

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from kcon_broker.wire.messages.create_topics import CreatableReplicaAssignment, CreatableTopicConfig
from kcon_broker.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from kcon_broker.wire.messages.describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    TopicRequest,
)
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponseTopic
from kcon_broker.wire.schema import ZERO_UUID
from tests.semantics.case import case, each
from tests.semantics.kafka import EARLIEST, LATEST, Kafka, creatable

_NO_ID = b"no-such-topic-id"


def delete(kafka: Kafka, name: str) -> int:
    """Delete a topic by its name; return the error code."""
    answer = kafka.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name=name)], timeout_ms=30_000), 6)
    code: int = answer.responses[0].error_code
    return code


def described(kafka: Kafka, name: str, *, create: bool = False, version: int = 12) -> MetadataResponseTopic:
    """Return what Metadata tells of a topic."""
    request = MetadataRequest(topics=[MetadataRequestTopic(name=name)], allow_auto_topic_creation=create)
    found: MetadataResponseTopic = kafka.ask(request, version).topics[0]
    return found


def add_partitions(kafka: Kafka, name: str, count: int, **fields: Any) -> int:
    """Ask for so many partitions in all; return the error code."""
    validate_only = fields.pop("validate_only", False)
    wanted = CreatePartitionsTopic(name=name, count=count, assignments=fields.get("assignments"))
    request = CreatePartitionsRequest(topics=[wanted], timeout_ms=30_000, validate_only=validate_only)
    code: int = kafka.ask(request, 3).results[0].error_code
    return code


def _known(kafka: Kafka, name: str) -> MetadataResponseTopic:
    return kafka.until(lambda: described(kafka, name), lambda topic: not topic.error_code)


# CreateTopics


@case
def a_created_topic_tells_its_shape_and_its_id(kafka: Kafka) -> None:
    (created,) = kafka.create(creatable(kafka.fresh("new"), 3)).topics
    assert (created.error_code, created.num_partitions, created.replication_factor) == (ErrorCode.NONE, 3, 1)
    assert created.topic_id != ZERO_UUID


@case
def a_created_topic_tells_its_configs(kafka: Kafka) -> None:
    (created,) = kafka.create(creatable(kafka.fresh("new"), retention_ms="12345")).topics
    told = {config.name: config for config in created.configs or ()}
    assert (told["retention.ms"].value, told["retention.ms"].config_source) == ("12345", 1)
    assert told["cleanup.policy"].value == "delete"


@case
def a_created_topic_is_seen_by_metadata(kafka: Kafka) -> None:
    name = kafka.fresh("new")
    (created,) = kafka.create(creatable(name, 2)).topics
    found = _known(kafka, name)
    assert (found.topic_id, len(found.partitions), found.is_internal) == (created.topic_id, 2, False)


@case
def a_topic_that_exists_is_refused(kafka: Kafka) -> None:
    (again,) = kafka.create(creatable(kafka.topic())).topics
    assert again.error_code == ErrorCode.TOPIC_ALREADY_EXISTS


@case
def a_name_that_differs_in_a_dot_and_an_underscore_collides(kafka: Kafka) -> None:
    stem = kafka.fresh("a.b")
    kafka.create(creatable(stem))
    (other,) = kafka.create(creatable(stem.replace(".", "_"))).topics
    assert other.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION


@each(
    {
        "empty": "",
        "a dot": ".",
        "two dots": "..",
        "a slash": "a/b",
        "a space": "a b",
        "a comma": "a,b",
        "an umlaut": "ü",
        "250 characters": "x" * 250,
        "a colon": "a:b",
    }
)
def an_invalid_name_is_invalid_topic_exception(kafka: Kafka, name: str) -> None:
    (refused,) = kafka.create(creatable(name)).topics
    assert refused.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION


@case
def a_name_of_249_characters_is_taken(kafka: Kafka) -> None:
    stem = kafka.fresh("x")
    (created,) = kafka.create(creatable(stem + "x" * (249 - len(stem)))).topics
    assert created.error_code == ErrorCode.NONE


@each({"0": 0, "-2": -2})
def a_number_of_partitions_is_invalid_partitions(kafka: Kafka, count: int) -> None:
    (refused,) = kafka.create(creatable(kafka.fresh("new"), count)).topics
    assert refused.error_code == ErrorCode.INVALID_PARTITIONS


@each({"0": 0, "2": 2, "-2": -2})
def a_replication_factor_is_invalid_replication_factor(kafka: Kafka, factor: int) -> None:
    (refused,) = kafka.create(creatable(kafka.fresh("new"), 1, factor)).topics
    assert refused.error_code == ErrorCode.INVALID_REPLICATION_FACTOR


@case
def a_replication_factor_of_minus_1_is_the_default(kafka: Kafka) -> None:
    (created,) = kafka.create(creatable(kafka.fresh("new"), 1, -1)).topics
    assert (created.error_code, created.replication_factor) == (ErrorCode.NONE, 1)


@case
def an_unknown_config_is_invalid_config(kafka: Kafka) -> None:
    (refused,) = kafka.create(creatable(kafka.fresh("new"), no_such_config="1")).topics
    assert refused.error_code == ErrorCode.INVALID_CONFIG


@case
def a_config_without_a_value_is_invalid_config_even_beside_one_with(kafka: Kafka) -> None:
    wanted = creatable(kafka.fresh("new"), segment_ms="5000")
    wanted.configs.insert(0, CreatableTopicConfig(name="segment.ms", value=None))
    (refused,) = kafka.create(wanted).topics
    assert refused.error_code == ErrorCode.INVALID_CONFIG


@case
def of_a_config_that_is_set_twice_the_last_value_counts(kafka: Kafka) -> None:
    wanted = creatable(kafka.fresh("new"), segment_ms="5000")
    wanted.configs.append(CreatableTopicConfig(name="segment.ms", value="6000"))
    (created,) = kafka.create(wanted).topics
    assert {config.name: config.value for config in created.configs or ()}["segment.ms"] == "6000"


@case
def validate_only_creates_nothing(kafka: Kafka) -> None:
    name = kafka.fresh("new")
    (would,) = kafka.create(creatable(name), validate_only=True).topics
    assert would.error_code == ErrorCode.NONE
    kafka.settle()
    assert described(kafka, name).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def validate_only_refuses_what_would_be_refused(kafka: Kafka) -> None:
    (refused,) = kafka.create(creatable(kafka.fresh("new"), retention_ms="soon"), validate_only=True).topics
    assert refused.error_code == ErrorCode.INVALID_CONFIG


@case
def a_topic_named_twice_in_one_request_is_an_invalid_request(kafka: Kafka) -> None:
    name = kafka.fresh("new")
    answered = kafka.create(creatable(name), creatable(name)).topics
    assert {one.error_code for one in answered} == {ErrorCode.INVALID_REQUEST}
    assert described(kafka, name).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def topics_of_one_request_are_judged_alone(kafka: Kafka) -> None:
    good, bad = kafka.fresh("new"), "a/b"
    codes = {one.name: one.error_code for one in kafka.create(creatable(good), creatable(bad)).topics}
    assert codes == {good: ErrorCode.NONE, bad: ErrorCode.INVALID_TOPIC_EXCEPTION}


def _assigned(kafka: Kafka, *replicas: list[int], **fields: Any) -> int:
    wanted = creatable(kafka.fresh("new"), fields.get("partitions", -1), fields.get("factor", -1))
    wanted.assignments = [
        CreatableReplicaAssignment(partition_index=index + fields.get("first", 0), broker_ids=ids)
        for index, ids in enumerate(replicas)
    ]
    return kafka.create(wanted).topics[0].error_code


@case
def an_assignment_to_this_broker_is_taken(kafka: Kafka) -> None:
    assert _assigned(kafka, [1], [1]) == ErrorCode.NONE


@each({"an unknown broker": [9], "a broker twice": [1, 1], "nobody": []})
def an_assignment_is_refused_with(kafka: Kafka, replicas: list[int]) -> None:
    assert _assigned(kafka, replicas) == ErrorCode.INVALID_REPLICA_ASSIGNMENT


@case
def an_assignment_that_does_not_begin_at_0_is_refused(kafka: Kafka) -> None:
    assert _assigned(kafka, [1], first=3) == ErrorCode.INVALID_REPLICA_ASSIGNMENT


@case
def an_assignment_beside_a_number_of_partitions_is_an_invalid_request(kafka: Kafka) -> None:
    assert _assigned(kafka, [1], partitions=1) == ErrorCode.INVALID_REQUEST


@case
def an_assignment_beside_a_replication_factor_is_an_invalid_request(kafka: Kafka) -> None:
    assert _assigned(kafka, [1], factor=1) == ErrorCode.INVALID_REQUEST


# DeleteTopics


@case
def a_deleted_topic_is_gone(kafka: Kafka) -> None:
    name = kafka.topic()
    assert delete(kafka, name) == ErrorCode.NONE
    gone = kafka.until(lambda: described(kafka, name).error_code, bool)
    assert gone == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def a_topic_can_be_deleted_by_its_id(kafka: Kafka) -> None:
    name = kafka.topic()
    request = DeleteTopicsRequest(
        topics=[DeleteTopicState(name=None, topic_id=kafka.topic_id(name))], timeout_ms=30_000
    )
    (deleted,) = kafka.ask(request, 6).responses
    assert (deleted.error_code, deleted.name) == (ErrorCode.NONE, name)


@case
def deleting_an_unknown_name_is_unknown_topic_or_partition(kafka: Kafka) -> None:
    assert delete(kafka, kafka.fresh("no")) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def deleting_an_unknown_id_is_unknown_topic_id(kafka: Kafka) -> None:
    request = DeleteTopicsRequest(topics=[DeleteTopicState(name=None, topic_id=_NO_ID)], timeout_ms=30_000)
    assert kafka.ask(request, 6).responses[0].error_code == ErrorCode.UNKNOWN_TOPIC_ID


@case
def deleting_by_name_and_id_at_once_is_an_invalid_request(kafka: Kafka) -> None:
    name = kafka.topic()
    request = DeleteTopicsRequest(
        topics=[DeleteTopicState(name=name, topic_id=kafka.topic_id(name))], timeout_ms=30_000
    )
    assert kafka.ask(request, 6).responses[0].error_code == ErrorCode.INVALID_REQUEST


@case
def a_topic_made_anew_has_another_id_and_begins_at_0(kafka: Kafka) -> None:
    name = kafka.topic()
    old = kafka.topic_id(name)
    kafka.produce(name, b"a")
    delete(kafka, name)
    kafka.until(lambda: described(kafka, name).error_code, bool)
    kafka.create(creatable(name))
    new = _known(kafka, name).topic_id
    assert new != old
    end = kafka.until(lambda: kafka.offset(name, LATEST), lambda answer: not answer.error_code)
    assert end.offset == 0


@case
def the_old_id_of_a_topic_made_anew_is_unknown(kafka: Kafka) -> None:
    name = kafka.topic()
    delete(kafka, name)
    kafka.until(lambda: described(kafka, name).error_code, bool)
    kafka.create(creatable(name))
    _known(kafka, name)
    kafka.settle()
    assert kafka.fetch(name, version=13).error_code == ErrorCode.UNKNOWN_TOPIC_ID
    assert kafka.produce(name, b"a", version=13).error_code == ErrorCode.UNKNOWN_TOPIC_ID


# CreatePartitions


@case
def more_partitions_are_added_and_can_be_used(kafka: Kafka) -> None:
    name = kafka.topic()
    assert add_partitions(kafka, name, 3) == ErrorCode.NONE
    kafka.until(lambda: len(described(kafka, name).partitions), lambda count: count == 3)
    answer = kafka.until(lambda: kafka.produce(name, b"a", partition=2), lambda answer: not answer.error_code)
    assert answer.base_offset == 0


@each({"as many": 2, "fewer": 1, "0": 0, "-1": -1})
def a_count_is_invalid_partitions(kafka: Kafka, count: int) -> None:
    assert add_partitions(kafka, kafka.topic(partitions=2), count) == ErrorCode.INVALID_PARTITIONS


@case
def adding_to_an_unknown_topic_is_unknown_topic_or_partition(kafka: Kafka) -> None:
    assert add_partitions(kafka, kafka.fresh("no"), 3) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def adding_with_validate_only_adds_nothing(kafka: Kafka) -> None:
    name = kafka.topic()
    assert add_partitions(kafka, name, 3, validate_only=True) == ErrorCode.NONE
    kafka.settle()
    assert len(described(kafka, name).partitions) == 1


@case
def adding_with_an_assignment_of_the_wrong_length_is_refused(kafka: Kafka) -> None:
    given = [CreatePartitionsAssignment(broker_ids=[1])]
    assert add_partitions(kafka, kafka.topic(), 3, assignments=given) == ErrorCode.INVALID_REPLICA_ASSIGNMENT


@case
def adding_to_a_topic_named_twice_is_an_invalid_request(kafka: Kafka) -> None:
    wanted = CreatePartitionsTopic(name=kafka.topic(), count=3, assignments=None)
    answer = kafka.ask(CreatePartitionsRequest(topics=[wanted, wanted], timeout_ms=30_000), 3)
    assert {one.error_code for one in answer.results} == {ErrorCode.INVALID_REQUEST}


# Metadata


@case
def metadata_names_this_broker_and_the_controller(kafka: Kafka) -> None:
    answer = kafka.ask(MetadataRequest(topics=[]), 12)
    assert [broker.node_id for broker in answer.brokers] == [1]
    assert answer.controller_id == 1
    assert answer.cluster_id


@case
def metadata_of_an_empty_list_has_no_topics(kafka: Kafka) -> None:
    assert kafka.ask(MetadataRequest(topics=[]), 12).topics == []


@case
def metadata_of_null_has_all_topics(kafka: Kafka) -> None:
    name = kafka.topic()
    assert name in {topic.name for topic in kafka.ask(MetadataRequest(topics=None), 12).topics}


@case
def metadata_0_of_an_empty_list_has_all_topics(kafka: Kafka) -> None:
    name = kafka.topic()
    assert name in {topic.name for topic in kafka.ask(MetadataRequest(topics=[]), 0).topics}


@case
def metadata_of_an_unknown_topic_without_creation_is_unknown(kafka: Kafka) -> None:
    name = kafka.fresh("no")
    assert described(kafka, name).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    kafka.settle()
    assert described(kafka, name).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def metadata_with_creation_creates_a_topic(kafka: Kafka) -> None:
    name = kafka.fresh("auto")
    found = kafka.until(lambda: described(kafka, name, create=True), lambda topic: not topic.error_code)
    assert found.error_code == ErrorCode.NONE


@each({"a slash": "a/b", "two dots": "..", "250 characters": "x" * 250})
def metadata_of_an_invalid_name_is_invalid_topic_exception(kafka: Kafka, name: str) -> None:
    assert described(kafka, name, create=True).error_code == ErrorCode.INVALID_TOPIC_EXCEPTION


@case
def metadata_by_id_tells_the_name(kafka: Kafka) -> None:
    name = kafka.topic()
    request = MetadataRequest(topics=[MetadataRequestTopic(topic_id=kafka.topic_id(name), name=None)])
    (found,) = kafka.ask(request, 12).topics
    assert (found.error_code, found.name) == (ErrorCode.NONE, name)


@case
def metadata_of_an_unknown_id_is_unknown_topic_id(kafka: Kafka) -> None:
    (found,) = kafka.ask(MetadataRequest(topics=[MetadataRequestTopic(topic_id=_NO_ID, name=None)]), 12).topics
    assert (found.error_code, found.name) == (ErrorCode.UNKNOWN_TOPIC_ID, None)


@case
def metadata_tells_leader_replicas_and_isr(kafka: Kafka) -> None:
    (partition,) = described(kafka, kafka.topic()).partitions
    assert (partition.leader_id, partition.replica_nodes, partition.isr_nodes) == (1, [1], [1])
    assert partition.offline_replicas == []


@case
def internal_topics_are_marked(kafka: Kafka) -> None:
    assert described(kafka, "__consumer_offsets").is_internal
    assert described(kafka, "__transaction_state").is_internal


@case
def a_topic_named_twice_in_metadata_is_told_once(kafka: Kafka) -> None:
    name = kafka.topic()
    asked = [MetadataRequestTopic(name=name)] * 2
    assert [topic.name for topic in kafka.ask(MetadataRequest(topics=asked), 12).topics] == [name]


@each({str(version): version for version in range(14)})
def metadata_tells_a_topic_in_version(kafka: Kafka, version: int) -> None:
    name = kafka.topic()
    found = described(kafka, name, version=version)
    assert (found.error_code, found.name, len(found.partitions)) == (ErrorCode.NONE, name, 1)


# DescribeTopicPartitions


def _pages(kafka: Kafka, names: list[str], limit: int, cursor: Cursor | None = None) -> DescribeTopicPartitionsResponse:
    request = DescribeTopicPartitionsRequest(
        topics=[TopicRequest(name=name) for name in names], response_partition_limit=limit, cursor=cursor
    )
    found: DescribeTopicPartitionsResponse = kafka.ask(request, 0)
    return found


@case
def describe_topic_partitions_tells_topics_in_the_order_of_their_names(kafka: Kafka) -> None:
    names = sorted(kafka.topic() for _ in range(3))
    assert [topic.name for topic in _pages(kafka, names[::-1], 100).topics] == names


@case
def describe_topic_partitions_stops_at_the_limit_and_goes_on_at_the_cursor(kafka: Kafka) -> None:
    name = kafka.topic(partitions=3)
    first = _pages(kafka, [name], 2)
    assert [one.partition_index for one in first.topics[0].partitions] == [0, 1]
    assert first.next_cursor is not None
    assert (first.next_cursor.topic_name, first.next_cursor.partition_index) == (name, 2)
    rest = _pages(kafka, [name], 2, first.next_cursor)
    assert [one.partition_index for one in rest.topics[0].partitions] == [2]
    assert rest.next_cursor is None


@case
def describe_topic_partitions_of_an_unknown_topic_is_unknown(kafka: Kafka) -> None:
    (found,) = _pages(kafka, [kafka.fresh("no")], 10).topics
    assert found.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def describe_topic_partitions_of_an_invalid_name_is_invalid_topic_exception(kafka: Kafka) -> None:
    (found,) = _pages(kafka, ["a/b"], 10).topics
    assert found.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION


@case
def a_new_partition_is_empty(kafka: Kafka) -> None:
    name = kafka.topic()
    kafka.produce(name, b"a")
    add_partitions(kafka, name, 2)
    found = kafka.until(lambda: kafka.offset(name, EARLIEST, partition=1), lambda answer: not answer.error_code)
    assert found.offset == 0
