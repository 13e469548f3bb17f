"""Are our records byte for byte those of Apache Kafka, and are all older versions read?

The hexadecimal strings were written by Apache Kafka 4.3.0's own GroupCoordinatorRecordSerde.
"""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.state.groups.record_fields import UnreadableRecordError
from kcon_broker.state.groups.records import (
    CommittedOffset,
    GroupMetadata,
    GroupRecord,
    MemberMetadata,
    OffsetRecord,
    decode_carefully,
    decode_quickly,
    decode_record,
    encode_group,
    encode_offset,
)

OFFSET_KEY = bytes.fromhex("0001000567726f75700005746f70696300000007")
OFFSET_VALUES = {
    0: "00000000011f71fb04cb00056dc3a974610000018bcfe56800",
    1: "00010000011f71fb04cb00056dc3a974610000018bcfe568000000018bcfe57b88",
    2: "00020000011f71fb04cb00056dc3a974610000018bcfe56800",
    3: "00030000011f71fb04cb0000000500056dc3a974610000018bcfe56800",
    4: "00040000011f71fb04cb00000005066dc3a974610000018bcfe568000100100102030405060708090a0b0c0d0e0f10",
}
GROUP_KEY = bytes.fromhex("0002000567726f7570")
GROUP_VALUES = {
    0: "00000008636f6e73756d657200000003000572616e676500036d2d310000000100036d2d31000163"
    "000a2f3132372e302e302e31000027100000000201020000000103",
    1: "00010008636f6e73756d657200000003000572616e676500036d2d310000000100036d2d31000163"
    "000a2f3132372e302e302e3100007530000027100000000201020000000103",
    2: "00020008636f6e73756d657200000003000572616e676500036d2d310000018bcfe5680000000001"
    "00036d2d31000163000a2f3132372e302e302e3100007530000027100000000201020000000103",
    3: "00030008636f6e73756d657200000003000572616e676500036d2d310000018bcfe5680000000001"
    "00036d2d310003692d31000163000a2f3132372e302e302e3100007530000027100000000201020000000103",
    4: "000409636f6e73756d6572000000030672616e6765046d2d310000018bcfe5680002046d2d31"
    "04692d3102630b2f3132372e302e302e31000075300000271003010202030000",
}
EMPTY_GROUP_VALUE = "0003000000000000ffffffff0000018bcfe5680000000000"

OFFSET = CommittedOffset(
    offset=1234567890123,
    leader_epoch=5,
    metadata="méta",
    commit_timestamp_ms=1_700_000_000_000,
    topic_id=bytes(range(1, 17)),
)
GROUP = GroupMetadata(
    protocol_type="consumer",
    generation=3,
    protocol="range",
    leader="m-1",
    state_timestamp_ms=1_700_000_000_000,
    members=(
        MemberMetadata(
            member_id="m-1",
            instance_id="i-1",
            client_id="c",
            client_host="/127.0.0.1",
            rebalance_timeout_ms=30_000,
            session_timeout_ms=10_000,
            subscription=b"\x01\x02",
            assignment=b"\x03",
        ),
    ),
)


def test_offset_is_written_as_version_4_of_apache_kafka() -> None:
    assert encode_offset("group", "topic", 7, OFFSET) == (OFFSET_KEY, bytes.fromhex(OFFSET_VALUES[4]))


def test_offset_with_its_own_expiry_is_written_as_version_1() -> None:
    value = OFFSET._replace(expire_timestamp_ms=1_700_000_005_000)
    assert encode_offset("group", "topic", 7, value) == (OFFSET_KEY, bytes.fromhex(OFFSET_VALUES[1]))


def test_group_is_written_as_version_3_of_apache_kafka() -> None:
    assert encode_group("group", GROUP) == (GROUP_KEY, bytes.fromhex(GROUP_VALUES[3]))


def test_group_without_members_is_written_as_apache_kafka_does() -> None:
    value = GroupMetadata(state_timestamp_ms=1_700_000_000_000)
    assert encode_group("group", value) == (GROUP_KEY, bytes.fromhex(EMPTY_GROUP_VALUE))


def test_tombstones_have_the_key_and_no_value() -> None:
    assert encode_offset("group", "topic", 7, None) == (OFFSET_KEY, None)
    assert encode_group("group", None) == (GROUP_KEY, None)


@pytest.mark.parametrize("key_version", [0, 1])
@pytest.mark.parametrize("version", OFFSET_VALUES)
def test_every_version_of_an_offset_is_read(version: int, key_version: int) -> None:
    """A log written by any release since 0.8.2 must load."""
    key = key_version.to_bytes(2, "big") + OFFSET_KEY[2:]
    expected = OFFSET._replace(
        leader_epoch=5 if version >= 3 else -1,
        expire_timestamp_ms=1_700_000_005_000 if version == 1 else -1,
        topic_id=OFFSET.topic_id if version == 4 else bytes(16),
    )
    assert decode_record(key, bytes.fromhex(OFFSET_VALUES[version])) == OffsetRecord(
        group_id="group", topic="topic", partition=7, value=expected
    )


@pytest.mark.parametrize("version", GROUP_VALUES)
def test_every_version_of_a_group_is_read(version: int) -> None:
    member = replace(
        GROUP.members[0],
        instance_id="i-1" if version >= 3 else None,
        # Version 0 had one timeout for both.
        rebalance_timeout_ms=30_000 if version >= 1 else 10_000,
    )
    expected = replace(GROUP, state_timestamp_ms=GROUP.state_timestamp_ms if version >= 2 else -1, members=(member,))
    assert decode_record(GROUP_KEY, bytes.fromhex(GROUP_VALUES[version])) == GroupRecord(
        group_id="group", value=expected
    )


def test_tombstones_are_read() -> None:
    assert decode_record(OFFSET_KEY, None) == OffsetRecord(group_id="group", topic="topic", partition=7, value=None)
    assert decode_record(GROUP_KEY, None) == GroupRecord(group_id="group", value=None)


def test_keys_of_other_kinds_of_groups_are_passed_over() -> None:
    """Version 3 is a consumer group of KIP-848, which a log from Apache Kafka may hold."""
    assert decode_record(bytes.fromhex("0003000567726f7570"), b"\0\0\0\0\0\x01") is None


def test_unknown_value_version_is_unreadable() -> None:
    with pytest.raises(UnreadableRecordError, match="version 5"):
        decode_record(GROUP_KEY, bytes.fromhex("0005") + b"\0" * 40)


def test_missing_key_is_unreadable() -> None:
    with pytest.raises(UnreadableRecordError):
        decode_record(None, b"")


@pytest.mark.parametrize("values", [OFFSET_VALUES, GROUP_VALUES], ids=["offset", "group"])
@pytest.mark.parametrize("version", range(5))
def test_a_value_cut_anywhere_is_unreadable(values: dict[int, str], version: int) -> None:
    """A torn record must not become a half-read one, nor end the start-up with another error."""
    key = OFFSET_KEY if values is OFFSET_VALUES else GROUP_KEY
    value = bytes.fromhex(values[version])
    for length in range(len(value)):
        with pytest.raises(UnreadableRecordError):
            decode_record(key, value[:length])


@given(st.binary(max_size=60), st.one_of(st.none(), st.binary(max_size=120)))
def test_any_bytes_are_read_or_unreadable(key: bytes, value: bytes | None) -> None:
    with suppress(UnreadableRecordError):
        record = decode_record(key, value)
        assert record is None or isinstance(record.group_id, str)


@given(
    st.integers(0, 2**63 - 1),
    st.integers(-1, 2**31 - 1),
    st.text(max_size=200),
    st.sampled_from([-1, 1_700_000_005_000]),
    st.sampled_from([bytes(16), bytes(range(16))]),
)
def test_offsets_survive_the_round_trip(
    offset: int, leader_epoch: int, metadata: str, expire_timestamp_ms: int, topic_id: bytes
) -> None:
    value = CommittedOffset(
        offset=offset,
        leader_epoch=leader_epoch,
        metadata=metadata,
        commit_timestamp_ms=5,
        expire_timestamp_ms=expire_timestamp_ms,
        topic_id=topic_id,
    )
    key, encoded = encode_offset("g", "t", 0, value)
    record = decode_record(key, encoded)
    if expire_timestamp_ms != -1:
        # Version 1 has room for neither.
        value = value._replace(leader_epoch=-1, topic_id=bytes(16))
    assert isinstance(record, OffsetRecord)
    assert record.value == value


@given(
    st.integers(0, 2**63 - 1),
    st.text(max_size=3),
    st.sampled_from([bytes(16), bytes(range(16))]),
    st.integers(0, 60),
    st.integers(0, 255),
)
def test_the_quick_way_reads_what_the_careful_way_reads(
    offset: int, metadata: str, topic_id: bytes, at: int, byte: int
) -> None:
    """Whatever one byte is changed to: what the quick way does not take as it is goes the careful way."""
    value = CommittedOffset(offset=offset, metadata=metadata, commit_timestamp_ms=5, topic_id=topic_id)
    key, encoded = encode_offset("group", "topic", 3, value)
    assert encoded is not None
    assert decode_quickly(key, encoded) == decode_carefully(key, encoded)
    for changed_key, changed_value in ((_with(key, at, byte), encoded), (key, _with(encoded, at, byte))):
        quick = decode_quickly(changed_key, changed_value)
        assert quick is None or quick == decode_carefully(changed_key, changed_value)


def test_long_metadata_goes_the_careful_way() -> None:
    for size in (126, 127):
        key, encoded = encode_offset("g", "t", 0, CommittedOffset(offset=1, metadata="m" * size))
        assert encoded is not None
        assert (decode_quickly(key, encoded) is not None) == (size < 127)
        assert decode_record(key, encoded) == decode_carefully(key, encoded)


def _with(data: bytes, at: int, byte: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes((byte,)) + data[at + 1 :]
