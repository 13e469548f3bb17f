"""`kcon share`: share groups, their members, where they stand and from where they read (KIP-932)."""

from typing import Any, ClassVar

import click

from kcon.commands.group import Scope, TopicScope, target_of
from kcon.commands.options import confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf

_ANSWER = [*output_options(), *connection_options()]


class ShareList(Request):
    """List share groups."""

    command: ClassVar[str] = "share list"
    patterns: tuple[str, ...] = ()


class ShareDescribe(Request):
    """Describe share groups."""

    command: ClassVar[str] = "share describe"
    names: tuple[str, ...]


class ShareReset(Request):
    """Set from where a share group reads."""

    command: ClassVar[str] = "share reset"
    group: str
    target: str
    """In the offsets mini-language."""
    topics: tuple[TopicScope, ...] = ()
    """Empty: every partition that the group knows."""
    confirmation: Confirmation = Confirmation()


class ShareDelete(Request):
    """Delete share groups."""

    command: ClassVar[str] = "share delete"
    names: tuple[str, ...]
    confirmation: Confirmation = Confirmation()


class ShareOffsetsDelete(Request):
    """Let a share group forget topics."""

    command: ClassVar[str] = "share offsets delete"
    group: str
    topics: tuple[str, ...]
    confirmation: Confirmation = Confirmation()


COMMAND = Noun("share", "Share groups: members and offsets, where they read from, deletion.")
OFFSETS = Noun("offsets", "Offsets of share groups.")


@leaf("list", parent=COMMAND, options=[*output_options(watch=True), *connection_options()])
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
def share_list(*, shared: Shared, patterns: tuple[str, ...]) -> Request:
    """List share groups, all or those whose names match a glob.

    Example: kcon share list
    """
    return ShareList(shared=shared, patterns=patterns)


@leaf("describe", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
def share_describe(*, shared: Shared, names: tuple[str, ...]) -> Request:
    """Describe share groups: members, and in each partition the first record not yet done with.

    Example: kcon share describe workers
    """
    return ShareDescribe(shared=shared, names=names)


def _takes_place(function: Any) -> Any:
    for option in reversed(
        (
            click.option("--to", metavar="OFFSET", help="Where to: start, end, 42, @-1h, @14:05, current-100 ..."),
            click.option("--to-earliest", is_flag=True, help="The same as --to start."),
            click.option("--to-latest", is_flag=True, help="The same as --to end."),
            click.option("--to-datetime", metavar="TIME", help="The same as --to @TIME."),
        )
    ):
        function = option(function)
    return function


@leaf("reset", parent=COMMAND, options=_ANSWER)
@click.argument("group", metavar="GROUP")
@_takes_place
@click.option(
    "-t",
    "--topic",
    "topics",
    multiple=True,
    type=Scope(),
    metavar="TOPIC[:P]",
    help="Only this topic, or some of its partitions; one that the group does not know yet is added. Repeatable.",
)
@takes_confirmation
def share_reset(
    *,
    shared: Shared,
    group: str,
    to: str | None,
    topics: tuple[TopicScope, ...],
    dry_run: bool,
    yes: bool,
    confirm: str | None,
    **apache: Any,
) -> Request:
    """Set from where a share group without members reads. Shows the plan first.

    What was delivered and not yet acknowledged is delivered again where it lies behind the new place, else never.

    Example: kcon share reset workers --to start --dry-run

    Example: kcon share reset workers --to @-1h --topic jobs --execute
    """
    others = {"to_current": False, "to_offset": None, "by_duration": None, "shift_by": None}
    target = target_of(to, None, None, {**others, **apache})
    assert target is not None, "there is no file and no group to take it from"
    return ShareReset(
        shared=shared, group=group, target=target, topics=topics, confirmation=confirmation(dry_run, yes, confirm)
    )


@leaf("delete", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
@takes_confirmation
def share_delete(*, shared: Shared, names: tuple[str, ...], dry_run: bool, yes: bool, confirm: str | None) -> Request:
    """Delete share groups without members, with all they know of what was delivered.

    Example: kcon share delete workers
    """
    return ShareDelete(shared=shared, names=names, confirmation=confirmation(dry_run, yes, confirm))


@leaf("delete", parent=OFFSETS, options=_ANSWER)
@click.argument("group", metavar="GROUP")
@click.option("-t", "--topic", "topics", multiple=True, required=True, metavar="TOPIC", help="Forget this; repeatable.")
@takes_confirmation
def share_offsets_delete(
    *, shared: Shared, group: str, topics: tuple[str, ...], dry_run: bool, yes: bool, confirm: str | None
) -> Request:
    """Let a share group without members forget topics.

    Example: kcon share offsets delete workers --topic jobs
    """
    return ShareOffsetsDelete(
        shared=shared, group=group, topics=topics, confirmation=confirmation(dry_run, yes, confirm)
    )


COMMAND.add_command(OFFSETS)
