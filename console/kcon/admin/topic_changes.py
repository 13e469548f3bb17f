"""How are topics created, grown and deleted? All go to the controller, and answer topic by topic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kcon.admin.apis import Api
from kcon.admin.calls import item_error, need, none_when_done, on_controller
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.connection import Answer
from kcon.admin.decode import decode_response
from kcon.admin.requests import ReadRequest, WriteRequest
from kcon.core.ids import TopicName
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import NO_BROKER
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation, Permit

_DEFAULTS_SINCE: Final = 4
"""CreateTopics takes -1 for the broker's default since this version (KIP-464)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTopic:
    """A topic to create."""

    name: TopicName
    partitions: int = -1
    """-1: the broker's default."""
    replication_factor: int = -1
    """-1: the broker's default."""
    configs: Mapping[str, str] = field(default_factory=dict)


async def create_topics(
    cluster: Cluster, topics: Sequence[NewTopic], permit: Permit | None, *, validate_only: bool, deadline: Deadline
) -> dict[TopicName, KafkaError | None]:
    """Create topics, or let the broker check whether it would. None: done (or it would)."""
    by_name = {topic.name: topic for topic in topics}

    async def ask(broker_id: int, keys: Sequence[TopicName]) -> Mapping[TopicName, bool | KafkaError]:
        chosen = [by_name[key] for key in keys]
        values = {
            "topics": [_topic_values(topic) for topic in chosen],
            "timeout": int(deadline.left_ms(cluster.settings.request_timeout_ms)),
            "validate_only": validate_only,
        }
        defaults = any(-1 in {topic.partitions, topic.replication_factor} for topic in chosen)
        version_min = _DEFAULTS_SINCE if defaults else None
        to = None if broker_id == NO_BROKER else broker_id
        if validate_only:
            read = ReadRequest(api=Api.CREATE_TOPICS, values=values, version_min=version_min)
            answer = await cluster.send(read, deadline, to)
        else:
            write = WriteRequest(api=Api.CREATE_TOPICS, values=values, version_min=version_min)
            answer = await cluster.send_mutating(write, need(permit, Operation.TOPIC_CREATE), deadline, to)
        return _results(answer, "topics")

    if validate_only:
        return none_when_done(await on_controller(cluster, list(by_name), ask, deadline, needs="CREATE"))
    targets = {name.raw for name in by_name}
    with need(permit, Operation.TOPIC_CREATE).use(
        context=cluster.settings.context, operation=Operation.TOPIC_CREATE, targets=targets
    ):
        return none_when_done(await on_controller(cluster, list(by_name), ask, deadline, needs="CREATE"))


async def delete_topics(
    cluster: Cluster, names: Sequence[TopicName], permit: Permit, deadline: Deadline
) -> dict[TopicName, KafkaError | None]:
    """Delete topics with all their records. None: done."""

    async def ask(broker_id: int, keys: Sequence[TopicName]) -> Mapping[TopicName, bool | KafkaError]:
        raw = [key.raw for key in keys]
        # Up to version 5 the names stand in a plain list, from 6 on in structs: each version takes its own.
        request = WriteRequest(
            api=Api.DELETE_TOPICS,
            values={
                "topics": [{"name": name} for name in raw],
                "topic_names": raw,
                "timeout": int(deadline.left_ms(cluster.settings.request_timeout_ms)),
            },
            droppable=frozenset({"topics", "topic_names"}),
        )
        to = None if broker_id == NO_BROKER else broker_id
        answer = await cluster.send_mutating(request, permit, deadline, to)
        return _results(answer, "responses")

    targets = {name.raw for name in names}
    with permit.use(context=cluster.settings.context, operation=Operation.TOPIC_DELETE, targets=targets):
        return none_when_done(await on_controller(cluster, names, ask, deadline, needs="DELETE"))


async def add_partitions(
    cluster: Cluster, counts: Mapping[TopicName, int], permit: Permit | None, *, validate_only: bool, deadline: Deadline
) -> dict[TopicName, KafkaError | None]:
    """Grow topics to so many partitions in total, or let the broker check whether it would. None: done."""

    async def ask(broker_id: int, keys: Sequence[TopicName]) -> Mapping[TopicName, bool | KafkaError]:
        values = {
            "topics": [{"name": key.raw, "count": counts[key], "assignments": None} for key in keys],
            "timeout": int(deadline.left_ms(cluster.settings.request_timeout_ms)),
            "validate_only": validate_only,
        }
        to = None if broker_id == NO_BROKER else broker_id
        if validate_only:
            answer = await cluster.send(ReadRequest(api=Api.CREATE_PARTITIONS, values=values), deadline, to)
        else:
            write = WriteRequest(api=Api.CREATE_PARTITIONS, values=values)
            answer = await cluster.send_mutating(write, need(permit, Operation.PARTITIONS_ADD), deadline, to)
        return _results(answer, "results")

    if validate_only:
        return none_when_done(await on_controller(cluster, list(counts), ask, deadline, needs="ALTER"))
    targets = {name.raw for name in counts}
    with need(permit, Operation.PARTITIONS_ADD).use(
        context=cluster.settings.context, operation=Operation.PARTITIONS_ADD, targets=targets
    ):
        return none_when_done(await on_controller(cluster, list(counts), ask, deadline, needs="ALTER"))


def _topic_values(topic: NewTopic) -> dict[str, object]:
    return {
        "name": topic.name.raw,
        "num_partitions": topic.partitions,
        "replication_factor": topic.replication_factor,
        "configs": [{"name": name, "value": value} for name, value in topic.configs.items()],
    }


def _results(answer: Answer, field_name: str) -> dict[TopicName, bool | KafkaError]:
    told = decode_response(answer.api, answer.version, answer.body, answer.offset)
    return {TopicName(WireText(item.name or "")): item_error(item) or True for item in getattr(told, field_name)}
