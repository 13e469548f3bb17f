"""What does the thread of one consumer do? Poll, tell ends from errors, and put batches into the queue.

Only this thread touches the librdkafka consumer. Other threads use `stop` and `acknowledge`.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable
from operator import methodcaller
from typing import TYPE_CHECKING, Final

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from kcon.contexts.context import Context
from kcon.core.ids import TopicName, TopicPartition, topic_name
from kcon.core.wire_text import WireText
from kcon.errors import KconError, UnreachableError
from kcon.records.byte_queue import ByteQueue
from kcon.records.client_config import LOGGER, consumer_config
from kcon.records.failures import MISSING_CODES, UNREACHABLE_CODES, kcon_error
from kcon.records.notice import Notice
from kcon.records.read_plan import Order, ReadPlan
from kcon.records.record import RECORD_OVERHEAD_BYTES, Headers, Record, TimestampType
from kcon.records.time_merge import TimeMerge

if TYPE_CHECKING:
    from confluent_kafka._types import HeadersType

POLL_S: Final = 0.1
ACKNOWLEDGEMENT_POLL_S: Final = 0.01
BATCH_BYTES_TARGET: Final = 1024 * 1024
"""A batch of large records is handed over in pieces of about this size."""
WATERMARKS_TIMEOUT_S: Final = 10.0

_TIMESTAMP_TYPES: Final = {int(kind): kind for kind in TimestampType}
# On a header name that is not UTF-8 the binding returns a value and leaves an exception pending. A plain call of
# the method may then go on and raise it lines later (the specialising interpreter leaves the check out); a call
# through C always checks.
_read_headers: Final = methodcaller("headers")
_POSITION_GONE: Final = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})
_READER_GROUP_CODES: Final = frozenset(
    {KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR}
)
"""librdkafka looks a coordinator up for every consumer; without a group its failure does not matter."""


class ConsumerThread:
    """Owns one librdkafka consumer from start to close."""

    def __init__(
        self, context: Context, plan: ReadPlan, queue: ByteQueue[list[Record]], notices: "deque[Notice]"
    ) -> None:
        self._context = context
        self._plan = plan
        self._queue = queue
        self._notices = notices
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kcon-consumer", daemon=True)
        self._topics: dict[str, TopicName] = {}
        self._ends = {
            (part.partition.topic.raw, part.partition.partition): part.end_offset
            for part in plan.ranges
            if not part.is_empty and part.end_offset is not None
        }
        self._open = {(part.partition.topic.raw, part.partition.partition) for part in plan.ranges if not part.is_empty}
        """Partitions that were not read to their end."""
        self._assigned_once = False
        self._left = plan.limit
        self._merge: TimeMerge | None = None
        if plan.order is Order.TIME and plan.group is None:
            partitions = [part.partition for part in plan.ranges if not part.is_empty]
            self._merge = TimeMerge(partitions, bytes_max=plan.buffer_bytes)
        self._paused: set[TopicPartition] = set()
        self._acknowledged: dict[tuple[str, int], int] = {}
        self._unacknowledged = 0
        """Records handed over that the reader has not asked past."""
        self._acknowledged_lock = threading.Lock()
        self._unreachable: KafkaError | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to close the consumer and end. Any thread."""
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end. Any thread."""
        self._thread.join(timeout_s)

    def acknowledge(self, records: Iterable[Record]) -> None:
        """Let the group commit past these records. Any thread."""
        with self._acknowledged_lock:
            for record in records:
                self._acknowledged[record.topic.raw, record.partition] = record.offset + 1
                self._unacknowledged -= 1

    def _run(self) -> None:
        error: KconError | None = None
        try:
            consumer = Consumer(
                {**consumer_config(self._context, self._plan), "error_cb": self._on_error}, logger=LOGGER
            )
            try:
                self._start_reading(consumer)
                self._read(consumer)
                if self._plan.group is not None:
                    self._await_acknowledgement(consumer)
                    self._store_acknowledged(consumer)
            finally:
                # Commits what was stored and leaves the group, if there is one.
                consumer.close()
        except KconError as failure:
            error = failure
        except KafkaException as failure:
            error = kcon_error(failure.args[0], self._what())
        finally:
            self._queue.end(error)

    def _start_reading(self, consumer: Consumer) -> None:
        if self._plan.group is not None:
            consumer.subscribe(
                [topic.raw for topic in self._plan.topics],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_revoke,
            )
            return
        consumer.assign(
            [
                confluent_kafka.TopicPartition(part.partition.topic.raw, part.partition.partition, part.start_offset)
                for part in self._plan.ranges
                if not part.is_empty
            ]
        )

    def _read(self, consumer: Consumer) -> None:
        heard_at = time.monotonic()
        while not self._stopping.is_set() and not self._is_done():
            first = consumer.poll(POLL_S)
            if self._plan.group is not None:
                self._store_acknowledged(consumer)
            if first is None:
                self._check_stall(time.monotonic() - heard_at)
                continue
            # The rest without waiting: asking for many with a timeout would hold the first one back.
            more = self._plan.batch_records_max - 1
            messages = [first, *consumer.consume(more, 0)] if more > 0 else [first]
            records = self._sort_out(consumer, messages)
            if self._merge is not None:
                records = self._merged(consumer, self._merge, records)
            if records and not self._hand_over(records):
                return
            # A reader that lets the queue stay full is no stall.
            heard_at = time.monotonic()

    def _await_acknowledgement(self, consumer: Consumer) -> None:
        """Stay in the group until the reader has asked past everything it was given, or is gone."""
        consumer.pause(consumer.assignment())
        while not self._stopping.is_set() and self._unacknowledged > 0:
            consumer.poll(ACKNOWLEDGEMENT_POLL_S)

    def _is_done(self) -> bool:
        if self._left is not None and self._left <= 0:
            return True
        if self._plan.group is not None:
            return self._plan.stop_at_end and self._assigned_once and not self._open
        return not self._open

    def _check_stall(self, silent_s: float) -> None:
        if not self._plan.is_bounded or silent_s < self._plan.stall_timeout_s:
            return
        if self._unreachable is not None:
            raise kcon_error(self._unreachable, self._what())
        raise UnreachableError(f"{self._what()} stalled: nothing came for {silent_s:.0f} s.")

    def _sort_out(self, consumer: Consumer, messages: list[Message]) -> list[Record]:
        """Turn messages into records; act on the ends and errors among them."""
        records: list[Record] = []
        ends = self._ends
        last_topic, last_partition = "", -1
        end_offset: int | None = None
        for message in messages:
            error = message.error()
            if error is not None:
                self._on_message_error(consumer, message, error)
                continue
            raw_topic, partition, offset = message.topic(), message.partition(), message.offset()
            if raw_topic != last_topic or partition != last_partition:
                # Messages come in runs of one partition: what is asked of it is asked once a run.
                assert raw_topic is not None
                assert partition is not None
                last_topic, last_partition = raw_topic, partition
                end_offset = ends.get((raw_topic, partition))
                topic = self._topic_of(raw_topic)
            if end_offset is not None and offset >= end_offset - 1:  # type: ignore[operator]
                self._close_partition(consumer, last_topic, last_partition)
                if offset >= end_offset:  # type: ignore[operator]
                    continue
            kind, timestamp_ms = message.timestamp()
            try:
                told = _read_headers(message)
            except (SystemError, UnicodeDecodeError):
                headers = self._without_headers(message)
            else:
                headers = _headers(told) if told else ()
            records.append(
                _make_record(
                    Record,
                    (
                        topic,
                        partition,
                        offset,
                        timestamp_ms,
                        _TIMESTAMP_TYPES[kind],
                        message.key(),
                        message.value(),
                        headers,
                    ),
                )
            )
        return records

    def _topic_of(self, raw_topic: str) -> TopicName:
        topic = self._topics.get(raw_topic)
        if topic is None:
            topic = self._topics[raw_topic] = topic_name(raw_topic)
        return topic

    def _merged(self, consumer: Consumer, merge: TimeMerge, records: list[Record]) -> list[Record]:
        for record in records:
            merge.push(record)
        settled = merge.pop_settled()
        for part in {record.topic_partition for record in records} - self._paused:
            if merge.is_full(part):
                consumer.pause([confluent_kafka.TopicPartition(part.topic.raw, part.partition)])
                self._paused.add(part)
        for part in [part for part in self._paused if not merge.is_full(part)]:
            self._paused.discard(part)
            if (part.topic.raw, part.partition) in self._open:
                consumer.resume([confluent_kafka.TopicPartition(part.topic.raw, part.partition)])
        return settled

    def _hand_over(self, records: list[Record]) -> bool:
        """Put records into the queue, in pieces of bounded size. False when the reader is gone."""
        if self._left is not None:
            records = records[: self._left]
            self._left -= len(records)
        with self._acknowledged_lock:
            self._unacknowledged += len(records)
        sizes = [
            len(record[5] or b"") + len(record[6] or b"") if not record[7] else record.size_bytes for record in records
        ]
        total = sum(sizes) + RECORD_OVERHEAD_BYTES * len(records)
        if total < 2 * BATCH_BYTES_TARGET:
            return self._queue.put(records, total)
        piece: list[Record] = []
        size_bytes = 0
        for record, payload_bytes in zip(records, sizes, strict=True):
            piece.append(record)
            size_bytes += payload_bytes + RECORD_OVERHEAD_BYTES
            if size_bytes >= BATCH_BYTES_TARGET:
                if not self._queue.put(piece, size_bytes):
                    return False
                piece, size_bytes = [], 0
        return not piece or self._queue.put(piece, size_bytes)

    def _close_partition(self, consumer: Consumer, raw_topic: str, partition: int) -> None:
        """Stop reading a partition that has an end and reached it."""
        key = (raw_topic, partition)
        if key not in self._open:
            return
        self._open.discard(key)
        if self._open:
            consumer.pause([confluent_kafka.TopicPartition(raw_topic, partition)])
        if self._merge is not None:
            self._merge.release(TopicPartition(topic_name(raw_topic), partition))

    def _on_message_error(self, consumer: Consumer, message: Message, error: KafkaError) -> None:
        code = error.code()
        raw_topic, partition = message.topic(), message.partition()
        if code == KafkaError._PARTITION_EOF:
            assert raw_topic is not None
            assert partition is not None
            self._on_partition_end(consumer, raw_topic, partition, message.offset() or 0)
        elif code in _POSITION_GONE and raw_topic is not None and partition is not None:
            self._skip_to_start(consumer, raw_topic, partition)
        elif code in UNREACHABLE_CODES and not error.fatal():
            self._on_error(error)
        elif code in _READER_GROUP_CODES and self._plan.group is None:
            return
        elif code in MISSING_CODES or not error.retriable():
            raise kcon_error(error, self._what(), "READ")
        else:
            self._notices.append(Notice(text=str(WireText(error.str()))))

    def _on_partition_end(self, consumer: Consumer, raw_topic: str, partition: int, offset: int) -> None:
        if self._plan.group is not None:
            if self._plan.stop_at_end:
                self._open.discard((raw_topic, partition))
            return
        end_offset = self._ends.get((raw_topic, partition))
        # Offsets may be missing below the end (compaction, transaction markers): the position tells.
        if end_offset is not None and offset >= end_offset:
            self._close_partition(consumer, raw_topic, partition)
        elif self._merge is not None:
            self._merge.release(TopicPartition(topic_name(raw_topic), partition))

    def _skip_to_start(self, consumer: Consumer, raw_topic: str, partition: int) -> None:
        """Go on at the log's start after retention took the position away, and say how much is lost."""
        part = TopicPartition(topic_name(raw_topic), partition)
        wanted = consumer.position([confluent_kafka.TopicPartition(raw_topic, partition)])[0].offset
        if wanted < 0:
            wanted = next((r.start_offset for r in self._plan.ranges if r.partition == part), 0)
        bounds = consumer.get_watermark_offsets(
            confluent_kafka.TopicPartition(raw_topic, partition), WATERMARKS_TIMEOUT_S
        )
        if bounds is None:
            raise UnreachableError(f"{self._what()} failed: no bounds of {part.topic}/{partition} came in time.")
        start_offset, end_offset = bounds
        target = start_offset if wanted < start_offset else end_offset
        lost = max(0, start_offset - wanted)
        text = (
            f"{part.topic}/{partition}: {lost} records from offset {wanted} were deleted before they were read."
            if lost
            else f"{part.topic}/{partition}: offset {wanted} is past the end; reading goes on at {end_offset}."
        )
        self._notices.append(Notice(text=text, partition=part, lost_records=lost, lost_from=wanted))
        # The failed partition is stopped; a seek is refused in that state, assigning it anew is not.
        consumer.incremental_unassign([confluent_kafka.TopicPartition(raw_topic, partition)])
        consumer.incremental_assign([confluent_kafka.TopicPartition(raw_topic, partition, target)])
        stop_at = self._ends.get((raw_topic, partition))
        if stop_at is not None and target >= stop_at:
            self._close_partition(consumer, raw_topic, partition)

    def _on_error(self, error: KafkaError) -> None:
        """Take an error that concerns no partition; librdkafka retries by itself."""
        code = error.code()
        if error.fatal() or code in {KafkaError._AUTHENTICATION, KafkaError._SSL}:
            raise kcon_error(error, self._what())
        if code == KafkaError._ALL_BROKERS_DOWN or (self._unreachable is None and code in UNREACHABLE_CODES):
            if self._unreachable is None:
                self._notices.append(Notice(text=f"No broker answers: {WireText(error.str())}"))
            self._unreachable = error

    def _on_assign(self, consumer: Consumer, partitions: list[confluent_kafka.TopicPartition]) -> None:
        self._open = {(part.topic, part.partition) for part in partitions}
        self._assigned_once = True

    def _on_revoke(self, consumer: Consumer, partitions: list[confluent_kafka.TopicPartition]) -> None:
        self._store_acknowledged(consumer)
        self._open -= {(part.topic, part.partition) for part in partitions}

    def _store_acknowledged(self, consumer: Consumer) -> None:
        """Tell librdkafka what may be committed; it commits by itself and at close."""
        with self._acknowledged_lock:
            done, self._acknowledged = self._acknowledged, {}
        for (raw_topic, partition), next_offset in done.items():
            try:
                consumer.store_offsets(offsets=[confluent_kafka.TopicPartition(raw_topic, partition, next_offset)])
            except KafkaException as failure:
                # The partition went to another member in between; that one reads the records again.
                if failure.args[0].code() not in {KafkaError._STATE, KafkaError._UNKNOWN_PARTITION}:
                    raise

    def _without_headers(self, message: Message) -> Headers:
        """Say that the headers of a record cannot be read: the binding cannot hold a name that is not UTF-8."""
        where = f"{WireText(message.topic() or '')}/{message.partition()}/{message.offset()}"
        if self._plan.exact:
            raise KconError(f"{where}: a header's name is not UTF-8, so the record cannot be written again.") from None
        self._notices.append(Notice(text=f"{where}: a header's name is not UTF-8; its headers are not shown."))
        return ()

    def _what(self) -> str:
        topics = sorted({str(part.partition.topic) for part in self._plan.ranges} | set(map(str, self._plan.topics)))
        return f"Reading {topics[0]}" if len(topics) == 1 else f"Reading {len(topics)} topics"


def _headers(found: "HeadersType") -> Headers:
    pairs = found.items() if isinstance(found, dict) else found
    return tuple((WireText(name), value.encode() if isinstance(value, str) else value) for name, value in pairs)


_make_record: Final = tuple.__new__
"""Makes a record without the call of its own constructor, which costs as much as three of its fields."""
