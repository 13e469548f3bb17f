"""What is the matter with a topic: each cause where it holds, and none where it is on the border."""

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.partition_health import partition_health
from kcon.core.snapshot import PartitionInfo, TopicInfo
from kcon.core.topic_verdict import HOT_RECORDS_MIN, SILENT_MS, TopicFacts, judge_topic
from kcon.core.transaction import HangingTransaction, ProducerState
from kcon.core.verdict import Cause

T = topic_name("t")
PLACES = [TopicPartition(T, index) for index in range(4)]
STEADY = (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8)


def topic(*partitions: PartitionInfo) -> TopicInfo:
    return TopicInfo(T, None, False, partitions, None)


def facts(*partitions: PartitionInfo, minimum: int | None = 2, **more: object) -> TopicFacts:
    parts = partitions or tuple(PartitionInfo(index, 1, 0, (1, 2, 3), (1, 2, 3), ()) for index in range(4))
    health = partition_health([topic(*parts)], {"t": minimum})
    return TopicFacts(topic=T, partitions=len(parts), health=health, window_ms=3_600_000, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "cause"),
    [
        (PartitionInfo(0, -1, 0, (1, 2, 3), (3,), ()), Cause.BROKER_DOWN),
        (PartitionInfo(0, 1, 0, (1, 2, 3), (1,), ()), Cause.UNDER_MIN_ISR),
        (PartitionInfo(0, 1, 0, (1, 2, 3), (1, 2), ()), Cause.UNDER_REPLICATED),
        (PartitionInfo(0, 1, 0, (1, 2, 3), (1, 2, 3), ()), Cause.IDLE),
        (PartitionInfo(0, 1, 0, (1,), (1,), ()), Cause.IDLE),
    ],
)
def test_replicas_tell_at_once(part: PartitionInfo, cause: Cause) -> None:
    assert judge_topic(facts(part)).cause is cause


def test_the_broker_whose_replicas_are_missing_is_suspected() -> None:
    short = [PartitionInfo(index, 1, 0, (1, 2, 3), (1,) if index else (1, 2), ()) for index in range(3)]
    verdict = judge_topic(facts(*short))
    assert verdict.cause is Cause.UNDER_MIN_ISR
    assert "broker 3: its replica is missing in 3 partitions" in verdict.evidence
    assert [also.cause for also in verdict.also] == [Cause.UNDER_REPLICATED]


@pytest.mark.parametrize(
    ("silent_ms", "earlier", "cause"),
    [
        (SILENT_MS - 1, STEADY, Cause.IDLE),
        (SILENT_MS, STEADY, Cause.PRODUCER_STOPPED),
        (SILENT_MS + 1, STEADY, Cause.PRODUCER_STOPPED),
        (86_400_000, (*STEADY[:-1], 0), Cause.IDLE),
        (86_400_000, (), Cause.IDLE),
        (None, (), Cause.IDLE),
    ],
)
def test_a_silence_is_strange_only_where_there_never_was_one(
    silent_ms: int | None, earlier: tuple[int, ...], cause: Cause
) -> None:
    """A nightly job's topic is silent all day: spans without a record before say that this is its way."""
    assert judge_topic(facts(silent_ms=silent_ms, earlier=earlier)).cause is cause


@pytest.mark.parametrize(
    ("counts", "cause"),
    [
        ((749, 84, 84, 83), Cause.HEALTHY),
        ((750, 84, 83, 83), Cause.HOT_PARTITION),
        ((751, 83, 83, 83), Cause.HOT_PARTITION),
        ((HOT_RECORDS_MIN - 1, 0, 0, 0), Cause.HEALTHY),
        ((5_000, 0), Cause.HEALTHY),
    ],
)
def test_a_partition_is_hot_at_three_times_its_share_of_enough_records(counts: tuple[int, ...], cause: Cause) -> None:
    written = dict(zip(PLACES, counts, strict=False))
    verdict = judge_topic(facts(written=written, silent_ms=0))
    assert verdict.cause is cause


def test_a_hanging_transaction_names_how_to_end_it() -> None:
    hanging = HangingTransaction(ProducerState(PLACES[1], 7, 0, 0, 1, 0, 42), None)
    verdict = judge_topic(facts(hanging=(hanging,)))
    assert verdict.cause is Cause.HANGING_TRANSACTION
    assert "kcon txn abort t -p 1 --start-offset 42 --dry-run" in verdict.next_commands


def test_what_could_not_be_read_is_said() -> None:
    assert "x" in judge_topic(facts(problems=("x",))).evidence
