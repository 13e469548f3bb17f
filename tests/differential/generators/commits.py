"""Requests about committed offsets: OffsetCommit, OffsetFetch, OffsetDelete."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.delete_groups import DeleteGroupsRequest
from kcon_broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kcon_broker.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from kcon_broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from tests.differential.generators.draw import INT32_MAX, INT64_MAX, Draw, Makers
from tests.differential.generators.groups import emptied, joined, stable
from tests.differential.session import Build, Side, Step

_METADATA_BYTES_MAX: Final = 4_096
_IDS_SINCE: Final = 10
_EPOCH_SINCE: Final = 6
_INSTANCE_SINCE: Final = 7

Offsets = Mapping[int, int]
"""Partition to offset."""


def _commit_request(
    version: int,
    group: str,
    topics: Mapping[str, Offsets],
    *,
    member: str = "",
    generation: int = -1,
    instance: str | None = None,
    metadata: str | None = "note",
    epoch: int = -1,
    retention_ms: int = -1,
) -> Build:
    def build(side: Side) -> OffsetCommitRequest:
        return OffsetCommitRequest(
            group_id=group,
            generation_id_or_member_epoch=generation,
            member_id=side.values.get(member, member),
            group_instance_id=instance,
            retention_time_ms=retention_ms,
            topics=[
                OffsetCommitRequestTopic(
                    name=name,
                    topic_id=side.topic_id(name) if version >= _IDS_SINCE else b"\0" * 16,
                    partitions=[
                        OffsetCommitRequestPartition(
                            partition_index=index,
                            committed_offset=offset,
                            committed_metadata=metadata,
                            committed_leader_epoch=epoch,
                        )
                        for index, offset in offsets.items()
                    ],
                )
                for name, offsets in topics.items()
            ],
        )

    return build


def _look(draw: Draw, group: str) -> Step:
    """Return the step that shows all that a group has committed."""
    request = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=group, topics=None)])
    return draw.other(ApiKey.OFFSET_FETCH, 9, "the offsets after it", lambda _: request)


def _committed(draw: Draw, group: str, **topics: Offsets) -> Step:
    """Return the step that commits to shared topics, as a preparation."""
    wanted = {draw.shared(name): offsets for name, offsets in topics.items()}
    return draw.other(ApiKey.OFFSET_COMMIT, 9, "commit", _commit_request(9, group, wanted))


# OffsetCommit


def _commit(
    draw: Draw, label: str, group: str, topics: Mapping[str, Offsets], *, before: Sequence[Step] = (), **options: Any
) -> Step:
    return draw.step(
        label,
        _commit_request(draw.version, group, topics, **options),
        before=before,
        after=[_look(draw, group)] if group else (),
    )


def _commit_simple(draw: Draw) -> Step:
    offsets = draw.pick({0: 5}, {0: 0, 1: 1, 2: INT64_MAX}, {1: 7})
    options: dict[str, Any] = {"metadata": draw.pick("note", "", None, "ü" * 10)}
    if draw.version >= _EPOCH_SINCE:
        options["epoch"] = draw.pick(-1, 0, 3)
    if draw.version <= 4:
        options["retention_ms"] = draw.pick(-1, 3_600_000)
    return _commit(draw, f"{offsets} {options}", draw.fresh("group"), {draw.shared("plain"): offsets}, **options)


def _commit_two_topics(draw: Draw) -> Step:
    topics = {draw.shared("plain"): {0: 1}, draw.shared("compact"): {0: 2}}
    return _commit(draw, "two topics", draw.fresh("group"), topics)


def _commit_as_member(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    instance = "i" if draw.version >= _INSTANCE_SINCE and draw.pick(True, False) else None
    before = stable(draw, group, member, group_instance_id=instance)
    topics = {draw.shared("plain"): {0: 5}}
    return _commit(draw, "as a member", group, topics, before=before, member=member, generation=1, instance=instance)


def _commit_nothing(draw: Draw) -> Step:
    return _commit(draw, "nothing", draw.fresh("group"), draw.pick({}, {draw.shared("plain"): {}}))


def _commit_again(draw: Draw) -> Step:
    group = draw.fresh("group")
    before = [_committed(draw, group, plain={0: 9, 1: 9})]
    return _commit(draw, "again", group, {draw.shared("plain"): {0: draw.pick(3, 9, 10)}}, before=before)


def _commit_missing(draw: Draw) -> Step:
    topics = draw.pick(
        {draw.fresh("missing"): {0: 1}, draw.shared("plain"): {0: 1}},
        {draw.shared("plain"): {0: 1, 3: 1, -1: 1, INT32_MAX: 1}},
    )
    return _commit(draw, f"{topics}", draw.fresh("group"), topics)


def _commit_bad_metadata(draw: Draw) -> Step:
    size = draw.pick(_METADATA_BYTES_MAX, _METADATA_BYTES_MAX + 1, 15_000)
    letter = draw.pick("x", "ü")
    return _commit(
        draw, f"{size} of {letter}", draw.fresh("group"), {draw.shared("plain"): {0: 1}}, metadata=letter * size
    )


def _commit_negative(draw: Draw) -> Step:
    offset = draw.pick(-1, -2, -INT64_MAX)
    return _commit(draw, f"offset {offset}", draw.fresh("group"), {draw.shared("plain"): {0: offset}})


def _commit_stranger(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    choices: list[tuple[Sequence[Step], dict[str, Any]]] = [
        ((), {"member": "stranger", "generation": 1}),
        ((), {"generation": 0}),
        ((), {"member": "stranger"}),
        (stable(draw, group, member), {}),
        (stable(draw, group, member), {"member": member, "generation": 2}),
        (stable(draw, group, member), {"member": member, "generation": 0}),
        (stable(draw, group, member), {"member": member}),
        (stable(draw, group, member), {"member": "stranger", "generation": 1}),
        (joined(draw, group, member, 6), {"member": member, "generation": 1}),
        (emptied(draw, group, member), {"member": member, "generation": 1}),
        (emptied(draw, group, member), {}),
    ]
    before, options = draw.pick(*choices)
    return _commit(draw, f"{options}", group, {draw.shared("plain"): {0: 5}}, before=before, **options)


def _commit_no_group(draw: Draw) -> Step:
    step = _commit(draw, "no group", "", {draw.shared("plain"): {0: 5}})
    clean = DeleteGroupsRequest(groups_names=[""])
    step.after = [_look(draw, ""), draw.other(ApiKey.DELETE_GROUPS, 2, "the group without a name", lambda _: clean)]
    return step


def _commit_fenced(draw: Draw) -> Step | None:
    if draw.version < _INSTANCE_SINCE:
        return None
    group, member = draw.fresh("group"), draw.fresh("member")
    before = stable(draw, group, member, group_instance_id="i")
    who, instance = draw.pick(("stranger", "i"), (member, "j"), ("", "i"))
    topics = {draw.shared("plain"): {0: 5}}
    return _commit(draw, f"{who} {instance}", group, topics, before=before, member=who, generation=1, instance=instance)


# OffsetFetch


def _fetch(
    draw: Draw,
    label: str,
    before: Sequence[Step],
    groups: Sequence[str],
    topics: Mapping[str, Sequence[int]] | None,
    **options: Any,
) -> Step:
    """Ask for groups; before version 8 only for the first."""
    require_stable = draw.pick(False, True)
    member, member_epoch = options.get("member"), options.get("member_epoch", -1)

    def build(side: Side) -> OffsetFetchRequest:
        old = None if topics is None else [
            OffsetFetchRequestTopic(name=name, partition_indexes=list(indexes)) for name, indexes in topics.items()
        ]  # fmt: skip
        new = None if topics is None else [
            OffsetFetchRequestTopics(
                name=name,
                topic_id=side.topic_id(name) if draw.version >= _IDS_SINCE else b"\0" * 16,
                partition_indexes=list(indexes),
            )
            for name, indexes in topics.items()
        ]  # fmt: skip
        return OffsetFetchRequest(
            group_id=groups[0] if groups else "",
            topics=old,
            groups=[
                OffsetFetchRequestGroup(
                    group_id=group,
                    topics=new,
                    member_id=side.values.get(member, member) if member is not None else None,
                    member_epoch=member_epoch,
                )
                for group in groups
            ],
            require_stable=require_stable,
        )

    return draw.step(f"{label}, stable {require_stable}", build, before=before)


def _fetch_some(draw: Draw) -> Step:
    group = draw.fresh("group")
    before = [_committed(draw, group, plain={0: 5, 2: 7})]
    return _fetch(draw, "some", before, [group], {draw.shared("plain"): draw.pick([0], [0, 1, 2], [2, 0], [])})


def _fetch_all(draw: Draw) -> Step | None:
    if draw.version < 2:
        return None
    group = draw.fresh("group")
    return _fetch(draw, "all", [_committed(draw, group, plain={0: 5, 1: 6})], [group], None)


def _fetch_two_groups(draw: Draw) -> Step | None:
    if draw.version < 8:
        return None
    groups = [draw.fresh("group"), draw.fresh("group")]
    before = [_committed(draw, groups[0], plain={0: 5}), _committed(draw, groups[1], compact={0: 6})]
    topics = {draw.shared("plain"): [0], draw.shared("compact"): [0]}
    return _fetch(draw, "two groups", before, groups, draw.pick(None, topics))


def _fetch_no_topics(draw: Draw) -> Step:
    group = draw.fresh("group")
    return _fetch(draw, "no topics", [_committed(draw, group, plain={0: 5})], [group], {})


def _fetch_unknown_group(draw: Draw) -> Step:
    topics = draw.pick({draw.shared("plain"): [0, 1]}, None if draw.version >= 2 else {})
    return _fetch(draw, "unknown group", (), [draw.pick(draw.fresh("no"), "", "ü")], topics)


def _fetch_missing(draw: Draw) -> Step:
    group = draw.fresh("group")
    topics = {draw.fresh("missing"): [0], draw.shared("plain"): [0, 9, -1], draw.fresh("missing"): [1]}
    return _fetch(draw, "missing", [_committed(draw, group, plain={0: 5})], [group], topics)


def _fetch_twice(draw: Draw) -> Step:
    group = draw.fresh("group")
    before = [_committed(draw, group, plain={0: 5})]
    groups = [group, group] if draw.version >= 8 and draw.pick(True, False) else [group]
    return _fetch(draw, f"twice, {len(groups)} groups", before, groups, {draw.shared("plain"): [0, 0]})


def _fetch_as_member(draw: Draw) -> Step | None:
    if draw.version < 9:
        return None
    group = draw.fresh("group")
    options: dict[str, Any] = draw.pick(
        {"member": "stranger", "member_epoch": 1}, {"member": "", "member_epoch": 0}, {"member_epoch": 5}
    )
    return _fetch(
        draw, f"{options}", [_committed(draw, group, plain={0: 5})], [group], {draw.shared("plain"): [0]}, **options
    )


# OffsetDelete


def _delete(draw: Draw, label: str, before: Sequence[Step], group: str, topics: Mapping[str, Sequence[int]]) -> Step:
    request = OffsetDeleteRequest(
        group_id=group,
        topics=[
            OffsetDeleteRequestTopic(
                name=name, partitions=[OffsetDeleteRequestPartition(partition_index=index) for index in indexes]
            )
            for name, indexes in topics.items()
        ],
    )
    return draw.step(label, lambda _: request, before=before, after=[_look(draw, group)] if group else ())


def _delete_some(draw: Draw) -> Step:
    group = draw.fresh("group")
    topics = draw.pick({draw.shared("plain"): [0]}, {draw.shared("plain"): [0, 1]}, {draw.shared("compact"): [0]}, {})
    return _delete(draw, f"{topics}", [_committed(draw, group, plain={0: 5, 1: 6})], group, topics)


def _delete_missing(draw: Draw) -> Step:
    group = draw.fresh("group")
    topics = {draw.fresh("missing"): [0], draw.shared("plain"): [9, 0, -1], "": [0]}
    return _delete(draw, "missing", [_committed(draw, group, plain={0: 5})], group, topics)


def _delete_no_group(draw: Draw) -> Step:
    return _delete(draw, "no group", (), draw.pick("", draw.fresh("no")), {draw.shared("plain"): [0]})


def _delete_subscribed(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    before = draw.pick(
        [_committed(draw, group, plain={0: 5}), *stable(draw, group, member)],
        [*stable(draw, group, member)],
        [*emptied(draw, group, member)],
    )
    return _delete(draw, "with members", before, group, {draw.shared("plain"): [0, 2]})


def _delete_twice(draw: Draw) -> Step:
    group = draw.fresh("group")
    return _delete(draw, "twice", [_committed(draw, group, plain={0: 5})], group, {draw.shared("plain"): [0, 0]})


MAKERS: Final = {
    ApiKey.OFFSET_COMMIT: Makers(
        (_commit_simple, _commit_as_member, _commit_two_topics, _commit_again, _commit_nothing),
        (
            _commit_stranger,
            _commit_missing,
            _commit_bad_metadata,
            _commit_negative,
            _commit_no_group,
            _commit_fenced,
        ),
    ),
    ApiKey.OFFSET_FETCH: Makers(
        (_fetch_some, _fetch_all, _fetch_two_groups, _fetch_no_topics),
        (_fetch_unknown_group, _fetch_missing, _fetch_twice, _fetch_as_member),
    ),
    ApiKey.OFFSET_DELETE: Makers(
        (_delete_some,), (_delete_missing, _delete_no_group, _delete_subscribed, _delete_twice)
    ),
}
