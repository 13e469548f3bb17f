"""Each cause from the facts that show it, and none from facts that do not: a wrong verdict is worse than none."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.core.group_verdict import judge_group
from kcon.core.ids import ClientId, TopicPartition, group_id, topic_name
from kcon.core.time_lag import NO_LAG, UNKNOWN_LAG, LagQuality, TimeLag
from kcon.core.verdict import Cause, Confidence, GroupFacts, PartitionFacts, Verdict
from kcon.core.wire_text import WireText

OLD = TimeLag(value_ms=300_000, quality=LagQuality.EXACT)


def part(index: int, lag: int = 0, *, app: int | None = 1, **more: Any) -> PartitionFacts:
    """Return a partition that is read as fast as it is written, unless told otherwise."""
    values: dict[str, Any] = {
        "where": TopicPartition(topic_name("orders"), index),
        "committed": 1_000,
        "start": 0,
        "end": 1_000 + lag,
        "lag": lag,
        "time_lag": OLD if lag else NO_LAG,
        "in_per_s": 100.0,
        "out_per_s": 100.0,
        "member": None if app is None else f"app-{app}-id",
        "owner": None if app is None else ClientId(WireText(f"app-{app}")),
    }
    return PartitionFacts(**{**values, **more})


def still(index: int, lag: int = 500, **more: Any) -> PartitionFacts:
    return part(index, lag, **{"out_per_s": 0.0, "still_ms": 120_000, **more})


def judge(*partitions: PartitionFacts, **more: Any) -> Verdict:
    values: dict[str, Any] = {"state": "Stable", "members": 2, "watched_ms": 30_000}
    return judge_group(GroupFacts(group=group_id("billing"), partitions=partitions, **{**values, **more}))


def test_a_group_that_keeps_up_is_healthy() -> None:
    assert judge(part(0), part(1, 3, time_lag=TimeLag(40, LagQuality.EXACT))).cause is Cause.HEALTHY


def test_young_records_that_nobody_was_seen_to_read_prove_nothing() -> None:
    """Two thousand records of the last seconds, and no member: it would be wrong to call that healthy."""
    young = part(0, 2_000, out_per_s=None, in_per_s=None, time_lag=TimeLag(3_000, LagQuality.EXACT), app=None)
    assert judge(young, members=0, state="Empty", watched_ms=0).cause is Cause.UNKNOWN
    moving = part(0, 20, time_lag=TimeLag(300, LagQuality.EXACT))
    assert judge(moving, watched_ms=1_000).cause is Cause.HEALTHY


def test_a_group_without_anything_to_do_is_idle() -> None:
    quiet = [part(index, in_per_s=0.0, out_per_s=0.0, app=None) for index in range(2)]
    assert judge(*quiet, members=0, state="Empty").cause is Cause.IDLE


def test_a_group_that_reads_too_slowly() -> None:
    verdict = judge(part(0, 5_000, out_per_s=60.0, retention_left_ms=9_600_000), part(1, 4_000, out_per_s=70.0))
    assert (verdict.cause, verdict.confidence) == (Cause.SLOW_CONSUMER, Confidence.LIKELY)
    assert "reads 130/s and 200/s is written" in verdict.headline
    assert any("retention reaches" in line for line in verdict.evidence)


def test_a_group_that_catches_up_says_when() -> None:
    verdict = judge(part(0, 6_000, out_per_s=200.0))
    assert verdict.cause is Cause.CATCHING_UP
    assert "1m" in verdict.headline


@pytest.mark.parametrize(
    ("read", "cause"),
    [(106.0, Cause.CATCHING_UP), (105.0, Cause.UNKNOWN), (96.0, Cause.UNKNOWN), (95.0, Cause.SLOW_CONSUMER)],
)
def test_a_twentieth_more_or_less_is_neither_growth_nor_shrinkage(read: float, cause: Cause) -> None:
    """A writer that pauses for a moment must not make a reader look quick."""
    assert judge(part(0, 5_000, in_per_s=100.0, out_per_s=read, still_ms=0)).cause is cause


def test_a_group_that_nobody_is_in() -> None:
    verdict = judge(still(0, app=None), still(1, app=None), members=0, state="Empty")
    assert (verdict.cause, verdict.confidence) == (Cause.DEAD_CONSUMER, Confidence.CERTAIN)
    assert "1,000 records wait" in verdict.headline


def test_commits_from_outside_keep_an_empty_group_alive() -> None:
    assert judge(part(0, 900, app=None), members=0, state="Empty").cause is not Cause.DEAD_CONSUMER


def test_one_partition_that_stands_while_its_owner_moves_on() -> None:
    verdict = judge(part(0), part(1), still(2))
    assert (verdict.cause, verdict.confidence) == (Cause.POISON_RECORD, Confidence.LIKELY)
    assert verdict.at == TopicPartition(topic_name("orders"), 2)
    assert verdict.next_commands[0] == "kcon get orders/2/1000"
    assert "-t orders:2 --to current+1 --dry-run" in verdict.next_commands[1]


def test_one_partition_of_an_owner_with_no_other_is_less_sure() -> None:
    verdict = judge(part(0, app=1), part(1, app=1), still(2, app=2))
    assert (verdict.cause, verdict.confidence) == (Cause.POISON_RECORD, Confidence.POSSIBLE)


def test_a_member_that_reads_none_of_its_partitions() -> None:
    verdict = judge(part(0, app=1), part(1, app=1), still(2, app=2), still(3, app=2))
    assert verdict.cause is Cause.STUCK_MEMBER
    assert "app-2" in verdict.headline


def test_a_group_in_which_everything_stands() -> None:
    verdict = judge(still(0), still(1, app=2))
    assert (verdict.cause, verdict.confidence) == (Cause.STOPPED, Confidence.LIKELY)
    short = judge(still(0, still_ms=15_000), still(1, app=2, still_ms=15_000))
    assert (short.cause, short.confidence) == (Cause.STOPPED, Confidence.POSSIBLE)


def test_a_partition_that_nobody_owns() -> None:
    verdict = judge(part(0), part(1), still(2, app=None))
    assert verdict.cause is Cause.UNOWNED_PARTITION


def test_a_partition_with_most_of_the_writes() -> None:
    cool = [part(index, in_per_s=10.0, out_per_s=10.0) for index in range(5)]
    verdict = judge(*cool, part(5, 90_000, in_per_s=900.0, out_per_s=300.0))
    assert verdict.cause is Cause.HOT_PARTITION
    assert "95% of the writes" in verdict.headline
    assert [also.cause for also in verdict.also] == [Cause.SLOW_CONSUMER]


def test_a_group_that_keeps_rebalancing() -> None:
    assert judge(still(0), rebalances=3).confidence is Confidence.CERTAIN
    assert judge(still(0), state="PreparingRebalance", unstable_ms=60_000).cause is Cause.REBALANCE_LOOP
    assert judge(still(0), rebalances=2).cause is not Cause.REBALANCE_LOOP


def test_a_transaction_that_holds_back_what_may_be_read() -> None:
    held = part(0, 400, committed=1_000, stable_end=1_000, transaction_age_ms=900_000, out_per_s=0.0, still_ms=900_000)
    verdict = judge(held, part(1))
    assert verdict.cause is Cause.HANGING_TRANSACTION
    assert "400 records wait behind offset 1,000" in verdict.evidence[0]
    young = part(0, 400, stable_end=1_000, transaction_age_ms=59_999)
    assert judge(young, part(1)).cause is not Cause.HANGING_TRANSACTION
    not_there_yet = part(0, 400, committed=900, stable_end=1_000, transaction_age_ms=900_000)
    assert judge(not_there_yet, part(1)).cause is not Cause.HANGING_TRANSACTION


def test_records_that_retention_took() -> None:
    verdict = judge(part(0, 100, committed=50, start=900, end=1_000, lost=850))
    assert verdict.cause is Cause.RETENTION_LOSS
    assert "committed 50, the log begins at 900" in verdict.evidence[0]


def test_a_broker_that_is_down_explains_everything_else() -> None:
    gone = replace(part(0, time_lag=UNKNOWN_LAG), has_leader=False, end=None, lag=None)
    verdict = judge(gone, still(1), rebalances=1)
    assert (verdict.cause, verdict.confidence) == (Cause.BROKER_DOWN, Confidence.CERTAIN)


def test_too_few_replicas_in_sync() -> None:
    assert judge(part(0, is_under_min_isr=True)).cause is Cause.UNDER_MIN_ISR


def test_a_clock_that_is_off() -> None:
    odd = TimeLag(0, LagQuality.EXACT, 0, is_implausible=True)
    verdict = judge(part(0, 5, time_lag=odd), part(1))
    assert (verdict.cause, verdict.at) == (Cause.CLOCK_SKEW, TopicPartition(topic_name("orders"), 0))


def test_a_group_without_commits_or_members_is_told_so() -> None:
    assert judge(members=0, state="Empty").cause is Cause.NOTHING_READ


@pytest.mark.parametrize(("watched_ms", "missing_ms"), [(0, 10_000), (4_000, 6_000)])
def test_without_a_long_enough_look_it_says_how_much_longer(watched_ms: int, missing_ms: int) -> None:
    verdict = judge(part(0, 900, in_per_s=None, out_per_s=None), part(1, 900), watched_ms=watched_ms)
    assert (verdict.cause, verdict.missing_ms) == (Cause.UNKNOWN, missing_ms)
    assert "s more" in verdict.headline


def test_what_could_not_be_read_is_part_of_the_evidence() -> None:
    verdict = judge(part(0), problems=("Groups of broker 3 are missing.",))
    assert verdict.evidence[-1] == "Groups of broker 3 are missing."


def test_names_are_safe_and_one_word_each() -> None:
    hostile = part(2, 500, out_per_s=0.0, still_ms=120_000, where=TopicPartition(topic_name("a\x1b b;rm"), 2))
    verdict = judge(part(0), hostile)
    assert "\x1b" not in verdict.headline
    assert "'a␛ b;rm'/2/1000" in verdict.next_commands[0]


PARTITIONS = st.builds(
    part,
    st.integers(0, 9),
    st.sampled_from([0, 1, 500, 10_000]),
    app=st.sampled_from([None, 1, 2, 3]),
    in_per_s=st.sampled_from([None, 0.0, 10.0, 500.0]),
    out_per_s=st.sampled_from([None, 0.0, 10.0, 500.0]),
    still_ms=st.sampled_from([0, 9_999, 10_000, 600_000]),
    time_lag=st.sampled_from([NO_LAG, UNKNOWN_LAG, OLD]),
)


@given(
    partitions=st.lists(PARTITIONS, max_size=6),
    members=st.sampled_from([None, 0, 1, 3]),
    state=st.sampled_from(["Stable", "Empty", "PreparingRebalance", ""]),
    watched_ms=st.sampled_from([0, 9_999, 10_000, 60_000]),
)
def test_whatever_is_known_there_is_one_verdict_with_a_sentence(
    partitions: list[PartitionFacts], members: int | None, state: str, watched_ms: int
) -> None:
    verdict = judge(*partitions, members=members, state=state, watched_ms=watched_ms)
    assert verdict.headline.endswith(".")
    assert verdict.cause not in {also.cause for also in verdict.also}
    if watched_ms < 10_000:
        moving = {Cause.STOPPED, Cause.POISON_RECORD, Cause.STUCK_MEMBER, Cause.HOT_PARTITION, Cause.SLOW_CONSUMER}
        assert verdict.cause not in moving, "nothing is said of movement before it was watched"
