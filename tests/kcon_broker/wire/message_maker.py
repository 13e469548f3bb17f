"""Random messages of any API and version, made from the schemas; seeded, so that a failure can be run again."""

import random
from typing import Any

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.layout import plain_fields, tagged_fields
from kcon_broker.wire.schema import Field, Message, Struct

_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}
_TIME_MS_MAX = 4_000_000_000_000
_ERROR_CODES = [int(code) for code in ErrorCode]
_TEXTS = ["", "a", "topic-1", "überzug", "日本", "x" * 126, "y" * 127, "z" * 300]


class MessageMaker:
    """Makes random values; a seed gives the same values every time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def message(self, cls: type[Message], version: int) -> Message:
        """Return a message with random values in all the fields that the version has."""
        made = self.struct(cls, version)
        assert isinstance(made, cls)
        return made

    def struct(self, cls: type[Struct], version: int) -> Struct:
        """Return a struct with random values in all the fields that the version has."""
        made = cls()
        for field in plain_fields(cls, version):
            setattr(made, field.name, self.field(field, version))
        for _, field in tagged_fields(cls, version):
            if self.random.random() < 0.5:
                setattr(made, field.name, self.tagged(made, field, version))
        return made

    def tagged(self, made: Struct, field: Field, version: int) -> Any:
        """Return a value, but None instead of a struct that equals its default: it would not be sent."""
        value = self.field(field, version)
        if isinstance(field.kind, type) and not field.array and value == field.kind():
            return None
        return value

    def field(self, field: Field, version: int) -> Any:
        """Return a random value for one field."""
        if field.is_nullable_in(version) and self.random.random() < 0.25:
            return None
        if field.array:
            count = self.random.choice([0, 1, 1, 2, 3])
            if not isinstance(field.kind, type) and self.random.random() < 0.1:
                count = 130
            return [self.value(field, version) for _ in range(count)]
        return self.value(field, version)

    def value(self, field: Field, version: int) -> Any:
        """Return a random value for one field or one item of an array."""
        pick = self.random
        match field.kind:
            case type():
                return self.struct(field.kind, version)
            case "bool":
                return pick.random() < 0.5
            case "string":
                return pick.choice(_TEXTS)
            case "bytes" | "records":
                return pick.randbytes(pick.choice([0, 1, 126, 127, 5000]))
            case "uuid":
                return pick.choice([bytes(16), pick.randbytes(16)])
            case "uint16":
                return pick.randrange(1 << 16)
            case "float64":
                return pick.uniform(-1e9, 1e9)
            case "int64" if field.name.endswith("_ms"):
                return pick.choice([0, pick.randrange(_TIME_MS_MAX)])
            case "int16" if "error_code" in field.name:
                return pick.choice(_ERROR_CODES)
            case kind:
                half = 1 << (_BITS[kind] - 1)
                return pick.choice([0, 1, -1, half - 1, -half, pick.randrange(-half, half)])
