"""`kcon group evict`: put members out of a group."""

from typing import ClassVar

import click

from kcon.commands.group import COMMAND
from kcon.commands.options import confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import leaf


class GroupEvict(Request):
    """Put members out of a classic group."""

    command: ClassVar[str] = "group evict"
    group: str
    members: tuple[str, ...] = ()
    """Member ids, instance ids or client ids; empty: every member."""
    confirmation: Confirmation = Confirmation()


@leaf("evict", parent=COMMAND, options=[*output_options(), *connection_options()])
@click.argument("group", metavar="GROUP")
@click.argument("members", metavar="[MEMBER]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every member.")
@takes_confirmation
def group_evict(
    *, shared: Shared, group: str, members: tuple[str, ...], every: bool, dry_run: bool, yes: bool, confirm: str | None
) -> Request:
    """Put members out of a classic group: by member id, instance id or client id, as `kcon group members` shows them.

    For one that hangs, or a static one that is gone, and holds its partitions until it times out. A member that lives
    joins again. Members of the new protocol leave by themselves.

    Example: kcon group evict billing app-2

    Example: kcon group evict billing --all
    """
    if every == bool(members):
        raise click.UsageError("Name the members, or say --all.")
    return GroupEvict(shared=shared, group=group, members=members, confirmation=confirmation(dry_run, yes, confirm))
