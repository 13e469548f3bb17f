"""How does SCRAM prove a password without sending it, and prove that the server knows it too? RFC 5802, RFC 7677.

Sans-I/O: `first()` and `reply()` make the messages of one exchange. Nothing of the server is believed before its
signature is checked, and every comparison takes the same time whatever it compares.
"""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final

from kcon.contexts.secret import Secret
from kcon.errors import AuthError

HASHES: Final = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
ITERATIONS_MIN: Final = 4_096
"""RFC 7677 §4, and Kafka's own least. Fewer make a stolen exchange cheap to search."""
ITERATIONS_MAX: Final = 100_000
"""Kafka allows 16,384. A server that asks for millions keeps its clients busy."""
MESSAGE_BYTES_MAX: Final = 8 * 1024
NONCE_BYTES: Final = 24

# RFC 5802 §7: attributes in this order, each once. "m=" in front is an extension that must be understood.
_SERVER_FIRST: Final = re.compile(r"r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,9})(?:,[^\x00]*)?")
_SERVER_FINAL: Final = re.compile(r"v=([A-Za-z0-9+/=]+)(?:,[^\x00]*)?")


class ScramExchange:
    """One authentication. Messages: `first()`, then `reply()` for each of the server's two."""

    def __init__(self, mechanism: str, username: str, password: Secret, nonce: str) -> None:
        """nonce: printable ASCII without commas, fresh for each exchange."""
        self._hash = HASHES[mechanism]
        self._password = password
        self._nonce = nonce
        self._first_bare = f"n={_escape(username)},r={nonce}"
        self._server_signature: bytes | None = None
        self.is_done = False
        """The server has proved that it knows the password."""

    def first(self) -> bytes:
        """Return client-first-message; no channel is bound."""
        return f"{_GS2_HEADER}{self._first_bare}".encode()

    def reply(self, message: bytes) -> bytes | None:
        """Take a server's message; return what to send next, or None at the end. AuthError ends the exchange."""
        if self.is_done or len(message) > MESSAGE_BYTES_MAX:
            raise _broken("its message is out of order or too long")
        try:
            text = message.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _broken("its message is not text") from error
        if self._server_signature is None:
            return self._final(text)
        self._check_server(text)
        self.is_done = True
        return None

    def _final(self, server_first: str) -> bytes:
        found = _SERVER_FIRST.fullmatch(server_first)
        if found is None:
            raise _broken("its first message does not follow RFC 5802")
        nonce, salt_text, iterations = found[1], found[2], int(found[3])
        ours = hmac.compare_digest(nonce[: len(self._nonce)].encode(), self._nonce.encode())
        if not ours or len(nonce) <= len(self._nonce):
            raise _broken("its nonce does not go on from ours, so the answer may be a replay")
        if not ITERATIONS_MIN <= iterations <= ITERATIONS_MAX:
            raise _broken(f"it asks for {iterations} iterations; {ITERATIONS_MIN} to {ITERATIONS_MAX} are accepted")
        salt = _decode(salt_text)
        salted = hashlib.pbkdf2_hmac(self._hash, self._password.reveal().encode(), salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", self._hash)
        stored_key = hashlib.new(self._hash, client_key).digest()
        without_proof = f"c={_CHANNEL_BINDING},r={nonce}"
        auth_message = f"{self._first_bare},{server_first},{without_proof}".encode()
        signature = hmac.digest(stored_key, auth_message, self._hash)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", self._hash)
        self._server_signature = hmac.digest(server_key, auth_message, self._hash)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def _check_server(self, server_final: str) -> None:
        assert self._server_signature is not None
        if server_final.startswith("e="):
            raise AuthError("The broker refused the proof of the password.", "Check user name and password.")
        found = _SERVER_FINAL.fullmatch(server_final)
        if found is None:
            raise _broken("its final message does not follow RFC 5802")
        if not hmac.compare_digest(_decode(found[1]), self._server_signature):
            raise _broken("it could not prove that it knows the password, so it may be an impostor")


def _escape(username: str) -> str:
    """Escape a name as saslname (RFC 5802 §5.1)."""
    return username.replace("=", "=3D").replace(",", "=2C")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise _broken("its message is not base64") from error


def _broken(reason: str) -> AuthError:
    return AuthError(f"The broker's SCRAM exchange is refused: {reason}.", "Check that the address is your broker's.")


_GS2_HEADER: Final = "n,,"
_CHANNEL_BINDING: Final = base64.b64encode(_GS2_HEADER.encode()).decode()
