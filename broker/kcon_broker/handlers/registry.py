"""Which function answers which API, and what may it return?

A handler is a plain function: it reads and changes the state, never waits and never sees a socket. What must wait is
said in its result, and `server/` does the waiting:

- `Answer(response)`: send it; with `after`, once these positions are durable.
- `Park(...)`: call `retry` at the deadline, or earlier when one of the keys is woken.
- `NeedsRead(...)`: call `retry` once these parts of files are in memory.
- `None`: the request has no answer (acks=0).
- raising `CloseConnection`: what Kafka does where it cannot or must not answer.

The ranges that ApiVersions advertises are in `served`; a handler that has others does not load.
"""

import importlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from kcon_broker.handlers.served import SERVED, Served
from kcon_broker.state.broker import Broker
from kcon_broker.state.gate import Gate
from kcon_broker.storage.files import WouldBlockError
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.schema import Part


class Response(Protocol):
    """A message of `kcon_broker.wire.messages` that can be sent."""

    def encode_parts(self, version: int) -> list[Part]:
        """Return the body as a list of parts."""
        ...


class CloseConnection(Exception):
    """End this connection without an answer; the message goes to the log."""


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """Everything a handler may know beside the request."""

    broker: Broker
    api_version: int
    client_id: str | None
    client_host: str
    """The peer's address, without the port."""
    connection_id: int
    wall_ms: int
    """Wall clock: for timestamps of records and commits. It may jump."""
    now_ms: int
    """Monotonic clock: for sessions, deadlines and every other timer."""


@dataclass(slots=True)
class Answer:
    """A response, sent when every position in `after` is durable.

    A position is (gate, offset): it holds once `gate.high_watermark >= offset`. When a gate fails before, `failed`
    is called with it and returns what is sent instead; without it the connection is closed.
    """

    response: Response
    after: Sequence[tuple[Gate, int]] = ()
    failed: Callable[[Gate], Response] | None = None
    held_bytes: int = 0
    """Record bytes in memory, counted in `broker.unsent_answers` as long as they are there."""


@dataclass(slots=True)
class Park:
    """Not yet: ask again at `until_ms` (the monotonic clock), or when `broker.wake(key)` names one of the keys.

    `retry` gets the same context with fresh times; at the deadline `ctx.now_ms >= until_ms` holds.
    """

    until_ms: int
    wake_on: Sequence[Hashable]
    retry: "Callable[[RequestContext], HandlerResult]"


@dataclass(slots=True)
class NeedsRead:
    """Not yet: the disk has to be waited for, which the server does off the loop; then ask again."""

    reads: Sequence[WouldBlockError]
    retry: "Callable[[RequestContext], HandlerResult]"


HandlerResult: TypeAlias = Answer | Park | NeedsRead | None
HandlerFunction: TypeAlias = Callable[[RequestContext, Any], HandlerResult]
_Function = TypeVar("_Function", bound=HandlerFunction)


@dataclass(frozen=True, slots=True)
class Handler:
    """One API as it is served."""

    api_key: ApiKey
    min_version: int
    max_version: int
    min_served_version: int
    """Below it, though advertised, the connection is closed (Produce 0-2)."""
    request_type: Any
    handle: HandlerFunction


HANDLERS: dict[int, Handler] = {}
"""Those whose modules are loaded to their end; `handler_of` knows all."""

_DEFINED: dict[int, Handler] = {}
"""Those that are defined. Their modules may still be loading, in another thread, and lack what stands further down."""


def handles(
    api_key: ApiKey, *, versions: tuple[int, int], min_served: int | None = None
) -> Callable[[_Function], _Function]:
    """Register a handler function; its second parameter's annotation names the request class."""

    def register(function: _Function) -> _Function:
        assert api_key not in _DEFINED, f"{api_key.name} has two handlers"
        module = function.__module__.rpartition(".")[2]
        told = Served(module, *versions, versions[0] if min_served is None else min_served)
        assert told == SERVED[api_key], f"the table of served APIs knows {api_key.name} otherwise"
        request_type = next(kind for name, kind in function.__annotations__.items() if name not in ("ctx", "return"))
        _DEFINED[api_key] = Handler(
            api_key=api_key,
            min_version=versions[0],
            max_version=versions[1],
            min_served_version=told.min_served_version,
            request_type=request_type,
            handle=function,
        )
        return function

    return register


def handler_of(api_key: int) -> Handler | None:
    """Return the handler of an API, loading its module at the first call; None: it is not served."""
    handler = HANDLERS.get(api_key)
    if handler is None and (served := SERVED.get(api_key)) is not None:
        importlib.import_module(f"kcon_broker.handlers.{served.module}")
        handler = HANDLERS.setdefault(api_key, _DEFINED[api_key])
    return handler


def load_handlers() -> None:
    """Load every handler."""
    for api_key in SERVED:
        handler_of(api_key)
