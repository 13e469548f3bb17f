"""Where does each partition of a cluster start, or end? One number a partition, in the order of the topics.

To readers of single partitions it is a mapping to answers like any other; who wants all of them takes the numbers of a
topic at once, without looking up a name for each.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.partition_names import PartitionNames
from kcon.core.snapshot import OffsetAt, OffsetResult, TopicInfo, offset_of


class PartitionLayout:
    """The place of each partition in a column. Made once for a list of topics; never changed."""

    __slots__ = ("_spans", "partitions", "topics")

    def __init__(self, topics: Sequence[TopicInfo], names: PartitionNames) -> None:
        self.topics = topics
        self.partitions: list[TopicPartition] = []
        self._spans: dict[TopicName, tuple[int, int]] = {}
        for topic in topics:
            first = len(self.partitions)
            self.partitions += names.of_topic(topic.name, [part.partition for part in topic.partitions])
            self._spans[topic.name] = (first, len(self.partitions))

    def span(self, topic: TopicName) -> tuple[int, int]:
        """Return the places `[first, end)` of a topic; an empty range where it is not there."""
        return self._spans.get(topic, (0, 0))

    def place(self, where: TopicPartition) -> int | None:
        """Return the place of a partition; None where it is not there."""
        first, end = self._spans.get(where.topic, (0, 0))
        place = first + where.partition
        if first <= place < end and self.partitions[place].partition == where.partition:
            return place
        # A topic whose partitions are not numbered from 0 on.
        return next((place for place in range(first, end) if self.partitions[place].partition == where.partition), None)


class OffsetColumns(Mapping[TopicPartition, OffsetResult]):
    """An offset, or an error, for each partition of a layout. Read only."""

    __slots__ = ("_errors", "_offsets", "layout")

    def __init__(
        self, layout: PartitionLayout, offsets: Sequence[int | None], errors: Mapping[int, KafkaError]
    ) -> None:
        """offsets, errors: by place. Where there is no offset and no error either, the answer left it out."""
        assert len(offsets) == len(layout.partitions)
        self.layout = layout
        self._offsets = offsets
        self._errors = errors

    @classmethod
    def of(cls, topics: Sequence[TopicInfo], answers: Mapping[TopicPartition, OffsetResult]) -> "OffsetColumns":
        """Arrange single answers."""
        layout = PartitionLayout(topics, PartitionNames())
        told = [(place, answers.get(where)) for place, where in enumerate(layout.partitions)]
        errors = {place: answer for place, answer in told if isinstance(answer, KafkaError)}
        return cls(layout, [offset_of(answer) for _, answer in told], errors)

    @property
    def errors(self) -> Mapping[TopicPartition, KafkaError]:
        """Return the errors alone."""
        return {self.layout.partitions[place]: error for place, error in self._errors.items()}

    def offsets(self, topic: TopicInfo) -> Sequence[int | None]:
        """Return the offsets of a topic by partition; None where unknown."""
        first, end = self.layout.span(topic.name)
        offsets = self._offsets[first:end]
        partitions = self.layout.partitions
        if first == end or partitions[end - 1].partition == end - first - 1:
            return offsets
        by_index: list[int | None] = [None] * (partitions[end - 1].partition + 1)
        for place in range(first, end):
            by_index[partitions[place].partition] = self._offsets[place]
        return by_index

    def offset(self, where: TopicPartition) -> int | None:
        """Return the offset of one partition; None where unknown."""
        place = self.layout.place(where)
        return None if place is None else self._offsets[place]

    def __getitem__(self, where: TopicPartition) -> OffsetResult:
        place = self.layout.place(where)
        if place is None:
            raise KeyError(where)
        return self._answer(place)

    def _answer(self, place: int) -> OffsetResult:
        offset = self._offsets[place]
        if offset is not None:
            return OffsetAt(offset, -1, -1)
        return self._errors.get(place) or kafka_error(_LEFT_OUT, "the answer left it out")

    def __iter__(self) -> Iterator[TopicPartition]:
        return iter(self.layout.partitions)

    def __len__(self) -> int:
        return len(self.layout.partitions)


_LEFT_OUT: Final = 13
"""NETWORK_EXCEPTION, as for any key that an answer leaves out."""
NO_OFFSETS: Final = OffsetColumns(PartitionLayout((), PartitionNames()), (), {})
"""Of a cluster that was not asked, or has no topic."""
