"""What do hostile clients do to a live broker? Each attack takes its address, and returns when it is over.

They use plain sockets on one thread, hundreds at a time, and no code of the broker's but the encoders.
"""

import contextlib
import random
import select
import socket
import struct
import time
from collections.abc import Iterator

from kcon_broker.wire.messages.api_versions import ApiVersionsRequest
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from kcon_broker.wire.schema import ApiMessage
from tests.hostile.corpus import VERSIONS, make_seed
from tests.hostile.mutations import mutate
from tests.kcon_broker.raw_client import frame
from tests.kcon_broker.wire.message_maker import MessageMaker

_FRAMES_PER_CONNECTION = 20
_SEED_USES = 10
_REFUSED_WITHIN_S = 10.0
_SIZE = struct.Struct(">i")


def connect(bootstrap: str) -> socket.socket:
    """Return a new connection."""
    host, _, port = bootstrap.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def fuzz_sockets(bootstrap: str, frames: int, seed: int) -> None:
    """Send mutated frames of every API, some to a connection, without waiting for what they are answered."""
    chance = random.Random(seed)
    maker = MessageMaker(seed)
    sent = 0
    while sent < frames:
        streams: list[bytes] = []
        valid = make_seed(maker, *chance.choice(VERSIONS))
        for number in range(_FRAMES_PER_CONNECTION):
            if number % _SEED_USES == 0:
                valid = make_seed(maker, *chance.choice(VERSIONS))
            body = mutate(chance, valid.frame, valid.header_bytes)
            streams.append(_SIZE.pack(len(body)) + body)
        sent += _FRAMES_PER_CONNECTION
        # A bad frame ends the connection: most connections carry one, some a row of them.
        rows = [streams] if chance.random() < 0.2 else [[stream] for stream in streams]
        for row in rows:
            with contextlib.suppress(OSError), connect(bootstrap) as connection:
                connection.sendall(b"".join(row))
                connection.settimeout(0.002)
                with contextlib.suppress(TimeoutError):
                    connection.recv(1 << 16)


def flood_connects(bootstrap: str, count: int, *, idle: int) -> int:
    """Connect so often and keep `idle` connections open at a time; return how many were refused or closed."""
    open_ones: list[socket.socket] = []
    refused = 0
    try:
        for _ in range(count):
            try:
                open_ones.append(connect(bootstrap))
            except OSError:
                refused += 1
            if len(open_ones) > idle:
                open_ones.pop(0).close()
        # The kernel accepts first; the broker says no when it comes to it.
        end = time.monotonic() + _REFUSED_WITHIN_S
        while not refused and idle >= count and time.monotonic() < end:
            refused = sum(_is_closed(connection) for connection in open_ones)
    finally:
        for connection in open_ones:
            connection.close()
    return refused


def _is_closed(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    if not poll.poll(0):
        return False
    try:
        return connection.recv(1) == b""
    except OSError:
        return True


class SlowClients:
    """Clients that begin and never end: a byte now and then, half a frame, or answers that they do not read."""

    def __init__(self, bootstrap: str, count: int, topic: str) -> None:
        half = frame(ApiVersionsRequest(), 0, 1)
        hungry = _fetch_all(topic)
        self._trickling: list[tuple[socket.socket, bytes]] = []
        self.open_ones: set[socket.socket] = set()
        for number in range(count):
            connection = socket.socket()
            kind = number % 3
            if kind == 2:
                # The smallest window: what the broker sends stays with the broker.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            host, _, port = bootstrap.rpartition(":")
            connection.settimeout(20)
            connection.connect((host, int(port)))
            if kind == 0:
                self._trickling.append((connection, half))
            elif kind == 1:
                connection.sendall(half)
                connection.recv(1 << 16)
                self._trickling.append((connection, half))
            else:
                connection.sendall(half + hungry * 20)
            self.open_ones.add(connection)

    def closed_within(self, seconds: float, byte_interval_s: float = 1.0) -> bool:
        """Go on being slow until the broker has closed all of them; False: it has not."""
        end = time.monotonic() + seconds
        position = 0
        while self.open_ones and time.monotonic() < end:
            for connection, stream in self._trickling:
                if connection in self.open_ones and position < len(stream) - 1:
                    with contextlib.suppress(OSError):
                        connection.send(stream[position : position + 1])
            position += 1
            pause_end = min(end, time.monotonic() + byte_interval_s)
            while self.open_ones and (left := pause_end - time.monotonic()) > 0:
                poll = select.poll()
                by_descriptor = {connection.fileno(): connection for connection in self.open_ones}
                for descriptor in by_descriptor:
                    # Readability is asked of nobody: the never-reading ones have something to read all the time.
                    poll.register(descriptor, select.POLLRDHUP)
                for descriptor, _ in poll.poll(left * 1_000):
                    self.open_ones.discard(by_descriptor[descriptor])
                    by_descriptor[descriptor].close()
        return not self.open_ones

    def close(self) -> None:
        """Leave."""
        for connection in self.open_ones:
            connection.close()


def _fetch_all(topic: str) -> bytes:
    partition = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1 << 30)
    request = FetchRequest(max_wait_ms=0, max_bytes=1 << 30, topics=[FetchTopic(topic=topic, partitions=[partition])])
    return frame(request, 11, 1)


def abuse_fetch(bootstrap: str, topic: str, *, partitions: int, polls: int) -> None:
    """Ask for 2^31 - 1 bytes of a thousand partitions, poll in parallel, and leave in the middle of it.

    Every other poll waits; the rest is answered at once, by an error and a batch that nobody takes.
    """
    wanted = [
        FetchPartition(partition=number % 4, fetch_offset=0, partition_max_bytes=2**31 - 1)
        for number in range(partitions)
    ]
    greedy = FetchRequest(max_wait_ms=0, max_bytes=2**31 - 1, topics=[FetchTopic(topic=topic, partitions=wanted)])
    far = FetchPartition(partition=0, fetch_offset=1 << 40, partition_max_bytes=1)
    near = FetchPartition(partition=1, fetch_offset=0, partition_max_bytes=1)
    waiting, answered = (
        FetchRequest(max_wait_ms=60_000, min_bytes=1 << 30, topics=[FetchTopic(topic=topic, partitions=wishes)])
        for wishes in ([near], [far, near])
    )
    pollers: list[socket.socket] = []
    try:
        for number in range(polls):
            pollers.append(connect(bootstrap))
            pollers[-1].sendall(frame(waiting if number % 2 else answered, 11, 1))
        for _ in range(5):
            with connect(bootstrap) as connection:
                connection.sendall(_hello() + frame(greedy, 11, 2))
                connection.recv(1 << 12)
    finally:
        for poller in pollers:
            poller.close()


@contextlib.contextmanager
def hoarding_answers(
    bootstrap: str, topic: str, *, partition: int, offset: int, clients: int, requests: int
) -> Iterator[None]:
    """Let clients ask for small batches, which are read into memory, many times over, and take none of them."""
    wish = FetchPartition(partition=partition, fetch_offset=offset, partition_max_bytes=60_000)
    fetch = frame(FetchRequest(max_wait_ms=0, topics=[FetchTopic(topic=topic, partitions=[wish])]), 11, 2)
    host, _, port = bootstrap.rpartition(":")
    with contextlib.ExitStack() as stack:
        for _ in range(clients):
            hoarder = stack.enter_context(socket.socket())
            hoarder.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            hoarder.settimeout(20)
            hoarder.connect((host, int(port)))
            hoarder.sendall(_hello() + fetch * requests)
        yield


def _hello() -> bytes:
    hello: ApiMessage = ApiVersionsRequest()
    return frame(hello, 0, 1)
