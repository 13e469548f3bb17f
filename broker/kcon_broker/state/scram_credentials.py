"""Which users can log in by SCRAM, and with what (KIP-554, RFC 5802 §3)?

The salted password a client sends is not kept, only the two keys made from it. Credentials are kept and told of;
logins come with authentication.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

ITERATIONS_MAX = 16_384
_ITERATIONS_MIN = 4_096
_HASHES = {1: "sha256", 2: "sha512"}
"""By the number of the mechanism (`ScramMechanism`): SCRAM-SHA-256, SCRAM-SHA-512."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScramCredentialSet:
    """A user has this credential for a mechanism."""

    user: str
    mechanism: int
    iterations: int
    salt: bytes = field(repr=False)
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScramCredentialDeleted:
    """A user has no credential for a mechanism any more."""

    user: str
    mechanism: int


def is_mechanism(number: int) -> bool:
    """Tell whether a mechanism is known."""
    return number in _HASHES


def iterations_problem(iterations: int) -> str | None:
    """Say what is wrong with a number of iterations; None: nothing."""
    if iterations < _ITERATIONS_MIN:
        return "Too few iterations"
    return "Too many iterations" if iterations > ITERATIONS_MAX else None


def make_credential(
    user: str, mechanism: int, *, iterations: int, salt: bytes, salted_password: bytes
) -> ScramCredentialSet:
    """Return the credential that is kept of a salted password (RFC 5802 §3: StoredKey and ServerKey)."""
    name = _HASHES[mechanism]
    client_key = hmac.digest(salted_password, b"Client Key", name)
    return ScramCredentialSet(
        user=user,
        mechanism=mechanism,
        iterations=iterations,
        salt=salt,
        stored_key=hashlib.new(name, client_key).digest(),
        server_key=hmac.digest(salted_password, b"Server Key", name),
    )


class ScramCredentialTable:
    """The credentials of all users."""

    def __init__(self) -> None:
        self.by_user: dict[str, dict[int, ScramCredentialSet]] = {}

    def has(self, user: str, mechanism: int) -> bool:
        """Tell whether a user has a credential for a mechanism."""
        return mechanism in self.by_user.get(user, {})

    def apply(self, change: ScramCredentialSet | ScramCredentialDeleted) -> None:
        """Change the credentials of one user."""
        match change:
            case ScramCredentialSet():
                self.by_user.setdefault(change.user, {})[change.mechanism] = change
            case ScramCredentialDeleted():
                credentials = self.by_user[change.user]
                del credentials[change.mechanism]
                if not credentials:
                    del self.by_user[change.user]

    def snapshot(self) -> Iterable[ScramCredentialSet]:
        """Yield changes that lead from nothing to the present credentials."""
        for credentials in self.by_user.values():
            yield from credentials.values()
