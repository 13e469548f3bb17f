"""`__transaction_state` is read by Apache's tools and by a later Apache broker: its bytes are a contract."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.state.groups.record_fields import UnreadableRecordError
from kcon_broker.state.transactions.records import (
    TransactionState,
    TransactionValue,
    decode_transaction,
    encode_transaction,
)

_INT64 = st.integers(-1, (1 << 63) - 1)
_VALUES = st.builds(
    TransactionValue,
    producer_id=_INT64,
    producer_epoch=st.integers(-1, (1 << 15) - 1),
    timeout_ms=st.integers(0, (1 << 31) - 1),
    state=st.sampled_from([state for state in TransactionState if state is not TransactionState.EMPTY]),
    partitions=st.frozensets(st.tuples(st.text(min_size=1, max_size=20), st.integers(0, 99)), max_size=8),
    last_update_ms=_INT64,
    start_ms=_INT64,
    previous_producer_id=_INT64,
    next_producer_id=_INT64,
    next_producer_epoch=st.integers(-1, (1 << 15) - 1),
    client_version=st.integers(0, 2),
)


@given(_VALUES)
def test_what_is_written_is_read(value: TransactionValue) -> None:
    assert decode_transaction(*encode_transaction("id", value)) == ("id", value)


def test_bytes_of_version_1() -> None:
    value = TransactionValue(
        producer_id=5,
        producer_epoch=2,
        timeout_ms=60_000,
        state=TransactionState.ONGOING,
        partitions=frozenset({("t", 1)}),
        last_update_ms=7,
        start_ms=6,
        client_version=2,
    )
    key, encoded = encode_transaction("id", value)
    assert key.hex() == "0000" + "0002" + b"id".hex()
    assert encoded is not None
    assert encoded.hex() == (
        "0001" + "0000000000000005" + "0002" + "0000ea60" + "01" + "02" + "0274" + "02" + "00000001" + "00"
        "0000000000000007" + "0000000000000006" + "01" + "02" + "02" + "0002"
    )  # fmt: skip


def test_version_0_is_read() -> None:
    key = bytes.fromhex("0000" + "0002" + b"id".hex())
    value = bytes.fromhex(
        "0000" + "0000000000000005" + "0002" + "0000ea60" + "00" + "ffffffff" + "0000000000000007" + "ffffffffffffffff"
    )
    assert decode_transaction(key, value) == (
        "id",
        TransactionValue(producer_id=5, producer_epoch=2, timeout_ms=60_000, last_update_ms=7),
    )


def test_tombstone() -> None:
    key, value = encode_transaction("id", None)
    assert value is None
    assert decode_transaction(key, None) == ("id", None)


@pytest.mark.parametrize("value", [b"", b"\0\2", b"\0\1", bytes(15), b"\0\1" + bytes(14) + b"\x09"])
def test_unreadable_values(value: bytes) -> None:
    key, _ = encode_transaction("id", None)
    with pytest.raises(UnreadableRecordError):
        decode_transaction(key, value)


def test_unknown_key_version() -> None:
    with pytest.raises(UnreadableRecordError):
        decode_transaction(b"\0\1\0\1x", None)
    with pytest.raises(UnreadableRecordError):
        decode_transaction(None, None)


def test_names_of_states() -> None:
    assert TransactionState.PREPARE_EPOCH_FENCE.told_name == "PrepareEpochFence"
    assert TransactionState.EMPTY.told_name == "Empty"
