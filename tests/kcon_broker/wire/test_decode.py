"""Hostile bytes: whatever arrives, decoding ends in a value or a WireError and allocates little."""

import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from kcon_broker.wire import decode
from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.delete_groups import DeleteGroupsRequest
from kcon_broker.wire.messages.fetch import FetchRequest, FetchResponse, ReplicaState
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from kcon_broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from kcon_broker.wire.schema import Message, WireError

_MUTATIONS = 40
_REJECTED_BYTES_MAX = 1 << 20

CASES = [(key, version) for key, s in API_TABLE.items() for version in range(s.min_version, s.max_version + 1)]


def decode_or_refuse(cls: type[Message], data: bytes, version: int) -> None:
    """Decode; any exception but WireError goes on to the test."""
    try:
        decoded, end = cls.decode(data, 0, version)
    except WireError:
        return
    assert isinstance(decoded, cls)
    assert 0 <= end <= len(data)


@pytest.mark.parametrize(("key", "version"), CASES)
def test_damaged_messages_raise_wire_error_only(maker: Callable[[int], Any], key: int, version: int) -> None:
    """Cut, flip, insert and overwrite bytes of valid requests and responses."""
    pick = random.Random(key * 100 + version)
    for cls in (API_TABLE[key].request_class, API_TABLE[key].response_class):
        valid = maker(key + version).message(cls, version).encode(version)
        for _ in range(_MUTATIONS):
            data = bytearray(valid)
            for _ in range(pick.choice([1, 1, 2, 5])):
                place = pick.randrange(len(data) + 1)
                match pick.randrange(5):
                    case 0:
                        del data[place:]
                    case 1:
                        data[place : place + 1] = bytes((pick.randrange(256),))
                    case 2:
                        data[place : place + 4] = pick.choice([b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\0\0\0"])
                    case 3:
                        data[place:place] = b"\xff\xff\xff\xff\x07"
                    case _:
                        data[place:place] = pick.randbytes(3)
            decode_or_refuse(cls, bytes(data), version)


@pytest.mark.parametrize(("key", "version"), CASES)
def test_every_cut_raises_wire_error(maker: Callable[[int], Any], key: int, version: int) -> None:
    """A body that ends early can never be read as a shorter one."""
    cls = API_TABLE[key].request_class
    valid = maker(7).message(cls, version).encode(version)
    for size in {*range(min(len(valid), 60)), len(valid) - 1} - {len(valid), -1}:
        with pytest.raises(WireError):
            cls.decode(valid[:size], 0, version)


LENGTHS: dict[str, tuple[type[Message], int, bytes]] = {
    "array count above what is left": (MetadataRequest, 1, b"\x7f\xff\xff\xff"),
    "array count that would need 2 bytes an item": (MetadataRequest, 1, b"\0\0\0\x10" + b"\0" * 31),
    "compact count above what is left": (MetadataRequest, 9, b"\xff\xff\xff\xff\x07" + b"\0" * 64),
    "null array where none may be": (MetadataRequest, 0, b"\xff\xff\xff\xff"),
    "null name": (MetadataRequest, 1, b"\0\0\0\1\xff\xff"),
    "string length above what is left": (MetadataRequest, 1, b"\0\0\0\1\x7f\xff"),
    "compact string above 32767 bytes": (MetadataRequest, 9, b"\2" + b"\x82\x80\x02" + b"a" * 40_000),
    "varint of six bytes": (MetadataRequest, 9, b"\x80\x80\x80\x80\x80\x01"),
    "varint above int32": (MetadataRequest, 9, b"\xff\xff\xff\xff\x0f"),
    "not UTF-8": (MetadataRequest, 1, b"\0\0\0\1\0\2\xff\xfe"),
    "lone surrogate": (MetadataRequest, 1, b"\0\0\0\1\0\3\xed\xa0\x80"),
    "many tags claimed": (MetadataRequest, 9, b"\1\0\0\0" + b"\xff\xff\xff\xff\x07"),
    "tag longer than the message": (MetadataRequest, 9, b"\1\0\0\0" + b"\1\x05\x7f"),
    "records longer than the message": (
        ProduceRequest,
        3,
        b"\xff\xff\xff\xff\0\0\0\0\0\0\0\1\0\1t\0\0\0\1\0\0\0\0\x7f\xff\xff\xff",
    ),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_lying_lengths_are_refused_before_allocation(name: str) -> None:
    """The claim of a length must not make the broker reserve memory."""
    cls, version, data = LENGTHS[name]
    cls.decoder(version)
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            cls.decode(data, 0, version)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < _REJECTED_BYTES_MAX


def test_item_limit_holds_at_the_limit_and_one_above(monkeypatch: pytest.MonkeyPatch) -> None:
    """Items are counted over the whole message: nesting must not multiply the limit."""
    monkeypatch.setattr(decode, "ITEMS_MAX", 4)
    read = decode.compile_decoder(DeleteGroupsRequest, 0)
    within = DeleteGroupsRequest(groups_names=list("abcd")).encode(0)
    assert read(memoryview(within), 0)[0].groups_names == list("abcd")
    beyond = DeleteGroupsRequest(groups_names=list("abcde")).encode(0)
    with pytest.raises(WireError, match="beyond 4 items"):
        read(memoryview(beyond), 0)
    nested = decode.compile_decoder(ProduceRequest, 3)
    topics = [TopicProduceData(name="t", partition_data=[PartitionProduceData()] * 2)] * 2
    with pytest.raises(WireError, match="beyond 4 items"):
        nested(memoryview(ProduceRequest(topic_data=topics).encode(3)), 0)


def test_records_are_views_into_the_frame() -> None:
    """Produced bytes go from the socket to the file without a copy."""
    request = ProduceRequest(
        topic_data=[TopicProduceData(name="t", partition_data=[PartitionProduceData(records=b"abc")])]
    )
    frame = bytearray(request.encode(9))
    decoded, _ = ProduceRequest.decode(memoryview(frame), 0, 9)
    records = decoded.topic_data[0].partition_data[0].records
    assert isinstance(records, memoryview)
    assert records.obj is frame
    records[0:1] = b"X"
    assert b"Xbc" in frame


def test_bytes_after_the_body_are_left_alone() -> None:
    """Kafka ignores them, so the offset after the message tells where they start."""
    body = MetadataRequest(topics=[MetadataRequestTopic(name="t")]).encode(1)
    assert MetadataRequest.decode(body + b"more", 0, 1)[1] == len(body)


def test_unknown_tags_are_skipped_and_known_ones_must_fit() -> None:
    """Newer clients may send tags that this version does not know (KIP-482)."""
    plain = ApiVersionsRequest(client_software_name="a", client_software_version="b").encode(3)
    assert plain.endswith(b"\0")
    tagged = plain[:-1] + b"\2\x0a\3xyz\x0b\0"
    assert ApiVersionsRequest.decode(tagged, 0, 3) == (ApiVersionsRequest.decode(plain, 0, 3)[0], len(tagged))
    response = ApiVersionsResponse(finalized_features_epoch=7).encode(3)
    wrong = response.replace(b"\1\1\x08" + (7).to_bytes(8, "big"), b"\1\1\x09" + (7).to_bytes(8, "big") + b"\0")
    assert wrong != response
    with pytest.raises(WireError, match="wrong size"):
        ApiVersionsResponse.decode(wrong, 0, 3)


def test_absent_fields_hold_their_defaults() -> None:
    """A handler is written once for all versions and reads fields that old ones lack."""
    decoded, _ = FetchRequest.decode(FetchRequest(max_wait_ms=5, session_id=9, rack_id="r").encode(4), 0, 4)
    assert (decoded.max_wait_ms, decoded.session_id, decoded.session_epoch, decoded.rack_id) == (5, 0, -1, "")
    assert decoded.forgotten_topics_data == []
    assert decoded.replica_state is None


def test_a_tagged_struct_equal_to_its_default_is_not_sent() -> None:
    """As Kafka does; it reads back as None, which stands for "not sent"."""
    sent = FetchRequest(replica_state=ReplicaState())
    assert sent.encode(15) == FetchRequest().encode(15)
    filled = FetchRequest(replica_state=ReplicaState(replica_id=1))
    assert FetchRequest.decode(filled.encode(15), 0, 15)[0] == filled
    assert FetchResponse.decode(FetchResponse().encode(16), 0, 16)[0].node_endpoints == []
