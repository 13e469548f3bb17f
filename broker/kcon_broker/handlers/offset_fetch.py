"""OffsetFetch (9), versions 1-10: how far has a group come?

- v1: an error of the group stands at each partition; v2-v7: in the answer's own field.
- v2: null topics ask for all partitions that the group has committed.
- v5: the leader epoch of the offset (KIP-320).
- v7: require_stable (KIP-447): an offset that a transaction has pending is UNSTABLE_OFFSET_COMMIT, to be asked again.
- v8: several groups in one request (KIP-709).
- v9: a member of a group of the new protocol names itself and its epoch, and is refused when it is stale (KIP-848).
- v10: topics are named by their ids (KIP-848); an unknown one is UNKNOWN_TOPIC_ID.

A group or partition that is not known has offset -1 and no error.
"""

from dataclasses import dataclass

from kcon_broker.handlers.group_answers import answer_when_durable
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.groups.pending_offsets import OffsetPlace
from kcon_broker.state.groups.records import CommittedOffset
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from kcon_broker.wire.schema import ZERO_UUID

_TOP_LEVEL_ERROR_SINCE = 2
_GROUPS_SINCE = 8
_TOPIC_IDS_SINCE = 10


@dataclass(frozen=True, slots=True)
class _GroupAsk:
    """One group of a request; topics of None asks for all."""

    group_id: str
    topics: list[OffsetFetchRequestTopics] | None
    requires_stable: bool
    member_id: str | None = None
    member_epoch: int = -1


@handles(ApiKey.OFFSET_FETCH, versions=(1, 10))
def handle_offset_fetch(ctx: RequestContext, request: OffsetFetchRequest) -> Answer:
    """Tell the committed offsets of groups."""
    asks = _asks(ctx, request)
    groups = [_fetch(ctx, ask) for ask in asks]
    failed = [_refusal(ctx, ask) for ask in asks]
    return answer_when_durable(
        ctx,
        (ask.group_id for ask in asks),
        _response(ctx.api_version, groups),
        failed=_response(ctx.api_version, failed),
    )


def _asks(ctx: RequestContext, request: OffsetFetchRequest) -> list[_GroupAsk]:
    if ctx.api_version >= _GROUPS_SINCE:
        return [
            _GroupAsk(group.group_id, group.topics, request.require_stable, group.member_id, group.member_epoch)
            for group in request.groups
        ]
    if request.topics is None:
        return [_GroupAsk(request.group_id, None, request.require_stable)]
    topics = [
        OffsetFetchRequestTopics(name=topic.name, partition_indexes=topic.partition_indexes) for topic in request.topics
    ]
    return [_GroupAsk(request.group_id, topics, request.require_stable)]


def _fetch(ctx: RequestContext, ask: _GroupAsk) -> OffsetFetchResponseGroup:
    error_code = ctx.broker.groups.consumer.fetch_error(ask.group_id, ask.member_id, ask.member_epoch)
    if error_code is not ErrorCode.NONE:
        return OffsetFetchResponseGroup(group_id=ask.group_id, error_code=error_code)
    topics = _all_topics(ctx, ask) if ask.topics is None else _wanted_topics(ctx, ask, ask.topics)
    return OffsetFetchResponseGroup(group_id=ask.group_id, topics=topics)


def _all_topics(ctx: RequestContext, ask: _GroupAsk) -> list[OffsetFetchResponseTopics]:
    topics: list[OffsetFetchResponseTopics] = []
    for name, offsets in ctx.broker.groups.offsets.of_group(ask.group_id).items():
        known = ctx.broker.topics.by_name.get(name)
        if known is None and ctx.api_version >= _TOPIC_IDS_SINCE:
            # Without an id there is no way to name it.
            continue
        topics.append(
            OffsetFetchResponseTopics(
                name=name,
                topic_id=ZERO_UUID if known is None else known.topic_id,
                partitions=[_settled(ctx, ask, name, index, value) for index, value in offsets.items()],
            )
        )
    return topics


def _wanted_topics(
    ctx: RequestContext, ask: _GroupAsk, wanted_topics: list[OffsetFetchRequestTopics]
) -> list[OffsetFetchResponseTopics]:
    """Answer what was asked, with the topics that nobody knows at the end."""
    topics: list[OffsetFetchResponseTopics] = []
    unknown_topics: list[OffsetFetchResponseTopics] = []
    group_offsets = ctx.broker.groups.offsets.of_group(ask.group_id)
    for wanted in wanted_topics:
        name = wanted.name
        if ctx.api_version >= _TOPIC_IDS_SINCE:
            known = ctx.broker.topics.by_id.get(wanted.topic_id)
            if known is None:
                unknown_topics.append(_error_topic(wanted, ErrorCode.UNKNOWN_TOPIC_ID))
                continue
            name = known.name
        offsets = group_offsets.get(name, {})
        topics.append(
            OffsetFetchResponseTopics(
                name=name,
                topic_id=wanted.topic_id,
                partitions=[
                    _settled(ctx, ask, name, index, _of_topic(offsets.get(index), wanted.topic_id))
                    for index in wanted.partition_indexes
                ],
            )
        )
    return topics + unknown_topics


def _of_topic(value: CommittedOffset | None, topic_id: bytes) -> CommittedOffset | None:
    """Return the offset unless it belongs to an earlier topic of the same name."""
    if value is None or ZERO_UUID in (value.topic_id, topic_id) or value.topic_id == topic_id:
        return value
    return None


def _settled(
    ctx: RequestContext, ask: _GroupAsk, topic: str, index: int, value: CommittedOffset | None
) -> OffsetFetchResponsePartitions:
    """Answer for one partition, unless the outcome of a transaction must be awaited first (KIP-447)."""
    if ask.requires_stable and OffsetPlace(ask.group_id, topic, index) in ctx.broker.groups.offsets.pending:
        error_code = ErrorCode.UNSTABLE_OFFSET_COMMIT
        return OffsetFetchResponsePartitions(partition_index=index, committed_offset=-1, error_code=error_code)
    return _partition(index, value)


def _partition(index: int, value: CommittedOffset | None) -> OffsetFetchResponsePartitions:
    if value is None:
        return OffsetFetchResponsePartitions(partition_index=index, committed_offset=-1)
    return OffsetFetchResponsePartitions(
        partition_index=index,
        committed_offset=value.offset,
        committed_leader_epoch=value.leader_epoch,
        metadata=value.metadata,
    )


def _error_topic(wanted: OffsetFetchRequestTopics, error_code: ErrorCode) -> OffsetFetchResponseTopics:
    return OffsetFetchResponseTopics(
        name=wanted.name,
        topic_id=wanted.topic_id,
        partitions=[
            OffsetFetchResponsePartitions(partition_index=index, committed_offset=-1, error_code=error_code)
            for index in wanted.partition_indexes
        ],
    )


def _refusal(ctx: RequestContext, ask: _GroupAsk) -> OffsetFetchResponseGroup:
    error_code = ErrorCode.COORDINATOR_NOT_AVAILABLE
    if ctx.api_version >= _TOP_LEVEL_ERROR_SINCE:
        return OffsetFetchResponseGroup(group_id=ask.group_id, error_code=error_code)
    topics = [_error_topic(wanted, error_code) for wanted in ask.topics or ()]
    return OffsetFetchResponseGroup(group_id=ask.group_id, topics=topics)


def _response(version: int, groups: list[OffsetFetchResponseGroup]) -> OffsetFetchResponse:
    if version >= _GROUPS_SINCE:
        return OffsetFetchResponse(groups=groups)
    (group,) = groups
    return OffsetFetchResponse(
        error_code=group.error_code,
        topics=[
            OffsetFetchResponseTopic(
                name=topic.name,
                partitions=[
                    OffsetFetchResponsePartition(
                        partition_index=partition.partition_index,
                        committed_offset=partition.committed_offset,
                        committed_leader_epoch=partition.committed_leader_epoch,
                        metadata=partition.metadata,
                        error_code=partition.error_code,
                    )
                    for partition in topic.partitions
                ],
            )
            for topic in group.topics
        ],
    )
