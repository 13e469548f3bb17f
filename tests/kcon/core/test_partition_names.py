"""One object a partition, by whatever it was named first, and a bound on how many are remembered."""

from kcon.core.ids import topic_name
from kcon.core.partition_names import PartitionNames


def test_a_partition_is_one_object_whoever_names_it() -> None:
    names = PartitionNames()
    orders = topic_name("orders")
    by_topic = names.of_topic(orders, [0, 2])
    assert [where.partition for where in by_topic] == [0, 2]
    assert by_topic[0].topic is orders
    assert names.of_wire(b"orders")[2] is by_topic[1]
    assert names.of_text("orders")[0] is by_topic[0]
    assert names.of_wire(b"\xff")[0].topic.encode() == b"\xff"


def test_a_topic_without_partitions_stays_the_same_object() -> None:
    names = PartitionNames()
    assert names.of_wire(b"empty") is names.of_wire(b"empty")


def test_up_to_the_limit_topics_are_remembered_and_above_it_forgotten() -> None:
    names = PartitionNames(topics_max=2)
    first = names.of_wire(b"a")
    names.of_wire(b"b")
    assert names.of_wire(b"a") is first
    names.of_wire(b"c")
    assert names.of_wire(b"a") is not first
