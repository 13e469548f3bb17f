"""Batches and settings for the tests of storage."""

import random

from kcon_broker.batch.header import CODEC_NONE
from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.storage.files import Syncable
from kcon_broker.storage.log import DefaultLogSettings, Log
from kcon_broker.storage.memory_files import MemoryFiles

TOPIC_ID = bytes(range(16))
FOLDER = "t-0"
SETTINGS = DefaultLogSettings()


def make_batch(
    values: int = 1,
    *,
    size: int = 20,
    timestamp_ms: int = 1_000,
    seed: int = 0,
    codec: int = CODEC_NONE,
    producer_id: int = -1,
    base_sequence: int = -1,
) -> bytearray:
    """Return a valid batch of `values` records whose content depends on the seed."""
    chance = random.Random(seed)
    records = [Record(0, timestamp_ms + index, b"key", chance.randbytes(size)) for index in range(values)]
    producer_epoch = 0 if producer_id >= 0 else -1
    return encode_batch(
        records, codec=codec, producer_id=producer_id, producer_epoch=producer_epoch, base_sequence=base_sequence
    )


def open_log(
    files: MemoryFiles,
    *,
    settings: DefaultLogSettings = SETTINGS,
    leader_epoch: int = 0,
    recovery_point: int | None = 0,
    is_clean: bool = False,
    log_start_offset: int = 0,
    gaps_allowed: bool = False,
) -> Log:
    """Open the log of the one partition of a test."""
    return Log.open(
        files,
        FOLDER,
        settings=settings,
        leader_epoch=leader_epoch,
        topic_id=TOPIC_ID,
        recovery_point=recovery_point,
        is_clean=is_clean,
        log_start_offset=log_start_offset,
        gaps_allowed=gaps_allowed,
    )


def sync_log(log: Log) -> list[Syncable]:
    """Make everything written durable; return what was synced."""
    files = log.dirty_files()
    for file in files:
        file.sync()
    log.mark_durable(log.written_offset)
    return files


def stored(log: Log) -> bytes:
    """Return everything that can be read, as bytes."""
    return b"".join(log.read_batches(log.log_start_offset, limit_offset=log.log_end_offset))
