"""Fetch (1), versions 4-18: whole batches from an offset on.

- A fetch that starts inside a batch returns that batch; the first batch of an answer is returned whole even where it
  is larger than every limit (KIP-74).
- It waits up to `max_wait_ms` for `min_bytes`, unless a partition has an error to tell.
- v7: sessions (KIP-227), in `state/fetch_sessions`; v9: the leader epoch is checked (KIP-320).
- v12: `last_fetched_epoch` finds out where the client's log and ours part (KIP-595).
- v13: topics by id (KIP-516).
- A reader of committed records gets them up to the last stable offset, with the aborted transactions among them, whose
  records it skips (KIP-98).
- What all clients leave unsent is limited: an answer gets smaller the less room there is (`state/unsent_answers`), at
  last waits for it, and after its time holds no records, as one that a quota of Apache Kafka holds back.
- A consumer reads up to the high watermark: with flush=always that is what survives a power cut.
"""

from collections.abc import Hashable

from kcon_broker.batch.header import read_header
from kcon_broker.handlers.offset_for_leader_epoch import end_of_epoch
from kcon_broker.handlers.registry import Answer, NeedsRead, Park, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.state.fetch_sessions import NO_SESSION, FetchContext, FetchWish
from kcon_broker.state.partition import Partition
from kcon_broker.state.traffic import Traffic
from kcon_broker.storage.files import WouldBlockError
from kcon_broker.storage.log_reader import split_batches
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.fetch import (
    AbortedTransaction,
    EpochEndOffset,
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    LeaderIdAndEpoch,
    PartitionData,
)
from kcon_broker.wire.stored_bytes import StoredBytes

_READ_COMMITTED = 1
_COLD_ATTEMPTS_MAX = 3
"""After so many the memory is too short to keep what was just read: the disk is waited for."""
_ROOM_WAIT_MS_MIN = 500
"""How long an answer waits for room in any case: a client with no patience would ask again at once."""
_ISOLATION_LEVELS = (0, 1)
_FIRST_VERSION_WITH_TOPIC_IDS = 13
_FIRST_VERSION_WITH_LEADER = 16


@handles(ApiKey.FETCH, versions=(4, 18))
def handle_fetch(ctx: RequestContext, request: FetchRequest) -> Answer | Park | NeedsRead:
    """Read what is there, or wait for it."""
    if request.isolation_level not in _ISOLATION_LEVELS:
        # Apache Kafka's handler fails on it, and all partitions with it.
        return Answer(_refused(ctx, request, ErrorCode.UNKNOWN_SERVER_ERROR))
    uses_ids = ctx.api_version >= _FIRST_VERSION_WITH_TOPIC_IDS
    context = ctx.broker.fetch_sessions.open(
        session_id=request.session_id,
        epoch=request.session_epoch,
        uses_topic_ids=uses_ids,
        wishes=list(
            {
                # Of a partition named twice the last wish counts.
                (topic.topic_id if uses_ids else topic.topic, partition.partition): FetchWish(
                    topic.topic_id if uses_ids else topic.topic,
                    partition.partition,
                    partition.fetch_offset,
                    partition.partition_max_bytes,
                    partition.current_leader_epoch,
                    partition.last_fetched_epoch,
                )
                for topic in request.topics
                for partition in topic.partitions
            }.values()
        ),
        forgotten=[
            (topic.topic_id if uses_ids else topic.topic, index)
            for topic in request.forgotten_topics_data
            for index in topic.partitions
        ],
        now_ms=ctx.now_ms,
    )
    if context.error_code != ErrorCode.NONE:
        return Answer(FetchResponse(error_code=context.error_code))
    return _Fetch(ctx, request, context).attempt(ctx)


def _refused(ctx: RequestContext, request: FetchRequest, error_code: ErrorCode) -> FetchResponse:
    """Return what a request is answered with that fails as a whole."""
    response = FetchResponse(error_code=error_code, session_id=request.session_id)
    if ctx.api_version < _FIRST_VERSION_WITH_TOPIC_IDS:
        for topic in request.topics:
            partitions = [
                PartitionData(
                    partition_index=wish.partition,
                    error_code=error_code,
                    high_watermark=-1,
                    aborted_transactions=[],
                    records=b"",
                )
                for wish in topic.partitions
            ]
            response.responses.append(FetchableTopicResponse(topic=topic.topic, partitions=partitions))
    return response


class _Fetch:
    """One fetch, tried until it has enough or has waited long enough."""

    __slots__ = (
        "cold",
        "cold_attempts",
        "context",
        "max_bytes",
        "min_bytes",
        "reads_committed",
        "room_until_ms",
        "until_ms",
    )

    def __init__(self, ctx: RequestContext, request: FetchRequest, context: FetchContext) -> None:
        self.context = context
        self.cold: list[WouldBlockError] = []
        """What the last attempt did not find in memory."""
        self.cold_attempts = 0
        self.min_bytes = request.min_bytes
        self.max_bytes = min(request.max_bytes, ctx.broker.settings.network.fetch_response_bytes_max)
        self.reads_committed = request.isolation_level == _READ_COMMITTED
        self.until_ms = ctx.now_ms + max(0, request.max_wait_ms)
        self.room_until_ms = max(self.until_ms, ctx.now_ms + _ROOM_WAIT_MS_MIN)

    def attempt(self, ctx: RequestContext) -> Answer | Park | NeedsRead:
        """Answer with what is there, or wait."""
        self.cold.clear()
        read: list[tuple[FetchWish, PartitionData]] = []
        wake_on: list[Hashable] = []
        unsent = ctx.broker.unsent_answers
        room = min(self.max_bytes, unsent.answer_bytes_max)
        total = 0
        sizes: list[tuple[Traffic, int]] = []
        must_answer = not self.context.wishes or ctx.now_ms >= self.until_ms
        for wish in self.context.wishes:
            partition = _find(ctx.broker, wish)
            if isinstance(partition, ErrorCode):
                data = PartitionData(partition_index=wish.index, error_code=partition, high_watermark=-1, records=b"")
                size = 0
            else:
                wake_on.append(partition)
                data, size = self._read(ctx, partition, wish, room, must_have_one=total == 0)
                room = max(0, room - size)
                # A fetch that is tried again counts again, as in Apache Kafka.
                traffic = partition.topic.traffic
                traffic.fetch_requests += 1
                if size:
                    sizes.append((traffic, size))
                elif data.error_code != ErrorCode.NONE:
                    traffic.failed_fetch_requests += 1
            total += size
            must_answer = must_answer or data.error_code != ErrorCode.NONE or data.diverging_epoch is not None
            read.append((wish, data))
        if self.cold:
            self.cold_attempts += 1
            return NeedsRead(list(self.cold), self.attempt)
        if not must_answer and total < min(self.min_bytes, unsent.answer_bytes_max):
            return Park(self.until_ms, wake_on, self.attempt)
        held = _bytes_in_memory(read)
        if not unsent.may_hold(held):
            if ctx.now_ms < self.room_until_ms:
                return Park(self.room_until_ms, [unsent.await_room()], self.attempt)
            for _, data in read:
                data.records = b""
                if data.aborted_transactions:
                    data.aborted_transactions = []
            held = 0
            sizes.clear()
        for traffic, size in sizes:
            traffic.bytes_out += size
        return Answer(self._response(read), held_bytes=held)

    def _read(
        self, ctx: RequestContext, partition: Partition, wish: FetchWish, room: int, *, must_have_one: bool
    ) -> tuple[PartitionData, int]:
        data = PartitionData(
            partition_index=wish.index,
            aborted_transactions=[] if self.reads_committed else None,
            records=b"",
        )
        epoch = ctx.broker.leader_epoch(partition.topic)
        if 0 <= wish.current_leader_epoch != epoch:
            is_old = wish.current_leader_epoch < epoch
            data.error_code = ErrorCode.FENCED_LEADER_EPOCH if is_old else ErrorCode.UNKNOWN_LEADER_EPOCH
            data.high_watermark = -1
            data.aborted_transactions = None
            if is_old and ctx.api_version >= _FIRST_VERSION_WITH_LEADER:
                data.current_leader = LeaderIdAndEpoch(leader_id=ctx.broker.node_id, leader_epoch=epoch)
            return data, 0
        log = ctx.broker.log_of(partition)
        if log is None:
            data.error_code = ErrorCode.KAFKA_STORAGE_ERROR
            data.high_watermark = -1
            return data, 0
        if not log.log_start_offset <= wish.fetch_offset <= log.log_end_offset:
            data.error_code = ErrorCode.OFFSET_OUT_OF_RANGE
            data.high_watermark = -1
            data.aborted_transactions = None
            return data, 0
        data.high_watermark, data.last_stable_offset = partition.high_watermark, partition.last_stable_offset
        data.log_start_offset = log.log_start_offset
        if wish.last_fetched_epoch >= 0:
            known_epoch, end_offset = end_of_epoch(log, wish.last_fetched_epoch, current_epoch=epoch)
            if known_epoch < 0:
                data.error_code = ErrorCode.OFFSET_OUT_OF_RANGE
                data.high_watermark = data.last_stable_offset = data.log_start_offset = -1
                data.aborted_transactions = None
                return data, 0
            if known_epoch < wish.last_fetched_epoch or end_offset < wish.fetch_offset:
                data.diverging_epoch = EpochEndOffset(epoch=known_epoch, end_offset=end_offset)
                return data, 0
        limit_offset = data.last_stable_offset if self.reads_committed else data.high_watermark
        if wish.fetch_offset >= limit_offset or not (room or must_have_one):
            return data, 0
        if min(wish.max_bytes, room) < 0:
            data.error_code = ErrorCode.UNKNOWN_SERVER_ERROR
            data.high_watermark = data.last_stable_offset = data.log_start_offset = -1
            data.aborted_transactions = None
            return data, 0
        try:
            # Only where the last of the batches has to be looked into are they read.
            must_read = self.reads_committed and bool(partition.producers.transactions.aborted)
            parts = log.read_parts(
                wish.fetch_offset,
                min(wish.max_bytes, room),
                limit_offset=limit_offset,
                min_one=must_have_one,
                may_block=self.cold_attempts >= _COLD_ATTEMPTS_MAX,
                must_read=must_read,
            )
            if must_read and parts:
                data.aborted_transactions = _aborted(partition, log.log_start_offset, wish.fetch_offset, parts[-1])
        except WouldBlockError as cold:
            self.cold.append(cold)
            return data, 0
        except OSError as error:
            ctx.broker.report(f"a read of {partition.folder} failed: {error}")
            data.error_code = ErrorCode.KAFKA_STORAGE_ERROR
            return data, 0
        data.records = parts
        if not parts:
            # A batch that is too large for what is left is taken out after the read, and this list with it.
            data.aborted_transactions = None
        return data, sum(map(len, parts))

    def _response(self, read: list[tuple[FetchWish, PartitionData]]) -> FetchResponse:
        session, is_incremental = self.context.session, self.context.is_incremental
        response = FetchResponse(session_id=NO_SESSION if session is None else session.session_id)
        topic: FetchableTopicResponse | None = None
        current: str | bytes | None = None
        for wish, data in read:
            if session is not None:
                has_news = (
                    bool(data.records)
                    or data.error_code != ErrorCode.NONE
                    or data.diverging_epoch is not None
                    or data.high_watermark != wish.told_high_watermark
                    or data.log_start_offset != wish.told_log_start_offset
                )
                if is_incremental and not has_news:
                    continue
                wish.told_high_watermark = data.high_watermark
                wish.told_log_start_offset = data.log_start_offset
                if data.records or data.error_code != ErrorCode.NONE:
                    session.had_news(wish)
            if topic is None or current != wish.topic:
                current = wish.topic
                topic = (
                    FetchableTopicResponse(topic=current)
                    if isinstance(current, str)
                    else FetchableTopicResponse(topic_id=current)
                )
                response.responses.append(topic)
            topic.partitions.append(data)
        return response


def _bytes_in_memory(read: list[tuple[FetchWish, PartitionData]]) -> int:
    """Return the size of the records that were read, not left to the system to send."""
    return sum(
        len(part)
        for _, data in read
        if isinstance(data.records, list)
        for part in data.records
        if not isinstance(part, StoredBytes)
    )


def _aborted(
    partition: Partition, log_start_offset: int, start_offset: int, last_part: memoryview | StoredBytes
) -> list[AbortedTransaction]:
    """Return the aborted transactions that have records or markers among those read."""
    transactions = partition.producers.transactions.aborted
    transactions.forget_before(log_start_offset)
    assert isinstance(last_part, memoryview), "it was to be read"
    end_offset = read_header(split_batches([last_part])[-1]).next_offset
    return [
        AbortedTransaction(producer_id=aborted.producer_id, first_offset=aborted.first_offset)
        for aborted in transactions.between(start_offset, end_offset)
    ]


def _find(broker: Broker, wish: FetchWish) -> Partition | ErrorCode:
    if isinstance(wish.topic, str):
        topic = broker.topics.by_name.get(wish.topic)
        if topic is None:
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    else:
        topic = broker.topics.by_id.get(wish.topic)
        if topic is None:
            return _gone(broker, wish)
        wish.name = topic.name
    return topic.partition(wish.index) or ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def _gone(broker: Broker, wish: FetchWish) -> ErrorCode:
    """Say what became of a topic that is asked for by its id: a session knows the name that it had (KIP-516)."""
    if not wish.name:
        return ErrorCode.UNKNOWN_TOPIC_ID
    anew = broker.topics.by_name.get(wish.name)
    is_there = anew is not None and anew.partition(wish.index) is not None
    return ErrorCode.INCONSISTENT_TOPIC_ID if is_there else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
