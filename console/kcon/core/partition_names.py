"""Which object stands for a partition? One for all answers that name it: compared by identity, made once.

A look at a large cluster names each partition several times, every few seconds. Making its name anew each time would
cost as much as reading the number beside it.
"""

from collections.abc import Sequence
from typing import Final

from kcon.core.ids import TopicName, TopicPartition
from kcon.core.wire_text import WireText

TOPICS_MAX: Final = 100_000
"""With more topics than this everything is forgotten: most are gone by then."""

PARTITIONS_MAX: Final = 100_000
"""The same for the partitions of one topic."""


class PartitionsOf(dict[int, TopicPartition]):
    """The partitions of one topic by index, each made when it is first asked for."""

    def __init__(self, topic: TopicName) -> None:
        super().__init__()
        self.topic: Final = topic

    def __missing__(self, index: int) -> TopicPartition:
        if len(self) >= PARTITIONS_MAX:
            self.clear()
        made = self[index] = TopicPartition(self.topic, index)
        return made


class PartitionNames:
    """The partitions that were named so far. One event loop."""

    def __init__(self, *, topics_max: int = TOPICS_MAX) -> None:
        self._topics_max = topics_max
        self._topics: dict[bytes, PartitionsOf] = {}

    def of_wire(self, name: bytes) -> PartitionsOf:
        """Return the partitions of a topic by the bytes of its name."""
        found = self._topics.get(name)
        return self._made(name, TopicName(WireText.decode(name))) if found is None else found

    def of_text(self, name: str) -> PartitionsOf:
        """Return the partitions of a topic by its name as the codec gives it."""
        return self.of_wire(name.encode("utf-8", "surrogateescape"))

    def of_topic(self, topic: TopicName, indexes: Sequence[int]) -> list[TopicPartition]:
        """Return some partitions of a topic, in their order."""
        name = topic.encode()
        found = self._topics.get(name)
        if found is None:
            found = self._made(name, topic)
        return [found[index] for index in indexes]

    def _made(self, name: bytes, topic: TopicName) -> PartitionsOf:
        if len(self._topics) >= self._topics_max:
            self._topics.clear()
        made = self._topics[name] = PartitionsOf(topic)
        return made
