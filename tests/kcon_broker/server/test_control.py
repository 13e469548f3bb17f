"""Faults by HTTP: what curl or any test in any language may do, and what the endpoint does not let happen."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from kcon_broker.errors import SettingsError
from kcon_broker.server import control
from kcon_broker.server.control import BODY_BYTES_MAX, CONNECTIONS_MAX
from kcon_broker.server.http_endpoint import HEAD_BYTES_MAX
from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.testing import InProcessBroker
from tests.kcon_broker.raw_client import RawClient, batch, produce

_TIMEOUT_S = 20.0
SETTINGS = BrokerSettings(
    data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=1),), control=("127.0.0.1", 0)
)
FAULT = {"api": "PRODUCE", "error": "NOT_LEADER_OR_FOLLOWER", "times": 2}


@pytest.fixture
def broker() -> Iterator[InProcessBroker]:
    with InProcessBroker(settings=SETTINGS) as running:
        yield running


def ask(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """Return the status and the decoded body."""
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    try:
        with urlopen(Request(url, body, headers, method=method), timeout=_TIMEOUT_S) as answer:
            return answer.status, json.load(answer)
    except HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def post(broker: InProcessBroker, **fault: object) -> tuple[int, Any]:
    return ask(broker.control_url, "POST", json.dumps(fault).encode())


def test_faults_are_added_listed_met_and_cleared(broker: InProcessBroker) -> None:
    shown = {**FAULT, "delay_ms": 0, "drop_connection": False, "applied": False, "remaining": 2}
    assert post(broker, **FAULT) == (201, shown)
    assert post(broker, api="FETCH", delay_ms=5, drop_connection=True)[0] == 201
    with RawClient(broker.bootstrap) as client:
        assert produce(client, "t", batch(b"x")).error_code == 6
    listed = ask(broker.control_url)[1]["faults"]
    assert [(fault["api"], fault["remaining"]) for fault in listed] == [("PRODUCE", 1), ("FETCH", 1)]
    assert ask(broker.control_url, "DELETE") == (200, {"cleared": 2})
    assert ask(broker.control_url) == (200, {"faults": []})


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"error": "UNKNOWN_SERVER_ERROR"}, "api must be"),
        ({"api": ["PRODUCE"], "delay_ms": 1}, "api must be"),
        ({"api": "PRODUCE", "error": "NO_SUCH"}, "error must be"),
        ({"api": "PRODUCE", "delay_ms": "1"}, "may have: error"),
        ({"api": "PRODUCE", "delay_ms": 1, "times": True}, "may have: error"),
        ({"api": "PRODUCE", "delay_ms": 1, "is_applied": True}, "may have: error"),
        ({"api": "PRODUCE"}, "A fault needs"),
        ({"api": "PRODUCE", "delay_ms": 600_001}, "delay_ms is 0 to"),
    ],
)
def test_a_fault_that_makes_no_sense_is_a_400_with_a_reason(
    broker: InProcessBroker, fault: dict[str, object], said: str
) -> None:
    status, answer = post(broker, **fault)
    assert status == 400
    assert said in answer["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 10_000])
def test_a_body_that_is_no_object_is_a_400(broker: InProcessBroker, body: bytes) -> None:
    assert ask(broker.control_url, "POST", body)[0] == 400


@pytest.mark.parametrize(
    ("size", "status"), [(BODY_BYTES_MAX - 1, 201), (BODY_BYTES_MAX, 201), (BODY_BYTES_MAX + 1, 413)]
)
def test_a_body_has_a_limit(broker: InProcessBroker, size: int, status: int) -> None:
    body = json.dumps(FAULT).encode()
    assert ask(broker.control_url, "POST", body + b" " * (size - len(body)))[0] == status


def test_pages_of_other_origins_and_other_paths_get_nothing(broker: InProcessBroker) -> None:
    url = broker.control_url
    assert ask(url, Host="evil.example")[0] == 403
    assert ask(url, Host="localhost:80")[0] == 200
    assert ask(url, "POST", json.dumps(FAULT).encode(), **{"Content-Type": "text/plain"})[0] == 415
    assert ask(url, "PUT", b"{}")[0] == 405
    assert ask(f"{url}/1")[0] == 404
    assert ask(url) == (200, {"faults": []})


def raw(broker: InProcessBroker, *pieces: bytes) -> bytes:
    """Send bytes as they are; return all that comes back."""
    host, port = broker.call(lambda server: server.control.address if server.control else ("", 0))
    with socket.create_connection((host, port), timeout=_TIMEOUT_S) as connection:
        for piece in pieces:
            connection.sendall(piece)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    return received


@pytest.mark.parametrize(("more", "status"), [(-1, b"200"), (0, b"200"), (1, b"431")])
def test_a_head_has_a_limit(broker: InProcessBroker, more: int, status: bytes) -> None:
    start = b"GET /faults HTTP/1.1\r\nHost: localhost\r\nX: "
    head = start + b"x" * (HEAD_BYTES_MAX + more - len(start))
    assert raw(broker, head + b"\r\n\r\n").split(b" ")[1] == status


def test_what_is_no_http_is_refused(broker: InProcessBroker) -> None:
    assert b" 400 " in raw(broker, b"hello\r\n\r\n")
    assert b" 411 " in raw(broker, b"POST /faults HTTP/1.1\r\nHost: [::1]:1\r\nContent-Type: application/json\r\n\r\n")


def test_a_slow_client_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "REQUEST_TIMEOUT_S", 0.05)
    with InProcessBroker(settings=SETTINGS) as broker:
        assert raw(broker, b"GET /faults HT") == b""
        assert ask(broker.control_url)[0] == 200


def test_too_many_clients_are_turned_away_and_the_others_served(broker: InProcessBroker) -> None:
    host, port = broker.call(lambda server: server.control.address if server.control else ("", 0))
    held = [socket.create_connection((host, port), timeout=_TIMEOUT_S) for _ in range(CONNECTIONS_MAX)]
    try:
        with RawClient(f"{host}:{port}") as one_more:
            assert one_more.is_closed_by_broker()
        held[0].sendall(b"GET /faults HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in held[0].recv(4_096)
    finally:
        for connection in held:
            connection.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_only_this_machine_may_reach_it(host: str) -> None:
    """Also with `insecure`: that is for clients of Kafka."""
    broker = InProcessBroker(settings=replace(SETTINGS, control=(host, 0), insecure=True))
    with pytest.raises(SettingsError, match="this machine alone"):
        broker.start()


def test_it_is_off_unless_asked_for() -> None:
    with InProcessBroker() as broker:
        assert broker.control_url == ""
