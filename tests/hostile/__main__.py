"""Hostile input: attacks the parser and live brokers until a tier's number of trials is reached.

    python -m tests.hostile --tier pr|nightly|release [--only SCENARIO] [--state FILE] [--reset]
    python -m tests.hostile --only parser --trials 1000000

It can be interrupted and started again at any time: counters are kept in the state file and added up. Exit code 1 when
anything failed. The seed of a chunk of trials that failed is printed.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile import scenarios
from tests.hostile.parser_fuzz import ParserFuzz, Tally, peak_rss_bytes, table, warm_up
from tests.hostile.scenarios import Outcome

RSS_GROWTH_MIB_MAX = 64
"""Of the parser fuzz, over the whole run."""
_parser_tally = Tally()
_rss_before_bytes = 0


def run_parser(trials: int, seed: int) -> Outcome:
    """Feed so many frames to the parser of this process."""
    global _rss_before_bytes
    if not _rss_before_bytes:
        warm_up()
        _rss_before_bytes = peak_rss_bytes()
    known = len(_parser_tally.failures)
    before = _parser_tally.reached_total
    ParserFuzz(seed).run(trials, _parser_tally)
    growth_mib = (peak_rss_bytes() - _rss_before_bytes) / 2**20
    outcome = Outcome(trials, _parser_tally.failures[known:])
    outcome.figures["RSS growth MiB"] = growth_mib
    outcome.figures["slowest frame ms"] = _parser_tally.slowest_ms
    if growth_mib >= RSS_GROWTH_MIB_MAX:
        outcome.failures.append(f"the memory grew by {growth_mib:.0f} MiB")
    if (_parser_tally.reached_total - before) * 2 < trials:
        outcome.failures.append("less than half of the frames reached the decoder of a body")
    return outcome


SCENARIOS: dict[str, tuple[Callable[[int, int], Outcome], int]] = {
    # name: (what runs it, trials of a chunk)
    "parser": (run_parser, 50_000),
    "socket fuzz": (scenarios.run_socket_fuzz, 5_000),
    "connect flood": (scenarios.run_connect_flood, 2_000),
    "slow clients": (scenarios.run_slow_clients, 500),
    "fetch abuse": (scenarios.run_fetch_abuse, 5),
    "out of descriptors": (scenarios.run_out_of_descriptors, 5),
    "soak": (scenarios.run_soak, 30),
}
TIERS = {
    "pr": (100_000, 10_000, 2_000, 99, 1, 1, 0),
    "nightly": (10_000_000, 1_000_000, 10_000, 500, 20, 5, 120),
    "release": (100_000_000, 10_000_000, 1_000_000, 2_000, 200, 20, 1_440),
}
"""Trials by tier, in the order of the scenarios: frames, frames, connects, clients, rounds, rounds, minutes."""


@dataclass(slots=True)
class Sums:
    """What one scenario came to over all runs."""

    trials: int = 0
    failures: int = 0
    seconds: float = 0.0
    figures: dict[str, float] = field(default_factory=dict)

    def add(self, outcome: Outcome, seconds: float) -> None:
        """Take in some trials."""
        self.trials += outcome.trials
        self.failures += len(outcome.failures)
        self.seconds += seconds
        for name, value in outcome.figures.items():
            self.figures[name] = max(value, self.figures.get(name, value))


def load(path: Path) -> dict[str, Sums]:
    """Return what was kept; nothing when there is no file yet."""
    if not path.exists():
        return {}
    return {name: Sums(**values) for name, values in json.loads(path.read_text()).items()}


def save(path: Path, sums: dict[str, Sums]) -> None:
    """Keep the sums, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    fields = ("trials", "failures", "seconds", "figures")
    aside.write_text(json.dumps({name: {key: getattr(each, key) for key in fields} for name, each in sums.items()}))
    os.replace(aside, path)


def report(sums: dict[str, Sums], wanted: dict[str, int]) -> str:
    """Return the table in Markdown."""
    lines = ["| attack | trials | failures | worst figures | seconds |", "|---|---:|---:|---|---:|"]
    for name, target in wanted.items():
        each = sums.get(name, Sums())
        figures = ", ".join(f"{key} {value:.1f}" for key, value in each.figures.items())
        lines.append(f"| {name} | {each.trials:,} of {target:,} | {each.failures:,} | {figures} | {each.seconds:.0f} |")
    return "\n".join(lines)


def main() -> int:
    """Run what is missing of a tier."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", choices=TIERS, default="pr")
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="may be given several times")
    parser.add_argument("--trials", type=int, help="another number than the tier's")
    parser.add_argument("--seed", type=int, help="of the first chunk; it is printed when a chunk fails")
    parser.add_argument("--state", type=Path, help="where the counters are kept between runs")
    parser.add_argument("--reset", action="store_true", help="begin at zero")
    arguments = parser.parse_args()
    state_home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    path = arguments.state or state_home / "kcon-hostile" / f"{arguments.tier}.json"
    wanted = dict(zip(SCENARIOS, TIERS[arguments.tier], strict=True))
    if arguments.only:
        wanted = {name: arguments.trials or wanted[name] for name in arguments.only}
    sums = {} if arguments.reset else load(path)
    seeds = random.Random(arguments.seed)
    try:
        for name, target in wanted.items():
            mine = sums.setdefault(name, Sums())
            run, chunk = SCENARIOS[name]
            while (missing := target - mine.trials) > 0:
                seed = seeds.randrange(2**32)
                began = time.monotonic()
                outcome = run(min(missing, chunk), seed)
                mine.add(outcome, time.monotonic() - began)
                save(path, sums)
                print(f"{name}: {mine.trials:,} of {target:,}, {mine.failures} failures", flush=True)
                if outcome.failures:
                    print(f"{name}, seed {seed}: {outcome.failures[:3]}", file=sys.stderr)
                    break
    except KeyboardInterrupt:
        print("interrupted; the next run goes on from here", file=sys.stderr)
    if _parser_tally.frames:
        print(table(_parser_tally) + "\n")
    print(report(sums, wanted))
    return int(any(sums[name].failures for name in wanted if name in sums))


if __name__ == "__main__":
    sys.exit(main())
