"""TLS that fails, met on real sockets: each cause has its own sentence, exit code and hint."""

import asyncio
import ssl
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kcon.admin.certificate import expiry_ms
from kcon.admin.connection import Connection
from kcon.admin.tls_failures import tls_failure
from kcon.contexts.security import Security
from kcon.errors import ExitCode, KconError
from tests.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def failure(wire: SimpleNamespace, server: ssl.SSLContext, security: Security) -> KconError:
    """Connect to a TLS server that never answers and return why that failed."""

    async def main() -> KconError:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.transport.abort()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            settings = wire.settings(f"127.0.0.1:{port}", security=security, connect_timeout_ms=2000)
            with pytest.raises(KconError) as caught:
                await Connection.open("127.0.0.1", port, settings, Counter())
            return caught.value

    return asyncio.run(main())


def server_context(authority: Authority, name: str, **made: Any) -> ssl.SSLContext:
    identity = authority.identity(name, **made)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.cert, identity.key)
    return context


@pytest.mark.parametrize(
    ("name", "made", "words"),
    [
        ("expired", {"days": (-10, -1)}, "has expired"),
        ("early", {"days": (5, 10)}, "is not valid yet"),
        ("elsewhere", {"hosts": ("other.example",)}, "is not for 127.0.0.1"),
    ],
)
def test_a_bad_certificate_names_its_fault(
    wire: SimpleNamespace, authority: Authority, name: str, made: dict[str, Any], words: str
) -> None:
    error = failure(wire, server_context(authority, name, **made), Security(protocol="SSL", ca=str(authority.ca)))
    assert words in error.message
    assert error.exit_code == ExitCode.AUTH
    assert error.hint


def test_an_unknown_issuer_is_named_so(wire: SimpleNamespace, authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    error = failure(wire, server_context(authority, "broker"), Security(protocol="SSL", ca=str(other.ca)))
    assert "issuer" in error.message
    assert "Set ca" in error.hint


def test_a_server_that_wants_our_certificate(wire: SimpleNamespace, authority: Authority) -> None:
    server = server_context(authority, "asking")
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(authority.ca)
    error = failure(wire, server, Security(protocol="SSL", ca=str(authority.ca)))
    assert "wants a client certificate" in error.message
    assert error.exit_code == ExitCode.AUTH


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_never_connects(wire: SimpleNamespace, authority: Authority) -> None:
    server = server_context(authority, "old")
    server.set_ciphers("ALL:@SECLEVEL=0")
    server.minimum_version = server.maximum_version = ssl.TLSVersion.TLSv1_1
    error = failure(wire, server, Security(protocol="SSL", ca=str(authority.ca)))
    assert error.exit_code == ExitCode.UNREACHABLE


def test_a_plain_broker_is_named_so(wire: SimpleNamespace, authority: Authority) -> None:
    """It takes the first bytes of TLS for a size, which is absurd, and hangs up: only asking it in plain text tells."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(1) != b"\0":
            return
        frame = await reader.readexactly(int.from_bytes(await reader.readexactly(3), "big"))
        writer.write(b"\0\0\0\x0a" + frame[4:8] + bytes(6))
        await writer.drain()

    async def main() -> None:
        async with wire.server(serve) as port:
            settings = wire.settings(f"127.0.0.1:{port}", security=Security(protocol="SSL", ca=str(authority.ca)))
            with pytest.raises(KconError) as caught:
                await Connection.open("127.0.0.1", port, settings, Counter())
        assert "speaks plain text, and this context wants TLS" in caught.value.message
        assert caught.value.exit_code == ExitCode.UNREACHABLE

    asyncio.run(main())


@pytest.mark.parametrize(
    ("reason", "has_cert", "words"),
    [
        ("WRONG_VERSION_NUMBER", False, "speaks plain text"),
        ("HTTP_REQUEST", False, "speaks plain text"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", False, "older than 1.2"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", False, "wants a client certificate"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", True, "refused this client's certificate"),
        ("TLSV1_ALERT_UNKNOWN_CA", True, "refused this client's certificate"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", False, "wants a client certificate"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", True, "ssl"),
        ("SOMETHING\x1b_NEW", True, "something"),
    ],
)
def test_each_reason_of_openssl(reason: str, has_cert: bool, words: str) -> None:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    told = tls_failure("h:1", "h", error, has_cert=has_cert)
    assert words in told.message
    assert "\x1b" not in told.message
    assert told.hint


@pytest.mark.parametrize("days", [1, 30])
def test_when_a_certificate_ends_is_told(authority: Authority, days: int) -> None:
    """What an alert is made of, long before the failures above."""
    server = server_context(authority, f"ends-{days}", days=(-1, days))
    client = ssl.create_default_context(cafile=str(authority.ca))

    async def main() -> int | None:
        async with await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0, ssl=server) as listening:
            port = listening.sockets[0].getsockname()[1]
            _reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
            told = expiry_ms(writer.get_extra_info("ssl_object").getpeercert())
            writer.transport.abort()
            return told

    ends_ms = asyncio.run(main())
    assert ends_ms is not None
    assert abs(ends_ms - (datetime.now(UTC) + timedelta(days=days)).timestamp() * 1000) < 120_000
    assert expiry_ms({}) is None
    assert expiry_ms(None) is None
