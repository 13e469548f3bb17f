"""Which offset of a partition is asked for? The question that ListOffsets answers."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias


class OffsetBound(Enum):
    """A bound of a partition; the value is Kafka's marker in the place of a timestamp."""

    LATEST = -1
    """The end: the high watermark, or the last stable offset for read_committed."""
    EARLIEST = -2
    """The log start offset."""
    MAX_TIMESTAMP = -3
    """The record with the greatest timestamp (KIP-734)."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """The first record at or after a time."""

    ms: int
    """Milliseconds since the epoch, not negative."""

    def __post_init__(self) -> None:
        if self.ms < 0:
            raise ValueError("a timestamp before 1970 would read as a marker")


OffsetQuery: TypeAlias = OffsetBound | Timestamp

EARLIEST: Final = OffsetBound.EARLIEST
LATEST: Final = OffsetBound.LATEST
MAX_TIMESTAMP: Final = OffsetBound.MAX_TIMESTAMP
