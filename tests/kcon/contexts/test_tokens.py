"""Tokens say until when they are good; what they do not say is assumed short."""

import base64
import json

import pytest

from kcon.contexts.tokens import LIFE_UNKNOWN_MS, parse_token
from kcon.errors import AuthError

NOW_MS = 1_700_000_000_000


def jwt(claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(claims)}."


def test_a_jwt_says_its_end_and_its_subject() -> None:
    token = parse_token(jwt({"sub": "ann", "exp": NOW_MS // 1000 + 100}), NOW_MS)
    assert (token.principal, token.expires_ms, token.refresh_ms) == ("ann", NOW_MS + 100_000, NOW_MS + 80_000)


def test_an_answer_says_its_life() -> None:
    token = parse_token('{"access_token": "opaque", "expires_in": 10}', NOW_MS)
    assert (token.value.reveal(), token.expires_ms) == ("opaque", NOW_MS + 10_000)


@pytest.mark.parametrize(
    "text", ["opaque", "a.b.c", jwt([]), jwt({"exp": True}), jwt({"exp": "x"}), jwt({"exp": 1e300})]
)
def test_a_token_without_a_readable_end_lives_shortly(text: str) -> None:
    assert parse_token(text, NOW_MS).expires_ms == NOW_MS + LIFE_UNKNOWN_MS


def test_an_expired_token_is_refused() -> None:
    with pytest.raises(AuthError, match="expired"):
        parse_token(jwt({"exp": NOW_MS // 1000}), NOW_MS)
