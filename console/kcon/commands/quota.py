"""`kcon quota`: who is held to what rate, and which quota wins."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import click

from kcon.commands.options import Property, confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf
from kcon.core.frozen import Frozen

_F = TypeVar("_F", bound=Callable[..., Any])


class QuotaScope(Frozen):
    """Who is meant; None: not named. An empty name is the default."""

    user: str | None = None
    client_id: str | None = None
    ip: str | None = None


class QuotaList(Request):
    """List quotas."""

    command: ClassVar[str] = "quota list"
    scope: QuotaScope


class QuotaResolve(Request):
    """Say which quotas hold for a client."""

    command: ClassVar[str] = "quota resolve"
    scope: QuotaScope


class QuotaAlter(Request):
    """Set and take away quotas."""

    command: ClassVar[str] = "quota alter"
    scope: QuotaScope
    values: tuple[tuple[str, float | None], ...]
    """By key; None takes it away."""
    confirmation: Confirmation = Confirmation()


COMMAND = Noun("quota", "Quotas of users, client ids and addresses.", {"describe": "list"})

_ANSWER = [*output_options(), *connection_options()]
DEFAULT_NAME = "<default>"


def _takes_scope(function: _F) -> _F:
    for name, text in (
        ("--ip", "An address; <default> for every one without its own."),
        ("--client-id", "A client id; <default> for every one without its own."),
        ("--user", "A user; <default> for every one without its own."),
    ):
        function = click.option(name, metavar="NAME", help=text)(function)
    return function


@leaf("list", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@_takes_scope
def quota_list(*, shared: Shared, **scope: Any) -> Request:
    """List quotas, all or those that name this user, client id or address.

    Example: kcon quota list --user alice
    """
    return QuotaList(shared=shared, scope=QuotaScope(**scope))


@leaf("resolve", parent=COMMAND, options=_ANSWER)
@_takes_scope
def quota_resolve(*, shared: Shared, **scope: Any) -> Request:
    """Say which quotas hold for a client, and where each is set.

    Example: kcon quota resolve --user alice --client-id app
    """
    if not any(value is not None for value in scope.values()):
        raise click.UsageError("Name the client: --user, --client-id or --ip.")
    return QuotaResolve(shared=shared, scope=QuotaScope(**scope))


@leaf("alter", parent=COMMAND, options=_ANSWER)
@_takes_scope
@click.option("--set", "pairs", multiple=True, type=Property(), metavar="KEY=N", help="Set a quota; repeatable.")
@click.option("--delete", "gone", multiple=True, metavar="KEY", help="Take a quota away; repeatable.")
@takes_confirmation
def quota_alter(
    *,
    shared: Shared,
    pairs: tuple[tuple[str, str], ...],
    gone: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    confirm: str | None,
    **scope: Any,
) -> Request:
    """Set and take away quotas of a user, a client id, both together, or an address.

    Example: kcon quota alter --user alice --set producer_byte_rate=1048576
    """
    if not any(value is not None for value in scope.values()):
        raise click.UsageError("Say whose: --user, --client-id or --ip.")
    if scope["ip"] is not None and (scope["user"] is not None or scope["client_id"] is not None):
        raise click.UsageError("--ip does not go with --user or --client-id.")
    values: list[tuple[str, float | None]] = [(key, _number(key, text)) for key, text in pairs]
    values += [(key, None) for key in gone]
    if not values or len({key for key, _value in values}) < len(values):
        raise click.UsageError("Say once for each quota what to change: --set KEY=N or --delete KEY.")
    return QuotaAlter(
        shared=shared,
        scope=QuotaScope(**scope),
        values=tuple(values),
        confirmation=confirmation(dry_run, yes, confirm),
    )


def _number(key: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise click.UsageError(f"{key} wants a number, not {text!r}.")
    return value
