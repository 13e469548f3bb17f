"""Which transactions do the batches of a log open and end, when it is read at a start?

Recovery shows headers only, so the kinds of the markers are read once the log is open. Of each transaction the first
batch and the marker are remembered until then.
"""

from kcon_broker.batch.header import BatchHeader, is_intact, read_header
from kcon_broker.batch.records import MARKER_COMMIT, read_marker, read_marker_coordinator_epoch
from kcon_broker.state.producers import ProducerTable
from kcon_broker.storage.log import Log
from kcon_broker.storage.log_reader import LogDamagedError, split_batches
from kcon_broker.storage.recovery import Damage


class TransactionReplay:
    """Collects from headers what concerns transactions, then brings it into a partition's producers."""

    def __init__(self, producers: ProducerTable) -> None:
        self._producers = producers
        self._events: list[BatchHeader] = []
        self._open: set[int] = set()

    def see(self, header: BatchHeader) -> None:
        """Take note of a batch, in the order of the log."""
        if not header.is_transactional or not header.record_count:
            # Of a batch that compaction emptied the marker may be gone; its transaction is decided.
            return
        if header.is_control:
            self._open.discard(header.producer_id)
        elif header.producer_id in self._open:
            return
        else:
            self._open.add(header.producer_id)
        self._events.append(header)

    def finish(self, log: Log) -> None:
        """Read the markers. Raises OSError, LogDamagedError where one is not what was written."""
        transactions = self._producers.transactions
        for header in self._events:
            if not header.is_control:
                transactions.replay(header.producer_id, header.base_offset)
                continue
            parts = log.read(header.base_offset, 1, limit_offset=log.written_offset)
            for batch in split_batches(parts):
                if not is_intact(batch, read_header(batch)):
                    reason = "the CRC of a marker does not match"
                    raise LogDamagedError(Damage(offset=header.base_offset, path=log.folder, position=0, reason=reason))
                kind = read_marker(batch)
                if kind is not None:
                    transactions.replay_marker(header.producer_id, header.base_offset, is_commit=kind == MARKER_COMMIT)
                    self._note_coordinator(header, read_marker_coordinator_epoch(batch))
        self._events.clear()

    def _note_coordinator(self, header: BatchHeader, coordinator_epoch: int) -> None:
        entry = self._producers.entries.get(header.producer_id)
        if entry is None or entry.epoch <= header.producer_epoch:
            self._producers.replay_marker(
                header.producer_id, header.producer_epoch, coordinator_epoch, header.max_timestamp
            )
