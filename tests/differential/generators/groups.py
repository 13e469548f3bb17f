"""Requests of classic groups: JoinGroup, SyncGroup, Heartbeat, LeaveGroup, DescribeGroups, ListGroups, DeleteGroups.

Groups here have one member, so that no request has to wait for another.
"""

from collections.abc import Sequence
from typing import Any, Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.delete_groups import DeleteGroupsRequest
from kcon_broker.wire.messages.describe_groups import DescribeGroupsRequest
from kcon_broker.wire.messages.heartbeat import HeartbeatRequest
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from kcon_broker.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from kcon_broker.wire.messages.list_groups import ListGroupsRequest
from kcon_broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from tests.differential.generators.draw import INT32_MAX, Draw, Makers
from tests.differential.session import Build, Side, Step

_SUBSCRIPTION: Final = b"\0\0\0\0\0\x01\0\x05plain" + b"\xff" * 4
_TWO_STEPS_SINCE: Final = 4
_INSTANCES_SINCE: Final = {ApiKey.JOIN_GROUP: 5, ApiKey.SYNC_GROUP: 3, ApiKey.HEARTBEAT: 3, ApiKey.LEAVE_GROUP: 3}
_STRANGERS: Final = ("stranger", "", "x" * 300, "ü")


def _join_request(group: str, member: str, **options: Any) -> Build:
    """Return what builds a join; `member` is the name that the side knows an id by, or "" for none."""
    names = options.pop("protocols", ("range",))

    def build(side: Side) -> JoinGroupRequest:
        fields: dict[str, Any] = {
            "group_id": group,
            "session_timeout_ms": 30_000,
            "rebalance_timeout_ms": 30_000,
            "member_id": side.values.get(member, member),
            "protocol_type": "consumer",
            "protocols": [JoinGroupRequestProtocol(name=name, metadata=_SUBSCRIPTION) for name in names],
            **options,
        }
        return JoinGroupRequest(**fields)

    return build


def _learn(member: str) -> Any:
    def learn(side: Side, answer: JoinGroupResponse) -> None:
        if answer.member_id:
            side.learn(member, answer.member_id)

    return learn


def joined(draw: Draw, group: str, member: str, version: int, **options: Any) -> list[Step]:
    """Return the steps by which a first member joins, all preparations."""
    first = draw.other(ApiKey.JOIN_GROUP, version, "join", _join_request(group, "", **options), learn=_learn(member))
    if version < _TWO_STEPS_SINCE or options.get("group_instance_id") is not None:
        return [first]
    return [first, draw.other(ApiKey.JOIN_GROUP, version, "join", _join_request(group, member, **options))]


def stable(draw: Draw, group: str, member: str, **options: Any) -> list[Step]:
    """Return the steps that end with a stable group of one member in generation 1."""

    def sync(side: Side) -> SyncGroupRequest:
        member_id = side.values[member]
        return SyncGroupRequest(
            group_id=group,
            generation_id=1,
            member_id=member_id,
            group_instance_id=options.get("group_instance_id"),
            protocol_type="consumer",
            protocol_name="range",
            assignments=[SyncGroupRequestAssignment(member_id=member_id, assignment=b"assigned")],
        )

    return [*joined(draw, group, member, 6, **options), draw.other(ApiKey.SYNC_GROUP, 5, "sync", sync)]


def emptied(draw: Draw, group: str, member: str) -> list[Step]:
    """Return the steps that end with a group whose only member has left."""
    leave = draw.other(
        ApiKey.LEAVE_GROUP,
        2,
        "leave",
        lambda side: LeaveGroupRequest(group_id=group, member_id=side.values[member]),
    )
    return [*stable(draw, group, member), leave]


def look(draw: Draw, group: str) -> Step:
    """Return the step that shows how a group is now."""
    request = DescribeGroupsRequest(groups=[group])
    return draw.other(ApiKey.DESCRIBE_GROUPS, 5, "the group after it", lambda _: request)


# JoinGroup


def _join(draw: Draw, label: str, before: Sequence[Step], group: str, member: str, **options: Any) -> Step:
    return draw.step(
        label,
        _join_request(group, member, **options),
        before=before,
        # Apache Kafka makes a group that no member is in yet a moment after its answer.
        after=[look(draw, group)] if before else (),
        learn=_learn(member) if member else None,
    )


def _instance(draw: Draw) -> dict[str, str]:
    return {"group_instance_id": "i"} if draw.version >= _INSTANCES_SINCE[draw.key] and draw.pick(True, False) else {}


def _join_first(draw: Draw) -> Step:
    group = draw.fresh("group")
    return _join(draw, "a first member", (), group, "", protocols=draw.pick(("range",), ("range", "sticky")))


def _join_with_id(draw: Draw) -> Step | None:
    if draw.version < _TWO_STEPS_SINCE:
        return None
    group, member = draw.fresh("group"), draw.fresh("member")
    before = joined(draw, group, member, draw.version)[:1]
    return _join(draw, "with the id it was given", before, group, member)


def _join_static(draw: Draw) -> Step | None:
    if draw.version < _INSTANCES_SINCE[ApiKey.JOIN_GROUP]:
        return None
    group = draw.fresh("group")
    before = stable(draw, group, draw.fresh("member"), group_instance_id="i") if draw.pick(True, False) else ()
    return _join(draw, "static", before, group, "", group_instance_id="i")


def _join_again(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    protocols = draw.pick(("range",), ("sticky", "range"), ("sticky",))
    return _join(draw, f"again, {protocols}", stable(draw, group, member), group, member, protocols=protocols)


def _join_stranger(draw: Draw) -> Step:
    group = draw.fresh("group")
    before = stable(draw, group, draw.fresh("member")) if draw.pick(True, False) else ()
    return _join(draw, "a stranger", before, group, "stranger")


def _join_bad(draw: Draw) -> Step:
    options: dict[str, Any] = draw.pick(
        {"group_id": ""},
        {"session_timeout_ms": 5_999},
        {"session_timeout_ms": 1_800_001},
        {"session_timeout_ms": 0},
        {"session_timeout_ms": -1},
        {"session_timeout_ms": INT32_MAX},
        {"protocols": ()},
        {"protocol_type": ""},
        {"protocol_type": "", "protocols": ()},
    )
    return _join(draw, f"{options}", (), draw.fresh("group"), "", **options)


def _join_other_protocol(draw: Draw) -> Step:
    group = draw.fresh("group")
    options: dict[str, Any] = draw.pick({"protocols": ("other",)}, {"protocol_type": "connect"})
    return _join(draw, f"{options}", stable(draw, group, draw.fresh("member")), group, "", **options)


def _join_fenced(draw: Draw) -> Step | None:
    if draw.version < _INSTANCES_SINCE[ApiKey.JOIN_GROUP]:
        return None
    group, member = draw.fresh("group"), draw.fresh("member")
    before = stable(draw, group, member, group_instance_id="i")
    instance = draw.pick("i", "j")
    return _join(draw, f"instance {instance} with a foreign id", before, group, "stranger", group_instance_id=instance)


def _join_bad_instance(draw: Draw) -> Step | None:
    if draw.version < _INSTANCES_SINCE[ApiKey.JOIN_GROUP]:
        return None
    instance = draw.pick("", "a b", "x" * 250, ".", "ü")
    return _join(draw, f"instance {instance!r}", (), draw.fresh("group"), "", group_instance_id=instance)


# SyncGroup


def _sync(draw: Draw, label: str, before: Sequence[Step], group: str, member: str, **options: Any) -> Step:
    given = options.pop("given", (member,))

    def build(side: Side) -> SyncGroupRequest:
        fields: dict[str, Any] = {
            "group_id": group,
            "generation_id": 1,
            "member_id": side.values.get(member, member),
            "protocol_type": "consumer",
            "protocol_name": "range",
            "assignments": [
                SyncGroupRequestAssignment(member_id=side.values.get(name, name), assignment=b"assigned to " + b"it")
                for name in given
            ],
            **options,
        }
        return SyncGroupRequest(**fields)

    return draw.step(label, build, before=before, after=[look(draw, group)])


def _sync_leader(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    given = draw.pick((member,), (), (member, "stranger"))
    return _sync(draw, f"assigns {len(given)}", joined(draw, group, member, 6), group, member, given=given)


def _sync_again(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    return _sync(draw, "again", stable(draw, group, member), group, member)


def _sync_stranger(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.pick(*_STRANGERS)
    before = stable(draw, group, draw.fresh("member")) if draw.pick(True, False) else ()
    return _sync(draw, f"stranger {member[:20]!r}", before, group, member)


def _sync_bad(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    options: list[dict[str, Any]] = [{"generation_id": value} for value in (0, 2, -1, INT32_MAX)]
    options += [{"group_id": ""}, {"group_id": "no-such-group"}]
    if draw.version >= 3:
        options += [{"group_instance_id": "i"}]
    if draw.version >= 5:
        options += [{"protocol_type": "connect"}, {"protocol_name": "sticky"}]
        options += [{"protocol_type": None}, {"protocol_name": None}, {"protocol_type": None, "protocol_name": None}]
    option = draw.pick(*options)
    return _sync(draw, f"{option}", joined(draw, group, member, 6), group, member, **option)


# Heartbeat


def _beat(draw: Draw, label: str, before: Sequence[Step], group: str, member: str, **options: Any) -> Step:
    def build(side: Side) -> HeartbeatRequest:
        fields: dict[str, Any] = {
            "group_id": group,
            "generation_id": 1,
            "member_id": side.values.get(member, member),
            **options,
        }
        return HeartbeatRequest(**fields)

    return draw.step(label, build, before=before)


def _beat_stable(draw: Draw) -> Step:
    group, member, instance = draw.fresh("group"), draw.fresh("member"), _instance(draw)
    return _beat(draw, f"stable {instance}", stable(draw, group, member, **instance), group, member, **instance)


def _beat_before_sync(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    return _beat(draw, "before the sync", joined(draw, group, member, 6), group, member)


def _beat_stranger(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.pick(*_STRANGERS)
    before = stable(draw, group, draw.fresh("member")) if draw.pick(True, False) else ()
    return _beat(draw, f"stranger {member[:20]!r}", before, group, member)


def _beat_bad(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    options: list[dict[str, Any]] = [{"generation_id": value} for value in (0, 2, -1, INT32_MAX)]
    options += [{"group_id": ""}, {"group_id": "no-such-group"}]
    if draw.version >= 3:
        options += [{"group_instance_id": "i"}, {"group_instance_id": ""}]
    option = draw.pick(*options)
    return _beat(draw, f"{option}", stable(draw, group, member), group, member, **option)


def _beat_after_leaving(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    return _beat(draw, "after leaving", emptied(draw, group, member), group, member)


# LeaveGroup


def _leave(draw: Draw, label: str, before: Sequence[Step], group: str, members: list[tuple[str, str | None]]) -> Step:
    """Members are (name or id, instance)s; before version 3 only the first leaves."""

    def build(side: Side) -> LeaveGroupRequest:
        ids = [(side.values.get(member, member), instance) for member, instance in members]
        return LeaveGroupRequest(
            group_id=group,
            member_id=ids[0][0] if ids else "",
            members=[
                MemberIdentity(member_id=member_id, group_instance_id=instance, reason="done")
                for member_id, instance in ids
            ],
        )

    return draw.step(label, build, before=before, after=[look(draw, group)] if group else ())


def _leave_stable(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    return _leave(draw, "stable", stable(draw, group, member), group, [(member, None)])


def _leave_joining(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    steps = joined(draw, group, member, 6)
    return _leave(draw, "joining", steps[: draw.pick(1, 2)], group, [(member, None)])


def _leave_static(draw: Draw) -> Step | None:
    if draw.version < _INSTANCES_SINCE[ApiKey.LEAVE_GROUP]:
        return None
    group, member = draw.fresh("group"), draw.fresh("member")
    identity = draw.pick(("", "i"), (member, "i"))
    return _leave(draw, "static", stable(draw, group, member, group_instance_id="i"), group, [identity])


def _leave_nobody(draw: Draw) -> Step | None:
    if draw.version < 3:
        return None
    group = draw.fresh("group")
    return _leave(draw, "nobody", stable(draw, group, draw.fresh("member")), group, [])


def _leave_stranger(draw: Draw) -> Step:
    group = draw.fresh("group")
    before = stable(draw, group, draw.fresh("member")) if draw.pick(True, False) else ()
    return _leave(draw, "a stranger", before, group, [(draw.pick(*_STRANGERS), None)])


def _leave_bad(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    choices: list[tuple[str, list[tuple[str, str | None]]]] = [("", [(member, None)]), (f"{group}-no", [("", None)])]
    if draw.version >= 3:
        choices += [(group, [(member, "i")]), (group, [("", "i"), (member, None)]), (group, [(member, None)] * 2)]
        choices += [(group, [("stranger", "i"), ("", ""), ("", None)])]
    target, members = draw.pick(*choices)
    return _leave(draw, f"{members} of {target!r}", stable(draw, group, member), target, members)


# DescribeGroups


def _describe(draw: Draw, label: str, before: Sequence[Step], groups: list[str]) -> Step:
    operations = draw.pick(False, True)
    return draw.step(
        f"{label}, operations {operations}",
        lambda _: DescribeGroupsRequest(groups=groups, include_authorized_operations=operations),
        before=before,
    )


def _describe_states(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    label, before = draw.pick(
        ("stable", stable(draw, group, member)),
        ("static", stable(draw, group, member, group_instance_id="i")),
        ("joining", joined(draw, group, member, 6)),
        ("empty", emptied(draw, group, member)),
    )
    return _describe(draw, label, before, [group])


def _describe_none(draw: Draw) -> Step:
    return _describe(draw, "none", (), [])


def _describe_missing(draw: Draw) -> Step:
    return _describe(
        draw,
        "missing",
        (),
        draw.pick([draw.fresh("no")], [""], [draw.fresh("no")] * 2, [draw.fresh("ü"), draw.fresh("x" * 300)]),
    )


# ListGroups


def _list(draw: Draw, states: list[str], types: list[str], before: Sequence[Step] = ()) -> Step:
    return draw.step(
        f"states {states}, types {types}",
        lambda _: ListGroupsRequest(states_filter=states, types_filter=types),
        before=before,
        lists_all=True,
    )


def _list_known(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    before = draw.pick(stable(draw, group, member), joined(draw, group, member, 6), emptied(draw, group, member))
    states: list[str] = draw.pick([], ["Stable"], ["stable", "Empty"], ["CompletingRebalance"], ["Dead"])
    types: list[str] = draw.pick([], [], ["classic"], ["Classic", "consumer"], ["consumer"])
    return _list(draw, states, types, before)


def _list_unknown(draw: Draw) -> Step | None:
    if draw.version < 4:
        return None
    return _list(
        draw, draw.pick(["nonsense"], ["Stable", ""], [" stable "]), draw.pick([], ["nonsense"], ["", "classic"])
    )


# DeleteGroups


def _delete(draw: Draw, label: str, before: Sequence[Step], groups: list[str]) -> Step:
    after = [look(draw, groups[0])] if groups else []
    return draw.step(label, lambda _: DeleteGroupsRequest(groups_names=groups), before=before, after=after)


def _delete_empty(draw: Draw) -> Step:
    group = draw.fresh("group")
    return _delete(draw, "empty", emptied(draw, group, draw.fresh("member")), draw.pick([group], [group, group]))


def _delete_none(draw: Draw) -> Step:
    return _delete(draw, "none", (), [])


def _delete_not_empty(draw: Draw) -> Step:
    group, member = draw.fresh("group"), draw.fresh("member")
    before = draw.pick(stable(draw, group, member), joined(draw, group, member, 6))
    return _delete(draw, "not empty", before, [group])


def _delete_missing(draw: Draw) -> Step:
    return _delete(draw, "missing", (), draw.pick([draw.fresh("no")], ["", draw.fresh("no")]))


MAKERS: Final = {
    ApiKey.JOIN_GROUP: Makers(
        (_join_first, _join_with_id, _join_again, _join_static),
        (_join_bad, _join_stranger, _join_other_protocol, _join_fenced, _join_bad_instance),
    ),
    ApiKey.SYNC_GROUP: Makers((_sync_leader, _sync_again), (_sync_bad, _sync_stranger)),
    ApiKey.HEARTBEAT: Makers((_beat_stable, _beat_before_sync), (_beat_bad, _beat_stranger, _beat_after_leaving)),
    ApiKey.LEAVE_GROUP: Makers(
        (_leave_stable, _leave_static, _leave_joining, _leave_nobody), (_leave_bad, _leave_stranger)
    ),
    ApiKey.DESCRIBE_GROUPS: Makers((_describe_states, _describe_none), (_describe_missing,)),
    ApiKey.LIST_GROUPS: Makers((_list_known,), (_list_unknown,)),
    ApiKey.DELETE_GROUPS: Makers((_delete_empty, _delete_none), (_delete_not_empty, _delete_missing)),
}
