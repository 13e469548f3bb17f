"""What did the CEL engine understand? Reads the checked expression that it serialises, as plain nodes.

The bytes are Protocol Buffers (proto3) of `cel/expr/checked.proto` inside an `Any`; only the fields that the
closures need are read, so no protobuf library is loaded.

    Any          2: value
    CheckedExpr  4: expr
    Expr         3: const  4: ident  5: select  6: call  7: list  8: struct  9: comprehension
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

_VARINT: Final = 0
_FIXED64: Final = 1
_BYTES: Final = 2
_FIXED32: Final = 5


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal. is_unsigned tells `1u` from `1`."""

    value: Any
    is_unsigned: bool = False


@dataclass(frozen=True, slots=True)
class Ident:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`, or with is_test `has(operand.field)`."""

    operand: "Node"
    field: str
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator; target is what stands before the dot."""

    function: str
    target: "Node | None"
    arguments: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list literal."""

    elements: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else: a map, a message, a comprehension; with the expressions inside it."""

    children: "tuple[Node, ...]"


Node: TypeAlias = Constant | Ident | Select | Call | ListOf | Other


def read_checked(serialized: bytes) -> Node:
    """Return the root of a serialised checked expression. ValueError when the bytes are something else."""
    try:
        checked = _only(serialized, 2)
        return _expr(_only(checked, 4))
    except (IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise ValueError("not a checked expression") from error


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly inside a node."""
    match node:
        case Select(operand=operand):
            return (operand,)
        case Call(target=target, arguments=arguments):
            return arguments if target is None else (target, *arguments)
        case ListOf(elements=elements):
            return elements
        case Other(children=inner):
            return inner
        case _:
            return ()


def _expr(data: bytes) -> Node:
    for number, value in _fields(data):
        match number:
            case 3:
                return _constant(value)
            case 4:
                return Ident(_text(value, 1))
            case 5:
                fields = dict(_fields(value))
                return Select(_expr(fields[1]), fields[2].decode(), bool(fields.get(3, 0)))
            case 6:
                return _call(value)
            case 7:
                return ListOf(tuple(_expr(part) for inner, part in _fields(value) if inner == 1))
            case 8:
                entries = [dict(_fields(part)) for inner, part in _fields(value) if inner == 2]
                return Other(tuple(_expr(entry[key]) for entry in entries for key in (3, 4) if key in entry))
            case 9:
                inner_fields = dict(_fields(value))
                return Other(tuple(_expr(inner_fields[key]) for key in (2, 4, 5, 6, 7) if key in inner_fields))
    raise KeyError("expr")


def _call(data: bytes) -> Call:
    target: Node | None = None
    function = ""
    arguments: list[Node] = []
    for number, value in _fields(data):
        if number == 1:
            target = _expr(value)
        elif number == 2:
            function = value.decode()
        elif number == 3:
            arguments.append(_expr(value))
    return Call(function, target, tuple(arguments))


def _constant(data: bytes) -> Constant:
    for number, value in _fields(data):
        match number:
            case 1:
                return Constant(None)
            case 2:
                return Constant(bool(value))
            case 3:
                return Constant(value - (1 << 64) if value >= 1 << 63 else value)
            case 4:
                return Constant(value, is_unsigned=True)
            case 5:
                return Constant(struct.unpack("<d", value)[0])
            case 6:
                return Constant(value.decode())
            case 7:
                return Constant(value)
    raise KeyError("constant")


def _text(data: bytes, wanted: int) -> str:
    text: str = _only(data, wanted).decode()
    return text


def _only(data: bytes, wanted: int) -> bytes:
    found = dict(_fields(data))[wanted]
    if not isinstance(found, bytes):
        raise ValueError("a number where bytes should be")
    return found


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Yield (field number, value): an int for varints, bytes for everything else. IndexError at a torn end."""
    if not isinstance(data, bytes):
        raise ValueError("a number where a message should be")
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _varint(data, position)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            size, position = _varint(data, position)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}[kind]
        if position + size > len(data):
            raise IndexError("the bytes end too early")
        yield tag >> 3, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
