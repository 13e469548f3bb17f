"""Which options do commands share, and what do their values mean?

Every option that several commands take is made here once, so that it has the same name, letter and meaning
everywhere.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click

from kcon.commands.request import WATCH_INTERVAL_MS, Confirmation, Connection, Output, OutputFormat, Shared

CONNECTION_SECTION: Final = "Connection"
OUTPUT_SECTION: Final = "Output"
CONFIRMATION_SECTION: Final = "Confirmation"

REPORT_FORMATS: Final = ("table", "json", "ndjson", "yaml")
FORMATS: Final = tuple(item.value for item in OutputFormat)

_F = TypeVar("_F", bound=Callable[..., Any])


class SharedOption(click.Option):
    """An option with the heading it stands under in the help."""

    def __init__(self, *args: Any, section: str = "Options", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class Duration(click.ParamType[int]):
    """A duration such as `500ms`, `30s`, `5m`, `1h30m`; yields milliseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        from kcon.core.units import parse_duration_ms
        from kcon.errors import UsageError

        try:
            return parse_duration_ms(str(value))
        except UsageError as error:
            self.fail(error.message, param, ctx)


class Size(click.ParamType[int]):
    """A size such as `512`, `10k`, `5MB`; yields bytes, at least one."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        from kcon.core.units import parse_bytes
        from kcon.errors import UsageError

        try:
            size_bytes = parse_bytes(str(value))
        except UsageError as error:
            self.fail(error.message, param, ctx)
        if size_bytes < 1:
            self.fail("It must be at least one byte.", param, ctx)
        return size_bytes


class Property(click.ParamType[tuple[str, str]]):
    """`key=value`; the value may contain further equal signs."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, equals, text = str(value).partition("=")
        if not equals or not key.strip():
            self.fail(f"{value!r} is not key=value.", param, ctx)
        return key.strip(), text


class Partitions(click.ParamType[tuple[int, ...]]):
    """One partition or several: `0`, `0,2`, `0-3`."""

    name = "partitions"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return parse_partitions(str(value))
        except ValueError:
            self.fail(f"{value!r} does not name partitions; write 0, 0,2 or 0-3.", param, ctx)


PARTITION_MAX: Final = 1_000_000
"""No topic has more partitions than this; a larger number is a slip, and a range must stay small."""


def parse_partitions(text: str) -> tuple[int, ...]:
    """Read `0,2,5-7` into a sorted tuple without repeats. ValueError when it is anything else."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(text)
        start, end = int(first), int(last) if dash else int(first)
        if not start <= end < PARTITION_MAX:
            raise ValueError(text)
        found.update(range(start, end + 1))
    return tuple(sorted(found))


def connection_options() -> list[SharedOption]:
    """Which cluster, how long, which zone."""
    return [
        _shared(["-b", "--bootstrap"], "Where the cluster is: host:port, or several with commas.", "ADDRESS"),
        _shared(
            ["-C", "--context", "context_name"], "A context of the configuration; a,b asks several at once.", "NAME"
        ),
        _shared(
            ["-X", "--property", "properties"],
            "A setting in librdkafka's or Java's spelling; repeatable. No secrets.",
            "KEY=VALUE",
            multiple=True,
            type=Property(),
        ),
        _shared(["--timeout", "timeout_ms"], "The deadline of the command's requests.", "DURATION", type=Duration()),
        _shared(["--tz"], "The zone of times without one, e.g. Europe/Paris.", "ZONE"),
        SharedOption(
            ["-v", "--verbose"],
            is_flag=True,
            help="Write each request and answer to standard error, without secrets.",
            section=CONNECTION_SECTION,
        ),
    ]


def output_options(*, letter: bool = True, watch: bool = False, where: bool = False) -> list[SharedOption]:
    """How the answer is shown. letter: `-o` is the format; watch: the command can be repeated."""
    options = [
        SharedOption(
            ["-o", "--output", "output_format"] if letter else ["--output", "output_format"],
            type=click.Choice(FORMATS),
            help="The format; by default a table on a terminal, else TSV with a header.",
            section=OUTPUT_SECTION,
        ),
        _output(["--columns"], "Only these columns, in this order.", "NAMES"),
        _output(["--sort"], "Sort by these columns; -NAME sorts downwards.", "NAMES"),
        _output(["--limit"], "Show at most so many items.", "N", type=click.IntRange(min=0)),
        SharedOption(["--no-headers"], is_flag=True, help="Leave the header line out.", section=OUTPUT_SECTION),
        SharedOption(
            ["--no-pager"],
            is_flag=True,
            help="Write a long answer to the terminal as it is, not through KCON_PAGER, PAGER or less.",
            section=OUTPUT_SECTION,
        ),
        SharedOption(
            ["--int64-as-string"],
            is_flag=True,
            help="Write 64-bit integers as strings in JSON, for readers that round them.",
            section=OUTPUT_SECTION,
        ),
    ]
    if watch or where:
        options.append(_output(["--where"], "Only items for which CEL says yes; the columns are its variables.", "CEL"))
    if watch:
        options += [
            SharedOption(["--watch"], is_flag=True, help="Repeat until ctrl-C.", section=OUTPUT_SECTION),
            _output(["--interval", "interval_ms"], "The pause of --watch; 2s by default.", "DURATION", type=Duration()),
        ]
    return options


def past_options() -> list[SharedOption]:
    """Of which moment."""
    return [
        SharedOption(
            ["--at"],
            metavar="TIME",
            help="As it was then, from the history that kcon keeps: @-1h, @14:05, @2026-01-31T14:05.",
        )
    ]


def where_option(text: str) -> SharedOption:
    """Return `--where`: a filter in CEL."""
    return SharedOption(["--where"], metavar="CEL", help=text)


def report_options() -> list[SharedOption]:
    """How one report, which is no list, is shown."""
    return [
        SharedOption(
            ["-o", "--output", "output_format"],
            type=click.Choice(REPORT_FORMATS),
            help="The format; text for people by default.",
            section=OUTPUT_SECTION,
        )
    ]


def confirmation_options() -> list[SharedOption]:
    """How a change is agreed to."""
    return [
        SharedOption(
            ["--dry-run"], is_flag=True, help="Show the plan and change nothing.", section=CONFIRMATION_SECTION
        ),
        SharedOption(
            ["-y", "--execute", "yes"],
            is_flag=True,
            help="Do it without asking.",
            section=CONFIRMATION_SECTION,
        ),
        SharedOption(
            ["--confirm"],
            metavar="NAME",
            help="Type the target's name, which protected contexts want.",
            section=CONFIRMATION_SECTION,
        ),
    ]


def takes_confirmation(function: _F) -> _F:
    """Give a command's function --dry-run, --execute and --confirm."""
    return takes(function, confirmation_options())


def takes_typed_name(function: _F) -> _F:
    """Give a command's function --confirm alone: the command itself is the confirmation, except where protected."""
    return takes(function, confirmation_options()[-1:])


def takes(function: _F, options: Sequence[click.Parameter]) -> _F:
    """Give a command's function these options, as if they stood above it in this order."""
    params: list[click.Parameter] = getattr(function, "__click_params__", [])
    params.extend(reversed(options))
    function.__click_params__ = params  # type: ignore[attr-defined]  # click keeps a function's options there.
    return function


def takes_config_edits(function: _F) -> _F:
    """Give a command's function --set, --delete, --append and --subtract."""
    words = (
        ("--set", "edit_set", Property(), "KEY=VALUE", "Set a setting; repeatable."),
        ("--delete", "edit_delete", click.STRING, "KEY", "Take a setting back to its default; repeatable."),
        ("--append", "edit_append", Property(), "KEY=VALUE", "Add to a setting that is a list; repeatable."),
        ("--subtract", "edit_subtract", Property(), "KEY=VALUE", "Take out of a setting that is a list; repeatable."),
    )
    options = [
        click.Option([word, name], type=kind, metavar=metavar, help=text, multiple=True)
        for word, name, kind, metavar, text in words
    ]
    return takes(function, options)


ConfigEdits = tuple[tuple[str, str, str | None], ...]
"""Operation (`set`, `delete`, `append`, `subtract`), setting, value."""


def config_edits(values: Mapping[str, Any], *, required: bool = True) -> ConfigEdits:
    """Make the edits of the four options. A setting that is edited twice is a usage error."""
    edits: list[tuple[str, str, str | None]] = [
        (word, *pair) for word in ("set", "append", "subtract") for pair in values[f"edit_{word}"]
    ]
    edits += [("delete", key, None) for key in values["edit_delete"]]
    names = [key for _word, key, _value in edits]
    for name in names:
        if names.count(name) > 1:
            raise click.UsageError(f"{name} is edited twice.")
    if required and not edits:
        raise click.UsageError("Say what to change: --set, --delete, --append or --subtract.")
    return tuple(edits)


def edits_or_filter(values: Mapping[str, Any], shared: Shared) -> ConfigEdits:
    """Make the edits of a command that shows settings without them; --where with them is a usage error."""
    edits = config_edits(values, required=False)
    if edits and shared.output.where is not None:
        raise click.UsageError("--where picks what is shown; it does not choose what changes.")
    return edits


def confirmation(dry_run: bool, yes: bool, confirm: str | None) -> Confirmation:
    """Make the value of the three options; contradictions are a usage error."""
    if dry_run and (yes or confirm is not None):
        raise click.UsageError("--dry-run and --execute contradict each other.")
    return Confirmation(dry_run=dry_run, yes=yes, name=confirm)


def build_shared(values: Mapping[str, Any]) -> Shared:
    """Make the shared part of a request from the options that were given."""
    connection = Connection(
        bootstrap=values.get("bootstrap"),
        context=values.get("context_name"),
        properties=tuple(values.get("properties", ())),
        timeout_ms=values.get("timeout_ms"),
        tz=values.get("tz"),
        verbose=bool(values.get("verbose", False)),
    )
    chosen = values.get("output_format")
    output = Output(
        format=OutputFormat(chosen) if chosen else None,
        columns=_words(values.get("columns")),
        sort=tuple((name.removeprefix("-"), name.startswith("-")) for name in _words(values.get("sort"))),
        limit=values.get("limit"),
        where=values.get("where"),
        headers=not values.get("no_headers", False),
        pages=not values.get("no_pager", False),
        int64_as_string=bool(values.get("int64_as_string", False)),
        watch=bool(values.get("watch", False)),
        interval_ms=values.get("interval_ms") or WATCH_INTERVAL_MS,
    )
    return Shared(connection=connection, output=output, at=values.get("at"))


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word for part in (text or "").split(",") if (word := part.strip().lower()))


def _shared(names: Sequence[str], text: str, metavar: str, **more: Any) -> SharedOption:
    return SharedOption(list(names), help=text, metavar=metavar, section=CONNECTION_SECTION, **more)


def _output(names: Sequence[str], text: str, metavar: str, **more: Any) -> SharedOption:
    return SharedOption(list(names), help=text, metavar=metavar, section=OUTPUT_SECTION, **more)
