"""What should a reader be told that does not end the reading?"""

from dataclasses import dataclass

from kcon.core.ids import TopicPartition


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something a reader should be told that does not end the reading."""

    text: str
    """One sentence, safe for a terminal."""
    partition: TopicPartition | None = None
    lost_records: int = 0
    """How many were deleted before they could be read."""
    lost_from: int = 0
    """The offset of the first of them."""
