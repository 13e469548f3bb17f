"""Produce (0), versions 3-13 (advertised from 0, KAFKA-18659): append batches to partitions.

- acks=0 gets no answer, and an error in it closes the connection; acks=1 is answered when written, acks=all when
  the high watermark has passed the records, that is when a power cut cannot take them any more.
- Where the disk has little more room than commits and a start need, every batch is KAFKA_STORAGE_ERROR.
- One batch a partition; its records are validated as `batch/validate` says.
- A batch that an idempotent producer sent before is not written again: it gets the offset of the original, when the
  original is durable (KIP-98).
- v7: zstd (KIP-110); v8: errors by record (KIP-467); v13: topics by id (KIP-516).
- A transactional batch goes to a partition that its transaction has: v12 adds it by itself, before it must have been
  added, or the batch is refused, with INVALID_TXN_STATE and from v11 on with TRANSACTION_ABORTABLE (KIP-98, KIP-890).
"""

from kcon_broker.batch.header import (
    ATTRIBUTES_AT,
    HEADER_BYTES,
    LOG_APPEND_TIME,
    MAGIC,
    TRANSACTIONAL_FLAG,
    BatchHeader,
)
from kcon_broker.batch.validate import BatchError, BatchRules, validate_batch
from kcon_broker.handlers.registry import Answer, CloseConnection, RequestContext, handles
from kcon_broker.state.gate import Gate
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.state.partition import Partition
from kcon_broker.state.producers import Duplicate, SentBatch
from kcon_broker.state.topic import INTERNAL_TOPICS, Topic
from kcon_broker.storage.log import Log
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.produce import (
    BatchIndexAndErrorMessage,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)

_MAGIC_AT = 16
_ACKS_ALL = -1
_ACKS_LEADER = 1
_ACKS_NONE = 0
_FIRST_VERSION_WITH_TOPIC_IDS = 13
_FIRST_VERSION_WITH_ZSTD = 7
_FIRST_VERSION_WITH_ABORTABLE = 11
_FIRST_VERSION_THAT_ADDS = 12
_ERRORS_BEFORE_THE_LOG = frozenset(
    (ErrorCode.CORRUPT_MESSAGE, ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
)
"""Kafka tells no log start with these."""
_ADMIN_CLIENT = "__admin_client"
"""The client id that may write to internal topics, as in Kafka."""


@handles(ApiKey.PRODUCE, versions=(0, 13), min_served=3)
def handle_produce(ctx: RequestContext, request: ProduceRequest) -> Answer | None:
    """Append each partition's batch, or say why not."""
    production = _Production(ctx, request)
    wishes = _each_once(request)
    if request.transactional_id is None and _has_transactional_batch(wishes):
        response = ProduceResponse(responses=[production.refuse_topic(wanted) for wanted in wishes])
    else:
        response = ProduceResponse(responses=[production.append_topic(wanted) for wanted in wishes])
    if request.acks == _ACKS_NONE:
        if production.has_errors:
            raise CloseConnection("an acks=0 produce failed, and there is no other way to tell the client")
        return None

    def failed(gate: Gate) -> ProduceResponse:
        production.fail(gate)
        return response

    return Answer(response, after=production.after, failed=failed)


def _each_once(request: ProduceRequest) -> list[TopicProduceData]:
    """Return the topics and partitions that have a batch, each once: of two batches for one the last counts."""
    if len(request.topic_data) == 1 and len(request.topic_data[0].partition_data) == 1:
        return request.topic_data
    topics: dict[tuple[str, bytes], dict[int, PartitionProduceData]] = {}
    for topic in request.topic_data:
        for data in topic.partition_data:
            topics.setdefault((topic.name, topic.topic_id), {})[data.index] = data
    return [
        TopicProduceData(name=name, topic_id=topic_id, partition_data=list(partitions.values()))
        for (name, topic_id), partitions in topics.items()
    ]


def _has_transactional_batch(wishes: list[TopicProduceData]) -> bool:
    """Tell whether a batch, sound or not, says that it belongs to a transaction: that is looked at before all else."""
    for topic in wishes:
        for data in topic.partition_data:
            records = data.records
            if (
                records is not None
                and len(records) >= HEADER_BYTES
                and records[ATTRIBUTES_AT + 1] & TRANSACTIONAL_FLAG
                and records[_MAGIC_AT] == MAGIC
            ):
                return True
    return False


class _Production:
    """One request on its way through its partitions."""

    __slots__ = ("_told", "acks", "after", "ctx", "has_errors", "transactional_id")

    def __init__(self, ctx: RequestContext, request: ProduceRequest) -> None:
        self.ctx = ctx
        self.acks = request.acks
        self.transactional_id = request.transactional_id
        self.after: list[tuple[Gate, int]] = []
        self.has_errors = False
        self._told: list[tuple[Gate, PartitionProduceResponse]] = []

    def append_topic(self, wanted: TopicProduceData) -> TopicProduceResponse:
        """Append the batches for one topic."""
        topics = self.ctx.broker.topics
        if self.ctx.api_version >= _FIRST_VERSION_WITH_TOPIC_IDS:
            topic = topics.by_id.get(wanted.topic_id)
            missing = ErrorCode.UNKNOWN_TOPIC_ID
        else:
            topic = topics.by_name.get(wanted.name)
            missing = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            if wanted.name in INTERNAL_TOPICS and self.ctx.client_id != _ADMIN_CLIENT:
                topic, missing = None, ErrorCode.INVALID_TOPIC_EXCEPTION
        return TopicProduceResponse(
            name=wanted.name,
            topic_id=wanted.topic_id,
            partition_responses=[
                self._error(data, missing) if topic is None else self._append(topic, data)
                for data in wanted.partition_data
            ],
        )

    def refuse_topic(self, wanted: TopicProduceData) -> TopicProduceResponse:
        """Refuse the batches for one topic: one of the request is transactional, and the producer has no such id."""
        error_code = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        return TopicProduceResponse(
            name=wanted.name,
            topic_id=wanted.topic_id,
            partition_responses=[self._error(data, error_code) for data in wanted.partition_data],
        )

    def fail(self, gate: Gate) -> None:
        """Turn the answer of the partition whose write or sync failed into an error."""
        for told_gate, response in self._told:
            if told_gate is gate:
                response.error_code = ErrorCode.KAFKA_STORAGE_ERROR
                response.base_offset = -1

    def _error(
        self,
        data: PartitionProduceData,
        error_code: ErrorCode,
        message: str | None = None,
        *,
        log_start_offset: int = -1,
    ) -> PartitionProduceResponse:
        self.has_errors = True
        return PartitionProduceResponse(
            index=data.index,
            error_code=error_code,
            base_offset=-1,
            log_start_offset=log_start_offset,
            error_message=message,
        )

    def _append(self, topic: Topic, data: PartitionProduceData) -> PartitionProduceResponse:
        """Judge and append one batch, and count it."""
        response = self._judge_and_append(topic, data)
        topic.traffic.produce_requests += 1
        if response.error_code != ErrorCode.NONE:
            topic.traffic.failed_produce_requests += 1
        return response

    def _judge_and_append(self, topic: Topic, data: PartitionProduceData) -> PartitionProduceResponse:
        ctx = self.ctx
        broker = ctx.broker
        if topic.is_internal and ctx.client_id != _ADMIN_CLIENT:
            return self._error(data, ErrorCode.INVALID_TOPIC_EXCEPTION)
        partition = topic.partition(data.index)
        if partition is None:
            return self._error(data, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if self.acks not in (_ACKS_ALL, _ACKS_LEADER, _ACKS_NONE):
            return self._error(data, ErrorCode.INVALID_REQUIRED_ACKS)
        log = None if broker.is_out_of_room else broker.log_of(partition)
        if log is None:
            return self._error(data, ErrorCode.KAFKA_STORAGE_ERROR)
        rules = broker.rules_of(topic)
        batch = validate_batch(
            data.records,
            rules=rules,
            now_ms=ctx.wall_ms,
            allow_zstd=ctx.api_version >= _FIRST_VERSION_WITH_ZSTD,
        )
        if isinstance(batch, BatchError):
            return self._refused(data, batch, log)
        header = batch.header
        is_transactional, has_producer_id = header.is_transactional, header.has_producer_id
        if is_transactional:
            assert self.transactional_id is not None, "refused before"
            error = self._join_transaction(self.transactional_id, partition, header)
            if error is not ErrorCode.NONE:
                return self._error(data, error)
        elif has_producer_id and header.producer_id in partition.producers.transactions.ongoing:
            return self._error(data, ErrorCode.INVALID_TXN_STATE, "A transactional batch was expected.")
        if has_producer_id:
            verdict = partition.producers.check(
                header.producer_id,
                header.producer_epoch,
                header.base_sequence,
                header.last_sequence,
                must_begin=is_transactional and ctx.api_version >= _FIRST_VERSION_THAT_ADDS,
            )
            if isinstance(verdict, Duplicate):
                original = verdict.batch
                response = self._answer(
                    partition, log, rules, first_offset=original.first_offset, end_offset=original.last_offset + 1
                )
                response.log_append_time_ms = original.timestamp_ms
                self._await_transaction(header, response)
                return response
            if verdict is not None:
                return self._error(data, verdict, log_start_offset=log.log_start_offset)
        try:
            base_offset = log.append(batch.batch, now_ms=ctx.wall_ms)
        except OSError:
            return self._error(data, ErrorCode.KAFKA_STORAGE_ERROR)
        broker.dirty[partition] = None
        traffic = topic.traffic
        traffic.bytes_in += len(batch.batch)
        traffic.records_in += header.last_offset_delta + 1
        if has_producer_id:
            sent = SentBatch(
                header.base_sequence,
                header.last_sequence,
                base_offset,
                base_offset + header.last_offset_delta,
                header.max_timestamp,
            )
            partition.producers.appended(
                header.producer_id,
                header.producer_epoch,
                sent,
                producers_max=broker.settings.storage.producer_ids_per_partition_max,
            )
        response = self._answer(partition, log, rules, first_offset=base_offset, end_offset=log.log_end_offset)
        if is_transactional:
            partition.producers.transactions.appended(header.producer_id, base_offset)
            self._await_transaction(header, response)
        return response

    def _await_transaction(self, header: BatchHeader, response: PartitionProduceResponse) -> None:
        """Let the answer wait for the beginning of its transaction: without it a crash would abort the batch."""
        if header.is_transactional and self.transactional_id is not None:
            for position in self.ctx.broker.transaction_positions(self.transactional_id):
                self.after.append(position)
                self._told.append((position[0], response))

    def _join_transaction(self, transactional_id: str, partition: Partition, header: BatchHeader) -> ErrorCode:
        """Have the partition in the batch's transaction, or say why it is not."""
        producers = partition.producers
        entry = producers.entries.get(header.producer_id)
        is_open = header.producer_id in producers.transactions.ongoing
        if is_open and entry is not None and entry.epoch == header.producer_epoch:
            return ErrorCode.NONE
        place = (partition.topic.name, partition.index)
        who = (transactional_id, header.producer_id, header.producer_epoch)
        ctx = self.ctx
        if ctx.api_version >= _FIRST_VERSION_THAT_ADDS:
            error = ctx.broker.transactions.add_partitions(
                *who, [place], client_version=2, at=Moment(ctx.now_ms, ctx.wall_ms)
            )
        else:
            error = ctx.broker.transactions.verify_partition(*who, place)
        if error is ErrorCode.PRODUCER_FENCED:
            return ErrorCode.INVALID_PRODUCER_EPOCH
        if error is ErrorCode.TRANSACTION_ABORTABLE and ctx.api_version < _FIRST_VERSION_WITH_ABORTABLE:
            return ErrorCode.INVALID_TXN_STATE
        is_passing = error is ErrorCode.CONCURRENT_TRANSACTIONS and ctx.api_version < _FIRST_VERSION_THAT_ADDS
        # Older producers repeat a batch after this one only.
        return ErrorCode.NOT_ENOUGH_REPLICAS if is_passing or error is ErrorCode.NOT_COORDINATOR else error

    def _answer(
        self, partition: Partition, log: Log, rules: BatchRules, *, first_offset: int, end_offset: int
    ) -> PartitionProduceResponse:
        """Tell the offset, when the records are as safe as the client wishes."""
        response = PartitionProduceResponse(
            index=partition.index,
            base_offset=first_offset,
            log_append_time_ms=self.ctx.wall_ms if rules.timestamp_type == LOG_APPEND_TIME else -1,
            log_start_offset=log.log_start_offset,
        )
        gate = partition if self.acks == _ACKS_ALL else partition.written
        self.after.append((gate, end_offset))
        self._told.append((gate, response))
        return response

    def _refused(self, data: PartitionProduceData, refused: BatchError, log: Log) -> PartitionProduceResponse:
        """Tell why a batch was refused, record by record where that is known (KIP-467)."""
        error_code = ErrorCode(refused.error_code)
        is_early = refused.is_unfit or error_code in _ERRORS_BEFORE_THE_LOG
        response = self._error(
            data, error_code, refused.message, log_start_offset=-1 if is_early else log.log_start_offset
        )
        response.record_errors = [
            BatchIndexAndErrorMessage(batch_index=index, batch_index_error_message=message)
            for index, message in refused.record_errors
        ]
        return response
