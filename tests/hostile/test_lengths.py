"""A length that lies costs next to nothing before it is refused: at most a mebibyte, whatever it claims."""

import contextlib
import struct
import tracemalloc
from collections.abc import Callable

import pytest

from kcon_broker.wire.frames import FrameReader
from kcon_broker.wire.headers import decode_request_header
from kcon_broker.wire.messages.fetch import FetchRequest
from kcon_broker.wire.messages.join_group import JoinGroupRequest
from kcon_broker.wire.messages.metadata import MetadataRequest
from kcon_broker.wire.messages.produce import ProduceRequest
from kcon_broker.wire.schema import WireError

_MIB = 1 << 20
_LENGTHS = (-(2**31), -2, -1, 0, 1, 2**16, 2**31 - 1)
_OVERLONG = b"\xff" * 9 + b"\x01"


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        with contextlib.suppress(WireError):
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def decoded(request: type, body: bytes, version: int) -> Callable[[], object]:
    request.decode(request().encode(version), 0, version)  # type: ignore[attr-defined]  # Compiled before it counts.
    return lambda: request.decode(memoryview(body), 0, version)  # type: ignore[attr-defined]  # A message class.


@pytest.mark.parametrize("length", _LENGTHS)
@pytest.mark.parametrize("tail", [b"", b"\0" * 100])
def test_classic_lengths(length: int, tail: bytes) -> None:
    """Arrays, strings and bytes of requests without compact lengths."""
    count = struct.pack(">i", length)
    for body, request, version in (
        (count + tail, MetadataRequest, 4),
        (struct.pack(">h", -1) + struct.pack(">hi", -1, 1_000) + count + tail, ProduceRequest, 7),
        (struct.pack(">iiii", -1, 0, 1, 1_000) + b"\0" + struct.pack(">ii", 0, 0) + count + tail, FetchRequest, 11),
        (struct.pack(">h", max(-1, length) & 0x7FFF) + tail, JoinGroupRequest, 5),
    ):
        assert peak_bytes(decoded(request, body, version)) < _MIB


@pytest.mark.parametrize("varint", [b"\x00", b"\x01", b"\xff\xff\xff\xff\x0f", b"\x80" * 9, _OVERLONG, b"\xff\xff\x7f"])
def test_compact_lengths(varint: bytes) -> None:
    for body, request, version in (
        (varint + b"\0" * 50, MetadataRequest, 12),
        (b"\0" + struct.pack(">hi", -1, 1_000) + varint + b"\0" * 50, ProduceRequest, 9),
        (varint + b"x" * 50, JoinGroupRequest, 7),
    ):
        assert peak_bytes(decoded(request, body, version)) < _MIB


def test_ten_thousand_tagged_fields() -> None:
    """Unknown tags are passed over, not kept."""
    tags = struct.pack(">B", 0x90) + b"\x4e" + b"".join(_uvarint(number + 100) + b"\x02ab" for number in range(10_000))
    body = b"\x01\0\0\0" + tags
    work = decoded(MetadataRequest, body, 12)
    work()
    assert peak_bytes(work) < _MIB


def _uvarint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


@pytest.mark.parametrize("size", [-(2**31), -1, 512 * 1024 + 1, 2**31 - 1])
def test_frame_sizes_beyond_the_limit(size: int) -> None:
    """Before authentication nobody may claim more than 512 KiB."""
    assert peak_bytes(lambda: FrameReader(512 * 1024).feed(struct.pack(">i", size) + b"x" * 1_000)) < _MIB


@pytest.mark.parametrize("size", [-2, -1, 0, 2**15 - 1])
def test_client_ids_in_the_header(size: int) -> None:
    frame = struct.pack(">hhih", 3, 1, 1, size) + b"x" * 10
    assert peak_bytes(lambda: decode_request_header(memoryview(frame))) < _MIB
