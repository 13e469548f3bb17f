"""How is a page of a web server that the user named read? One GET, no redirect, bounded in time and size."""

from typing import Final

import httpx

from kcon.errors import UnreachableError
from kcon.http.post import host_of

PAGE_BYTES_MAX: Final = 64 * 1024 * 1024


async def fetch(url: str, *, timeout_s: float, bytes_max: int = PAGE_BYTES_MAX) -> bytes:
    """Return what is there. UnreachableError when there is no answer, it is no 200, or it is too long."""
    host = host_of(url)
    try:
        async with (
            httpx.AsyncClient(timeout=timeout_s, follow_redirects=False) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise UnreachableError(f"{host} answered {response.status_code}.", "Check the address.")
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > bytes_max:
                    raise UnreachableError(f"{host} answered more than {bytes_max} bytes.")
            return bytes(content)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        reason = "no answer in time" if isinstance(error, httpx.TimeoutException) else type(error).__name__
        raise UnreachableError(f"{host} cannot be reached: {reason}.") from None
