"""`kcon topic analyze|consumers|producers`: what is in a topic, and who uses it?"""

from typing import ClassVar

import click

from kcon.commands.options import connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.topic import COMMAND
from kcon.commands.tree import leaf


class TopicAnalyze(Request):
    """Look at a sample of a topic."""

    command: ClassVar[str] = "topic analyze"
    name: str
    sample: int = 1_000


class TopicConsumers(Request):
    """Show the groups on topics."""

    command: ClassVar[str] = "topic consumers"
    names: tuple[str, ...]
    regex: bool = False


class TopicProducers(Request):
    """Show the producers of topics."""

    command: ClassVar[str] = "topic producers"
    names: tuple[str, ...]
    regex: bool = False


_LISTING = [*output_options(watch=True), *connection_options()]
_REGEX_HELP = "The names are regular expressions, not globs."


@leaf("analyze", parent=COMMAND, options=[*output_options(), *connection_options()])
@click.argument("name", metavar="NAME")
@click.option(
    "-n",
    "--sample",
    type=click.IntRange(1, 100_000),
    default=1_000,
    metavar="N",
    help="Read the newest N records of each partition; 1000 by default.",
)
def topic_analyze(*, shared: Shared, name: str, sample: int) -> Request:
    """Look at a sample of a topic: sizes, keys, formats, headers, rate, and how even its partitions are.

    Example: kcon topic analyze orders -n 5000
    """
    return TopicAnalyze(shared=shared, name=name, sample=sample)


@leaf("consumers", parent=COMMAND, options=_LISTING)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
def topic_consumers(*, shared: Shared, names: tuple[str, ...], regex: bool) -> Request:
    """Show the groups that have committed in topics or own partitions of them, with their lag there.

    Example: kcon topic consumers orders --sort -lag
    """
    return TopicConsumers(shared=shared, names=names, regex=regex)


@leaf("producers", parent=COMMAND, options=_LISTING)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
def topic_producers(*, shared: Shared, names: tuple[str, ...], regex: bool) -> Request:
    """Show the idempotent and transactional producers that the leaders of topics know, and when they wrote last.

    Example: kcon topic producers orders
    """
    return TopicProducers(shared=shared, names=names, regex=regex)
