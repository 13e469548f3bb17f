"""Who has a delegation token, and how is one made, renewed and ended? KIP-48, and KIP-373 for tokens of others.

A token stands for its owner until it expires: its id is a user name and its HMAC the password of SCRAM. So the HMAC
is a `Secret` here, and a token is named by its id everywhere else.
"""

import base64
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from kcon.admin.apis import Api
from kcon.admin.calls import ask_whole, change, item_error
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.fan_out import as_item_error
from kcon.admin.requests import ReadRequest, WriteRequest, token_target
from kcon.contexts.secret import Secret
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText
from kcon.errors import KconError, RefusedError, UsageError
from kcon.gate.permit import Operation, Permit

OWN: Final = ""
"""As the owner: whoever asks."""
_BROKERS_DEFAULT: Final = -1
_AT_ONCE: Final = -1


class DelegationToken(NamedTuple):
    """One token. Principals are written `User:alice`, times are epoch milliseconds."""

    token_id: WireText
    owner: WireText
    requester: WireText
    """Who made it; the owner where the broker is too old to tell (before 3.3)."""
    issued_ms: int
    expiry_ms: int
    """When it ends unless it is renewed."""
    max_ms: int
    """The latest that it can be renewed to."""
    renewers: tuple[WireText, ...]
    hmac: Secret
    """Base64, as SCRAM takes it for a password."""


async def list_tokens(cluster: Cluster, owners: Sequence[str] | None, deadline: Deadline) -> list[DelegationToken]:
    """Return the tokens that the asker may see, of these owners (None: of all), by owner and time of issue."""
    values = {"owners": None if owners is None else [_principal(owner) for owner in owners]}
    told = await ask_whole(cluster, ReadRequest(api=Api.DESCRIBE_DELEGATION_TOKEN, values=values), deadline)
    tokens = [_token(each, tuple(_name(one, "principal") for one in each.renewers)) for each in told.tokens]
    return sorted(tokens, key=lambda token: (token.owner.raw, token.issued_ms, token.token_id.raw))


async def create_token(
    cluster: Cluster,
    *,
    owner: str,
    renewers: Sequence[str],
    max_life_ms: int | None,
    permit: Permit,
    deadline: Deadline,
) -> DelegationToken:
    """Make a token. KconError says why not. max_life_ms: None is what the brokers allow at most."""
    values: dict[str, object] = {
        "renewers": [_principal(each) for each in renewers],
        "max_lifetime": _BROKERS_DEFAULT if max_life_ms is None else max_life_ms,
    }
    if owner != OWN:
        mine = _principal(owner)
        values |= {
            "owner_principal_type": mine["principal_type"],
            "owner_principal_name": mine["principal_name"],
        }
    request = WriteRequest(api=Api.CREATE_DELEGATION_TOKEN, values=values)
    target = token_target(owner=owner)
    with permit.use(context=cluster.settings.context, operation=Operation.DELEGATION_ALTER, targets={target}):
        told = await change(cluster, request, permit, deadline)
    error = item_error(told)
    if error is not None:
        raise error.as_exception("the new token")
    return _token(told, tuple(WireText(each) for each in renewers))


async def renew_tokens(
    cluster: Cluster, tokens: Sequence[DelegationToken], *, for_ms: int | None, permit: Permit, deadline: Deadline
) -> dict[str, int | KafkaError]:
    """Let tokens live on, for so long from now (None: the brokers' default); return by token id when each ends now."""
    period: dict[str, object] = {"renew_period": _BROKERS_DEFAULT if for_ms is None else for_ms}
    return await _alter(cluster, Api.RENEW_DELEGATION_TOKEN, tokens, period, permit=permit, deadline=deadline)


async def expire_tokens(
    cluster: Cluster, tokens: Sequence[DelegationToken], *, in_ms: int | None, permit: Permit, deadline: Deadline
) -> dict[str, int | KafkaError]:
    """End tokens, now (None) or so long from now; return by token id when each ends."""
    period: dict[str, object] = {"expiry_time_period": _AT_ONCE if in_ms is None else in_ms}
    return await _alter(cluster, Api.EXPIRE_DELEGATION_TOKEN, tokens, period, permit=permit, deadline=deadline)


async def _alter(
    cluster: Cluster,
    api: Api,
    tokens: Sequence[DelegationToken],
    period: dict[str, object],
    *,
    permit: Permit,
    deadline: Deadline,
) -> dict[str, int | KafkaError]:
    """Send a request a token, in turn. Whose answer does not come has the error of the connection."""
    results: dict[str, int | KafkaError] = {}
    targets = {token_target(token_id=token.token_id.raw) for token in tokens}
    with permit.use(context=cluster.settings.context, operation=Operation.DELEGATION_ALTER, targets=targets):
        for token in tokens:
            # The request knows a token by its HMAC alone. The id goes along for the permit, and stays here.
            named = {**period, "hmac": base64.b64decode(token.hmac.reveal()), "token_id": token.token_id.raw}
            request = WriteRequest(api=api, values=named, droppable=frozenset({"token_id"}))
            try:
                told = await change(cluster, request, permit, deadline)
            except RefusedError:
                raise
            except KconError as error:
                results[token.token_id.raw] = as_item_error(error)
            else:
                results[token.token_id.raw] = item_error(told) or int(told.expiry_timestamp)
    return results


def _token(told: Any, renewers: tuple[WireText, ...]) -> DelegationToken:
    owner = _name(told, "principal")
    is_told = hasattr(told, "token_requester_principal_name")
    return DelegationToken(
        token_id=WireText(told.token_id),
        owner=owner,
        requester=_name(told, "token_requester_principal") if is_told else owner,
        issued_ms=int(told.issue_timestamp),
        expiry_ms=int(told.expiry_timestamp),
        max_ms=int(told.max_timestamp),
        renewers=renewers,
        hmac=Secret(base64.b64encode(told.hmac).decode()),
    )


def _name(told: Any, prefix: str) -> WireText:
    return WireText(f"{getattr(told, f'{prefix}_type')}:{getattr(told, f'{prefix}_name')}")


def _principal(text: str) -> dict[str, str]:
    kind, colon, name = text.partition(":")
    if not colon:
        kind, name = "User", text
    if not name or not kind:
        raise UsageError(f"{text!r} is not a principal.", "Write it as User:alice, or alice.")
    return {"principal_type": kind, "principal_name": name}
