"""EIO, short writes, no space and failed syncs: a short tier of `python -m tests.crash --only "disk faults"`."""

import random
from pathlib import Path

from tests.crash.disk_faults import FAULTS, run_disk_faults


def test_nothing_is_acknowledged_that_a_failing_disk_does_not_hold(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    outcome = run_disk_faults(tmp_path, 2 * len(FAULTS), seed)
    assert outcome.failures == []
    assert not outcome.violations, outcome.violations
    assert outcome.acknowledged > 0
