"""What have all runs of a tier come to so far? Counters that outlive a run, and their table.

A run may be interrupted at any time: what is done is kept, and the next run goes on from there.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tests.crash.outcome import Outcome


@dataclass(slots=True, kw_only=True)
class Counters:
    """The sums of one scenario."""

    trials: int = 0
    hits: int = 0
    acknowledged: int = 0
    read: int = 0
    committed: int = 0
    aborted: int = 0
    dumped: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    two_values: int = 0
    aborted_reads: int = 0
    poll_skips: int = 0
    gaps: int = 0
    failures: int = 0
    seconds: float = 0.0

    def add(self, outcome: Outcome, seconds: float) -> None:
        """Take in what some trials came to."""
        found = outcome.violations
        self.trials += outcome.trials
        self.hits += outcome.hits
        self.acknowledged += outcome.acknowledged
        self.read += outcome.read
        self.committed += outcome.committed
        self.aborted += outcome.aborted
        self.dumped += outcome.dumped
        self.lost += len(found.lost)
        self.duplicated += len(found.duplicated)
        self.reordered += len(found.reordered)
        self.two_values += len(found.two_values)
        self.aborted_reads += len(found.aborted_reads)
        self.poll_skips += len(found.poll_skips)
        self.gaps += len(found.gaps)
        self.failures += len(outcome.failures)
        self.seconds += seconds

    @property
    def violations(self) -> int:
        """Everything that must not be."""
        return (
            self.lost
            + self.duplicated
            + self.reordered
            + self.two_values
            + self.aborted_reads
            + self.poll_skips
            + self.gaps
            + self.failures
        )


def load_counters(path: Path) -> dict[str, Counters]:
    """Return what was kept; nothing when there is no file yet."""
    if not path.exists():
        return {}
    return {name: Counters(**values) for name, values in json.loads(path.read_text()).items()}


def save_counters(path: Path, counters: Mapping[str, Counters]) -> None:
    """Keep the counters, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps({name: asdict(each) for name, each in counters.items()}, indent=1))
    os.replace(aside, path)


def table(counters: Mapping[str, Counters], wanted: Mapping[str, int]) -> str:
    """Return the table in Markdown."""
    names = [field.name for field in fields(Counters)]
    lines = ["| scenario | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for name, target in wanted.items():
        values = asdict(counters.get(name, Counters()))
        values["trials"] = f"{values['trials']:,} of {target:,}"
        values["seconds"] = f"{values['seconds']:.0f}"
        cells = [f"{value:,}" if isinstance(value, int) else str(value) for value in values.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
