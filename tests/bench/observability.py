"""Every bar of the observability half in one table: lag, refresh, exporter, history, verdicts.

    python -m tests.bench.observability                     all of it; makes the big cluster, deletes it
    python -m tests.bench.observability -b HOST:PORT        on a big cluster that runs already
    python -m tests.bench.observability --parts lag,history --series 1000 --days 7
    python -m tests.bench.observability --quick             a little of everything but the big cluster

Each part is a process of its own, since memory is one of the figures. A part that fails is named, and the others are
measured. Figures are printed, never asserted: machines differ. Exit 1 when a bar is missed.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.bars import Bar, bars_from_text, bars_to_text, format_bars
from tests.bench.subjects import machine

DAYS = 20
"""Simulated days of lag, each of another seed."""


def measure_lag(options: argparse.Namespace) -> list[Bar]:
    """Watch simulated days: a warm watch, hours of lag, a cold start hours behind."""
    from tests.kcon.core.lag_simulation import POLL_S, Day, make_day

    days: list[Day] = []
    cold: list[Day] = []
    for seed in range(2 if options.quick else DAYS):
        days.append(make_day(seed, lambda _second: 150).watch())
        days.append(make_day(1_000 + seed, lambda second: 20 if second < 40_000 else 220).watch())
        cold.append(make_day(2_000 + seed, lambda _second: 130, behind_s=10_800).watch(since_s=10_800))
    answers = sum(len(day.errors_ms) for day in [*days, *cold])
    print(f"{answers:,} answers of {len(days) + len(cold)} days, {sum(day.probed for day in cold):,} probes when cold")
    return [
        Bar(
            "p99 of the error of a time lag, the worst day", max(d.percentile_ms(0.99) for d in days) / 1e3, POLL_S, "s"
        ),
        Bar("the same after a cold start 3 h behind", max(d.percentile_ms(0.99) for d in cold) / 1e3, POLL_S, "s"),
        Bar("answers that were extrapolated", sum(day.extrapolated for day in [*days, *cold]), 0, ""),
        Bar("answers farther off than they said", sum(day.wrong_bounds for day in [*days, *cold]), 0, ""),
        Bar("unknown after a cold start, where a probe should answer", sum(day.unknown for day in cold), 0, ""),
    ]


def measure_refresh(options: argparse.Namespace) -> list[Bar]:
    """Look at the big cluster."""
    from tests.bench.big_cluster import running
    from tests.bench.refresh import refreshes

    if options.bootstrap:
        return asyncio.run(refreshes(options.bootstrap, options.runs))
    with tempfile.TemporaryDirectory(prefix="kcon-bench-") as scratch:
        topics, groups = (200, 50) if options.quick else (10_000, 2_000)
        with running(Path(scratch), topics, groups, heap_mb=1_536) as cluster:
            return asyncio.run(refreshes(",".join(cluster.bootstrap), options.runs))


def measure_exporter(options: argparse.Namespace) -> list[Bar]:
    """Scrape a made-up cluster."""
    from tests.bench.exporter import measure

    return asyncio.run(measure(1_250, 250, 1 if options.quick else options.runs))


def measure_history(options: argparse.Namespace) -> list[Bar]:
    """Write and read days of history."""
    from tests.bench.history import measure

    return measure(200, 0.2) if options.quick else measure(options.series, options.days)


def measure_verdicts(options: argparse.Namespace) -> list[Bar]:
    """Stage incidents and healthy histories."""
    from tests.verdicts.__main__ import FIRST_SEED, run, table

    first = options.first_seed or FIRST_SEED
    seeds = range(first, first + (1 if options.quick else options.seeds))
    outcomes = run(seeds, replicated=not options.quick)
    print(table(outcomes))
    ill = [each for each in outcomes if not each.incident.startswith("well:")]
    well = [each for each in outcomes if each.incident.startswith("well:")]
    unknown = sum(each.is_unknown for each in ill)
    return [
        Bar(f"wrong verdicts of {len(ill)} incidents", len(ill) - unknown - sum(each.is_right for each in ill), 0, ""),
        Bar("unknown of them", 100 * unknown / len(ill), 10, "%"),
        Bar(f"said anything of {len(well)} healthy histories", sum(not each.is_right for each in well), 0, ""),
    ]


PARTS: dict[str, Callable[[argparse.Namespace], list[Bar]]] = {
    "lag": measure_lag,
    "refresh": measure_refresh,
    "exporter": measure_exporter,
    "history": measure_history,
    "verdicts": measure_verdicts,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-b", "--bootstrap", default="")
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--days", type=float, default=7)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--into", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [part for part in options.parts.split(",") if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]}")
    return options


def main() -> int:
    """Measure each part in a process of its own, or, with --into, one part in this one."""
    options = _options()
    parts = options.parts.split(",")
    if options.into:
        Path(options.into).write_text(bars_to_text(PARTS[parts[0]](options)))
        return 0
    bars: list[Bar] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="kcon-bars-") as scratch:
        for part in parts:
            print(f"\n== {part}", flush=True)
            into = Path(scratch) / part
            argv = [
                sys.executable,
                "-m",
                "tests.bench.observability",
                *sys.argv[1:],
                "--parts",
                part,
                "--into",
                str(into),
            ]
            if subprocess.run(argv, check=False).returncode or not into.exists():
                failed.append(part)
                continue
            bars += bars_from_text(into.read_text())
    print(f"\n{machine()}\n\n{format_bars(bars)}")
    for part in failed:
        print(f"not measured, it failed: {part}")
    return int(bool(failed) or not all(bar.is_met for bar in bars))


if __name__ == "__main__":
    sys.exit(main())
