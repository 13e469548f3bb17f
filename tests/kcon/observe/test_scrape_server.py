"""The scrape server: what a scraper gets, and how little anybody else can do to it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from kcon.errors import KconError
from kcon.observe.exposition import Format
from kcon.observe.scrape_server import CONNECTIONS_MAX, HEADER_BYTES_MAX, ScrapeServer

Ask = Callable[[bytes], Awaitable[bytes]]


def serving(test: Callable[[Ask], Awaitable[None]]) -> None:
    async def main() -> None:
        server = ScrapeServer(lambda form: f"# {form.name}\n".encode())
        host, port = await server.start("127.0.0.1", 0)

        async def ask(request: bytes) -> bytes:
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request)
                async with asyncio.timeout(20):
                    return await reader.read()
            except ConnectionError:
                return b""
            finally:
                writer.close()

        await test(ask)
        await server.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        (b"GET /metrics HTTP/1.1", b"200 OK", b"# PROMETHEUS\n"),
        (b"GET /metrics?x=1 HTTP/1.1", b"200 OK", b"# PROMETHEUS\n"),
        (b"HEAD /metrics HTTP/1.1", b"200 OK", b""),
        (b"GET / HTTP/1.1", b"200 OK", b"kcon metrics are at /metrics.\n"),
        (b"GET /../etc/passwd HTTP/1.1", b"404 Not Found", b"There is only /metrics.\n"),
        (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed", b"Only GET is served.\n"),
        (b"\xff\xfe", b"405 Method Not Allowed", b"Only GET is served.\n"),
    ],
)
def test_answers(request_line: bytes, status: bytes, body: bytes) -> None:
    async def test(ask: Ask) -> None:
        head, _, rest = (await ask(request_line + b"\r\nHost: x\r\n\r\n")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status)
        assert rest == body

    serving(test)


def test_the_format_is_negotiated() -> None:
    async def test(ask: Ask) -> None:
        told = await ask(b"GET /metrics HTTP/1.1\r\naccept: application/openmetrics-text; version=1.0.0\r\n\r\n")
        assert b"Content-Type: " + Format.OPENMETRICS.value.encode() in told
        assert told.endswith(b"# OPENMETRICS\n")

    serving(test)


def test_headers_without_an_end_are_cut_off() -> None:
    async def test(ask: Ask) -> None:
        assert await ask(b"GET /metrics HTTP/1.1\r\n" + b"x: y\r\n" * HEADER_BYTES_MAX) == b""
        assert b"200 OK" in await ask(b"GET /metrics HTTP/1.1\r\n\r\n")

    serving(test)


def test_connections_are_bounded_and_come_free_again() -> None:
    async def main() -> None:
        server = ScrapeServer(lambda form: b"x\n")
        host, port = await server.start("127.0.0.1", 0)
        silent = [await asyncio.open_connection(host, port) for _ in range(CONNECTIONS_MAX)]
        await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection(host, port)
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):  # One too many is aborted.
                assert await reader.read() == b""
        writer.close()
        for _reader, each in silent:
            each.close()
            await each.wait_closed()
        async with asyncio.timeout(20):
            told = b""
            while not told:
                reader, writer = await asyncio.open_connection(host, port)
                writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
                try:
                    told = await reader.read()
                except ConnectionError:
                    told = b""
                writer.close()
        assert told.endswith(b"x\n")
        await server.close()

    asyncio.run(main())


def test_a_taken_address_is_a_sentence() -> None:
    async def main() -> None:
        first = ScrapeServer(lambda form: b"")
        host, port = await first.start("127.0.0.1", 0)
        with pytest.raises(KconError, match=r"Cannot listen on 127\.0\.0\.1"):
            await ScrapeServer(lambda form: b"").start(host, port)
        await first.close()

    asyncio.run(main())
