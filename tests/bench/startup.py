"""How much longer than a bare interpreter does a short command take? Paired runs, so that a busy machine counts twice.

    python -m tests.bench.startup [-b BOOTSTRAP] [-n RUNS]

Without a bootstrap only the commands that need no cluster are measured.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from statistics import median, quantiles

from kcon.cli.name_cache import cache_file
from tests.bench.subjects import use_compiled_modules

COMPLETION_MS_MAX = 150
"""Somebody waits for it with a finger on the tab key."""


def run_ms(*argv: str, env: Mapping[str, str] | None = None) -> float:
    """Run a process to its end and return how long it took."""
    start = time.perf_counter()
    subprocess.run(
        argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False, env=env
    )
    return (time.perf_counter() - start) * 1_000


def completion_ms(runs: int, names: int = 10_000) -> list[float]:
    """Return how long the names of topics took that a completion script asks for, from a cache of so many."""
    with tempfile.TemporaryDirectory(prefix="kcon-bench-") as folder:
        places = {f"KCON_{kind}_DIR": f"{folder}/{kind.lower()}" for kind in ("CONFIG", "STATE", "CACHE")}
        environment = {**{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}, **places}
        path = cache_file("topic", (), environment)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps([f"team-{index % 50}.orders.{index}" for index in range(names)]))
        argv = (sys.executable, "-m", "kcon", "__names", "topic", "team-7.", "topic", "describe")
        told = subprocess.run(argv, env=environment, capture_output=True, check=True).stdout.split()
        assert len(told) == names // 50, "the cache answers"
        return [run_ms(*argv, env=environment) for _ in range(runs)]


def main() -> None:
    """Print one line for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-b", "--bootstrap")
    parser.add_argument("-n", "--runs", type=int, default=15)
    options = parser.parse_args()
    use_compiled_modules()
    commands = [("--help",), ("topic", "list", "--help"), ("errcode", "3")]
    if options.bootstrap:
        commands += [
            (*words, "-b", options.bootstrap)
            for words in (("topic", "list"), ("group", "list"), ("broker", "list"), ("cluster", "info"))
        ]
    print(f"{'command':<28} {'bare ms':>8} {'kcon ms':>8} {'ratio':>6}")
    for words in commands:
        pairs = [
            (run_ms(sys.executable, "-c", "pass"), run_ms(sys.executable, "-m", "kcon", *words))
            for _ in range(options.runs)
        ]
        name = " ".join(words[:2] if words[0] != "errcode" else words)
        ratio = median(kcon / bare for bare, kcon in pairs)
        print(f"{name:<28} {median(b for b, _ in pairs):>8.1f} {median(k for _, k in pairs):>8.1f} {ratio:>6.1f}")
    found = completion_ms(max(2, options.runs))
    print(
        f"completing a topic of 10,000 from the cache: median {median(found):.0f} ms, "
        f"95% {quantiles(found, n=20)[-1]:.0f} ms (bound {COMPLETION_MS_MAX} ms)"
    )


if __name__ == "__main__":
    main()
