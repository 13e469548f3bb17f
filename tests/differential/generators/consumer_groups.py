"""Requests of groups of the new protocol (KIP-848): ConsumerGroupHeartbeat and ConsumerGroupDescribe.

Groups here have one member, which chose its own id: what a group of two does depends on when each of them calls.
"""

from collections.abc import Sequence
from typing import Any, Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.consumer_group_describe import ConsumerGroupDescribeRequest
from kcon_broker.wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest, TopicPartitions
from tests.differential.generators.draw import INT32_MAX, Draw, Makers
from tests.differential.session import Build, Side, Step

_MEMBER: Final = "the-member"
_FIRST_EPOCH: Final = 2
_LEAVES: Final = -1
_LEAVES_FOR_A_WHILE: Final = -2


def _beat_request(draw: Draw, group: str, epoch: int, **options: Any) -> Build:
    """Return what builds a heartbeat; `owned` are partitions of the topic `plain`."""
    owned = options.pop("owned", None)

    def build(side: Side) -> ConsumerGroupHeartbeatRequest:
        if owned is not None:
            topic_id = side.topic_id(draw.shared("plain"))
            options["topic_partitions"] = [TopicPartitions(topic_id=topic_id, partitions=owned)] if owned else []
        fields: dict[str, Any] = {"group_id": group, "member_id": _MEMBER, "member_epoch": epoch, **options}
        return ConsumerGroupHeartbeatRequest(**fields)

    return build


def _joining(draw: Draw, **options: Any) -> dict[str, Any]:
    """Return the fields of a heartbeat that joins."""
    names = [draw.shared("plain")]
    return {"subscribed_topic_names": names, "rebalance_timeout_ms": 30_000, "owned": [], **options}


def joined(draw: Draw, group: str, **options: Any) -> list[Step]:
    """Return the step after which the group has one member at epoch 2, with all of `plain`."""
    build = _beat_request(draw, group, 0, **_joining(draw, **options))
    return [draw.other(ApiKey.CONSUMER_GROUP_HEARTBEAT, 1, "join", build)]


def left(draw: Draw, group: str, epoch: int = _LEAVES, **options: Any) -> list[Step]:
    """Return the steps after which that member has left."""
    build = _beat_request(draw, group, epoch, **options)
    return [*joined(draw, group, **options), draw.other(ApiKey.CONSUMER_GROUP_HEARTBEAT, 1, "leave", build)]


def look(draw: Draw, group: str) -> Step:
    """Return the step that shows how a group is now."""
    request = ConsumerGroupDescribeRequest(group_ids=[group])
    return draw.other(ApiKey.CONSUMER_GROUP_DESCRIBE, 1, "the group after it", lambda _: request)


# ConsumerGroupHeartbeat


def _beat(draw: Draw, label: str, before: Sequence[Step], group: str, epoch: int, **options: Any) -> Step:
    build = _beat_request(draw, group, epoch, **options)
    return draw.step(label, build, before=before, after=[look(draw, group)])


def _beat_joins(draw: Draw) -> Step:
    options: dict[str, Any] = draw.pick(
        {},
        {"server_assignor": "range"},
        {"server_assignor": "uniform"},
        {"instance_id": "i"},
        {"rack_id": "r"},
        {"rebalance_timeout_ms": 0},
        {"rebalance_timeout_ms": INT32_MAX},
        {"subscribed_topic_names": []},
        {"subscribed_topic_names": ["no-such-topic", "a b", ""]},
        {"subscribed_topic_names": [draw.shared("plain"), draw.shared("small"), draw.shared("plain")]},
    )
    return _beat(draw, f"joins {sorted(options)}", (), draw.fresh("group"), 0, **_joining(draw, **options))


def _beat_keeps(draw: Draw) -> Step:
    group = draw.fresh("group")
    options: dict[str, Any] = draw.pick(
        {},
        {"owned": [0, 1, 2]},
        {"owned": []},
        {"owned": [0, 7]},
        _joining(draw, owned=[0, 1, 2]),
        {"rebalance_timeout_ms": 5},
        {"rack_id": "other"},
        {"server_assignor": "range"},
    )
    return _beat(draw, f"keeps {sorted(options)}", joined(draw, group), group, _FIRST_EPOCH, **options)


def _beat_joins_anew(draw: Draw) -> Step:
    group = draw.fresh("group")
    return _beat(draw, "joins anew", joined(draw, group), group, 0, **_joining(draw))


def _beat_leaves(draw: Draw) -> Step:
    group = draw.fresh("group")
    options: dict[str, Any] = draw.pick({}, {"instance_id": "i"})
    epoch = draw.pick(_LEAVES, _LEAVES_FOR_A_WHILE) if options else _LEAVES
    return _beat(draw, f"leaves {epoch} {options}", joined(draw, group, **options), group, epoch, **options)


def _beat_comes_back(draw: Draw) -> Step:
    group = draw.fresh("group")
    before = left(draw, group, _LEAVES_FOR_A_WHILE, instance_id="i")
    fields = _joining(draw, instance_id="i", member_id="its-successor")
    return _beat(draw, "a static member comes back", before, group, 0, **fields)


def _beat_bad(draw: Draw) -> Step:
    options: dict[str, Any] = draw.pick(
        {"group_id": ""},
        {"instance_id": ""},
        {"rack_id": ""},
        {"rebalance_timeout_ms": -1},
        {"owned": None},
        {"owned": [0]},
        {"subscribed_topic_names": None},
        {"server_assignor": ""},
        {"server_assignor": "sticky"},
    )
    return _beat(draw, f"joins badly {options}", (), draw.fresh("group"), 0, **_joining(draw, **options))


def _beat_nameless(draw: Draw) -> Step:
    epoch = draw.pick(1, _LEAVES) if draw.version == 0 else draw.pick(0, 1, _LEAVES)
    return _beat(draw, f"nameless {epoch}", (), draw.fresh("group"), epoch, **_joining(draw, member_id=""))


def _beat_stranger(draw: Draw) -> Step:
    group = draw.fresh("group")
    before = joined(draw, group) if draw.pick(True, False) else ()
    epoch = draw.pick(1, _FIRST_EPOCH, _LEAVES, _LEAVES_FOR_A_WHILE, -3, INT32_MAX)
    return _beat(draw, f"a stranger {epoch}", before, group, epoch, member_id=draw.pick("stranger", "ü", "x" * 300))


def _beat_fenced(draw: Draw) -> Step:
    group = draw.fresh("group")
    options: dict[str, Any] = draw.pick({}, {"owned": [0]}, {"owned": [7]}, {"owned": []})
    epoch = draw.pick(1, 3, INT32_MAX)
    return _beat(draw, f"at epoch {epoch} {options}", joined(draw, group), group, epoch, **options)


def _beat_foreign_instance(draw: Draw) -> Step:
    group = draw.fresh("group")
    epoch = draw.pick(0, _FIRST_EPOCH, _LEAVES, _LEAVES_FOR_A_WHILE)
    fields = _joining(draw, instance_id="i", member_id="another") if epoch == 0 else {"instance_id": "i"}
    fields = {"member_id": "another", **fields}
    return _beat(draw, f"a foreign instance {epoch}", joined(draw, group, instance_id="i"), group, epoch, **fields)


# ConsumerGroupDescribe


def _describe(draw: Draw, label: str, before: Sequence[Step], groups: Sequence[str]) -> Step:
    request = ConsumerGroupDescribeRequest(group_ids=list(groups), include_authorized_operations=draw.pick(True, False))
    return draw.step(label, lambda _: request, before=before)


def _describe_states(draw: Draw) -> Step:
    stable, empty = draw.fresh("group"), draw.fresh("group")
    before = [*joined(draw, stable, rack_id="r", instance_id="i"), *left(draw, empty)]
    return _describe(draw, "a group and an empty one", before, (stable, empty))


def _describe_nothing(draw: Draw) -> Step:
    return _describe(draw, "no group", (), ())


def _describe_missing(draw: Draw) -> Step:
    groups = draw.pick(("no-such-group",), ("",), ("no-such-group", "ü"))
    return _describe(draw, f"missing {groups}", (), groups)


MAKERS: Final = {
    ApiKey.CONSUMER_GROUP_HEARTBEAT: Makers(
        (_beat_joins, _beat_keeps, _beat_joins_anew, _beat_leaves, _beat_comes_back),
        (_beat_bad, _beat_nameless, _beat_stranger, _beat_fenced, _beat_foreign_instance),
    ),
    ApiKey.CONSUMER_GROUP_DESCRIBE: Makers((_describe_states, _describe_nothing), (_describe_missing,)),
}
