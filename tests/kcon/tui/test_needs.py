"""What needs a person: what changes slowly stands among what moves, the worst first."""

from dataclasses import replace
from typing import Any

import pytest

from kcon.core.disk_usage import VolumeUse
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.partition_health import PartitionHealth
from kcon.core.snapshot import ClusterInfo
from kcon.core.transaction import HangingTransaction, ProducerState
from kcon.core.wire_text import WireText
from kcon.observe.snapshot import BrokerColumns, ClusterSnapshot, GroupColumns, TopicColumns
from kcon.services.standing import Standing
from kcon.tui.needs import needs_of
from kcon.tui.screens.overview_columns import need_rows

WHERE = TopicPartition(topic_name("orders"), 0)
HOUR_MS = 3_600_000


def _picture(under: int = 0) -> ClusterSnapshot:
    return ClusterSnapshot(
        taken_ms=HOUR_MS,
        duration_ms=1,
        cluster=ClusterInfo(cluster_id=None, controller_id=1, brokers=()),
        has_offsets=True,
        topics=TopicColumns(name=(topic_name("orders"),), under_replicated=(under,), offline=(0,)),
        groups=GroupColumns(),
        brokers=BrokerColumns(),
        brokers_seen=0,
    )


def _volume(**told: Any) -> VolumeUse:
    facts: dict[str, Any] = {
        "broker_id": 3,
        "path": WireText("/data"),
        "error": None,
        "kafka_bytes": 1,
        "total_bytes": 100,
        "usable_bytes": 50,
        "growth_per_s": None,
        "full_in_ms": None,
    }
    return VolumeUse(**(facts | told))


def test_partitions_below_their_minimum_cannot_wait_and_lead_to_the_broker_behind() -> None:
    health = PartitionHealth(under_min_isr=[WHERE], suspects={3: 1})
    needs = needs_of(_picture(under=1), Standing(taken_ms=0, health=health))
    assert (needs[0].level, needs[0].subject, str(needs[0].address)) == ("page", "min ISR", "broker/3")
    assert "all wait on broker 3" in needs[0].detail


def test_a_minimum_that_is_met_again_is_not_told_from_a_look_half_a_minute_ago() -> None:
    health = PartitionHealth(under_min_isr=[WHERE], suspects={3: 1})
    assert needs_of(_picture(under=0), Standing(taken_ms=0, health=health)) == []


def test_a_transaction_that_hangs_names_where_its_readers_wait() -> None:
    hanging = HangingTransaction(ProducerState(WHERE, 77, 0, 0, 0, 0, 40), None)
    (need,) = needs_of(_picture(), Standing(taken_ms=0, hanging=(hanging,)))
    assert (need.level, need.subject, need.what) == ("page", "producer 77", "HANGS 1h")
    assert "orders/0/40" in need.detail


@pytest.mark.parametrize(
    ("told", "level"),
    [
        ({"usable_bytes": 10}, "warn"),
        ({"usable_bytes": 11}, None),
        ({"full_in_ms": 24 * HOUR_MS - 1}, "warn"),
        ({"full_in_ms": 24 * HOUR_MS}, None),
        ({"error": kafka_error(56)}, "page"),
        ({"total_bytes": None, "usable_bytes": None}, None),
    ],
)
def test_a_disk_needs_somebody_when_it_is_nearly_full_soon_full_or_gone(told: Any, level: str | None) -> None:
    needs = needs_of(_picture(), Standing(taken_ms=0, volumes=(_volume(**told),)))
    assert [need.level for need in needs] == ([] if level is None else [level])


def test_what_a_look_could_not_read_stands_where_there_is_room_for_a_sentence() -> None:
    problems = ("Groups of broker 3 are missing: it did not answer.", "13,361 partitions did not tell their offsets.")
    needs = needs_of(replace(_picture(), problems=problems))
    assert [(need.subject, need.what, need.detail) for need in needs] == [
        ("sampling", "", problem) for problem in problems
    ]
    rows = need_rows(needs)
    assert len(set(rows.keys)) == 2, "each is a row of its own"
