"""What the header of a record batch says, without touching its records.

    base_offset int64 | batch_length int32 | partition_leader_epoch int32 | magic int8 | crc uint32
    0                   8                    12                             16           17
    attributes int16 | last_offset_delta int32 | base_timestamp int64 | max_timestamp int64 | producer_id int64
    21                 23                        27                     35                    43
    producer_epoch int16 | base_sequence int32 | record_count int32 | records
    51                     53                    57                   61

`batch_length` counts what follows it, so a batch is 12 bytes longer. The CRC-32C covers attributes to end: base
offset, length, leader epoch and magic are not covered, which is why a broker may patch the offset and the epoch in
place (org.apache.kafka.common.record.DefaultRecordBatch).

    attributes   bits 0-2 codec | 3 timestamp type | 4 transactional | 5 control | 6 delete horizon | 7-15 unused
"""

from struct import Struct as Packer
from typing import Final, NamedTuple

from kcon_broker.batch.checksum import crc32c

Buffer = bytes | bytearray | memoryview

HEADER_BYTES: Final = 61
LOG_OVERHEAD: Final = 12
"""Bytes before those that `batch_length` counts."""

MAGIC: Final = 2
NO_TIMESTAMP: Final = -1
NO_PRODUCER_ID: Final = -1

CODEC_NONE: Final = 0
CODEC_GZIP: Final = 1
CODEC_SNAPPY: Final = 2
CODEC_LZ4: Final = 3
CODEC_ZSTD: Final = 4

CREATE_TIME: Final = 0
LOG_APPEND_TIME: Final = 1

CODEC_MASK: Final = 0x07
TIMESTAMP_TYPE_FLAG: Final = 0x08
TRANSACTIONAL_FLAG: Final = 0x10
CONTROL_FLAG: Final = 0x20
DELETE_HORIZON_FLAG: Final = 0x40

ATTRIBUTES_AT: Final = 21
_CRC_AT: Final = 17
_MAX_TIMESTAMP_AT: Final = 35

HEADER: Final = Packer(">qiibIhiqqqhii")
_BASE_OFFSET: Final = Packer(">q")
_PLACE: Final = Packer(">qii")
"""Base offset, batch length and leader epoch."""
_UINT32: Final = Packer(">I")
_INT16: Final = Packer(">h")


class BatchHeader(NamedTuple):
    """The fields of one header. Nothing here has been checked, the CRC included."""

    base_offset: int
    batch_length: int
    partition_leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size_bytes(self) -> int:
        """Return the bytes of the whole batch."""
        return self.batch_length + LOG_OVERHEAD

    @property
    def last_offset(self) -> int:
        """Return the offset of the last record."""
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        """Return the offset after the last record."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def codec(self) -> int:
        """Return the compression: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; 5 to 7 mean nothing."""
        return self.attributes & CODEC_MASK

    @property
    def timestamp_type(self) -> int:
        """Return CREATE_TIME or LOG_APPEND_TIME."""
        return LOG_APPEND_TIME if self.attributes & TIMESTAMP_TYPE_FLAG else CREATE_TIME

    @property
    def is_transactional(self) -> bool:
        """Say whether the batch belongs to a transaction."""
        return bool(self.attributes & TRANSACTIONAL_FLAG)

    @property
    def is_control(self) -> bool:
        """Say whether the batch holds a marker instead of records."""
        return bool(self.attributes & CONTROL_FLAG)

    @property
    def newest_timestamp(self) -> int:
        """Return the greatest timestamp of a record; NO_TIMESTAMP when compaction left none in the batch."""
        return self.max_timestamp if self.record_count else NO_TIMESTAMP

    @property
    def has_producer_id(self) -> bool:
        """Say whether an idempotent producer wrote the batch (`producer_id > -1`)."""
        return self.producer_id > NO_PRODUCER_ID

    @property
    def last_sequence(self) -> int:
        """Return the sequence of the last record; sequences wrap to 0 after 2^31 - 1. -1 without a sequence."""
        if self.base_sequence < 0:
            return -1
        return (self.base_sequence + self.last_offset_delta) & 0x7FFF_FFFF


def read_header(buf: Buffer, offset: int = 0) -> BatchHeader:
    """Return the header at `offset`. Raises ValueError where fewer bytes than a header are left."""
    if len(buf) - offset < HEADER_BYTES:
        raise ValueError("a batch is shorter than its header")
    return BatchHeader(*HEADER.unpack_from(buf, offset))


def compute_crc(batch: Buffer) -> int:
    """Return the CRC-32C of a batch that fills `batch` from its first byte to its last."""
    return crc32c(memoryview(batch)[ATTRIBUTES_AT:])


def is_intact(batch: Buffer, header: BatchHeader) -> bool:
    """Say whether the CRC of a batch fits its bytes. `batch` may go on after it, but must reach its end."""
    return header.crc == crc32c(memoryview(batch)[ATTRIBUTES_AT : header.size_bytes])


def place_in_log(batch: bytearray | memoryview, base_offset: int, leader_epoch: int) -> tuple[int, int]:
    """Give a batch its place in the log, in place; the CRC stays valid. The batch must fill `batch`.

    Returns the offset of its last record and the greatest timestamp, NO_TIMESTAMP when compaction left none in it.
    """
    _, length, _, _, _, _, last_delta, _, max_timestamp, _, _, _, count = HEADER.unpack_from(batch)
    assert length + LOG_OVERHEAD == len(batch), "a batch is handed over without bytes around it"
    _PLACE.pack_into(batch, 0, base_offset, length, leader_epoch)
    return base_offset + last_delta, max_timestamp if count else NO_TIMESTAMP


def patch_timestamps(batch: bytearray | memoryview, attributes: int, max_timestamp: int) -> None:
    """Set attributes and greatest timestamp of a batch that fills `batch`, and its CRC with them."""
    _INT16.pack_into(batch, ATTRIBUTES_AT, attributes)
    _BASE_OFFSET.pack_into(batch, _MAX_TIMESTAMP_AT, max_timestamp)
    _UINT32.pack_into(batch, _CRC_AT, compute_crc(batch))
