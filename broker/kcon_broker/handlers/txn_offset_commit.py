"""TxnOffsetCommit (28), versions 0-5: record how far a group has come, as part of a transaction (KIP-98).

The offsets can be fetched once the transaction is committed.

- v2: the leader epoch of the offset is kept (KIP-320).
- v3: the consumer's member id and generation are checked, so that one that lost its partitions is shut out (KIP-447).
- v4: TRANSACTION_ABORTABLE is known.
- v5: version 2 of transactions (KIP-890): the group's partition joins the transaction by itself. In older versions it
  must have been added before.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.handlers.transaction_answers import moment
from kcon_broker.state.gate import Gate
from kcon_broker.state.groups.offsets import CommitAsk, PartitionCommit
from kcon_broker.state.topic import OFFSETS_TOPIC
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)

_ABORTABLE_SINCE = 4
_ADDS_SINCE = 5


@handles(ApiKey.TXN_OFFSET_COMMIT, versions=(0, 5))
def handle_txn_offset_commit(ctx: RequestContext, request: TxnOffsetCommitRequest) -> Answer:
    """Commit offsets of a group, pending the outcome of the transaction."""
    commits: list[PartitionCommit] = []
    for wanted in request.topics:
        topic = ctx.broker.topics.by_name.get(wanted.name)
        commits += [
            PartitionCommit(
                topic=topic.name,
                topic_id=topic.topic_id,
                partition=partition.partition_index,
                offset=partition.committed_offset,
                leader_epoch=partition.committed_leader_epoch,
                metadata=partition.committed_metadata,
            )
            for partition in wanted.partitions
            if topic is not None and 0 <= partition.partition_index < topic.partition_count
        ]
    errors: dict[tuple[str, int], ErrorCode] = {}
    if commits:
        told = _commit(ctx, request, tuple(commits))
        errors = {(commit.topic, commit.partition): error for commit, error in zip(commits, told, strict=True)}
    after: dict[Gate, int] = dict(ctx.broker.transaction_positions(request.transactional_id))
    position = ctx.broker.coordinator_position(request.group_id)
    if position is not None:
        after[position[0]] = position[1]
    lost = _response(request, dict.fromkeys(errors, ErrorCode.COORDINATOR_NOT_AVAILABLE))
    return Answer(_response(request, errors), after=tuple(after.items()), failed=lambda _gate: lost)


def _commit(
    ctx: RequestContext, request: TxnOffsetCommitRequest, commits: tuple[PartitionCommit, ...]
) -> tuple[ErrorCode, ...]:
    if not request.group_id:
        return (ErrorCode.INVALID_GROUP_ID,) * len(commits)
    error = _join(ctx, request)
    if error is not ErrorCode.NONE:
        return (error,) * len(commits)
    ask = CommitAsk(
        group_id=request.group_id,
        generation=request.generation_id,
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        retention_ms=-1,
        api_version=ctx.api_version,
        commits=commits,
    )
    return ctx.broker.groups.commit_pending(ask, (request.producer_id, request.producer_epoch), moment(ctx))


def _join(ctx: RequestContext, request: TxnOffsetCommitRequest) -> ErrorCode:
    """Have the group's partition in the transaction, or say why it is not."""
    place = (OFFSETS_TOPIC, ctx.broker.offsets_partition_of(request.group_id))
    transactions = ctx.broker.transactions
    who = (request.transactional_id, request.producer_id, request.producer_epoch)
    if ctx.api_version >= _ADDS_SINCE:
        error = transactions.add_partitions(*who, [place], client_version=2, at=moment(ctx))
    else:
        error = transactions.verify_partition(*who, place)
    if error is ErrorCode.TRANSACTION_ABORTABLE and ctx.api_version < _ABORTABLE_SINCE:
        return ErrorCode.INVALID_TXN_STATE
    return ErrorCode.INVALID_PRODUCER_EPOCH if error is ErrorCode.PRODUCER_FENCED else error


def _response(request: TxnOffsetCommitRequest, errors: dict[tuple[str, int], ErrorCode]) -> TxnOffsetCommitResponse:
    """Answer for each partition; those that do not exist come first, as from Apache Kafka."""
    topics: dict[str, TxnOffsetCommitResponseTopic] = {}
    places = [(wanted.name, partition.partition_index) for wanted in request.topics for partition in wanted.partitions]
    for name, index in sorted(places, key=lambda place: place in errors):
        topic = topics.setdefault(name, TxnOffsetCommitResponseTopic(name=name))
        error_code = errors.get((name, index), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        topic.partitions.append(TxnOffsetCommitResponsePartition(partition_index=index, error_code=error_code))
    return TxnOffsetCommitResponse(topics=list(topics.values()))
