"""Does `kcon why` tell the truth? `python -m tests.verdicts [--seeds N] [--first-seed N] [--only WORD] [--replicated]`

Stages incidents and healthy histories on real brokers, asks, and prints a table: how often the cause was right, unknown
or wrong. Seeds below 3,000 are for trying rules out; the table in docs/verdicts.md is of later ones.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from kcon.core.verdict import Cause
from kcon.services.apache_kafka import resolve_classpath
from kcon.services.local_broker import LocalBrokerOptions, start_local_broker
from kcon.services.local_cluster import LocalClusterOptions, start_local_cluster
from tests.verdicts.healthy import HEALTHY
from tests.verdicts.incidents import ONE_NODE, Incident
from tests.verdicts.replicated import incidents as replicated_incidents
from tests.verdicts.stage import Stage

FIRST_SEED = 3_000
TOGETHER = 10
"""So many histories of one kind go on at the same time."""
CASE_S = 240.0


class Outcome(NamedTuple):
    """What was said of one history."""

    incident: str
    seed: int
    said: str
    is_right: bool
    headline: str

    @property
    def is_unknown(self) -> bool:
        """It was said that nothing can be said."""
        return self.said == Cause.UNKNOWN.value


async def run_case(stage: Stage, incident: Incident, seed: int) -> Outcome:
    """Stage one history, ask, and take it down."""
    try:
        async with asyncio.timeout(CASE_S), incident.staging(stage, Random(f"{incident.name} {seed}")) as ask:
            verdict = await ask()
    except Exception as error:
        outcome = Outcome(incident.name, seed, "not staged", False, f"{type(error).__name__}: {error}")
    else:
        right = verdict.cause in incident.causes
        outcome = Outcome(incident.name, seed, verdict.cause.value, right, verdict.headline)
    print(f"{incident.name}, seed {seed}: {outcome.said}", file=sys.stderr, flush=True)
    return outcome


async def run_all(stage: Stage, incidents: Sequence[Incident], seeds: Sequence[int]) -> list[Outcome]:
    """Run every incident with every seed; some go on together, those about the cluster each alone."""
    outcomes: list[Outcome] = []
    for incident in incidents:
        room = asyncio.Semaphore(1 if incident.is_alone else TOGETHER)

        async def one(seed: int, incident: Incident = incident, room: asyncio.Semaphore = room) -> Outcome:
            async with room:
                return await run_case(stage, incident, seed)

        outcomes += await asyncio.gather(*(one(seed) for seed in seeds))
    return outcomes


async def run_mixed(stage: Stage, incidents: Sequence[Incident], seed: int) -> list[Outcome]:
    """Run every incident once, all that may go on together at the same time."""
    told = await asyncio.gather(*(run_case(stage, each, seed) for each in incidents if not each.is_alone))
    return [*told, *[await run_case(stage, each, seed) for each in incidents if each.is_alone]]


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the rows, and what was wrong."""
    lines = [f"{'history':28} {'runs':>5} {'right':>6} {'unknown':>8} {'wrong':>6}"]
    names = list(dict.fromkeys(outcome.incident for outcome in outcomes))
    for name in [*names, "incidents", "well"]:
        if name in names:
            mine = [each for each in outcomes if each.incident == name]
        else:
            mine = [each for each in outcomes if each.incident.startswith("well:") == (name == "well")]
        if mine:
            right, unknown = sum(each.is_right for each in mine), sum(each.is_unknown for each in mine)
            lines.append(f"{name:28} {len(mine):5} {right:6} {unknown:8} {len(mine) - right - unknown:6}")
    for each in outcomes:
        if not each.is_right:
            lines.append(f"  {each.incident}, seed {each.seed}: {each.said}: {each.headline}")
    return "\n".join(lines)


async def _one_node(incidents: Sequence[Incident], seeds: Sequence[int]) -> list[Outcome]:
    with tempfile.TemporaryDirectory(prefix="kcon-verdicts-") as folder:
        broker = await start_local_broker(LocalBrokerOptions(data_dir=Path(folder) / "data"))
        try:
            async with Stage(broker.bootstrap, Path(folder)) as stage:
                return await run_all(stage, incidents, seeds)
        finally:
            await broker.stop()


async def _replicated(only: str, seeds: Sequence[int]) -> list[Outcome]:
    with tempfile.TemporaryDirectory(prefix="kcon-verdicts-") as folder:
        options = LocalClusterOptions(data_dir=Path(folder) / "data", nodes=3, heap_mb=256, dies_with_parent=True)
        nodes = await start_local_cluster(await resolve_classpath(), options)
        try:
            async with Stage(nodes.bootstrap, Path(folder)) as stage:
                chosen = [each for each in replicated_incidents(nodes) if only in each.name]
                return await run_all(stage, chosen, seeds)
        finally:
            await nodes.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; 1 when a verdict was wrong, more than a tenth were unknown, or something was said of the well."""
    parser = argparse.ArgumentParser(prog="python -m tests.verdicts", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--only", default="", metavar="WORD", help="histories whose name has this in it")
    parser.add_argument("--replicated", action="store_true", help="those on three nodes of Apache Kafka alone")
    parser.add_argument("--one-node", action="store_true", help="those on kcon's broker alone")
    options = parser.parse_args(arguments)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    began = time.monotonic()
    outcomes = run(seeds, options.only, one_node=not options.replicated, replicated=not options.one_node)
    print(table(outcomes))
    print(f"seeds {seeds.start} to {seeds.stop - 1}, {time.monotonic() - began:.0f} s")
    return int(not is_good(outcomes))


def run(seeds: Sequence[int], only: str = "", *, one_node: bool = True, replicated: bool = True) -> list[Outcome]:
    """Stage what has the word `only` in its name, on kcon's broker and on three nodes of Apache Kafka."""
    outcomes: list[Outcome] = []
    if one_node:
        outcomes += asyncio.run(_one_node([each for each in (*ONE_NODE, *HEALTHY) if only in each.name], seeds))
    if replicated:
        outcomes += asyncio.run(_replicated(only, seeds))
    return outcomes


def is_good(outcomes: Sequence[Outcome]) -> bool:
    """Whether the bar is met."""
    ill = [each for each in outcomes if not each.incident.startswith("well:")]
    well = [each for each in outcomes if each.incident.startswith("well:")]
    wrong = [each for each in ill if not each.is_right and not each.is_unknown]
    return not wrong and sum(each.is_unknown for each in ill) <= len(ill) / 10 and all(each.is_right for each in well)


if __name__ == "__main__":
    sys.exit(main())
