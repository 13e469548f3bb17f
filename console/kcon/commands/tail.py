"""`kcon tail`: the newest records, then whatever comes."""

from typing import Any

import click

from kcon.commands.consume import (
    Consume,
    record_format,
    shared_record_options,
    takes_record_options,
    topics_of,
)
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf


@leaf("tail", options=shared_record_options())
@click.argument("topics", metavar="TOPIC...", nargs=-1)
@click.option(
    "-n",
    "-c",
    "--lines",
    type=click.IntRange(min=0),
    metavar="N",
    help="Show the newest N records in total first; none by default.",
)
@takes_record_options
def tail(*, shared: Shared, topics: tuple[str, ...], lines: int | None, **values: Any) -> Request:
    """Print the newest records of topics and follow.

    Example: kcon tail orders

    Example: kcon tail orders -n 20
    """
    return Consume(
        shared=shared,
        topics=topics_of(topics, values["more_topics"]),
        partitions=values["partitions"],
        offset="end",
        last_total=lines or None,
        stop_at_end=values["exit"],
        isolation=values["isolation"],
        format=record_format(values),
        where=values["where"],
        quiet=values["quiet"],
    )


COMMAND = tail
