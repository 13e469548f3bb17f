"""Round trips together: percentiles by nearest rank, and every kind of failure counted once."""

import pytest

from kcon.core.probe_report import RoundTrip, report, spread


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], (None, None, None)),
        ([None], (None, None, None)),
        ([5.0], (5.0, 5.0, 5.0)),
        ([2.0, 1.0], (1.0, 2.0, 2.0)),
        ([float(n) for n in range(1, 101)], (50.0, 99.0, 100.0)),
        ([float(n) for n in range(1, 102)], (51.0, 100.0, 101.0)),
    ],
)
def test_percentiles(times: list[float | None], expected: tuple[float | None, ...]) -> None:
    assert spread(times) == expected


def trip(
    produce: float | None = 1.0, seen: float | None = 2.0, commit: float | None = 3.0, copies: int = 1
) -> RoundTrip:
    return RoundTrip(0, produce, seen, commit, copies)


def test_all_went_well() -> None:
    assert report([trip(), trip()]).is_well


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (trip(produce=None, seen=None, commit=None, copies=0), "not_acknowledged"),
        (trip(seen=None, commit=None, copies=0), "lost"),
        (trip(copies=2), "duplicates"),
        (trip(commit=None), "not_committed"),
    ],
)
def test_each_failure_is_counted_as_what_it_is(bad: RoundTrip, field: str) -> None:
    told = report([trip(), bad])
    assert not told.is_well
    assert [name for name in ("not_acknowledged", "lost", "duplicates", "not_committed") if getattr(told, name)] == [
        field
    ]


def test_the_first_round_trip_is_not_timed_unless_it_is_alone() -> None:
    first = trip(produce=900.0)._replace(is_timed=False)
    assert report([first, trip()]).produce.max_ms == 1.0
    assert report([first]).produce.max_ms == 900.0
