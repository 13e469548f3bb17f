"""A column of offsets answers like a mapping of partitions, and by topic at once."""

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.offset_columns import NO_OFFSETS, OffsetColumns, PartitionLayout
from kcon.core.partition_names import PartitionNames
from kcon.core.snapshot import OffsetAt, OffsetResult, PartitionInfo, TopicInfo


def _topic(name: str, *partitions: int) -> TopicInfo:
    parts = tuple(PartitionInfo(index, 1, 0, (1,), (1,), ()) for index in partitions)
    return TopicInfo(topic_name(name), None, False, parts)


def _where(name: str, partition: int) -> TopicPartition:
    return TopicPartition(topic_name(name), partition)


TOPICS = [_topic("a", 0, 1), _topic("none"), _topic("odd", 1, 4), _topic("z", 0)]
ANSWERS: dict[TopicPartition, OffsetResult] = {
    _where("a", 0): OffsetAt(10, 77, 3),
    _where("a", 1): kafka_error(6),
    _where("odd", 1): OffsetAt(21, -1, 0),
    _where("odd", 4): OffsetAt(24, -1, 0),
}


def test_each_partition_has_its_answer() -> None:
    columns = OffsetColumns.of(TOPICS, ANSWERS)
    assert list(columns) == [*ANSWERS, _where("z", 0)]
    assert len(columns) == 5
    assert columns[_where("a", 0)] == OffsetAt(10, -1, -1)
    assert columns[_where("a", 1)] == kafka_error(6)
    assert columns[_where("odd", 4)] == OffsetAt(24, -1, -1)
    assert columns.offset(_where("odd", 1)) == 21
    assert columns.errors == {_where("a", 1): kafka_error(6)}


def test_what_was_left_out_is_an_error_and_what_is_not_there_is_nothing() -> None:
    columns = OffsetColumns.of(TOPICS, ANSWERS)
    assert columns[_where("z", 0)] == kafka_error(13, "the answer left it out")
    for absent in (_where("a", 2), _where("a", -1), _where("odd", 0), _where("none", 0), _where("gone", 0)):
        assert columns.get(absent) is None
        assert columns.offset(absent) is None


def test_the_offsets_of_a_topic_stand_by_partition() -> None:
    columns = OffsetColumns.of(TOPICS, ANSWERS)
    told = [list(columns.offsets(topic)) for topic in (*TOPICS, _topic("gone", 0))]
    assert told == [[10, None], [], [None, 21, None, None, 24], [None], []]
    assert list(NO_OFFSETS.offsets(TOPICS[0])) == []


def test_a_layout_takes_the_names_that_are_known() -> None:
    names = PartitionNames()
    assert PartitionLayout(TOPICS, names).partitions[0] is names.of_wire(b"a")[0]
