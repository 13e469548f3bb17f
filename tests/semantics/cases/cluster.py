"""Coordinators, leader epochs, log folders, the cluster itself."""

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.create_acls import AclCreation, CreateAclsRequest
from kcon_broker.wire.messages.delete_acls import DeleteAclsFilter, DeleteAclsRequest
from kcon_broker.wire.messages.describe_acls import DescribeAclsRequest
from kcon_broker.wire.messages.describe_cluster import DescribeClusterRequest
from kcon_broker.wire.messages.describe_log_dirs import DescribableLogDirTopic, DescribeLogDirsRequest
from kcon_broker.wire.messages.describe_user_scram_credentials import DescribeUserScramCredentialsRequest, UserName
from kcon_broker.wire.messages.elect_leaders import ElectLeadersRequest, TopicPartitions
from kcon_broker.wire.messages.find_coordinator import Coordinator, FindCoordinatorRequest
from kcon_broker.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from tests.semantics.batches import batch_of
from tests.semantics.case import case, each
from tests.semantics.kafka import LATEST, Kafka

_GROUP, _TRANSACTION = 0, 1


def _coordinators(kafka: Kafka, kind: int, *keys: str) -> list[Coordinator]:
    found: list[Coordinator] = kafka.ask(
        FindCoordinatorRequest(key_type=kind, coordinator_keys=list(keys)), 4
    ).coordinators
    return found


@each({"a group": _GROUP, "a transactional id": _TRANSACTION})
def this_broker_coordinates(kafka: Kafka, kind: int) -> None:
    (found,) = _coordinators(kafka, kind, kafka.fresh())
    assert (found.error_code, found.node_id, found.host) == (ErrorCode.NONE, 1, "127.0.0.1")
    assert found.port == int(kafka.broker.side.bootstrap.rpartition(":")[2])


@case
def several_coordinators_are_found_at_once(kafka: Kafka) -> None:
    keys = [kafka.fresh() for _ in range(3)]
    assert {one.key for one in _coordinators(kafka, _GROUP, *keys)} == set(keys)


@case
def a_request_for_no_coordinator_is_answered_empty(kafka: Kafka) -> None:
    assert _coordinators(kafka, _GROUP) == []


@each({"5": 5, "-1": -1})
def an_unknown_key_type_is_an_invalid_request(kafka: Kafka, kind: int) -> None:
    (found,) = _coordinators(kafka, kind, "any")
    assert found.error_code == ErrorCode.INVALID_REQUEST


@each({str(version): version for version in range(4)})
def a_coordinator_is_found_in_version(kafka: Kafka, version: int) -> None:
    answer = kafka.ask(FindCoordinatorRequest(key=kafka.fresh(), key_type=_GROUP), version)
    assert (answer.error_code, answer.node_id) == (ErrorCode.NONE, 1)


def _epoch_end(kafka: Kafka, topic: str, epoch: int, *, current: int = -1, partition: int = 0) -> EpochEndOffset:
    wanted = OffsetForLeaderPartition(partition=partition, current_leader_epoch=current, leader_epoch=epoch)
    request = OffsetForLeaderEpochRequest(
        replica_id=-1, topics=[OffsetForLeaderTopic(topic=topic, partitions=[wanted])]
    )
    found: EpochEndOffset = kafka.ask(request, 4).topics[0].partitions[0]
    return found


@case
def the_present_epoch_ends_at_the_end_of_the_log(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a", b"b")
    epoch = kafka.offset(topic, LATEST).leader_epoch
    found = _epoch_end(kafka, topic, epoch)
    assert (found.error_code, found.leader_epoch, found.end_offset) == (ErrorCode.NONE, epoch, 2)


@case
def an_epoch_of_the_future_is_not_known(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    found = _epoch_end(kafka, topic, kafka.offset(topic, LATEST).leader_epoch + 3)
    assert (found.error_code, found.leader_epoch, found.end_offset) == (ErrorCode.NONE, -1, -1)


@case
def a_current_epoch_of_the_future_is_an_unknown_leader_epoch(kafka: Kafka) -> None:
    topic = kafka.topic()
    epoch = kafka.offset(topic, LATEST).leader_epoch
    assert _epoch_end(kafka, topic, epoch, current=epoch + 1).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH


@case
def an_epoch_of_an_unknown_partition_is_unknown(kafka: Kafka) -> None:
    found = _epoch_end(kafka, kafka.topic(), 0, partition=9)
    assert found.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def describe_cluster_tells_the_brokers(kafka: Kafka) -> None:
    answer = kafka.ask(DescribeClusterRequest(endpoint_type=1), 2)
    assert (answer.error_code, answer.controller_id) == (ErrorCode.NONE, 1)
    assert [(one.broker_id, one.is_fenced) for one in answer.brokers] == [(1, False)]


@case
def describe_cluster_of_controllers_is_refused_by_a_broker(kafka: Kafka) -> None:
    answer = kafka.ask(DescribeClusterRequest(endpoint_type=2), 2)
    assert answer.error_code == ErrorCode.MISMATCHED_ENDPOINT_TYPE


@case
def describe_cluster_of_an_unknown_kind_is_refused(kafka: Kafka) -> None:
    answer = kafka.ask(DescribeClusterRequest(endpoint_type=7), 2)
    assert answer.error_code == ErrorCode.UNSUPPORTED_ENDPOINT_TYPE


def _sizes(kafka: Kafka, *topics: str) -> dict[str, int]:
    wanted = [DescribableLogDirTopic(topic=topic, partitions=[0]) for topic in topics]
    (folder,) = kafka.ask(DescribeLogDirsRequest(topics=wanted), 4).results
    assert not folder.error_code
    return {topic.name: sum(one.partition_size for one in topic.partitions) for topic in folder.topics}


@case
def a_log_grows_by_the_batch_that_is_appended(kafka: Kafka) -> None:
    topic = kafka.topic()
    assert _sizes(kafka, topic) in ({topic: 0}, {})
    batch = batch_of(b"x" * 1_000)
    kafka.produce(topic, batch=batch)
    assert _sizes(kafka, topic) == {topic: len(batch)}


@case
def log_folders_of_unknown_topics_are_left_out(kafka: Kafka) -> None:
    assert _sizes(kafka, kafka.fresh("no")) == {}


@case
def the_disk_is_told(kafka: Kafka) -> None:
    (folder,) = kafka.ask(DescribeLogDirsRequest(topics=[]), 4).results
    assert folder.total_bytes >= folder.usable_bytes > 0


@case
def a_leader_that_leads_need_not_be_elected(kafka: Kafka) -> None:
    wanted = TopicPartitions(topic=kafka.topic(), partitions=[0])
    answer = kafka.ask(ElectLeadersRequest(election_type=0, topic_partitions=[wanted], timeout_ms=10_000), 2)
    (found,) = answer.replica_election_results[0].partition_result
    assert (answer.error_code, found.error_code) == (ErrorCode.NONE, ErrorCode.ELECTION_NOT_NEEDED)


@case
def scram_credentials_of_an_unknown_user_are_resource_not_found(kafka: Kafka) -> None:
    user = kafka.fresh("user")
    answer = kafka.ask(DescribeUserScramCredentialsRequest(users=[UserName(name=user)]), 0)
    assert [(one.user, one.error_code) for one in answer.results] == [(user, ErrorCode.RESOURCE_NOT_FOUND)]


@case
def access_rules_without_an_authorizer_are_security_disabled(kafka: Kafka) -> None:
    everything = DescribeAclsRequest(resource_type_filter=1, pattern_type_filter=1, operation=1, permission_type=1)
    assert kafka.ask(everything, 3).error_code == ErrorCode.SECURITY_DISABLED
    rule = AclCreation(
        resource_type=2,
        resource_name="t",
        resource_pattern_type=3,
        principal="User:a",
        host="*",
        operation=3,
        permission_type=3,
    )
    created = kafka.ask(CreateAclsRequest(creations=[rule]), 3).results
    assert [one.error_code for one in created] == [ErrorCode.SECURITY_DISABLED]
    wanted = DeleteAclsFilter(resource_type_filter=1, pattern_type_filter=1, operation=1, permission_type=1)
    deleted = kafka.ask(DeleteAclsRequest(filters=[wanted]), 3).filter_results
    assert [one.error_code for one in deleted] == [ErrorCode.SECURITY_DISABLED]
