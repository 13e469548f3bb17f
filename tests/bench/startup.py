"""How much longer than a bare interpreter does a short command take? Paired runs, so that a busy machine counts twice.

    python tests/bench/startup.py [-b BOOTSTRAP] [-n RUNS]

Without a bootstrap only the commands that need no cluster are measured.
"""

import argparse
import subprocess
import sys
import time
from statistics import median


def run_ms(*argv: str) -> float:
    """Run a process to its end and return how long it took."""
    start = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - start) * 1_000


def main() -> None:
    """Print one line for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-b", "--bootstrap")
    parser.add_argument("-n", "--runs", type=int, default=15)
    options = parser.parse_args()
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


if __name__ == "__main__":
    main()
