"""Does OffsetFetch speak every version, with "unknown" as -1 and never as 0?"""

from typing import Any

import pytest

from kcon_broker.handlers.offset_commit import handle_offset_commit
from kcon_broker.handlers.offset_fetch import handle_offset_fetch
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kcon_broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)

VERSIONS = range(1, 11)
FLIGHTS_ID = b"flights-topic-id"


def _commit(caller: Any, group: str, offset: int, topic_id: bytes = FLIGHTS_ID) -> None:
    partition = OffsetCommitRequestPartition(
        partition_index=1, committed_offset=offset, committed_leader_epoch=4, committed_metadata="m"
    )
    topic = OffsetCommitRequestTopic(topic_id=topic_id, partitions=[partition])
    caller.answer(handle_offset_commit, OffsetCommitRequest(group_id=group, topics=[topic]), 10)


def _request(version: int, *groups: str, all_topics: bool = False, topic_id: bytes = FLIGHTS_ID) -> OffsetFetchRequest:
    if version < 8:
        topics = [OffsetFetchRequestTopic(name="flights", partition_indexes=[0, 1])]
        return OffsetFetchRequest(group_id=groups[0], topics=None if all_topics else topics)
    wanted = OffsetFetchRequestTopics(
        name="flights" if version < 10 else "",
        topic_id=topic_id if version >= 10 else bytes(16),
        partition_indexes=[0, 1],
    )
    return OffsetFetchRequest(
        groups=[OffsetFetchRequestGroup(group_id=group, topics=None if all_topics else [wanted]) for group in groups]
    )


def _offsets(version: int, answer: Any) -> list[dict[int, tuple[int, int, str, int]]]:
    """Return offset, leader epoch, metadata and error by partition, for each group."""
    groups = [answer] if version < 8 else answer.groups
    return [
        {
            part.partition_index: (
                part.committed_offset,
                part.committed_leader_epoch,
                part.metadata,
                part.error_code,
            )
            for topic in group.topics
            for part in topic.partitions
        }
        for group in groups
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_tells_what_was_committed(caller: Any, version: int) -> None:
    _commit(caller, "g", 42)
    result = caller.result(handle_offset_fetch, _request(version, "g"), version)
    assert result.after == (caller.broker.coordinator_position("g"),)
    epoch = 4 if version >= 5 else -1
    assert _offsets(version, caller.read(result.response, version)) == [{0: (-1, -1, "", 0), 1: (42, epoch, "m", 0)}]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_group_that_is_not_there_has_no_offsets_and_no_error(caller: Any, version: int) -> None:
    answer = caller.answer(handle_offset_fetch, _request(version, "none"), version)
    assert _offsets(version, answer) == [{0: (-1, -1, "", 0), 1: (-1, -1, "", 0)}]


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_all_partitions_can_be_asked_for(caller: Any, version: int) -> None:
    _commit(caller, "g", 42)
    answer = caller.answer(handle_offset_fetch, _request(version, "g", all_topics=True), version)
    assert [list(offsets) for offsets in _offsets(version, answer)] == [[1]]
    answer = caller.answer(handle_offset_fetch, _request(version, "none", all_topics=True), version)
    assert _offsets(version, answer) == [{}]


@pytest.mark.parametrize("version", VERSIONS[7:])
def test_several_groups_in_one_request(caller: Any, version: int) -> None:
    _commit(caller, "a", 1)
    _commit(caller, "b", 2)
    result = caller.result(handle_offset_fetch, _request(version, "a", "b"), version)
    answer = caller.read(result.response, version)
    assert [group.group_id for group in answer.groups] == ["a", "b"]
    assert [offsets[1][0] for offsets in _offsets(version, answer)] == [1, 2]
    assert set(result.after) == {caller.broker.coordinator_position(group) for group in "ab"}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_answer_that_never_became_durable_is_an_error(caller: Any, version: int) -> None:
    _commit(caller, "g", 42)
    answer = caller.refused(caller.result(handle_offset_fetch, _request(version, "g"), version), version)
    refusal = ErrorCode.COORDINATOR_NOT_AVAILABLE
    if version == 1:
        assert _offsets(version, answer) == [{0: (-1, -1, "", refusal), 1: (-1, -1, "", refusal)}]
    else:
        assert (answer if version < 8 else answer.groups[0]).error_code == refusal


def test_an_unknown_topic_id_is_an_error_at_its_partitions(caller: Any) -> None:
    answer = caller.answer(handle_offset_fetch, _request(10, "g", topic_id=b"nowhere-topic-id"), 10)
    unknown = (-1, -1, "", ErrorCode.UNKNOWN_TOPIC_ID)
    assert _offsets(10, answer) == [{0: unknown, 1: unknown}]


def test_the_offset_of_an_earlier_topic_of_the_same_name_is_not_told_by_id(caller: Any) -> None:
    """After a topic was deleted and created anew its old offsets point nowhere."""
    _commit(caller, "g", 42)
    topics = caller.broker.topics
    topic = topics.by_name["flights"]
    topics.by_id[b"flights-reborn-!"] = topic
    answer = caller.answer(handle_offset_fetch, _request(10, "g", topic_id=b"flights-reborn-!"), 10)
    assert _offsets(10, answer)[0][1][0] == -1
    assert _offsets(9, caller.answer(handle_offset_fetch, _request(9, "g"), 9))[0][1][0] == 42


@pytest.mark.parametrize(("version", "expected"), [(9, [{1: 42}]), (10, [{}])])
def test_offsets_of_a_topic_that_is_gone(caller: Any, version: int, expected: list[dict[int, int]]) -> None:
    """Without an id version 10 cannot name it."""
    _commit(caller, "g", 42)
    del caller.broker.topics.by_name["flights"]
    answer = caller.answer(handle_offset_fetch, _request(version, "g", all_topics=True), version)
    assert [{index: value[0] for index, value in offsets.items()} for offsets in _offsets(version, answer)] == expected
