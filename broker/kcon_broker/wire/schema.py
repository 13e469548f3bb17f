"""How a message of the Kafka protocol describes itself, and what it can do with that.

A message class lists its fields once, each with its type and the versions that have it; one class serves every
version. The functions that decode and encode one version are compiled from that list when first needed
(`decoder` and `encoder`). Fields that a version lacks are skipped on encoding and hold their default after decoding.

Must not do: no I/O, no knowledge of what a message means. Whatever bytes come in, decoding ends in a value or in
`WireError`, and allocates no more than a small multiple of the bytes it was given.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final, Self

from kcon_broker.wire.stored_bytes import StoredBytes

Buffer = bytes | bytearray | memoryview

Part = Buffer | StoredBytes
"""A piece of an encoded message."""

ZERO_UUID: Final = bytes(16)
"""What Kafka sends for "no topic id"."""

EMPTY: Final[list[Any]] = []
"""The default of every array argument. It is never kept: each instance gets its own new list."""

_UNBOUNDED: Final = 0x7FFF


class WireError(Exception):
    """Bytes from the wire that cannot be read. The connection they came from is to be closed."""


class Field:
    """One field of a message, in the order of the wire.

    `kind` is a primitive ("bool", "int8", "int16", "uint16", "int32", "int64", "float64", "string", "uuid",
    "bytes", "records") or the class of a nested struct. `versions` and `nullable` are ranges such as "0+", "2-4", "3".
    A field with a `tag` is a tagged field (KIP-482) in all of its versions.
    """

    __slots__ = ("array", "kind", "name", "nullable", "tag", "versions")

    def __init__(
        self,
        name: str,
        kind: "str | type[Struct]",
        versions: str,
        *,
        array: bool = False,
        nullable: str = "",
        tag: int | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.versions = versions
        self.array = array
        self.nullable = nullable
        self.tag = tag

    def is_in(self, version: int) -> bool:
        """Say whether this version of the message has the field."""
        return _range_has(self.versions, version)

    def is_nullable_in(self, version: int) -> bool:
        """Say whether null may stand for the field in this version."""
        return _range_has(self.nullable, version)


class Struct:
    """A value made of fields. Subclasses declare `__slots__`, `FIELDS` and a constructor with a default for all."""

    __slots__ = ()
    FIELDS: ClassVar[tuple[Field, ...]] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in self.FIELDS)

    __hash__ = None  # type: ignore[assignment]  # Values change while a handler fills them in.

    def __repr__(self) -> str:
        inner = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in self.FIELDS)
        return f"{type(self).__name__}({inner})"


Decoder = Callable[[memoryview, int], tuple[Any, int]]
Encoder = Callable[[Any], list[Part]]


class Message(Struct):
    """A struct that stands alone on the wire or on disk, in versions MIN_VERSION to MAX_VERSION.

    From FLEXIBLE_SINCE on, lengths are compact and every struct ends in tagged fields (KIP-482).
    """

    __slots__ = ()
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_SINCE: ClassVar[int] = _UNBOUNDED
    _decoders: ClassVar[dict[int, Decoder]]
    _encoders: ClassVar[dict[int, Encoder]]

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls._decoders = {}
        cls._encoders = {}

    @classmethod
    def decode(cls, buf: Buffer, offset: int, version: int) -> tuple[Self, int]:
        """Read one message from `buf` at `offset`; return it and the offset after it.

        `records` fields are views into `buf`, everything else is copied. Raises WireError.
        """
        view = buf if type(buf) is memoryview else memoryview(buf)
        try:
            read = cls._decoders[version]
        except KeyError:
            read = cls.decoder(version)
        return read(view, offset)

    @classmethod
    def decoder(cls, version: int) -> Decoder:
        """Return the compiled function behind `decode` for one version."""
        found = cls._decoders.get(version)
        if found is None:
            from kcon_broker.wire.decode import compile_decoder

            found = cls._decoders[version] = compile_decoder(cls, cls._check_version(version))
        return found

    def encode(self, version: int) -> bytes:
        """Return the bytes of this message in one version."""
        return b"".join(part.load() if isinstance(part, StoredBytes) else part for part in self.encode_parts(version))

    def encode_parts(self, version: int) -> list[Part]:
        """Return the bytes as parts to be sent in order, so that large `records` need not be copied."""
        try:
            write = self._encoders[version]
        except KeyError:
            write = self.encoder(version)
        return write(self)

    @classmethod
    def encoder(cls, version: int) -> Encoder:
        """Return the compiled function behind `encode_parts` for one version."""
        found = cls._encoders.get(version)
        if found is None:
            from kcon_broker.wire.encode import compile_encoder

            found = cls._encoders[version] = compile_encoder(cls, cls._check_version(version))
        return found

    @classmethod
    def _check_version(cls, version: int) -> int:
        if not cls.MIN_VERSION <= version <= cls.MAX_VERSION:
            raise WireError(f"{cls.__name__} has no version {version}")
        return version


class ApiMessage(Message):
    """A request or a response."""

    __slots__ = ()
    API_KEY: ClassVar[int]


def _range_has(text: str, version: int) -> bool:
    if not text:
        return False
    first, dash, last = text.rstrip("+").partition("-")
    if version < int(first):
        return False
    if text.endswith("+"):
        return True
    return version <= int(last if dash else first)
