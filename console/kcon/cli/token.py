"""`kcon token`: executes its requests and shows the answers. A token's secret goes into a file, nowhere else."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kcon.cli.changes import Change, Outcome, carry_out, refuse_early
from kcon.cli.document import Column, Document, Item, ItemError
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.commands.request import Request
from kcon.commands.token import TokenChange, TokenCreate, TokenList
from kcon.core.frozen import Frozen
from kcon.core.kafka_error import KafkaError
from kcon.core.times import format_time
from kcon.core.wire_text import display_safe
from kcon.errors import KconError, NotFoundError
from kcon.gate.permit import Operation
from kcon.services.item_changes import ItemChanges
from kcon.services.session import Session

if TYPE_CHECKING:
    from kcon.admin.client import Admin
    from kcon.admin.delegation_tokens import DelegationToken
    from kcon.gate.permit import Permit

_COLUMNS = (
    Column(key="token_id", header="TOKEN ID"),
    Column(key="owner"),
    Column(key="requester", drop=2),
    Column(key="renewers", drop=3),
    Column(key="issued", drop=1),
    Column(key="expires"),
    Column(key="latest", header="AT THE LATEST", drop=1),
)


async def run_token(request: Request, invocation: Invocation) -> int:
    """Execute one request about delegation tokens."""
    async with invocation.open_session() as session:
        match request:
            case TokenList():
                return await _list(request, invocation, session)
            case TokenCreate():
                return await _create(request, invocation, session)
            case TokenChange():
                return await _change(request, invocation, session)
            case _:
                raise AssertionError(f"not about tokens: {request.command}")


def _item(token: "DelegationToken", invocation: Invocation) -> Item:
    zone, _name = invocation.zone
    return {
        "token_id": token.token_id,
        "owner": token.owner,
        "requester": token.requester,
        "renewers": token.renewers,
        "issued": format_time(token.issued_ms, zone),
        "expires": format_time(token.expiry_ms, zone),
        "latest": format_time(token.max_ms, zone),
    }


async def _list(request: TokenList, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        tokens = await (await session.admin()).tokens(request.owners or None)
    return invocation.show(
        Document(
            kind="TokenList",
            context=invocation.context.name,
            columns=_COLUMNS,
            name_key="token_id",
            items=[_item(token, invocation) for token in tokens],
        )
    )


class _NewToken(Frozen):
    """What the gate is asked for."""

    targets: frozenset[str]
    confirmed_by: str | None
    operation: Operation = Operation.DELEGATION_ALTER


async def _create(request: TokenCreate, invocation: Invocation, session: Session) -> int:
    from kcon.admin.requests import token_target

    refuse_early(session, Operation.DELEGATION_ALTER, request.confirmation)
    targets = frozenset({token_target(owner=request.owner)})
    secret_file = (invocation.environment.folder or Path.cwd()) / request.secret_file
    plan = Document(
        kind="TokenCreation",
        context=invocation.context.name,
        columns=_COLUMNS[1:4],
        name_key="owner",
        items=[{"owner": request.owner or "(you)", "requester": "(you)", "renewers": request.renewers}],
    )

    async def apply(confirmed_by: str) -> Outcome:
        permit = await session.authorise(_NewToken(targets=targets, confirmed_by=confirmed_by))
        _reserve(secret_file)
        try:
            token = await (await session.admin()).create_token(
                permit, owner=request.owner, renewers=request.renewers, max_life_ms=request.max_life_ms
            )
        except KconError:
            session.gate.record_result(permit, ok=False, detail={})
            secret_file.unlink()
            raise
        session.gate.record_result(permit, ok=True, detail={"token": token.token_id.raw})
        _write(secret_file, token.hmac.reveal())
        return Outcome(
            notes=[f"Token {token.token_id} is made; its secret is in {display_safe(request.secret_file)}."],
            document=plan.with_changes(columns=_COLUMNS, name_key="token_id", items=[_item(token, invocation)]),
        )

    change = Change(
        operation=Operation.DELEGATION_ALTER,
        targets=targets,
        document=plan,
        question=f"Make a delegation token for {display_safe(request.owner) or 'you'}?",
        apply=apply,
    )
    return await carry_out(invocation, request.confirmation, change)


def _reserve(path: Path) -> None:
    """Make the file of the secret before the token, which nobody could use without it. It never replaces one."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError as error:
        raise KconError(
            f"{display_safe(str(path))} exists already, so no token was made.", "Name a new file."
        ) from error


def _write(path: Path, secret: str) -> None:
    path.write_text(f"{secret}\n", "ascii")


async def _change(request: TokenChange, invocation: Invocation, session: Session) -> int:
    from kcon.admin.requests import token_target

    refuse_early(session, Operation.DELEGATION_ALTER, request.confirmation)
    async with invocation.deadline():
        known = {token.token_id.raw: token for token in await (await session.admin()).tokens()}
    tokens = {name: known[name] for name in request.ids if name in known}
    names = tuple(tokens)

    async def send(admin: "Admin", permit: "Permit") -> Mapping[str, KafkaError | None]:
        if request.ends:
            told = await admin.expire_tokens(list(tokens.values()), permit, in_ms=request.after_ms)
        else:
            told = await admin.renew_tokens(list(tokens.values()), permit, for_ms=request.after_ms)
        return {name: each if isinstance(each, KafkaError) else None for name, each in told.items()}

    changes = ItemChanges(
        operation=Operation.DELEGATION_ALTER,
        targets=frozenset(token_target(token_id=name) for name in names),
        keys=names,
        label=lambda name: f"token {name}",
        send=send,
    )
    count = len(names)
    verb = "End" if request.ends else "Renew"
    shape = Shape(
        kind="TokenExpiry" if request.ends else "TokenRenewal",
        columns=_COLUMNS,
        question=f"{verb} {count:,} token{'' if count == 1 else 's'}?",
        planned="to be ended" if request.ends else "to be renewed",
        done="ended" if request.ends else "renewed",
        what="tokens",
        name_key="token_id",
        errors=_missing([name for name in request.ids if name not in known]),
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        changes,
        shape,
        item=lambda name: _item(tokens[name], invocation),
    )


def _missing(names: Sequence[str]) -> list[ItemError]:
    return [
        ItemError(
            item=label,
            error=NotFoundError(f"There is no {label}, or you may not see it.", "`kcon token list` shows them."),
        )
        for name in names
        if (label := f"token {display_safe(name)}")
    ]
