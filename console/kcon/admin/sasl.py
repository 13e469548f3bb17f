"""Which messages does each SASL mechanism send? PLAIN, SCRAM and OAUTHBEARER behind one small protocol, sans-I/O."""

import secrets as random_secrets
from typing import Final, Protocol

from kcon.admin.sasl_scram import HASHES, NONCE_BYTES, ScramExchange
from kcon.contexts.secret import Secret
from kcon.contexts.tokens import Token
from kcon.errors import AuthError

ROUNDS_MAX: Final = 4
"""Messages of ours in one exchange; the longest mechanism needs two."""


class Exchange(Protocol):
    """One authentication."""

    @property
    def is_done(self) -> bool:
        """Both sides are satisfied, as far as the mechanism can tell."""

    def first(self) -> bytes:
        """Return the first message."""

    def reply(self, message: bytes) -> bytes | None:
        """Take the broker's message; return the next of ours, or None when there is none. AuthError refuses it."""


class PlainExchange:
    """RFC 4616: name and password as they are. The broker's error code is the only answer."""

    def __init__(self, username: str, password: Secret) -> None:
        if "\0" in username + password.reveal():
            raise AuthError("PLAIN cannot send a name or a password with a NUL character.")
        self._username = username
        self._password = password
        self.is_done = False

    def first(self) -> bytes:
        return f"\0{self._username}\0{self._password.reveal()}".encode()

    def reply(self, message: bytes) -> bytes | None:
        self.is_done = True
        return None


class BearerExchange:
    """RFC 7628: a bearer token. A broker that refuses it says so in a message, to be answered by one byte."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self.is_done = False

    def first(self) -> bytes:
        return f"n,,\x01auth=Bearer {self._token.value.reveal()}\x01\x01".encode()

    def reply(self, message: bytes) -> bytes | None:
        if message and not self.is_done:
            return b"\x01"  # RFC 7628 §3.2.3; the broker then fails with an error code.
        self.is_done = True
        return None


def password_exchange(mechanism: str, username: str, password: Secret) -> Exchange:
    """Begin an authentication by PLAIN or SCRAM."""
    if mechanism in HASHES:
        return ScramExchange(mechanism, username, password, random_secrets.token_urlsafe(NONCE_BYTES))
    return PlainExchange(username, password)


def token_exchange(token: Token) -> Exchange:
    """Begin an authentication by OAUTHBEARER."""
    return BearerExchange(token)
