"""What do the records of `__transaction_state` look like, and what does each say?

Kafka's own formats, so that Apache's tools and a later Apache broker read our log:

    key    int16 version 0: TransactionLogKey: transactional id string
    value  int16 version 0 or 1: TransactionLogValue; no value is a tombstone
           producer id int64, producer epoch int16, timeout int32, state int8,
           partitions array of (topic string, partitions array of int32), null while there are none,
           last update int64, start int64
           version 1 is flexible; tags: 0 previous producer id int64, 1 next producer id int64,
           2 client transaction version int16, 3 next producer epoch int16

Version 1 is written, as Apache Kafka 4.3 does with `transaction.version` 2; both are read.

Source of the formats: TransactionLogKey.json and TransactionLogValue.json of Apache Kafka's transaction coordinator.
"""

from dataclasses import dataclass
from enum import IntEnum

from kcon_broker.state.groups import record_fields as fields
from kcon_broker.state.groups.record_fields import RecordReader, UnreadableRecordError

TransactionRecord = tuple[bytes, bytes | None]
"""Key and value of one record of `__transaction_state`; a value of None deletes."""

TopicPartition = tuple[str, int]

NO_PRODUCER_ID = -1
NO_EPOCH = -1
NO_TIMESTAMP = -1

_KEY_VERSION = 0
_VALUE_VERSION = 1
_PREVIOUS_ID_TAG, _NEXT_ID_TAG, _CLIENT_VERSION_TAG, _NEXT_EPOCH_TAG = range(4)


class TransactionState(IntEnum):
    """Where a transactional id stands, as the record says it."""

    EMPTY = 0
    ONGOING = 1
    PREPARE_COMMIT = 2
    PREPARE_ABORT = 3
    COMPLETE_COMMIT = 4
    COMPLETE_ABORT = 5
    DEAD = 6
    PREPARE_EPOCH_FENCE = 7

    @property
    def is_preparing(self) -> bool:
        """Say whether the outcome is decided and the markers are not all out."""
        return self in (TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT)

    @property
    def is_complete(self) -> bool:
        """Say whether the last transaction is over, markers and all."""
        return self in (TransactionState.COMPLETE_COMMIT, TransactionState.COMPLETE_ABORT)

    @property
    def told_name(self) -> str:
        """Return Kafka's name of the state, as DescribeTransactions tells it."""
        return "".join(word.capitalize() for word in self.name.split("_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionValue:
    """All that is durable of a transactional id.

    producer_epoch: -1 before the first producer was told its epoch.
    previous_producer_id: the id before an exhausted epoch brought a new one.
    next_producer_id: the id that the completion of this transaction brings.
    client_version: 2 where the producer's epoch rises with each transaction (KIP-890), 0 where it does not.
    """

    producer_id: int
    producer_epoch: int
    timeout_ms: int
    state: TransactionState = TransactionState.EMPTY
    partitions: frozenset[TopicPartition] = frozenset()
    last_update_ms: int = NO_TIMESTAMP
    start_ms: int = NO_TIMESTAMP
    previous_producer_id: int = NO_PRODUCER_ID
    next_producer_id: int = NO_PRODUCER_ID
    next_producer_epoch: int = NO_EPOCH
    client_version: int = 0


def encode_transaction(transactional_id: str, value: TransactionValue | None) -> TransactionRecord:
    """Encode the state of a transactional id, or its tombstone where the value is None."""
    key = fields.int16(_KEY_VERSION) + fields.string(transactional_id)
    if value is None:
        return key, None
    tags: dict[int, bytes] = {}
    if value.previous_producer_id != NO_PRODUCER_ID:
        tags[_PREVIOUS_ID_TAG] = fields.int64(value.previous_producer_id)
    if value.next_producer_id != NO_PRODUCER_ID:
        tags[_NEXT_ID_TAG] = fields.int64(value.next_producer_id)
    if value.client_version:
        tags[_CLIENT_VERSION_TAG] = fields.int16(value.client_version)
    if value.next_producer_epoch != NO_EPOCH:
        tags[_NEXT_EPOCH_TAG] = fields.int16(value.next_producer_epoch)
    return key, b"".join(
        (
            fields.int16(_VALUE_VERSION),
            fields.int64(value.producer_id),
            fields.int16(value.producer_epoch),
            fields.int32(value.timeout_ms),
            fields.int8(value.state),
            _encode_partitions(value),
            fields.int64(value.last_update_ms),
            fields.int64(value.start_ms),
            fields.tagged_fields(tags),
        )
    )


def decode_transaction(key: bytes | None, value: bytes | None) -> tuple[str, TransactionValue | None]:
    """Decode a record. Raises UnreadableRecordError for bytes that contradict their version."""
    if key is None:
        raise UnreadableRecordError("the record has no key")
    reader = RecordReader(key)
    if (version := reader.int16()) != _KEY_VERSION:
        raise UnreadableRecordError(f"key version {version} is not known")
    transactional_id = reader.required_string(compact=False)
    return transactional_id, None if value is None else _decode_value(value)


def by_topic(partitions: frozenset[TopicPartition]) -> dict[str, list[int]]:
    """Return the partitions of each topic, in order."""
    topics: dict[str, list[int]] = {}
    for topic, index in sorted(partitions):
        topics.setdefault(topic, []).append(index)
    return topics


def _encode_partitions(value: TransactionValue) -> bytes:
    if value.state is TransactionState.EMPTY:
        return fields.varint(0)
    topics = by_topic(value.partitions)
    return fields.varint(len(topics) + 1) + b"".join(
        fields.compact_string(topic) + fields.int32_array(indexes) + fields.tagged_fields({})
        for topic, indexes in topics.items()
    )


def _decode_value(value: bytes) -> TransactionValue:
    reader = RecordReader(value)
    version = reader.int16()
    if not 0 <= version <= _VALUE_VERSION:
        raise UnreadableRecordError(f"value version {version} is not known")
    is_flexible = version >= 1
    producer_id, producer_epoch, timeout_ms = reader.int64(), reader.int16(), reader.int32()
    try:
        state = TransactionState(reader.int8())
    except ValueError as error:
        raise UnreadableRecordError(str(error)) from error
    partitions = _decode_partitions(reader, is_flexible=is_flexible)
    last_update_ms, start_ms = reader.int64(), reader.int64()
    tags = reader.tagged_fields() if is_flexible else {}

    def tagged(tag: int, default: int) -> int:
        return int.from_bytes(tags[tag], "big", signed=True) if tag in tags else default

    return TransactionValue(
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        timeout_ms=timeout_ms,
        state=state,
        partitions=partitions,
        last_update_ms=last_update_ms,
        start_ms=start_ms,
        previous_producer_id=tagged(_PREVIOUS_ID_TAG, NO_PRODUCER_ID),
        next_producer_id=tagged(_NEXT_ID_TAG, NO_PRODUCER_ID),
        next_producer_epoch=tagged(_NEXT_EPOCH_TAG, NO_EPOCH),
        client_version=tagged(_CLIENT_VERSION_TAG, 0),
    )


def _decode_partitions(reader: RecordReader, *, is_flexible: bool) -> frozenset[TopicPartition]:
    partitions: set[TopicPartition] = set()
    for _ in range(reader.nullable_array_length(compact=is_flexible) or 0):
        topic = reader.required_string(compact=is_flexible)
        for _ in range(reader.array_length(compact=is_flexible)):
            partitions.add((topic, reader.int32()))
        if is_flexible:
            reader.tagged_fields()
    return frozenset(partitions)
