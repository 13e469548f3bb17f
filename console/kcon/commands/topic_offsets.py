"""`kcon topic offsets`: the end of every partition, its start, or the place of a time."""

from typing import ClassVar

import click

from kcon.commands.options import Partitions, connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf


class TopicOffsets(Request):
    """Show one offset of every partition."""

    command: ClassVar[str] = "topic offsets"
    names: tuple[str, ...] = ()
    """Empty: every topic."""
    regex: bool = False
    internal: bool = False
    partitions: tuple[int, ...] = ()
    at: str = "end"
    """`start`, `end`, `max-timestamp` or a time, in the offsets mini-language."""
    read_committed: bool = False


def add_offsets_command(noun: Noun) -> None:
    """Give `kcon topic` its verb."""
    noun.add_command(topic_offsets)


@leaf("offsets", options=[*output_options(watch=True), *connection_options()])
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--regex", is_flag=True, help="The names are regular expressions, not globs.")
@click.option("--internal", is_flag=True, help="Internal topics such as __consumer_offsets too.")
@click.option("-p", "--partitions", type=Partitions(), default=(), metavar="P", help="Only these, e.g. 0,2 or 0-3.")
@click.option(
    "--at",
    default="end",
    show_default=True,
    metavar="PLACE",
    help="start, end, max-timestamp (the record with the latest time), or a time such as @-1h.",
)
@click.option("--read-committed", is_flag=True, help="The end is where a transaction is still open.")
def topic_offsets(
    *,
    shared: Shared,
    names: tuple[str, ...],
    regex: bool,
    internal: bool,
    partitions: tuple[int, ...],
    at: str,
    read_committed: bool,
) -> Request:
    """Show one offset of every partition: its end, its start, or the first record at or after a time.

    Example: kcon topic offsets orders

    Example: kcon topic offsets 'orders.*' --at @-1h
    """
    return TopicOffsets(
        shared=shared,
        names=names,
        regex=regex,
        internal=internal,
        partitions=partitions,
        at=at,
        read_committed=read_committed,
    )
