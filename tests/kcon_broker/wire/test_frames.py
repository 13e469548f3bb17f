"""Frames out of a stream, however it is cut, with limits that hold before memory is spent."""

import random
import tracemalloc

import pytest

from kcon_broker.wire.frames import STAGING_BYTES, FrameReader
from kcon_broker.wire.schema import WireError


def framed(*bodies: bytes) -> bytes:
    return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


BODIES = [
    b"",
    b"a",
    b"hello",
    bytes(STAGING_BYTES - 4),
    bytes(STAGING_BYTES - 3),
    b"x",
    bytes(range(256)) * 4000,
    b"end",
]


@pytest.mark.parametrize("seed", range(12))
def test_frames_come_out_whole_however_the_stream_is_cut(seed: int) -> None:
    """A socket delivers bytes in pieces that have nothing to do with frames."""
    pick = random.Random(seed)
    stream = framed(*BODIES)
    reader = FrameReader()
    frames: list[bytes] = []
    place = 0
    while place < len(stream):
        size = pick.choice([1, 3, 5, 1000, 70_000, 300_000])
        frames += [bytes(frame) for frame in reader.feed(stream[place : place + size])]
        place += size
    assert frames == BODIES
    assert reader.pending_bytes == 0


def test_one_byte_at_a_time() -> None:
    """The slowest sender is still understood."""
    reader = FrameReader()
    frames = [frame for byte in framed(b"ab", b"", b"c") for frame in reader.feed(bytes((byte,)))]
    assert [bytes(frame) for frame in frames] == [b"ab", b"", b"c"]


def test_frames_own_their_memory_and_are_writable() -> None:
    """A handler patches a batch in place and keeps it after the next bytes arrived."""
    reader = FrameReader()
    (first,) = reader.feed(framed(b"abc"))
    first[0:1] = b"X"
    reader.feed(framed(b"zzzzzz"))
    assert bytes(first) == b"Xbc"
    large = framed(bytes(STAGING_BYTES * 2))
    (frame,) = reader.feed(large)
    frame[0:1] = b"X"
    assert frame[0] == ord("X")


@pytest.mark.parametrize(("size", "accepted"), [(99, True), (100, True), (101, False), (-1, False), (-(2**31), False)])
def test_sizes_are_held_against_the_limit(size: int, accepted: bool) -> None:
    """One below, at, and one above the limit, and below zero."""
    reader = FrameReader(limit=100)
    header = size.to_bytes(4, "big", signed=True)
    if accepted:
        assert reader.feed(header) == []
        assert len(reader.feed(bytes(size))) == 1
    else:
        with pytest.raises(WireError, match="the limit is 100"):
            reader.feed(header)


def test_the_limit_may_rise() -> None:
    """After authentication a connection may send more."""
    reader = FrameReader(limit=10)
    assert len(reader.feed(framed(bytes(10)))) == 1
    reader.limit = 20
    assert len(reader.feed(framed(bytes(20)))) == 1


def test_memory_grows_with_the_bytes_not_with_the_claim() -> None:
    """A frame of 90 MiB that is only announced costs the first buffer and no more."""
    reader = FrameReader()
    tracemalloc.start()
    try:
        reader.feed((90 << 20).to_bytes(4, "big") + b"x" * 1000)
        reader.get_buffer().release()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20
    assert reader.pending_bytes == 1000


def test_receiving_into_the_buffer_directly() -> None:
    """The way the server uses it: the socket writes into `get_buffer()`."""
    reader = FrameReader()
    stream = memoryview(framed(b"ab" * 400_000, b"tail"))
    frames: list[memoryview] = []
    while stream:
        with reader.get_buffer() as room:
            count = min(len(room), len(stream), 50_000)
            room[:count] = stream[:count]
        frames += reader.received(count)
        stream = stream[count:]
    assert [len(frame) for frame in frames] == [800_000, 4]
    assert bytes(frames[0]) == b"ab" * 400_000


def test_readers_that_share_their_staging_buffer_do_not_mix_their_frames() -> None:
    """Pieces of many connections arrive in turns, each cut anywhere; an idle one keeps nothing."""
    pick = random.Random(7)
    staging = bytearray(STAGING_BYTES)
    wanted = [[bytes([number]) * size for size in (3, 0, 5_000, STAGING_BYTES - 4, 200_000, 1)] for number in range(5)]
    readers = [FrameReader(staging=staging) for _ in wanted]
    streams = [framed(*bodies) for bodies in wanted]
    came: list[list[bytes]] = [[] for _ in wanted]
    while any(streams):
        number = pick.randrange(len(readers))
        size = pick.choice([1, 3, 1_000, 30_000])
        came[number] += [bytes(frame) for frame in readers[number].feed(streams[number][:size])]
        streams[number] = streams[number][size:]
    assert came == wanted
    assert [reader.pending_bytes for reader in readers] == [0] * len(readers)
