"""How does another program of this machine inject faults? By HTTP and JSON, on loopback alone, off by default.

    GET /faults      the faults that wait, oldest first
    POST /faults     inject one: {"api": "PRODUCE", "error": "NOT_LEADER_OR_FOLLOWER", "times": 3}
    DELETE /faults   forget them all

One request a connection. A web page open in a browser of this machine must not reach it: the Host header must name
loopback, and a body must say that it is JSON, which a page of another origin may not without asking first.
"""

import asyncio
import json
import socket
from http import HTTPStatus
from typing import Any

from kcon_broker.server.faults import Fault, FaultError, Faults, Injected
from kcon_broker.server.http_endpoint import HEAD_BYTES_MAX, HttpEndpoint
from kcon_broker.server.listener import is_loopback
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode

BODY_BYTES_MAX = 16 * 1024
REQUEST_TIMEOUT_S = 5.0
"""From the first byte to the last of the answer."""
CONNECTIONS_MAX = 16
_LEFT_READS_MAX = 128
_PATH = "/faults"
_KEYS = {"error": str, "delay_ms": int, "drop_connection": bool, "times": int, "applied": bool}


class _Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class ControlEndpoint(HttpEndpoint):
    """The HTTP server over one broker's faults. It lives in the broker's loop."""

    def __init__(self, listening: socket.socket, faults: Faults) -> None:
        super().__init__(
            listening,
            path=_PATH,
            told="faults can be injected at",
            request_timeout_s=REQUEST_TIMEOUT_S,
            connections_max=CONNECTIONS_MAX,
        )
        self._faults = faults

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._answer(reader)
        except _Refused as refused:
            answer = _response(refused.status, {"error": str(refused)})
        writer.write(answer)
        writer.write_eof()
        # Bytes that nobody read would reset the connection before the client has its answer.
        for _ in range(_LEFT_READS_MAX):
            if not await reader.read(HEAD_BYTES_MAX):
                break

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as error:
            raise _Refused(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"A head has at most {HEAD_BYTES_MAX} bytes."
            ) from error
        method, path, headers = _parse_head(head)
        host, separator, port = headers.get("host", "").rpartition(":")
        if not is_loopback((host if separator and port.isdigit() else headers.get("host", "")).strip("[]")):
            raise _Refused(HTTPStatus.FORBIDDEN, "The Host header must name this machine, such as 127.0.0.1.")
        if path != _PATH:
            raise _Refused(HTTPStatus.NOT_FOUND, f"There is only {_PATH}.")
        match method:
            case "GET":
                return _response(HTTPStatus.OK, {"faults": [_shown(injected) for injected in self._faults.pending]})
            case "DELETE":
                return _response(HTTPStatus.OK, {"cleared": self._faults.clear()})
            case "POST":
                if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                    raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json.")
                fault = parse_fault(await _read_body(reader, headers))
                try:
                    return _response(HTTPStatus.CREATED, _shown(self._faults.add(fault)))
                except FaultError as error:
                    raise _Refused(HTTPStatus.CONFLICT, str(error)) from error
        raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "GET lists, POST adds, DELETE clears.")


def parse_fault(body: bytes) -> Fault:
    """Return the fault that a JSON object describes; raises what becomes a 400."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _Refused(HTTPStatus.BAD_REQUEST, "The body is not JSON.") from error
    if not isinstance(given, dict):
        raise _Refused(HTTPStatus.BAD_REQUEST, "The body must be one JSON object.")
    api = given.pop("api", None)
    if not isinstance(api, str) or api not in ApiKey.__members__:
        raise _Refused(HTTPStatus.BAD_REQUEST, "api must be the name of an API, such as PRODUCE or JOIN_GROUP.")
    for key, value in given.items():
        # JSON's true is an int in Python, and no number of times.
        if key not in _KEYS or type(value) is not _KEYS[key]:
            known = ", ".join(f"{name} ({kind.__name__})" for name, kind in _KEYS.items())
            raise _Refused(HTTPStatus.BAD_REQUEST, f"Beside api, a fault may have: {known}.")
    code = given.pop("error", None)
    if code is not None and code not in ErrorCode.__members__:
        raise _Refused(HTTPStatus.BAD_REQUEST, "error must be one of Kafka's names, such as NOT_LEADER_OR_FOLLOWER.")
    is_applied = given.pop("applied", False)
    try:
        return Fault(
            api_key=ApiKey[api], error=None if code is None else ErrorCode[code], is_applied=is_applied, **given
        )
    except FaultError as refusal:
        raise _Refused(HTTPStatus.BAD_REQUEST, str(refusal)) from refusal


def _shown(injected: Injected) -> dict[str, Any]:
    fault = injected.fault
    return {
        "api": fault.api_key.name,
        "error": None if fault.error is None else fault.error.name,
        "delay_ms": fault.delay_ms,
        "drop_connection": fault.drop_connection,
        "applied": fault.is_applied,
        "times": fault.times,
        "remaining": injected.remaining,
    }


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise _Refused(HTTPStatus.BAD_REQUEST, "This is no HTTP/1.1 request.")
    headers = {}
    for line in lines:
        name, separator, value = line.partition(":")
        if separator:
            headers[name.strip().lower()] = value.strip()
    return words[0], words[1], headers


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) < 10):
        raise _Refused(HTTPStatus.LENGTH_REQUIRED, "Content-Length must say how long the body is.")
    if int(length) > BODY_BYTES_MAX:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body has at most {BODY_BYTES_MAX} bytes.")
    return await reader.readexactly(int(length))


def _response(status: HTTPStatus, value: object) -> bytes:
    body = json.dumps(value).encode() + b"\n"
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
