"""Real clients on both brokers: the same programs see the same, down to the release that each infers.

Those that infer none tell what they take from the broker's ranges: versions, features, how many APIs there are.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.conftest import Tell, python_story

FIRST = {"records": 300, "keys": 300, "headers": 300}
SECOND = {"records": 30, "keys": 30, "headers": 30}
COMMITTED = {"records": 20, "keys": 20, "headers": 20}


@pytest.mark.java
@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_java_writes_and_reads_in_a_group(
    cluster: Any, java_story: Tell, unique: Callable[[str], str], protocol: str
) -> None:
    told = java_story("exchange", cluster.bootstrap, unique("java"), protocol)
    assert told == {"first": FIRST, "second": SECOND, "ends": 330, "group": f"{protocol.title()} Empty"}


@pytest.mark.java
def test_java_writes_transactions_and_is_fenced(cluster: Any, java_story: Tell, unique: Callable[[str], str]) -> None:
    told = java_story("transaction", cluster.bootstrap, unique("java-txn"))
    assert told == {"fenced": True, "committed": {"records": 70, "keys": 70, "headers": 70}, "offset": 7}


@pytest.mark.java
def test_java_administers(cluster: Any, java_story: Tell, unique: Callable[[str], str]) -> None:
    told = java_story("admin", cluster.bootstrap, unique("java-admin"))
    assert told == {
        "partitions": 3,
        "topic_id": True,
        "cleanup.policy": "delete,compact",
        "configs": 33,
        "latest": 100,
        "deleted_to_end": True,
        "max_timestamp_found": True,
        "state": "Empty",
        "altered": 1,
        "offset_gone": True,
        "groups": 0,
        "features": "30 1 2",
        "nodes": 1,
        "log_dirs": 1,
        "reassignments": 0,
        "producers": True,
        "elect": "ElectionNotNeededException",
        "missing": "UnknownTopicOrPartitionException",
        "exists": "TopicExistsException",
        "bad_config": "InvalidConfigurationException",
        "replicas": "InvalidReplicationFactorException",
        "acls": "SecurityDisabledException",
    }


@pytest.mark.go
def test_franz_go(cluster: Any, go_story: Tell, unique: Callable[[str], str]) -> None:
    """It takes the broker for what it is: Kafka 4.3. The lag counts the aborted records and the markers."""
    told = go_story("franz", cluster.bootstrap, unique("franz"))
    assert told.pop("lag") > 0
    assert told == {
        "release": "v4.3",
        "first": FIRST,
        "second": SECOND,
        "committed": COMMITTED,
        "state": "Empty",
    }


@pytest.mark.go
def test_sarama(cluster: Any, go_story: Tell, unique: Callable[[str], str]) -> None:
    told = go_story("sarama", cluster.bootstrap, unique("sarama"))
    assert told == {
        "first": FIRST,
        "second": SECOND,
        "committed": COMMITTED,
        "state": "Empty",
        "has_configs": True,
        "apis": 75,
    }


@pytest.mark.node
def test_kafkajs(cluster: Any, node_story: Tell, unique: Callable[[str], str]) -> None:
    """It asks for the highest version of each API that it knows: the ranges begin low enough for it."""
    told = node_story(cluster.bootstrap, unique("kafkajs"))
    assert told.pop("asked") == {
        "ApiVersions": 2,
        "CreateTopics": 3,
        "DeleteTopics": 1,
        "DescribeGroups": 2,
        "Fetch": 11,
        "GroupCoordinator": 2,
        "InitProducerId": 1,
        "JoinGroup": 5,
        "LeaveGroup": 3,
        "ListOffsets": 3,
        "Metadata": 6,
        "OffsetCommit": 5,
        "OffsetFetch": 4,
        "Produce": 7,
        "SyncGroup": 3,
    }
    assert told == {
        "first": FIRST,
        "second": SECOND,
        "committed": COMMITTED,
        "partitions": 3,
        "committed_partitions": 3,
        "state": "Empty",
    }


def test_kafka_python(cluster: Any, unique: Callable[[str], str]) -> None:
    """What release it infers tells whether the ranges that are advertised are those of one."""
    told = python_story("kafka-python", cluster.bootstrap, unique("kafka-python"))
    assert told == {"release": [4, 3], "keys": 300, "headers": 300, "committed": 300}


def test_aiokafka(cluster: Any, unique: Callable[[str], str]) -> None:
    told = python_story("aiokafka", cluster.bootstrap, unique("aiokafka"))
    assert told == {"apis": [75], "keys": 51, "last": "last", "committed": 54}
