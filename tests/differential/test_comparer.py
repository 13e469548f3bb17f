"""Does the comparison see differences, and let only permitted ones pass?"""

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorResponse
from kcon_broker.wire.messages.list_groups import ListedGroup, ListGroupsResponse
from kcon_broker.wire.messages.metadata import MetadataResponse, MetadataResponseTopic
from kcon_broker.wire.schema import ApiMessage
from tests.differential.comparer import Comparison, compare, has_top_level_error, see
from tests.differential.permitted import PERMITTED
from tests.differential.session import AWAITED, Observation, Side, Step


def _compared(
    key: ApiKey, version: int, ours: ApiMessage, apache: ApiMessage, situations: frozenset[str] = frozenset()
) -> Comparison:
    step = Step(label="", api_key=key, version=version, build=AWAITED, situations=situations)
    return compare(
        step,
        see(step, Side("kcon", ""), Observation("answer", ours)),
        see(step, Side("apache", ""), Observation("answer", apache)),
    )


def _fields(comparison: Comparison) -> list[str]:
    return [difference.field for difference in comparison.differences]


def test_a_difference_is_named_by_its_field() -> None:
    found = _compared(
        ApiKey.METADATA, 8, MetadataResponse(controller_id=1), MetadataResponse(controller_id=2, cluster_id=None)
    )
    assert _fields(found) == ["Metadata.controller_id"]


def test_a_field_of_another_version_is_not_looked_at() -> None:
    found = _compared(ApiKey.METADATA, 8, MetadataResponse(error_code=1), MetadataResponse(error_code=2))
    assert not found.differences


def test_a_permitted_field_may_differ_but_not_be_missing() -> None:
    set_here, set_there, unset = (MetadataResponse(cluster_id=value) for value in ("a", "b", None))
    assert not _compared(ApiKey.METADATA, 8, set_here, set_there).differences
    assert _fields(_compared(ApiKey.METADATA, 8, set_here, unset)) == ["Metadata.cluster_id"]


def test_an_unset_port_is_not_any_port() -> None:
    found = _compared(ApiKey.FIND_COORDINATOR, 2, FindCoordinatorResponse(port=9092), FindCoordinatorResponse(port=-1))
    assert _fields(found) == ["FindCoordinator.port"]


def test_ids_are_compared_by_what_they_stand_for() -> None:
    def answer(**ids: bytes) -> MetadataResponse:
        return MetadataResponse(
            topics=[MetadataResponseTopic(name=name, topic_id=topic_id) for name, topic_id in ids.items()]
        )

    one, other, third = (bytes([value]) * 16 for value in (1, 2, 3))
    assert not _compared(ApiKey.METADATA, 12, answer(a=one, b=other), answer(a=other, b=third)).differences
    assert _fields(_compared(ApiKey.METADATA, 12, answer(a=one, b=one), answer(a=one, b=other))) == [
        "Metadata.topics.topic_id"
    ]


def test_order_matters_only_where_it_is_not_permitted_to_differ() -> None:
    groups = [ListedGroup(group_id=name) for name in "ab"]
    found = _compared(ApiKey.LIST_GROUPS, 4, ListGroupsResponse(groups=groups), ListGroupsResponse(groups=groups[::-1]))
    assert not found.differences
    assert {one.field for one in found.used} == {"ListGroups.groups"}


def _fetched(value: bytes, *, epoch: int = 0) -> FetchResponse:
    batch = bytes(encode_batch([Record(0, 5, b"k", value, ())], leader_epoch=epoch))
    data = PartitionData(partition_index=0, records=memoryview(batch + batch[:30]))
    return FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[data])])


def test_records_are_opened() -> None:
    assert not _compared(ApiKey.FETCH, 11, _fetched(b"v"), _fetched(b"v")).differences
    assert _fields(_compared(ApiKey.FETCH, 11, _fetched(b"v"), _fetched(b"w"))) == [
        "Fetch.responses.partitions.records.records.value"
    ]
    assert _fields(_compared(ApiKey.FETCH, 11, _fetched(b"v"), _fetched(b"v", epoch=1))) == [
        "Fetch.responses.partitions.records.partition_leader_epoch"
    ]


def test_a_closed_connection_is_a_reaction() -> None:
    step = Step(label="", api_key=ApiKey.METADATA, version=8, build=AWAITED)
    closed = see(step, Side("kcon", ""), Observation("closed"))
    answered = see(step, Side("apache", ""), Observation("answer", MetadataResponse()))
    assert not compare(step, closed, closed).differences
    assert _fields(compare(step, closed, answered)) == ["Metadata"]
    assert has_top_level_error(closed)
    assert not has_top_level_error(answered)


def test_permissions_name_single_fields() -> None:
    assert all("*" not in one.field and one.why for one in PERMITTED)
    assert len({(one.field, one.how, one.situation) for one in PERMITTED}) == len(PERMITTED)
