"""Authentication over a connection: which messages go out, and what each answer of the broker means."""

import asyncio
import io
import logging
import traceback
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from kcon.admin.apis import Api
from kcon.admin.connection import Connection
from kcon.admin.requests import ReadRequest
from kcon.admin.sasl_session import CredentialsRefusedError, authenticate
from kcon.admin.security import ConnectionSecurity
from kcon.contexts.secret import Secret
from kcon.contexts.secrets import Secrets
from kcon.contexts.security import Security
from kcon.contexts.tokens import Token
from kcon.errors import AuthError, ExitCode, KconError, UnreachableError

CANARY = "canary-4711"
BROKERS = ReadRequest(api=Api.METADATA, values={"topics": [], "allow_auto_topic_creation": False})


def plain(**changes: Any) -> Security:
    settings = {"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "username": "ann", "password_env": "P"} | changes
    return Security(**settings)


def secured(wire: SimpleNamespace, broker: Any, security: Security, password: str = CANARY, **changes: Any) -> Any:
    return wire.settings(broker, security=security, secrets=Secrets("test", {"P": password}), **changes)


def handshake(wire: SimpleNamespace, code: int = 0, mechanisms: tuple[str, ...] = ("PLAIN",)) -> Any:
    def reply(version: int, request: Any) -> object:
        m = wire.schema(Api.SASL_HANDSHAKE, version, "response")
        return m.SaslHandshakeResponse(error_code=wire.code(code), mechanisms=mechanisms)

    return reply


def authenticated(wire: SimpleNamespace, code: int = 0, message: str | None = None, lifetime_ms: int = 0) -> Any:
    def reply(version: int, request: Any) -> object:
        m = wire.schema(Api.SASL_AUTHENTICATE, version, "response")
        lifetime = {"session_lifetime": timedelta(milliseconds=lifetime_ms)} if version >= 1 else {}
        return m.SaslAuthenticateResponse(error_code=wire.code(code), error_message=message, auth_bytes=b"", **lifetime)

    return reply


def sasl(wire: SimpleNamespace, **changes: Any) -> dict[Api, Any]:
    return {Api.SASL_HANDSHAKE: handshake(wire), Api.SASL_AUTHENTICATE: authenticated(wire, **changes)}


async def open_to(broker: Any, settings: Any, sent: "Counter[str] | None" = None) -> Connection:
    return await Connection.open("127.0.0.1", broker.port, settings, Counter() if sent is None else sent)


def refusal(wire: SimpleNamespace, replies: dict[Api, Any], security: Security | None = None) -> KconError:
    async def main() -> KconError:
        async with wire.broker(replies=replies) as broker:
            with pytest.raises(KconError) as caught:
                await open_to(broker, secured(wire, broker, security or plain()))
            return caught.value

    return asyncio.run(main())


@pytest.mark.parametrize("version", [0, 1, 2])
def test_the_messages_of_an_authentication(wire: SimpleNamespace, version: int) -> None:
    async def main() -> None:
        versions = {Api.SASL_AUTHENTICATE: (0, version)}
        async with wire.broker(replies=sasl(wire), versions=versions) as broker:
            connection = await open_to(broker, secured(wire, broker, plain()))
            connection.close()
            assert [repr(asked) for asked in broker.asked] == [
                "ApiVersions v3",
                "SaslHandshake v1",
                f"SaslAuthenticate v{version}",
            ]
            assert broker.asked[1].request.mechanism == "PLAIN"
            assert broker.asked[2].request.auth_bytes == f"\0ann\0{CANARY}".encode()

    asyncio.run(main())


def test_a_mechanism_that_is_not_offered_names_those_that_are(wire: SimpleNamespace) -> None:
    error = refusal(wire, {Api.SASL_HANDSHAKE: handshake(wire, 33, ("SCRAM-SHA-512", "GSSAPI", "evil\x1b[2J"))})
    assert error.exit_code == ExitCode.AUTH
    assert "does not offer PLAIN; it offers GSSAPI, SCRAM-SHA-512, evil" in error.message
    assert "\x1b" not in error.message


def test_a_listener_without_sasl_is_said_to_be_one(wire: SimpleNamespace) -> None:
    assert "does not authenticate clients" in refusal(wire, {Api.SASL_HANDSHAKE: handshake(wire, 34, ())}).message


def test_refused_credentials_repeat_the_brokers_words_made_safe(wire: SimpleNamespace) -> None:
    error = refusal(wire, sasl(wire, code=58, message="Authentication failed: \x1b]0;x\x07 bad."))
    assert isinstance(error, CredentialsRefusedError)
    assert "refused the PLAIN credentials of ann: Authentication failed" in error.message
    assert not {"\x1b", "\x07"} & set(error.message)


def test_credentials_are_not_tried_twice(wire: SimpleNamespace) -> None:
    """Some servers lock an account after a few attempts."""

    async def main() -> None:
        async with wire.broker(replies=sasl(wire, code=58)) as broker:
            with pytest.raises(CredentialsRefusedError):
                await open_to(broker, secured(wire, broker, plain()))
            assert broker.titles() == ["SaslHandshake", "SaslAuthenticate"]

    asyncio.run(main())


def test_another_form_of_the_password_is_tried_once_and_remembered(wire: SimpleNamespace) -> None:
    """RFC 4616 wants SASLprep, and Apache Kafka keeps passwords as they were typed."""

    async def main() -> None:
        async with wire.broker(replies=sasl(wire)) as broker:

            def judge(version: int, request: Any) -> object:
                good = request.auth_bytes == "\0ann\0a\u00a0b".encode()
                return authenticated(wire, code=0 if good else 58)(version, request)

            broker.replies[Api.SASL_AUTHENTICATE] = judge
            settings = secured(wire, broker, plain(), "a\u00a0b")
            for _ in range(2):
                (await open_to(broker, settings)).close()
            sent = [request.auth_bytes for request in broker.requests(Api.SASL_AUTHENTICATE)]
            assert sent == [b"\0ann\0a b", "\0ann\0a\u00a0b".encode(), "\0ann\0a\u00a0b".encode()]

    asyncio.run(main())


def test_a_server_that_cannot_prove_itself_is_refused(wire: SimpleNamespace) -> None:
    """A stand-in for the broker says yes to everything; SCRAM notices."""
    error = refusal(wire, sasl(wire), plain(mechanism="SCRAM-SHA-256"))
    assert isinstance(error, AuthError)
    assert "SCRAM exchange is refused" in error.message


def test_a_broker_that_ends_the_exchange_early_is_refused(wire: SimpleNamespace) -> None:
    def empty(version: int, request: Any) -> object:
        return b"\0\0"

    with pytest.raises(KconError, match="cannot be read"):
        raise refusal(wire, {Api.SASL_HANDSHAKE: handshake(wire), Api.SASL_AUTHENTICATE: empty})


def test_a_silent_broker_is_given_up_by_the_deadline(wire: SimpleNamespace) -> None:
    async def main() -> None:
        replies = {Api.SASL_HANDSHAKE: lambda *_: wire.Silence}
        async with wire.broker(replies=replies) as broker:
            with pytest.raises(UnreachableError, match="did not answer"):
                await open_to(broker, secured(wire, broker, plain(), connect_timeout_ms=50))

    asyncio.run(main())


# --- sessions that end ----------------------------------------------------------------------------------------


def test_a_session_is_renewed_by_the_next_request_and_others_wait(wire: SimpleNamespace) -> None:
    """KIP-368: between handshake and answer the broker takes nothing else."""

    async def main() -> None:
        async with wire.broker(replies=sasl(wire, lifetime_ms=60_000)) as broker:
            connection = await open_to(broker, secured(wire, broker, plain(), in_flight_max=4))
            await connection.request(BROKERS, timeout_ms=5000)
            assert connection._renew_at_s is not None
            loop = asyncio.get_running_loop()
            assert 30 < connection._renew_at_s - loop.time() < 58
            connection._renew_at_s = loop.time()
            await asyncio.gather(*(connection.request(BROKERS, timeout_ms=5000) for _ in range(9)))
            renewed = ["SaslHandshake", "SaslAuthenticate"]
            assert broker.titles() == [*renewed, "Metadata", *renewed, *["Metadata"] * 9]
            connection.close()

    asyncio.run(main())


def test_a_refused_renewal_ends_the_connection_for_everybody(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(replies=sasl(wire, lifetime_ms=60_000)) as broker:
            connection = await open_to(broker, secured(wire, broker, plain()))
            connection._renew_at_s = 0
            broker.replies[Api.SASL_AUTHENTICATE] = authenticated(wire, code=58)
            results = await asyncio.gather(
                *(connection.request(BROKERS, timeout_ms=5000) for _ in range(3)), return_exceptions=True
            )
            assert all(isinstance(result, CredentialsRefusedError) for result in results)
            assert not connection.is_open

    asyncio.run(main())


def test_a_session_without_an_end_is_never_renewed(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(replies=sasl(wire)) as broker:
            connection = await open_to(broker, secured(wire, broker, plain()))
            assert connection._renew_at_s is None
            connection.close()

    asyncio.run(main())


# --- what a context without credentials meets -----------------------------------------------------------------


def test_a_broker_that_wants_sasl_is_told_by_asking_it(wire: SimpleNamespace) -> None:
    """It answers ApiVersions to everybody and hangs up at the next request, without a word."""

    async def main() -> None:
        replies = {
            Api.METADATA: lambda *_: wire.Hangup,
            Api.SASL_HANDSHAKE: handshake(wire, 33, ("PLAIN", "SCRAM-SHA-256")),
        }
        async with wire.broker(replies=replies) as broker:
            connection = await open_to(broker, wire.settings(broker))
            with pytest.raises(AuthError, match="wants SASL") as caught:
                await connection.request(BROKERS, timeout_ms=5000)
            assert "PLAIN, SCRAM-SHA-256" in caught.value.hint

    asyncio.run(main())


def test_a_broker_that_only_hung_up_is_not_said_to_want_sasl(wire: SimpleNamespace) -> None:
    async def main() -> None:
        replies = {Api.METADATA: lambda *_: wire.Hangup, Api.SASL_HANDSHAKE: handshake(wire, 34, ())}
        async with wire.broker(replies=replies) as broker:
            connection = await open_to(broker, wire.settings(broker))
            with pytest.raises(UnreachableError, match="closed the connection"):
                await connection.request(BROKERS, timeout_ms=5000)

    asyncio.run(main())


# --- nothing shows a secret -----------------------------------------------------------------------------------


def test_no_value_on_the_way_shows_the_password(wire: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    """Settings, requests and connections are printed by debuggers, logs and failing assertions."""
    shown = io.StringIO()

    async def main() -> None:
        async with wire.broker(replies=sasl(wire, code=58)) as broker:
            settings = secured(wire, broker, plain())
            try:
                await open_to(broker, settings)
            except AuthError as error:
                shown.write(f"{settings!r} {settings.secrets!r} {error!r} {vars(error)!r}")
                shown.write("".join(traceback.format_exception(error)))

    with caplog.at_level(logging.DEBUG):
        asyncio.run(main(), debug=True)
    text = shown.getvalue() + caplog.text
    assert "refused the PLAIN credentials" in text
    for form in (CANARY, CANARY.encode().hex()):
        assert form not in text


def test_msk_iam_is_a_bearer_token_on_the_wire() -> None:
    """Amazon's brokers know the signed token as OAUTHBEARER; a refusal names the IAM policy."""

    async def main() -> None:
        security = Security(protocol="SASL_SSL", mechanism="AWS_MSK_IAM", aws_region="eu-west-1")
        secrets = Secrets("aws")
        secrets.sign_token = lambda asked: Token(
            value=Secret(f"signed-for-{asked.aws_region}"), principal="", expires_ms=2**62, refresh_ms=2**62
        )
        exchange = await ConnectionSecurity(security, secrets).exchange()
        assert exchange.first() == b"n,,\x01auth=Bearer signed-for-eu-west-1\x01\x01"
        proposed: list[str] = []

        async def ask(request: ReadRequest) -> tuple[int, bytes, int]:
            if request.api is Api.SASL_HANDSHAKE:
                proposed.append(str(request.values["mechanism"]))
                return 1, b"\0\0" + (1).to_bytes(4, "big") + b"\0\x0bOAUTHBEARER", 0
            # error code 58, no message, no bytes
            return 0, b"\0\x3a\xff\xff\0\0\0\0", 0

        with pytest.raises(CredentialsRefusedError) as caught:
            await authenticate(ask, "b1:9098", security, exchange)
        assert proposed == ["OAUTHBEARER"]
        assert "kafka-cluster:Connect" in caught.value.hint
        assert "signed-for" not in caught.value.message

    asyncio.run(main())
