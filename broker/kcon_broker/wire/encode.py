"""Compile the function that encodes one version of one message.

The twin of `decode`: generated source that packs neighbouring fields of fixed size, and the length after them, with
one `struct` call. Large `records` become buffers of their own in the answer instead of being copied.
"""

from struct import Struct as Packer
from struct import pack
from typing import Any, Final

from kcon_broker.wire.layout import FIXED, plain_fields, tagged_fields
from kcon_broker.wire.schema import Buffer, Encoder, Field, Message, Part, Struct
from kcon_broker.wire.stored_bytes import StoredBytes
from kcon_broker.wire.varint import encode_uvarint

_RECORDS_COPY_MAX: Final = 4096
"""Records up to this many bytes are copied: a buffer of their own would cost more than the copy."""


def compile_encoder(cls: type[Message], version: int) -> Encoder:
    """Return a function `message -> buffers`."""
    writer = _Writer(version, flexible=version >= cls.FLEXIBLE_SINCE)
    writer.struct(cls, "m")
    writer.flush()
    source = "\n".join(
        [
            "def encode(m):",
            " parts = []",
            " out = bytearray()",
            *(" " + line for line in writer.lines),
            " if out or not parts: parts.append(out)",
            " return parts",
        ]
    )
    names = writer.names
    code = compile(source, f"<encode {cls.__name__} v{version}>", "exec")
    exec(code, names)  # noqa: S102  # The source is made of our own schema, no input takes part in it.
    encoder: Encoder = names["encode"]
    return encoder


def append_records(
    parts: list[Part], out: bytearray, records: Buffer | list[memoryview | StoredBytes], size: int
) -> bytearray:
    """Add records after `out`; return the buffer in which encoding goes on."""
    pieces = records if isinstance(records, list) else [records]
    if size <= _RECORDS_COPY_MAX:
        for piece in pieces:
            out += piece.load() if isinstance(piece, StoredBytes) else piece
        return out
    parts.append(out)
    parts.extend(pieces)
    return bytearray()


def records_size(records: Buffer | list[memoryview | StoredBytes]) -> int:
    """Return the bytes that a `records` value takes."""
    return sum(map(len, records)) if isinstance(records, list) else len(records)


class _Writer:
    """Writes the body of an encode function, line by line.

    `run` holds values of fixed size that were not written yet: (expression, struct code).
    """

    def __init__(self, version: int, flexible: bool) -> None:
        self.version = version
        self.flexible = flexible
        self.lines: list[str] = []
        self.indent = ""
        self.run: list[tuple[str, str]] = []
        self.count = 0
        self.names: dict[str, Any] = {
            "pack": pack,
            "uvarint": encode_uvarint,
            "append_records": append_records,
            "records_size": records_size,
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

    def packed(self, run: list[tuple[str, str]]) -> str:
        packer = Packer(">" + "".join(code for _, code in run))
        return f"{self.constant('S', packer.pack)}({', '.join(value for value, _ in run)})"

    def flush(self) -> None:
        if self.run:
            self.line(f"out += {self.packed(self.run)}")
            self.run.clear()

    def struct(self, cls: type[Struct], source: str) -> None:
        """Encode the struct that the variable `source` holds."""
        for field in plain_fields(cls, self.version):
            self.field(field, f"{source}.{field.name}")
        if self.flexible:
            self.tags(cls, source)

    def tags(self, cls: type[Struct], source: str) -> None:
        known = tagged_fields(cls, self.version)
        if not known:
            self.run.append(("0", "B"))
            return
        self.flush()
        keep, tags, count = self.name("k"), self.name("t"), self.name("n")
        self.line(f"{keep} = out; {tags} = b''; {count} = 0")
        defaults = cls()
        outer = self.indent
        for number, field in known:
            default = getattr(defaults, field.name)
            self.line(self.tag_test(field, default, f"{source}.{field.name}"))
            self.indent += " "
            self.line("out = bytearray()")
            self.field(field, f"{source}.{field.name}", may_be_null=default is not None)
            self.flush()
            self.line(f"{count} += 1; {tags} += {encode_uvarint(number)!r} + uvarint(len(out)) + out")
            self.indent = outer
        self.line(f"out = {keep}; out += uvarint({count}); out += {tags}")

    def tag_test(self, field: Field, default: object, source: str) -> str:
        """Write the condition under which a tagged field is sent: when it differs from its default."""
        if default is None:
            if isinstance(field.kind, type) and not field.array:
                return f"if {source} is not None and {source} != {self.constant('D', field.kind())}:"
            return f"if {source} is not None:"
        if default == []:
            return f"if {source}:"
        return f"if {source} != {default!r}:"

    def field(self, field: Field, source: str, may_be_null: bool = True) -> None:
        nullable = may_be_null and field.is_nullable_in(self.version)
        if field.array:
            self.array(field.kind, source, nullable)
        else:
            self.value(field.kind, source, nullable)

    def value(self, kind: str | type[Struct], source: str, nullable: bool) -> None:
        """Encode one value that is no array."""
        if isinstance(kind, type):
            self.nested(kind, source, nullable)
        elif kind in FIXED:
            self.run.append((source, FIXED[kind][0]))
        else:
            self.sized(kind, source, nullable)

    def nested(self, cls: type[Struct], source: str, nullable: bool) -> None:
        value = self.name("v")
        self.line(f"{value} = {source}")
        if not nullable:
            self.struct(cls, value)
            return
        # A byte before the struct says whether it is there (KIP-893).
        self.flush()
        self.line(f"if {value} is None: out += b'\\xff'")
        self.line("else:")
        outer = self.indent
        self.indent += " "
        self.run.append(("1", "b"))
        self.struct(cls, value)
        self.flush()
        self.indent = outer

    def length(self, size: str, legacy: str, more: list[tuple[str, str]] | None = None) -> None:
        """Write the run and then a length, which is -1 for null."""
        after = more or []
        if not self.flexible:
            self.run.append((size, legacy))
            self.line(f"out += {self.packed(self.run + after)}")
        else:
            short = self.packed([*self.run, (f"{size} + 1", "B"), *after])
            slow = [f"uvarint({size} + 1)"]
            if self.run:
                slow.insert(0, self.packed(self.run))
            if after:
                slow.append(self.packed(after))
            self.line(f"out += {short} if {size} < 127 else {' + '.join(slow)}")
        self.run.clear()

    def sized(self, kind: str, source: str, nullable: bool) -> None:
        value, size = self.name("b"), self.name("n")
        measure = f"records_size({value})" if kind == "records" else f"len({value})"
        made = f"{source}.encode()" if kind == "string" else source
        if nullable:
            self.line(f"{value} = {source}; {size} = -1")
            encode = f"{value} = {value}.encode(); " if kind == "string" else ""
            self.line(f"if {value} is not None: {encode}{size} = {measure}")
            self.length(size, "h" if kind == "string" else "i")
            guard = f"if {size} > 0: "
        else:
            self.line(f"{value} = {made}; {size} = {measure}")
            self.length(size, "h" if kind == "string" else "i")
            guard = ""
        if kind == "records":
            self.line(f"if {size} > 0: out = append_records(parts, out, {value}, {size})")
        else:
            self.line(f"{guard}out += {value}")

    def array(self, kind: str | type[Struct], source: str, nullable: bool) -> None:
        items, count = self.name("a"), self.name("n")
        self.line(f"{items} = {source}; {count} = {f'-1 if {items} is None else ' if nullable else ''}len({items})")
        if isinstance(kind, str) and kind in FIXED:
            self.fixed_array(FIXED[kind][0], items, count)
            return
        self.length(count, "i")
        item = self.name("i")
        self.line(f"for {item} in {items}{' or ()' if nullable else ''}:")
        outer = self.indent
        self.indent += " "
        self.value(kind, item, nullable=False)
        self.flush()
        self.indent = outer

    def fixed_array(self, code: str, items: str, count: str) -> None:
        """Encode numbers or uuids; one item, as a replica list of one node has, goes with its count."""
        run = list(self.run)
        outer = self.indent
        self.line(f"if {count} == 1:")
        self.indent += " "
        self.length(count, "i", [(f"{items}[0]", code)])
        self.indent = outer
        self.line("else:")
        self.indent += " "
        self.run = run
        self.length(count, "i")
        many = f"b''.join({items})" if code == "16s" else f"pack(f'>{{{count}}}{code}', *{items})"
        self.line(f"if {count} > 0: out += {many}")
        self.indent = outer
