"""Clients that cost next to nothing, each in a process of its own, so that a figure is the broker's and not theirs.

    python -m tests.bench.lean_client produce  BOOTSTRAP TOPIC PARTITIONS ACKS RECORD_BYTES MEGABYTES
    python -m tests.bench.lean_client consume  BOOTSTRAP TOPIC PARTITIONS MEGABYTES
    python -m tests.bench.lean_client pipeline BOOTSTRAP TOPIC PARTITIONS COUNT
    python -m tests.bench.lean_client one      BOOTSTRAP TOPIC COUNT
    python -m tests.bench.lean_client flood    BOOTSTRAP TOPIC PARTITIONS
    python -m tests.bench.lean_client ceiling  - TOPIC RECORD_BYTES MEGABYTES

Requests are encoded once and sent again and again; of an answer only what must be known is read. Batches have the
size of librdkafka's (a request carries one batch of up to 1 MB), and so many requests are under way as librdkafka
would have. Each prints one line of figures: seconds, then what the command measures.
"""

import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.headers import RequestHeader
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from kcon_broker.wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData
from kcon_broker.wire.schema import ApiMessage

BATCH_BYTES: Final = 1_000_000
"""librdkafka's default of batch.size."""
FETCH_BYTES: Final = 1 << 20
"""librdkafka's default of max.partition.fetch.bytes."""
PRODUCE_VERSION: Final = 7
FETCH_VERSION: Final = 11
UNDER_WAY_BYTES: Final = 16_000_000
UNDER_WAY_MAX: Final = 500
FLUSH_LIMIT_S: Final = 120.0
_SIZE: Final = struct.Struct(">i")
_BATCH_START: Final = struct.Struct(">qi")
_LAST_OFFSET_DELTA: Final = struct.Struct(">i")
_ERROR_CODE: Final = struct.Struct(">h")


def connect(bootstrap: str) -> socket.socket:
    """Open one connection, and ask for ApiVersions first as every client does."""
    host, _, port = bootstrap.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=FLUSH_LIMIT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(frame(ApiVersionsRequest(), 0))
    receive(connection, memoryview(bytearray(1 << 16)))
    return connection


def frame(request: ApiMessage, version: int) -> bytes:
    """Return a whole request."""
    body = RequestHeader(ApiKey(request.API_KEY), version, 7, "bench").encode() + request.encode(version)
    return _SIZE.pack(len(body)) + body


def receive(connection: socket.socket, into: memoryview) -> memoryview:
    """Return the next answer, without its size."""
    size = _SIZE.unpack(connection.recv(_SIZE.size, socket.MSG_WAITALL))[0]
    got = 0
    while got < size:
        count = connection.recv_into(into[got:size])
        if not count:
            raise SystemExit("the broker closed the connection")
        got += count
    return into[:size]


def batch_of(record_bytes: int, count: int) -> bytes:
    """Return a batch of records with values of `record_bytes`, as a producer without keys sends it."""
    now_ms = int(time.time() * 1_000)
    return bytes(encode_batch([Record(index, now_ms, None, b"x" * record_bytes) for index in range(count)]))


def produce_frame(topic: str, partition: int, acks: int, batch: bytes) -> bytes:
    """Return a Produce request with one batch."""
    data = TopicProduceData(name=topic, partition_data=[PartitionProduceData(index=partition, records=batch)])
    return frame(ProduceRequest(acks=acks, timeout_ms=60_000, topic_data=[data]), PRODUCE_VERSION)


class Answers:
    """Counts the answers to Produce requests for one topic: all have the same size, and must say no error."""

    def __init__(self, connection: socket.socket, topic: str) -> None:
        name = 2 + len(topic.encode())
        # size, correlation id, count of topics, name, count of partitions, index.
        self._error_at = 4 + 4 + 4 + name + 4 + 4
        # error code, base offset, append time, log start offset; throttle time.
        self._answer_bytes = self._error_at + 2 + 8 + 8 + 8 + 4
        self._connection = connection
        self._buffer = bytearray(self._answer_bytes * UNDER_WAY_MAX)
        self._filled = 0

    def take(self) -> int:
        """Wait for the next answers; return how many came."""
        count = self._connection.recv_into(memoryview(self._buffer)[self._filled :])
        if not count:
            raise SystemExit("the broker closed the connection")
        self._filled += count
        whole, rest = divmod(self._filled, self._answer_bytes)
        for index in range(whole):
            start = index * self._answer_bytes
            code = _ERROR_CODE.unpack_from(self._buffer, start + self._error_at)[0]
            if code or _SIZE.unpack_from(self._buffer, start)[0] != self._answer_bytes - 4:
                raise SystemExit(f"a produce request failed with error {code}")
        self._buffer[:rest] = self._buffer[whole * self._answer_bytes : self._filled]
        self._filled = rest
        return whole


def produce(bootstrap: str, topic: str, partitions: int, acks: int, record_bytes: int, megabytes: int) -> str:
    """Send full batches to the partitions in turn; the seconds end with the last acknowledgement."""
    batch = batch_of(record_bytes, BATCH_BYTES // (record_bytes + 12))
    frames = [produce_frame(topic, index, acks, batch) for index in range(partitions)]
    under_way_max = min(UNDER_WAY_MAX, UNDER_WAY_BYTES // len(batch))
    total = max(1, megabytes * 1_000_000 // len(batch))
    with connect(bootstrap) as connection:
        answers = Answers(connection, topic)
        sent = acknowledged = 0
        began_s = time.perf_counter()
        while acknowledged < total:
            while sent < total and sent - acknowledged < under_way_max:
                connection.sendall(frames[sent % partitions])
                sent += 1
            acknowledged += answers.take()
        return f"{time.perf_counter() - began_s} {total * len(batch)}"


def wait_until_writable(bootstrap: str, topic: str, partitions: int) -> None:
    """Write one record to each partition, as soon as each takes one: Apache Kafka shows a new topic before that."""
    deadline_s = time.monotonic() + FLUSH_LIMIT_S
    batch = batch_of(100, 1)
    room = memoryview(bytearray(1 << 16))
    with connect(bootstrap) as connection:
        for index in range(partitions):
            while True:
                connection.sendall(produce_frame(topic, index, 1, batch))
                response, _ = ProduceResponse.decode(receive(connection, room), 4, PRODUCE_VERSION)
                code = response.responses[0].partition_responses[0].error_code
                if code == 0:
                    break
                if time.monotonic() > deadline_s:
                    raise SystemExit(f"partition {index} of {topic} answers error {code}")
                time.sleep(0.05)


def ceiling(_bootstrap: str, topic: str, record_bytes: int, megabytes: int) -> str:
    """Send what `produce` sends to a process that only empties its socket."""
    request = produce_frame(topic, 0, 1, batch_of(record_bytes, BATCH_BYTES // (record_bytes + 12)))
    total = max(1, megabytes * 1_000_000 // len(request))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        child = os.fork()
        if child == 0:
            with socket.create_connection(listening.getsockname()) as taking:
                room = bytearray(1 << 20)
                while taking.recv_into(room):
                    pass
            os._exit(0)
        connection, _ = listening.accept()
        with connection:
            began_s = time.perf_counter()
            for _ in range(total):
                connection.sendall(request)
            seconds = time.perf_counter() - began_s
        os.waitpid(child, 0)
    return f"{seconds} {total * len(request)}"


def flood(bootstrap: str, topic: str, partitions: int) -> str:
    """Produce without end, acks=1, until killed."""
    while True:
        produce(bootstrap, topic, partitions, 1, 1024, 1_000)


def pipeline(bootstrap: str, topic: str, partitions: int, count: int) -> str:
    """Send requests of one record, acks=all, many at a time without waiting."""
    frames = [produce_frame(topic, index, -1, batch_of(100, 1)) for index in range(partitions)]
    together = UNDER_WAY_MAX // 5
    chunk = b"".join(frames[index % partitions] for index in range(together))
    with connect(bootstrap) as connection:
        answers = Answers(connection, topic)
        sent = acknowledged = 0
        began_s = time.perf_counter()
        while acknowledged < count:
            while sent < count and sent - acknowledged <= UNDER_WAY_MAX - together:
                connection.sendall(chunk)
                sent += together
            acknowledged += answers.take()
        return f"{time.perf_counter() - began_s} {acknowledged}"


def one(bootstrap: str, topic: str, count: int) -> str:
    """Send one record, acks=all, wait for its answer, and again; print p50 and p99 in ms."""
    request = produce_frame(topic, 0, -1, batch_of(100, 1))
    times_ms: list[float] = []
    with connect(bootstrap) as connection:
        answers = Answers(connection, topic)
        began_s = time.perf_counter()
        for _ in range(count):
            sent_s = time.perf_counter()
            connection.sendall(request)
            while not answers.take():
                pass
            times_ms.append((time.perf_counter() - sent_s) * 1_000)
        seconds = time.perf_counter() - began_s
    times_ms.sort()
    return f"{seconds} {times_ms[len(times_ms) // 2]} {times_ms[len(times_ms) * 99 // 100]}"


def next_offset(records: memoryview, offset: int) -> int:
    """Return the offset after the last whole batch."""
    at = 0
    while at + 61 <= len(records):
        base_offset, length = _BATCH_START.unpack_from(records, at)
        if at + 12 + length > len(records):
            break
        offset = base_offset + _LAST_OFFSET_DELTA.unpack_from(records, at + 23)[0] + 1
        at += 12 + length
    return offset


def consume(bootstrap: str, topic: str, partitions: int, megabytes: int) -> str:
    """Read the topic from its start until `megabytes` came."""
    offsets = [0] * partitions
    wanted = megabytes * 1_000_000
    received = 0
    view = memoryview(bytearray(partitions * FETCH_BYTES + (1 << 20)))
    with connect(bootstrap) as connection:
        began_s = time.perf_counter()
        while received < wanted:
            wishes = [
                FetchPartition(partition=index, fetch_offset=offset, partition_max_bytes=FETCH_BYTES)
                for index, offset in enumerate(offsets)
            ]
            request = FetchRequest(
                max_wait_ms=500,
                min_bytes=1,
                max_bytes=partitions * FETCH_BYTES,
                topics=[FetchTopic(topic=topic, partitions=wishes)],
            )
            connection.sendall(frame(request, FETCH_VERSION))
            response, _ = FetchResponse.decode(receive(connection, view), 4, FETCH_VERSION)
            before = received
            for data in response.responses[0].partitions:
                assert data.error_code == 0, data.error_code
                assert isinstance(data.records, memoryview)
                offsets[data.partition_index] = next_offset(data.records, offsets[data.partition_index])
                received += len(data.records)
            assert received > before, "the topic ended"
        return f"{time.perf_counter() - began_s} {received}"


_COMMANDS: Final[dict[str, Callable[..., str]]] = {
    "produce": produce,
    "consume": consume,
    "pipeline": pipeline,
    "one": one,
    "flood": flood,
    "ceiling": ceiling,
}


def main(arguments: Sequence[str]) -> None:
    """Run one command and print its figures."""
    name, bootstrap, topic, *numbers = arguments
    print(_COMMANDS[name](bootstrap, topic, *map(int, numbers)))


if __name__ == "__main__":
    main(sys.argv[1:])
