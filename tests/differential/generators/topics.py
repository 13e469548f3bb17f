"""Requests that change which topics there are: CreateTopics, DeleteTopics, CreatePartitions."""

from typing import Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from kcon_broker.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from kcon_broker.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from tests.differential.generators.configs import BAD_CONFIGS, GOOD_CONFIGS
from tests.differential.generators.draw import BAD_TOPIC_NAMES, INT32_MAX, Draw, Makers, topic
from tests.differential.session import Side, Step


def _look(draw: Draw, names: list[str]) -> list[Step]:
    """Return the step that shows which of these topics are there now."""
    wanted = [MetadataRequestTopic(name=name) for name in names]
    request = MetadataRequest(topics=wanted, allow_auto_topic_creation=False)
    return [draw.other(ApiKey.METADATA, 12, "the topics after it", lambda _: request)]


# CreateTopics


def _learn_ids(side: Side, answer: CreateTopicsResponse) -> None:
    for created in answer.topics:
        if any(created.topic_id):
            side.learn(f"topic {created.name}", created.topic_id)


def _create(draw: Draw, label: str, topics: list[CreatableTopic], *, validate_only: bool | None = None) -> Step:
    only = draw.rng.random() < 0.4 if validate_only is None else validate_only
    return draw.step(
        f"{label}, {'validate only' if only else 'for real'}",
        lambda _: CreateTopicsRequest(topics=topics, timeout_ms=30_000, validate_only=only),
        learn=_learn_ids,
        settle=not only,
        after=_look(draw, [wish.name for wish in topics]),
    )


def _wish(draw: Draw, name: str | None = None, **options: object) -> CreatableTopic:
    wish = CreatableTopic(name=draw.fresh("made") if name is None else name, num_partitions=1, replication_factor=1)
    for field, value in options.items():
        setattr(wish, field, value)
    return wish


def _create_plain(draw: Draw) -> Step:
    count = draw.rng.randint(1, 3)
    return _create(draw, "plain", [_wish(draw, num_partitions=draw.rng.randint(1, 3)) for _ in range(count)])


def _create_configured(draw: Draw) -> Step:
    chosen = draw.some(GOOD_CONFIGS)[:4]
    configs = [CreatableTopicConfig(name=name, value=draw.pick(*values)) for name, values in chosen]
    return _create(draw, f"configs {configs}", [_wish(draw, configs=configs)])


def _create_with_defaults(draw: Draw) -> Step | None:
    if draw.version < 4:
        return None
    return _create(
        draw, "default copies", [_wish(draw, num_partitions=2, replication_factor=-1)], validate_only=draw.pick(True)
    )


def _create_assigned(draw: Draw) -> Step:
    indexes = draw.pick([0], [0, 1], [1, 0])
    assignments = [CreatableReplicaAssignment(partition_index=index, broker_ids=[1]) for index in indexes]
    wish = _wish(draw, num_partitions=-1, replication_factor=-1, assignments=assignments)
    return _create(draw, f"partitions {indexes} on broker 1", [wish])


def _create_mixed(draw: Draw) -> Step:
    name = draw.pick(draw.shared("plain"), draw.pick(*BAD_TOPIC_NAMES))
    return _create(draw, f"one good and {name!r}", [_wish(draw), _wish(draw, name)])


def _create_bad_name(draw: Draw) -> Step:
    name = draw.pick(*BAD_TOPIC_NAMES)
    return _create(draw, f"name {name!r}", [_wish(draw, name)])


def _create_existing(draw: Draw) -> Step:
    return _create(draw, "exists", [_wish(draw, draw.shared("plain"))])


def _create_colliding(draw: Draw) -> Step:
    stem = draw.fresh("a.b")
    other = stem.replace(".", "_")
    return _create(draw, "names that differ in dot and underscore", [_wish(draw, stem), _wish(draw, other)])


def _create_twice(draw: Draw) -> Step:
    wish = _wish(draw)
    return _create(draw, "named twice", [wish, wish, _wish(draw)])


def _create_bad_partitions(draw: Draw) -> Step:
    count = draw.pick(0, -2, -INT32_MAX)
    return _create(draw, f"{count} partitions", [_wish(draw, num_partitions=count)])


def _create_bad_copies(draw: Draw) -> Step:
    count = draw.pick(0, -2, 2, 3, 32_767, -32_768)
    return _create(draw, f"{count} copies", [_wish(draw, replication_factor=count)])


def _create_bad_config(draw: Draw) -> Step:
    name, values = draw.pick(*BAD_CONFIGS)
    config = CreatableTopicConfig(name=name, value=draw.pick(*values))
    return _create(draw, f"config {config}", [_wish(draw, configs=[config])])


def _create_config_twice(draw: Draw) -> Step:
    configs = [CreatableTopicConfig(name="segment.ms", value=value) for value in ("1000", "2000")]
    return _create(draw, "a config twice", [_wish(draw, configs=configs)])


def _create_bad_assignment(draw: Draw) -> Step:
    choices: list[list[tuple[int, list[int]]]] = [
        [(1, [1])], [(0, [1]), (2, [1])], [(0, [])], [(0, [2])], [(0, [1, 2])], [(0, [1, 1])], [(0, [-1])],
        [(0, [1]), (0, [1])], [(-1, [1])], [(0, [1]), (1, [])],
    ]  # fmt: skip
    places = draw.pick(*choices)
    assignments = [CreatableReplicaAssignment(partition_index=index, broker_ids=ids) for index, ids in places]
    wish = _wish(draw, num_partitions=-1, replication_factor=-1, assignments=assignments)
    return _create(draw, f"partitions {places}", [wish])


def _create_assigned_and_counted(draw: Draw) -> Step:
    counts = draw.pick((1, -1), (-1, 1), (1, 1), (0, -1))
    assignments = [CreatableReplicaAssignment(partition_index=0, broker_ids=[1])]
    wish = _wish(draw, num_partitions=counts[0], replication_factor=counts[1], assignments=assignments)
    return _create(draw, f"assigned and counted {counts}", [wish])


def _create_nothing(draw: Draw) -> Step:
    return _create(draw, "nothing", [], validate_only=draw.pick(False, True))


# DeleteTopics


def _delete(draw: Draw, label: str, names: list[str], *, by_id: bool = False, **options: object) -> Step:
    def build(side: Side) -> DeleteTopicsRequest:
        states = [
            DeleteTopicState(name=None, topic_id=side.topic_id(name)) if by_id else DeleteTopicState(name=name)
            for name in names
        ]
        return DeleteTopicsRequest(topic_names=names, topics=states, timeout_ms=30_000)

    return draw.step(f"{label} {names}", build, settle=True, after=_look(draw, names), **options)


def _delete_some(draw: Draw) -> Step:
    names = [draw.fresh("doomed") for _ in range(draw.rng.randint(1, 2))]
    return _delete(draw, "by name", names, topics=[topic(name) for name in names])


def _delete_by_id(draw: Draw) -> Step | None:
    if draw.version < 6:
        return None
    name = draw.fresh("doomed")
    return _delete(draw, "by id", [name], by_id=True, topics=[topic(name)])


def _delete_mixed(draw: Draw) -> Step:
    name = draw.fresh("doomed")
    return _delete(draw, "one of two", [name, draw.fresh("missing")], topics=[topic(name)])


def _delete_nothing(draw: Draw) -> Step:
    return _delete(draw, "nothing", [])


def _delete_missing(draw: Draw) -> Step:
    return _delete(draw, "missing", [draw.fresh("missing"), draw.pick(*BAD_TOPIC_NAMES)])


def _delete_unknown_id(draw: Draw) -> Step | None:
    return _delete(draw, "unknown id", [draw.fresh("missing")], by_id=True) if draw.version >= 6 else None


def _delete_twice(draw: Draw) -> Step:
    name = draw.fresh("doomed")
    return _delete(draw, "twice", [name, name], topics=[topic(name)])


def _delete_again(draw: Draw) -> Step:
    name = draw.fresh("doomed")
    first = _delete(draw, "first", [name])
    first.kind = ""
    return _delete(draw, "again", [name], topics=[topic(name)], before=[first])


def _delete_id_and_name(draw: Draw) -> Step | None:
    if draw.version < 6:
        return None
    name = draw.fresh("kept")
    return draw.step(
        "both id and name",
        lambda side: DeleteTopicsRequest(
            topics=[DeleteTopicState(name=name, topic_id=side.topic_id(name))], timeout_ms=30_000
        ),
        topics=[topic(name)],
        settle=True,
    )


def _delete_neither(draw: Draw) -> Step | None:
    if draw.version < 6:
        return None
    return draw.step(
        "neither id nor name",
        lambda _: DeleteTopicsRequest(topics=[DeleteTopicState(name=None)], timeout_ms=30_000),
    )


# CreatePartitions


def _grow(
    draw: Draw,
    label: str,
    wishes: list[tuple[str, int, list[list[int]] | None]],
    **options: object,
) -> Step:
    only = draw.rng.random() < 0.4
    topics = [
        CreatePartitionsTopic(
            name=name,
            count=count,
            assignments=None
            if assignments is None
            else [CreatePartitionsAssignment(broker_ids=ids) for ids in assignments],
        )
        for name, count, assignments in wishes
    ]
    return draw.step(
        f"{label} {wishes}, {'validate only' if only else 'for real'}",
        lambda _: CreatePartitionsRequest(topics=topics, timeout_ms=30_000, validate_only=only),
        settle=not only,
        after=_look(draw, [name for name, _, _ in wishes]),
        **options,
    )


def _grow_one(draw: Draw) -> Step:
    name = draw.fresh("growing")
    return _grow(draw, "to", [(name, draw.rng.randint(2, 4), None)], topics=[topic(name)])


def _grow_assigned(draw: Draw) -> Step:
    name = draw.fresh("growing")
    return _grow(draw, "assigned", [(name, 3, [[1], [1]])], topics=[topic(name)])


def _grow_two(draw: Draw) -> Step:
    names = [draw.fresh("growing"), draw.fresh("growing")]
    return _grow(draw, "both", [(name, 2, None) for name in names], topics=[topic(name) for name in names])


def _grow_bad_count(draw: Draw) -> Step:
    name = draw.fresh("kept")
    return _grow(draw, "to", [(name, draw.pick(3, 2, 0, -1, -INT32_MAX), None)], topics=[topic(name, 3)])


def _grow_missing(draw: Draw) -> Step:
    return _grow(draw, "missing", [(draw.pick(draw.fresh("missing"), *BAD_TOPIC_NAMES), 3, None)])


def _grow_bad_assignment(draw: Draw) -> Step:
    name = draw.fresh("kept")
    assignments: list[list[int]] = draw.pick(
        [[1]], [[1], [1], [1]], [[], []], [[1], [2]], [[1], [1, 1]], [[1, 2], [1, 2]], []
    )
    return _grow(draw, "badly assigned", [(name, 3, assignments)], topics=[topic(name)])


def _grow_twice(draw: Draw) -> Step:
    name = draw.fresh("kept")
    return _grow(draw, "twice", [(name, 2, None), (name, 3, None)], topics=[topic(name)])


MAKERS: Final = {
    ApiKey.CREATE_TOPICS: Makers(
        (_create_plain, _create_configured, _create_with_defaults, _create_assigned, _create_nothing),
        (
            _create_mixed,
            _create_bad_name,
            _create_existing,
            _create_colliding,
            _create_twice,
            _create_bad_partitions,
            _create_bad_copies,
            _create_bad_config,
            _create_config_twice,
            _create_bad_assignment,
            _create_assigned_and_counted,
        ),
    ),
    ApiKey.DELETE_TOPICS: Makers(
        (_delete_some, _delete_by_id, _delete_nothing),
        (
            _delete_mixed,
            _delete_missing,
            _delete_unknown_id,
            _delete_twice,
            _delete_again,
            _delete_id_and_name,
            _delete_neither,
        ),
    ),
    ApiKey.CREATE_PARTITIONS: Makers(
        (_grow_one, _grow_assigned, _grow_two), (_grow_bad_count, _grow_missing, _grow_bad_assignment, _grow_twice)
    ),
}
