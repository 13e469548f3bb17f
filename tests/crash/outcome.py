"""What did some trials of one scenario come to?"""

from dataclasses import dataclass, field

from tests.crash.history import Violations


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What some trials of one scenario came to."""

    trials: int
    hits: int = 0
    """Trials that struck as meant: with requests in flight, or before the broker was ready."""
    acknowledged: int = 0
    read: int = 0
    committed: int = 0
    """Records of transactions whose commit was confirmed."""
    aborted: int = 0
    dumped: int = 0
    """Files that were left and that Apache Kafka's DumpLogSegments has read."""
    violations: Violations = field(default_factory=Violations)
    failures: list[str] = field(default_factory=list)
    """Records that a producer could not get acknowledged at all."""
