"""What is a bearer token, and until when is it good? Reading tokens and the answers that carry them, without I/O."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Final

from kcon.contexts.secret import Secret
from kcon.errors import AuthError

LIFE_UNKNOWN_MS: Final = 5 * 60 * 1000
"""How long a token is used that says nothing about its end."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750 §2.1."""
REFRESH_FRACTION: Final = 0.8
"""A token is replaced after this part of its life, so that no connection starts with one about to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token."""

    value: Secret
    principal: str
    """The subject the token names, or ""."""
    expires_ms: int
    refresh_ms: int
    """When to ask for the next one."""


def parse_token(text: str, now_ms: int) -> Token:
    """Read what a file or a command holds: a bare token, or a JSON object as a token endpoint answers.

    AuthError, which never repeats the text, when it is neither.
    """
    text = text.strip()
    life_ms: int | None = None
    if text.startswith("{"):
        text, life_ms = _from_json(text)
    if _TOKEN.fullmatch(text) is None:
        raise AuthError("There is no bearer token in what was read.", "Check the file, the command or the endpoint.")
    claims = _claims(text)
    expires = claims.get("exp")
    expires_ms = now_ms + (LIFE_UNKNOWN_MS if life_ms is None else life_ms)
    if isinstance(expires, int | float) and not isinstance(expires, bool) and abs(expires) < 1e12:
        expires_ms = int(expires * 1000)
    if expires_ms <= now_ms:
        raise AuthError("The bearer token has expired.", "Get a new one.")
    return Token(
        value=Secret(text),
        principal=str(claims.get("sub", "")),
        expires_ms=expires_ms,
        refresh_ms=now_ms + int((expires_ms - now_ms) * REFRESH_FRACTION),
    )


def _from_json(text: str) -> tuple[str, int | None]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str):
        # `from None`: the parser's error quotes the text.
        raise AuthError("The token answer has no access_token.", "Check the endpoint or the command.") from None
    life_s = answer.get("expires_in")
    known = isinstance(life_s, int | float) and not isinstance(life_s, bool) and 0 < life_s < 1e9
    return token, int(life_s * 1000) if known else None


def _claims(token: str) -> dict[str, object]:
    """Return the claims of a JWT (RFC 7519 §3), unverified: only the broker can verify. {} for other tokens."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = json.loads(payload)
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
