"""How do the coordinator's records get into `__consumer_offsets`?

They are appended like any produced batch, without an answer of their own: what depends on them waits for the
partition's high watermark. A partition that failed takes no records until its log and its groups were loaded again.
"""

from typing import TYPE_CHECKING

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.state.groups.outcome import Records, WakeKey
from kcon_broker.state.topic import OFFSETS_TOPIC

if TYPE_CHECKING:
    from kcon_broker.state.broker import Broker
    from kcon_broker.state.partition import Partition


class GroupJournal:
    """The broker's side of the group coordinator."""

    __slots__ = ("_broker",)

    def __init__(self, broker: "Broker") -> None:
        self._broker = broker

    def partition_of(self, group_id: str) -> int:
        """Return the partition of `__consumer_offsets` that keeps this group."""
        return self._broker.offsets_partition_of(group_id)

    def is_available(self, partition: int) -> bool:
        """Say whether this partition of `__consumer_offsets` takes records now."""
        found = self._partition(partition)
        return found is not None and self._broker.log_of(found) is not None

    def append(self, partition: int, records: Records, wall_ms: int) -> None:
        """Queue the records as one batch."""
        found = self._partition(partition)
        assert found is not None, "is_available said so"
        log = self._broker.log_of(found)
        assert log is not None, "is_available said so"
        log.append(encode_batch([Record(0, wall_ms, key, value) for key, value in records]), now_ms=wall_ms)
        self._broker.dirty[found] = None

    def append_pending(self, partition: int, records: Records, wall_ms: int, producer: tuple[int, int]) -> None:
        """Queue the records as one batch of the transaction of a producer (its id and epoch)."""
        found = self._partition(partition)
        assert found is not None, "is_available said so"
        log = self._broker.log_of(found)
        assert log is not None, "is_available said so"
        producer_id, epoch = producer
        batch = encode_batch(
            [Record(0, wall_ms, key, value) for key, value in records],
            producer_id=producer_id,
            producer_epoch=epoch,
            is_transactional=True,
        )
        offset = log.append(batch, now_ms=wall_ms)
        self._broker.dirty[found] = None
        found.producers.joined(producer_id, epoch, wall_ms)
        found.producers.transactions.appended(producer_id, offset)

    def wake(self, key: WakeKey) -> None:
        """Let the request that is parked under this key look for its answer."""
        self._broker.wake(key)

    def _partition(self, index: int) -> "Partition | None":
        topic = self._broker.topics.by_name.get(OFFSETS_TOPIC)
        return None if topic is None else topic.partition(index)
