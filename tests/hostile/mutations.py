"""How does a frame that a real client sent become one that no client should send?

Mutations know where the lengths of Kafka's wire are dangerous: sizes of -2, -1, 0 and 2^31 - 1, varints that never end,
counts beyond what is left. `header_bytes` says where the body begins; most mutations leave the header alone, so that
they reach the decoder of the body.
"""

import random
import struct
from collections.abc import Callable

_INTERESTING = [
    *(struct.pack(">i", value) for value in (-(2**31), -2, -1, 0, 1, 2**31 - 1)),
    *(struct.pack(">h", value) for value in (-(2**15), -2, -1, 0, 2**15 - 1)),
    *(struct.pack(">q", value) for value in (-1, 0, 2**63 - 1)),
    b"\xff\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x80\x80\x80\x80\x80\x00",
    b"\xff",
    b"\x00",
    b"\x7f",
    b"\x80",
]
_HEADER_SHARE = 0.1
_PIECE_BYTES_MAX = 32


def _place(chance: random.Random, frame: bytearray, header_bytes: int) -> int:
    first = 0 if chance.random() < _HEADER_SHARE else min(header_bytes, len(frame) - 1)
    return chance.randrange(first, len(frame))


def _flip(chance: random.Random, frame: bytearray, at: int) -> None:
    frame[at] ^= 1 << chance.randrange(8)


def _overwrite(chance: random.Random, frame: bytearray, at: int) -> None:
    value = chance.choice(_INTERESTING)
    frame[at : at + len(value)] = value


def _insert(chance: random.Random, frame: bytearray, at: int) -> None:
    frame[at:at] = chance.choice(_INTERESTING)


def _garbage(chance: random.Random, frame: bytearray, at: int) -> None:
    frame[at:at] = chance.randbytes(chance.randrange(1, _PIECE_BYTES_MAX))


def _delete(chance: random.Random, frame: bytearray, at: int) -> None:
    del frame[at : at + chance.randrange(1, _PIECE_BYTES_MAX)]


def _cut(_chance: random.Random, frame: bytearray, at: int) -> None:
    del frame[at:]


def _repeat(chance: random.Random, frame: bytearray, at: int) -> None:
    piece = frame[at : at + chance.randrange(1, _PIECE_BYTES_MAX)]
    frame[at:at] = piece * chance.randrange(1, 64)


_MUTATIONS: list[Callable[[random.Random, bytearray, int], None]] = [
    _flip,
    _overwrite,
    _overwrite,
    _insert,
    _garbage,
    _delete,
    _cut,
    _repeat,
]


def mutate(chance: random.Random, frame: bytes, header_bytes: int) -> bytes:
    """Return a frame (without its size) with one to three mutations; one in eight stays as it is."""
    if chance.random() < 0.125:
        return frame
    mutated = bytearray(frame)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if not mutated:
            break
        chance.choice(_MUTATIONS)(chance, mutated, _place(chance, mutated, header_bytes))
    return bytes(mutated)


def splice(chance: random.Random, first: bytes, second: bytes) -> bytes:
    """Return the beginning of one frame with the end of another."""
    return first[: chance.randrange(len(first) + 1)] + second[chance.randrange(len(second) + 1) :]
