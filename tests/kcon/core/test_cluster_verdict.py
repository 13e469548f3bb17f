"""What is the matter with the cluster: the cause that explains the others is told first."""

from typing import Any

import pytest

from kcon.core.cluster_verdict import FULL_IN_MS, ClusterFacts, judge_cluster
from kcon.core.disk_usage import VolumeUse
from kcon.core.ids import topic_name
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.partition_health import partition_health
from kcon.core.snapshot import PartitionInfo, TopicInfo
from kcon.core.verdict import Cause
from kcon.core.wire_text import WireText


def facts(*isr: int, leader: int = 1, **more: Any) -> ClusterFacts:
    part = PartitionInfo(0, leader, 0, (1, 2, 3), isr or (1, 2, 3), ())
    health = partition_health([TopicInfo(topic_name("t"), None, False, (part,), None)], {"t": 2})
    known = {"has_controller": True, "live": frozenset({1, 2, 3}), "named": frozenset({1, 2, 3}), "health": health}
    return ClusterFacts(**{**known, **more})


def volume(
    free: int | None = 50, total: int | None = 100, full_in_ms: int | None = None, error: KafkaError | None = None
) -> VolumeUse:
    return VolumeUse(1, WireText("/d"), error, 10, total, free, None, full_in_ms)


@pytest.mark.parametrize(
    ("case", "cause"),
    [
        (facts(), Cause.HEALTHY),
        (facts(has_controller=False), Cause.NO_CONTROLLER),
        (facts(1, live=frozenset({1, 2})), Cause.BROKER_DOWN),
        (facts(3, leader=-1), Cause.BROKER_DOWN),
        (facts(1), Cause.UNDER_MIN_ISR),
        (facts(1, 2), Cause.UNDER_REPLICATED),
        (facts(volumes=(volume(error=kafka_error(56)),)), Cause.LOG_DIR_OFFLINE),
        (facts(volumes=(volume(14),)), Cause.DISK_FILLING),
        (facts(volumes=(volume(15),)), Cause.HEALTHY),
        (facts(volumes=(volume(16),)), Cause.HEALTHY),
        (facts(volumes=(volume(None, None),)), Cause.HEALTHY),
        (facts(volumes=(volume(full_in_ms=FULL_IN_MS - 1),)), Cause.DISK_FILLING),
        (facts(volumes=(volume(full_in_ms=FULL_IN_MS),)), Cause.HEALTHY),
    ],
)
def test_each_cause(case: ClusterFacts, cause: Cause) -> None:
    assert judge_cluster(case).cause is cause


def test_a_broker_that_is_gone_is_told_before_what_follows_from_it() -> None:
    verdict = judge_cluster(facts(1, live=frozenset({1})))
    assert verdict.headline == "Brokers 2, 3 are gone."
    assert [also.cause for also in verdict.also] == [Cause.UNDER_MIN_ISR, Cause.UNDER_REPLICATED]
