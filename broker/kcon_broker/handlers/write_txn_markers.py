"""WriteTxnMarkers (27), versions 1-2: end transactions in these partitions.

Brokers send it to each other; administrators send it to end a transaction that hangs (KIP-664).

- v2: the version of the transaction is told; in version 2 the epoch of a marker is higher than that of the records
  (KIP-1228).
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.gate import Gate
from kcon_broker.state.markers import append_marker
from kcon_broker.state.transactions.journal import Marker
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerPartitionResult,
    WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)


@handles(ApiKey.WRITE_TXN_MARKERS, versions=(1, 2))
def handle_write_txn_markers(ctx: RequestContext, request: WriteTxnMarkersRequest) -> Answer:
    """Write each marker."""
    writing = _Writing(ctx)
    response = WriteTxnMarkersResponse(markers=[writing.write(marker) for marker in request.markers])

    def failed(gate: Gate) -> WriteTxnMarkersResponse:
        writing.fail(gate)
        return response

    return Answer(response, after=tuple(writing.after.items()), failed=failed)


class _Writing:
    """One request on its way through its partitions."""

    def __init__(self, ctx: RequestContext) -> None:
        self.after: dict[Gate, int] = {}
        self._ctx = ctx
        self._told: list[tuple[Gate, WritableTxnMarkerPartitionResult]] = []

    def write(self, wanted: WritableTxnMarker) -> WritableTxnMarkerResult:
        """Write one marker to all its partitions."""
        return WritableTxnMarkerResult(
            producer_id=wanted.producer_id,
            topics=[
                WritableTxnMarkerTopicResult(
                    name=topic.name,
                    partitions=[self._write_to(wanted, topic.name, index) for index in topic.partition_indexes],
                )
                for topic in wanted.topics
            ],
        )

    def fail(self, gate: Gate) -> None:
        """Turn the answers for the partition whose write or sync failed into errors."""
        for told_gate, result in self._told:
            if told_gate is gate:
                result.error_code = ErrorCode.KAFKA_STORAGE_ERROR

    def _write_to(self, wanted: WritableTxnMarker, topic_name: str, index: int) -> WritableTxnMarkerPartitionResult:
        result = WritableTxnMarkerPartitionResult(partition_index=index)
        topic = self._ctx.broker.topics.by_name.get(topic_name)
        partition = None if topic is None else topic.partition(index)
        if partition is None:
            result.error_code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            return result
        result.error_code = append_marker(
            self._ctx.broker,
            partition,
            Marker(wanted.producer_id, wanted.producer_epoch, wanted.transaction_result, wanted.transaction_version),
            wanted.coordinator_epoch,
            self._ctx.wall_ms,
        )
        if result.error_code == ErrorCode.NONE and partition.log is not None:
            self.after[partition] = partition.log.log_end_offset
            self._told.append((partition, result))
        return result
