"""Do all semantic cases pass on both brokers? `python -m tests.semantics [--only WORD] [--kcon A] [--apache A]`

Prints a line a case with both columns, then the sums. Starts both brokers unless told where they are.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.semantics.brokers import running_apache, running_kcon
from tests.semantics.case import Case, load_cases
from tests.semantics.kafka import Broker, Kafka


def _run(cases: Sequence[Case], name: str, bootstrap: str) -> list[str]:
    """Return what is wrong with each case, "" for nothing."""
    broker = Broker(name, bootstrap)
    results = []
    for case in cases:
        try:
            with Kafka(broker) as kafka:
                case.check(kafka)
        except Exception:
            results.append(traceback.format_exc())
        else:
            results.append("")
    broker.side.close()
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases and print; return 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.semantics", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORD", help="cases whose name has this in it")
    parser.add_argument("--kcon", metavar="HOST:PORT", help="a running kcon broker")
    parser.add_argument("--apache", metavar="HOST:PORT", help="a running Apache Kafka")
    parser.add_argument("--failed", action="store_true", help="print what failed, and why, alone")
    options = parser.parse_args(arguments)
    cases = [case for case in load_cases() if options.only in case.id]
    if not cases:
        parser.error(f"no case has {options.only!r} in its name")
    started = time.monotonic()
    with running_kcon(options.kcon) as kcon, running_apache(options.apache) as apache, ThreadPoolExecutor(2) as pool:
        columns = list(pool.map(_run, [cases] * 2, ["kcon", "apache"], [kcon, apache]))
    for case, ours, theirs in zip(cases, *columns, strict=True):
        if not options.failed or ours or theirs:
            print(f"{'FAILS' if ours else 'ok':6} {'FAILS' if theirs else 'ok':6} {case.id}")
        for name, why in (("kcon", ours), ("apache", theirs)):
            if why:
                print("".join(f"        {name}: {line}\n" for line in why.splitlines()[-8:]))
    passed = [sum(not result for result in column) for column in columns]
    print(
        f"{len(cases)} cases, passed: kcon {passed[0]}, Apache Kafka {passed[1]} ({time.monotonic() - started:.0f} s)"
    )
    return int(passed != [len(cases)] * 2)


if __name__ == "__main__":
    sys.exit(main())
