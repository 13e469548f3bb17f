"""What the fields of one version look like in bytes: shared by the decoder's and the encoder's compiler."""

from typing import Final

from kcon_broker.wire.schema import Field, Struct

FIXED: Final = {
    "bool": ("?", 1),
    "int8": ("b", 1),
    "int16": ("h", 2),
    "uint16": ("H", 2),
    "int32": ("i", 4),
    "int64": ("q", 8),
    "float64": ("d", 8),
    "uuid": ("16s", 16),
}
"""Primitive of a fixed size -> its code for the struct module (big-endian) and its size in bytes."""


def plain_fields(cls: type[Struct], version: int) -> list[Field]:
    """Return the untagged fields that the version has, in the order of the wire."""
    return [field for field in cls.FIELDS if field.tag is None and field.is_in(version)]


def tagged_fields(cls: type[Struct], version: int) -> list[tuple[int, Field]]:
    """Return the tagged fields that the version has, by ascending tag."""
    tagged = [(field.tag, field) for field in cls.FIELDS if field.tag is not None and field.is_in(version)]
    return sorted(tagged, key=lambda pair: pair[0])


def size_min(cls: type[Struct], version: int, flexible: bool) -> int:
    """Return the fewest bytes a struct can take; at least one, so that a count can always be checked by it."""
    size = sum(_field_size_min(field, version, flexible) for field in plain_fields(cls, version))
    return max(1, size + flexible)


def _field_size_min(field: Field, version: int, flexible: bool) -> int:
    if field.array:
        return 1 if flexible else 4
    if isinstance(field.kind, type):
        return 1 if field.is_nullable_in(version) else size_min(field.kind, version, flexible)
    if field.kind in FIXED:
        return FIXED[field.kind][1]
    if flexible:
        return 1
    return 2 if field.kind == "string" else 4
