"""`kcon token`: delegation tokens, which let somebody act for a user without the user's password."""

from typing import ClassVar

import click

from kcon.commands.options import Duration, confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf


class TokenList(Request):
    """List tokens."""

    command: ClassVar[str] = "token list"
    owners: tuple[str, ...] = ()


class TokenCreate(Request):
    """Make a token."""

    command: ClassVar[str] = "token create"
    secret_file: str
    """Where the HMAC goes."""
    owner: str = ""
    """Empty: whoever asks."""
    renewers: tuple[str, ...] = ()
    max_life_ms: int | None = None
    confirmation: Confirmation = Confirmation()


class TokenChange(Request):
    """Renew tokens, or end them."""

    command: ClassVar[str] = "token renew"
    ids: tuple[str, ...]
    ends: bool = False
    after_ms: int | None = None
    """From now on; None: the brokers' default, and to end at once."""
    confirmation: Confirmation = Confirmation()


COMMAND = Noun("token", "Delegation tokens: list, create, renew, expire.", {"describe": "list", "delete": "expire"})

_ANSWER = [*output_options(), *connection_options()]


@leaf("list", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@click.argument("owners", metavar="[OWNER]...", nargs=-1)
def token_list(*, shared: Shared, owners: tuple[str, ...]) -> Request:
    """List delegation tokens: whose they are, who may renew them, and when they end; never their secret.

    Example: kcon token list alice
    """
    return TokenList(shared=shared, owners=owners)


@leaf("create", parent=COMMAND, options=_ANSWER)
@click.option(
    "--secret-file",
    required=True,
    metavar="PATH",
    help="Write the token's secret into this new file, for you alone (0600).",
)
@click.option("--owner", default="", metavar="PRINCIPAL", help="For this user, e.g. User:alice; you by default.")
@click.option("--renewer", "renewers", multiple=True, metavar="PRINCIPAL", help="Who else may renew it; repeatable.")
@click.option(
    "--max-life", "max_life_ms", type=Duration(), metavar="DURATION", help="The latest end; the brokers' by default."
)
@takes_confirmation
def token_create(
    *,
    shared: Shared,
    secret_file: str,
    owner: str,
    renewers: tuple[str, ...],
    max_life_ms: int | None,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Make a delegation token. Its id is the user name, and its secret the password, of SCRAM with `tokenauth=true`.

    Example: kcon token create --secret-file token.pw --max-life 7d
    """
    return TokenCreate(
        shared=shared,
        secret_file=secret_file,
        owner=owner,
        renewers=renewers,
        max_life_ms=max_life_ms,
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("renew", parent=COMMAND, options=_ANSWER)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option(
    "--for", "after_ms", type=Duration(), metavar="DURATION", help="So long from now; the brokers' default else."
)
@takes_confirmation
def token_renew(
    *, shared: Shared, ids: tuple[str, ...], after_ms: int | None, dry_run: bool, yes: bool, confirm: str | None
) -> Request:
    """Let delegation tokens live longer, at most to their latest end.

    Example: kcon token renew 8Zt2mUGMRgmRs0eMvHIVZg --for 1d
    """
    return TokenChange(shared=shared, ids=ids, after_ms=after_ms, confirmation=confirmation(dry_run, yes, confirm))


@leaf("expire", parent=COMMAND, options=_ANSWER)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--in", "after_ms", type=Duration(), metavar="DURATION", help="So long from now; at once by default.")
@takes_confirmation
def token_expire(
    *, shared: Shared, ids: tuple[str, ...], after_ms: int | None, dry_run: bool, yes: bool, confirm: str | None
) -> Request:
    """End delegation tokens, at once or after a while: nobody can log in with them then.

    Example: kcon token expire 8Zt2mUGMRgmRs0eMvHIVZg
    """
    return TokenChange(
        shared=shared, ids=ids, ends=True, after_ms=after_ms, confirmation=confirmation(dry_run, yes, confirm)
    )
