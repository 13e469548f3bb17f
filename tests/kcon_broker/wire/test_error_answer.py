"""A request refused as a whole: the code is where clients of that API look for it, and the items are those named."""

import pytest

from kcon_broker.handlers.registry import HANDLERS, load_handlers
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.error_answer import error_answer
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    EntityData,
    EntryData,
)
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from kcon_broker.wire.messages.metadata import MetadataRequest
from kcon_broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
)
from kcon_broker.wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData
from kcon_broker.wire.schema import Struct

CODE = ErrorCode.NOT_LEADER_OR_FOLLOWER
_SAMPLES = {"string": "x", "int32": 7, "uuid": bytes(range(16)), "int8": 2, "int16": 1, "int64": 9}

WITHOUT_A_PLACE = {(ApiKey.DESCRIBE_LOG_DIRS, 1), (ApiKey.DESCRIBE_LOG_DIRS, 2)}
"""The code is in each folder, and a request names none."""

load_handlers()


def one_of_each(struct: Struct) -> Struct:
    """Put one item into every array, at every depth."""
    for field in struct.FIELDS:
        if field.array:
            item = one_of_each(field.kind()) if isinstance(field.kind, type) else _SAMPLES[field.kind]
            setattr(struct, field.name, [item])
    return struct


@pytest.mark.parametrize("api_key", [key for key in API_TABLE if key in HANDLERS])
def test_every_api_has_a_place_for_an_error_in_every_version(api_key: int) -> None:
    spec = API_TABLE[api_key]
    for version in range(spec.min_version, spec.max_version + 1):
        request = spec.request_class()
        one_of_each(request)
        answer = error_answer(request, version, CODE)
        if (api_key, version) in WITHOUT_A_PLACE:
            assert answer is None
            continue
        assert answer is not None
        decoded, _ = spec.response_class.decode(answer.encode(version), 0, version)
        assert f"error_code={int(CODE)}" in repr(decoded)


@pytest.mark.parametrize("version", [3, 12])
def test_produce_fails_every_partition_it_names(version: int) -> None:
    partitions = [PartitionProduceData(index=index, records=b"x") for index in (0, 3)]
    request = ProduceRequest(topic_data=[TopicProduceData(name="t", partition_data=partitions)])
    answer = error_answer(request, version, CODE)
    assert isinstance(answer, ProduceResponse)
    told = [
        (topic.name, partition.index, partition.error_code, partition.base_offset)
        for topic in answer.responses
        for partition in topic.partition_responses
    ]
    assert told == [("t", 0, CODE, -1), ("t", 3, CODE, -1)]


def fetch_answer(code: ErrorCode, *topics: FetchTopic) -> tuple[int, list[int]]:
    answer = error_answer(FetchRequest(topics=list(topics)), 11, code)
    assert isinstance(answer, FetchResponse)
    return answer.error_code, [part.error_code for topic in answer.responses for part in topic.partitions]


def test_fetch_says_at_the_top_only_what_is_about_the_session() -> None:
    topic = FetchTopic(topic="t", partitions=[FetchPartition(partition=0), FetchPartition(partition=1)])
    assert fetch_answer(CODE, topic) == (0, [CODE, CODE])
    assert fetch_answer(CODE) == (CODE, [])
    lost = ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert fetch_answer(lost, topic) == (lost, [])


def test_offset_fetch_fails_the_group_and_not_its_partitions() -> None:
    topics = [OffsetFetchRequestTopics(name="t", partition_indexes=[0])]
    request = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="g", topics=topics)])
    answer = error_answer(request, 8, ErrorCode.NOT_COORDINATOR)
    assert isinstance(answer, OffsetFetchResponse)
    assert [(group.group_id, group.error_code, group.topics) for group in answer.groups] == [("g", 16, [])]


def test_what_an_old_version_lists_elsewhere_is_not_taken_for_an_item() -> None:
    request = FindCoordinatorRequest(key="g", coordinator_keys=["a", "b"])
    old = error_answer(request, 3, CODE)
    new = error_answer(request, 4, CODE)
    assert isinstance(old, FindCoordinatorResponse)
    assert isinstance(new, FindCoordinatorResponse)
    assert (old.error_code, old.coordinators) == (CODE, [])
    assert (new.error_code, [(item.key, item.error_code) for item in new.coordinators]) == (0, [("a", 6), ("b", 6)])


def test_a_quota_is_named_by_its_whole_entity() -> None:
    entity = [EntityData(entity_type="user", entity_name=None)]
    request = AlterClientQuotasRequest(entries=[EntryData(entity=entity)])
    answer = error_answer(request, 1, CODE)
    assert "entity_type='user', entity_name=None" in repr(answer)


def test_an_answer_without_items_and_without_a_top_has_no_place() -> None:
    assert error_answer(MetadataRequest(topics=None), 12, CODE) is None
    assert error_answer(MetadataRequest(topics=None), 13, CODE) is not None
