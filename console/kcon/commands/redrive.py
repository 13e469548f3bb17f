"""`kcon redrive`: which dead letters go back, and where to?"""

from typing import Any, ClassVar

import click

from kcon.commands.consume import choice_options, refuse_format_as_offset
from kcon.commands.copy import takes_job_options
from kcon.commands.options import confirmation, connection_options, output_options, takes, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import leaf


class Redrive(Request):
    """Send dead letters back."""

    command: ClassVar[str] = "redrive"
    topic: str
    to: str | None = None
    offset: str | None = None
    partitions: tuple[int, ...] | None = None
    isolation: str = "read_committed"
    where: str | None = None
    job: str | None = None
    again: bool = False
    bytes_per_s_max: int | None = None
    compression: str = "lz4"
    confirmation: Confirmation = Confirmation()


def _takes_choice(function: Any) -> Any:
    wanted = ("partitions", "isolation", "where")
    return takes(function, [option for option in choice_options() if option.name in wanted])


@leaf("redrive", options=[*output_options(letter=False), *connection_options()])
@click.argument("topic", metavar="DLQ")
@click.option("--to", metavar="TOPIC", help="Send them here, whatever their headers say.")
@click.option("-o", "--offset", metavar="OFFSET", help="From where: start (the default), @-1h, -1000, or a range A..B.")
@_takes_choice
@takes_job_options
@takes_confirmation
def redrive(
    *,
    shared: Shared,
    topic: str,
    to: str | None,
    offset: str | None,
    partitions: tuple[int, ...] | None,
    isolation: str,
    where: str | None,
    job: str | None,
    again: bool,
    max_rate: int | None,
    compression: str,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Send the records of a dead letter queue back to the topics they came from.

    The topic is named by a header: of kcon (`copy --provenance`), Kafka Connect, Kafka Streams or Spring. The exact
    bytes go, with headers that name the dead letter. The DLQ keeps its records; the same command sends each of them
    once, and those that have come since the next time. The plan reads the DLQ and counts them by target.

    Example: kcon redrive orders.dlq --dry-run

    Example: kcon redrive orders.dlq --where 'headers["kcon.origin.reason"] == "no currency"' -y
    """
    refuse_format_as_offset(offset)
    return Redrive(
        shared=shared,
        topic=topic,
        to=to,
        offset=offset,
        partitions=partitions,
        isolation=isolation,
        where=where,
        job=job,
        again=again,
        bytes_per_s_max=max_rate,
        compression=compression,
        confirmation=confirmation(dry_run, yes, confirm),
    )


COMMAND = redrive
