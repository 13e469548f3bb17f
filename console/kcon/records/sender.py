"""How are records written? A librdkafka producer that counts every record as delivered or failed, never as neither.

Idempotent, acknowledged by all in-sync replicas, and only while its permit is in use. Blocking: whoever sends owns
a thread; `services.produce` wraps it for event loops.
"""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final

from kcon.contexts.context import Context
from kcon.core.ids import TopicName
from kcon.core.kafka_error import kafka_error
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import ExitCode, KconError, RefusedError
from kcon.gate.permit import Operation, Permit
from kcon.records.client_config import LOGGER, producer_config
from kcon.records.record import NewRecord

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

FAILURES_KEPT_MAX: Final = 1_000
"""All failures are counted; the first ones are kept to be shown."""
POSITIONS_KEPT_MAX: Final = 10_000
SERVE_EVERY_RECORDS: Final = 500
FULL_QUEUE_WAIT_S: Final = 0.05
FLUSH_SLICE_S: Final = 0.2
FLUSH_GRACE_S: Final = 5.0
"""A flush waits for the delivery deadline and this much more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How records are sent."""

    compression: str = "none"
    """none, gzip, snappy, lz4 or zstd."""
    positions: bool = False
    """Keep where each record landed (the first `POSITIONS_KEPT_MAX`)."""
    config: Mapping[str, str | int | bool] = field(default_factory=dict)
    """librdkafka settings above the context's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFailure:
    """A record that was not written."""

    index: int
    """What the caller named it by: its number, or its line."""
    reason: str
    """Safe for a terminal."""
    exit_code: ExitCode = ExitCode.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPosition:
    """Where a record landed."""

    index: int
    partition: int
    offset: int


class RecordSender:
    """Sends records to the topics that its permit names. One thread sends; any thread may read the counters."""

    def __init__(
        self, context: Context, permit: Permit, topics: frozenset[TopicName], options: SendOptions | None = None
    ) -> None:
        self.accepted = 0
        """Records that entered librdkafka's queue."""
        self.accepted_bytes = 0
        self.failed = 0
        self.failures: list[SendFailure] = []
        self.positions: list[SendPosition] = []
        self._context = context
        self._permit = permit
        self._topics = {topic.raw for topic in topics}
        self._options = options or SendOptions()
        self._held = ExitStack()
        self._stopping = threading.Event()
        self._fatal: KafkaError | None = None
        self._producer: Producer | None = None
        self._refusal: type[Exception] = Exception
        """KafkaException once its library is loaded: an import statement for each record would be felt."""

    def __enter__(self) -> "RecordSender":
        self._held.enter_context(
            self._permit.use(context=self._context.name, operation=Operation.PRODUCE, targets=self._topics)
        )
        from confluent_kafka import KafkaException, Producer

        self._refusal = KafkaException
        delivery_timeout_ms = max(self._context.timeout_ms, 1_000)
        config = producer_config(
            self._context,
            {
                "message.timeout.ms": delivery_timeout_ms,
                # A successful delivery needs no call into Python unless somebody asked where it landed.
                "delivery.report.only.error": not self._options.positions,
                "compression.type": self._options.compression,
                **self._options.config,
            },
        )
        self._delivery_timeout_s = delivery_timeout_ms / 1000
        self._producer = Producer({**config, "error_cb": self._on_error}, logger=LOGGER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what was not delivered; call `flush` first."""
        if self._producer is not None:
            if len(self._producer):
                self._producer.purge()
                self._producer.flush(FLUSH_SLICE_S)
            self._producer = None
        self._held.close()

    @property
    def delivered(self) -> int:
        """Return how many records are safe on the cluster; final after `flush`."""
        pending = len(self._producer) if self._producer is not None else 0
        return max(0, self.accepted - self.failed - pending)

    def stop(self) -> None:
        """Make a blocked `send` or `flush` return early. Any thread."""
        self._stopping.set()

    def send(self, topic: TopicName, index: int, record: NewRecord) -> None:
        """Queue one record; wait while the queue is full. A refusal is counted and kept under `index`."""
        self.send_raw(
            topic.raw,
            index,
            record.value,
            record.key,
            partition=-1 if record.partition is None else record.partition,
            timestamp_ms=0 if record.timestamp_ms is None else record.timestamp_ms,
            headers=[(name.raw, value) for name, value in record.headers] if record.headers else None,
        )

    def send_raw(
        self,
        topic: str,
        index: int,
        value: bytes | None,
        key: bytes | None,
        *,
        partition: int = -1,
        timestamp_ms: int = 0,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        """Do what `send` does, without making an object. partition -1 and timestamp_ms 0: librdkafka chooses."""
        if topic not in self._topics:
            raise RefusedError("The permission to produce does not name this topic.")
        producer = self._producer
        assert producer is not None
        on_delivery = partial(self._on_delivery, index)
        while not self._stopping.is_set():
            try:
                # By position: names would cost a third more of the call.
                producer.produce(topic, value, key, partition, on_delivery, None, timestamp_ms, headers)
            except BufferError:
                self._serve(producer, FULL_QUEUE_WAIT_S)
                continue
            except self._refusal as error:
                self._refused(index, error.args[0])
                return
            break
        else:
            return
        self.accepted += 1
        self.accepted_bytes += len(value or b"") + len(key or b"")
        if self.accepted % SERVE_EVERY_RECORDS == 0:
            self._serve(producer, 0)

    def _serve(self, producer: "Producer", wait_s: float) -> None:
        try:
            producer.poll(wait_s)
        except self._refusal as error:  # The binding raises what ended the producer, wherever it is served.
            self._fatal = error.args[0]
        self._raise_fatal()

    def flush(self) -> None:
        """Wait until every record was delivered or has failed, at most the delivery deadline and a little more."""
        producer = self._producer
        assert producer is not None
        waits = int((self._delivery_timeout_s + FLUSH_GRACE_S) / FLUSH_SLICE_S)
        for _ in range(waits):
            try:
                left = producer.flush(FLUSH_SLICE_S)
            except self._refusal as error:
                self._fatal, left = error.args[0], 1
            if left == 0 or self._stopping.is_set():
                break
            self._raise_fatal()
        pending = len(producer)
        if pending and not self._stopping.is_set():
            raise KconError(f"{pending} records were neither acknowledged nor refused in time.")

    def _on_delivery(self, index: int, error: "KafkaError | None", message: "Message") -> None:
        if error is not None:
            self._refused(index, error, was_accepted=True)
        elif self._options.positions and len(self.positions) < POSITIONS_KEPT_MAX:
            self.positions.append(
                SendPosition(index=index, partition=message.partition() or 0, offset=message.offset() or 0)
            )

    def _refused(self, index: int, error: "KafkaError", *, was_accepted: bool = False) -> None:
        if not was_accepted:
            self.accepted += 1
        self.failed += 1
        if len(self.failures) < FAILURES_KEPT_MAX:
            self.failures.append(_failure(index, error))

    def _on_error(self, error: "KafkaError") -> None:
        if error.fatal():
            self._fatal = error

    def _raise_fatal(self) -> None:
        if self._fatal is not None:
            from kcon.records.failures import kcon_error

            raise kcon_error(self._fatal, "Producing", "WRITE")


def _failure(index: int, error: "KafkaError") -> SendFailure:
    lacking = kafka_error(error.code()).lacking("WRITE") if error.code() > 0 else None
    if lacking is not None and lacking.detail:
        return SendFailure(index=index, reason=f"{lacking.detail} ({lacking.name})", exit_code=ExitCode.AUTH)
    return SendFailure(index=index, reason=f"{display_safe(error.str())} ({error.name()})")


def header(name: str, value: bytes | None) -> tuple[WireText, bytes | None]:
    """Make a header from what a user typed."""
    return WireText(name), value
