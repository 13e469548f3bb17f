"""Does OffsetCommit speak every version, and refuse partition by partition?"""

from typing import Any

import pytest

from kcon_broker.handlers.offset_commit import handle_offset_commit
from kcon_broker.handlers.registry import Answer
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)

VERSIONS = range(2, 11)
FLIGHTS_ID = b"flights-topic-id"


def _topic(version: int, name: str, topic_id: bytes, *partitions: int, metadata: str = "m") -> OffsetCommitRequestTopic:
    return OffsetCommitRequestTopic(
        name=name if version < 10 else "",
        topic_id=topic_id,
        partitions=[
            OffsetCommitRequestPartition(
                partition_index=index,
                committed_offset=100 + index,
                committed_leader_epoch=4,
                committed_metadata=metadata,
            )
            for index in partitions
        ],
    )


def _errors(answer: Any) -> list[tuple[str, bytes, dict[int, int]]]:
    return [
        (topic.name, topic.topic_id, {part.partition_index: part.error_code for part in topic.partitions})
        for topic in answer.topics
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_commits(caller: Any, version: int) -> None:
    request = OffsetCommitRequest(group_id="g", topics=[_topic(version, "flights", FLIGHTS_ID, 0, 2)])
    result = caller.result(handle_offset_commit, request, version)
    assert isinstance(result, Answer)
    assert result.after == (caller.broker.coordinator_position("g"),)
    name, topic_id = ("flights", bytes(16)) if version < 10 else ("", FLIGHTS_ID)
    assert _errors(caller.read(result.response, version)) == [(name, topic_id, {0: 0, 2: 0})]
    refusal = ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert _errors(caller.refused(result, version)) == [(name, topic_id, {0: refusal, 2: refusal})]
    value = caller.broker.groups.offsets.get("g", "flights", 2)
    assert (value.offset, value.metadata, value.topic_id) == (102, "m", FLIGHTS_ID)
    assert value.leader_epoch == (4 if version >= 6 else -1)
    assert value.commit_timestamp_ms == caller.wall_ms


@pytest.mark.parametrize("version", VERSIONS)
def test_partitions_that_are_not_there_are_refused_one_by_one(caller: Any, version: int) -> None:
    request = OffsetCommitRequest(
        group_id="g",
        topics=[
            _topic(version, "nowhere", b"nowhere-topic-id", 0),
            _topic(version, "flights", FLIGHTS_ID, 0, 3, -1),
        ],
    )
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    answer = caller.answer(handle_offset_commit, request, version)
    assert [errors for _, _, errors in _errors(answer)] == [
        {0: unknown if version < 10 else ErrorCode.UNKNOWN_TOPIC_ID},
        {3: unknown, -1: unknown, 0: 0},
    ]


def test_a_request_with_nothing_known_in_it_does_not_make_a_group(caller: Any) -> None:
    request = OffsetCommitRequest(
        group_id="g", topics=[_topic(9, "nowhere", bytes(16), 0), _topic(9, "flights", bytes(16))]
    )
    answer = caller.answer(handle_offset_commit, request, 9)
    assert _errors(answer) == [("nowhere", bytes(16), {0: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION})]
    assert caller.broker.groups.groups == {}


def test_too_much_metadata_is_refused(caller: Any) -> None:
    topics = [_topic(9, "flights", FLIGHTS_ID, 0, metadata="x" * 4_097)]
    answer = caller.answer(handle_offset_commit, OffsetCommitRequest(group_id="g", topics=topics), 9)
    assert _errors(answer)[0][2] == {0: ErrorCode.OFFSET_METADATA_TOO_LARGE}


@pytest.mark.parametrize(("version", "expected_ms"), [(2, 1_700_000_005_000), (4, 1_700_000_005_000), (5, -1)])
def test_old_versions_may_bring_a_retention(caller: Any, version: int, expected_ms: int) -> None:
    request = OffsetCommitRequest(
        group_id="g",
        retention_time_ms=5_000 if version < 5 else -1,
        topics=[_topic(version, "flights", FLIGHTS_ID, 0)],
    )
    caller.answer(handle_offset_commit, request, version)
    assert caller.broker.groups.offsets.get("g", "flights", 0).expire_timestamp_ms == expected_ms
