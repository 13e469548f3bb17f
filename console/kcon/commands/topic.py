"""`kcon topic`: which topics are there, what are they made of, make one, delete some."""

from typing import Any, ClassVar

import click

from kcon.commands.options import (
    Partitions,
    Property,
    config_edits,
    confirmation,
    connection_options,
    output_options,
    past_options,
    takes_config_edits,
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
    health: frozenset[str] = frozenset()
    """Only topics with a partition that is one of `under-replicated`, `offline`, `under-min-isr`, `at-min-isr`."""


class TopicDescribe(Request):
    """Describe topics, partition by partition."""

    command: ClassVar[str] = "topic describe"
    names: tuple[str, ...]
    regex: bool = False
    eligible: bool = False


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


class TopicAlter(Request):
    """Change settings of topics."""

    command: ClassVar[str] = "topic alter"
    names: tuple[str, ...]
    regex: bool = False
    edits: tuple[tuple[str, str, str | None], ...]
    """Operation (`set`, `delete`, `append`, `subtract`), setting, value."""
    confirmation: Confirmation = Confirmation()


class TopicAddPartitions(Request):
    """Grow topics."""

    command: ClassVar[str] = "topic add-partitions"
    names: tuple[str, ...]
    regex: bool = False
    total: int | None = None
    more: int | None = None
    confirmation: Confirmation = Confirmation()


class TopicPurge(Request):
    """Delete the records of topics before a place."""

    command: ClassVar[str] = "topic purge"
    names: tuple[str, ...]
    regex: bool = False
    before: str = "end"
    """In the offsets mini-language."""
    partitions: tuple[int, ...] = ()
    confirmation: Confirmation = Confirmation()


COMMAND = Noun("topic", "List, describe, create, change and delete topics.")

_LISTING = [*output_options(watch=True), *connection_options()]
_ANSWER = [*output_options(), *connection_options()]
_REGEX_HELP = "The names are regular expressions, not globs."


@leaf("list", parent=COMMAND, options=[*past_options(), *_LISTING])
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@click.option("--internal", is_flag=True, help="Show internal topics such as __consumer_offsets too.")
@click.option(
    "--urp",
    "--under-replicated",
    "--under-replicated-partitions",
    "under_replicated",
    is_flag=True,
    help="Only topics with a partition whose replicas are not all in sync.",
)
@click.option(
    "--offline",
    "--unavailable-partitions",
    "offline",
    is_flag=True,
    help="Only topics with a partition without a leader.",
)
@click.option(
    "--under-min-isr",
    "--under-min-isr-partitions",
    "under_min_isr",
    is_flag=True,
    help="Only topics with a partition below min.insync.replicas: acks=all fails.",
)
@click.option(
    "--at-min-isr",
    "--at-min-isr-partitions",
    "at_min_isr",
    is_flag=True,
    help="Only topics with a partition that one more lost replica makes fail.",
)
def topic_list(*, shared: Shared, patterns: tuple[str, ...], regex: bool, internal: bool, **health: bool) -> Request:
    """List topics, all or those whose names match a glob. `-` reads names from standard input.

    Of the filters --urp, --offline, --under-min-isr and --at-min-isr one is enough for a topic to be shown.

    Example: kcon topic list --at @-1h

    Example: kcon topic list

    Example: kcon topic list 'orders.*' --sort -partitions --limit 10
    """
    return TopicList(
        shared=shared,
        patterns=patterns,
        regex=regex,
        internal=internal,
        health=frozenset(name.replace("_", "-") for name, chosen in health.items() if chosen),
    )


@leaf("describe", parent=COMMAND, options=[*past_options(), *_ANSWER])
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@click.option("--eligible", is_flag=True, help="Also the replicas out of sync that may still lead (KIP-966).")
def topic_describe(*, shared: Shared, names: tuple[str, ...], regex: bool, eligible: bool) -> Request:
    """Describe topics: id, settings that differ from the default, and each partition with its offsets.

    Example: kcon topic describe orders

    Example: kcon topic describe orders -o json | jq '.items[].partitions'
    """
    return TopicDescribe(shared=shared, names=names, regex=regex, eligible=eligible)


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
    """Create topics. --dry-run lets the cluster check the request without creating anything.

    Example: kcon topic create orders -p 12 -r 3 -c retention.ms=604800000
    """
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
    """Delete topics with all their records. This cannot be undone.

    Example: kcon topic delete orders

    Example: kcon topic delete 'tmp.*' --execute
    """
    return TopicDelete(
        shared=shared,
        names=names,
        regex=regex,
        if_exists=if_exists,
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("alter", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@takes_config_edits
@takes_confirmation
def topic_alter(
    *,
    shared: Shared,
    names: tuple[str, ...],
    regex: bool,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
    **edits: Any,
) -> Request:
    """Change settings of topics, leaving the others as they are. --dry-run lets the cluster check the change.

    Example: kcon topic alter orders --set retention.ms=86400000 --delete segment.bytes
    """
    return TopicAlter(
        shared=shared,
        names=names,
        regex=regex,
        edits=config_edits(edits),
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("add-partitions", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@click.option("-p", "--partitions", "total", type=click.IntRange(min=1), metavar="N", help="So many in total.")
@click.option("--add", "more", type=click.IntRange(min=1), metavar="N", help="So many more than there are.")
@takes_confirmation
def topic_add_partitions(
    *,
    shared: Shared,
    names: tuple[str, ...],
    regex: bool,
    total: int | None,
    more: int | None,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Add partitions to topics. They cannot be taken away again, and keys move to other partitions.

    Example: kcon topic add-partitions orders -p 12
    """
    if (total is None) == (more is None):
        raise click.UsageError("Say how many: --partitions N in total, or --add N more.")
    return TopicAddPartitions(
        shared=shared,
        names=names,
        regex=regex,
        total=total,
        more=more,
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("purge", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@click.option("--before", default="end", metavar="OFFSET", help="Keep what is from here on: end, @-1h, 42, end-1000.")
@click.option("-p", "--partition", "partitions", type=Partitions(), metavar="N,N", help="Only these partitions.")
@takes_confirmation
def topic_purge(
    *,
    shared: Shared,
    names: tuple[str, ...],
    regex: bool,
    before: str,
    partitions: tuple[int, ...] | None,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Delete the records of topics, all or those before a place. The topics stay. This cannot be undone.

    Example: kcon topic purge orders --before @-7d
    """
    return TopicPurge(
        shared=shared,
        names=names,
        regex=regex,
        before=before,
        partitions=partitions or (),
        confirmation=confirmation(dry_run, yes, confirm),
    )


def _add_offsets() -> None:
    from kcon.commands.topic_offsets import add_offsets_command

    add_offsets_command(COMMAND)


_add_offsets()


def _add_shape_and_insight() -> None:
    """Hang further verbs below the noun; their modules need this one first."""
    import kcon.commands.topic_insight
    import kcon.commands.topic_shape  # noqa: F401


_add_shape_and_insight()
