"""`kcon search`: which records of which topics match, and how fast may they be read?"""

from typing import Any, ClassVar

import click

from kcon.commands.consume import (
    RecordFormat,
    choice_options,
    format_options,
    record_format,
    refuse_format_as_offset,
    shared_record_options,
)
from kcon.commands.options import Size, takes
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf


class Search(Request):
    """Find records."""

    command: ClassVar[str] = "search"
    topics: tuple[str, ...]
    where: str | None
    partitions: tuple[int, ...] | None = None
    offset: str | None = None
    count: int | None = None
    isolation: str = "read_committed"
    bytes_per_s_max: int | None = None
    resume: str | None = None
    """The id that an interrupted search named."""
    estimate_only: bool = False
    format: RecordFormat = RecordFormat()
    quiet: bool = False


def _takes_record_options(function: Any) -> Any:
    chosen = [option for option in choice_options() if option.name != "exit"]
    return takes(function, [*chosen, *format_options()[:-1]])


@leaf("search", options=shared_record_options())
@click.argument("topics", metavar="TOPIC...", nargs=-1)
@click.option("-o", "--offset", metavar="OFFSET", help="From where: start (the default), @-1h, -1000, or a range A..B.")
@click.option("-c", "-n", "--count", type=click.IntRange(min=1), metavar="N", help="Stop at the Nth match.")
@click.option("--max-rate", type=Size(), metavar="SIZE", help="Read at most so much a second, e.g. 5MB.")
@click.option("--estimate", is_flag=True, help="Say how much would be read, and stop.")
@click.option("--resume", metavar="ID", help="Go on with an interrupted search; it knows its topics and filter.")
@_takes_record_options
def search(
    *,
    shared: Shared,
    topics: tuple[str, ...],
    offset: str | None,
    count: int | None,
    max_rate: int | None,
    estimate: bool,
    resume: str | None,
    **values: Any,
) -> Request:
    """Find records with a CEL filter, and say exactly what was looked at.

    It reads to the end that a partition has now. The bytes to read are said first; ctrl-C keeps what was found
    and names the command that goes on. Variables: value (JSON where it is JSON), key, headers, topic, partition,
    offset, time, timestamp_ms, text, value_size, key_size, now. A missing field is no match, and counted.

    Example: kcon search orders --where 'value.amount > 100 && headers.region == "eu"'

    Example: kcon search orders payments -o @-2h --where 'text.contains("48211")' --max-rate 5MB
    """
    refuse_format_as_offset(offset)
    joined = (*topics, *values["more_topics"])
    if resume is not None:
        if joined or values["where"] or offset or values["partitions"]:
            raise click.UsageError("--resume knows its topics, filter and range; leave them out.")
    elif not joined:
        raise click.UsageError("Name a topic.")
    elif values["where"] is None:
        raise click.UsageError("Say what to find: --where CEL, e.g. --where 'value.amount > 100'.")
    return Search(
        shared=shared,
        topics=joined,
        where=values["where"],
        partitions=values["partitions"],
        offset=offset,
        count=count,
        isolation=values["isolation"],
        bytes_per_s_max=max_rate,
        resume=resume,
        estimate_only=estimate,
        format=record_format(values),
        quiet=values["quiet"],
    )


COMMAND = search
