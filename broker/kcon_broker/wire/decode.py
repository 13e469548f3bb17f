"""Compile the function that decodes one version of one message.

The function is generated source: neighbouring fields of fixed size are read with one `struct` call, the length of
a string or an array joins the call before it, and nested structs are decoded in place. That is several times faster
than walking the fields for each message.

Every length and count is checked against the bytes that remain before anything is allocated by it.
"""

from struct import Struct as Packer
from struct import error as StructError  # noqa: N812  # An exception class with a lower-case name.
from struct import unpack_from
from typing import Any, Final

from kcon_broker.wire.layout import FIXED, plain_fields, size_min, tagged_fields
from kcon_broker.wire.schema import Decoder, Field, Message, Struct, WireError
from kcon_broker.wire.varint import read_uvarint, skip_tags

ITEMS_MAX: Final = 1_000_000
"""Array items that one message may have in all: an item of three bytes becomes objects of 150 and more."""

_STRING_SIZE_MAX: Final = 0x7FFF


def compile_decoder(cls: type[Message], version: int) -> Decoder:
    """Return a function `(view, offset) -> (message, offset after it)` that raises only WireError."""
    writer = _Writer(version, flexible=version >= cls.FLEXIBLE_SINCE)
    writer.struct(cls, "m")
    writer.flush()
    source = "\n".join(
        [
            "def decode(buf, o):",
            " try:",
            f"  end = len(buf); left = {ITEMS_MAX}",
            *("  " + line for line in writer.lines),
            "  return m, o",
            " except (IndexError, StructError) as cut:",
            f"  raise WireError('{cls.__name__} v{version} is cut short') from cut",
            " except UnicodeDecodeError as invalid:",
            f"  raise WireError('{cls.__name__} v{version} has a string that is not UTF-8') from invalid",
        ]
    )
    names = writer.names
    code = compile(source, f"<decode {cls.__name__} v{version}>", "exec")
    exec(code, names)  # noqa: S102  # The source is made of our own schema, no input takes part in it.
    decoder: Decoder = names["decode"]
    return decoder


def too_long(what: str) -> WireError:
    """Make the error for a length or count that cannot fit in what is left of the message."""
    return WireError(f"{what} is longer than the message")


def not_null(what: str) -> WireError:
    """Make the error for a null where the version allows none."""
    return WireError(f"{what} is null")


def too_many(what: str) -> WireError:
    """Make the error for a message with more array items than any honest one."""
    return WireError(f"{what} goes beyond {ITEMS_MAX} items in one message")


class _Writer:
    """Writes the body of a decode function, line by line.

    `run` holds reads of fixed size that were not written yet: (target, struct code, size).
    """

    def __init__(self, version: int, flexible: bool) -> None:
        self.version = version
        self.flexible = flexible
        self.lines: list[str] = []
        self.indent = ""
        self.run: list[tuple[str, str, int]] = []
        self.count = 0
        self.names: dict[str, Any] = {
            "new": object.__new__,
            "uvarint": read_uvarint,
            "skip_tags": skip_tags,
            "unpack_from": unpack_from,
            "StructError": StructError,
            "WireError": WireError,
            "too_long": too_long,
            "not_null": not_null,
            "too_many": too_many,
        }

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def constant(self, prefix: str, value: object) -> str:
        name = self.name(prefix)
        self.names[name] = value
        return name

    def line(self, text: str) -> None:
        self.lines.append(self.indent + text)

    def flush(self) -> None:
        if not self.run:
            return
        targets = ", ".join(target for target, _, _ in self.run)
        comma = "," if len(self.run) == 1 else ""
        packer = Packer(">" + "".join(code for _, code, _ in self.run))
        self.run.clear()
        self.line(f"{targets}{comma} = {self.constant('S', packer.unpack_from)}(buf, o); o += {packer.size}")

    def struct(self, cls: type[Struct], target: str) -> None:
        """Decode a struct into a new variable `target`."""
        self.flush()
        self.line(f"{target} = new({self.constant('C', cls)})")
        self.absent_fields(cls, target)
        for field in plain_fields(cls, self.version):
            self.field(field, cls, f"{target}.{field.name}")
        if self.flexible:
            self.tags(cls, target)

    def absent_fields(self, cls: type[Struct], target: str) -> None:
        defaults = cls()
        for field in cls.FIELDS:
            if field.tag is None and field.is_in(self.version):
                continue
            value = getattr(defaults, field.name)
            if isinstance(value, list):
                self.line(f"{target}.{field.name} = []")
            elif isinstance(value, Struct):
                self.line(f"{target}.{field.name} = {self.constant('C', type(value))}()")
            else:
                self.line(f"{target}.{field.name} = {value!r}")

    def tags(self, cls: type[Struct], target: str) -> None:
        count = self.name("t")
        self.run.append((count, "B", 1))
        self.flush()
        known = tagged_fields(cls, self.version)
        self.line(f"if {count}:")
        outer = self.indent
        self.indent += " "
        if not known:
            self.line("o = skip_tags(buf, o - 1)")
        else:
            tag, size, stop = self.name("t"), self.name("n"), self.name("e")
            self.line(f"{count}, o = uvarint(buf, o - 1)")
            self.line(f"for _ in range({count}):")
            self.indent += " "
            self.line(f"{tag}, o = uvarint(buf, o); {size}, o = uvarint(buf, o); {stop} = o + {size}")
            self.line(f"if {stop} > end: raise too_long('a tagged field')")
            inner = self.indent
            for number, field in known:
                self.line(f"if {tag} == {number}:")
                self.indent += " "
                self.field(field, cls, f"{target}.{field.name}")
                self.flush()
                self.line(f"if o != {stop}: raise WireError('{cls.__name__}.{field.name} has a wrong size')")
                self.line("continue")
                self.indent = inner
            self.line(f"o = {stop}")
        self.indent = outer

    def field(self, field: Field, cls: type[Struct], target: str) -> None:
        what = f"{cls.__name__}.{field.name}"
        nullable = field.is_nullable_in(self.version)
        if field.array:
            self.array(field.kind, target, what, nullable)
        else:
            self.value(field.kind, target, what, nullable)

    def value(self, kind: str | type[Struct], target: str, what: str, nullable: bool) -> None:
        """Decode one value that is no array and assign it to `target`."""
        if isinstance(kind, type):
            self.nested(kind, target, nullable)
        elif kind in FIXED:
            self.run.append((target, *FIXED[kind]))
        else:
            self.sized(kind, target, what, nullable)

    def nested(self, cls: type[Struct], target: str, nullable: bool) -> None:
        value = self.name("v")
        outer = self.indent
        if nullable:
            # A byte before the struct says whether it is there (KIP-893).
            present = self.name("n")
            self.run.append((present, "b", 1))
            self.flush()
            self.line(f"{value} = None")
            self.line(f"if {present} >= 0:")
            self.indent += " "
        self.struct(cls, value)
        if nullable:
            self.flush()
            self.indent = outer
        self.line(f"{target} = {value}")

    def length(self, legacy: tuple[str, int]) -> str:
        """Read a length into a new variable, which is -1 for null."""
        size = self.name("n")
        if not self.flexible:
            self.run.append((size, *legacy))
            self.flush()
            return size
        self.run.append((size, "B", 1))
        self.flush()
        self.line(f"if {size} > 127: {size}, o = uvarint(buf, o - 1)")
        self.line(f"{size} -= 1")
        return size

    def null(self, target: str, size: str, what: str, nullable: bool) -> None:
        """Write the branch for null; the caller writes the branch for a value after it."""
        if nullable:
            self.line(f"if {size} < 0: {target} = None")
        else:
            self.line(f"if {size} < 0: raise not_null('{what}')")

    def sized(self, kind: str, target: str, what: str, nullable: bool) -> None:
        size = self.length(("h", 2) if kind == "string" else ("i", 4))
        self.null(target, size, what, nullable)
        self.line("else:")
        if kind == "string" and self.flexible:
            self.line(f" if {size} > {_STRING_SIZE_MAX}: raise too_long('{what}')")
        stop = self.name("e")
        self.line(f" {stop} = o + {size}")
        self.line(f" if {stop} > end: raise too_long('{what}')")
        piece = f"buf[o:{stop}]"
        value = {"string": f"str({piece}, 'utf-8')", "bytes": f"bytes({piece})", "records": piece}[kind]
        self.line(f" {target} = {value}; o = {stop}")

    def array(self, kind: str | type[Struct], target: str, what: str, nullable: bool) -> None:
        count = self.length(("i", 4))
        self.null(target, count, what, nullable)
        if isinstance(kind, type):
            item_size = size_min(kind, self.version, self.flexible)
        elif kind in FIXED:
            item_size = FIXED[kind][1]
        else:
            item_size = 1 if self.flexible else 2
        self.line(f"elif {count} * {item_size} > end - o: raise too_long('{what}')")
        self.line("else:")
        outer = self.indent
        self.indent += " "
        self.line(f"left -= {count}")
        self.line(f"if left < 0: raise too_many('{what}')")
        if isinstance(kind, str) and kind in FIXED and kind != "uuid":
            code, _ = FIXED[kind]
            self.line(f"{target} = list(unpack_from(f'>{{{count}}}{code}', buf, o)); o += {item_size} * {count}")
        else:
            items, append, item = self.name("a"), self.name("p"), self.name("i")
            self.line(f"{target} = {items} = []; {append} = {items}.append")
            self.line(f"for _ in range({count}):")
            self.indent += " "
            if isinstance(kind, type):
                self.struct(kind, item)
            else:
                self.value(kind, item, what, nullable=False)
            self.flush()
            self.line(f"{append}({item})")
        self.indent = outer
