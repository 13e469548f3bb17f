"""`kcon load`: which rows of a file become which records?"""

from typing import ClassVar, Final

import click

from kcon.commands.options import connection_options, output_options, takes_typed_name
from kcon.commands.produce import COMPRESSIONS
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import leaf

ROW_FORMATS: Final = ("csv", "ndjson", "lines")


class Load(Request):
    """Load a file into a topic."""

    command: ClassVar[str] = "load"
    path: str | None
    """None: standard input."""
    topic: str
    row_format: str | None = None
    key_column: str | None = None
    timestamp_column: str | None = None
    delimiter: str = ","
    null_text: str | None = None
    columns: tuple[str, ...] | None = None
    rate_per_s: float | None = None
    count: int | None = None
    skip_bad: bool = False
    compression: str | None = None
    exactly_once: bool = False
    job: str | None = None
    again: bool = False
    dry_run: bool = False
    confirmation: Confirmation = Confirmation()


@leaf("load", options=[*output_options(), *connection_options()])
@click.argument("path", metavar="FILE|-")
@click.option("-t", "--topic", required=True, metavar="TOPIC", help="Into this topic.")
@click.option("--from", "row_format", type=click.Choice(ROW_FORMATS), help="The file's format; else by its name.")
@click.option("-k", "--key", "key_column", metavar="COLUMN", help="The column whose value is the record's key.")
@click.option("--timestamp", "timestamp_column", metavar="COLUMN", help="The column whose value is the record's time.")
@click.option("-d", "--delimiter", default=",", metavar="CHAR", help="Between the columns of a CSV file.")
@click.option("-Z", "--null", metavar="TEXT", help="A field equal to TEXT is null.")
@click.option("--header", metavar="NAMES", help="The columns' names, for a CSV file without a header line.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="N", help="At most N records a second.")
@click.option("-n", "--count", type=click.IntRange(min=0), metavar="N", help="Stop after N good rows.")
@click.option("--skip-bad", is_flag=True, help="Bad rows are reported and do not fail the command.")
@click.option(
    "-z", "--compression", type=click.Choice(COMPRESSIONS), help="How batches are compressed; lz4 by default."
)
@click.option(
    "--exactly-once", is_flag=True, help="Load in transactions; the same command goes on where a killed one ended."
)
@click.option("--job", metavar="NAME", help="The name of an exactly-once load; else made of the file's path and topic.")
@click.option("--again", is_flag=True, help="With --exactly-once: begin at the first row, whatever was loaded before.")
@click.option("--dry-run", is_flag=True, help="Read the file and send nothing: report the bad rows.")
@takes_typed_name
def load(
    *,
    shared: Shared,
    path: str,
    topic: str,
    row_format: str | None,
    key_column: str | None,
    timestamp_column: str | None,
    delimiter: str,
    null: str | None,
    header: str | None,
    rate: float | None,
    count: int | None,
    skip_bad: bool,
    compression: str | None,
    exactly_once: bool,
    job: str | None,
    again: bool,
    dry_run: bool,
    confirm: str | None,
) -> Request:
    """Load a CSV or NDJSON file, or lines, into a topic.

    Each row of a CSV file becomes a JSON object. A bad row is reported with its line number and the rest goes
    on; the exit code is then 1, unless --skip-bad.

    --exactly-once commits the rows together with how many of the file were read, in the topic kcon-progress: a
    load that was killed at any moment goes on without loss and without duplicates for readers of committed records.

    Example: kcon load flights.csv -t flights --key carrier

    Example: kcon load flights.csv -t flights --exactly-once

    Example: kcon load app.log -t logs --rate 500
    """
    from kcon.core.escapes import unescape

    if job is not None or again:
        exactly_once = True
    if exactly_once and path == "-" and job is None:
        raise click.UsageError("Standard input has no name to go on by: give the load one with --job NAME.")
    separator = unescape(delimiter)
    if len(separator) != 1:
        raise click.UsageError("--delimiter wants one character.")
    return Load(
        shared=shared,
        path=None if path == "-" else path,
        topic=topic,
        row_format=row_format,
        key_column=key_column,
        timestamp_column=timestamp_column,
        delimiter=separator,
        null_text=null,
        columns=tuple(name.strip() for name in header.split(",")) if header is not None else None,
        rate_per_s=rate,
        count=count,
        skip_bad=skip_bad,
        compression=compression,
        exactly_once=exactly_once,
        job=job,
        again=again,
        dry_run=dry_run,
        confirmation=Confirmation(name=confirm),
    )


COMMAND = load
