"""`kcon group offsets`: the commits of groups, shown, exported, imported and deleted."""

from typing import Any, ClassVar

import click

from kcon.commands.group import GroupReset, Scope, TopicScope
from kcon.commands.options import Duration, confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf


class GroupOffsets(Request):
    """Show or export the commits of groups."""

    command: ClassVar[str] = "group offsets"
    names: tuple[str, ...]
    regex: bool = False
    topics: tuple[TopicScope, ...] = ()
    export: bool = False
    """As CSV in Apache's format."""


class GroupOffsetsDelete(Request):
    """Delete commits of a group."""

    command: ClassVar[str] = "group offsets delete"
    group: str
    topics: tuple[TopicScope, ...]
    confirmation: Confirmation = Confirmation()


_ANSWER = [*output_options(), *connection_options()]
_REGEX_HELP = "The names are regular expressions, not globs."

OFFSETS = Noun("offsets", "The commits of groups: get, export, import, delete.")


def _takes_topics(function: Any) -> Any:
    return click.option(
        "-t",
        "--topic",
        "topics",
        multiple=True,
        type=Scope(),
        metavar="TOPIC[:P]",
        help="Only this topic, or some of its partitions; repeatable.",
    )(function)


@leaf("get", parent=OFFSETS, options=[*output_options(where=True), *connection_options()])
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@_takes_topics
def group_offsets_get(
    *, shared: Shared, names: tuple[str, ...], regex: bool, topics: tuple[TopicScope, ...]
) -> Request:
    """Show what groups committed: offset, leader epoch and the text beside it.

    Example: kcon group offsets get billing
    """
    return GroupOffsets(shared=shared, names=names, regex=regex, topics=topics)


@leaf("export", parent=OFFSETS, options=connection_options())
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@_takes_topics
def group_offsets_export(
    *, shared: Shared, names: tuple[str, ...], regex: bool, topics: tuple[TopicScope, ...]
) -> Request:
    """Write the commits as CSV in Apache's format: topic,partition,offset, after the group when there are several.

    Example: kcon group offsets export billing > billing.csv
    """
    return GroupOffsets(shared=shared, names=names, regex=regex, topics=topics, export=True)


@leaf("import", parent=OFFSETS, options=_ANSWER)
@click.argument("group", metavar="GROUP")
@click.argument("path", metavar="PATH")
@_takes_topics
@click.option("--wait", "wait_ms", type=Duration(), metavar="DURATION", help="Wait until the group is empty.")
@takes_confirmation
def group_offsets_import(
    *,
    shared: Shared,
    group: str,
    path: str,
    topics: tuple[TopicScope, ...],
    wait_ms: int | None,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Commit the offsets of a CSV file (`-`: standard input). The same as `group reset --from-file`.

    Example: kcon group offsets import billing billing.csv
    """
    return GroupReset(
        shared=shared,
        group=group,
        target=None,
        from_file=path,
        topics=topics,
        wait_ms=wait_ms,
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("delete", parent=OFFSETS, options=_ANSWER)
@click.argument("group", metavar="GROUP")
@_takes_topics
@takes_confirmation
def group_offsets_delete(
    *,
    shared: Shared,
    group: str,
    topics: tuple[TopicScope, ...],
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Delete commits of topics that no member consumes. They are kept for `kcon group undo`.

    Example: kcon group offsets delete billing --topic orders
    """
    if not topics:
        raise click.UsageError("Name the topics with --topic; `kcon group delete` takes the whole group away.")
    return GroupOffsetsDelete(
        shared=shared, group=group, topics=topics, confirmation=confirmation(dry_run, yes, confirm)
    )
