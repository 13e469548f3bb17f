"""`kcon user`: who can log in with SCRAM. A password never stands on the command line."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import click

from kcon.commands.options import confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf

_F = TypeVar("_F", bound=Callable[..., Any])

MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")


class UserList(Request):
    """List SCRAM users."""

    command: ClassVar[str] = "user list"
    names: tuple[str, ...] = ()


class UserSet(Request):
    """Create a user, or give it a new password."""

    command: ClassVar[str] = "user create"
    name: str
    mechanisms: tuple[str, ...]
    iterations: int
    password_file: str | None = None
    password_env: str | None = None
    must_exist: bool = False
    """`alter`: the user has a credential already; otherwise it must not."""
    confirmation: Confirmation = Confirmation()


class UserDelete(Request):
    """Delete credentials."""

    command: ClassVar[str] = "user delete"
    names: tuple[str, ...]
    mechanisms: tuple[str, ...] = ()
    """Empty: all that they have."""
    confirmation: Confirmation = Confirmation()


COMMAND = Noun("user", "SCRAM users: list, create, change passwords, delete.", {"describe": "list"})

_ANSWER = [*output_options(), *connection_options()]


def _mechanism(many: bool) -> Callable[[_F], _F]:
    return click.option(
        "--mechanism",
        "mechanisms",
        multiple=True,
        type=click.Choice(MECHANISMS, case_sensitive=False),
        help="Only this one; repeatable." if many else "The hash; repeatable; SCRAM-SHA-512 by default.",
    )


def _takes_password(function: _F) -> _F:
    for option in (
        click.option("--password-env", metavar="VARIABLE", help="Take the password from an environment variable."),
        click.option("--password-file", metavar="PATH", help="Take the password from a file; - is standard input."),
        click.option(
            "--iterations", type=click.IntRange(4_096, 16_384), default=4_096, metavar="N", help="4096 by default."
        ),
        _mechanism(many=False),
    ):
        function = option(function)
    return function


@leaf("list", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@click.argument("names", metavar="[USER]...", nargs=-1)
def user_list(*, shared: Shared, names: tuple[str, ...]) -> Request:
    """List SCRAM users and their mechanisms, all or these.

    Example: kcon user list
    """
    return UserList(shared=shared, names=names)


def _set(shared: Shared, must_exist: bool, values: dict[str, Any]) -> Request:
    if values["password_file"] is not None and values["password_env"] is not None:
        raise click.UsageError("The password comes from one place: --password-file or --password-env.")
    return UserSet(
        shared=shared,
        name=values["name"],
        mechanisms=tuple(values["mechanisms"]) or MECHANISMS[1:],
        iterations=values["iterations"],
        password_file=values["password_file"],
        password_env=values["password_env"],
        must_exist=must_exist,
        confirmation=confirmation(values["dry_run"], values["yes"], values["confirm"]),
    )


@leaf("create", parent=COMMAND, options=_ANSWER)
@click.argument("name", metavar="USER")
@_takes_password
@takes_confirmation
def user_create(*, shared: Shared, **values: Any) -> Request:
    """Create a SCRAM user. The password is asked for, or comes from a file or a variable.

    Example: kcon user create alice --password-file alice.pw
    """
    return _set(shared, False, values)


@leaf("alter", parent=COMMAND, options=_ANSWER)
@click.argument("name", metavar="USER")
@_takes_password
@takes_confirmation
def user_alter(*, shared: Shared, **values: Any) -> Request:
    """Give a SCRAM user a new password. It is asked for, or comes from a file or a variable.

    Example: kcon user alter alice --password-file alice.pw
    """
    return _set(shared, True, values)


@leaf("delete", parent=COMMAND, options=_ANSWER)
@click.argument("names", metavar="USER...", nargs=-1, required=True)
@_mechanism(many=True)
@takes_confirmation
def user_delete(
    *,
    shared: Shared,
    names: tuple[str, ...],
    mechanisms: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Delete the SCRAM credentials of users, all or of one mechanism.

    Example: kcon user delete alice
    """
    return UserDelete(
        shared=shared, names=names, mechanisms=mechanisms, confirmation=confirmation(dry_run, yes, confirm)
    )
