"""Which topic configs does storage go by?"""

from dataclasses import dataclass
from typing import Protocol


class LogSettings(Protocol):
    """The topic configs that storage goes by."""

    @property
    def segment_bytes(self) -> int:
        """A new segment begins before the active one grows beyond this."""
        ...

    @property
    def segment_ms(self) -> int:
        """A new segment begins when the active one's first record is this old."""
        ...

    @property
    def index_interval_bytes(self) -> int:
        """Bytes of log between two index entries."""
        ...

    @property
    def index_bytes_max(self) -> int:
        """The size an index file may reach."""
        ...

    @property
    def retention_bytes(self) -> int:
        """-1: no limit."""
        ...

    @property
    def retention_ms(self) -> int:
        """-1: no limit."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultLogSettings:
    """Kafka's defaults."""

    segment_bytes: int = 1 << 30
    segment_ms: int = 7 * 24 * 3_600_000
    index_interval_bytes: int = 4_096
    index_bytes_max: int = 10 << 20
    retention_bytes: int = -1
    retention_ms: int = 7 * 24 * 3_600_000
