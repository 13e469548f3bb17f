"""What looks at a group say about its partitions."""

import pytest

from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.core.snapshot import GroupDescription, OffsetAt, PartitionInfo
from kcon.services.group_watch import Extras, Look, facts_of

ORDERS_0 = TopicPartition(topic_name("orders"), 0)


@pytest.mark.parametrize(
    ("replicas", "isr", "is_under"),
    [((1,), (1,), False), ((1, 2), (1, 2), False), ((1, 2), (1,), True), ((1, 2, 3), (1, 2), True)],
)
def test_a_setting_above_the_replication_factor_counts_as_that(
    replicas: tuple[int, ...], isr: tuple[int, ...], is_under: bool
) -> None:
    """Kafka refuses by the smaller of min.insync.replicas, here 3, and the replication factor (`Partition.scala`)."""
    about = GroupDescription(
        group=group_id("billing"), state="Empty", protocol_type="consumer", protocol="", coordinator_id=1, members=()
    )
    ends = {ORDERS_0: OffsetAt(9, -1, -1)}
    look = Look(
        at_ms=1,
        about=about,
        commits={ORDERS_0: 9},
        starts={ORDERS_0: OffsetAt(0, -1, -1)},
        ends=ends,
        stable_ends=ends,
        partitions={ORDERS_0: PartitionInfo(0, 1, 0, replicas, isr, ())},
    )
    extras = Extras(probes={}, transaction_ages_ms={}, min_isr={ORDERS_0.topic: 3}, retention_ms={})
    (part,) = facts_of([look], extras).partitions
    assert part.is_under_min_isr is is_under
