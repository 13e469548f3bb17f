"""The two walks agree, and the exact one refuses what Kafka refuses."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.batch import walk
from kcon_broker.batch.header import HEADER_BYTES, read_header
from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.batch.walk import (
    BadRecordsError,
    OverlongNumberError,
    read_varint,
    read_varlong,
    summarize,
    walk_compiled,
    walk_exact,
)


@given(st.lists(st.tuples(st.integers(-1, 1 << 45), st.none() | st.binary(max_size=300)), min_size=1, max_size=70))
def test_both_walks_find_the_same(rows: list[tuple[int, bytes | None]]) -> None:
    """For anything that a producer may send."""
    walk.load_compiled()
    batch = encode_batch([Record(0, at, key, b"value") for at, key in rows])
    header = read_header(batch)
    exact = summarize(walk_exact(batch[HEADER_BYTES:], header))
    assert walk_compiled(batch, header, batch[HEADER_BYTES:], keys=True) == exact
    plain = walk_compiled(batch, header, keys=False)
    assert plain is not None
    assert plain[:2] == exact[:2]


def test_what_the_compiled_walk_accepts_the_exact_one_accepts_too(bench: Any) -> None:
    """Damage in every byte of the records: where the fast path sees nothing wrong, there is nothing."""
    walk.load_compiled()
    pick = random.Random(7)
    good = encode_batch(bench.records(4))
    for at in range(HEADER_BYTES, len(good)):
        for value in {0, 1, 2, 0x7F, 0xFF, pick.randrange(256), good[at] ^ 2}:
            batch = bytearray(good)
            batch[at] = value
            header = read_header(batch)
            fast = walk_compiled(batch, header, keys=True)
            if fast is None:
                continue
            exact = summarize(walk_exact(batch[HEADER_BYTES:], header))
            assert exact[:2] == fast[:2]
            assert fast.has_keyless or not exact.has_keyless


@pytest.mark.parametrize(
    ("body", "lenient_too"),
    [
        (b"\x0c\0\0\0\x01\x01", True),
        (b"\x7e\0\0\0\x01\x01\0", False),
        (b"\x0e\0\0\0\x01\x01\0", False),
        (b"\x0a\0\0\0\x01\x01\0", False),
        (b"\0", True),
        (b"\x0c\0\0\0\x7e\x01\0", True),
        (b"\x0c\0\0\0\x01\x01\x01", True),
        (b"\x0c\0\0\0\x01\x01\x7e", True),
        (b"\x10\0\0\0\x01\x01\x02\x01\x01", True),
        (b"\x10\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\0\0\0\0", True),
        (b"\x0c\0\0\0\x01\x01\0x", True),
    ],
)
def test_broken_records(bench: Any, body: bytes, lenient_too: bool) -> None:
    """Each was sent to Apache Kafka 4.3, uncompressed and compressed, and refused as here."""
    header = read_header(bench.around(body, 1))
    with pytest.raises(BadRecordsError):
        walk_exact(body, header)
    if lenient_too:
        with pytest.raises(BadRecordsError):
            walk_exact(body, header, lenient=True)
    else:
        assert len(walk_exact(body, header, lenient=True)) == 1


def test_an_overlong_size_is_told_apart(bench: Any) -> None:
    """Kafka fails with another error there, but not where the records were compressed."""
    body = b"\x80\x80\x80\x80\x80\0"
    with pytest.raises(OverlongNumberError):
        walk_exact(body, read_header(bench.around(body, 1)))
    with pytest.raises(BadRecordsError):
        walk_exact(body, read_header(bench.around(body, 1, codec=1)))


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\0", 0),
        (b"\1", -1),
        (b"\x7f", -64),
        (b"\x80\1", 64),
        (b"\xfe\xff\xff\xff\x0f", 2**31 - 1),
        (b"\xff\xff\xff\xff\x0f", -(2**31)),
        (b"\x80\x80\x80\x80\0", 0),
        (b"\xff\xff\xff\xff\x7f", -(2**31)),
    ],
)
def test_varints(data: bytes, value: int) -> None:
    """Zig-zag, and the bits above an int32 are dropped as in Java."""
    assert read_varint(b"x" + data, 1) == (value, 1 + len(data))


def test_number_borders() -> None:
    """Five bytes for an int32, ten for an int64."""
    assert read_varlong(b"\xff" * 9 + b"\1", 0) == (-(2**63), 10)
    assert read_varlong(b"\xfe" + b"\xff" * 8 + b"\1", 0) == (2**63 - 1, 10)
    for read, data in ((read_varint, b"\x80" * 5 + b"\0"), (read_varlong, b"\x80" * 10 + b"\0")):
        with pytest.raises(OverlongNumberError):
            read(data, 0)
        with pytest.raises(IndexError):
            read(b"\x80", 0)


def test_without_the_compiled_reader(monkeypatch: pytest.MonkeyPatch, bench: Any) -> None:
    """Nothing is loaded behind the caller's back: the first records do not wait for an import."""
    monkeypatch.setattr(walk, "_compiled", None)
    batch = encode_batch(bench.records())
    assert walk_compiled(batch, read_header(batch), keys=False) is None
