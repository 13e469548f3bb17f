"""What stopping a broker would do."""

import pytest

from kcon.core.broker_facts import Quorum, QuorumReplica
from kcon.core.ids import topic_name
from kcon.core.restart_check import Verdict, judge_partitions, judge_quorum, look_at_partitions
from kcon.core.snapshot import PartitionInfo, TopicInfo

NOW_MS = 1_000_000


def topic(*partitions: tuple[tuple[int, ...], tuple[int, ...]]) -> TopicInfo:
    """Make a topic of replicas and ISR by partition."""
    infos = tuple(
        PartitionInfo(index, isr[0] if isr else -1, 0, replicas, isr, ())
        for index, (replicas, isr) in enumerate(partitions)
    )
    return TopicInfo(topic_name("t"), None, False, infos)


@pytest.mark.parametrize(
    ("replicas", "isr", "minimum", "lost"),
    [
        ((1,), (1,), 1, "alone"),
        ((1, 2), (1,), 1, "offline"),
        ((1, 2), (1, 2), 1, None),
        ((1, 2), (1, 2), 2, "below_minimum"),
        ((1, 2, 3), (1, 2, 3), 2, None),
        ((1, 2, 3), (1, 2), 2, "below_minimum"),
        ((1, 2, 3), (2, 3), 2, None),
        ((1, 2, 3), (2,), 2, None),
        ((1, 2, 3), (1, 2, 3), None, "uncertain"),
        ((2, 3), (2,), 2, None),
    ],
)
def test_what_a_partition_loses(
    replicas: tuple[int, ...], isr: tuple[int, ...], minimum: int | None, lost: str | None
) -> None:
    """A partition that is below its minimum without the broker's help does not speak against stopping it."""
    held = look_at_partitions(1, [topic((replicas, isr))], {"t": minimum})
    found = {name: len(getattr(held, name)) for name in ("alone", "offline", "below_minimum", "uncertain")}
    assert {name for name, count in found.items() if count} == ({lost} if lost else set())
    assert held.total == (1 if 1 in replicas else 0)


def test_a_single_replica_is_bad_unless_it_is_allowed() -> None:
    held = look_at_partitions(1, [topic(((1,), (1,)), ((1, 2), (1, 2)))], {"t": 1})
    (finding,) = judge_partitions(held, allow_single=False)
    assert finding.verdict is Verdict.BAD
    assert "1 of 2 partitions" in finding.detail
    assert [finding.verdict for finding in judge_partitions(held, allow_single=True)] == [Verdict.OK, Verdict.WARN]


def voter(node: int, behind_ms: int | None = 0) -> QuorumReplica:
    return QuorumReplica(node, None, 10, NOW_MS, None if behind_ms is None else NOW_MS - behind_ms)


@pytest.mark.parametrize(
    ("voters", "verdict"),
    [
        ([voter(1)], Verdict.BAD),
        ([voter(1), voter(2)], Verdict.BAD),
        ([voter(1), voter(2), voter(3)], Verdict.OK),
        ([voter(1), voter(2, 5_000), voter(3)], Verdict.OK),
        ([voter(1), voter(2, 5_001), voter(3)], Verdict.BAD),
        ([voter(2), voter(3), voter(4)], Verdict.OK),
    ],
)
def test_the_quorum_must_survive(voters: list[QuorumReplica], verdict: Verdict) -> None:
    quorum = Quorum(3, 1, 10, tuple(voters), ())
    assert judge_quorum(1, quorum, now_ms=NOW_MS, stale_ms=5_000).verdict is verdict


def test_an_unknown_quorum_is_a_warning() -> None:
    assert judge_quorum(1, None, now_ms=NOW_MS, stale_ms=5_000).verdict is Verdict.WARN
