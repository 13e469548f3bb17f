"""`kcon consume`: which records of which topics, from where to where, shown how?"""

from typing import Any, ClassVar, Final

import click

from kcon.commands.options import (
    FORMATS,
    OUTPUT_SECTION,
    Partitions,
    SharedOption,
    connection_options,
    takes,
    takes_typed_name,
    where_option,
)
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import leaf
from kcon.core.frozen import Frozen

RECORD_FORMATS: Final = ("value", "ndjson", "json")
FORMAT_SECTION: Final = OUTPUT_SECTION


class RecordFormat(Frozen):
    """How one record is written."""

    kind: str = "value"
    """`value`, `ndjson`, `json`, or `verbs` when there is a template."""
    template: str | None = None
    """kcat's percent verbs."""
    key_separator: str | None = None
    record_separator: str = "\n"
    null_text: str = ""
    decoders: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """`key` or `value`, and the decoders to try in their order."""
    raw: bool = False
    """Write the exact bytes to a terminal too."""


class Consume(Request):
    """Print records."""

    command: ClassVar[str] = "consume"
    topics: tuple[str, ...]
    partitions: tuple[int, ...] | None = None
    offset: str | None = None
    """In the offsets mini-language, or a range `A..B`; None: where the command starts by default."""
    count: int | None = None
    last_total: int | None = None
    """Show so many of the newest records in total first (`tail -n`)."""
    stop_at_end: bool = False
    group: str | None = None
    isolation: str = "read_committed"
    format: RecordFormat = RecordFormat()
    where: str | None = None
    """CEL over the record's variables."""
    quiet: bool = False
    confirmation: Confirmation = Confirmation()
    """For joining a group."""


class Decoders(click.ParamType[tuple[str, tuple[str, ...]]]):
    """`json,hex`, `key=text` or `value=json`: what is decoded, and by which decoders in turn."""

    name = "decoders"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[str, ...]]:
        if isinstance(value, tuple):
            return value
        part, equals, names = str(value).partition("=")
        if not equals:
            part, names = "value", part
        chosen = tuple(name.strip() for name in names.split(",") if name.strip())
        if part not in {"key", "value"} or not chosen:
            self.fail(f"{value!r} is not key=NAMES or value=NAMES.", param, ctx)
        return part, chosen


def choice_options() -> list[SharedOption]:
    """How records are chosen; the same for `consume`, `tail` and `search`."""
    return [
        SharedOption(["-t", "--topic", "more_topics"], multiple=True, metavar="TOPIC", help="A topic, as an option."),
        SharedOption(
            ["-p", "--partition", "partitions"], type=Partitions(), metavar="P", help="Only these: 0, 0,2 or 0-3."
        ),
        SharedOption(["-e", "--exit"], is_flag=True, help="Stop at the end instead of following."),
        SharedOption(
            ["--isolation"],
            type=click.Choice(["read_committed", "read_uncommitted"]),
            default="read_committed",
            help="Whether records of open and aborted transactions are left out.",
        ),
        where_option("Only records for which CEL says yes, e.g. 'value.amount > 100 && key == \"a\"'."),
        SharedOption(["-q", "--quiet"], is_flag=True, help="No notes on standard error."),
    ]


def format_options() -> list[SharedOption]:
    """How records are written; the last one lands in the request's shared part."""
    return [
        SharedOption(
            ["-f", "--format", "template"],
            metavar="TEXT",
            section=FORMAT_SECTION,
            help="Write each record as TEXT, with %t topic, %p partition, %o offset, %k key, %s value, %h headers, "
            "%T time in ms, %K %S key and value sizes, %R the value's size as 4 bytes, \\n \\t \\xHH.",
        ),
        SharedOption(["-J", "--json", "as_json"], is_flag=True, section=FORMAT_SECTION, help="One JSON object a line."),
        SharedOption(
            ["--output", "output_format"],
            type=click.Choice(RECORD_FORMATS),
            section=FORMAT_SECTION,
            help="value (the default), ndjson (the same as -J) or json (one envelope).",
        ),
        SharedOption(
            ["-K", "--key-separator"],
            metavar="TEXT",
            section=FORMAT_SECTION,
            help="Write the key and TEXT before the value.",
        ),
        SharedOption(
            ["-D", "--delimiter"],
            metavar="TEXT",
            section=FORMAT_SECTION,
            help="End each record with TEXT instead of a newline.",
        ),
        SharedOption(
            ["-Z", "--null"], metavar="TEXT", section=FORMAT_SECTION, help="What stands for a null key or value."
        ),
        SharedOption(
            ["-s", "--decode", "decoders"],
            multiple=True,
            type=Decoders(),
            metavar="[key=|value=]NAMES",
            section=FORMAT_SECTION,
            help="Decode with these, the first that fits: value=json,hex; else as the context's serde says.",
        ),
        SharedOption(["--raw"], is_flag=True, section=FORMAT_SECTION, help="Write the exact bytes to a terminal too."),
        SharedOption(
            ["--int64-as-string"],
            is_flag=True,
            section=FORMAT_SECTION,
            help="Write 64-bit integers as strings in JSON, for readers that round them.",
        ),
    ]


def takes_record_options(function: Any) -> Any:
    """Give a command's function the options for choosing and writing records."""
    return takes(function, [*choice_options(), *format_options()[:-1]])


def shared_record_options() -> list[SharedOption]:
    """Return the options that land in the request's shared part."""
    return [*format_options()[-1:], *connection_options()]


def record_format(values: dict[str, Any]) -> RecordFormat:
    """Make the format of the options; two formats at once are a usage error."""
    chosen = [name for name in ("template", "as_json", "output_format") if values[name]]
    if len(chosen) > 1:
        raise click.UsageError("-f, -J and --output exclude each other.")
    kind = values["output_format"] or ("ndjson" if values["as_json"] else "value")
    if values["template"] is not None:
        kind = "verbs"
    if kind in {"json", "ndjson"} and (values["key_separator"] or values["delimiter"] or values["null"]):
        raise click.UsageError("-K, -D and -Z have no meaning in JSON.")
    return RecordFormat(
        kind=kind,
        template=values["template"],
        key_separator=_unescape(values["key_separator"]),
        record_separator="\n" if values["delimiter"] is None else _unescape(values["delimiter"]) or "",
        null_text=values["null"] or "",
        decoders=values["decoders"],
        raw=values["raw"],
    )


def _unescape(text: str | None) -> str | None:
    r"""Read `\t`, `\n`, `\\` and `\xHH` as one would type them for kcat."""
    if text is None or "\\" not in text:
        return text
    from kcon.core.escapes import unescape

    return unescape(text)


def topics_of(topics: tuple[str, ...], more_topics: tuple[str, ...]) -> tuple[str, ...]:
    """Join the arguments and `-t`; at least one is needed."""
    joined = (*topics, *more_topics)
    if not joined:
        raise click.UsageError("Name a topic.")
    return joined


_KCAT_WORDS: Final = {"beginning": "start", "earliest": "start", "latest": "end"}


def one_offset(words: tuple[str, ...]) -> str | None:
    """Return the place or range that the `-o` words mean, in the offsets mini-language.

    kcat's `beginning`, and its `s@TIME` and `e@TIME` of which both may be given, become kcon's.
    """
    times = {word[0]: word[1:] for word in words if word[:2] in {"s@", "e@"}}
    if times and len(times) == len(words):
        return f"{times.get('s', '')}..{times['e']}" if "e" in times else times["s"]
    if len(words) > 1:
        raise click.UsageError("Give -o once; a range is A..B.")
    return _KCAT_WORDS.get(words[0], words[0]) if words else None


def refuse_format_as_offset(offset: str | None) -> None:
    """Raise a usage error with a hint when `-o` was meant as the output format."""
    if offset is not None and offset.lower() in {*FORMATS, *RECORD_FORMATS}:
        error = click.UsageError(f"-o is the offset here, and {offset!r} is none.")
        error.kcon_hint = (  # type: ignore[attr-defined]  # parse() reads it back.
            "Write -J for one JSON object a line, or --output json; -o start, -o end or -o -10 are offsets."
        )
        raise error


@leaf("consume", options=shared_record_options())
@click.argument("topics", metavar="TOPIC...", nargs=-1)
@click.option(
    "-o",
    "--offset",
    "offsets",
    multiple=True,
    metavar="OFFSET",
    help="From where: start (the default), end, 42, -10 (the last ten of each partition), @-1h, @14:05, or A..B; "
    "kcat's words too.",
)
@click.option("-c", "-n", "--count", type=click.IntRange(min=0), metavar="N", help="Stop after N records.")
@click.option(
    "-g", "--group", metavar="GROUP", help="Join this group, start at its commits, and commit what was printed."
)
@takes_record_options
@takes_typed_name
def consume(
    *,
    shared: Shared,
    topics: tuple[str, ...],
    offsets: tuple[str, ...],
    count: int | None,
    group: str | None,
    confirm: str | None,
    **values: Any,
) -> Request:
    """Print records of topics.

    It follows until ctrl-C, unless -e, -n or a range ends it. Without -g it joins no group and commits nothing.

    Example: kcon consume orders -o -10 -e

    Example: kcon consume orders -o @-1h -J | jq .value

    Example: kcon consume orders -p 3 -o 48211 -n 1
    """
    offset = one_offset(offsets)
    refuse_format_as_offset(offset)
    if group is not None and values["partitions"] is not None:
        raise click.UsageError("With -g the group assigns the partitions; leave -p out.")
    return Consume(
        shared=shared,
        topics=topics_of(topics, values["more_topics"]),
        partitions=values["partitions"],
        offset=offset,
        count=count,
        stop_at_end=values["exit"],
        group=group,
        isolation=values["isolation"],
        format=record_format(values),
        where=values["where"],
        quiet=values["quiet"],
        confirmation=Confirmation(name=confirm),
    )


COMMAND = consume
