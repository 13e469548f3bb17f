"""Compress and decompress the records of a batch, with a limit on what comes out.

A batch of one megabyte can hold 32 gigabytes (zstd), so nothing is decompressed into memory that was not allowed
for. The codecs are imported when first used.

Snappy is framed as Java's snappy-java does it, which Kafka's clients all follow:

    magic 82 "SNAPPY" 00 | version int32 | compatible int32 | blocks: size int32, raw snappy

A payload without that magic is one raw snappy block.
"""

import zlib
from struct import Struct as Packer
from typing import Final

from kcon_broker.batch.header import CODEC_GZIP, CODEC_LZ4, CODEC_NONE, CODEC_SNAPPY, CODEC_ZSTD, Buffer

DECOMPRESSED_BYTES_MAX: Final = 64 * 1024 * 1024

_GROWTH_FIRST: Final = 8
_GROWTH_NEXT: Final = 4
_OUTPUT_BYTES_MIN: Final = 64 * 1024
_GZIP_WINDOW: Final = 31

_SNAPPY_RATIO_MAX: Final = 64
"""The densest element of snappy copies 64 bytes and takes two."""

_XERIAL_MAGIC: Final = b"\x82SNAPPY\0"
_XERIAL_HEADER_BYTES: Final = 16
_XERIAL_BLOCK_BYTES: Final = 32 * 1024
_INT32: Final = Packer(">i")


class DecompressionError(Exception):
    """The payload is not what its codec promises."""


class DecompressedTooLargeError(DecompressionError):
    """The payload would become larger than allowed."""


def decompress(codec: int, payload: Buffer, limit: int = DECOMPRESSED_BYTES_MAX) -> Buffer:
    """Return the records of a payload, at most `limit` bytes. Uncompressed ones are returned as they are.

    Raises DecompressionError or one of its kinds. May run on any thread.
    """
    match codec:
        case 0:
            return payload
        case 1:
            return _gunzip(payload, limit)
        case 2:
            return _unsnappy(memoryview(payload), limit)
        case 3 | 4:
            return _grow(codec, payload, limit)
        case _:
            raise DecompressionError(f"unknown compression codec {codec}")


def compress(codec: int, records: Buffer) -> bytes:
    """Return the payload for records, as Kafka's clients frame it."""
    if codec == CODEC_NONE:
        return bytes(records)
    if codec == CODEC_GZIP:
        squeeze = zlib.compressobj(wbits=_GZIP_WINDOW)
        return squeeze.compress(records) + squeeze.flush()
    import cramjam

    if codec == CODEC_SNAPPY:
        parts = [_XERIAL_MAGIC, _INT32.pack(1), _INT32.pack(1)]
        view = memoryview(records)
        for start in range(0, len(view), _XERIAL_BLOCK_BYTES):
            block = bytes(cramjam.snappy.compress_raw(view[start : start + _XERIAL_BLOCK_BYTES]))
            parts += [_INT32.pack(len(block)), block]
        return b"".join(parts)
    if codec == CODEC_LZ4:
        # Kafka's Java client reads independent blocks only.
        frame = cramjam.lz4.Compressor(block_linked=False)
        frame.compress(bytes(records))
        return bytes(frame.finish())
    if codec == CODEC_ZSTD:
        return bytes(cramjam.zstd.compress(bytes(records)))
    raise ValueError(f"unknown compression codec {codec}")


def _gunzip(payload: Buffer, limit: int) -> bytes:
    parts: list[bytes] = []
    room = limit + 1
    rest = bytes(payload)
    try:
        # A payload may consist of several members, as GZIPInputStream allows.
        while True:
            member = zlib.decompressobj(_GZIP_WINDOW)
            parts.append(member.decompress(rest, room))
            room -= len(parts[-1])
            if room <= 0:
                raise DecompressedTooLargeError(f"gzip records are larger than {limit} bytes")
            if not member.eof:
                raise DecompressionError("gzip records end early")
            rest = member.unused_data
            if not rest.startswith(b"\x1f\x8b"):
                return parts[0] if len(parts) == 1 else b"".join(parts)
    except zlib.error as broken:
        raise DecompressionError(f"not gzip: {broken}") from broken


def _unsnappy(payload: memoryview, limit: int) -> Buffer:
    if bytes(payload[: len(_XERIAL_MAGIC)]) != _XERIAL_MAGIC:
        return _unsnappy_block(payload, limit)
    blocks: list[Buffer] = []
    place, total = _XERIAL_HEADER_BYTES, 0
    # Fewer bytes than a block's size are ignored, as snappy-java does.
    while len(payload) - place >= _INT32.size:
        (size,) = _INT32.unpack_from(payload, place)
        place += _INT32.size
        if not 0 <= size <= len(payload) - place:
            raise DecompressionError("a snappy block ends after its records")
        blocks.append(_unsnappy_block(payload[place : place + size], limit - total))
        total += len(blocks[-1])
        place += size
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)


def _unsnappy_block(block: memoryview, limit: int) -> Buffer:
    import cramjam

    try:
        # The block names its size, so the limit holds before any memory is taken.
        size = cramjam.snappy.decompress_raw_len(block)
        if size > _SNAPPY_RATIO_MAX * len(block):
            raise DecompressionError(f"a snappy block of {len(block)} bytes cannot hold {size}")
        if size > limit:
            raise DecompressedTooLargeError("snappy records are larger than allowed")
        out = bytearray(size)
        written = cramjam.snappy.decompress_raw_into(block, out)
    except cramjam.DecompressionError as broken:
        raise DecompressionError(f"not snappy: {broken}") from broken
    return out if written == size else out[:written]


def _grow(codec: int, payload: Buffer, limit: int) -> Buffer:
    """Decompress into memory that is enlarged, and the work begun anew, until all fits or the limit is reached."""
    import cramjam

    into = cramjam.lz4.decompress_into if codec == CODEC_LZ4 else cramjam.zstd.decompress_into
    size = min(limit, max(_OUTPUT_BYTES_MIN, _GROWTH_FIRST * len(payload)))
    while True:
        out = bytearray(size)
        try:
            written = into(payload, out)
        except cramjam.DecompressionError as broken:
            if "failed to write whole buffer" not in str(broken):
                raise DecompressionError(str(broken)) from broken
            if size >= limit:
                raise DecompressedTooLargeError(f"records are larger than {limit} bytes") from broken
            size = min(limit, _GROWTH_NEXT * size)
            continue
        return memoryview(out)[:written]
