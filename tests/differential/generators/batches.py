"""Record batches as no honest client sends them, and honest ones of every kind.

A `Recipe` makes the bytes of one batch from the time that its records are given.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Final

from kcon_broker.batch.compression import compress
from kcon_broker.batch.header import HEADER_BYTES, compute_crc
from kcon_broker.batch.records import Record, encode_batch

Recipe = Callable[[int, int], bytes]
"""(base_ms, codec) -> the batch."""

_HOUR_MS: Final = 3_600_000


def records(
    base_ms: int,
    count: int = 3,
    *,
    step_ms: int = 1,
    key: bytes | None = b"k",
    headers: Sequence[tuple[bytes, bytes | None]] = (),
) -> list[Record]:
    """Return records, `step_ms` apart."""
    return [Record(0, base_ms + step_ms * index, key, b"v%d" % index, tuple(headers)) for index in range(count)]


def sealed(batch: bytes | bytearray) -> bytes:
    """Return a batch with the CRC that its bytes have."""
    changed = bytearray(batch)
    struct.pack_into(">I", changed, 17, compute_crc(changed))
    return bytes(changed)


def with_field(batch: bytes | bytearray, at: int, packing: str, value: int) -> bytes:
    """Return a batch with one header field replaced, and the CRC that fits."""
    changed = bytearray(batch)
    struct.pack_into(packing, changed, at, value)
    return sealed(changed)


def with_payload(base_ms: int, payload: bytes, count: int, codec: int) -> bytes:
    """Return a batch whose header is right about everything but its payload."""
    changed = bytearray(encode_batch(records(base_ms, count)))[:HEADER_BYTES]
    struct.pack_into(">i", changed, 8, HEADER_BYTES - 12 + len(payload))
    struct.pack_into(">h", changed, 21, codec)
    return sealed(changed + payload)


def _good(base_ms: int, codec: int) -> bytes:
    return bytes(encode_batch(records(base_ms), codec=codec))


def _attributes(flags: int) -> Recipe:
    return lambda base_ms, codec: with_field(_good(base_ms, codec), 21, ">h", flags | codec)


def _counts(record_count: int, last_delta: int) -> Recipe:
    return lambda base_ms, codec: with_field(
        with_field(_good(base_ms, codec), 57, ">i", record_count), 23, ">i", last_delta
    )


def _raw(change: Callable[[bytes], bytes]) -> Recipe:
    return lambda base_ms, codec: change(_good(base_ms, codec))


def _payload(payload: bytes, count: int = 1) -> Recipe:
    return lambda base_ms, codec: with_payload(base_ms, compress(codec, payload), count, codec)


GOOD_BATCHES: Final[dict[str, Recipe]] = {
    "plain": _good,
    "one record": lambda base_ms, codec: bytes(encode_batch(records(base_ms, 1), codec=codec)),
    "many records": lambda base_ms, codec: bytes(encode_batch(records(base_ms, 200), codec=codec)),
    "headers": lambda base_ms, codec: bytes(
        encode_batch(records(base_ms, headers=((b"h", b"1"), (b"", None), (b"\xc3\xbc", b""))), codec=codec)
    ),
    "times that go back": lambda base_ms, codec: bytes(encode_batch(records(base_ms, step_ms=-1000), codec=codec)),
    "no timestamp": lambda base_ms, codec: bytes(encode_batch(records(-1, step_ms=0), codec=codec)),
    "half an hour ahead": lambda base_ms, codec: bytes(encode_batch(records(base_ms + _HOUR_MS // 2), codec=codec)),
    "old": lambda base_ms, codec: bytes(encode_batch(records(base_ms - 1_000 * _HOUR_MS), codec=codec)),
    "largest timestamp that lies": lambda base_ms, codec: with_field(
        _good(base_ms, codec), 35, ">q", base_ms + 10 * _HOUR_MS
    ),
    "a base offset": lambda base_ms, codec: with_field(_good(base_ms, codec), 0, ">q", 500),
    "stray bytes": _raw(lambda good: good + b"xyz"),
    "unused attribute bits": _attributes(0x7F80),
}

BAD_BATCHES: Final[dict[str, Recipe]] = {
    "no key": lambda base_ms, codec: bytes(encode_batch(records(base_ms, key=None), codec=codec)),
    "some without key": lambda base_ms, codec: bytes(
        encode_batch([*records(base_ms, 2), *records(base_ms, 1, key=None)], codec=codec)
    ),
    "two hours ahead": lambda base_ms, codec: bytes(encode_batch(records(base_ms + 2 * _HOUR_MS), codec=codec)),
    "one of three ahead": lambda base_ms, codec: bytes(
        encode_batch([*records(base_ms, 2), *records(base_ms + 9 * _HOUR_MS, 1)], codec=codec)
    ),
    "a negative timestamp": lambda base_ms, codec: bytes(encode_batch(records(-5), codec=codec)),
    "one record too many told": _counts(4, 3),
    "one record too few told": _counts(2, 1),
    "the count alone lies": _counts(5, 2),
    "the last delta alone lies": _counts(3, 7),
    "no records told": _counts(0, -1),
    "a negative count": _counts(-1, 2),
    "a huge count": _counts((1 << 31) - 1, (1 << 31) - 2),
    "control": _attributes(0x20),
    "append time": _attributes(0x08),
    "codec 5": lambda base_ms, codec: with_field(_good(base_ms, 0), 21, ">h", 5),
    "codec 7": lambda base_ms, codec: with_field(_good(base_ms, 0), 21, ">h", 7),
    "a producer without sequence": lambda base_ms, codec: with_field(_good(base_ms, codec), 43, ">q", 5),
    "a wrong checksum": _raw(lambda good: good[:17] + b"zzzz" + good[21:]),
    "two batches": _raw(lambda good: good + good),
    "magic 0": _raw(lambda good: good[:16] + b"\0" + good[17:]),
    "magic 1": _raw(lambda good: good[:16] + b"\1" + good[17:]),
    "magic 3": _raw(lambda good: good[:16] + b"\3" + good[17:]),
    "cut by a byte": _raw(lambda good: good[:-1]),
    "cut by twenty": _raw(lambda good: good[:-20]),
    "half a header": _raw(lambda good: good[:30]),
    "a length too small": _raw(lambda good: good[:8] + b"\0\0\0\x05" + good[12:]),
    "a length below the header": _raw(lambda good: good[:8] + b"\0\0\0\x28" + good[12:]),
    "a negative length": _raw(lambda good: good[:8] + b"\xff\0\0\x05" + good[12:]),
    "nothing": lambda base_ms, codec: b"",
    "garbage": lambda base_ms, codec: with_payload(base_ms, b"garbage!" * 10, 3, codec),
    "no payload": lambda base_ms, codec: with_payload(base_ms, b"", 1, codec),
    "a negative record size": _payload(b"\1\0\0\0\1\1\0"),
    "a record size of 0": _payload(b"\0"),
    "a negative number of headers": _payload(b"\x0c\0\0\0\1\1\1"),
    "too many headers": _payload(b"\x0c\0\0\0\1\1\x7e"),
    "a record size too large": _payload(b"\x7e\0\0\0\1\1\0"),
    "a key too long": _payload(b"\x0c\0\0\0\x7e\1\0"),
    "a null header key": _payload(b"\x10\0\0\0\1\1\2\1\1"),
    "an endless varint": _payload(b"\x80\x80\x80\x80\x80\x00"),
    "transactional without a producer": _attributes(0x10),
}
