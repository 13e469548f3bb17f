"""`kcon copy`: which records go from which topic to which, and how?"""

from typing import Any, ClassVar

import click

from kcon.commands.consume import choice_options, refuse_format_as_offset
from kcon.commands.options import (
    SharedOption,
    Size,
    confirmation,
    connection_options,
    output_options,
    takes,
    takes_confirmation,
)
from kcon.commands.produce import COMPRESSIONS
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import leaf


class Copy(Request):
    """Copy records."""

    command: ClassVar[str] = "copy"
    source: str
    target: str
    offset: str | None = None
    partitions: tuple[int, ...] | None = None
    isolation: str = "read_committed"
    where: str | None = None
    by_key: bool = False
    create: bool = False
    provenance: bool = False
    reason: str | None = None
    job: str | None = None
    again: bool = False
    bytes_per_s_max: int | None = None
    compression: str = "lz4"
    confirmation: Confirmation = Confirmation()


def job_options() -> list[SharedOption]:
    """How a job that can go on is named, begun anew and slowed down."""
    return [
        SharedOption(["--job"], metavar="NAME", help="The job's name; else made of what is copied. It goes on by it."),
        SharedOption(["--again"], is_flag=True, help="Begin anew, whatever an earlier run of the job did."),
        SharedOption(["--max-rate"], type=Size(), metavar="SIZE", help="Read at most so much a second, e.g. 5MB."),
        SharedOption(
            ["-z", "--compression"],
            type=click.Choice(COMPRESSIONS),
            default="lz4",
            help="How batches are compressed; lz4 by default.",
        ),
    ]


def takes_job_options(function: Any) -> Any:
    """Give a command's function the options of a job."""
    return takes(function, job_options())


def _takes_choice(function: Any) -> Any:
    wanted = ("partitions", "isolation", "where")
    return takes(function, [option for option in choice_options() if option.name in wanted])


@leaf("copy", options=[*output_options(letter=False), *connection_options()])
@click.argument("source", metavar="[CLUSTER:]TOPIC|RECORD")
@click.argument("target", metavar="[CLUSTER:]TOPIC")
@click.option("-o", "--offset", metavar="OFFSET", help="From where: start (the default), @-1h, -1000, or a range A..B.")
@_takes_choice
@click.option("--by-key", is_flag=True, help="Spread the records by key over the target's partitions.")
@click.option("--create", is_flag=True, help="Make the target like the source if it is not there.")
@click.option("--provenance", is_flag=True, help="Add headers that say where each record came from: for a DLQ.")
@click.option("--reason", metavar="TEXT", help="With --provenance: why, as one more header.")
@takes_job_options
@takes_confirmation
def copy(
    *,
    shared: Shared,
    source: str,
    target: str,
    offset: str | None,
    partitions: tuple[int, ...] | None,
    isolation: str,
    where: str | None,
    by_key: bool,
    create: bool,
    provenance: bool,
    reason: str | None,
    job: str | None,
    again: bool,
    max_rate: int | None,
    compression: str,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Copy records to another topic, on this or another cluster.

    The exact bytes, headers and times go. CLUSTER is a context or an address. Each record goes into the partition
    it came from, or with --by-key where its key belongs. RECORD is TOPIC/PARTITION/OFFSET: that one alone. The
    records and the progress of the copy are committed together, so the same command goes on where a killed one
    ended, without loss and without duplicates. It copies to the end that the source has now; later it copies what
    has come since.

    Example: kcon copy orders orders-copy --create

    Example: kcon copy prod:orders staging:orders -o @-1h --by-key -y

    Example: kcon copy orders/3/48211 orders.dlq --by-key --provenance --reason "no currency"
    """
    refuse_format_as_offset(offset)
    if reason is not None and not provenance:
        raise click.UsageError("--reason is one of the headers of --provenance; add that.")
    return Copy(
        shared=shared,
        source=source,
        target=target,
        offset=offset,
        partitions=partitions,
        isolation=isolation,
        where=where,
        by_key=by_key,
        create=create,
        provenance=provenance,
        reason=reason,
        job=job,
        again=again,
        bytes_per_s_max=max_rate,
        compression=compression,
        confirmation=confirmation(dry_run, yes, confirm),
    )


COMMAND = copy
