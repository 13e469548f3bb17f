"""How does a marker get into a partition, and what follows from it there?

A marker is a control batch. In `__consumer_offsets` it also decides the offsets that its producer has pending.
"""

from typing import TYPE_CHECKING

from kcon_broker.batch.records import encode_marker
from kcon_broker.state.partition import Partition
from kcon_broker.state.topic import OFFSETS_TOPIC
from kcon_broker.state.transactions.journal import Marker
from kcon_broker.wire.error_codes import ErrorCode

if TYPE_CHECKING:
    from kcon_broker.state.broker import Broker

_STRICT_SINCE = 2
"""The version of transactions in which a marker's epoch is higher than that of the records."""


def append_marker(
    broker: "Broker", partition: Partition, marker: Marker, coordinator_epoch: int, wall_ms: int
) -> ErrorCode:
    """Append a marker to a partition, unless its producer has gone on or the disk has failed."""
    log = broker.log_of(partition)
    if log is None:
        return ErrorCode.KAFKA_STORAGE_ERROR
    producers = partition.producers
    refusal = producers.check_marker(
        marker.producer_id,
        marker.producer_epoch,
        coordinator_epoch,
        is_strict=marker.transaction_version >= _STRICT_SINCE,
    )
    if refusal is not None:
        return refusal
    batch = encode_marker(
        commit=marker.is_commit,
        producer_id=marker.producer_id,
        producer_epoch=marker.producer_epoch,
        coordinator_epoch=coordinator_epoch,
        timestamp_ms=wall_ms,
    )
    try:
        offset = log.append(batch, now_ms=wall_ms)
    except OSError:
        return ErrorCode.KAFKA_STORAGE_ERROR
    broker.dirty[partition] = None
    producers.marked(marker.producer_id, marker.producer_epoch, coordinator_epoch, wall_ms)
    producers.transactions.ended(marker.producer_id, offset, is_commit=marker.is_commit)
    if partition.topic.name == OFFSETS_TOPIC:
        broker.groups.end_transaction(partition.index, marker.producer_id, is_commit=marker.is_commit)
    return ErrorCode.NONE
