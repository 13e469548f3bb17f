"""How far did each group commit, and how is a commit written or removed? OffsetFetch, OffsetCommit, OffsetDelete."""

import asyncio
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from kcon.admin.apis import Api
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.connection import Answer
from kcon.admin.decode import Cursor, decode_response, reading
from kcon.admin.encode import encode_compact_string, encode_uvarint
from kcon.admin.fan_out import fan_out
from kcon.admin.requests import ReadRequest, WriteRequest
from kcon.admin.routes import Routes
from kcon.admin.schema import entity_type
from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.partition_names import PartitionNames, PartitionsOf
from kcon.core.snapshot import CommittedOffset, GroupCommits
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation, Permit

_ALL_TOPICS_SINCE: Final = 2
_FLEXIBLE_SINCE: Final = 6
_STABLE_SINCE: Final = 7
_MANY_GROUPS_SINCE: Final = 8
_MEMBER_SINCE: Final = 9

Wanted = Mapping[GroupId, Sequence[TopicPartition] | None]


async def committed_offsets(
    cluster: Cluster, routes: Routes, wanted: Wanted, deadline: Deadline
) -> dict[GroupId, GroupCommits | KafkaError]:
    """Return the commits of each group (None: of every partition it has). No entry: there is no commit."""
    if not wanted:
        return {}
    if not await routes.has_groups(deadline):
        return {group: {} for group in wanted}

    names = routes.names
    by_id = {group.raw: group for group in wanted}

    async def route(keys: Sequence[GroupId], fresh: bool) -> Mapping[GroupId, int | KafkaError]:
        return await routes.coordinators(keys, fresh, deadline)

    async def ask(broker_id: int, keys: Sequence[GroupId]) -> Mapping[GroupId, GroupCommits | KafkaError]:
        oldest = ReadRequest(api=Api.OFFSET_FETCH, version_min=_ALL_TOPICS_SINCE)
        version = await cluster.choose_version(oldest, deadline, broker_id)
        results: dict[GroupId, GroupCommits | KafkaError] = {}
        if version >= _MANY_GROUPS_SINCE:
            answer = await cluster.send(_request(version, keys, wanted), deadline, broker_id)
            await _decode_many(answer, by_id, names, results, cluster.settings.partitions_per_hold_max)
        else:
            for group in keys:
                answer = await cluster.send(_request(version, [group], wanted), deadline, broker_id)
                results[group] = _decode_one(answer, names)
        return results

    return await fan_out(
        list(wanted),
        route=route,
        ask=ask,
        batch_max=cluster.settings.groups_per_request_max,
        settings=cluster.settings,
        deadline=deadline,
        needs="DESCRIBE",
    )


async def commit_offsets(
    cluster: Cluster,
    routes: Routes,
    *,
    group: GroupId,
    offsets: Mapping[TopicPartition, int | CommittedOffset],
    permit: Permit,
    deadline: Deadline,
) -> dict[TopicPartition, KafkaError | None]:
    """Commit from outside the group. None: done. The broker refuses when the group has members."""
    by_topic: dict[TopicName, list[dict[str, object]]] = {}
    for (topic, partition), commit in offsets.items():
        by_topic.setdefault(topic, []).append(_commit_values(partition, commit))
    values = {
        "group_id": group.raw,
        "generation_id_or_member_epoch": -1,
        "topics": [{"name": topic.raw, "partitions": parts} for topic, parts in by_topic.items()],
    }
    # Leader epochs only help fencing; a retention of -1 is the broker's own.
    droppable = frozenset({"committed_leader_epoch"})
    request = WriteRequest(api=Api.OFFSET_COMMIT, values=values, droppable=droppable)
    with permit.use(context=cluster.settings.context, operation=Operation.OFFSETS_COMMIT, targets={group.raw}):
        return await _write(
            cluster,
            routes,
            group=group,
            partitions=list(offsets),
            request=request,
            permit=permit,
            deadline=deadline,
        )


async def delete_offsets(
    cluster: Cluster,
    routes: Routes,
    *,
    group: GroupId,
    partitions: Collection[TopicPartition],
    permit: Permit,
    deadline: Deadline,
) -> dict[TopicPartition, KafkaError | None]:
    """Remove commits. None: done. The broker refuses for topics that members of the group consume."""
    by_topic: dict[TopicName, list[dict[str, object]]] = {}
    for topic, partition in partitions:
        by_topic.setdefault(topic, []).append({"partition_index": partition})
    topics = [{"name": topic.raw, "partitions": parts} for topic, parts in by_topic.items()]
    request = WriteRequest(api=Api.OFFSET_DELETE, values={"group_id": group.raw, "topics": topics})
    with permit.use(context=cluster.settings.context, operation=Operation.OFFSETS_DELETE, targets={group.raw}):
        return await _write(
            cluster,
            routes,
            group=group,
            partitions=list(partitions),
            request=request,
            permit=permit,
            deadline=deadline,
        )


async def _write(
    cluster: Cluster,
    routes: Routes,
    *,
    group: GroupId,
    partitions: Sequence[TopicPartition],
    request: WriteRequest,
    permit: Permit,
    deadline: Deadline,
) -> dict[TopicPartition, KafkaError | None]:
    """Send one write to the group's coordinator until it is taken; split its answer by partition."""
    rows: dict[TopicPartition, KafkaError | None] = {}

    async def route(keys: Sequence[GroupId], fresh: bool) -> Mapping[GroupId, int | KafkaError]:
        return await routes.coordinators(keys, fresh, deadline, permit)

    async def ask(broker_id: int, keys: Sequence[GroupId]) -> Mapping[GroupId, bool | KafkaError]:
        answer = await cluster.send_mutating(request, permit, deadline, broker_id)
        told = decode_response(answer.api, answer.version, answer.body, answer.offset)
        rows.clear()
        whole = int(getattr(told, "error_code", 0))
        if whole:
            return {group: kafka_error(whole)}
        for topic in told.topics:
            partitions_of = routes.names.of_text(topic.name)
            for p in topic.partitions:
                rows[partitions_of[p.partition_index]] = kafka_error(p.error_code) if p.error_code else None
        # The coordinator's own errors stand at every partition: then the whole request goes again.
        errors = [error for error in rows.values() if error is not None]
        if errors and len(errors) == len(rows) and all(error.code in _COORDINATOR_ERRORS for error in errors):
            return {group: errors[0]}
        return {group: True}

    result = (
        await fan_out(
            [group],
            route=route,
            ask=ask,
            batch_max=1,
            settings=cluster.settings,
            deadline=deadline,
            mutating=True,
        )
    )[group]
    left_out = kafka_error(-1, "the answer left it out")
    if isinstance(result, KafkaError):
        return dict.fromkeys(partitions, result)
    return {partition: rows.get(partition, left_out) for partition in partitions}


_COORDINATOR_ERRORS: Final = frozenset({14, 15, 16})


def _commit_values(partition: int, commit: int | CommittedOffset) -> dict[str, object]:
    if isinstance(commit, int):
        return {"partition_index": partition, "committed_offset": commit, "committed_metadata": ""}
    return {
        "partition_index": partition,
        "committed_offset": commit.offset,
        "committed_leader_epoch": commit.leader_epoch,
        "committed_metadata": commit.metadata.raw if commit.metadata is not None else None,
    }


# --- OffsetFetch on the wire ----------------------------------------------------------------------------------


def _request(version: int, groups: Sequence[GroupId], wanted: Wanted) -> ReadRequest:
    body = _encode(version, groups, wanted)
    return ReadRequest(api=Api.OFFSET_FETCH, encode_body=lambda _: body, version_min=version, version_max=version)


def _encode(version: int, groups: Sequence[GroupId], wanted: Wanted) -> bytes:
    """Encode the body.

    v8+: groups:[id [v9: member_id:null member_epoch:int32=-1] topics tags] require_stable:bool tags
    v2-7: id topics [v7: require_stable:bool] (tags since v6); topics: null for all, or [name [index:int32] (tags)].
    """
    flexible = version >= _FLEXIBLE_SINCE
    out = bytearray()
    if version >= _MANY_GROUPS_SINCE:
        out += encode_uvarint(len(groups) + 1)
    for group in groups:
        out += _string(group.encode(), flexible)
        if version >= _MEMBER_SINCE:
            out += b"\0\xff\xff\xff\xff"
        _encode_topics(out, wanted[group], flexible)
        if version >= _MANY_GROUPS_SINCE:
            out.append(0)
    if version >= _STABLE_SINCE:
        out.append(0)
    if flexible:
        out.append(0)
    return bytes(out)


def _encode_topics(out: bytearray, partitions: Sequence[TopicPartition] | None, flexible: bool) -> None:
    if partitions is None:
        out += b"\0" if flexible else _INT32.pack(-1)
        return
    by_topic: dict[TopicName, list[int]] = {}
    for topic, partition in partitions:
        by_topic.setdefault(topic, []).append(partition)
    out += encode_uvarint(len(by_topic) + 1) if flexible else _INT32.pack(len(by_topic))
    for topic, indexes in by_topic.items():
        out += _string(topic.encode(), flexible)
        out += encode_uvarint(len(indexes) + 1) if flexible else _INT32.pack(len(indexes))
        out += struct.pack(f">{len(indexes)}i", *indexes)
        if flexible:
            out.append(0)


def _string(text: bytes, flexible: bool) -> bytes:
    return encode_compact_string(text) if flexible else struct.pack(">h", len(text)) + text


async def _decode_many(
    answer: Answer,
    by_id: Mapping[str, GroupId],
    names: PartitionNames,
    results: dict[GroupId, GroupCommits | KafkaError],
    hold_max: int,
) -> None:
    """Read `throttle:int32 groups:[id topics:[...] error:int16 tags] tags`, topic by topic."""
    held = 0
    with reading(entity_type(Api.OFFSET_FETCH, answer.version, "response")):
        cursor = Cursor(answer.body, answer.offset + 4)
        for _ in range(cursor.array_length(True) or 0):
            raw = cursor.text(True) or ""
            commits: GroupCommits = {}
            for _ in range(cursor.array_length(True) or 0):
                held += _read_topic(cursor, names, commits)
                if held >= hold_max:
                    held = 0
                    await asyncio.sleep(0)
            error_code = cursor.int16()
            cursor.skip_tags()
            group = by_id.get(raw)
            if group is not None:
                results[group] = kafka_error(error_code) if error_code else commits


def _read_topic(cursor: Cursor, names: PartitionNames, commits: GroupCommits) -> int:
    """Read `name [index:int32 offset:int64 epoch:int32 metadata error:int16 tags] tags`; return how many.

    A commit without text, error or tags, which is nearly each, is read in one go.
    """
    partitions = names.of_wire(cursor.text_bytes())
    count = cursor.array_length(True) or 0
    body, at, unpack_from, size = cursor.body, cursor.offset, _BARE_COMMIT.unpack_from, _BARE_COMMIT.size
    for _ in range(count):
        if len(body) - at >= size:
            index, offset, epoch, text, error_code, tags = unpack_from(body, at)
            if text == 1 and not error_code and not tags:
                at += size
                if offset >= 0:
                    commits[partitions[index]] = _make_commit(CommittedOffset, (offset, epoch, None))
                continue
        cursor.offset = at
        _read_commit(cursor, partitions, commits)
        at = cursor.offset
    cursor.offset = at
    cursor.skip_tags()
    return count


def _read_commit(cursor: Cursor, partitions: PartitionsOf, commits: GroupCommits) -> None:
    index, offset, epoch = cursor.unpack(_COMMIT)
    text = cursor.text(True)
    error_code = cursor.int16()
    cursor.skip_tags()
    if error_code:
        commits[partitions[index]] = kafka_error(error_code)
    elif offset >= 0:
        commits[partitions[index]] = CommittedOffset(offset, epoch, WireText(text) if text else None)


def _decode_one(answer: Answer, names: PartitionNames) -> GroupCommits | KafkaError:
    told = decode_response(answer.api, answer.version, answer.body, answer.offset)
    error_code = int(getattr(told, "error_code", 0))
    if error_code:
        return kafka_error(error_code)
    commits: GroupCommits = {}
    for topic in told.topics:
        _add(topic, names, commits)
    return commits


def _add(topic: Any, names: PartitionNames, commits: GroupCommits) -> None:
    partitions_of = names.of_text(topic.name)
    for p in topic.partitions:
        if p.error_code:
            commits[partitions_of[p.partition_index]] = kafka_error(p.error_code)
        elif p.committed_offset >= 0:
            metadata = WireText(p.metadata) if p.metadata else None
            epoch = getattr(p, "committed_leader_epoch", -1)
            commits[partitions_of[p.partition_index]] = CommittedOffset(p.committed_offset, epoch, metadata)


_COMMIT: Final = struct.Struct(">iqi")
_BARE_COMMIT: Final = struct.Struct(">iqiBhB")
"""A commit, the length of its text plus one, its error and its count of tags."""
_make_commit: Final = tuple.__new__
_INT32: Final = struct.Struct(">i")
