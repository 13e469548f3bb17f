"""`kcon group`: who consumes, how far behind, and moving a group's offsets with a plan and a way back."""

from typing import Any, ClassVar, Final

import click

from kcon.commands.options import (
    Duration,
    confirmation,
    connection_options,
    output_options,
    parse_partitions,
    past_options,
    takes_confirmation,
)
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf
from kcon.core.frozen import Frozen
from kcon.errors import UsageError


class TopicScope(Frozen):
    """A topic named on the command line, with some of its partitions or all."""

    topic: str
    partitions: tuple[int, ...] | None = None


class GroupList(Request):
    """List groups."""

    command: ClassVar[str] = "group list"
    patterns: tuple[str, ...] = ()
    regex: bool = False
    states: tuple[str, ...] = ()


class GroupDescribe(Request):
    """Describe groups and their members."""

    command: ClassVar[str] = "group describe"
    names: tuple[str, ...]
    regex: bool = False


class GroupLag(Request):
    """Show the lag of groups, partition by partition."""

    command: ClassVar[str] = "group lag"
    names: tuple[str, ...] = ()
    """Empty: every group."""
    regex: bool = False
    topics: tuple[TopicScope, ...] = ()


class GroupReset(Request):
    """Move the committed offsets of a group."""

    command: ClassVar[str] = "group reset"
    group: str
    """Empty with `all_groups`."""
    all_groups: bool = False
    target: str | None
    """In the offsets mini-language; None with `from_file` or `to_group`."""
    to_group: str | None = None
    from_file: str | None = None
    topics: tuple[TopicScope, ...] = ()
    export: bool = False
    wait_ms: int | None = None
    with_times: bool = False
    confirmation: Confirmation = Confirmation()


class GroupUndo(Request):
    """Take a reset back, or list what can be taken back."""

    command: ClassVar[str] = "group undo"
    group: str | None
    record_id: str | None = None
    list_records: bool = False
    wait_ms: int | None = None
    confirmation: Confirmation = Confirmation()


class GroupDelete(Request):
    """Delete groups with all their commits."""

    command: ClassVar[str] = "group delete"
    kind: ClassVar[str | None] = None
    """Only groups of this type."""
    names: tuple[str, ...]
    regex: bool = False
    confirmation: Confirmation = Confirmation()


class GroupMembers(Request):
    """Show the members of groups."""

    command: ClassVar[str] = "group members"
    names: tuple[str, ...]
    regex: bool = False


COMMAND = Noun("group", "Consumer groups: lag, members, offset resets and their undo.", {"seek": "reset"})

_LISTING = [*output_options(watch=True), *connection_options()]
_ANSWER = [*output_options(), *connection_options()]
_REGEX_HELP = "The names are regular expressions, not globs."


class Scope(click.ParamType[TopicScope]):
    """A topic, or some partitions of it: `orders`, `orders:0,2`."""

    name = "topic[:partitions]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> TopicScope:
        if isinstance(value, TopicScope):
            return value
        topic, colon, partitions = str(value).partition(":")
        if not topic:
            self.fail(f"{value!r} names no topic.", param, ctx)
        if not colon:
            return TopicScope(topic=topic)
        try:
            return TopicScope(topic=topic, partitions=parse_partitions(partitions))
        except ValueError:
            self.fail(f"{value!r} does not name partitions; write orders:0,2 or orders:0-3.", param, ctx)


@leaf("list", parent=COMMAND, options=[*past_options(), *_LISTING])
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@click.option("--state", "states", multiple=True, metavar="STATE", help="Only groups in this state; repeatable.")
def group_list(*, shared: Shared, patterns: tuple[str, ...], regex: bool, states: tuple[str, ...]) -> Request:
    """List groups, all or those whose names match a glob. `-` reads names from standard input.

    Example: kcon group list

    Example: kcon group list --state Empty -o name
    """
    return GroupList(shared=shared, patterns=patterns, regex=regex, states=states)


@leaf("describe", parent=COMMAND, options=[*past_options(), *_ANSWER])
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
def group_describe(*, shared: Shared, names: tuple[str, ...], regex: bool) -> Request:
    """Describe groups: state, coordinator, and each member with what it owns.

    Example: kcon group describe billing
    """
    return GroupDescribe(shared=shared, names=names, regex=regex)


@leaf("lag", parent=COMMAND, options=[*past_options(), *_LISTING])
@click.argument("names", metavar="[GROUP]...", nargs=-1)
@click.option("--all", "--all-groups", "all_groups", is_flag=True, help="Every group; the default without a name.")
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@click.option(
    "-t", "--topic", "topics", multiple=True, type=Scope(), metavar="TOPIC[:P]", help="Only this topic; repeatable."
)
def group_lag(
    *, shared: Shared, names: tuple[str, ...], all_groups: bool, regex: bool, topics: tuple[TopicScope, ...]
) -> Request:
    """Show how far groups are behind, partition by partition. An unknown lag is shown as such, never as 0.

    Example: kcon group lag billing

    Example: kcon group lag billing --at @14:05

    Example: kcon group lag --all --sort -lag --limit 20
    """
    if all_groups and names:
        raise click.UsageError("--all and the name of a group contradict each other.")
    return GroupLag(shared=shared, names=names, regex=regex, topics=topics)


def takes_target(function: Any) -> Any:
    """Give a reset its ways to say where to, Apache's names among them."""
    for option in reversed(
        (
            click.option("--to", metavar="OFFSET", help="Where to: start, end, 42, @-1h, @14:05, current-100 ..."),
            click.option("--to-group", metavar="GROUP", help="To the commits of another group."),
            click.option("--from-file", "--to-path", metavar="PATH", help="To the offsets of a CSV file; - is stdin."),
            click.option("--to-earliest", is_flag=True, help="The same as --to start."),
            click.option("--to-latest", is_flag=True, help="The same as --to end."),
            click.option("--to-current", is_flag=True, help="The same as --to current."),
            click.option("--to-offset", metavar="N", help="The same as --to N."),
            click.option("--to-datetime", metavar="TIME", help="The same as --to @TIME."),
            click.option("--by-duration", metavar="DURATION", help="The same as --to @-DURATION; ISO 8601 too."),
            click.option("--shift-by", metavar="N", help="The same as --to current+N; N may be negative."),
        )
    ):
        function = option(function)
    return function


@leaf("reset", parent=COMMAND, options=_ANSWER)
@click.argument("group", metavar="GROUP", required=False)
@click.option("-g", "--group", "group_option", metavar="GROUP", help="The group, as an option.")
@click.option("--all-groups", is_flag=True, help="Every group that has commits, in one plan.")
@takes_target
@click.option(
    "-t",
    "--topic",
    "topics",
    multiple=True,
    type=Scope(),
    metavar="TOPIC[:P]",
    help="Only this topic, or some of its partitions; repeatable.",
)
@click.option("--all-topics", is_flag=True, help="Every topic with a commit, which is the default.")
@click.option("--export", is_flag=True, help="Write the plan as CSV in Apache's format and change nothing.")
@click.option("--wait", "wait_ms", type=Duration(), metavar="DURATION", help="Wait until the group is empty.")
@click.option("--with-times", is_flag=True, help="Look up the time at the new offset for every row.")
@takes_confirmation
def group_reset(
    *,
    shared: Shared,
    group: str | None,
    group_option: str | None,
    all_groups: bool,
    to: str | None,
    to_group: str | None,
    from_file: str | None,
    topics: tuple[TopicScope, ...],
    all_topics: bool,
    export: bool,
    wait_ms: int | None,
    with_times: bool,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
    **apache: Any,
) -> Request:
    """Move the committed offsets of a group. Shows the plan, and changes nothing unless it is confirmed.

    Example: kcon group reset billing --to @-1h --dry-run

    Example: kcon group reset billing --to end-100 --topic orders:0,2 --execute
    """
    if all_groups and (group or group_option or to_group or from_file or wait_ms is not None):
        raise click.UsageError("--all-groups goes with --to alone, not with a group, a file or --wait.")
    name = "" if all_groups else _one_group(group, group_option)
    if all_topics and topics:
        raise click.UsageError("--all-topics and --topic contradict each other.")
    target = target_of(to, to_group, from_file, apache)
    if export and (yes or confirm is not None):
        raise click.UsageError("--export changes nothing, so --execute contradicts it.")
    return GroupReset(
        shared=shared,
        group=name,
        all_groups=all_groups,
        target=target,
        to_group=to_group,
        from_file=from_file,
        topics=topics,
        export=export,
        wait_ms=wait_ms,
        with_times=with_times,
        confirmation=confirmation(dry_run, yes, confirm),
    )


def _one_group(group: str | None, group_option: str | None) -> str:
    if group is not None and group_option is not None and group != group_option:
        raise click.UsageError("The group is given twice, with different names.")
    name = group if group is not None else group_option
    if not name:
        raise click.UsageError("Name the group.")
    return name


def target_of(to: str | None, to_group: str | None, from_file: str | None, apache: dict[str, Any]) -> str | None:
    """Return the one target in the mini-language; None when it is a group's commits or a file."""
    given = [to] if to is not None else []
    given += [text for name, text in _APACHE_FLAGS.items() if apache[name]]
    if apache["to_offset"] is not None:
        given.append(apache["to_offset"])
    if apache["to_datetime"] is not None:
        given.append(f"@{apache['to_datetime'].removeprefix('@')}")
    if apache["by_duration"] is not None:
        given.append(f"@-{_duration(apache['by_duration'])}")
    if apache["shift_by"] is not None:
        given.append(_shift(apache["shift_by"]))
    count = len(given) + (to_group is not None) + (from_file is not None)
    if count > 1:
        raise click.UsageError("Say once where to: --to and its other names exclude each other.")
    if count == 0:
        raise click.UsageError("Say where to, e.g. --to start, --to end, --to @-1h.")
    return given[0] if given else None


_APACHE_FLAGS: Final = {"to_earliest": "start", "to_latest": "end", "to_current": "current"}


def _duration(text: str) -> str:
    """Return what --by-duration says in the mini-language's spelling; Apache's tools take ISO 8601."""
    if not text.upper().startswith("P"):
        return text
    from kcon.core.units import parse_iso_duration_ms

    try:
        return f"{parse_iso_duration_ms(text.upper())}ms"
    except UsageError as error:
        raise click.UsageError(error.message) from error


def _shift(text: str) -> str:
    sign = "-" if text.startswith("-") else "+"
    digits = text.removeprefix("+").removeprefix("-")
    if not digits.isdecimal():
        raise click.UsageError(f"--shift-by wants a whole number, not {text!r}.")
    return f"current{sign}{digits}"


@leaf("undo", parent=COMMAND, options=_ANSWER)
@click.argument("group", metavar="[GROUP]", required=False)
@click.argument("record_id", metavar="[ID]", required=False)
@click.option("--list", "list_records", is_flag=True, help="List what can be taken back and change nothing.")
@click.option("--wait", "wait_ms", type=Duration(), metavar="DURATION", help="Wait until the group is empty.")
@takes_confirmation
def group_undo(
    *,
    shared: Shared,
    group: str | None,
    record_id: str | None,
    list_records: bool,
    wait_ms: int | None,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Take a reset back: the last one of the group, or the one named by ID. Shows the plan first.

    Example: kcon group undo --list

    Example: kcon group undo billing
    """
    if group is None and not list_records:
        raise click.UsageError("Name the group, or list what can be taken back with --list.")
    return GroupUndo(
        shared=shared,
        group=group,
        record_id=record_id,
        list_records=list_records,
        wait_ms=wait_ms,
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("delete", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
@takes_confirmation
def group_delete(
    *, shared: Shared, names: tuple[str, ...], regex: bool, dry_run: bool, yes: bool, confirm: str | None
) -> Request:
    """Delete empty groups with all their commits. The commits are kept for `kcon group undo`.

    Example: kcon group delete billing
    """
    return GroupDelete(shared=shared, names=names, regex=regex, confirmation=confirmation(dry_run, yes, confirm))


@leaf("members", parent=COMMAND, options=[*past_options(), *_LISTING])
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
@click.option("--regex", is_flag=True, help=_REGEX_HELP)
def group_members(*, shared: Shared, names: tuple[str, ...], regex: bool) -> Request:
    """Show the members of groups, one line each, with what they own.

    Example: kcon group members billing
    """
    return GroupMembers(shared=shared, names=names, regex=regex)


def _add_others() -> None:
    """Hang `kcon group offsets`, `evict` and `config` below the noun; their modules need this one first."""
    from kcon.commands import group_evict
    from kcon.commands.group_offsets import OFFSETS
    from kcon.commands.resource_config import add_group_config

    COMMAND.add_command(OFFSETS)
    COMMAND.add_command(group_evict.group_evict)
    add_group_config(COMMAND)


_add_others()
