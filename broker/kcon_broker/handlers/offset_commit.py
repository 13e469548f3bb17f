"""OffsetCommit (8), versions 2-10: record how far a group has come.

- v2-v4: the client may give a retention of its own; from v5 on the broker's holds (KIP-211).
- v6: the leader epoch of the offset is kept (KIP-320).
- v7: static members by group instance id (KIP-345).
- v9: a generation of a group that is not there is GROUP_ID_NOT_FOUND (KIP-848), before it is ILLEGAL_GENERATION.
  Members of groups of the new protocol commit with their epoch; older versions are UNSUPPORTED_VERSION for them.
- v10: topics are named by their ids (KIP-848); an unknown one is UNKNOWN_TOPIC_ID.

Partitions that do not exist are refused one by one, before the group is asked.
"""

from kcon_broker.handlers.group_answers import answer_when_durable, moment
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.groups.offsets import CommitAsk, PartitionCommit
from kcon_broker.state.topic import Topic
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)

_TOPIC_IDS_SINCE = 10


@handles(ApiKey.OFFSET_COMMIT, versions=(2, 10))
def handle_offset_commit(ctx: RequestContext, request: OffsetCommitRequest) -> Answer:
    """Commit offsets of a group."""
    answer_topics = _AnswerTopics()
    commits: list[PartitionCommit] = []
    for wanted in request.topics:
        topic, unknown = _find_topic(ctx, wanted)
        name = wanted.name if topic is None else topic.name
        for partition in wanted.partitions:
            index = partition.partition_index
            if topic is None or not 0 <= index < topic.partition_count:
                answer_topics.add(name, wanted.topic_id, index, unknown)
                continue
            commits.append(
                PartitionCommit(
                    topic=topic.name,
                    topic_id=topic.topic_id,
                    partition=index,
                    offset=partition.committed_offset,
                    leader_epoch=partition.committed_leader_epoch,
                    metadata=partition.committed_metadata,
                )
            )
    if commits:
        ask = CommitAsk(
            group_id=request.group_id,
            generation=request.generation_id_or_member_epoch,
            member_id=request.member_id,
            instance_id=request.group_instance_id,
            retention_ms=request.retention_time_ms,
            api_version=ctx.api_version,
            commits=tuple(commits),
        )
        errors = ctx.broker.groups.commit(ask, moment(ctx))
        for commit, error_code in zip(commits, errors, strict=True):
            answer_topics.add(commit.topic, commit.topic_id, commit.partition, error_code)
    return answer_when_durable(
        ctx, (request.group_id,), OffsetCommitResponse(topics=answer_topics.topics), failed=_refusal(request)
    )


def _find_topic(ctx: RequestContext, wanted: OffsetCommitRequestTopic) -> tuple[Topic | None, ErrorCode]:
    """Return the topic meant, and what to say of a partition that it does not have."""
    topics = ctx.broker.topics
    if ctx.api_version < _TOPIC_IDS_SINCE:
        return topics.by_name.get(wanted.name), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    topic = topics.by_id.get(wanted.topic_id)
    return topic, ErrorCode.UNKNOWN_TOPIC_ID if topic is None else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def _refusal(request: OffsetCommitRequest) -> OffsetCommitResponse:
    answer_topics = _AnswerTopics()
    for wanted in request.topics:
        for partition in wanted.partitions:
            answer_topics.add(
                wanted.name, wanted.topic_id, partition.partition_index, ErrorCode.COORDINATOR_NOT_AVAILABLE
            )
    return OffsetCommitResponse(topics=answer_topics.topics)


class _AnswerTopics:
    """The answer's topics, each once, in the order in which they were first named."""

    def __init__(self) -> None:
        self.topics: list[OffsetCommitResponseTopic] = []
        self._by_key: dict[str | bytes, OffsetCommitResponseTopic] = {}

    def topic(self, name: str, topic_id: bytes) -> OffsetCommitResponseTopic:
        key = name or topic_id
        topic = self._by_key.get(key)
        if topic is None:
            topic = self._by_key[key] = OffsetCommitResponseTopic(name=name, topic_id=topic_id)
            self.topics.append(topic)
        return topic

    def add(self, name: str, topic_id: bytes, partition: int, error_code: int) -> None:
        self.topic(name, topic_id).partitions.append(
            OffsetCommitResponsePartition(partition_index=partition, error_code=error_code)
        )
