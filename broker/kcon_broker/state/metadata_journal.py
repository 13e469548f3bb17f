"""How does a change of topics become durable, and who waits for it?

Changes are written at once, one by one: they are rare. Their sync is grouped with that of records, and what depends on
them waits for the gate, in every flush mode.
"""

from collections.abc import Collection, Iterable

from kcon_broker.state.gate import Gate
from kcon_broker.state.topic_records import MetadataChange, decode_change, encode_change
from kcon_broker.storage.files import Syncable
from kcon_broker.storage.metadata_log import MetadataLog
from kcon_broker.storage.steps import Steps


class MetadataJournal:
    """The metadata log with its gate."""

    def __init__(self, log: MetadataLog) -> None:
        self.gate = Gate()
        self._log = log

    def take_found(self) -> list[MetadataChange]:
        """Return what the log held when it was opened; raises FolderUnreadableError."""
        records, self._log.records = self._log.records, []
        return [decode_change(record) for record in records]

    def append(self, change: MetadataChange) -> int:
        """Write a change; return the position at which it is durable. Raises OSError, and then nothing changed."""
        return self._log.append(encode_change(change))

    @property
    def position(self) -> int:
        """The position at which everything written so far is durable."""
        return self._log.position

    @property
    def is_dirty(self) -> bool:
        """Something is written and not durable, and there is hope."""
        return self._log.failure is None and self._log.durable_position < self._log.position

    def dirty_files(self) -> list[Syncable]:
        """Return what the next sync must cover."""
        return self._log.dirty_files()

    def synced(self, position: int, failed: Collection[Syncable], files: Collection[Syncable]) -> None:
        """Take note of the end of a sync that began with everything up to `position` written."""
        if any(file in failed for file in files):
            self._log.fence(OSError(5, "a sync of the metadata log failed"))
            self.gate.fail()
            return
        self._log.mark_durable(position)
        self.gate.advance(position)

    @property
    def wants_compaction(self) -> bool:
        """A snapshot would be much smaller than the log."""
        return self._log.wants_compaction and self._log.failure is None

    def compact_steps(self, snapshot: Iterable[MetadataChange]) -> Steps[None]:
        """Begin anew with what leads to the present state, without holding up the loop. Raises OSError."""
        yield from self._log.compact_steps(encode_change(change) for change in snapshot)
        self.gate.advance(self._log.durable_position)

    def close(self) -> None:
        """Give the file back."""
        self._log.close()
