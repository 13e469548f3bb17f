"""A client that sends exactly the bytes a test wants, and sees exactly the bytes that come back."""

import socket
import struct
from types import TracebackType
from typing import Self, TypeVar

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.headers import RequestHeader
from kcon_broker.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from kcon_broker.wire.schema import ApiMessage

_ResponseT = TypeVar("_ResponseT", bound=ApiMessage)
_TIMEOUT_S = 20.0


class RawClient:
    """One connection."""

    def __init__(self, bootstrap: str) -> None:
        host, _, port = bootstrap.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=_TIMEOUT_S)
        self._correlation_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def send(self, request: ApiMessage, version: int) -> int:
        """Send a request; return its correlation id."""
        self._correlation_id += 1
        self.send_bytes(frame(request, version, self._correlation_id))
        return self._correlation_id

    def receive_frame(self) -> bytes:
        """Return the next frame without its size; EOFError when the broker closed the connection."""
        size = struct.unpack(">i", self._receive(4))[0]
        return self._receive(size)

    def receive(self, response_type: type[_ResponseT], version: int) -> tuple[int, _ResponseT]:
        """Return the next answer's correlation id and body."""
        body = self.receive_frame()
        has_tags = version >= response_type.FLEXIBLE_SINCE and response_type.API_KEY != ApiKey.API_VERSIONS
        response, end = response_type.decode(body, 5 if has_tags else 4, version)
        assert end == len(body)
        return struct.unpack(">i", body[:4])[0], response

    def ask(self, request: ApiMessage, response_type: type[_ResponseT], version: int) -> _ResponseT:
        """Send a request and return its answer."""
        sent = self.send(request, version)
        received, response = self.receive(response_type, version)
        assert received == sent
        return response

    def is_closed_by_broker(self) -> bool:
        """Wait for the broker to close the connection; False when it sends something instead."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _receive(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            piece = self._socket.recv(size - len(received))
            if not piece:
                raise EOFError
            received += piece
        return received


def frame(request: ApiMessage, version: int, correlation_id: int) -> bytes:
    """Return a whole request."""
    header = RequestHeader(ApiKey(request.API_KEY), version, correlation_id, "raw").encode()
    body = header + request.encode(version)
    return struct.pack(">i", len(body)) + body


def batch(*values: bytes, timestamp_ms: int | None = None, producer_id: int = -1, epoch: int = -1, sequence: int = -1,
          key: bytes | None = None, codec: int = 0) -> bytes:  # fmt: skip
    """Return a record batch with these values."""
    import time

    now_ms = int(time.time() * 1000) if timestamp_ms is None else timestamp_ms
    return bytes(
        encode_batch(
            [Record(0, now_ms, key, value) for value in values],
            codec=codec,
            producer_id=producer_id,
            producer_epoch=epoch,
            base_sequence=sequence,
        )
    )


def produce_request(topic: str, records: bytes | None, *, partition: int = 0, acks: int = -1) -> ProduceRequest:
    """Return a Produce request for one partition."""
    return ProduceRequest(
        acks=acks,
        timeout_ms=5_000,
        topic_data=[
            TopicProduceData(name=topic, partition_data=[PartitionProduceData(index=partition, records=records)])
        ],
    )


def produce(
    client: RawClient, topic: str, records: bytes | None, *, partition: int = 0, acks: int = -1, version: int = 9
) -> PartitionProduceResponse:
    """Produce to one partition and return what is said about it."""
    request = produce_request(topic, records, partition=partition, acks=acks)
    return client.ask(request, ProduceResponse, version).responses[0].partition_responses[0]
