"""Creating, describing, configuring, growing and deleting topics; error codes as seen from Apache Kafka 4.3."""

import pytest

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
)
from kcon_broker.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from kcon_broker.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicState
from kcon_broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
)
from kcon_broker.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from kcon_broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseTopic,
)
from tests.kcon_broker.raw_client import RawClient, batch, produce

_SET, _DELETE, _APPEND, _SUBTRACT = range(4)


def create(client: RawClient, *topics: CreatableTopic, validate_only: bool = False) -> list[CreatableTopicResult]:
    request = CreateTopicsRequest(topics=list(topics), validate_only=validate_only)
    return client.ask(request, CreateTopicsResponse, 7).topics


def wish(name: str, partitions: int = 1, replicas: int = 1, **configs: str) -> CreatableTopic:
    return CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=replicas,
        configs=[CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()],
    )


def metadata(client: RawClient, *topics: MetadataRequestTopic, version: int = 12) -> list[MetadataResponseTopic]:
    request = MetadataRequest(topics=list(topics), allow_auto_topic_creation=False)
    return client.ask(request, MetadataResponse, version).topics


@pytest.mark.parametrize(
    ("topic", "error_code"),
    [
        (wish("bad/name"), 17),
        (wish(""), 17),
        (wish(".."), 17),
        (wish("x" * 250), 17),
        (wish("t"), 36),
        (wish("new", 0), 37),
        (wish("new", -2), 37),
        (wish("new", 1, 0), 38),
        (wish("new", 1, 3), 38),
        (wish("new", retention_ms="soon"), 40),
        (wish("new", no_such="1"), 40),
        (CreatableTopic(name="new", num_partitions=-1, replication_factor=-1,
                        assignments=[CreatableReplicaAssignment(partition_index=1, broker_ids=[1])]), 39),
        (CreatableTopic(name="new", num_partitions=-1, replication_factor=-1,
                        assignments=[CreatableReplicaAssignment(partition_index=0, broker_ids=[1, 2])]), 39),
    ],
)  # fmt: skip
def test_impossible_topic_is_refused(client: RawClient, topic: CreatableTopic, error_code: int) -> None:
    assert [result.error_code for result in create(client, topic)] == [error_code]
    assert metadata(client, MetadataRequestTopic(name="new"))[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_longest_name_and_defaults_are_accepted(client: RawClient) -> None:
    (result,) = create(client, wish("x" * 249, -1, -1))
    assert (result.error_code, result.num_partitions, result.replication_factor) == (0, 4, 1)


def test_validate_only_changes_nothing(client: RawClient) -> None:
    assert create(client, wish("new", 3), validate_only=True)[0].error_code == ErrorCode.NONE
    assert metadata(client, MetadataRequestTopic(name="new"))[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_names_that_collide_are_refused(client: RawClient) -> None:
    assert create(client, wish("a.b"))[0].error_code == ErrorCode.NONE
    assert create(client, wish("a_b"))[0].error_code == ErrorCode.INVALID_TOPIC_EXCEPTION


def test_topic_named_twice_is_refused_once(client: RawClient) -> None:
    assert [result.error_code for result in create(client, wish("new"), wish("new"))] == [ErrorCode.INVALID_REQUEST]


@pytest.mark.parametrize("version", range(14))
def test_metadata_of_every_version(client: RawClient, version: int) -> None:
    (topic,) = metadata(client, MetadataRequestTopic(name="t"), version=version)
    assert (topic.error_code, topic.name) == (0, "t")
    assert [(entry.partition_index, entry.leader_id) for entry in topic.partitions] == [(0, 1), (1, 1)]
    (bad,) = metadata(client, MetadataRequestTopic(name="a/b"), version=version)
    assert bad.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION


def test_metadata_by_id_and_of_all_topics(client: RawClient) -> None:
    topic_id = metadata(client, MetadataRequestTopic(name="t"))[0].topic_id
    assert metadata(client, MetadataRequestTopic(name=None, topic_id=topic_id))[0].name == "t"
    unknown = metadata(client, MetadataRequestTopic(name=None, topic_id=b"\1" * 16))[0]
    assert unknown.error_code == ErrorCode.UNKNOWN_TOPIC_ID
    assert metadata(client) == []
    everything = client.ask(MetadataRequest(topics=None), MetadataResponse, 12).topics
    assert [topic.name for topic in everything] == ["t"]
    create(client, wish("later"))
    everything = client.ask(MetadataRequest(topics=None), MetadataResponse, 12).topics
    assert [topic.name for topic in everything] == ["t", "later"]


def test_metadata_creates_topics_where_wished(client: RawClient) -> None:
    request = MetadataRequest(topics=[MetadataRequestTopic(name="auto")], allow_auto_topic_creation=True)
    assert len(client.ask(request, MetadataResponse, 9).topics[0].partitions) == 4


@pytest.mark.parametrize(
    ("count", "brokers", "error_code"),
    [
        (2, None, 37),
        (1, None, 37),
        (0, None, 37),
        (-1, None, 37),
        (3, [9], 39),
        (4, [1], 39),
        (3, [1], 0),
        (5, None, 0),
    ],
)
def test_growing_a_topic(client: RawClient, count: int, brokers: list[int] | None, error_code: int) -> None:
    assignments = None if brokers is None else [CreatePartitionsAssignment(broker_ids=brokers)]
    request = CreatePartitionsRequest(topics=[CreatePartitionsTopic(name="t", count=count, assignments=assignments)])
    assert client.ask(request, CreatePartitionsResponse, 3).results[0].error_code == error_code
    expected = 2 if error_code else count
    assert len(metadata(client, MetadataRequestTopic(name="t"))[0].partitions) == expected


def delete(client: RawClient, *topics: DeleteTopicState) -> list[int]:
    response = client.ask(DeleteTopicsRequest(topics=list(topics)), DeleteTopicsResponse, 6)
    return [result.error_code for result in response.responses]


def test_deleting_topics(client: RawClient) -> None:
    topic_id = metadata(client, MetadataRequestTopic(name="t"))[0].topic_id
    assert produce(client, "t", batch(b"x")).error_code == ErrorCode.NONE
    assert delete(client, DeleteTopicState(name="nope")) == [3]
    assert delete(client, DeleteTopicState(name=None, topic_id=b"\1" * 16)) == [100]
    assert delete(client, DeleteTopicState(name="t", topic_id=topic_id)) == [42]
    assert delete(client, DeleteTopicState(name=None)) == [42]
    assert delete(client, DeleteTopicState(name="t"), DeleteTopicState(name="t")) == [42]
    assert delete(client, DeleteTopicState(name=None, topic_id=topic_id)) == [0]
    assert produce(client, "t", batch(b"x")).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert create(client, wish("t"))[0].error_code == ErrorCode.NONE
    assert produce(client, "t", batch(b"x")).base_offset == 0


def alter(client: RawClient, *changes: tuple[str, int, str | None], name: str = "t", kind: int = 2) -> int:
    configs = [AlterableConfig(name=key, config_operation=operation, value=text) for key, operation, text in changes]
    resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=configs)
    request = IncrementalAlterConfigsRequest(resources=[resource])
    return client.ask(request, IncrementalAlterConfigsResponse, 1).responses[0].error_code


def configs(client: RawClient, *names: str) -> dict[str, DescribeConfigsResourceResult]:
    resource = DescribeConfigsResource(resource_type=2, resource_name="t", configuration_keys=list(names) or None)
    request = DescribeConfigsRequest(resources=[resource], include_synonyms=True)
    result = client.ask(request, DescribeConfigsResponse, 4).results[0]
    return {entry.name: entry for entry in result.configs}


@pytest.mark.parametrize(
    ("change", "error_code"),
    [
        (("retention.ms", _SET, "x"), 40),
        (("no.such", _SET, "x"), 40),
        (("retention.ms", _APPEND, "1"), 40),
        (("retention.ms", _SET, None), 42),
        (("retention.ms", 9, "1"), -1),
    ],
)
def test_impossible_change_is_refused(client: RawClient, change: tuple[str, int, str | None], error_code: int) -> None:
    assert alter(client, change) == error_code


def test_changes_of_configs(client: RawClient) -> None:
    assert alter(client, ("retention.ms", _SET, "1000"), ("cleanup.policy", _APPEND, "compact")) == ErrorCode.NONE
    found = configs(client, "retention.ms", "cleanup.policy", "segment.ms")
    assert (found["retention.ms"].value, found["retention.ms"].config_source) == ("1000", 1)
    assert [synonym.name for synonym in found["cleanup.policy"].synonyms] == ["cleanup.policy", "log.cleanup.policy"]
    assert found["cleanup.policy"].value == "delete,compact"
    assert found["segment.ms"].config_source == 5
    assert alter(client, ("retention.ms", _DELETE, None), ("cleanup.policy", _SUBTRACT, "delete")) == ErrorCode.NONE
    found = configs(client)
    assert len(found) == 33
    assert (found["retention.ms"].value, found["cleanup.policy"].value) == ("604800000", "compact")


def test_change_of_what_is_not_there(client: RawClient) -> None:
    change = ("retention.ms", _SET, "1")
    assert alter(client, change, change) == ErrorCode.INVALID_REQUEST
    assert alter(client, change, name="nope") == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert alter(client, change, name="a/b") == ErrorCode.INVALID_TOPIC_EXCEPTION
    assert alter(client, kind=9) == ErrorCode.INVALID_REQUEST
