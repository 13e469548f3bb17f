"""Who is in a group, and what does each member own?

DescribeGroups, then ConsumerGroupDescribe (KIP-848) and StreamsGroupDescribe (KIP-1071) for those it does not know.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from kcon.admin.apis import Api
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.decode import BAD_BYTES, Cursor, decode_response
from kcon.admin.fan_out import fan_out
from kcon.admin.requests import ReadRequest
from kcon.admin.routes import Routes
from kcon.core.ids import ClientId, GroupId, HostName, MemberId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.snapshot import NO_BROKER, GroupDescription, GroupMember
from kcon.core.wire_text import WireText, display_safe

_GROUP_ID_NOT_FOUND: Final = 69
_DEAD: Final = "Dead"


async def describe_groups(
    cluster: Cluster, routes: Routes, groups: Collection[GroupId], deadline: Deadline
) -> dict[GroupId, GroupDescription | KafkaError]:
    """Describe groups. One that does not exist has the state Dead, as in Kafka."""
    unique = list(dict.fromkeys(groups))
    if not unique:
        return {}
    if not await routes.has_groups(deadline):
        return {group: _dead(group, NO_BROKER) for group in unique}

    async def route(keys: Sequence[GroupId], fresh: bool) -> Mapping[GroupId, int | KafkaError]:
        return await routes.coordinators(keys, fresh, deadline)

    async def ask(broker_id: int, keys: Sequence[GroupId]) -> Mapping[GroupId, GroupDescription | KafkaError]:
        described = await _ask_classic(cluster, broker_id, keys, deadline)
        # A KIP-848 group is Dead, or not found, to the older API.
        unknown = [key for key, told in described.items() if _is_dead(told)]
        versions = await cluster.versions(deadline, broker_id)
        if unknown and versions.supports(Api.CONSUMER_GROUP_DESCRIBE):
            described |= await _ask_consumer(cluster, broker_id, unknown, deadline)
            unknown = [key for key in unknown if _is_dead(described[key])]
        if unknown and versions.supports(Api.STREAMS_GROUP_DESCRIBE):
            described |= await _ask_streams(cluster, broker_id, unknown, deadline)
        return described

    return await fan_out(
        unique,
        route=route,
        ask=ask,
        batch_max=cluster.settings.groups_per_request_max,
        settings=cluster.settings,
        deadline=deadline,
        needs="DESCRIBE",
    )


async def _ask_classic(
    cluster: Cluster, broker_id: int, groups: Sequence[GroupId], deadline: Deadline
) -> dict[GroupId, GroupDescription | KafkaError]:
    request = ReadRequest(api=Api.DESCRIBE_GROUPS, values={"groups": [group.raw for group in groups]})
    told = await _tell(cluster, broker_id, groups, request, deadline)
    return {group: _error(item, group, broker_id) or _classic(item, group, broker_id) for group, item in told}


async def _ask_consumer(
    cluster: Cluster, broker_id: int, groups: Sequence[GroupId], deadline: Deadline
) -> dict[GroupId, GroupDescription | KafkaError]:
    request = ReadRequest(api=Api.CONSUMER_GROUP_DESCRIBE, values={"group_ids": [group.raw for group in groups]})
    told = await _tell(cluster, broker_id, groups, request, deadline)
    return {group: _error(item, group, broker_id) or _consumer(item, group, broker_id) for group, item in told}


async def _ask_streams(
    cluster: Cluster, broker_id: int, groups: Sequence[GroupId], deadline: Deadline
) -> dict[GroupId, GroupDescription | KafkaError]:
    """Ask for streams groups (KIP-1071); one that is none, or cannot be told of, is left out: it stays Dead."""
    request = ReadRequest(api=Api.STREAMS_GROUP_DESCRIBE, values={"group_ids": [group.raw for group in groups]})
    told = await _tell(cluster, broker_id, groups, request, deadline)
    return {group: _streams(item, group, broker_id) for group, item in told if not item.error_code}


async def _tell(
    cluster: Cluster, broker_id: int, groups: Sequence[GroupId], request: ReadRequest, deadline: Deadline
) -> list[tuple[GroupId, Any]]:
    """Ask, and return what is told of each group that was asked for."""
    answer = await cluster.send(request, deadline, broker_id)
    told = decode_response(answer.api, answer.version, answer.body, answer.offset)
    by_name = {group.raw: group for group in groups}
    return [(by_name[item.group_id], item) for item in told.groups if item.group_id in by_name]


def _is_dead(told: GroupDescription | KafkaError) -> bool:
    return isinstance(told, GroupDescription) and told.state == _DEAD


def _error(item: Any, group: GroupId, broker_id: int) -> GroupDescription | KafkaError | None:
    code = int(item.error_code)
    if code == _GROUP_ID_NOT_FOUND:
        return _dead(group, broker_id)
    return kafka_error(code, display_safe(getattr(item, "error_message", None) or "")) if code else None


def _dead(group: GroupId, broker_id: int) -> GroupDescription:
    return GroupDescription(
        group=group, state=_DEAD, protocol_type="", protocol="", coordinator_id=broker_id, members=()
    )


def _classic(item: Any, group: GroupId, broker_id: int) -> GroupDescription:
    is_consumer = item.protocol_type == "consumer"
    members = tuple(
        _member(m, getattr(m, "group_instance_id", None), _assignment(m.member_assignment) if is_consumer else ())
        for m in item.members
    )
    return GroupDescription(
        group=group,
        state=display_safe(item.group_state),
        protocol_type=display_safe(item.protocol_type),
        protocol=display_safe(item.protocol_data),
        coordinator_id=broker_id,
        members=members,
    )


def _consumer(item: Any, group: GroupId, broker_id: int) -> GroupDescription:
    members = tuple(
        _member(m, m.instance_id, _sorted((t.topic_name, t.partitions) for t in m.assignment.topic_partitions))
        for m in item.members
    )
    return GroupDescription(
        group=group,
        state=display_safe(item.group_state),
        protocol_type="consumer",
        protocol=display_safe(item.assignor_name),
        coordinator_id=broker_id,
        members=members,
        group_type="consumer",
        generation_id=item.group_epoch,
    )


def _streams(item: Any, group: GroupId, broker_id: int) -> GroupDescription:
    return GroupDescription(
        group=group,
        state=display_safe(item.group_state),
        protocol_type="streams",
        protocol="",
        coordinator_id=broker_id,
        members=tuple(
            _member(m, m.instance_id, ()) for m in item.members
        ),  # Its tasks: `Admin.describe_streams_groups`.
        group_type="streams",
        generation_id=item.group_epoch,
    )


def _member(member: Any, instance_id: str | None, assignment: tuple[TopicPartition, ...]) -> GroupMember:
    return GroupMember(
        member_id=MemberId(WireText(member.member_id)),
        client_id=ClientId(WireText(member.client_id)),
        host=HostName(WireText(member.client_host.removeprefix("/"))),  # Java prints addresses with a slash.
        instance_id=WireText(instance_id) if instance_id is not None else None,
        assignment=assignment,
    )


def _assignment(data: bytes) -> tuple[TopicPartition, ...]:
    """Read ConsumerProtocolAssignment: version:int16 topics:[name:string partitions:[int32]] user_data.

    Clients write this blob, not brokers: one that cannot be read shows no partitions rather than failing the group.
    """
    cursor = Cursor(data, 0)
    try:
        if not data or cursor.int16() < 0:
            return ()
        told = []
        for _ in range(cursor.array_length(False) or 0):
            name = cursor.text(False) or ""
            told.append((name, [cursor.int32() for _ in range(cursor.array_length(False) or 0)]))
    except BAD_BYTES:
        return ()
    return _sorted(told)


def _sorted(topics: Iterable[tuple[str, Iterable[int]]]) -> tuple[TopicPartition, ...]:
    return tuple(
        TopicPartition(TopicName(WireText(name)), index)
        for name, indexes in sorted(topics)
        for index in sorted(indexes)
    )
