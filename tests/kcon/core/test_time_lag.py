"""How old the oldest unread record is: exact, interpolated, a lower bound or unknown, and never a guess."""

import pytest

from kcon.core.head_history import HeadHistory
from kcon.core.time_lag import SKEW_MS, LagQuality, Probe, TimeLag, needs_probe, time_lag, worst_time_lag

NOW_MS = 1_000_000


@pytest.fixture
def history() -> HeadHistory:
    """Return a table that knows offsets 100 to 300 over the last 60 s."""
    made = HeadHistory()
    for end, time_ms in ((100, NOW_MS - 60_000), (200, NOW_MS - 30_000), (300, NOW_MS)):
        made.observe(end, time_ms)
    return made


def probe(
    at: int, *, base: int | None = None, last: int | None = None, age_ms: int = 5_000, width_ms: int = 0
) -> Probe:
    return Probe(
        asked_offset=at,
        base_offset=at if base is None else base,
        last_offset=at if last is None else last,
        base_timestamp_ms=NOW_MS - age_ms,
        max_timestamp_ms=NOW_MS - age_ms + width_ms,
    )


def of(committed: int | None, history: HeadHistory | None = None, **more: object) -> TimeLag:
    values = {"start": 0, "end": 300, "now_ms": NOW_MS, **more}
    return time_lag(committed=committed, history=history, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("committed", [300, 301])
def test_at_the_end_it_is_exactly_nothing(committed: int, history: HeadHistory) -> None:
    assert of(committed, history) == TimeLag(value_ms=0, quality=LagQuality.EXACT)


@pytest.mark.parametrize(("committed", "end"), [(None, 300), (-1, 300), (100, None)])
def test_without_a_commit_or_an_end_it_is_unknown(committed: int | None, end: int | None, history: HeadHistory) -> None:
    lag = of(committed, history, end=end)
    assert (lag.value_ms, lag.quality) == (None, LagQuality.UNKNOWN)
    assert not needs_probe(lag, committed=committed, end=end)


def test_inside_the_table_it_is_interpolated_with_the_width_of_the_segment(history: HeadHistory) -> None:
    lag = of(250, history)
    assert lag.quality is LagQuality.INTERPOLATED
    assert lag.value_ms == pytest.approx(15_000, abs=200)
    assert lag.error_ms == 30_000


def test_before_the_table_it_is_unknown_until_a_probe_tells(history: HeadHistory) -> None:
    cold = of(50, history)
    assert cold.quality is LagQuality.UNKNOWN
    assert needs_probe(cold, committed=50, end=300)
    assert of(50, history, probe=probe(50, age_ms=90_000)) == TimeLag(value_ms=90_000, quality=LagQuality.EXACT)


def test_a_probe_of_another_offset_tells_nothing() -> None:
    assert of(51, probe=probe(50)).quality is LagQuality.UNKNOWN


def test_a_record_inside_a_probed_batch_lies_on_the_line_through_it() -> None:
    lag = of(75, probe=probe(75, base=50, last=100, age_ms=10_000, width_ms=4_000))
    assert (lag.value_ms, lag.error_ms, lag.quality) == (8_000, 4_000, LagQuality.EXACT)


def test_where_compaction_took_the_record_it_is_a_lower_bound() -> None:
    assert of(50, probe=probe(50, base=60, last=60)).quality is LagQuality.LOWER_BOUND


def test_what_retention_took_unread_makes_it_a_lower_bound(history: HeadHistory) -> None:
    lag = of(50, history, start=150)
    assert lag.quality is LagQuality.LOWER_BOUND
    assert lag.value_ms == pytest.approx(45_000, abs=200)
    assert of(50, None, start=300).quality is LagQuality.LOWER_BOUND


@pytest.mark.parametrize(
    ("age_ms", "start_time_ms", "shown_ms"),
    [(-3_600_000, None, 0), (50 * 365 * 86_400_000, NOW_MS - 60_000, 60_000)],
)
def test_a_timestamp_that_cannot_be_is_cut_and_flagged(age_ms: int, start_time_ms: int | None, shown_ms: int) -> None:
    lag = of(50, probe=probe(50, age_ms=age_ms), start_time_ms=start_time_ms)
    assert (lag.value_ms, lag.is_implausible) == (shown_ms, True)


@pytest.mark.parametrize(("ahead_ms", "is_implausible"), [(SKEW_MS - 1, False), (SKEW_MS, False), (SKEW_MS + 1, True)])
def test_a_record_that_is_a_little_newer_than_the_question_is_no_skew(ahead_ms: int, is_implausible: bool) -> None:
    assert of(50, probe=probe(50, age_ms=-ahead_ms)).is_implausible == is_implausible


def test_the_worst_of_many_counts_what_is_unknown() -> None:
    unknown = of(None)
    some = TimeLag(value_ms=5, quality=LagQuality.EXACT)
    more = TimeLag(value_ms=7, quality=LagQuality.INTERPOLATED)
    worst = worst_time_lag([some, unknown, more])
    assert (worst.worst, worst.unknown) == (more, 1)
    assert worst_time_lag([unknown]).worst.value_ms is None


def test_each_quality_has_a_mark() -> None:
    assert "".join(quality.mark for quality in LagQuality) == "=≈≥—"
