"""What is the answer of a command, before it is a table or JSON? Items, columns and the errors of single items."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar, final, overload

from kcon.core.frozen import Frozen
from kcon.core.wire_text import WireText
from kcon.errors import ExitCode, KconError


@final
class Int64(int):
    """A 64-bit integer of Kafka's: exact in JSON, or a string where the reader asks for it."""

    __slots__ = ()


Value: TypeAlias = "bool | int | float | str | WireText | Sequence[Value] | Mapping[str, Value] | None"
Item: TypeAlias = Mapping[str, Value]
Source = TypeVar("Source")


@final
class MadeItems(Sequence[Item], Generic[Source]):
    """Items that are made when they are read: tens of thousands at once would take more memory than their source."""

    def __init__(self, source: Sequence[Source], make: Callable[[Source], Item]) -> None:
        self._source = source
        self._make = make

    def __len__(self) -> int:
        return len(self._source)

    def __iter__(self) -> Iterator[Item]:
        return map(self._make, self._source)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        if isinstance(index, slice):
            return MadeItems(self._source[index], self._make)
        return self._make(self._source[index])


def int64(value: int | None) -> Int64 | None:
    """Mark an offset, a lag or a time as a 64-bit integer."""
    return None if value is None else Int64(value)


class Column(Frozen):
    """One column of a table, and of CSV and TSV. `key` is the item's key and the name for --columns and --sort."""

    key: str
    header: str = ""
    """In tables; the key in upper case when empty."""
    right: bool = False
    wide: bool = False
    """Only in the wide format, in CSV and in TSV."""
    drop: int = 0
    """In a narrow table, the column with the highest number goes first; 0 stays."""
    show: Callable[[Value], str] | None = None
    """How a table writes the value; None: as text."""

    @property
    def title(self) -> str:
        """Return the heading in tables."""
        return self.header or self.key.replace("_", " ").upper()


class ItemError(Frozen):
    """One item that failed while others may have succeeded."""

    item: str
    """What failed, safe for a terminal: `topic orders`, `orders/3`."""
    error: KconError


class Block(Frozen):
    """One part of a description for people: a heading with facts, or a table."""

    heading: str = ""
    facts: Sequence[tuple[str, str]] = ()
    columns: Sequence[Column] = ()
    rows: Sequence[Item] = ()
    text: str = ""
    """Lines of their own, below the rest; safe for a terminal."""


class Document(Frozen):
    """The answer of a command."""

    kind: str
    columns: Sequence[Column]
    items: Sequence[Item]
    errors: Sequence[ItemError] = ()
    rows: Sequence[Item] | None = None
    """The lines of tables, CSV and TSV where they are not the items themselves (a description)."""
    blocks: Sequence[Block] | None = None
    """How the table format shows it, instead of one table."""
    name_key: str = "name"
    """The key of the item's name, for the name format."""
    context: str = ""
    at: str = ""
    """Of which moment of the past it is; "" is now."""
    notes: Sequence[str] = ()
    """Sentences for standard error: what was clamped, left out or is unknown."""


def exit_code_of(errors: Sequence[ItemError]) -> ExitCode:
    """Return the code for the errors of items: their own when they agree, else FAILED."""
    codes = {error.error.exit_code for error in errors}
    if not codes:
        return ExitCode.OK
    return codes.pop() if len(codes) == 1 else ExitCode.FAILED
