"""Answers leave whole and in order, however the client takes them and wherever their bytes are."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from kcon_broker.server.file_parts import PART_BYTES_MIN, FilePart
from kcon_broker.server.os_files import OsFile, OsFiles
from kcon_broker.server.sender import Sender
from kcon_broker.state.unsent_answers import UnsentAnswers
from kcon_broker.storage.files import File, write_all
from kcon_broker.wire.schema import Part
from kcon_broker.wire.stored_bytes import StoredBytes

CONTENT = os.urandom(3_000_000)


class Client:
    """The other end of a connection, and what happened at ours."""

    def __init__(self) -> None:
        ours, self.socket = socket.socketpair()
        for end in (ours, self.socket):
            end.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        self.is_lost = False
        self.unsent_answers = UnsentAnswers(1 << 30, on_room=lambda _: None)
        self.sender = Sender(ours, self.unsent_answers, on_lost=self.lost, on_room=lambda: None)
        ours.close()

    def lost(self) -> None:
        """Close, as a connection does."""
        self.is_lost = True
        self.sender.close()

    async def receive(self, size: int) -> bytes:
        """Take so many bytes."""
        received = bytearray()
        while len(received) < size:
            piece = await asyncio.get_running_loop().sock_recv(self.socket, size - len(received))
            assert piece, "the connection ended early"
            received += piece
        return bytes(received)


@pytest.fixture
def files(tmp_path: Path) -> OsFiles:
    return OsFiles(tmp_path, open_files_max=8)


@pytest.fixture
def file(files: OsFiles) -> File:
    written = files.open("f", create=True)
    write_all(written, [CONTENT], 0)
    return written


def part_of(file: File, size: int, position: int) -> FilePart:
    part = file.part_now(size, position)
    assert isinstance(part, FilePart)
    return part


def run(scenario: Callable[[Client], "asyncio.Future[None] | object"]) -> None:
    async def live() -> None:
        client = Client()
        try:
            async with asyncio.timeout(30):
                result = scenario(client)
                if asyncio.iscoroutine(result):
                    await result
        finally:
            client.sender.close()
            client.socket.close()

    asyncio.run(live())


def test_buffers_and_parts_of_files_arrive_in_order(file: File) -> None:
    """A slow client gets what a quick one gets."""
    parts: list[Part] = [b"head", part_of(file, 1_000_000, 5), bytearray(b"between"), b"", part_of(file, 70_000, 0)]
    parts += [b"end"]
    expected = b"head" + CONTENT[5:1_000_005] + b"between" + CONTENT[:70_000] + b"end"

    async def scenario(client: Client) -> None:
        client.sender.send(parts)
        client.sender.send([b"next"])
        assert client.sender.unsent_bytes > 0
        assert client.sender.stuck_since_s is not None
        assert await client.receive(len(expected) + 4) == expected + b"next"
        assert client.sender.unsent_bytes == 0
        assert client.sender.stuck_since_s is None

    run(scenario)


@pytest.mark.parametrize("repeated", [1, 50])
@pytest.mark.parametrize("count", [16, 17, 511, 512, 513, 1_100])
def test_any_number_of_buffers_is_sent(count: int, repeated: int) -> None:
    """Small ones are joined, of large ones one call takes up to 512."""
    buffers: list[Part] = [b"%06d" % number * repeated for number in range(count)]
    whole = b"".join(part for part in buffers if isinstance(part, bytes))

    async def scenario(client: Client) -> None:
        client.sender.send(buffers)
        assert await client.receive(len(whole)) == whole

    run(scenario)


def test_a_part_outlives_its_file(files: OsFiles, file: File) -> None:
    """Retention and compaction remove files that clients are being sent."""

    async def scenario(client: Client) -> None:
        client.sender.send([part_of(file, len(CONTENT), 0)])
        file.discard()
        files.remove("f")
        assert await client.receive(len(CONTENT)) == CONTENT
        assert files.open_count == 0

    run(scenario)


def test_what_left_memory_meanwhile_is_read_by_a_thread(files: OsFiles, file: File) -> None:
    """A client that takes its time must not make the loop wait for the disk."""
    asked: list[int] = []
    is_cached = files.is_cached
    assert is_cached is not None

    def cold_at_first(descriptor: int, size: int, position: int) -> bool:
        asked.append(position)
        return asked.count(position) > 1 and is_cached(descriptor, size, position)

    async def scenario(client: Client) -> None:
        part = part_of(file, len(CONTENT), 0)
        files.is_cached = cold_at_first
        client.sender.send([b"head", part])
        assert client.sender.stuck_since_s is None, "the client is not to blame"
        assert await client.receive(len(CONTENT) + 4) == b"head" + CONTENT
        assert len(asked) > len(set(asked))

    run(scenario)


def test_memory_that_keeps_nothing_makes_the_loop_wait_in_the_end(files: OsFiles, file: File) -> None:
    async def scenario(client: Client) -> None:
        part = part_of(file, len(CONTENT), 0)
        files.is_cached = lambda _descriptor, _size, _position: False
        client.sender.send([part])
        assert await client.receive(len(CONTENT)) == CONTENT

    run(scenario)


@pytest.mark.parametrize("ends", ["closed by us", "closed by the client", "never sent"])
def test_no_file_stays_open_for_a_client_that_is_gone(files: OsFiles, file: File, ends: str) -> None:
    async def scenario(client: Client) -> None:
        parts: list[Part] = [part_of(file, len(CONTENT), 0), part_of(file, len(CONTENT), 0)]
        assert files.pinned_count == 1
        if ends != "never sent":
            client.sender.send(parts)
        if ends == "closed by us":
            client.sender.close()
        elif ends == "closed by the client":
            client.socket.close()
            while not client.is_lost:
                await asyncio.sleep(0)
        parts.clear()
        assert files.pinned_count == 0
        assert isinstance(file, OsFile)
        assert not file.is_in_use

    run(scenario)


def test_a_file_that_lost_its_end_ends_the_connection(file: File) -> None:
    """What was promised cannot be sent: the client must not take what follows for it."""

    async def scenario(client: Client) -> None:
        client.sender.send([part_of(file, len(CONTENT), 0)])
        file.truncate(100_000)
        while not client.is_lost:
            with contextlib.suppress(BlockingIOError):
                client.socket.recv(1 << 20)
            await asyncio.sleep(0)

    run(scenario)


def test_small_parts_and_too_many_parts_are_read(files: OsFiles, file: File) -> None:
    """Half of the files that may be open must stay free for others."""
    assert isinstance(file.part_now(PART_BYTES_MIN - 1, 0), memoryview)
    others = [files.open(f"other-{number}", create=True) for number in range(4)]
    for other in others:
        write_all(other, [CONTENT[:200_000]], 0)
    parts = [other.part_now(PART_BYTES_MIN, 0) for other in others]
    assert all(isinstance(part, StoredBytes) for part in parts)
    one_more = file.part_now(PART_BYTES_MIN, 7)
    assert isinstance(one_more, memoryview)
    assert one_more == CONTENT[7 : 7 + PART_BYTES_MIN]
    parts.clear()
    assert isinstance(file.part_now(PART_BYTES_MIN, 0), StoredBytes)


def test_a_file_is_held_open_once_for_any_number_of_clients(files: OsFiles, file: File) -> None:
    parts = [part_of(file, PART_BYTES_MIN, number) for number in range(1_000)]
    assert files.pinned_count == 1
    parts.pop()
    assert files.pinned_count == 1
    parts.clear()
    assert files.pinned_count == 0


def test_what_is_in_memory_counts_until_it_has_left_and_files_do_not(file: File) -> None:
    async def scenario(client: Client) -> None:
        whole = bytes(1_000_000)
        client.sender.send([b"head", part_of(file, 1_000_000, 0), whole])
        assert client.unsent_answers.held_bytes == len(whole)
        await client.receive(1_000_004 + 500_000)
        assert client.unsent_answers.held_bytes == len(whole), "a beginning that was sent stays in memory"
        await client.receive(500_000)
        assert client.unsent_answers.held_bytes == 0
        client.sender.send([whole, whole])
        assert client.unsent_answers.held_bytes == 2 * len(whole)
        client.sender.close()
        assert client.unsent_answers.held_bytes == 0

    run(scenario)


def test_without_the_kernels_help_parts_are_read(files: OsFiles, file: File) -> None:
    files.is_cached = None
    part = file.part_now(200_000, 1)
    assert isinstance(part, memoryview)
    assert part == CONTENT[1:200_001]


def test_a_part_loads_what_it_would_send(file: File) -> None:
    """TLS encrypts what the program has in its own memory."""
    assert part_of(file, 200_000, 9).load() == CONTENT[9:200_009]
