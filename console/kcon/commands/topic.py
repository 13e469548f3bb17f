"""`kcon topic`: which topics are there, what are they made of, make one, delete some."""

from typing import ClassVar

import click

from kcon.commands.options import (
    Property,
    confirmation,
    connection_options,
    output_options,
    takes_confirmation,
)
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf


class TopicList(Request):
    """List topics."""

    command: ClassVar[str] = "topic list"
    patterns: tuple[str, ...] = ()
    regex: bool = False
    internal: bool = False


class TopicDescribe(Request):
    """Describe topics, partition by partition."""

    command: ClassVar[str] = "topic describe"
    names: tuple[str, ...]
    regex: bool = False


class TopicCreate(Request):
    """Create topics of one shape."""

    command: ClassVar[str] = "topic create"
    names: tuple[str, ...]
    partition_count: int | None = None
    """None: the cluster's default."""
    replication_factor: int | None = None
    configs: tuple[tuple[str, str], ...] = ()
    if_not_exists: bool = False
    confirmation: Confirmation = Confirmation()


class TopicDelete(Request):
    """Delete topics with all their records."""

    command: ClassVar[str] = "topic delete"
    names: tuple[str, ...]
    regex: bool = False
    if_exists: bool = False
    confirmation: Confirmation = Confirmation()


COMMAND = Noun("topic", "List, describe, create and delete topics.")

_LISTING = [*output_options(watch=True), *connection_options()]
_ANSWER = [*output_options(), *connection_options()]
_REGEX_HELP = "The names are regular expressions, not globs."


@leaf("list", parent=COMMAND, options=_LISTING)
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@click.option("--internal", is_flag=True, help="Show internal topics such as __consumer_offsets too.")
def topic_list(*, shared: Shared, patterns: tuple[str, ...], regex: bool, internal: bool) -> Request:
    """List topics, all or those whose names match a glob. `-` reads names from standard input."""
    return TopicList(shared=shared, patterns=patterns, regex=regex, internal=internal)


@leaf("describe", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
def topic_describe(*, shared: Shared, names: tuple[str, ...], regex: bool) -> Request:
    """Describe topics: id, settings that differ from the default, and each partition with its offsets."""
    return TopicDescribe(shared=shared, names=names, regex=regex)


@leaf("create", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "-p", "--partitions", type=click.IntRange(min=1), metavar="N", help="Partitions; else the cluster's default."
)
@click.option(
    "-r", "--replication-factor", type=click.IntRange(1, 32_767), metavar="N", help="Replicas of each partition."
)
@click.option("-c", "--config", "configs", multiple=True, type=Property(), help="A setting of the topic; repeatable.")
@click.option("--if-not-exists", is_flag=True, help="A topic that exists already is no error.")
@takes_confirmation
def topic_create(
    *,
    shared: Shared,
    names: tuple[str, ...],
    partitions: int | None,
    replication_factor: int | None,
    configs: tuple[tuple[str, str], ...],
    if_not_exists: bool,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Create topics. --dry-run lets the cluster check the request without creating anything."""
    return TopicCreate(
        shared=shared,
        names=names,
        partition_count=partitions,
        replication_factor=replication_factor,
        configs=configs,
        if_not_exists=if_not_exists,
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("delete", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@click.option("--if-exists", is_flag=True, help="A topic that does not exist is no error.")
@takes_confirmation
def topic_delete(
    *,
    shared: Shared,
    names: tuple[str, ...],
    regex: bool,
    if_exists: bool,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Delete topics with all their records. This cannot be undone."""
    return TopicDelete(
        shared=shared,
        names=names,
        regex=regex,
        if_exists=if_exists,
        confirmation=confirmation(dry_run, yes, confirm),
    )
