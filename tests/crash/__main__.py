"""The crash laboratory: strikes a broker until a tier's number of trials is reached, and prints what came of it.

    python -m tests.crash --tier pr|nightly|release [--only SCENARIO] [--state FILE] [--reset]

It can be interrupted and started again at any time: counters are kept in the state file and added up. Exit code 1
when anything was lost, duplicated, reordered, read with two values, or could not be acknowledged at all. The folder
of a chunk of trials that failed is kept, and its seed printed. After each chunk Apache Kafka's DumpLogSegments reads
every file that is left (where there is Java and Maven).
"""

import argparse
import functools
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from kcon_broker.settings import FlushMode
from tests.crash.apache_tool import dump, find_classpath
from tests.crash.counters import Counters, load_counters, save_counters, table
from tests.crash.disk_faults import run_disk_faults
from tests.crash.outcome import Outcome
from tests.crash.power_cuts import run_power_cuts
from tests.crash.scenarios import (
    kill,
    kill_during_recovery,
    kill_during_stop,
    may_mount,
    run_bit_flips,
    run_disk_full,
    run_failpoints,
    run_storage_cuts,
    run_strikes,
    stop_and_continue,
)

Scenario = Callable[[Path, int, int], Outcome]

SCENARIOS: dict[str, tuple[Scenario, int]] = {
    # name: (what runs it, trials of a chunk, which has a folder of its own)
    "kill -9": (partial(run_strikes, strike=kill), 25),
    "kill -9, flush=interval": (partial(run_strikes, strike=kill, options=("--flush", "interval=50")), 25),
    "kill -9, flush=os": (partial(run_strikes, strike=kill, options=("--flush", "os")), 25),
    "kill -9 during recovery": (partial(run_strikes, strike=kill_during_recovery), 10),
    "kill -9 during a clean stop": (partial(run_strikes, strike=kill_during_stop), 20),
    "SIGSTOP and SIGCONT": (partial(run_strikes, strike=stop_and_continue), 10),
    "disk full": (run_disk_full, 5),
    "power cut images, flush=always": (partial(run_power_cuts, flush=FlushMode.ALWAYS), 100),
    "power cut images, flush=interval": (partial(run_power_cuts, flush=FlushMode.INTERVAL), 100),
    "power cut images, flush=os": (partial(run_power_cuts, flush=FlushMode.OS), 100),
    "power cut images of storage": (run_storage_cuts, 500),
    "every step of roll, delete, compact, rename, stop, start": (run_failpoints, 1),
    "bit flips": (run_bit_flips, 1_000),
    "disk faults": (run_disk_faults, 20),
}
TIERS = {
    "pr": (50, 10, 10, 20, 20, 10, 5, 100, 100, 100, 500, 1, 5_000, 20),
    "nightly": (1_000, 100, 100, 300, 300, 100, 50, 1_000, 1_000, 1_000, 20_000, 50, 200_000, 500),
    "release": (10_000, 1_000, 1_000, 2_000, 2_000, 500, 200, 10_000, 10_000, 10_000, 200_000, 500, 2_000_000, 5_000),
}
"""Trials by tier, in the order of the scenarios."""


def run_chunk(name: str, trials: int, counters: Counters) -> bool:
    """Run some trials of a scenario on a new folder; return whether nothing was wrong."""
    scenario, _ = SCENARIOS[name]
    seed = random.randrange(2**32)
    scratch = Path(tempfile.mkdtemp(prefix="kcon-crash-"))
    began = time.monotonic()
    outcome = scenario(scratch / "data", trials, seed)
    if (classpath := _classpath()) is not None:
        outcome.dumped, complaints = dump(classpath, scratch)
        outcome.failures += complaints
    counters.add(outcome, time.monotonic() - began)
    if outcome.violations or outcome.failures:
        print(f"{name}, seed {seed}, folder {scratch}: {outcome.violations} {outcome.failures[:3]}", file=sys.stderr)
        return False
    shutil.rmtree(scratch)
    return True


@functools.cache
def _classpath() -> str | None:
    classpath = find_classpath()
    if classpath is None:
        print("no Java or no Maven: Apache Kafka's tool reads nothing of what is left", file=sys.stderr)
    return classpath


def main() -> int:
    """Run what is missing of a tier."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", choices=TIERS, required=True)
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="may be given several times")
    parser.add_argument("--state", type=Path, help="where the counters are kept between runs")
    parser.add_argument("--reset", action="store_true", help="begin at zero")
    arguments = parser.parse_args()
    state_home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    path = arguments.state or state_home / "kcon-crash" / f"{arguments.tier}.json"
    wanted = dict(zip(SCENARIOS, TIERS[arguments.tier], strict=True))
    counters = {} if arguments.reset else load_counters(path)
    try:
        for name in arguments.only or SCENARIOS:
            if name == "disk full" and not may_mount():
                print("disk full: skipped, this user may not mount a file system", file=sys.stderr)
                continue
            mine = counters.setdefault(name, Counters())
            while (missing := wanted[name] - mine.trials) > 0:
                is_good = run_chunk(name, min(missing, SCENARIOS[name][1]), mine)
                save_counters(path, counters)
                print(f"{name}: {mine.trials:,} of {wanted[name]:,}, {mine.violations} violations", flush=True)
                if not is_good:
                    break
    except KeyboardInterrupt:
        print("interrupted; the next run goes on from here", file=sys.stderr)
    print(table(counters, wanted))
    return int(any(each.violations for each in counters.values()))


if __name__ == "__main__":
    sys.exit(main())
