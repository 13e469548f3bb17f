"""One connection: the handshake, the ways an address can be wrong, limits, deadlines, and the last look at a write."""

import asyncio
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from kcon.admin.apis import Api
from kcon.admin.connection import Connection
from kcon.admin.dial import TimedOut
from kcon.admin.requests import ReadRequest, WriteRequest
from kcon.admin.versions import UnsupportedApi
from kcon.contexts.security import Security
from kcon.errors import ExitCode, RefusedError, UnreachableError, UsageError
from kcon.gate.permit import Operation


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


async def connect(port: int, wire: SimpleNamespace, **changes: Any) -> Connection:
    address = f"127.0.0.1:{port}"
    return await Connection.open("127.0.0.1", port, wire.settings(address, **changes), Counter())


BROKERS = {"topics": [], "allow_auto_topic_creation": False}


def test_handshake_learns_the_versions(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(versions={Api.METADATA: (0, 9)}) as broker:
            connection = await connect(broker.port, wire)
            assert connection.versions.choose(ReadRequest(api=Api.METADATA), "b") == 9
            assert [(a.api, a.version) for a in broker.asked] == [(Api.API_VERSIONS, 3)]
            connection.close()

    run(main())


def test_old_broker_answers_the_handshake_in_version_0(wire: SimpleNamespace) -> None:
    """KIP-511: a broker that does not know the asked version answers in version 0 with error 35."""

    async def main() -> None:
        async with wire.broker() as broker:

            def old(version: int, request: Any) -> object:
                if version == 0:
                    return broker._api_versions(0, request)
                m = wire.schema(Api.API_VERSIONS, 0, "response")
                return wire.encode(m.ApiVersionsResponse(error_code=wire.code(35), api_keys=()))

            broker.replies[Api.API_VERSIONS] = old
            connection = await connect(broker.port, wire)
            assert [asked.version for asked in broker.asked] == [3, 0]
            assert connection.versions.supports(Api.METADATA)
            connection.close()

    run(main())


def test_unsupported_version_names_what_the_broker_has(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(versions={Api.METADATA: (20, 21)}) as broker:
            connection = await connect(broker.port, wire)
            with pytest.raises(UnsupportedApi, match="versions 20 to 21"):
                await connection.request(ReadRequest(api=Api.METADATA, values=BROKERS), timeout_ms=1000)
            connection.close()

    run(main())


def test_requests_are_pipelined_and_matched_by_correlation_id(wire: SimpleNamespace) -> None:
    """Several wait at once on one connection; a second may not wait for the first one's answer to be sent."""

    async def main() -> None:
        async with wire.broker() as broker:
            seen_both = asyncio.Event()

            async def first_waits(version: int, request: Any) -> object:
                await asyncio.wait_for(seen_both.wait(), 5)
                return broker._metadata(version, request)

            connection = await connect(broker.port, wire)
            broker.replies[Api.METADATA] = first_waits
            one = asyncio.Task(connection.request(ReadRequest(api=Api.METADATA, values=BROKERS), timeout_ms=5000))
            two = asyncio.Task(connection.request(ReadRequest(api=Api.METADATA, values=BROKERS), timeout_ms=5000))
            while len(connection._waiting) < 2:
                await asyncio.sleep(0)
            seen_both.set()
            assert (await one).body[:4] != (await two).body[:4]
            assert broker.connections == 1
            connection.close()

    run(main())


def test_no_more_than_in_flight_max_wait_at_once(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(replies={Api.METADATA: lambda *_: wire.Silence}) as broker:
            connection = await connect(broker.port, wire, in_flight_max=2)
            tasks = [
                asyncio.Task(connection.request(ReadRequest(api=Api.METADATA, values=BROKERS), timeout_ms=60_000))
                for _ in range(3)
            ]
            while broker.titles().count("Metadata") < 2:
                await asyncio.sleep(0)
            assert len(connection._waiting) == 2
            connection.close()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(result, UnreachableError)
            assert broker.titles().count("Metadata") == 2

    run(main())


def test_silent_broker_times_out_and_the_connection_is_given_up(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(replies={Api.METADATA: lambda *_: wire.Silence}) as broker:
            connection = await connect(broker.port, wire)
            with pytest.raises(TimedOut, match=r"did not answer Metadata within 0\.05 s"):
                await connection.request(ReadRequest(api=Api.METADATA, values=BROKERS), timeout_ms=50)
            assert not connection.is_open

    run(main())


def test_cancelled_request_leaves_the_connection_whole(wire: SimpleNamespace) -> None:
    """A screen that goes away stops waiting; the answer that comes later is no surprise."""

    async def main() -> None:
        async with wire.broker() as broker:
            go_on = asyncio.Event()

            async def waits(version: int, request: Any) -> object:
                await asyncio.wait_for(go_on.wait(), 5)
                return broker._metadata(version, request)

            connection = await connect(broker.port, wire)
            broker.replies[Api.METADATA] = waits
            request = ReadRequest(api=Api.METADATA, values=BROKERS)
            left = asyncio.Task(connection.request(request, timeout_ms=5_000))
            while "Metadata" not in broker.titles():
                await asyncio.sleep(0)
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)
            go_on.set()
            assert (await connection.request(request, timeout_ms=5_000)).api is Api.METADATA
            assert connection.is_open
            assert broker.connections == 1
            connection.close()

    run(main())


def test_waiting_for_a_turn_does_not_break_the_connection(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(replies={Api.METADATA: lambda *_: wire.Silence}) as broker:
            connection = await connect(broker.port, wire, in_flight_max=1)
            request = ReadRequest(api=Api.METADATA, values=BROKERS)
            first = asyncio.Task(connection.request(request, timeout_ms=60_000))
            while "Metadata" not in broker.titles():
                await asyncio.sleep(0)
            with pytest.raises(TimedOut):
                await connection.request(request, timeout_ms=60_000, queue_ms=10)
            assert connection.is_open
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            connection.close()

    run(main())


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_answer_size_is_limited(wire: SimpleNamespace, over: int) -> None:
    limit = 1_000

    async def main() -> None:
        async with wire.broker() as broker:
            connection = await connect(broker.port, wire, response_bytes_max=limit)
            body = bytes(limit - 5 + over)
            broker.replies[Api.METADATA] = lambda *_: body
            request = connection.request(ReadRequest(api=Api.METADATA, values=BROKERS), timeout_ms=5_000)
            if over <= 0:
                assert len((await request).body) == limit + over
            else:
                with pytest.raises(UnreachableError, match="the limit is 1000"):
                    await request
            connection.close()

    run(main())


# --- addresses that are wrong ---------------------------------------------------------------------------------


def failure(wire: SimpleNamespace, serve: Any, **changes: Any) -> UnreachableError:
    async def main() -> UnreachableError:
        async with wire.server(serve) as port:
            with pytest.raises(UnreachableError) as caught:
                await connect(port, wire, **changes)
            return caught.value

    error = asyncio.run(main())
    assert error.exit_code is ExitCode.UNREACHABLE
    assert error.hint
    assert error.message.endswith(".")
    assert "\n" not in error.message
    return error


def says(data: bytes, *, after_request: bool = True) -> Any:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if after_request:
            await reader.readexactly(4)
        writer.write(data)
        await writer.drain()
        await reader.read()

    return serve


def test_http_server_is_named(wire: SimpleNamespace) -> None:
    error = failure(wire, says(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert "not Kafka: a HTTP server" in error.message


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"-ERR unknown command\r\n",
        b"\x00\x00\x00\x00",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x08\x00\x00\x99\x99abcd",
        b"\x00\x01\x00\x01" + bytes(70_000),
    ],
    ids=["ssh", "redis", "zero", "negative", "wrong correlation", "too large for a handshake"],
)
def test_garbage_is_not_kafka(wire: SimpleNamespace, data: bytes) -> None:
    assert "is not Kafka" in failure(wire, says(data)).message


def test_tls_alert_is_told_from_garbage(wire: SimpleNamespace) -> None:
    error = failure(wire, says(b"\x15\x03\x03\x00\x02\x02\x46"))
    assert "wants TLS" in error.message


def test_server_that_hangs_up_is_told_apart(wire: SimpleNamespace) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)

    assert "closed the connection without an answer" in failure(wire, serve).message


def test_server_that_says_nothing_times_out(wire: SimpleNamespace) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.Event().wait()

    assert "did not answer within 0.2 s" in failure(wire, serve, connect_timeout_ms=200).message


def test_tls_listener_that_hangs_up_is_found_by_a_handshake(wire: SimpleNamespace) -> None:
    """Kafka's TLS listener closes without a word on plain text; a second look tells the user what it is."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(1) != b"\x16":
            return  # Not a TLS handshake: hang up, as Kafka does.
        writer.write(b"\x15\x03\x03\x00\x02\x02\x28")
        await writer.drain()

    assert "wants TLS" in failure(wire, serve).message


def test_refused_port_is_named(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.server(lambda *_: None) as port:
            pass
        with pytest.raises(UnreachableError, match=f"127.0.0.1:{port} refused the connection"):
            await connect(port, wire)

    run(main())


def test_unknown_host_is_named(wire: SimpleNamespace) -> None:
    async def main() -> None:
        settings = wire.settings("nobody.invalid:9092")
        with pytest.raises(UnreachableError, match=r"Cannot resolve the host name nobody\.invalid"):
            await Connection.open("nobody.invalid", 9092, settings, Counter())

    run(main())


def test_hostile_host_name_is_made_safe(wire: SimpleNamespace) -> None:
    """A broker tells the host names of its peers: they reach error messages, so they must not reach a terminal."""

    async def main() -> None:
        with pytest.raises(UnreachableError) as caught:
            await Connection.open("evil\x1b]0;owned\x07", 9092, wire.settings("x:1"), Counter())
        assert "\x1b" not in caught.value.message
        assert "\x07" not in caught.value.message

    run(main())


def test_security_settings_that_do_not_fit_are_refused_before_connecting(wire: SimpleNamespace) -> None:
    async def main() -> None:
        settings = wire.settings("x:1", security=Security(protocol="SASL_SSL"))
        with pytest.raises(UsageError, match="SASL_SSL"):
            await Connection.open("x", 1, settings, Counter())

    run(main())


# --- the one place that writes --------------------------------------------------------------------------------

DELETE = {"topics": [{"name": "orders"}], "topic_names": ["orders"]}
DROPPABLE = frozenset({"topics", "topic_names"})


def test_mutation_without_a_permit_never_reaches_the_socket(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker() as broker:
            connection = await connect(broker.port, wire)
            before = broker.raw_bytes
            # Even dressed up as a read: the content decides.
            request = ReadRequest(api=Api.DELETE_TOPICS, values=DELETE, droppable=DROPPABLE)
            with pytest.raises(RefusedError):
                await connection.request(request, timeout_ms=1000)
            answer = await connection.request(ReadRequest(api=Api.METADATA, values=BROKERS), timeout_ms=1000)
            assert answer.api is Api.METADATA
            assert broker.titles() == ["Metadata"]
            assert b"orders" not in broker.raw_bytes[len(before) :]
            connection.close()

    run(main())


def test_permit_for_another_target_is_refused_beside_the_socket(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker() as broker:
            connection = await connect(broker.port, wire)
            permit = wire.permit(Operation.TOPIC_DELETE, "payments")
            request = WriteRequest(api=Api.DELETE_TOPICS, values=DELETE, droppable=DROPPABLE)
            with (
                permit.use(context="test", operation=Operation.TOPIC_DELETE, targets={"payments"}),
                pytest.raises(RefusedError, match="does not name every target"),
            ):
                await connection.request(request, timeout_ms=1000, permit=permit)
            assert broker.titles() == []
            connection.close()

    run(main())


def test_importing_the_client_loads_no_heavy_library() -> None:
    """The import budget of one-shot commands."""
    script = (
        "import sys; import kcon.admin.client; "
        "print([m for m in ('httpx','textual','rich','confluent_kafka','plotext','kio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_frames_survive_any_split(wire: SimpleNamespace) -> None:
    """TCP may cut a stream anywhere; a byte at a time is the worst case."""

    class Transport(asyncio.Transport):
        def __init__(self) -> None:
            super().__init__()
            self.written = b""

        def writelines(self, parts: Any) -> None:
            self.written += b"".join(parts)

        def is_closing(self) -> bool:
            return False

        def abort(self) -> None:
            return

    async def main() -> None:
        connection = Connection("h", 1, wire.settings("h:1"), Counter())
        connection.connection_made(Transport())
        answers = [connection._write(ReadRequest(api=Api.LIST_GROUPS), 0, b"", None) for _ in range(2)]
        stream = b"".join(struct.pack(">ii", 6, number) + b"ok" for number in (1, 2))
        for byte in stream:
            connection.data_received(bytes([byte]))
        assert [await answer for answer in answers] == [struct.pack(">i", n) + b"ok" for n in (1, 2)]
        connection.close()

    run(main())
