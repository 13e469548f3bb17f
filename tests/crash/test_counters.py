"""Counters of several runs add up, and a run that was interrupted loses nothing of those before."""

from pathlib import Path

from tests.crash.counters import Counters, load_counters, save_counters, table
from tests.crash.history import Violations, Written
from tests.crash.outcome import Outcome


def test_counters_outlive_a_run(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "pr.json"
    assert load_counters(path) == {}
    counters = {"kill -9": Counters()}
    counters["kill -9"].add(Outcome(trials=25, hits=25, acknowledged=1_000, read=900), 2.0)
    save_counters(path, counters)
    counters = load_counters(path)
    counters["kill -9"].add(Outcome(trials=25, hits=24, acknowledged=500, dumped=7), 1.5)
    assert counters["kill -9"] == Counters(trials=50, hits=49, acknowledged=1_500, read=900, dumped=7, seconds=3.5)
    assert counters["kill -9"].violations == 0
    assert "| kill -9 | 50 of 1,000 | 49 | 1,500 | 900 | 0 | 0 | 7 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 4 |" in table(
        counters, {"kill -9": 1_000}
    )


def test_every_kind_of_violation_counts() -> None:
    counters = Counters()
    lost = Written(0, 0, b"a:0")
    counters.add(Outcome(trials=1, violations=Violations(lost=[lost], gaps=[(0, 1)]), failures=["late"]), 0)
    counters.add(Outcome(trials=1, violations=Violations(duplicated=[b"a:0"], reordered=[(0, b"", b"")])), 0)
    counters.add(Outcome(trials=1, violations=Violations(two_values=[(0, 0, b"", b"")])), 0)
    counters.add(Outcome(trials=1, violations=Violations(aborted_reads=[lost], poll_skips=[(0, 1)])), 0)
    assert counters.violations == 8
