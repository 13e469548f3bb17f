"""How is a body sent to a web server that the user named? One POST, no redirect, a bounded answer, a deadline.

The address and the headers may hold secrets: an error names the host alone, and nothing of the request.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import httpx

from kcon.core.wire_text import display_safe
from kcon.errors import UnreachableError, UsageError

ANSWER_BYTES_MAX: Final = 1_024
"""More of an answer is not read: it is only shown to explain a refusal."""


class Answer(NamedTuple):
    """What a server said."""

    status: int
    text: str
    retry_after_s: float | None


def host_of(url: str) -> str:
    """Return the host of an address, as it may be shown. UsageError when it is none that can be posted to."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise UsageError("The address of a sink cannot be read.", "Give https://HOST/PATH.") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError("The address of a sink is none of http or https.", "Give https://HOST/PATH.")
    return display_safe(host)


async def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float, ca: str | None = None) -> Answer:
    """Send it. UnreachableError when no answer comes.

    timeout_s: for all of it. ca: a PEM file with authorities beside the system's.
    """
    host = host_of(url)
    trusted = ssl.create_default_context()
    if ca is not None:
        try:
            trusted.load_verify_locations(ca)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"The ca for {host} cannot be read.", "Give a PEM file.") from error
    try:
        async with (
            asyncio.timeout(timeout_s),
            httpx.AsyncClient(verify=trusted, timeout=timeout_s, follow_redirects=False) as client,
            client.stream("POST", url, content=body, headers=dict(headers)) as response,
        ):
            content = bytearray()
            async for part in response.aiter_raw():
                content += part
                if len(content) >= ANSWER_BYTES_MAX:
                    break
            text = bytes(content[:ANSWER_BYTES_MAX]).decode("utf-8", "replace")
            return Answer(response.status_code, display_safe(text, multiline=True), _retry_after_s(response))
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as error:
        is_late = isinstance(error, httpx.TimeoutException | TimeoutError)
        reason = "no answer in time" if is_late else _words(error)
        # `from None`: the exception holds the request, and with it what is secret in it.
        raise UnreachableError(f"{host} cannot be reached: {reason}.") from None


def _words(error: Exception) -> str:
    return "no connection" if isinstance(error, httpx.ConnectError) else type(error).__name__


def _retry_after_s(response: httpx.Response) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110 §10.2.3); a date is not looked at."""
    told = response.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdecimal() and len(told) < 7 else None
