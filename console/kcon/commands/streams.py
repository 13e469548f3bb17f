"""`kcon streams`: streams groups, their topology, tasks and offsets (KIP-1071)."""

from typing import Any, ClassVar

import click

from kcon.commands.group import GroupDelete, GroupReset, Scope, TopicScope, takes_target, target_of
from kcon.commands.options import Duration, confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf

_ANSWER = [*output_options(), *connection_options()]


class StreamsList(Request):
    """List streams groups."""

    command: ClassVar[str] = "streams list"
    patterns: tuple[str, ...] = ()


class StreamsDescribe(Request):
    """Describe streams groups."""

    command: ClassVar[str] = "streams describe"
    names: tuple[str, ...]


class StreamsReset(GroupReset):
    """Move the commits of a streams group."""

    command: ClassVar[str] = "streams reset"


class StreamsDelete(GroupDelete):
    """Delete streams groups with all their commits."""

    command: ClassVar[str] = "streams delete"
    kind: ClassVar[str | None] = "streams"


COMMAND = Noun("streams", "Streams groups: topology and tasks, offset resets, deletion.")


@leaf("list", parent=COMMAND, options=[*output_options(watch=True), *connection_options()])
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
def streams_list(*, shared: Shared, patterns: tuple[str, ...]) -> Request:
    """List streams groups, all or those whose names match a glob.

    Example: kcon streams list
    """
    return StreamsList(shared=shared, patterns=patterns)


@leaf("describe", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
def streams_describe(*, shared: Shared, names: tuple[str, ...]) -> Request:
    """Describe streams groups: subtopologies, members, and the tasks of each.

    Example: kcon streams describe word-count
    """
    return StreamsDescribe(shared=shared, names=names)


@leaf("reset", parent=COMMAND, options=_ANSWER)
@click.argument("group", metavar="GROUP")
@takes_target
@click.option(
    "-t",
    "--topic",
    "--input-topic",
    "topics",
    multiple=True,
    type=Scope(),
    metavar="TOPIC[:P]",
    help="Only this input topic, or some of its partitions; repeatable.",
)
@click.option("--export", is_flag=True, help="Write the plan as CSV in Apache's format and change nothing.")
@click.option("--wait", "wait_ms", type=Duration(), metavar="DURATION", help="Wait until the group is empty.")
@takes_confirmation
def streams_reset(
    *,
    shared: Shared,
    group: str,
    to: str | None,
    to_group: str | None,
    from_file: str | None,
    topics: tuple[TopicScope, ...],
    export: bool,
    wait_ms: int | None,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
    **apache: Any,
) -> Request:
    """Move the committed offsets of a stopped streams group in its input topics. `kcon group undo` takes it back.

    What an application keeps in state stores and internal topics stays as it is.

    Example: kcon streams reset word-count --to start --dry-run

    Example: kcon streams reset word-count --to @-1h --topic lines --execute
    """
    if export and (yes or confirm is not None):
        raise click.UsageError("--export changes nothing, so --execute contradicts it.")
    return StreamsReset(
        shared=shared,
        group=group,
        target=target_of(to, to_group, from_file, apache),
        to_group=to_group,
        from_file=from_file,
        topics=topics,
        export=export,
        wait_ms=wait_ms,
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("delete", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
@takes_confirmation
def streams_delete(*, shared: Shared, names: tuple[str, ...], dry_run: bool, yes: bool, confirm: str | None) -> Request:
    """Delete stopped streams groups with all their commits, which are kept for `kcon group undo`.

    Their internal topics stay; `kcon topic delete 'word-count-*-changelog'` takes them away, with a plan.

    Example: kcon streams delete word-count
    """
    return StreamsDelete(shared=shared, names=names, confirmation=confirmation(dry_run, yes, confirm))
