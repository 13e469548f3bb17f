"""Committed offsets: OffsetCommit, OffsetFetch, OffsetDelete, from inside and outside of groups."""

from typing import Any

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kcon_broker.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
)
from kcon_broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
    OffsetFetchResponsePartitions,
)
from tests.semantics.case import case, each
from tests.semantics.cases.topics import delete
from tests.semantics.kafka import Kafka
from tests.semantics.members import ClassicMember, ConsumerMember, subscription


def commit(
    kafka: Kafka,
    group: str,
    topic: str,
    offset: int,
    *,
    partition: int = 0,
    metadata: str | None = "",
    version: int = 9,
    leader_epoch: int = -1,
    **fields: Any,
) -> int:
    """Commit one offset; return its error code."""
    wanted = OffsetCommitRequestPartition(
        partition_index=partition,
        committed_offset=offset,
        committed_leader_epoch=leader_epoch,
        committed_metadata=metadata,
    )
    request: dict[str, Any] = {
        "group_id": group,
        "generation_id_or_member_epoch": -1,
        "member_id": "",
        "topics": [OffsetCommitRequestTopic(name=topic, topic_id=kafka.topic_id(topic), partitions=[wanted])],
        **fields,
    }
    code: int = kafka.ask(OffsetCommitRequest(**request), version).topics[0].partitions[0].error_code
    return code


def committed(
    kafka: Kafka, group: str, topic: str, *, partition: int = 0, require_stable: bool = False, version: int = 9
) -> OffsetFetchResponsePartitions:
    """Return what is committed for one partition."""
    wanted = OffsetFetchRequestTopics(name=topic, topic_id=kafka.topic_id(topic), partition_indexes=[partition])
    asked = OffsetFetchRequestGroup(group_id=group, member_id=None, member_epoch=-1, topics=[wanted])
    answer = kafka.ask(OffsetFetchRequest(groups=[asked], require_stable=require_stable), version)
    (found,) = answer.groups
    assert not found.error_code, found
    partitions: list[OffsetFetchResponsePartitions] = found.topics[0].partitions
    return partitions[0]


def _all(kafka: Kafka, group: str) -> dict[tuple[str, int], int]:
    asked = OffsetFetchRequestGroup(group_id=group, member_id=None, member_epoch=-1, topics=None)
    (found,) = kafka.ask(OffsetFetchRequest(groups=[asked]), 9).groups
    return {
        (topic.name, one.partition_index): one.committed_offset for topic in found.topics for one in topic.partitions
    }


def _delete(kafka: Kafka, group: str, topic: str, *partitions: int) -> OffsetDeleteResponse:
    named = [OffsetDeleteRequestPartition(partition_index=one) for one in partitions or (0,)]
    request = OffsetDeleteRequest(group_id=group, topics=[OffsetDeleteRequestTopic(name=topic, partitions=named)])
    found: OffsetDeleteResponse = kafka.ask(request, 0)
    return found


# Outside of a group's membership


@case
def a_committed_offset_comes_back(kafka: Kafka) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    assert commit(kafka, group, topic, 5) == ErrorCode.NONE
    assert committed(kafka, group, topic).committed_offset == 5


@case
def metadata_comes_back(kafka: Kafka) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    commit(kafka, group, topic, 5, metadata="host-1 ü")
    assert committed(kafka, group, topic).metadata == "host-1 ü"


@case
def null_metadata_comes_back_empty(kafka: Kafka) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    commit(kafka, group, topic, 5, metadata=None)
    assert committed(kafka, group, topic).metadata == ""


@case
def the_leader_epoch_comes_back(kafka: Kafka) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    commit(kafka, group, topic, 5, leader_epoch=3)
    assert committed(kafka, group, topic).committed_leader_epoch == 3


@case
def a_later_commit_replaces_an_earlier_one_even_by_a_smaller_offset(kafka: Kafka) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    commit(kafka, group, topic, 9)
    commit(kafka, group, topic, 2)
    assert committed(kafka, group, topic).committed_offset == 2


@case
def groups_do_not_share_offsets(kafka: Kafka) -> None:
    topic, one, other = kafka.topic(), kafka.fresh(), kafka.fresh()
    commit(kafka, one, topic, 5)
    assert committed(kafka, other, topic).committed_offset == -1


@case
def an_unknown_group_has_offset_minus_1_and_no_error(kafka: Kafka) -> None:
    found = committed(kafka, kafka.fresh("no"), kafka.topic())
    assert (found.error_code, found.committed_offset, found.metadata) == (ErrorCode.NONE, -1, "")


@case
def an_unknown_topic_has_offset_minus_1_and_no_error(kafka: Kafka) -> None:
    group = kafka.fresh()
    commit(kafka, group, kafka.topic(), 1)
    found = committed(kafka, group, kafka.fresh("no"))
    assert (found.error_code, found.committed_offset) == (ErrorCode.NONE, -1)


@case
def a_partition_without_a_commit_has_offset_minus_1(kafka: Kafka) -> None:
    topic, group = kafka.topic(partitions=2), kafka.fresh()
    commit(kafka, group, topic, 5, partition=0)
    assert committed(kafka, group, topic, partition=1).committed_offset == -1


@case
def null_topics_fetch_all_commits(kafka: Kafka) -> None:
    first, second, group = kafka.topic(partitions=2), kafka.topic(), kafka.fresh()
    commit(kafka, group, first, 1, partition=0)
    commit(kafka, group, first, 2, partition=1)
    commit(kafka, group, second, 3)
    assert _all(kafka, group) == {(first, 0): 1, (first, 1): 2, (second, 0): 3}


@case
def several_groups_are_fetched_at_once(kafka: Kafka) -> None:
    topic, groups = kafka.topic(), [kafka.fresh() for _ in range(3)]
    for offset, group in enumerate(groups):
        commit(kafka, group, topic, offset)
    asked = [OffsetFetchRequestGroup(group_id=group, member_epoch=-1, topics=None) for group in groups]
    answer = kafka.ask(OffsetFetchRequest(groups=asked), 9)
    found = {group.group_id: group.topics[0].partitions[0].committed_offset for group in answer.groups}
    assert found == {group: offset for offset, group in enumerate(groups)}


@case
def a_commit_to_an_unknown_topic_is_refused(kafka: Kafka) -> None:
    code = commit(kafka, kafka.fresh(), kafka.fresh("no"), 5)
    assert code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def a_commit_to_an_unknown_partition_is_refused(kafka: Kafka) -> None:
    assert commit(kafka, kafka.fresh(), kafka.topic(), 5, partition=9) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def a_commit_may_lie_beyond_the_end_of_the_log(kafka: Kafka) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    assert commit(kafka, group, topic, 1_000_000) == ErrorCode.NONE
    assert committed(kafka, group, topic).committed_offset == 1_000_000


@case
def metadata_of_4096_bytes_is_taken_and_a_byte_more_is_not(kafka: Kafka) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    assert commit(kafka, group, topic, 1, metadata="x" * 4_096) == ErrorCode.NONE
    assert commit(kafka, group, topic, 2, metadata="x" * 4_097) == ErrorCode.OFFSET_METADATA_TOO_LARGE
    assert committed(kafka, group, topic).committed_offset == 1


@case
def a_commit_to_an_empty_group_id_is_taken(kafka: Kafka) -> None:
    assert commit(kafka, "", kafka.topic(), 1) == ErrorCode.NONE


@case
def a_commit_with_a_generation_to_an_unknown_group_is_group_id_not_found(kafka: Kafka) -> None:
    named: dict[str, Any] = {"generation_id_or_member_epoch": 3, "member_id": "m"}
    assert commit(kafka, kafka.fresh(), kafka.topic(), 1, version=9, **named) == ErrorCode.GROUP_ID_NOT_FOUND
    assert commit(kafka, kafka.fresh(), kafka.topic(), 1, version=8, **named) == ErrorCode.ILLEGAL_GENERATION


@case
def version_10_names_topics_by_id(kafka: Kafka) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    assert commit(kafka, group, topic, 5, version=10) == ErrorCode.NONE
    assert committed(kafka, group, topic, version=10).committed_offset == 5


@case
def version_10_refuses_an_unknown_id(kafka: Kafka) -> None:
    assert commit(kafka, kafka.fresh(), kafka.fresh("no"), 5, version=10) == ErrorCode.UNKNOWN_TOPIC_ID
    assert committed(kafka, kafka.fresh(), kafka.fresh("no"), version=10).error_code == ErrorCode.UNKNOWN_TOPIC_ID


@case
def offsets_of_a_deleted_topic_are_gone(kafka: Kafka) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    commit(kafka, group, topic, 5)
    delete(kafka, topic)
    assert kafka.until(lambda: _all(kafka, group), lambda found: not found) == {}


@each({str(version): version for version in range(2, 11)})
def an_offset_is_committed_in_version(kafka: Kafka, version: int) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    assert commit(kafka, group, topic, 5, version=version) == ErrorCode.NONE
    assert committed(kafka, group, topic).committed_offset == 5


@each({str(version): version for version in range(1, 8)})
def an_offset_is_fetched_in_version(kafka: Kafka, version: int) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    commit(kafka, group, topic, 5)
    asked = OffsetFetchRequest(group_id=group, topics=[OffsetFetchRequestTopic(name=topic, partition_indexes=[0])])
    assert kafka.ask(asked, version).topics[0].partitions[0].committed_offset == 5


# From inside of a group


@case
def a_member_commits_with_its_generation(kafka: Kafka) -> None:
    topic, member = kafka.topic(), ClassicMember(kafka, kafka.fresh()).stable()
    named: dict[str, Any] = {"member_id": member.member_id, "generation_id_or_member_epoch": member.generation}
    assert commit(kafka, member.group, topic, 5, **named) == ErrorCode.NONE


@each({"older": -1, "newer": 1})
def a_commit_with_a_generation_is_illegal_when(kafka: Kafka, change: int) -> None:
    topic, member = kafka.topic(), ClassicMember(kafka, kafka.fresh()).stable()
    named: dict[str, Any] = {"member_id": member.member_id, "generation_id_or_member_epoch": member.generation + change}
    assert commit(kafka, member.group, topic, 5, **named) == ErrorCode.ILLEGAL_GENERATION


@case
def a_commit_of_a_stranger_is_an_unknown_member(kafka: Kafka) -> None:
    topic, member = kafka.topic(), ClassicMember(kafka, kafka.fresh()).stable()
    named: dict[str, Any] = {"member_id": "stranger", "generation_id_or_member_epoch": member.generation}
    assert commit(kafka, member.group, topic, 5, **named) == ErrorCode.UNKNOWN_MEMBER_ID


@case
def a_commit_from_outside_of_a_group_with_members_is_an_unknown_member(kafka: Kafka) -> None:
    topic, member = kafka.topic(), ClassicMember(kafka, kafka.fresh()).stable()
    assert commit(kafka, member.group, topic, 5) == ErrorCode.UNKNOWN_MEMBER_ID


@case
def a_commit_from_outside_of_an_empty_group_is_taken(kafka: Kafka) -> None:
    topic, member = kafka.topic(), ClassicMember(kafka, kafka.fresh()).stable()
    member.leave()
    assert commit(kafka, member.group, topic, 5) == ErrorCode.NONE


@case
def a_commit_between_join_and_sync_is_a_rebalance_in_progress(kafka: Kafka) -> None:
    topic, member = kafka.topic(), ClassicMember(kafka, kafka.fresh())
    member.join()
    named: dict[str, Any] = {"member_id": member.member_id, "generation_id_or_member_epoch": member.generation}
    assert commit(kafka, member.group, topic, 5, **named) == ErrorCode.REBALANCE_IN_PROGRESS


@case
def a_commit_while_others_are_awaited_is_still_taken(kafka: Kafka) -> None:
    topic, first = kafka.topic(), ClassicMember(kafka, kafka.fresh()).stable()
    second = ClassicMember(kafka, first.group)
    second.get_id()
    second.send_join()
    kafka.until(first.heartbeat, lambda code: code == ErrorCode.REBALANCE_IN_PROGRESS)
    named: dict[str, Any] = {"member_id": first.member_id, "generation_id_or_member_epoch": first.generation}
    assert commit(kafka, first.group, topic, 5, **named) == ErrorCode.NONE


@case
def a_static_members_commit_under_a_foreign_id_is_fenced(kafka: Kafka) -> None:
    topic, member = kafka.topic(), ClassicMember(kafka, kafka.fresh(), instance="i").stable()
    named: dict[str, Any] = {
        "member_id": "other",
        "generation_id_or_member_epoch": member.generation,
        "group_instance_id": "i",
    }
    assert commit(kafka, member.group, topic, 5, **named) == ErrorCode.FENCED_INSTANCE_ID


@case
def a_consumer_member_commits_with_its_epoch(kafka: Kafka) -> None:
    topic = kafka.topic()
    member = ConsumerMember(kafka, kafka.fresh(), topic)
    member.join()
    named: dict[str, Any] = {"member_id": member.member_id, "generation_id_or_member_epoch": member.epoch}
    assert commit(kafka, member.group, topic, 5, **named) == ErrorCode.NONE


@case
def a_consumer_members_commit_with_a_newer_epoch_is_a_stale_member_epoch(kafka: Kafka) -> None:
    topic = kafka.topic()
    member = ConsumerMember(kafka, kafka.fresh(), topic)
    member.join()
    named: dict[str, Any] = {"member_id": member.member_id, "generation_id_or_member_epoch": member.epoch + 1}
    assert commit(kafka, member.group, topic, 5, **named) == ErrorCode.STALE_MEMBER_EPOCH


@case
def a_stranger_of_a_consumer_group_is_an_unknown_member(kafka: Kafka) -> None:
    topic = kafka.topic()
    member = ConsumerMember(kafka, kafka.fresh(), topic)
    member.join()
    named: dict[str, Any] = {"member_id": "stranger", "generation_id_or_member_epoch": member.epoch}
    assert commit(kafka, member.group, topic, 5, **named) == ErrorCode.UNKNOWN_MEMBER_ID


# OffsetDelete


@case
def a_deleted_offset_is_gone(kafka: Kafka) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    commit(kafka, group, topic, 5)
    assert _delete(kafka, group, topic).topics[0].partitions[0].error_code == ErrorCode.NONE
    assert committed(kafka, group, topic).committed_offset == -1


@case
def deleting_what_is_not_committed_is_no_error(kafka: Kafka) -> None:
    topic, group = kafka.topic(partitions=2), kafka.fresh()
    commit(kafka, group, topic, 5, partition=0)
    assert _delete(kafka, group, topic, 1).topics[0].partitions[0].error_code == ErrorCode.NONE


@case
def deleting_from_an_unknown_group_is_group_id_not_found(kafka: Kafka) -> None:
    assert _delete(kafka, kafka.fresh("no"), kafka.topic()).error_code == ErrorCode.GROUP_ID_NOT_FOUND


@case
def deleting_an_unknown_topic_is_unknown_topic_or_partition(kafka: Kafka) -> None:
    group = kafka.fresh()
    commit(kafka, group, kafka.topic(), 5)
    found = _delete(kafka, group, kafka.fresh("no"))
    assert found.topics[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def an_offset_of_a_topic_that_the_group_subscribes_to_is_not_deleted(kafka: Kafka) -> None:
    topic = kafka.topic()
    member = ClassicMember(kafka, kafka.fresh(), protocols={"range": subscription(topic)}).stable()
    found = _delete(kafka, member.group, topic)
    assert found.topics[0].partitions[0].error_code == ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC


@case
def an_offset_of_another_topic_is_deleted_from_a_live_group(kafka: Kafka) -> None:
    topic, other = kafka.topic(), kafka.topic()
    member = ClassicMember(kafka, kafka.fresh(), protocols={"range": subscription(topic)}).stable()
    named: dict[str, Any] = {"member_id": member.member_id, "generation_id_or_member_epoch": member.generation}
    commit(kafka, member.group, other, 5, **named)
    assert _delete(kafka, member.group, other).topics[0].partitions[0].error_code == ErrorCode.NONE


@case
def offsets_of_a_live_group_that_is_no_consumer_group_are_not_deleted(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh(), protocol_type="connect", protocols={"range": b"opaque"}).stable()
    assert _delete(kafka, member.group, kafka.topic()).error_code == ErrorCode.NON_EMPTY_GROUP
