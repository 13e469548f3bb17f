"""Are two partitions the same, record by record? A count and a sum of digests, kept in constant memory.

The digest of a record covers its number in the partition, key, value, headers and time, so a lost, doubled, changed
or displaced record changes the sum. Offsets are no part of it: markers and compaction leave gaps that differ.
"""

import struct
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

_HEAD: Final = struct.Struct(">QqiiI")
_LENGTH: Final = struct.Struct(">i")
_MODULUS: Final = 1 << 128
_DIGEST_BYTES: Final = 16

RawHeader = tuple[str, "str | bytes | None"]


class Tally:
    """The count and sum of one partition so far."""

    __slots__ = ("count", "total")

    def __init__(self, count: int = 0, total: int = 0) -> None:
        self.count = count
        self.total = total

    def add(self, key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Sequence[RawHeader]) -> None:
        """Count one record."""
        parts = [
            _HEAD.pack(
                self.count,
                timestamp_ms,
                -1 if key is None else len(key),
                -1 if value is None else len(value),
                len(headers),
            ),
            key or b"",
            value or b"",
        ]
        if headers:
            parts += _header_parts(headers)
        digest = blake2b(b"".join(parts), digest_size=_DIGEST_BYTES).digest()
        self.total = (self.total + int.from_bytes(digest, "big")) % _MODULUS
        self.count += 1

    def __sub__(self, other: "Tally") -> "Tally":
        """Return what was added since `other`, an earlier state of this tally."""
        return Tally(self.count - other.count, (self.total - other.total) % _MODULUS)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and (self.count, self.total) == (other.count, other.total)

    def __hash__(self) -> int:
        raise TypeError("a tally changes")

    def as_text(self) -> str:
        """Return it as `COUNT:HEX`."""
        return f"{self.count}:{self.total:032x}"

    @classmethod
    def of_text(cls, text: str) -> "Tally":
        """Read what `as_text` wrote. ValueError when it is something else."""
        count, _, total = text.partition(":")
        return cls(int(count), int(total, 16))


def _header_parts(headers: Sequence[RawHeader]) -> Iterable[bytes]:
    for name, value in headers:
        data = value.encode() if isinstance(value, str) else value
        raw_name = name.encode()
        yield _LENGTH.pack(len(raw_name)) + raw_name
        yield _LENGTH.pack(-1 if data is None else len(data)) + (data or b"")
