"""Which transactions are open in one partition, which were aborted, and how far is everything decided?

A transaction is open in a partition from its first batch to its marker. The last stable offset is where the first
undecided transaction begins: one is undecided until its marker is durable, so a reader of committed records never
sees records whose fate a power cut could change. Aborted transactions are remembered with the offsets of their first
record and their marker: a consumer skips what lies between (KIP-98).
"""

from typing import NamedTuple

from kcon_broker.storage.transaction_index import AbortedTransaction, TransactionIndex


class _Memory(NamedTuple):
    ongoing: dict[int, int]
    deciding: list[tuple[int, int]]


class OpenTransactions:
    """The transactions of one partition."""

    __slots__ = ("_before", "_deciding", "_unwritten_from", "aborted", "ongoing")

    def __init__(self) -> None:
        self.ongoing: dict[int, int] = {}
        """Producer id -> offset of the first record of its open transaction, in the order of these offsets."""
        self.aborted = TransactionIndex()
        """The partition's log shares it: it writes the files beside the segments."""
        self._deciding: list[tuple[int, int]] = []
        """(first offset, offset of the marker) of transactions whose marker may not be durable yet."""
        self._before: _Memory | None = None
        """What was known before the batches that are appended and not written yet."""
        self._unwritten_from: int | None = None
        """The first marker among them."""

    @property
    def is_idle(self) -> bool:
        """Nothing here is worth remembering."""
        return not self.ongoing and not self.aborted

    def last_stable_offset(self, high_watermark: int) -> int:
        """Return the offset below which every transaction is decided, at most the high watermark."""
        stable = high_watermark
        if self.ongoing:
            stable = min(stable, next(iter(self.ongoing.values())))
        if self._deciding:
            self._deciding = [span for span in self._deciding if span[1] >= high_watermark]
            for first_offset, _ in self._deciding:
                stable = min(stable, first_offset)
        return stable

    def appended(self, producer_id: int, first_offset: int) -> None:
        """Take note of a batch of a transaction, until `written` with the way back."""
        if producer_id not in self.ongoing:
            self._remember()
            self.replay(producer_id, first_offset)

    def ended(self, producer_id: int, marker_offset: int, *, is_commit: bool) -> None:
        """Take note of a marker, until `written` with the way back."""
        self._remember()
        if self._unwritten_from is None:
            self._unwritten_from = marker_offset
        self.replay_marker(producer_id, marker_offset, is_commit=is_commit)

    def replay(self, producer_id: int, first_offset: int) -> None:
        """Take note of a batch of a transaction that is in the log."""
        self.ongoing.setdefault(producer_id, first_offset)

    def replay_marker(self, producer_id: int, marker_offset: int, *, is_commit: bool) -> None:
        """Take note of a marker that is in the log; one without records before it changes nothing."""
        first_offset = self.ongoing.pop(producer_id, None)
        if first_offset is None:
            return
        self._deciding.append((first_offset, marker_offset))
        if not is_commit:
            stable_offset = next(iter(self.ongoing.values()), marker_offset + 1)
            self.aborted.append(AbortedTransaction(producer_id, first_offset, marker_offset, stable_offset))

    def written(self) -> None:
        """All appended batches are in the file."""
        self._before = self._unwritten_from = None

    def write_failed(self) -> None:
        """Go back to what was known before the batches that could not be written."""
        if self._before is not None:
            self.ongoing, self._deciding = self._before
        if self._unwritten_from is not None:
            self.aborted.forget_from(self._unwritten_from)
        self._before = self._unwritten_from = None

    def clear(self) -> None:
        """Begin anew."""
        self.ongoing = {}
        self.aborted.clear()
        self._deciding = []
        self._before = self._unwritten_from = None

    def _remember(self) -> None:
        if self._before is None:
            self._before = _Memory(dict(self.ongoing), list(self._deciding))
