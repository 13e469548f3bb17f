"""Requests about where things are and who leads: log folders, reassignments, elections, the quorum, features."""

from typing import Any, Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.add_raft_voter import AddRaftVoterRequest, Listener
from kcon_broker.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from kcon_broker.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from kcon_broker.wire.messages.describe_log_dirs import DescribeLogDirsRequest, DescribeLogDirsResponse
from kcon_broker.wire.messages.describe_quorum import DescribeQuorumRequest, PartitionData, TopicData
from kcon_broker.wire.messages.elect_leaders import ElectLeadersRequest, TopicPartitions
from kcon_broker.wire.messages.list_config_resources import ListConfigResourcesRequest
from kcon_broker.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsTopics,
)
from kcon_broker.wire.messages.remove_raft_voter import RemoveRaftVoterRequest
from kcon_broker.wire.messages.unregister_broker import UnregisterBrokerRequest
from kcon_broker.wire.messages.update_features import FeatureUpdateKey, UpdateFeaturesRequest
from tests.differential.generators.draw import BAD_TOPIC_NAMES, Draw, Makers
from tests.differential.session import Side, Step

_TIMEOUT_MS: Final = 5_000

# AlterReplicaLogDirs


def _learn_folder(side: Side, response: Any) -> None:
    assert isinstance(response, DescribeLogDirsResponse)
    side.values["log dir"] = response.results[0].log_dir


def _move(draw: Draw, label: str, moves: list[tuple[str, list[tuple[str, list[int]]]]]) -> Step:
    """Move partitions; the folder "" in a move stands for the one that each broker has, with what follows it."""
    look = draw.other(
        ApiKey.DESCRIBE_LOG_DIRS, 2, "the folder", lambda _: DescribeLogDirsRequest(topics=[]), learn=_learn_folder
    )

    def build(side: Side) -> AlterReplicaLogDirsRequest:
        return AlterReplicaLogDirsRequest(
            dirs=[
                AlterReplicaLogDir(
                    path=path if path.startswith(("/", "?")) else side.values["log dir"] + path,
                    topics=[AlterReplicaLogDirTopic(name=name, partitions=indexes) for name, indexes in topics],
                )
                for path, topics in moves
            ]
        )

    return draw.step(f"{label}: {moves}", build, before=[look])


def _move_home(draw: Draw) -> Step:
    return _move(draw, "where it is", [("", [(draw.shared("plain"), draw.pick([0], [0, 1, 2], [0, 0], []))])])


def _move_nothing(draw: Draw) -> Step:
    return _move(draw, "nothing", draw.pick([], [("", [])], [("/nowhere", [])]))


def _move_away(draw: Draw) -> Step:
    path = draw.pick("/nowhere", "?relative", ".", "-x")
    return _move(draw, "elsewhere", [(path, [(draw.shared("plain"), [0])])])


def _move_missing(draw: Draw) -> Step:
    name = draw.pick(draw.fresh("missing"), *BAD_TOPIC_NAMES)
    return _move(draw, "missing", [("", [(name, [0]), (draw.shared("plain"), [9, -1])])])


def _move_twice(draw: Draw) -> Step:
    topics = [(draw.shared("plain"), [0, 1])]
    return _move(draw, "twice", [("", topics), ("/nowhere", topics)])


# Reassignments


def _reassign(
    draw: Draw, label: str, topics: list[tuple[str, list[tuple[int, list[int] | None]]]], timeout_ms: int = _TIMEOUT_MS
) -> Step:
    may_change = draw.pick(True, False) if draw.version >= 1 else True
    return draw.step(
        f"{label}: {topics}, other number of copies {may_change}, within {timeout_ms}",
        lambda _: AlterPartitionReassignmentsRequest(
            timeout_ms=timeout_ms,
            allow_replication_factor_change=may_change,
            topics=[
                ReassignableTopic(
                    name=name,
                    partitions=[
                        ReassignablePartition(partition_index=index, replicas=replicas)
                        for index, replicas in partitions
                    ],
                )
                for name, partitions in topics
            ],
        ),
    )


def _reassign_home(draw: Draw) -> Step:
    return _reassign(draw, "where it is", [(draw.shared("plain"), draw.pick([(0, [1])], [(0, [1]), (2, [1])]))])


def _reassign_nothing(draw: Draw) -> Step:
    return _reassign(draw, "nothing", draw.pick([], [(draw.shared("plain"), [])]))


def _reassign_two(draw: Draw) -> Step:
    return _reassign(draw, "two", [(draw.shared(name), [(0, [1])]) for name in ("small", "zstd")])


def _reassign_away(draw: Draw) -> Step:
    replicas = draw.pick([2], [1, 2], [2, 1], [1, 1], [-1], [], [0], [2, 2])
    return _reassign(draw, "elsewhere", [(draw.shared("plain"), [(0, replicas), (1, [1])])])


def _reassign_cancelled(draw: Draw) -> Step:
    return _reassign(draw, "none to cancel", [(draw.shared("plain"), [(0, None)]), (draw.fresh("gone"), [(0, None)])])


def _reassign_missing(draw: Draw) -> Step:
    name = draw.pick(draw.fresh("missing"), *BAD_TOPIC_NAMES)
    return _reassign(draw, "missing", [(name, [(0, [1])]), (draw.shared("plain"), [(7, [1]), (-1, [1])])])


def _reassign_late(draw: Draw) -> Step:
    return _reassign(draw, "late", [(draw.shared("plain"), [(0, [1])])], draw.pick(0, -1))


def _list_reassignments(draw: Draw) -> Step:
    topics = draw.pick(
        None, [], [(draw.shared("plain"), [0])], [(draw.fresh("missing"), [0])], [(draw.shared("plain"), [9, -1])]
    )
    return draw.step(
        f"of {topics}",
        lambda _: ListPartitionReassignmentsRequest(
            timeout_ms=_TIMEOUT_MS,
            topics=None
            if topics is None
            else [ListPartitionReassignmentsTopics(name=name, partition_indexes=indexes) for name, indexes in topics],
        ),
    )


# ElectLeaders


def _elect(
    draw: Draw, label: str, wishes: list[tuple[str, list[int]]] | None, kind: int = 0, timeout_ms: int = _TIMEOUT_MS
) -> Step:
    return draw.step(
        f"{label}: {wishes}, kind {kind}, within {timeout_ms}",
        lambda _: ElectLeadersRequest(
            election_type=kind if draw.version >= 1 else 0,
            timeout_ms=timeout_ms,
            topic_partitions=None
            if wishes is None
            else [TopicPartitions(topic=name, partitions=indexes) for name, indexes in wishes],
        ),
        lists_all=wishes is None,
    )


def _elect_one(draw: Draw) -> Step:
    return _elect(draw, "one", [(draw.shared("plain"), draw.pick([0], [0, 1], [1, 1], []))], draw.pick(0, 1))


def _elect_all(draw: Draw) -> Step:
    return _elect(draw, "all", None, draw.pick(0, 1))


def _elect_none(draw: Draw) -> Step:
    return _elect(draw, "none", [])


def _elect_missing(draw: Draw) -> Step:
    name = draw.pick(draw.fresh("missing"), *BAD_TOPIC_NAMES)
    return _elect(draw, "missing", [(name, [0]), (draw.shared("plain"), [9, -1, 0])])


def _elect_bad_kind(draw: Draw) -> Step:
    return _elect(draw, "kind", [(draw.shared("plain"), [0])], draw.pick(2, -1, 127))


def _elect_late(draw: Draw) -> Step:
    return _elect(draw, "late", [(draw.shared("plain"), [0])], timeout_ms=draw.pick(0, -1))


# DescribeQuorum


def _quorum(draw: Draw, topics: list[tuple[str, list[int]]]) -> Step:
    return draw.step(
        f"{topics}",
        lambda _: DescribeQuorumRequest(
            topics=[
                TopicData(topic_name=name, partitions=[PartitionData(partition_index=index) for index in indexes])
                for name, indexes in topics
            ]
        ),
    )


def _quorum_right(draw: Draw) -> Step:
    return _quorum(draw, [("__cluster_metadata", [0])])


def _quorum_wrong(draw: Draw) -> Step:
    topics: list[tuple[str, list[int]]] = draw.pick(
        [],
        [(draw.shared("plain"), [0])],
        [("__cluster_metadata", [1])],
        [("__cluster_metadata", [0, 1])],
        [("__cluster_metadata", [])],
        [("__cluster_metadata", [0]), ("", [0])],
    )
    return _quorum(draw, topics)


# UpdateFeatures

_UPGRADE, _SAFE, _UNSAFE = 1, 2, 3
_LEVELS: Final = (
    ("group.version", 1),
    ("transaction.version", 2),
    ("metadata.version", 30),
    ("eligible.leader.replicas.version", 1),
)


def _features(draw: Draw, label: str, updates: list[tuple[str, int, int]]) -> Step:
    """Judge updates only; before v1 all are made, so that only what changes nothing may be asked for."""
    return draw.step(
        f"{label}: {updates}",
        lambda _: UpdateFeaturesRequest(
            timeout_ms=_TIMEOUT_MS,
            validate_only=True,
            feature_updates=[
                FeatureUpdateKey(
                    feature=name, max_version_level=level, upgrade_type=kind if draw.version >= 1 else _UPGRADE
                )
                for name, level, kind in updates
            ],
        ),
    )


def _features_same(draw: Draw) -> Step:
    return _features(draw, "the same", [(name, level, _UPGRADE) for name, level in draw.some(_LEVELS)])


def _features_none(draw: Draw) -> Step:
    return _features(draw, "none", [])


def _features_down(draw: Draw) -> Step | None:
    if draw.version == 0:
        return None
    name, level = draw.pick(("group.version", 0), ("transaction.version", 1), ("transaction.version", 0),
                            ("eligible.leader.replicas.version", 0))  # fmt: skip
    return _features(draw, "down", [(name, level, draw.pick(_SAFE, _UNSAFE))])


def _features_up(draw: Draw) -> Step | None:
    if draw.version == 0:
        return None
    return _features(draw, "up", [("kraft.version", 1, _UPGRADE)])


def _features_bad_level(draw: Draw) -> Step:
    name, level = draw.pick(
        ("group.version", 2), ("group.version", -1), ("group.version", 32767), ("metadata.version", 31),
        ("metadata.version", 6), ("kraft.version", 2), ("transaction.version", 3), ("kraft.version", -1),
    )  # fmt: skip
    return _features(draw, "level", [(name, level, draw.pick(_UPGRADE, _SAFE, _UNSAFE))])


def _features_unknown(draw: Draw) -> Step:
    return _features(draw, "unknown", [("group.version", 1, _UPGRADE), (draw.pick("", "no.such"), 1, _UPGRADE)])


def _features_lowered_by_upgrade(draw: Draw) -> Step:
    name, level = draw.pick(("group.version", 0), ("transaction.version", 1), ("metadata.version", 29))
    return _features(draw, "down by an upgrade", [(name, level, _UPGRADE)])


def _features_bad_kind(draw: Draw) -> Step | None:
    if draw.version == 0:
        return None
    return _features(draw, "kind", [("group.version", 1, draw.pick(0, 4, -1))])


def _features_metadata_down(draw: Draw) -> Step | None:
    if draw.version == 0:
        return None
    return _features(draw, "metadata", [("metadata.version", draw.pick(7, 20, 29), draw.pick(_SAFE, _UNSAFE))])


# Nodes


def _unregister(draw: Draw) -> Step:
    broker_id = draw.pick(2, 0, -1, 99, (1 << 31) - 1)
    return draw.step(f"broker {broker_id}", lambda _: UnregisterBrokerRequest(broker_id=broker_id))


def _add_voter(draw: Draw) -> Step:
    cluster_id = draw.pick(None, "another")
    voter_id, directory_id = draw.pick((2, b"\1" * 16), (1, b"\1" * 16), (-1, b"\1" * 16), (2, b"\0" * 16))
    listeners = draw.pick([], [Listener(name="CONTROLLER", host="127.0.0.1", port=1)], [Listener(name="X", host="h")])
    return draw.step(
        f"voter {voter_id} of {cluster_id}, {directory_id[:1]!r}, {listeners}",
        lambda _: AddRaftVoterRequest(
            cluster_id=cluster_id,
            timeout_ms=1_000,
            voter_id=voter_id,
            voter_directory_id=directory_id,
            listeners=listeners,
        ),
    )


def _remove_voter(draw: Draw) -> Step:
    cluster_id = draw.pick(None, "another")
    voter_id, directory_id = draw.pick((2, b"\1" * 16), (1, b"\1" * 16), (-1, b"\1" * 16), (2, b"\0" * 16))
    return draw.step(
        f"voter {voter_id} of {cluster_id}, {directory_id[:1]!r}",
        lambda _: RemoveRaftVoterRequest(cluster_id=cluster_id, voter_id=voter_id, voter_directory_id=directory_id),
    )


# ListConfigResources

_TOPIC, _BROKER, _LOGGER, _CLIENT_METRICS, _GROUP = 2, 4, 8, 16, 32


def _list_resources(draw: Draw) -> Step:
    types = draw.pick([], [_TOPIC], [_BROKER], [_LOGGER], [_GROUP, _CLIENT_METRICS], [_TOPIC, _TOPIC])
    return draw.step(f"of {types}", lambda _: ListConfigResourcesRequest(resource_types=types), lists_all=True)


def _list_unknown_resources(draw: Draw) -> Step | None:
    if draw.version == 0:
        return None
    types = draw.pick([0], [1], [64], [-1], [_TOPIC, 3])
    return draw.step(f"of {types}", lambda _: ListConfigResourcesRequest(resource_types=types), lists_all=True)


MAKERS: Final = {
    ApiKey.ALTER_REPLICA_LOG_DIRS: Makers((_move_home, _move_nothing), (_move_away, _move_missing, _move_twice)),
    ApiKey.ALTER_PARTITION_REASSIGNMENTS: Makers(
        (_reassign_home, _reassign_nothing, _reassign_two),
        (_reassign_away, _reassign_cancelled, _reassign_missing, _reassign_late),
    ),
    ApiKey.LIST_PARTITION_REASSIGNMENTS: Makers((_list_reassignments,), ()),
    ApiKey.ELECT_LEADERS: Makers((_elect_one, _elect_all, _elect_none), (_elect_missing, _elect_bad_kind, _elect_late)),
    ApiKey.DESCRIBE_QUORUM: Makers((_quorum_right,), (_quorum_wrong,)),
    ApiKey.UPDATE_FEATURES: Makers(
        (_features_same, _features_none, _features_down, _features_up),
        (
            _features_bad_level,
            _features_unknown,
            _features_lowered_by_upgrade,
            _features_bad_kind,
            _features_metadata_down,
        ),
    ),
    ApiKey.UNREGISTER_BROKER: Makers((_unregister,), ()),
    ApiKey.ADD_RAFT_VOTER: Makers((_add_voter,), ()),
    ApiKey.REMOVE_RAFT_VOTER: Makers((_remove_voter,), ()),
    ApiKey.LIST_CONFIG_RESOURCES: Makers((_list_resources,), (_list_unknown_resources,)),
}
