"""How is a connection authenticated (KIP-43, KIP-152), and for how long (KIP-368)?"""

from collections.abc import Awaitable, Callable
from typing import Final

from kcon.admin.apis import Api
from kcon.admin.decode import decode_response
from kcon.admin.encode import encode_uvarint
from kcon.admin.requests import ReadRequest
from kcon.admin.sasl import ROUNDS_MAX, Exchange
from kcon.admin.schema import is_flexible
from kcon.contexts.security import AWS_MSK_IAM, Security
from kcon.core.kafka_error import kafka_error
from kcon.core.wire_text import display_safe
from kcon.errors import AuthError

UNSUPPORTED_SASL_MECHANISM: Final = 33
ILLEGAL_SASL_STATE: Final = 34
SASL_AUTHENTICATION_FAILED: Final = 58

MECHANISMS_SHOWN_MAX: Final = 12

Ask = Callable[[ReadRequest], Awaitable[tuple[int, bytes, int]]]
"""Send one request; return the version it was sent in, the answer's bytes and where its fields begin."""


class CredentialsRefusedError(AuthError):
    """The broker understood the exchange and does not believe it."""


async def authenticate(ask: Ask, address: str, security: Security, exchange: Exchange) -> int:
    """Authenticate a connection. Return the session's lifetime in milliseconds, 0 for one without end.

    AuthError: the mechanism is not offered, the credentials are refused, or the broker could not prove itself.
    """
    assert security.mechanism is not None, "Security.check wants a mechanism"
    error_code, offered = await ask_mechanisms(ask, security.wire_mechanism)
    if error_code == ILLEGAL_SASL_STATE:
        hint = "SSL" if security.uses_tls else "PLAINTEXT"
        raise AuthError(
            f"{address} does not authenticate clients on this port, and this context wants {security.mechanism}.",
            f"Use the port of its SASL listener, or set the protocol to {hint}.",
        )
    if error_code == UNSUPPORTED_SASL_MECHANISM:
        raise AuthError(
            f"{address} does not offer {security.mechanism}; it offers {listed(offered)}.",
            "Set mechanism to one of these.",
        )
    if error_code:
        raise AuthError(f"{address} refused SaslHandshake: {kafka_error(error_code)}.")
    return await _exchange(ask, address, security, exchange)


async def ask_mechanisms(ask: Ask, mechanism: str) -> tuple[int, list[str]]:
    """Propose a mechanism; return the broker's error code, and the mechanisms that it has."""
    version, body, offset = await ask(ReadRequest(api=Api.SASL_HANDSHAKE, values={"mechanism": mechanism}))
    told = decode_response(Api.SASL_HANDSHAKE, version, body, offset)
    return int(told.error_code), [display_safe(str(name)) for name in told.mechanisms or ()]


def listed(mechanisms: list[str]) -> str:
    """Name the mechanisms that a broker offers."""
    if not mechanisms:
        return "none"
    more = len(mechanisms) - MECHANISMS_SHOWN_MAX
    return ", ".join(sorted(mechanisms)[:MECHANISMS_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")


async def _exchange(ask: Ask, address: str, security: Security, exchange: Exchange) -> int:
    message: bytes | None = exchange.first()
    lifetime_ms = 0
    for _ in range(ROUNDS_MAX):
        if message is None:
            break
        version, body, offset = await ask(_authenticate_request(message))
        told = decode_response(Api.SASL_AUTHENTICATE, version, body, offset)
        if int(told.error_code):
            raise _refused(address, security, int(told.error_code), display_safe(told.error_message or ""))
        lifetime_ms = int(getattr(told, "session_lifetime", 0))
        message = exchange.reply(told.auth_bytes)
    if not exchange.is_done:
        raise AuthError(f"{address} ended the {security.mechanism} exchange before it was complete.")
    return lifetime_ms


def _authenticate_request(message: bytes) -> ReadRequest:
    """Make the request around a message. The message is in no field, because fields may be shown."""

    def encode(version: int) -> bytes:
        if is_flexible(Api.SASL_AUTHENTICATE, version):
            return encode_uvarint(len(message) + 1) + message + b"\0"
        return len(message).to_bytes(4, "big") + message

    return ReadRequest(api=Api.SASL_AUTHENTICATE, encode_body=encode)


def _refused(address: str, security: Security, code: int, detail: str) -> AuthError:
    said = f": {detail.rstrip('.')}" if detail else ""
    if code == SASL_AUTHENTICATION_FAILED:
        return CredentialsRefusedError(
            f"{address} refused the {security.mechanism} credentials of {security.principal}{said}.",
            _hint(security),
        )
    return AuthError(f"{address} refused the authentication of {security.principal}: {kafka_error(code, detail)}.")


def _hint(security: Security) -> str:
    if security.mechanism == AWS_MSK_IAM:
        return "Check the AWS credentials and the IAM policy: it must allow kafka-cluster:Connect."
    if security.username is None:
        return "Check the token, its scope and its audience."
    return "Check user name, password and mechanism."
