"""Whatever happens to the broker under an idempotent load, nothing acknowledged is lost, duplicated or reordered.

Two producers (acks=all, idempotent) and one reader live through all of it, as real clients do. Each trial
acknowledges at least 1,000 records and strikes with requests in flight. `KCON_KILL_LOOPS` and `KCON_CRASH_SEED`
choose another number or another run; the seed is printed. `python -m tests.crash` runs more of them.
"""

import os
import random
from pathlib import Path

import pytest

from tests.crash.apache_tool import dump
from tests.crash.load import PARTITIONS
from tests.crash.outcome import Outcome
from tests.crash.scenarios import (
    kill,
    kill_during_recovery,
    kill_during_stop,
    may_mount,
    run_disk_full,
    run_strikes,
    stop_and_continue,
)

LOOPS = int(os.environ.get("KCON_KILL_LOOPS", "50"))

pytestmark = pytest.mark.slow


def seed() -> int:
    chosen = int(os.environ.get("KCON_CRASH_SEED", str(random.randrange(2**32))))
    print(f"KCON_CRASH_SEED={chosen}")
    return chosen


def check(outcome: Outcome) -> None:
    print(
        f"{outcome.trials} trials, {outcome.hits} with requests in flight, {outcome.acknowledged} acknowledged,"
        f" {outcome.read} read"
    )
    assert not outcome.failures
    assert not outcome.violations, outcome.violations
    assert outcome.hits == outcome.trials
    assert outcome.read > 0


@pytest.mark.java
@pytest.mark.timeout(1_200)
def test_kill_9_loses_duplicates_and_reorders_nothing(tmp_path: Path, apache_classpath: str) -> None:
    """Each loop: at least 1,000 more acknowledgements, then SIGKILL with requests in flight, then a start.

    Apache Kafka's own tool reads what is left.
    """
    check(run_strikes(tmp_path / "data", LOOPS, seed(), kill))
    read, complaints = dump(apache_classpath, tmp_path)
    assert read > PARTITIONS
    assert complaints == []


@pytest.mark.timeout(600)
def test_a_kill_during_recovery_loses_nothing(tmp_path: Path) -> None:
    """Recovery can be done again from any point."""
    check(run_strikes(tmp_path / "data", 10, seed(), kill_during_recovery))


@pytest.mark.timeout(600)
def test_a_kill_during_a_clean_stop_loses_nothing(tmp_path: Path) -> None:
    """Half a stop must not look like a clean one."""
    check(run_strikes(tmp_path / "data", 10, seed(), kill_during_stop))


@pytest.mark.timeout(300)
def test_a_broker_that_stands_still_for_a_while_goes_on(tmp_path: Path) -> None:
    """SIGSTOP, SIGCONT: clients retry what was answered late, and nothing is written twice."""
    check(run_strikes(tmp_path / "data", 5, seed(), stop_and_continue))


@pytest.mark.timeout(300)
def test_a_full_disk_is_lived_through(tmp_path: Path) -> None:
    """A small file system is filled to the last byte and made free again, without a restart."""
    if not may_mount():
        pytest.skip("this user may not mount a file system in a namespace of its own")
    check(run_disk_full(tmp_path / "data", 3, seed()))
