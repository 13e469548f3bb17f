"""Are the records of groups of the new protocol byte for byte those of Apache Kafka?

The hexadecimal strings were written by Apache Kafka 4.3.0's own GroupCoordinatorRecordSerde.
"""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.state.groups.consumer_records import (
    ClassicMembership,
    ConsumerRecord,
    CurrentMemberRecord,
    GroupEpochRecord,
    MemberProgress,
    MemberRecord,
    MemberState,
    MemberSubscription,
    PartitionMetadataRecord,
    RegexRecord,
    ResolvedRegex,
    TargetEpochRecord,
    TargetMemberRecord,
    decode_consumer_record,
    encode_consumer_record,
)
from kcon_broker.state.groups.record_fields import UnreadableRecordError

T1, T2 = bytes(range(1, 17)), bytes(range(17, 33))
GROUP = "0003000567726f7570"
MEMBER_KEY = "000567726f757000036d2d31"
MEMBER = MemberSubscription(
    instance_id="i-1",
    rack_id="r",
    client_id="c",
    client_host="/127.0.0.1",
    topic_names=frozenset({"a", "b"}),
    topic_regex="x.*",
    rebalance_timeout_ms=30_000,
    server_assignor="range",
)
CLASSIC_MEMBER = MemberSubscription(
    client_id="c",
    client_host="/127.0.0.1",
    topic_names=frozenset({"a"}),
    rebalance_timeout_ms=30_000,
    classic=ClassicMembership(session_timeout_ms=10_000, protocols=(("range", b"\0\0sub"),)),
)
NAMED = {"group_id": "group", "member_id": "m-1"}
PROGRESS = MemberProgress(
    epoch=7,
    previous_epoch=6,
    state=MemberState.UNREVOKED_PARTITIONS,
    assigned={T1: {0: 5, 3: 7}},
    revoking={T2: {200: 4}},
)
OLD_PROGRESS = "0000000000070000000601020102030405060708090a0b0c0d0e0f10030000000000000003000100"
WITH_CLASSIC_PROTOCOL = "0000010102630b2f3132372e302e302e3102026100ffffffff010100110100002710020672616e67650301020000"
RECORDS: dict[str, tuple[ConsumerRecord, str, str]] = {
    "epoch": (
        GroupEpochRecord(group_id="group", epoch=7, metadata_hash=-1234567890123),
        GROUP,
        "000000000007010008fffffee08e04fb35",
    ),
    "epoch without topics": (GroupEpochRecord(group_id="group", epoch=7), GROUP, "00000000000700"),
    "member": (
        MemberRecord(**NAMED, value=MEMBER),
        "0005" + MEMBER_KEY,
        "000004692d31027202630b2f3132372e302e302e31030261026204782e2a000075300672616e676501000100",
    ),
    "member that told little": (
        MemberRecord(**NAMED, value=MemberSubscription(client_id="c", client_host="/127.0.0.1", topic_regex=None)),
        "0005" + MEMBER_KEY,
        "0000000002630b2f3132372e302e302e310100ffffffff0001000100",
    ),
    "member of the classic protocol": (
        MemberRecord(**NAMED, value=CLASSIC_MEMBER),
        "0005" + MEMBER_KEY,
        "0000000002630b2f3132372e302e302e310202610100007530000100140100002710020672616e67650600007375620000",
    ),
    "target epoch": (
        TargetEpochRecord(group_id="group", epoch=7, computed_at_ms=1_700_000_000_000),
        "0006" + GROUP[4:],
        "000000000007010008" + "0000018bcfe56800",
    ),
    "target": (
        TargetMemberRecord(**NAMED, value={T1: frozenset({0, 3}), T2: frozenset({200})}),
        "0007" + MEMBER_KEY,
        "0000030102030405060708090a0b0c0d0e0f10030000000000000003001112131415161718191a1b1c1d1e1f2002000000c80000",
    ),
    "current": (
        CurrentMemberRecord(**NAMED, value=PROGRESS),
        "0008" + MEMBER_KEY,
        (
            "0000000000070000000601020102030405060708090a0b0c0d0e0f1003000000000000000301000903"
            "0000000500000007021112131415161718191a1b1c1d1e1f2002000000c8010005020000000400"
        ),
    ),
    "expression": (
        RegexRecord(
            group_id="group",
            regex="x.*",
            value=ResolvedRegex(topics=frozenset({"xa", "xb"}), version=11, timestamp_ms=1_700_000_000_000),
        ),
        "0010000567726f75700003782e2a",
        "000003037861037862000000000000000b0000018bcfe5680000",
    ),
}
TOMBSTONES: list[tuple[ConsumerRecord, str]] = [
    (GroupEpochRecord(group_id="group", epoch=None), GROUP),
    (PartitionMetadataRecord(group_id="group", is_present=False), "0004" + GROUP[4:]),
    (MemberRecord(**NAMED, value=None), "0005" + MEMBER_KEY),
    (TargetEpochRecord(group_id="group", epoch=None), "0006" + GROUP[4:]),
    (TargetMemberRecord(**NAMED, value=None), "0007" + MEMBER_KEY),
    (CurrentMemberRecord(**NAMED, value=None), "0008" + MEMBER_KEY),
    (RegexRecord(group_id="group", regex="x.*", value=None), "0010000567726f75700003782e2a"),
]


@pytest.mark.parametrize(("record", "key", "value"), RECORDS.values(), ids=RECORDS)
def test_records_are_written_as_apache_kafka_writes_them(record: ConsumerRecord, key: str, value: str) -> None:
    assert encode_consumer_record(record) == (bytes.fromhex(key), bytes.fromhex(value))


@pytest.mark.parametrize(("record", "key", "value"), RECORDS.values(), ids=RECORDS)
def test_records_of_apache_kafka_are_read(record: ConsumerRecord, key: str, value: str) -> None:
    assert decode_consumer_record(bytes.fromhex(key), bytes.fromhex(value)) == record


@pytest.mark.parametrize(("record", "key"), TOMBSTONES)
def test_tombstones_have_the_key_and_no_value(record: ConsumerRecord, key: str) -> None:
    assert encode_consumer_record(record) == (bytes.fromhex(key), None)
    assert decode_consumer_record(bytes.fromhex(key), None) == record


def test_partitions_without_epochs_were_assigned_at_the_members_epoch() -> None:
    """Brokers before 4.3 did not tell."""
    record = decode_consumer_record(bytes.fromhex("0008" + MEMBER_KEY), bytes.fromhex(OLD_PROGRESS))
    assert isinstance(record, CurrentMemberRecord)
    assert record.value == replace(PROGRESS, assigned={T1: {0: 7, 3: 7}}, revoking={})


def test_a_state_of_a_later_broker_is_unknown() -> None:
    value = bytes.fromhex(OLD_PROGRESS.replace("0000000000070000000601", "0000000000070000000609"))
    record = decode_consumer_record(bytes.fromhex("0008" + MEMBER_KEY), value)
    assert isinstance(record, CurrentMemberRecord)
    assert record.value is not None
    assert record.value.state is MemberState.UNKNOWN


def test_a_member_of_the_older_protocol_is_read() -> None:
    """A group that Apache Kafka was moving over has such members."""
    record = decode_consumer_record(bytes.fromhex("0005" + MEMBER_KEY), bytes.fromhex(WITH_CLASSIC_PROTOCOL))
    assert isinstance(record, MemberRecord)
    assert record.value is not None
    assert record.value.topic_names == {"a"}
    assert record.value.classic == ClassicMembership(session_timeout_ms=10_000, protocols=(("range", b"\1\2"),))


def test_partition_metadata_of_older_brokers_is_noted() -> None:
    value = bytes.fromhex("0000020102030405060708090a0b0c0d0e0f10026100000003010000")
    record = decode_consumer_record(bytes.fromhex("0004" + GROUP[4:]), value)
    assert record == PartitionMetadataRecord(group_id="group", is_present=True)


@pytest.mark.parametrize("version", [0, 1, 2, 9, 15, 17])
def test_keys_of_other_kinds_are_passed_over(version: int) -> None:
    assert decode_consumer_record(version.to_bytes(2, "big") + bytes.fromhex(GROUP[4:]), b"\0\0") is None


def test_unknown_value_version_is_unreadable() -> None:
    with pytest.raises(UnreadableRecordError, match="version 1"):
        decode_consumer_record(bytes.fromhex(GROUP), b"\0\1" + b"\0" * 40)


def test_missing_key_is_unreadable() -> None:
    with pytest.raises(UnreadableRecordError):
        decode_consumer_record(None, b"")


def test_epochs_that_do_not_fit_their_partitions_are_unreadable() -> None:
    key, value = RECORDS["current"][1:]
    with pytest.raises(UnreadableRecordError):
        decode_consumer_record(bytes.fromhex(key), bytes.fromhex(value.replace("00090300000005", "00050200000005", 1)))


@pytest.mark.parametrize(("key", "value"), [known[1:] for known in RECORDS.values()], ids=RECORDS)
def test_a_value_cut_anywhere_is_unreadable(key: str, value: str) -> None:
    """A torn record must not become a half-read one, nor end the start-up with another error."""
    for length in range(len(value) // 2 - 1):
        with pytest.raises(UnreadableRecordError):
            decode_consumer_record(bytes.fromhex(key), bytes.fromhex(value)[:length])


@given(st.sampled_from([0, 3, 4, 5, 6, 7, 8, 16]), st.binary(max_size=60), st.none() | st.binary(max_size=120))
def test_any_bytes_are_read_or_unreadable(version: int, key: bytes, value: bytes | None) -> None:
    with suppress(UnreadableRecordError):
        record = decode_consumer_record(version.to_bytes(2, "big") + key, value)
        assert record is None or isinstance(record.group_id, str)


_PARTITIONS = st.dictionaries(
    st.binary(min_size=16, max_size=16),
    st.dictionaries(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), min_size=1, max_size=5),
    max_size=3,
)


@given(st.integers(-2, 2**31 - 1), st.sampled_from(list(MemberState)[:3]), _PARTITIONS, _PARTITIONS)
def test_progress_survives_the_round_trip(
    epoch: int, state: MemberState, assigned: dict[bytes, dict[int, int]], revoking: dict[bytes, dict[int, int]]
) -> None:
    value = MemberProgress(epoch=epoch, previous_epoch=1, state=state, assigned=assigned, revoking=revoking)
    record = CurrentMemberRecord(**NAMED, value=value)
    assert decode_consumer_record(*encode_consumer_record(record)) == record
