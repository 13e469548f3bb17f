"""What has the comparison of many requests found, over all its parts? `python -m tests.differential.tally FILE`

A run with KCON_DIFFERENTIAL_TALLY=FILE adds a line of JSON for each API it has compared; a part that is run again takes
the place of the earlier one. So a run that was stopped goes on with the APIs that the file lacks, and this prints the
whole: a line a version, the sums, and what is missing. `--page` prints docs/comparison.md from it.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kcon_broker.wire.api_keys import ApiKey
from tests.differential.catalogue import advertised
from tests.differential.run import Count, Counts, table, too_few
from tests.differential.seeded_bugs import SEEDED_BUGS

SHARE_WITHOUT_ERROR_MIN: Final = 0.6
"""Answers without an error of the whole request, of all: refusals are easy to get right."""
UNSERVED: Final = frozenset({(ApiKey.PRODUCE, version) for version in range(3)})
"""Advertised, but refused by both brokers (KAFKA-18659): there is no valid request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One API, compared in all its versions."""

    key: ApiKey
    set_up: str
    """"plain", or "authorized" for brokers with an authorizer."""
    seed: int
    cases: int
    date: str
    counts: Counts
    requests: int
    """All that were sent to each broker: with those of other APIs that prepare."""

    def to_json(self) -> str:
        """Return the line of the file."""
        counts = [[int(key), version, *count.numbers()] for (key, version), count in self.counts.items()]
        fields = {"set_up": self.set_up, "seed": self.seed, "cases": self.cases, "date": self.date}
        return json.dumps({"api": self.key.name, **fields, "requests": self.requests, "counts": counts})


def parse_part(line: str) -> Part:
    """Return what `Part.to_json` wrote."""
    found = json.loads(line)
    counts: Counts = {}
    for key, version, *numbers in found["counts"]:
        counts.setdefault((ApiKey(key), version), Count()).add(numbers)
    rest = {name: found[name] for name in ("set_up", "seed", "cases", "date", "requests")}
    return Part(key=ApiKey[found["api"]], counts=counts, **rest)


def read_parts(path: Path) -> list[Part]:
    """Return the newest part of each API and set-up, in the order of the APIs."""
    parts = {}
    for line in path.read_text().splitlines():
        part = parse_part(line)
        parts[part.key, part.set_up] = part
    return [parts[place] for place in sorted(parts)]


def sums(parts: Sequence[Part]) -> Counts:
    """Return the counts of all parts together."""
    counts: Counts = {}
    for part in parts:
        for place, count in part.counts.items():
            counts.setdefault(place, Count()).add(count.numbers())
    return counts


def share_without_error(counts: Mapping[tuple[ApiKey, int], Count]) -> float:
    """Return which part of the answers carries no error of the whole request."""
    total = sum(count.total for count in counts.values())
    return sum(count.without_error for count in counts.values()) / max(1, total)


def problems(parts: Sequence[Part], least: int) -> list[str]:
    """Return what keeps these parts from being a whole and clean run."""
    counts = sums(parts)
    missing = [key.name for key in advertised() if all((part.key, part.set_up) != (key, "plain") for part in parts)]
    found = [f"not compared: {', '.join(missing)}"] if missing else []
    found += too_few(counts, least)
    found += [f"{key.name} v{version}: {count.differing} differ" for (key, version), count in sorted(counts.items())
              if count.differing]  # fmt: skip
    share = share_without_error(counts)
    if share < SHARE_WITHOUT_ERROR_MIN:
        found.append(f"{share:.1%} are answered without an error, wanted are {SHARE_WITHOUT_ERROR_MIN:.0%}")
    return found


def render(parts: Sequence[Part]) -> Iterator[str]:
    """Yield the lines of docs/comparison.md."""
    counts = sums(parts)
    total = sum(count.total for count in counts.values())
    prepared = sum(part.requests for part in parts)
    least = min(part.cases for part in parts)
    yield "# The comparison with Apache Kafka 4.3.0"
    yield ""
    yield "The same requests go to kcon's broker and to Apache Kafka, byte for byte, and the answers are compared field"
    yield "by field; [differences.md](differences.md) lists the fields that may differ. This is the long run, of all"
    yield "APIs in all versions that are advertised; CI runs the same with fewer requests each. To repeat it:"
    yield ""
    yield "```sh"
    yield f"export KCON_DIFFERENTIAL_CASES={least} KCON_DIFFERENTIAL_SEED={parts[0].seed}"
    yield "export KCON_DIFFERENTIAL_TALLY=tally.jsonl    # run again, it goes on with the APIs that this lacks"
    yield "pytest tests/differential/test_answers.py -m 'differential and slow' --timeout 2400"
    yield "python -m tests.differential.tally tally.jsonl"
    yield "```"
    yield ""
    yield f"{max(part.date for part in parts)}, seed {parts[0].seed}:"
    yield ""
    keys = {key for key, _ in counts}
    yield f"- **{total:,} requests** to {len(keys)} APIs in {len(counts)} versions, and {prepared - total:,} to prepare"
    yield f"- {share_without_error(counts):.1%} answered without an error of the whole request"
    yield f"- **{sum(count.differing for count in counts.values())} unexplained differences**"
    yield ""
    yield "Valid and invalid are the fewest that a version of the API got. Mutated requests are valid ones with a value"
    yield "at the limit of its type. Passing is what differed once and not when asked again: what a busy Apache Kafka"
    yield "answers before it has caught up with itself. Produce 0 to 2 is advertised and refused: it has no valid one."
    yield ""
    yield "| API | Versions | Requests | Valid, at least | Invalid, at least | Mutated | No error | Differ | Passing |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for key in sorted({key for key, _ in counts}):
        mine = {version: count for (of, version), count in counts.items() if of == key}
        requests = sum(count.total for count in mine.values())
        valid = min(count.valid for version, count in mine.items() if (key, version) not in UNSERVED)
        yield (
            f"| {key.name} | {min(mine)}-{max(mine)} | {requests} | {valid} "
            f"| {min(count.invalid for count in mine.values())} | {sum(count.mutated for count in mine.values())} "
            f"| {sum(count.without_error for count in mine.values()) / requests:.0%} "
            f"| {sum(count.differing for count in mine.values())} | {sum(count.passing for count in mine.values())} |"
        )
    yield ""
    yield "## Would a bug be seen?"
    yield ""
    yield "Each of these was put into the broker, alone; the comparison found each, and nothing without it. It does so"
    yield "in every run of CI (`tests/differential/test_seeded_bugs.py`)."
    yield ""
    yield from (f"- {bug.name}" for bug in SEEDED_BUGS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 when something is missing or differs."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.differential.tally", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--page", action="store_true", help="print docs/comparison.md instead")
    options = parser.parse_args(arguments)
    parts = read_parts(options.file)
    sys.stdout.writelines(f"{line}\n" for line in (render(parts) if options.page else table(sums(parts))))
    found = problems(parts, min(part.cases for part in parts))
    sys.stderr.writelines(f"{line}\n" for line in found)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
