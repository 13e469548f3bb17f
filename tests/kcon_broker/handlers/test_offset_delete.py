"""Does OffsetDelete refuse partition by partition?"""

from typing import Any

import pytest

from kcon_broker.handlers.offset_delete import handle_offset_delete
from kcon_broker.state.groups.offsets import CommitAsk, PartitionCommit
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)


def _request(group: str, **topics: list[int]) -> OffsetDeleteRequest:
    return OffsetDeleteRequest(
        group_id=group,
        topics=[
            OffsetDeleteRequestTopic(
                name=name, partitions=[OffsetDeleteRequestPartition(partition_index=index) for index in indexes]
            )
            for name, indexes in topics.items()
        ],
    )


@pytest.fixture
def committed(caller: Any) -> Any:
    commit = PartitionCommit(
        topic="flights", topic_id=b"flights-topic-id", partition=1, offset=42, leader_epoch=-1, metadata=None
    )
    ask = CommitAsk(
        group_id="g", generation=-1, member_id="", instance_id=None, retention_ms=-1, api_version=9, commits=(commit,)
    )
    assert caller.broker.groups.commit(ask, Moment(1, 1)) == (0,)
    return caller


def test_known_partitions_are_deleted_and_others_refused(committed: Any) -> None:
    request = _request("g", flights=[0, 1, 1, 3], nowhere=[0])
    result = committed.result(handle_offset_delete, request, 0)
    answer = committed.read(result.response, 0)
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert answer.error_code == 0
    assert {
        topic.name: {part.partition_index: part.error_code for part in topic.partitions} for topic in answer.topics
    } == {"flights": {0: 0, 1: 0, 3: unknown}, "nowhere": {0: unknown}}
    assert committed.broker.groups.offsets.get("g", "flights", 1) is None
    assert result.after == (committed.broker.coordinator_position("g"),)
    assert committed.refused(result, 0).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE


def test_an_unknown_group_is_an_error_of_the_request(committed: Any) -> None:
    answer = committed.answer(handle_offset_delete, _request("none", flights=[0]), 0)
    assert (answer.error_code, answer.topics) == (ErrorCode.GROUP_ID_NOT_FOUND, [])
