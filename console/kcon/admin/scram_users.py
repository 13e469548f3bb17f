"""Who can log in with SCRAM, and how is a password set? Describe- and AlterUserScramCredentials (KIP-554).

The password does not leave this process: the broker gets the salted hash that it would have stored anyway.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from kcon.admin.apis import Api
from kcon.admin.calls import ask_whole, change, item_error, none_when_done, on_controller
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.requests import ReadRequest, WriteRequest
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import NO_BROKER
from kcon.core.wire_text import WireText
from kcon.errors import UsageError
from kcon.gate.permit import Operation, Permit

ITERATIONS_MIN: Final = 4_096
ITERATIONS_MAX: Final = 16_384
"""Kafka's own bounds (ScramMechanism)."""
_SALT_BYTES: Final = 24


class ScramMechanism(IntEnum):
    """The hash; the values are Kafka's."""

    SHA_256 = 1
    SHA_512 = 2

    @property
    def title(self) -> str:
        """The name in Kafka's configuration."""
        return f"SCRAM-{self.name.replace('_', '-')}"


class ScramUser(NamedTuple):
    """One user and its credentials, as mechanism and iterations."""

    name: WireText
    credentials: tuple[tuple[ScramMechanism, int], ...]


class ScramPassword:
    """A new password. It shows itself nowhere: not in a traceback, a log or an audit line."""

    __slots__ = ("_text", "iterations")

    def __init__(self, text: str, iterations: int = ITERATIONS_MIN) -> None:
        if not text:
            raise UsageError("The password is empty.")
        if not ITERATIONS_MIN <= iterations <= ITERATIONS_MAX:
            raise UsageError(f"Iterations must be {ITERATIONS_MIN:,} to {ITERATIONS_MAX:,}.")
        self._text = text
        self.iterations = iterations

    def __repr__(self) -> str:
        return "ScramPassword(...)"

    def salted(self, mechanism: ScramMechanism, salt: bytes) -> bytes:
        """Return Hi(password, salt, iterations) of RFC 5802 §2.2; Kafka takes the UTF-8 bytes as they are."""
        name = "sha256" if mechanism is ScramMechanism.SHA_256 else "sha512"
        return hashlib.pbkdf2_hmac(name, self._text.encode(), salt, self.iterations)


ScramEdit = tuple[str, ScramMechanism]
"""User and mechanism."""


async def list_scram_users(
    cluster: Cluster, names: Sequence[str] | None, deadline: Deadline
) -> dict[str, ScramUser | KafkaError]:
    """Return users by name (None: all that have a credential); RESOURCE_NOT_FOUND for one that has none."""
    values = {"users": None if names is None else [{"name": name} for name in dict.fromkeys(names)]}
    request = ReadRequest(api=Api.DESCRIBE_USER_SCRAM_CREDENTIALS, values=values)
    told = await ask_whole(cluster, request, deadline, controller=True)
    found: dict[str, ScramUser | KafkaError] = {}
    for item in sorted(told.results, key=lambda each: each.user):
        known = [(each.mechanism, each.iterations) for each in item.credential_infos]
        credentials = tuple((ScramMechanism(kind), count) for kind, count in sorted(known) if kind in _KNOWN)
        found[item.user] = item_error(item) or ScramUser(WireText(item.user), credentials)
    return found


_KNOWN: Final = frozenset(int(mechanism) for mechanism in ScramMechanism)


async def alter_scram_users(
    cluster: Cluster, edits: Mapping[ScramEdit, ScramPassword | None], permit: Permit, deadline: Deadline
) -> dict[str, KafkaError | None]:
    """Set passwords, or (None) delete credentials. Return by user; None: all done.

    One mechanism after the other, because the controller takes a user once a request.
    """
    results: dict[str, KafkaError | None] = {}
    targets = {f"user:{name}" for name, _mechanism in edits}
    with permit.use(context=cluster.settings.context, operation=Operation.USER_ALTER, targets=targets):
        for mechanism in ScramMechanism:
            mine = {name: password for (name, each), password in edits.items() if each is mechanism}
            if mine:
                told = await _alter(cluster, mechanism, mine, permit, deadline)
                results |= {name: results.get(name) or error for name, error in told.items()}
    return results


async def _alter(
    cluster: Cluster,
    mechanism: ScramMechanism,
    passwords: Mapping[str, ScramPassword | None],
    permit: Permit,
    deadline: Deadline,
) -> dict[str, KafkaError | None]:
    async def ask(broker_id: int, keys: Sequence[str]) -> Mapping[str, bool | KafkaError]:
        deletions, upsertions = [], []
        for name in keys:
            password = passwords[name]
            if password is None:
                deletions.append({"name": name, "mechanism": int(mechanism)})
            else:
                upsertions.append(_upsertion(name, mechanism, password))
        values = {"deletions": deletions, "upsertions": upsertions}
        request = WriteRequest(api=Api.ALTER_USER_SCRAM_CREDENTIALS, values=values)
        told = await change(cluster, request, permit, deadline, None if broker_id == NO_BROKER else broker_id)
        return {item.user: item_error(item) or True for item in told.results}

    return none_when_done(await on_controller(cluster, list(passwords), ask, deadline))


def _upsertion(name: str, mechanism: ScramMechanism, password: ScramPassword) -> dict[str, object]:
    salt = secrets.token_bytes(_SALT_BYTES)
    return {
        "name": name,
        "mechanism": int(mechanism),
        "iterations": password.iterations,
        "salt": salt,
        "salted_password": password.salted(mechanism, salt),
    }
