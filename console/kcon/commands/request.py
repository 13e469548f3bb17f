"""What does a command ask for? The frozen values that parsing yields and that the fronts execute.

A request holds what the user typed, checked as far as that goes without a cluster. It does nothing itself:
`kcon.cli` executes it with the services, and the TUI's command line opens the screen that belongs to it.
"""

from enum import Enum
from typing import ClassVar, Final

from kcon.core.frozen import Frozen

WATCH_INTERVAL_MS: Final = 2_000


class OutputFormat(Enum):
    """How data is written to standard output."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    NDJSON = "ndjson"
    YAML = "yaml"
    CSV = "csv"
    TSV = "tsv"
    NAME = "name"


class Connection(Frozen):
    """Which cluster, as far as the command line says; the rest comes from the environment and the files."""

    bootstrap: str | None = None
    context: str | None = None
    properties: tuple[tuple[str, str], ...] = ()
    timeout_ms: int | None = None
    tz: str | None = None
    verbose: bool = False
    """-v: a line for each request and answer."""


class Output(Frozen):
    """How the answer is shown."""

    format: OutputFormat | None = None
    """None: a table on a terminal, TSV with a header otherwise."""
    columns: tuple[str, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    """Column name and whether it sorts downwards, the first one first."""
    limit: int | None = None
    where: str | None = None
    """CEL over the columns; a list keeps the items it says yes for."""
    headers: bool = True
    pages: bool = True
    """An answer longer than the screen goes through the pager."""
    int64_as_string: bool = False
    watch: bool = False
    interval_ms: int = WATCH_INTERVAL_MS


class Shared(Frozen):
    """What every command takes alike."""

    connection: Connection = Connection()
    output: Output = Output()
    at: str | None = None
    """A moment of the past, e.g. `@-1h`; None: now."""


class Confirmation(Frozen):
    """How a mutation was agreed to on the command line."""

    dry_run: bool = False
    yes: bool = False
    """-y or --execute."""
    name: str | None = None
    """--confirm NAME, which protected contexts want."""

    @property
    def confirmed_by(self) -> str | None:
        """Return the gate's word for it, or None when nobody agreed yet."""
        if self.name is not None:
            return f"name:{self.name}"
        return "-y" if self.yes else None


class Request(Frozen):
    """One command, parsed. Subclasses stand beside the command that yields them."""

    command: ClassVar[str]
    """The command's words, e.g. `topic list`."""
    shared: Shared = Shared()
