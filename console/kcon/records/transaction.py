"""How are records written so that all of a step are there, or none? A sender whose records belong to transactions.

Starting one fences whoever used the same transactional id before, and ends what that one left open (KIP-98). A
record that the client itself refuses (too large) is counted and left out; any other failure ends the transaction
and is raised: nothing of it will ever be seen by a reader of committed records.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final

from kcon.contexts.context import Context
from kcon.core.ids import TopicName
from kcon.errors import KconError, RefusedError, UnreachableError
from kcon.gate.permit import Permit
from kcon.records.sender import FULL_QUEUE_WAIT_S, SERVE_EVERY_RECORDS, RecordSender, SendOptions

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

TRANSACTION_TIMEOUT_MS: Final = 60_000
"""After so long without an end the coordinator aborts a transaction; a delivery must fail before."""
TRANSACTION_TIMEOUT_MS_MAX: Final = 900_000
"""The largest that brokers accept by default (`transaction.max.timeout.ms`)."""
ATTEMPTS_MAX: Final = 5
ATTEMPT_PAUSE_S: Final = 0.2

RawHeaders = list[tuple[str, str | bytes | None]]
OnPosition = Callable[[int], None]


class TransactionSender(RecordSender):
    """Sends records in transactions. One thread; enter it there, too."""

    def __init__(
        self,
        context: Context,
        permit: Permit,
        topics: frozenset[TopicName],
        transactional_id: str,
        options: SendOptions | None = None,
        *,
        wants_positions: bool = False,
    ) -> None:
        chosen = options or SendOptions()
        delivery_timeout_ms = max(context.timeout_ms, 1_000)
        config: Mapping[str, str | int | bool] = {
            "transactional.id": transactional_id,
            "transaction.timeout.ms": min(
                max(TRANSACTION_TIMEOUT_MS, delivery_timeout_ms + 10_000), TRANSACTION_TIMEOUT_MS_MAX
            ),
            "delivery.report.only.error": not wants_positions,
            **chosen.config,
        }
        super().__init__(context, permit, topics, SendOptions(compression=chosen.compression, config=config))
        self.committed_count = 0
        """Transactions of this sender that are committed."""
        self._is_open = False
        self._timeout_s = delivery_timeout_ms / 1000
        self._calls = 0
        self._left_out_codes: frozenset[int] = frozenset()
        """What the client refuses by itself: not part of the transaction. Everything else ends it."""

    def __enter__(self) -> "TransactionSender":
        """Connect, fence the one before, and wait until what it left open has ended."""
        super().__enter__()
        from confluent_kafka import KafkaError as Codes

        self._left_out_codes = frozenset({Codes.MSG_SIZE_TOO_LARGE, Codes._UNKNOWN_PARTITION})
        try:
            self._repeat("init_transactions", "Starting the transactions")
        except BaseException:
            super().__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Abort what is open, and close."""
        if self._is_open and self._producer is not None and self._fatal is None:
            self._is_open = False
            with suppress(self._refusal):  # The coordinator ends it after its timeout, a next run at once.
                self._producer.abort_transaction(self._timeout_s)
        super().__exit__(kind, error, trace)

    @property
    def is_open(self) -> bool:
        """A transaction is under way."""
        return self._is_open

    def begin(self) -> None:
        """Begin a transaction, unless one is open."""
        if self._is_open:
            return
        assert self._producer is not None
        try:
            self._producer.begin_transaction()
        except self._refusal as failure:
            raise self._explained(failure.args[0], "Beginning a transaction") from failure
        self._is_open = True

    def commit(self) -> None:
        """Deliver everything and commit. On KconError nothing of this transaction is on the cluster.

        UnreachableError: nobody knows whether it was committed; what it wrote tells a next run.
        """
        assert self._is_open
        self._repeat("commit_transaction", "Committing")
        self._is_open = False
        self.committed_count += 1

    def flush_positions(self) -> None:
        """Deliver everything, so that every `on_position` has been called."""
        self.flush()

    def put(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        *,
        partition: int = -1,
        timestamp_ms: int = 0,
        headers: RawHeaders | None = None,
        on_position: OnPosition | None = None,
        index: int | None = None,
    ) -> None:
        """Queue one record, waiting while the queue is full. KconError when it is refused.

        index: one that the client itself refuses (too large) is counted and kept under this number instead.
        """
        if topic not in self._topics:
            raise RefusedError("The permission to produce does not name this topic.")
        producer = self._producer
        assert producer is not None
        report = None if on_position is None else _reporting(on_position)
        while True:
            try:
                if report is None:
                    producer.produce(topic, value, key, partition, None, None, timestamp_ms, headers)
                else:
                    producer.produce(topic, value, key, partition, report, None, timestamp_ms, headers)
                break
            except BufferError:
                if self._stopping.is_set():
                    raise KconError("Writing was stopped.") from None
                self._serve(producer, FULL_QUEUE_WAIT_S)
            except self._refusal as failure:
                if index is not None and failure.args[0].code() in self._left_out_codes:
                    super()._refused(index, failure.args[0])
                    return
                raise self._explained(failure.args[0], f"Writing to {_shown(topic)}") from failure
        self.accepted += 1
        self.accepted_bytes += len(value or b"") + len(key or b"")
        self._calls += 1
        if self._calls % SERVE_EVERY_RECORDS == 0:
            self._serve(producer, 0)

    def _refused(self, index: int, error: "KafkaError", *, was_accepted: bool = False) -> None:
        if not was_accepted and error.code() not in self._left_out_codes:
            raise self._explained(error, "Writing")
        super()._refused(index, error, was_accepted=was_accepted)

    def _repeat(self, method: str, what: str) -> None:
        producer = self._producer
        assert producer is not None
        for attempt in range(ATTEMPTS_MAX):
            try:
                getattr(producer, method)(self._timeout_s)
            except self._refusal as failure:
                error: KafkaError = failure.args[0]
                if error.retriable() and attempt < ATTEMPTS_MAX - 1:
                    time.sleep(ATTEMPT_PAUSE_S)
                    continue
                raise self._explained(error, what) from failure
            return

    def _explained(self, error: "KafkaError", what: str) -> KconError:
        """Abort where that is needed, and return the error to raise."""
        from confluent_kafka import KafkaError as Codes

        from kcon.records.failures import kcon_error

        if error.code() in {Codes._FENCED, Codes.INVALID_PRODUCER_EPOCH, Codes.PRODUCER_FENCED}:
            self._fatal = error
            self._is_open = False
            return RefusedError(
                f"{what} failed: another run of the same job took over.", "Wait for that one, or give this one a --job."
            )
        if error.fatal():
            self._fatal = error
        elif error.txn_requires_abort():
            self.__exit__(None, None, None)
        first = self.failures[0].reason if self.failures else ""
        if error.retriable():
            return UnreachableError(f"{what} was not done in time: {_shown(error.str())}.", "Run it again: it goes on.")
        made = kcon_error(error, what, "WRITE")
        return type(made)(f"{made.message[:-1]}: {first}." if first else made.message, made.hint)


def _reporting(on_position: OnPosition) -> "Callable[[KafkaError | None, Message], None]":
    def report(error: "KafkaError | None", message: "Message") -> None:
        offset = message.offset()
        if error is None and offset is not None:
            on_position(offset)

    return report


def _shown(text: str) -> str:
    from kcon.core.wire_text import display_safe

    return display_safe(text)
