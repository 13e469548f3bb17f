"""`kcon acl`: who may do what, and why."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import click

from kcon.commands.options import confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf
from kcon.core.frozen import Frozen

_F = TypeVar("_F", bound=Callable[..., Any])


class AclScope(Frozen):
    """Which resources and principals are meant, as typed."""

    topics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    transactional_ids: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    """Users as a resource, for tokens."""
    cluster: bool = False
    principals: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    pattern: str | None = None
    permission: str | None = None
    """`allow` or `deny`."""


class AclList(Request):
    """List ACLs."""

    command: ClassVar[str] = "acl list"
    scope: AclScope


class AclCreate(Request):
    """Create ACLs."""

    command: ClassVar[str] = "acl create"
    scope: AclScope
    preset: str | None = None
    """`producer` or `consumer`."""
    confirmation: Confirmation = Confirmation()


class AclDelete(Request):
    """Delete ACLs."""

    command: ClassVar[str] = "acl delete"
    scope: AclScope
    confirmation: Confirmation = Confirmation()


class AclExplain(Request):
    """Say what a principal may do on resources, and by which ACLs."""

    command: ClassVar[str] = "acl explain"
    principal: str
    scope: AclScope


COMMAND = Noun("acl", "Access rights: list, create, delete, and explain who may do what.")

_LISTING = [*output_options(), *connection_options()]


def _takes_resources(function: _F) -> _F:
    for option in reversed(
        (
            click.option("-t", "--topic", "topics", multiple=True, metavar="TOPIC", help="A topic; * for all."),
            click.option("-g", "--group", "groups", multiple=True, metavar="GROUP", help="A group; * for all."),
            click.option("--transactional-id", "transactional_ids", multiple=True, metavar="ID", help="Such an id."),
            click.option("--user", "users", multiple=True, metavar="USER", help="A user, for delegation tokens."),
            click.option("--cluster", is_flag=True, help="The cluster itself."),
            click.option("--host", "hosts", multiple=True, metavar="HOST", help="From this host only."),
            click.option("--operation", "operations", multiple=True, metavar="NAME", help="read, write, all ..."),
        )
    ):
        function = option(function)
    return function


def _takes_filter(function: _F) -> _F:
    for option in reversed(
        (
            click.option(
                "--principal", "principals", multiple=True, metavar="USER", help="alice, User:alice, Group:x."
            ),
            click.option(
                "--pattern",
                type=click.Choice(("literal", "prefixed", "match", "any")),
                help="How names are read; `match` finds every ACL that covers the name.",
            ),
            click.option("--permission", type=click.Choice(("allow", "deny")), help="Only such ACLs."),
        )
    ):
        function = option(function)
    return _takes_resources(function)


@leaf("list", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@_takes_filter
def acl_list(*, shared: Shared, **scope: Any) -> Request:
    """List ACLs, all or those that fit.

    Example: kcon acl list -t orders --pattern match
    """
    return AclList(shared=shared, scope=AclScope(**scope))


@leaf("create", parent=COMMAND, options=_LISTING)
@click.option("--principal", "principals", multiple=True, required=True, metavar="USER", help="alice, User:alice, *.")
@click.option("--pattern", type=click.Choice(("literal", "prefixed")), help="How names are read; literal by default.")
@click.option("--deny", is_flag=True, help="Deny instead of allow.")
@click.option("--producer", "preset", flag_value="producer", help="What a producer of the topics needs.")
@click.option("--consumer", "preset", flag_value="consumer", help="What a consumer of the topics in the groups needs.")
@_takes_resources
@takes_confirmation
def acl_create(
    *,
    shared: Shared,
    deny: bool,
    preset: str | None,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
    **scope: Any,
) -> Request:
    """Create ACLs, one for each principal, resource, operation and host.

    Example: kcon acl create --principal alice --consumer -t orders -g billing
    """
    if preset is None and not scope["operations"]:
        raise click.UsageError("Name an operation, e.g. --operation read, or --producer or --consumer.")
    if preset is not None and (scope["operations"] or deny):
        raise click.UsageError(f"--{preset} says the operations itself, and allows them.")
    return AclCreate(
        shared=shared,
        scope=AclScope(permission="deny" if deny else "allow", **scope),
        preset=preset,
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("delete", parent=COMMAND, options=_LISTING)
@_takes_filter
@takes_confirmation
def acl_delete(*, shared: Shared, dry_run: bool, yes: bool, confirm: str | None, **scope: Any) -> Request:
    """Delete the ACLs that fit. The plan lists each of them, and exactly these are deleted.

    Example: kcon acl delete --principal alice -t orders
    """
    if not any(scope.values()):
        raise click.UsageError("Say which ACLs; `kcon acl delete --pattern any` is all of them.")
    return AclDelete(shared=shared, scope=AclScope(**scope), confirmation=confirmation(dry_run, yes, confirm))


@leaf("explain", parent=COMMAND, options=_LISTING)
@click.argument("principal", metavar="PRINCIPAL")
@_takes_resources
def acl_explain(*, shared: Shared, principal: str, **scope: Any) -> Request:
    """Say what a principal may do on a resource, operation by operation, and which ACLs decide it.

    Example: kcon acl explain alice -t orders -g billing
    """
    made = AclScope(**scope)
    if not (made.topics or made.groups or made.transactional_ids or made.users or made.cluster):
        raise click.UsageError("Name a resource: --topic, --group, --transactional-id, --user or --cluster.")
    return AclExplain(shared=shared, principal=principal, scope=made)
