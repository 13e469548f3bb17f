"""The token endpoint: what is sent there, where it may be, and that nothing of an answer is repeated."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from kcon.contexts.secret import Secret
from kcon.contexts.security import Security
from kcon.errors import AuthError, KconError, UnreachableError, UsageError
from kcon.http.oauth import ANSWER_BYTES_MAX, check_url, fetch_token

CANARY = "canary-4711"
SECRET = Secret(CANARY)


class Endpoint:
    """An identity provider that answers what a test tells it to."""

    def __init__(self) -> None:
        self.status = 200
        self.content = json.dumps({"access_token": "a-token", "expires_in": 60}).encode()
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, list[str]], str]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                endpoint.asked.append((self.path, parse_qs(body), self.headers["Authorization"]))
                self.send_response(endpoint.status)
                for name, value in endpoint.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(endpoint.content)

            def log_message(self, *_: Any) -> None:
                """Keep the test's output clean."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"

    def security(self, **changes: Any) -> Security:
        settings = {"token_url": self.url, "client_id": "kcon", "password_env": "S"} | changes
        return Security(protocol="SASL_SSL", mechanism="OAUTHBEARER", **settings)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    made = Endpoint()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()


def test_the_flow_of_rfc_6749(endpoint: Endpoint) -> None:
    token = fetch_token(endpoint.security(scope="kafka read"), SECRET)
    assert token.value.reveal() == "a-token"
    ((path, form, authorization),) = endpoint.asked
    assert (path, form) == ("/token", {"grant_type": ["client_credentials"], "scope": ["kafka read"]})
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"kcon:{CANARY}"


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (401, b"bad secret canary-4711", "answered 401"),
        (500, b"canary-4711", "answered 500"),
        (302, b"", "answered 302"),
        (200, b"<html>canary-4711</html>", "no bearer token"),
        (200, b'{"error": "canary-4711"}', "no access_token"),
        (200, b"\xff" * 10, "no bearer token"),
        (200, b"x" * (ANSWER_BYTES_MAX + 1), "more than"),
    ],
)
def test_an_answer_without_a_token_is_refused_and_never_repeated(
    endpoint: Endpoint, status: int, content: bytes, words: str
) -> None:
    endpoint.status, endpoint.content = status, content
    endpoint.headers = {"Location": "http://127.0.0.1:1/elsewhere"} if status == 302 else {}
    with pytest.raises(AuthError, match=words) as caught:
        fetch_token(endpoint.security(), SECRET)
    assert CANARY not in f"{caught.value.message} {caught.value.hint}"
    assert len(endpoint.asked) == 1


def test_an_endpoint_that_is_away_is_unreachable_and_the_secret_stays_hidden() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/token"
        security = Security(protocol="SASL_SSL", mechanism="OAUTHBEARER", token_url=url, client_id="kcon")
        with pytest.raises(UnreachableError) as caught:
            fetch_token(security, SECRET)
    assert caught.value.__suppress_context__, "what is behind it holds the request"
    assert CANARY not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/token",
        "//127.0.0.1/token",
        "token",
        "https://",
        "https://169.254.169.254/latest/meta-data",
        "http://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/token",
        "https://[fd00:ec2::254]/token",
        "https://[::ffff:169.254.169.254]/token",
        "https://2852039166/token",
        "https://0.0.0.0/token",
        "http://192.0.2.1/token",
        f"https://user:{CANARY}@127.0.0.1/token",
        "https://127.0.0.1:99999/token",
    ],
)
def test_addresses_that_are_never_asked(url: str) -> None:
    """CVE-2025-27817: a token address must open no file and reach no metadata service."""
    with pytest.raises(UsageError) as caught:
        check_url(url)
    assert CANARY not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/token", "http://127.0.0.1:8080/token", "https://192.0.2.1:8443/t?a=b"]
)
def test_addresses_that_are_asked(url: str) -> None:
    assert check_url(url).hostname


def test_a_name_that_leads_to_the_metadata_service_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(UsageError, match="surroundings"):
        check_url("https://innocent.example/token")


def test_an_unknown_host_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(KconError, match="Cannot resolve"):
        check_url("https://nowhere.example/token")
