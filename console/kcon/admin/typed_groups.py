"""Who is in a share or a streams group, and where does a share group stand?

ShareGroupDescribe, DescribeShareGroupOffsets and StreamsGroupDescribe, at the coordinators.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from kcon.admin.apis import Api
from kcon.admin.calls import ask, item_error
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.fan_out import fan_out
from kcon.admin.requests import ReadRequest
from kcon.admin.routes import Routes
from kcon.core.ids import ClientId, GroupId, HostName, MemberId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.typed_group import ShareGroup, ShareMember, ShareOffset, StreamsGroup, StreamsMember, StreamsTasks
from kcon.core.wire_text import WireText, display_safe

_GROUP_ID_NOT_FOUND = 69

Value = TypeVar("Value")


async def describe_share_groups(
    cluster: Cluster, routes: Routes, groups: Collection[GroupId], deadline: Deadline
) -> dict[GroupId, ShareGroup | KafkaError]:
    """Describe share groups; GROUP_ID_NOT_FOUND for one that is not there, or is of another kind."""
    return await _described(cluster, routes, groups, deadline, api=Api.SHARE_GROUP_DESCRIBE, convert=_share_group)


async def describe_streams_groups(
    cluster: Cluster, routes: Routes, groups: Collection[GroupId], deadline: Deadline
) -> dict[GroupId, StreamsGroup | KafkaError]:
    """Describe streams groups; GROUP_ID_NOT_FOUND for one that is not there, or is of another kind."""
    return await _described(cluster, routes, groups, deadline, api=Api.STREAMS_GROUP_DESCRIBE, convert=_streams_group)


async def share_offsets(
    cluster: Cluster, routes: Routes, groups: Collection[GroupId], deadline: Deadline
) -> dict[GroupId, tuple[ShareOffset, ...] | KafkaError]:
    """Return where share groups stand in every partition that they know."""

    async def send(broker_id: int, keys: Sequence[GroupId]) -> Mapping[GroupId, tuple[ShareOffset, ...] | KafkaError]:
        values = {"groups": [{"group_id": key.raw, "topics": None} for key in keys]}
        told = await ask(cluster, ReadRequest(api=Api.DESCRIBE_SHARE_GROUP_OFFSETS, values=values), deadline, broker_id)
        return {GroupId(WireText(item.group_id)): item_error(item) or _offsets(item) for item in told.groups}

    return await _at_coordinators(cluster, routes, groups, send, deadline)


def _offsets(item: Any) -> tuple[ShareOffset, ...]:
    found = []
    for topic in item.topics:
        name = TopicName(WireText(topic.topic_name))
        for part in topic.partitions:
            lag = getattr(part, "lag", -1)
            found.append(
                ShareOffset(
                    TopicPartition(name, part.partition_index),
                    part.start_offset if part.start_offset >= 0 else None,
                    lag if lag >= 0 else None,
                    item_error(part),
                )
            )
    return tuple(sorted(found, key=lambda each: (each.partition.topic.raw, each.partition.partition)))


async def _described(
    cluster: Cluster,
    routes: Routes,
    groups: Collection[GroupId],
    deadline: Deadline,
    *,
    api: Api,
    convert: Callable[[Any, int], Value],
) -> dict[GroupId, Value | KafkaError]:
    async def send(broker_id: int, keys: Sequence[GroupId]) -> Mapping[GroupId, Value | KafkaError]:
        request = ReadRequest(api=api, values={"group_ids": [key.raw for key in keys]})
        told = await ask(cluster, request, deadline, broker_id)
        return {GroupId(WireText(item.group_id)): item_error(item) or convert(item, broker_id) for item in told.groups}

    return await _at_coordinators(cluster, routes, groups, send, deadline)


async def _at_coordinators(
    cluster: Cluster,
    routes: Routes,
    groups: Collection[GroupId],
    send: Callable[[int, Sequence[GroupId]], Any],
    deadline: Deadline,
) -> dict[GroupId, Value | KafkaError]:
    async def route(keys: Sequence[GroupId], fresh: bool) -> Mapping[GroupId, int | KafkaError]:
        if not await routes.has_groups(deadline):
            return dict.fromkeys(keys, kafka_error(_GROUP_ID_NOT_FOUND))
        return await routes.coordinators(keys, fresh, deadline)

    return await fan_out(
        list(dict.fromkeys(groups)),
        route=route,
        ask=send,
        batch_max=cluster.settings.groups_per_request_max,
        settings=cluster.settings,
        deadline=deadline,
    )


def _share_group(item: Any, broker_id: int) -> ShareGroup:
    return ShareGroup(
        group=GroupId(WireText(item.group_id)),
        state=display_safe(item.group_state),
        group_epoch=item.group_epoch,
        assignor=display_safe(item.assignor_name),
        coordinator_id=broker_id,
        members=tuple(
            ShareMember(
                member_id=MemberId(WireText(m.member_id)),
                client_id=ClientId(WireText(m.client_id)),
                host=HostName(WireText(m.client_host.removeprefix("/"))),
                rack=WireText(m.rack_id) if m.rack_id is not None else None,
                subscribed=tuple(WireText(name) for name in sorted(m.subscribed_topic_names)),
                assignment=_partitions(m.assignment.topic_partitions),
            )
            for m in item.members
        ),
    )


def _partitions(topics: Iterable[Any]) -> tuple[TopicPartition, ...]:
    return tuple(
        TopicPartition(TopicName(WireText(topic.topic_name)), index)
        for topic in sorted(topics, key=lambda each: each.topic_name)
        for index in sorted(topic.partitions)
    )


def _streams_group(item: Any, broker_id: int) -> StreamsGroup:
    topology = item.topology
    return StreamsGroup(
        group=GroupId(WireText(item.group_id)),
        state=display_safe(item.group_state),
        group_epoch=item.group_epoch,
        topology_epoch=topology.epoch if topology is not None else None,
        subtopologies=tuple(
            (WireText(each.subtopology_id), tuple(WireText(name) for name in each.source_topics))
            for each in (topology.subtopologies if topology is not None else None) or ()
        ),
        coordinator_id=broker_id,
        members=tuple(
            StreamsMember(
                member_id=MemberId(WireText(m.member_id)),
                client_id=ClientId(WireText(m.client_id)),
                host=HostName(WireText(m.client_host.removeprefix("/"))),
                process_id=WireText(m.process_id),
                topology_epoch=m.topology_epoch,
                is_classic=m.is_classic,
                tasks=tuple(
                    StreamsTasks(role, WireText(task.subtopology_id), tuple(sorted(task.partitions)))
                    for role, tasks in (
                        ("active", m.assignment.active_tasks),
                        ("standby", m.assignment.standby_tasks),
                        ("warm-up", m.assignment.warmup_tasks),
                    )
                    for task in tasks
                ),
            )
            for m in item.members
        ),
    )
