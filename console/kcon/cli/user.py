"""`kcon user`: executes its requests and shows the answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, Document, Item, ItemError
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.commands.request import Request
from kcon.commands.user import UserDelete, UserList, UserSet
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import display_safe
from kcon.errors import KconError, NotFoundError, UsageError
from kcon.gate.permit import Operation
from kcon.services.item_changes import ItemChanges
from kcon.services.session import Session

if TYPE_CHECKING:
    from kcon.admin.client import Admin
    from kcon.admin.scram_users import ScramEdit, ScramMechanism, ScramPassword, ScramUser
    from kcon.gate.permit import Permit

PASSWORD_BYTES_MAX: Final = 64 * 1024
_NO_SUCH_USER: Final = "RESOURCE_NOT_FOUND"


async def run_user(request: Request, invocation: Invocation) -> int:
    """Execute one request about SCRAM users."""
    async with invocation.open_session() as session:
        match request:
            case UserList():
                return await _list(request, invocation, session)
            case UserSet():
                return await _set(request, invocation, session)
            case UserDelete():
                return await _delete(request, invocation, session)
            case _:
                raise AssertionError(f"not about users: {request.command}")


_LIST_COLUMNS = (Column(key="user"), Column(key="mechanism"), Column(key="iterations", right=True))


async def _list(request: UserList, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        told = await (await session.admin()).scram_users(request.names or None)
    items: list[Item] = [
        {"user": user.name, "mechanism": mechanism.title, "iterations": iterations}
        for user in told.values()
        if not isinstance(user, KafkaError)
        for mechanism, iterations in user.credentials
    ]
    return invocation.show(
        Document(
            kind="UserList",
            context=invocation.context.name,
            columns=_LIST_COLUMNS,
            name_key="user",
            items=items,
            errors=_errors(told),
        )
    )


def _errors(told: "Mapping[str, ScramUser | KafkaError]") -> list[ItemError]:
    found = []
    for name, user in told.items():
        if isinstance(user, KafkaError):
            label = f"user {display_safe(name)}"
            error: KconError = user.as_exception(label)
            if user.name == _NO_SUCH_USER:
                error = NotFoundError(f"There is no SCRAM user {display_safe(name)}.", "`kcon user list` shows them.")
            found.append(ItemError(item=label, error=error))
    return found


_CHANGE_COLUMNS = (Column(key="user"), Column(key="mechanisms"))


async def _set(request: UserSet, invocation: Invocation, session: Session) -> int:
    from kcon.admin.scram_users import ScramPassword

    refuse_early(session, Operation.USER_ALTER, request.confirmation)
    async with invocation.deadline():
        told = (await (await session.admin()).scram_users([request.name])).get(request.name)
    exists = told is not None and not isinstance(told, KafkaError)
    if isinstance(told, KafkaError) and told.name != _NO_SUCH_USER:
        raise told.as_exception(f"user {display_safe(request.name)}")
    if request.must_exist and not exists:
        raise NotFoundError(f"There is no SCRAM user {display_safe(request.name)}.", "Make it with `kcon user create`.")
    if exists and not request.must_exist:
        raise KconError(
            f"User {display_safe(request.name)} exists already.", "`kcon user alter` gives it a new password."
        )
    edits: dict[ScramEdit, ScramPassword | None] = {}
    if not request.confirmation.dry_run:
        password = ScramPassword(await _password(request, invocation), request.iterations)
        edits = {(request.name, mechanism): password for mechanism in _mechanisms(request.mechanisms)}
    shape = Shape(
        kind="UserChange",
        columns=_CHANGE_COLUMNS,
        question=f"Set the password of user {display_safe(request.name)}?",
        planned="to be set",
        done="set",
        what="users",
        name_key="user",
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        _changes((request.name,), edits),
        shape,
        item=lambda name: {"user": name, "mechanisms": request.mechanisms},
    )


def _mechanisms(titles: tuple[str, ...]) -> "list[ScramMechanism]":
    from kcon.admin.scram_users import ScramMechanism

    return [mechanism for mechanism in ScramMechanism if mechanism.title in {title.upper() for title in titles}]


async def _password(request: UserSet, invocation: Invocation) -> str:
    """Return the password from where the user said, or ask for it where that is possible."""
    if request.password_env is not None:
        value = invocation.environment.variables.get(request.password_env)
        if not value:
            raise UsageError(f"The environment has no {display_safe(request.password_env)}.")
        return value
    if request.password_file is not None:
        return _one_line(_read(request.password_file, invocation))
    if not invocation.environment.is_interactive:
        raise UsageError(
            "There is nobody to ask for the password.", "Give it with --password-file (- is standard input)."
        )
    first = await invocation.diagnostics.ask_secret("Password:")
    if first != await invocation.diagnostics.ask_secret("Once more:"):
        raise UsageError("The two passwords differ.")
    return first


def _read(path: str, invocation: Invocation) -> bytes:
    try:
        if path == "-":
            data = invocation.environment.stdin.read(PASSWORD_BYTES_MAX + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(PASSWORD_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {display_safe(path)}: {error.strerror or error}.") from error
    if len(data) > PASSWORD_BYTES_MAX:
        raise UsageError(f"{display_safe(path)} is too large for a password.")
    return data


def _one_line(data: bytes) -> str:
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise UsageError("The password is not UTF-8.") from error


def _changes(names: tuple[str, ...], edits: "Mapping[ScramEdit, ScramPassword | None]") -> ItemChanges[str]:
    async def send(admin: "Admin", permit: "Permit") -> Mapping[str, KafkaError | None]:
        return await admin.alter_scram_users(edits, permit)

    return ItemChanges(
        operation=Operation.USER_ALTER,
        targets=frozenset(f"user:{name}" for name in names),
        keys=names,
        label=lambda name: f"user {name}",
        send=send,
    )


async def _delete(request: UserDelete, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.USER_ALTER, request.confirmation)
    async with invocation.deadline():
        told = await (await session.admin()).scram_users(request.names)
    wanted = _mechanisms(request.mechanisms) if request.mechanisms else None
    edits: dict[ScramEdit, ScramPassword | None] = {}
    by_user: dict[str, list[str]] = {}
    for name, user in told.items():
        if isinstance(user, KafkaError):
            continue
        for mechanism, _iterations in user.credentials:
            if wanted is None or mechanism in wanted:
                edits[name, mechanism] = None
                by_user.setdefault(name, []).append(mechanism.title)
    count = len(by_user)
    shape = Shape(
        kind="UserDeletion",
        columns=_CHANGE_COLUMNS,
        question=f"Delete the credentials of {count:,} user{'' if count == 1 else 's'}?",
        planned="to be deleted",
        done="deleted",
        what="users",
        name_key="user",
        errors=_errors(told),
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        _changes(tuple(by_user), edits),
        shape,
        item=lambda name: {"user": name, "mechanisms": by_user[name]},
    )
