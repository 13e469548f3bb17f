"""What does the broker tell of itself? Prometheus's text format at GET /metrics, under the names of JMX exporters.

Off by default. Handlers add to counters of topics (`state/traffic`); everything else is looked up when somebody asks. A
scrape of many partitions is made in slices, so that clients need not wait for it. One request a connection, with limits
on its head, its time, and how many there are.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import NamedTuple

from kcon_broker.server.dispatch import Dispatcher
from kcon_broker.server.http_endpoint import HttpEndpoint
from kcon_broker.state.broker import Broker
from kcon_broker.state.topic import Topic
from kcon_broker.state.traffic import Traffic

REQUEST_TIMEOUT_S = 10.0
CONNECTIONS_MAX = 8
SLICE_LINES = 1_000
"""After so many lines of a scrape everybody else has a turn."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LISTENER = "PLAINTEXT"
_OPEN_FILES = "/proc/self/fd"


class Metric(NamedTuple):
    """One family."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


_TOPIC = ("topic",)
TRAFFIC: dict[Metric, Callable[[Traffic], int]] = {
    Metric(f"kafka_server_brokertopicmetrics_{name}_total", "counter", _TOPIC, text): read
    for name, text, read in (
        ("bytesin", "Bytes of batches that were written.", lambda traffic: traffic.bytes_in),
        ("bytesout", "Bytes of batches that were fetched.", lambda traffic: traffic.bytes_out),
        ("messagesin", "Records that were written.", lambda traffic: traffic.records_in),
        (
            "totalproducerequests",
            "Produce requests, once for each partition in them.",
            lambda traffic: traffic.produce_requests,
        ),
        (
            "totalfetchrequests",
            "Fetch requests, once for each partition in them and again when they waited.",
            lambda traffic: traffic.fetch_requests,
        ),
        ("failedproducerequests", "Those that were refused.", lambda traffic: traffic.failed_produce_requests),
        ("failedfetchrequests", "Those that were refused.", lambda traffic: traffic.failed_fetch_requests),
    )
}
PARTITIONS = Metric("kafka_server_replicamanager_partitioncount", "gauge", (), "Partitions of all topics.")
LEADERS = Metric("kafka_server_replicamanager_leadercount", "gauge", (), "Those it leads, which is all of them.")
UNDER_REPLICATED = Metric(
    "kafka_server_replicamanager_underreplicatedpartitions", "gauge", (), "Always 0: one node has no followers."
)
UNDER_MIN_ISR = Metric(
    "kafka_server_replicamanager_underminisrpartitioncount", "gauge", (), "Always 0: more than one is never wanted."
)
CONTROLLERS = Metric(
    "kafka_controller_kafkacontroller_activecontrollercount", "gauge", (), "Always 1: it is the controller too."
)
OFFLINE = Metric(
    "kafka_controller_kafkacontroller_offlinepartitionscount",
    "gauge",
    (),
    "Partitions that are not served since their log is damaged or could not be synced.",
)
LOG_SIZE = Metric(
    "kafka_log_log_size", "gauge", ("topic", "partition"), "Bytes of the log; of partitions that were touched."
)
OFFLINE_DIRS = Metric(
    "kafka_log_logmanager_offlinelogdirectorycount", "gauge", (), "1 when no partition that was touched is served."
)
NETWORK_IDLE = Metric(
    "kafka_network_socketserver_networkprocessoravgidle_percent",
    "gauge",
    (),
    "How idle the one thread was since the last scrape, 0 to 1.",
)
HANDLER_IDLE = Metric(
    "kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent",
    "gauge",
    (),
    "The same: the thread that handles requests is the one that sends and receives.",
)
CONNECTIONS = Metric(
    "kafka_server_socket_server_metrics_connection_count", "gauge", ("listener",), "Connections of clients."
)
OPEN_FILES = Metric("process_open_fds", "gauge", (), "Open file descriptors.")

METRICS = (
    *TRAFFIC,
    PARTITIONS,
    LEADERS,
    UNDER_REPLICATED,
    UNDER_MIN_ISR,
    CONTROLLERS,
    OFFLINE,
    LOG_SIZE,
    OFFLINE_DIRS,
    NETWORK_IDLE,
    HANDLER_IDLE,
    CONNECTIONS,
    OPEN_FILES,
)
"""All of them."""


class MetricsEndpoint(HttpEndpoint):
    """The HTTP server over one broker's metrics. It lives in the broker's loop."""

    def __init__(self, listening: socket.socket, broker: Broker, dispatcher: Dispatcher) -> None:
        super().__init__(
            listening,
            path="/metrics",
            told="metrics are at",
            request_timeout_s=REQUEST_TIMEOUT_S,
            connections_max=CONNECTIONS_MAX,
        )
        self._broker = broker
        self._dispatcher = dispatcher
        self._idle = IdleMeter()

    async def text(self) -> bytes:
        """Return a scrape."""
        lines: list[str] = []
        for count, line in enumerate(self._lines(), start=1):
            lines.append(line)
            if count % SLICE_LINES == 0:
                await asyncio.sleep(0)
        return ("\n".join(lines) + "\n").encode("utf-8", "replace")

    def _lines(self) -> Iterator[str]:
        topics = list(self._broker.topics.by_name.values())
        labels = {topic: f'{{topic="{escape(topic.name)}"}}' for topic in topics}
        for metric, read in TRAFFIC.items():
            yield from _head(metric)
            for topic in topics:
                yield f"{metric.name}{labels[topic]} {read(topic.traffic)}"
        touched, failed = 0, 0
        yield from _head(LOG_SIZE)
        for topic in topics:
            start = f'{LOG_SIZE.name}{{topic="{escape(topic.name)}",partition="'
            for partition in topic.touched_partitions():
                log = partition.log
                if log is None:
                    continue
                touched += 1
                failed += partition.is_fenced or log.failure is not None
                yield f'{start}{partition.index}"}} {log.size_bytes}'
        yield from self._single(topics, touched, failed)

    def _single(self, topics: list[Topic], touched: int, failed: int) -> Iterator[str]:
        count = sum(topic.partition_count for topic in topics)
        idle = self._idle.share()
        for metric, value in (
            (PARTITIONS, count),
            (LEADERS, count - failed),
            (UNDER_REPLICATED, 0),
            (UNDER_MIN_ISR, 0),
            (CONTROLLERS, 1),
            (OFFLINE, failed),
            (OFFLINE_DIRS, int(touched > 0 and failed == touched)),
            (NETWORK_IDLE, round(idle, 4)),
            (HANDLER_IDLE, round(idle, 4)),
        ):
            yield from _head(metric)
            yield f"{metric.name} {value}"
        yield from _head(CONNECTIONS)
        yield f'{CONNECTIONS.name}{{listener="{LISTENER}"}} {len(self._dispatcher.connections)}'
        try:
            files = len(os.listdir(_OPEN_FILES))
        except OSError:
            return  # Not Linux, or nothing left to open.
        yield from _head(OPEN_FILES)
        yield f"{OPEN_FILES.name} {files}"

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await self._answer(await reader.readuntil(b"\r\n\r\n")))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method not in {"GET", "HEAD"}:
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, b"Only GET is served.\n")
        if path != "/metrics":
            return _response(HTTPStatus.NOT_FOUND, b"There is only /metrics.\n")
        return _response(HTTPStatus.OK, await self.text(), is_head=method == "HEAD")


class IdleMeter:
    """How busy is the thread that asks? Compares the processor's time with the clock's. One thread."""

    def __init__(
        self, clock_s: Callable[[], float] = time.monotonic, busy_s: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock_s, self._busy_s = clock_s, busy_s
        self._last = clock_s(), busy_s()

    def share(self) -> float:
        """Return how idle it was since the last call, 0 to 1."""
        (clock_s, busy_s), now = self._last, (self._clock_s(), self._busy_s())
        self._last = now
        elapsed_s = now[0] - clock_s
        return 1.0 if elapsed_s <= 0 else min(1.0, max(0.0, 1.0 - (now[1] - busy_s) / elapsed_s))


def escape(value: str) -> str:
    """Return a label value with its backslashes, quotes and line feeds escaped."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _head(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.help}"
    yield f"# TYPE {metric.name} {metric.kind}"


def _response(status: HTTPStatus, body: bytes, *, is_head: bool = False) -> bytes:
    kind = CONTENT_TYPE if status is HTTPStatus.OK else "text/plain"
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if is_head else body)
