"""Compaction and deletion of old records, as readers see them. The cleaner comes every 15 seconds."""

from tests.semantics.batches import record
from tests.semantics.case import waiting_case
from tests.semantics.kafka import EARLIEST, LATEST, Kafka

_DEADLINE_S = 60.0


def _compacted(kafka: Kafka, *records: tuple[bytes, bytes | None]) -> str:
    """Return a topic with a segment a record, the last one open, that was looked at by the cleaner."""
    topic = kafka.topic(
        cleanup_policy="compact",
        segment_ms="1",
        min_cleanable_dirty_ratio="0.0",
        min_compaction_lag_ms="0",
        delete_retention_ms="0",
    )
    for second, (key, value) in enumerate([*records, (b"open", b"open")]):
        assert not kafka.produce(topic, record(value, key=key, timestamp_ms=1_000 * second)).error_code
    return topic


def _left(kafka: Kafka, topic: str, count: int) -> list[tuple[int, bytes | None, bytes | None]]:
    """Return what is left, once it is as many."""
    found = kafka.until(lambda: kafka.records(topic), lambda records: len(records) == count, deadline_s=_DEADLINE_S)
    return [(one.offset, one.key, one.value) for one in found]


@waiting_case
def compaction_keeps_the_last_value_of_each_key_at_its_offset(kafka: Kafka) -> None:
    topic = _compacted(kafka, (b"a", b"1"), (b"b", b"1"), (b"a", b"2"))
    assert _left(kafka, topic, 3) == [(1, b"b", b"1"), (2, b"a", b"2"), (3, b"open", b"open")]
    assert (kafka.offset(topic, EARLIEST).offset, kafka.offset(topic, LATEST).offset) == (0, 4)
    assert kafka.records(topic, 0)[0].offset == 1


@waiting_case
def compaction_takes_a_key_away_whose_last_value_is_null(kafka: Kafka) -> None:
    topic = _compacted(kafka, (b"a", b"1"), (b"b", b"1"), (b"a", None))
    found = kafka.until(
        lambda: [one.value for one in kafka.records(topic) if one.key == b"a"],
        lambda values: b"1" not in values,
        deadline_s=_DEADLINE_S,
    )
    assert found in ([], [None])
    assert (b"b", b"1") in [(one.key, one.value) for one in kafka.records(topic)]


@waiting_case
def compaction_leaves_the_open_segment_alone(kafka: Kafka) -> None:
    topic = _compacted(kafka, (b"a", b"1"), (b"a", b"2"))
    assert not kafka.produce(topic, record(b"again", key=b"open", timestamp_ms=2_000)).error_code
    assert [value for _, _, value in _left(kafka, topic, 3)] == [b"2", b"open", b"again"]
