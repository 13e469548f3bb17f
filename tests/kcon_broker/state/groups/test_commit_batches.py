"""Is a batch of commits that is read in one go the same as its records read one by one? A start depends on it."""

from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.batch.header import HEADER_BYTES, read_header
from kcon_broker.batch.records import Record, encode_batch, iter_records
from kcon_broker.batch.walk import BadRecordsError, OverlongNumberError
from kcon_broker.state.groups.commit_batches import decode_commits
from kcon_broker.state.groups.record_fields import UnreadableRecordError
from kcon_broker.state.groups.records import (
    NO_TIMESTAMP,
    NO_TOPIC_ID,
    CommittedOffset,
    CoordinatorRecord,
    GroupMetadata,
    OffsetRecord,
    decode_record,
    encode_group,
    encode_offset,
)
from tests.kcon_broker.state.groups.conftest import TOPIC_ID, WALL_MS, Bench

_NAMES = st.sampled_from(["g", "group-1", "ü", "long." * 40, "x" * 8_000])
_NUMBERS = st.integers(-(2**31), 2**31 - 1)
_PLAIN = st.builds(
    CommittedOffset,
    offset=st.integers(-(2**63), 2**63 - 1),
    leader_epoch=_NUMBERS,
    metadata=st.just(""),
    expire_timestamp_ms=st.just(NO_TIMESTAMP),
    commit_timestamp_ms=st.integers(-(2**63), 2**63 - 1),
    topic_id=st.sampled_from([NO_TOPIC_ID, TOPIC_ID]),
)
_PLAIN_RECORDS = st.builds(encode_offset, _NAMES, st.sampled_from(["t", "flights"]), _NUMBERS, _PLAIN)
_OTHER_RECORDS = st.sampled_from(
    [
        encode_offset("g", "t", 0, None),
        encode_offset("g", "t", 1, CommittedOffset(offset=1, metadata="m")),
        encode_offset("g", "t", 2, CommittedOffset(offset=1, expire_timestamp_ms=7)),
        encode_group("g", None),
        encode_group("other", GroupMetadata(protocol_type="consumer")),
        (b"\x00\x09other kinds", b"\x00\x00"),
        (b"\x00\x01\x00\x01g\x00\x05cut", b"\x00\x04" + b"\x00" * 12 + b"\x01" + b"\x00" * 9),
    ]
)


def batch_of(records: list[CoordinatorRecord], *, later_ms: int = 0) -> bytearray:
    """Return a batch as the journal writes it; `later_ms` makes the last record later than the first."""
    last = len(records) - 1
    return encode_batch(
        [Record(0, WALL_MS + later_ms * (index == last), key, value) for index, (key, value) in enumerate(records)]
    )


def payload_of(batch: bytes | bytearray) -> bytes:
    return bytes(batch[HEADER_BYTES:])


def read_one_by_one(batch: bytes) -> dict[tuple[str, str], dict[int, CommittedOffset]] | None:
    """Return what the records say, by the way that decides; None where one of them is no commit."""
    commits: dict[tuple[str, str], dict[int, CommittedOffset]] = {}
    try:
        for record in iter_records(batch):
            said = decode_record(record.key, record.value)
            if not isinstance(said, OffsetRecord) or said.value is None:
                return None
            commits.setdefault((said.group_id, said.topic), {})[said.partition] = said.value
    except (BadRecordsError, OverlongNumberError, UnreadableRecordError):
        return None
    return commits


@given(records=st.lists(_PLAIN_RECORDS, min_size=1, max_size=5))
def test_plain_commits_are_read_in_one_go(records: list[CoordinatorRecord]) -> None:
    batch = batch_of(records)
    commits = decode_commits(payload_of(batch), len(records))
    assert commits is not None
    assert commits == read_one_by_one(bytes(batch))


def test_more_records_than_one_byte_can_number() -> None:
    records = [encode_offset("g", "t", number, CommittedOffset(offset=number)) for number in range(9_000)]
    for count, is_read in ((64, True), (65, True), (8_192, True), (8_193, False)):
        commits = decode_commits(payload_of(batch_of(records[:count])), count)
        assert (commits is not None) == is_read
        assert commits is None or commits["g", "t"][count - 1] == CommittedOffset(offset=count - 1)


@given(records=st.lists(_PLAIN_RECORDS, max_size=3), other=_OTHER_RECORDS, at=st.integers(0, 3))
def test_batch_with_anything_else_is_left_to_the_careful_way(
    records: list[CoordinatorRecord], other: CoordinatorRecord, at: int
) -> None:
    mixed = [*records[:at], other, *records[at:]]
    assert decode_commits(payload_of(batch_of(mixed)), len(mixed)) is None


def test_records_of_different_times_are_left_to_the_careful_way() -> None:
    records = [encode_offset("g", "t", number, CommittedOffset(offset=1)) for number in range(2)]
    assert decode_commits(payload_of(batch_of(records, later_ms=1)), 2) is None


@given(
    records=st.lists(_PLAIN_RECORDS, min_size=1, max_size=2),
    at=st.floats(0, 1, exclude_max=True),
    bits=st.integers(1, 255),
)
def test_damaged_batch_is_never_read_as_something_else(records: list[CoordinatorRecord], at: float, bits: int) -> None:
    batch = batch_of(records)
    batch[HEADER_BYTES + int(at * (len(batch) - HEADER_BYTES))] ^= bits
    commits = decode_commits(payload_of(batch), read_header(batch).record_count)
    assert commits is None or commits == read_one_by_one(bytes(batch))


@given(records=st.lists(_PLAIN_RECORDS, min_size=1, max_size=2), change=st.integers(-3, 3).filter(bool))
def test_batch_with_bytes_missing_or_too_many_is_left_to_the_careful_way(
    records: list[CoordinatorRecord], change: int
) -> None:
    payload = payload_of(batch_of(records))
    changed = payload[:change] if change < 0 else payload + b"\0" * change
    assert decode_commits(changed, len(records)) is None
    assert decode_commits(payload, len(records) + change) is None


@given(batches=st.lists(st.lists(_PLAIN_RECORDS | _OTHER_RECORDS, min_size=1, max_size=3), max_size=6))
def test_groups_and_offsets_are_those_of_a_replay_one_by_one(batches: list[list[CoordinatorRecord]]) -> None:
    quick, careful = Bench().coordinator, Bench().coordinator
    for records in batches:
        if not quick.replay_commits(payload_of(batch_of(records)), len(records)):
            for record in records:
                quick.replay(*record)
        for record in records:
            careful.replay(*record)
    assert quick.groups == careful.groups
    assert sorted(quick.offsets.group_ids()) == sorted(careful.offsets.group_ids())
    for group_id in quick.offsets.group_ids():
        assert quick.offsets.of_group(group_id) == careful.offsets.of_group(group_id)


def test_commits_beside_an_open_transaction_are_replayed_one_by_one() -> None:
    coordinator = Bench().coordinator
    pending, later = (encode_offset("g", "t", 0, CommittedOffset(offset=offset)) for offset in (5, 6))
    coordinator.replay(*pending, producer_id=1)
    assert not coordinator.replay_commits(payload_of(batch_of([later])), 1)
    coordinator.replay(*later)
    coordinator.end_transaction(coordinator._journal.partition_of("g"), 1, is_commit=True)
    assert coordinator.offsets.get("g", "t", 0) == CommittedOffset(offset=6, commit_timestamp_ms=NO_TIMESTAMP)
