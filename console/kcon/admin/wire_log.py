"""What goes over the wire, for a person who looks for a fault? A line for each request and answer, without secrets.

> 127.0.0.1:9092 #3 Metadata v12 24 B {"topics": null, "allow_auto_topic_creation": false}
< 127.0.0.1:9092 #3 Metadata v12 1,204 B 2.1 ms
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Final

from kcon.admin.apis import Api
from kcon.admin.requests import Request
from kcon.contexts.secret import HIDDEN
from kcon.core.wire_text import WireText, display_safe

FIELDS_CHARS_MAX: Final = 600
ITEMS_MAX: Final = 10
_SECRET_FIELDS: Final = frozenset({"salt", "salted_password", "hmac", "auth_bytes"})
_SECRET_APIS: Final = frozenset({Api.SASL_AUTHENTICATE})
_CONFIG_APIS: Final = frozenset({Api.INCREMENTAL_ALTER_CONFIGS})
"""A setting may be a password, and its name need not say so."""


def log_exchange(
    write: Callable[[str], None],
    head: str,
    request: Request,
    size: int,
    answer: "asyncio.Future[bytes]",
) -> None:
    """Write the line of a request now, and that of its answer, or of the end of waiting, when it comes.

    head: who was asked what, `ADDRESS #ID API vN`.
    """
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    write(f"> {head} {size:,} B {fields_text(request)}")

    def finished(future: "asyncio.Future[bytes]") -> None:
        took = f"{(loop.time() - start_s) * 1000:.1f} ms"
        if future.cancelled():
            write(f"< {head} nobody waits any more, after {took}")
        elif future.exception() is not None:
            write(f"< {head} none, after {took}: {future.exception()}")
        else:
            write(f"< {head} {len(future.result()):,} B {took}")

    answer.add_done_callback(finished)


def fields_text(request: Request) -> str:
    """Return the fields of a request as text of bounded length; secrets are replaced."""
    if request.api in _SECRET_APIS:
        return HIDDEN
    if request.encode_body is not None and not request.values:
        return "(written by hand)"
    text = json.dumps(_shown(request.values, request.api), ensure_ascii=False)
    return display_safe(text if len(text) <= FIELDS_CHARS_MAX else f"{text[:FIELDS_CHARS_MAX]} ...")


def _shown(value: object, api: Api, name: str = "") -> object:
    if name in _SECRET_FIELDS or (name == "value" and api in _CONFIG_APIS):
        return HIDDEN
    match value:
        case Mapping():
            return {str(key): _shown(part, api, str(key)) for key, part in value.items()}
        case list() | tuple() | set() | frozenset():
            parts = list(value)
            more = [f"and {len(parts) - ITEMS_MAX:,} more"] if len(parts) > ITEMS_MAX else []
            return [*(_shown(part, api, name) for part in parts[:ITEMS_MAX]), *more]
        case WireText():
            return value.raw
        case bytes() | bytearray() | memoryview():
            return f"({len(value)} bytes)"
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)
