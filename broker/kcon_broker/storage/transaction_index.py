"""Which transactions of a log were aborted, and where do their records begin and end?

The list is in memory. Beside each segment that holds the marker of an aborted transaction lies Kafka's
`<base>.txnindex` (TransactionIndex, AbortedTxn), written when the segment is sealed, when the log is closed and with
each snapshot of producers:

    version i16 (0) | producer_id i64 | first_offset i64 | last_offset i64 | last_stable_offset i64

Kafka's entry has no checksum, so a snapshot of producers says how many entries each file begins with, and their CRC.
A file that does not fit is not believed, and the list is built anew from the markers in the log.
"""

import struct
from bisect import bisect_left
from collections.abc import Container, Iterable
from typing import NamedTuple

from kcon_broker.batch.checksum import crc32c

_VERSION = 0
_ENTRY = struct.Struct(">hqqqq")
ENTRY_BYTES = _ENTRY.size


class AbortedTransaction(NamedTuple):
    """One aborted transaction in a partition."""

    producer_id: int
    first_offset: int
    last_offset: int
    """The offset of its marker."""
    last_stable_offset: int
    """Below it every transaction was decided when the marker was written."""


class IndexSum(NamedTuple):
    """What a transaction index begins with, as a snapshot of producers remembers it."""

    base_offset: int
    """Of its segment."""
    entry_count: int
    crc: int
    """CRC-32C of so many entries."""


class TransactionIndex:
    """The aborted transactions of one log, in the order of their markers."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: list[AbortedTransaction] = []

    def __bool__(self) -> bool:
        return bool(self.entries)

    def append(self, aborted: AbortedTransaction) -> None:
        """Add a transaction whose marker comes after all others."""
        self.entries.append(aborted)

    def between(self, start_offset: int, end_offset: int) -> list[AbortedTransaction]:
        """Return the transactions that have records or a marker in `[start_offset, end_offset)`."""
        return [each for each in self.entries[self._first(start_offset) :] if each.first_offset < end_offset]

    def marked_between(self, start_offset: int, end_offset: int) -> list[AbortedTransaction]:
        """Return the transactions whose marker is in `[start_offset, end_offset)`."""
        return self.entries[self._first(start_offset) : self._first(end_offset)]

    def forget_before(self, offset: int) -> None:
        """Forget the transactions that lie before an offset altogether."""
        if self.entries and self.entries[0].last_offset < offset:
            del self.entries[: self._first(offset)]

    def forget_from(self, offset: int) -> None:
        """Forget the transactions whose marker is at or after an offset."""
        del self.entries[self._first(offset) :]

    def keep_marked(self, start_offset: int, end_offset: int, marker_offsets: Container[int]) -> None:
        """Forget the transactions of `[start_offset, end_offset)` whose marker is not among these.

        Without its marker a consumer would never stop to skip the records of the producer.
        """
        first, end = self._first(start_offset), self._first(end_offset)
        self.entries[first:end] = [each for each in self.entries[first:end] if each.last_offset in marker_offsets]

    def clear(self) -> None:
        """Forget all."""
        self.entries.clear()

    def _first(self, offset: int) -> int:
        return bisect_left(self.entries, offset, key=lambda aborted: aborted.last_offset)


def encode_transaction_index(entries: Iterable[AbortedTransaction]) -> bytes:
    """Return the content of a .txnindex file."""
    return b"".join(_ENTRY.pack(_VERSION, *entry) for entry in entries)


def sum_of(base_offset: int, entries: list[AbortedTransaction]) -> IndexSum:
    """Return what is remembered of the file that holds these entries."""
    return IndexSum(base_offset, len(entries), crc32c(encode_transaction_index(entries)))


def decode_transaction_index(content: bytes, wanted: IndexSum) -> list[AbortedTransaction] | None:
    """Return the entries that a file was remembered to begin with; None: it does not."""
    known = content[: wanted.entry_count * ENTRY_BYTES]
    if len(known) != wanted.entry_count * ENTRY_BYTES or crc32c(known) != wanted.crc:
        return None
    return [AbortedTransaction(*fields[1:]) for fields in _ENTRY.iter_unpack(known)]
