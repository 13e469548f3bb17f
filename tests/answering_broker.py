"""A broker that answers every request of the admin plane by the schema alone: it says what a test makes it say.

It knows no state. What a request names is in the answer too (topics, groups, configs exist); other strings are drawn
from `texts`, each in turn. It keeps what it was asked, as the bytes said it, so that a test can judge what a command
sent.
"""

import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from types import TracebackType
from typing import Any
from uuid import UUID

from kcon.admin.apis import Api
from kcon.admin.decode import struct_reader
from kcon.admin.encode import _write_struct
from kcon.admin.schema import Field, Struct, entity_type

_BY_KEY = {api.key: api for api in Api}
_ECHO = {
    "coordinators": ("coordinator_keys",),
    "results": ("resources", "groups_names", "users"),
    "responses": ("topics", "topic_names"),
    "groups": ("groups", "group_ids"),
}
"""Where an array of an answer finds its counterpart in the request, if it has another name."""
_NAMES = ("name", "group_id", "key", "user", "topic_name", "topic")
"""The field that a plain string of the request goes into."""
_ONE = {"node_id", "leader_id", "controller_id", "broker_id", "port", "leader_epoch", "producer_id", "coordinator_id"}
_EARLIEST = -2
_TIME_MS = 1_795_487_700_000


class AnsweringBroker:
    """Use it as a context manager; it runs on threads of its own."""

    def __init__(
        self,
        texts: Sequence[str] = ("text",),
        *,
        error_code: int = 0,
        many: int = 3,
        fixed: Mapping[str, Any] | None = None,
        is_steady: bool = False,
    ) -> None:
        self.asked: list[tuple[Api, Any]] = []
        """Each request in turn: its API, and its fields."""
        self.error_code = error_code
        self.many = many
        """Items of a list that no request names."""
        self._all_texts = texts
        self._texts: Iterator[str] = cycle(texts)
        self._is_steady = is_steady
        """Each answer draws from the first text on, so that it does not matter which of two requests came first."""
        self._drawing = threading.Lock()
        self._fixed = dict(fixed or {})
        """By the name of a field, whatever message it is in."""
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> "AnsweringBroker":
        threading.Thread(target=self._accept, name="answering broker", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._server, *self._open):
            each.close()

    def titles(self) -> set[str]:
        """Return the names of the APIs that were asked."""
        return {api.title for api, _ in self.asked}

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._server.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as requests:
            while True:
                try:
                    head = requests.read(4)
                    if len(head) < 4:
                        return
                    connection.sendall(self._answer(requests.read(struct.unpack(">i", head)[0])))
                except OSError:
                    return

    def _answer(self, frame: bytes) -> bytes:
        key, version, correlation_id, client_length = struct.unpack_from(">hhih", frame)
        api = _BY_KEY.get(key)
        if api is None:
            return b""  # The record plane's own APIs; this broker has no records.
        of_request = entity_type(api, version, "request")
        offset = 10 + max(0, client_length) + (1 if of_request.flexible else 0)
        request, _ = struct_reader(of_request)(frame, offset)
        self.asked.append((api, request))
        body = bytearray()
        with self._drawing:
            if self._is_steady:
                self._texts = cycle(self._all_texts)
            values = self._values(api, version, request)
        _write_struct(body, entity_type(api, version, "response"), values, frozenset())
        tags = b"\0" if of_request.flexible and api is not Api.API_VERSIONS else b""
        payload = struct.pack(">i", correlation_id) + tags + bytes(body)
        return struct.pack(">i", len(payload)) + payload

    def _values(self, api: Api, version: int, request: Any) -> dict[str, Any]:
        of = entity_type(api, version, "response")
        if api is Api.API_VERSIONS:
            keys = [{"api_key": a.key, "min_version": a.version_min, "max_version": a.version_max} for a in Api]
            return {"error_code": 0, "api_keys": keys}
        values = self._fill(of, request, 0)
        if api is Api.METADATA:
            values["brokers"] = [self._broker(of, node_id) for node_id in (1, 2)]
            if request.topics is None:
                values["topics"].append(self._fill(_nested(of, "topics"), None, 1) | {"name": "__consumer_offsets"})
        return values

    def _broker(self, of: Struct, node_id: int) -> dict[str, Any]:
        """Return a broker of the cluster; all of them are this one."""
        values = self._fill(_nested(of, "brokers"), None, 1)
        return values | {"host": "127.0.0.1", "port": self._server.getsockname()[1], "node_id": node_id}

    def _fill(self, of: Struct, told: Any, depth: int, index: int = 0) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for item in of.fields:
            if item.name in self._fixed:
                values[item.name] = self._fixed[item.name]
            elif item.is_array:
                values[item.name] = self._array(item, told, depth)
            elif item.nested is not None:
                values[item.name] = self._fill(item.nested, None, depth + 1)
            else:
                known = getattr(told, item.name, None) if not isinstance(told, str) else None
                if isinstance(told, str) and item.name in _NAMES:
                    known = told
                if item.name == "user":
                    known = getattr(told, "name", known)
                if item.name == "offset" and getattr(told, "timestamp", None) == _EARLIEST:
                    known = 0
                values[item.name] = self._scalar(item, index) if known is None else known
        return values

    def _array(self, item: Field, told: Any, depth: int) -> list[Any]:
        names = (item.name, *_ECHO.get(item.name, ()))
        asked = next((getattr(told, name) for name in names if getattr(told, name, None)), None)
        if item.nested is None:
            if item.type == "string":
                return [next(self._texts) for _ in range(2)]
            return [1] if item.type.startswith("int") else []
        if asked is not None and not isinstance(asked[0], int):
            return [self._fill(item.nested, each, depth + 1, index) for index, each in enumerate(asked)]
        if asked is not None:
            return [self._fill(item.nested, None, depth + 1, number) for number in asked]
        count = self.many if depth == 0 else 2
        return [self._fill(item.nested, None, depth + 1, index) for index in range(count)]

    def _scalar(self, item: Field, index: int) -> Any:
        match item.type:
            case "error_code":
                return self.error_code
            case "string":
                return next(self._texts)
            case "bytes" | "records":
                return next(self._texts).encode("utf-8", "surrogateescape")
            case "bool":
                return False
            case "uuid":
                return UUID(int=index + 1)
            case "float64":
                return 1.0
            case "datetime_i64":
                return _TIME_MS
            case _ if item.type.startswith("timedelta"):
                return 0
            case _ if item.name == "partition_index" or item.name == "partition_id":
                return index
            case _ if item.name in _ONE:
                return 1
            case _ if item.name == "error_code":
                return self.error_code
            case "int64":
                return 7
            case _:
                return 1


def _nested(of: Struct, name: str) -> Struct:
    found = next(item.nested for item in of.fields if item.name == name)
    assert found is not None
    return found
