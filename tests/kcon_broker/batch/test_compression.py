"""All codecs there and back, and bombs that must not go off."""

import tracemalloc
import zlib
from collections.abc import Callable

import cramjam
import pytest
from aiokafka.codec import gzip_encode, lz4_decode, lz4_encode, snappy_decode, snappy_encode, zstd_decode, zstd_encode
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.batch.compression import (
    DecompressedTooLargeError,
    DecompressionError,
    compress,
    decompress,
)

CODECS = {1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}
_MIB = 1 << 20

ENCODERS: dict[int, Callable[[bytes], bytes]] = {1: gzip_encode, 2: snappy_encode, 3: lz4_encode, 4: zstd_encode}
DECODERS: dict[int, Callable[[bytes], bytes]] = {
    1: lambda data: zlib.decompress(data, 31),
    2: snappy_decode,
    3: lz4_decode,
    4: zstd_decode,
}


@given(st.sampled_from(range(5)), st.binary(max_size=3000), st.integers(1, 60))
def test_there_and_back(codec: int, data: bytes, times: int) -> None:
    """Whatever the bytes and however often they repeat."""
    assert bytes(decompress(codec, compress(codec, data * times))) == data * times


@pytest.mark.parametrize("codec", CODECS)
def test_other_clients_read_what_we_write_and_the_other_way_round(codec: int) -> None:
    """aiokafka stands for them: framing is where codecs of Kafka go wrong."""
    data = b"some records " * 20_000
    assert bytes(DECODERS[codec](compress(codec, data))) == data
    assert bytes(decompress(codec, memoryview(ENCODERS[codec](data)))) == data


@pytest.mark.parametrize("codec", CODECS)
def test_limit_holds_one_below_at_and_one_above(codec: int) -> None:
    """The limit counts what comes out."""
    payload = compress(codec, bytes(100_000))
    for size in (100_000, 100_001):
        assert len(decompress(codec, payload, size)) == 100_000
    with pytest.raises(DecompressedTooLargeError):
        decompress(codec, payload, 99_999)


@pytest.mark.parametrize("codec", CODECS)
def test_bombs_take_no_more_memory_than_allowed(codec: int) -> None:
    """256 MiB of zeros fit in kilobytes; with a limit of 4 MiB they must cost about that."""
    zeros = bytes(64 * _MIB)
    bomb = compress(codec, zeros)
    if codec in (1, 3, 4):
        bomb *= 4
    del zeros
    tracemalloc.start()
    try:
        with pytest.raises(DecompressedTooLargeError):
            decompress(codec, bomb, 4 * _MIB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * _MIB


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("damage", ["cut", "garbage", "ff"])
def test_damage_raises_decompression_error(codec: int, damage: str) -> None:
    """Nothing of zlib or cramjam leaves the module."""
    good = compress(codec, b"some records " * 1000)
    bad = {"cut": good[: len(good) // 2], "garbage": b"garbage!" * 10, "ff": b"\xff" * 60}[damage]
    with pytest.raises(DecompressionError):
        decompress(codec, bad)


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_unknown_codecs(codec: int) -> None:
    """Three bits have room for codecs that do not exist."""
    with pytest.raises(DecompressionError):
        decompress(codec, b"x")
    with pytest.raises(ValueError, match="unknown compression codec"):
        compress(codec, b"x")


def test_snappy_without_frame_and_with_a_lying_size() -> None:
    """snappy-java also reads one raw block; its size must be possible before it is believed."""
    raw = bytes(cramjam.snappy.compress_raw(b"abc" * 100))
    assert bytes(decompress(2, raw)) == b"abc" * 100
    with pytest.raises(DecompressionError, match="cannot hold"):
        decompress(2, b"\xff\xff\xff\xff\x07abc")
    assert bytes(decompress(2, compress(2, b"abc") + b"\0\0")) == b"abc"


def test_gzip_of_several_members() -> None:
    """Java's GZIPInputStream reads them as one stream."""
    assert bytes(decompress(1, compress(1, b"ab") + compress(1, b"cd"))) == b"abcd"
    assert bytes(decompress(1, compress(1, b"ab") + b"trailing")) == b"ab"
