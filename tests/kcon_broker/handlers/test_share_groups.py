"""APIs of features that are at level 0: each answers as Apache Kafka 4.3.0 was seen to answer with them at 0."""

from typing import Any

import pytest

from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsResponse,
)
from kcon_broker.wire.messages.read_share_group_state import (
    PartitionData,
    ReadShareGroupStateRequest,
    ReadShareGroupStateResponse,
    ReadStateData,
)
from kcon_broker.wire.messages.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from kcon_broker.wire.messages.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse
from kcon_broker.wire.messages.share_fetch import ShareFetchRequest, ShareFetchResponse
from kcon_broker.wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse
from kcon_broker.wire.messages.streams_group_describe import StreamsGroupDescribeRequest, StreamsGroupDescribeResponse
from kcon_broker.wire.messages.streams_group_heartbeat import (
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
)
from tests.kcon_broker.raw_client import RawClient

TOPIC_ID = b"\1" * 16
UNSUPPORTED_VERSION, NOT_COORDINATOR, ILLEGAL_SASL_STATE = 35, 16, 34


@pytest.fixture(scope="module")
def bootstrap() -> Any:
    with InProcessBroker() as broker:
        yield broker.bootstrap


@pytest.mark.parametrize(
    ("request_", "response", "version"),
    [
        (ShareGroupHeartbeatRequest(group_id="g", member_id="m"), ShareGroupHeartbeatResponse, 1),
        (ShareFetchRequest(group_id="g", member_id="m"), ShareFetchResponse, 1),
        (ShareFetchRequest(group_id=None, member_id=None), ShareFetchResponse, 2),
        (StreamsGroupHeartbeatRequest(group_id="g", member_id="m"), StreamsGroupHeartbeatResponse, 0),
    ],
)
def test_members_are_refused(bootstrap: str, request_: Any, response: Any, version: int) -> None:
    with RawClient(bootstrap) as client:
        assert client.ask(request_, response, version).error_code == UNSUPPORTED_VERSION


def test_each_group_that_is_described_is_refused(bootstrap: str) -> None:
    with RawClient(bootstrap) as client:
        told = client.ask(StreamsGroupDescribeRequest(group_ids=["g", ""]), StreamsGroupDescribeResponse, 0)
        assert [(group.group_id, group.error_code) for group in told.groups] == [("g", 35), ("", 35)]
        groups = [DescribeShareGroupOffsetsRequestGroup(group_id="g", topics=None)]
        offsets = client.ask(DescribeShareGroupOffsetsRequest(groups=groups), DescribeShareGroupOffsetsResponse, 1)
        assert [(group.group_id, group.error_code) for group in offsets.groups] == [("g", UNSUPPORTED_VERSION)]


@pytest.mark.parametrize(("group_id", "codes"), [("g", [NOT_COORDINATOR]), ("", [])])
def test_no_share_group_is_coordinated_here(bootstrap: str, group_id: str, codes: list[int]) -> None:
    topics = [ReadStateData(topic_id=TOPIC_ID, partitions=[PartitionData(partition=0)])]
    with RawClient(bootstrap) as client:
        request = ReadShareGroupStateRequest(group_id=group_id, topics=topics)
        told = client.ask(request, ReadShareGroupStateResponse, 0)
    found = [(each.error_code, each.error_message) for result in told.results for each in result.partitions]
    message = "Unable to read share group state: This is not the correct coordinator."
    assert found == [(code, message) for code in codes]


def test_a_handshake_without_sasl_leaves_the_connection_open(bootstrap: str) -> None:
    with RawClient(bootstrap) as client:
        assert client.ask(SaslHandshakeRequest(mechanism="PLAIN"), SaslHandshakeResponse, 1).error_code == 34
        told = client.ask(SaslAuthenticateRequest(auth_bytes=b"x"), SaslAuthenticateResponse, 2)
        assert told.error_code == ILLEGAL_SASL_STATE
        assert client.ask(SaslHandshakeRequest(mechanism="PLAIN"), SaslHandshakeResponse, 0).mechanisms == []


def test_every_api_of_the_release_is_advertised_and_the_features_are_not(bootstrap: str) -> None:
    """75 keys make a client take the broker for 4.3; two features less keep it from using these groups."""
    with RawClient(bootstrap) as client:
        request = ApiVersionsRequest(client_software_name="kcon", client_software_version="1")
        told = client.ask(request, ApiVersionsResponse, 4)
    assert len(told.api_keys) == 75
    assert not {feature.name for feature in told.finalized_features} & {"share.version", "streams.version"}
