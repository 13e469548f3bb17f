"""`kcon produce`: which records go into a topic, and where do they come from?"""

from typing import ClassVar, Final

import click

from kcon.commands.options import Property, connection_options, takes_typed_name
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import leaf

COMPRESSIONS: Final = ("none", "gzip", "snappy", "lz4", "zstd")


class Produce(Request):
    """Write records."""

    command: ClassVar[str] = "produce"
    topic: str
    values: tuple[str, ...] = ()
    """Values given as words; empty: lines of `path` or of standard input."""
    path: str | None = None
    key: str | None = None
    key_separator: str | None = None
    record_separator: str = "\n"
    headers: tuple[tuple[str, str], ...] = ()
    partition: int | None = None
    null_text: str | None = None
    """A key or value equal to this text is null."""
    compression: str | None = None
    confirmation: Confirmation = Confirmation()


@leaf("produce", options=connection_options())
@click.argument("topic", metavar="TOPIC")
@click.argument("values", metavar="[VALUE]...", nargs=-1)
@click.option("-l", "--lines", "path", metavar="FILE", help="Read lines of FILE instead of standard input.")
@click.option("-k", "--key", metavar="KEY", help="The key of every record.")
@click.option("-K", "--key-separator", metavar="TEXT", help="Each line is a key, TEXT, and a value.")
@click.option("-D", "--delimiter", metavar="TEXT", help="Records end with TEXT instead of a newline.")
@click.option(
    "-H", "--header", "headers", multiple=True, type=Property(), metavar="NAME=VALUE", help="A header; repeatable."
)
@click.option("-p", "--partition", type=click.IntRange(min=0), metavar="P", help="Into this partition.")
@click.option("-Z", "--null", metavar="TEXT", help="A key or value equal to TEXT is null.")
@click.option("-z", "--compression", type=click.Choice(COMPRESSIONS), help="How batches are compressed.")
@takes_typed_name
def produce(
    *,
    shared: Shared,
    topic: str,
    values: tuple[str, ...],
    path: str | None,
    key: str | None,
    key_separator: str | None,
    delimiter: str | None,
    headers: tuple[tuple[str, str], ...],
    partition: int | None,
    null: str | None,
    compression: str | None,
    confirm: str | None,
) -> Request:
    """Write records to a topic.

    One for each VALUE, or one for each line of FILE or of standard input.

    Example: kcon produce orders '{"id": 7}' -k 7

    Example: kcon produce orders -K : < pairs.txt
    """
    if key is not None and key_separator is not None:
        raise click.UsageError("-k and -K exclude each other.")
    if values and path is not None:
        raise click.UsageError("Give values or a file, not both.")
    from kcon.core.escapes import unescape

    return Produce(
        shared=shared,
        topic=topic,
        values=values,
        path=path,
        key=key,
        key_separator=unescape(key_separator) if key_separator else None,
        record_separator=unescape(delimiter) if delimiter else "\n",
        headers=headers,
        partition=partition,
        null_text=null,
        compression=compression,
        confirmation=Confirmation(name=confirm),
    )


COMMAND = produce
