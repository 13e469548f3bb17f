"""Requests about brokers and topics as they are: ApiVersions, Metadata, DescribeCluster, DescribeTopicPartitions,
FindCoordinator."""

from typing import Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest
from kcon_broker.wire.messages.describe_cluster import DescribeClusterRequest
from kcon_broker.wire.messages.describe_log_dirs import DescribableLogDirTopic, DescribeLogDirsRequest
from kcon_broker.wire.messages.describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    TopicRequest,
)
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from kcon_broker.wire.schema import ZERO_UUID
from tests.differential.generators.dataset import SHARED_TOPICS
from tests.differential.generators.draw import BAD_TOPIC_NAMES, INT32_MAX, Draw, Makers
from tests.differential.session import Side, Step

# ApiVersions


def _api_versions(draw: Draw) -> Step:
    name, version = draw.pick("kcon", "a", "A-1.b", "apache-kafka-java"), draw.pick("1", "4.3.0", "1-rc.1", "0a")
    return draw.step(
        f"client {name} {version}",
        lambda _: ApiVersionsRequest(client_software_name=name, client_software_version=version),
    )


def _api_versions_bad_software(draw: Draw) -> Step | None:
    if draw.version < 3:
        return None
    bad, good = draw.pick("", " ", "-a", "a-", ".", "a b", "ü", "a_b", "a\n"), "1"
    name, version = (bad, good) if draw.rng.random() < 0.5 else (good, bad)
    return draw.step(
        f"client {name!r} {version!r}",
        lambda _: ApiVersionsRequest(client_software_name=name, client_software_version=version),
    )


# Metadata


def _metadata(
    draw: Draw, names: list[str] | None, *, may_create: bool = False, lists_all: bool = False, label: str = ""
) -> Step:
    with_topics, with_cluster = draw.pick(False, True), draw.pick(False, True)

    def build(_: Side) -> MetadataRequest:
        return MetadataRequest(
            topics=None if names is None else [MetadataRequestTopic(name=name) for name in names],
            allow_auto_topic_creation=may_create,
            include_topic_authorized_operations=with_topics,
            include_cluster_authorized_operations=with_cluster,
        )

    return draw.step(label or f"topics {names}", build, lists_all=lists_all)


def _metadata_some(draw: Draw) -> Step:
    return _metadata(draw, [draw.shared(name) for name in draw.some(SHARED_TOPICS)])


def _metadata_all(draw: Draw) -> Step:
    return _metadata(draw, None if draw.version else [], lists_all=True, label="all topics")


def _metadata_none(draw: Draw) -> Step | None:
    return _metadata(draw, []) if draw.version else None


def _metadata_by_id(draw: Draw) -> Step | None:
    if draw.version < 12:
        return None
    names = draw.some([draw.shared(name) for name in SHARED_TOPICS])
    return draw.step(
        f"topics {names} by id",
        lambda side: MetadataRequest(
            topics=[MetadataRequestTopic(topic_id=side.topic_id(name), name=None) for name in names]
        ),
    )


def _metadata_twice(draw: Draw) -> Step:
    return _metadata(draw, [draw.shared("plain"), draw.shared("plain")])


def _metadata_unknown(draw: Draw) -> Step | None:
    # Before version 4 a missing topic is created, which is compared on its own.
    return _metadata(draw, [draw.fresh("missing"), draw.shared("plain")]) if draw.version >= 4 else None


def _metadata_bad_name(draw: Draw) -> Step:
    return _metadata(draw, [draw.pick(*BAD_TOPIC_NAMES), draw.shared("plain")], may_create=draw.kind != "mutated")


def _metadata_unknown_id(draw: Draw) -> Step | None:
    if draw.version < 12:
        return None
    return draw.step(
        "an unknown id",
        lambda side: MetadataRequest(
            topics=[
                MetadataRequestTopic(topic_id=side.topic_id("no such"), name=None),
                MetadataRequestTopic(topic_id=side.topic_id(draw.shared("plain")), name=None),
            ]
        ),
    )


def _metadata_id_and_name(draw: Draw) -> Step | None:
    if draw.version < 10:
        return None
    name = draw.pick(draw.shared("plain"), "other", "")
    known = draw.pick(True, False)
    return draw.step(
        f"an id and the name {name!r}",
        lambda side: MetadataRequest(
            topics=[MetadataRequestTopic(topic_id=side.topic_id(draw.shared("plain") if known else ""), name=name)]
        ),
    )


def _metadata_no_name(draw: Draw) -> Step | None:
    if draw.version < 10:
        return None
    return draw.step(
        "neither name nor id", lambda _: MetadataRequest(topics=[MetadataRequestTopic(topic_id=ZERO_UUID, name=None)])
    )


# DescribeCluster


def _describe_cluster(draw: Draw) -> Step:
    operations, fenced = draw.pick(False, True), draw.pick(False, True)
    return draw.step(
        f"operations {operations}, fenced {fenced}",
        lambda _: DescribeClusterRequest(
            include_cluster_authorized_operations=operations, include_fenced_brokers=fenced, endpoint_type=1
        ),
    )


def _describe_cluster_bad_endpoint(draw: Draw) -> Step | None:
    if draw.version < 1:
        return None
    endpoint = draw.pick(0, 2, 3, -1, 127, -128)
    return draw.step(f"endpoint type {endpoint}", lambda _: DescribeClusterRequest(endpoint_type=endpoint))


# DescribeTopicPartitions


def _pages(draw: Draw, names: list[str], limit: int, cursor: Cursor | None, *, lists_all: bool = False) -> Step:
    return draw.step(
        f"topics {names}, {limit} a page, from {cursor}",
        lambda _: DescribeTopicPartitionsRequest(
            topics=[TopicRequest(name=name) for name in names], response_partition_limit=limit, cursor=cursor
        ),
        lists_all=lists_all,
    )


def _partitions(draw: Draw) -> Step:
    names = draw.some([draw.shared(name) for name in SHARED_TOPICS])
    return _pages(draw, draw.rng.sample(names, len(names)), draw.pick(2_000, 100, 20), None)


def _partitions_first_page(draw: Draw) -> Step:
    return _pages(draw, [draw.shared(name) for name in SHARED_TOPICS], draw.rng.randint(1, 8), None)


def _partitions_next_page(draw: Draw) -> Step:
    names = [draw.shared(name) for name in SHARED_TOPICS]
    cursor = Cursor(topic_name=draw.pick(*names), partition_index=draw.rng.randint(0, 3))
    return _pages(draw, names, draw.rng.randint(1, 8), cursor)


def _partitions_all(draw: Draw) -> Step:
    return _pages(draw, [], 2_000, Cursor(topic_name=draw.prefix, partition_index=0), lists_all=True)


def _partitions_unknown(draw: Draw) -> Step:
    return _pages(draw, [draw.shared("plain"), draw.fresh("missing")], draw.pick(1, 3, 10), None)


def _partitions_bad_name(draw: Draw) -> Step:
    return _pages(draw, [draw.pick(*BAD_TOPIC_NAMES), draw.shared("plain")], 10, None)


def _partitions_bad_limit(draw: Draw) -> Step:
    return _pages(draw, [draw.shared("plain")], draw.pick(0, -1, -INT32_MAX), None)


def _partitions_bad_cursor(draw: Draw) -> Step:
    cursor = Cursor(
        topic_name=draw.pick("", "!", draw.shared("plain"), draw.shared("plaim"), "zzz"),
        partition_index=draw.pick(-1, -INT32_MAX, 100, INT32_MAX),
    )
    return _pages(draw, [draw.shared("plain"), draw.shared("small")], 10, cursor)


# DescribeLogDirs


def _log_dirs(draw: Draw, label: str, places: list[tuple[str, list[int]]]) -> Step:
    return draw.step(
        f"{label} {places}",
        lambda _: DescribeLogDirsRequest(
            topics=[DescribableLogDirTopic(topic=name, partitions=indexes) for name, indexes in places]
        ),
    )


def _log_dirs_of(draw: Draw) -> Step:
    names = draw.some(["append", "compact", "strict"])
    return _log_dirs(
        draw,
        "of",
        [(draw.shared("plain"), draw.pick([0, 1, 2], [1], [2]))] + [(draw.shared(name), [0]) for name in names],
    )


def _log_dirs_missing(draw: Draw) -> Step:
    place = draw.pick(
        (draw.fresh("missing"), [0]), (draw.shared("plain"), [9]), (draw.shared("plain"), [-1, 0]), ("", [0])
    )
    return _log_dirs(draw, "missing", [place, (draw.shared("small"), [0])])


# FindCoordinator


def _find(draw: Draw, key_type: int, keys: list[str]) -> Step:
    return draw.step(
        f"type {key_type}, keys {keys}",
        lambda _: FindCoordinatorRequest(key=keys[0] if keys else "", key_type=key_type, coordinator_keys=keys),
    )


def _find_group(draw: Draw) -> Step:
    return _find(draw, 0, [draw.pick("g", "", "ü", "x" * 300, draw.word())])


def _find_groups(draw: Draw) -> Step:
    return _find(draw, 0, draw.pick(["a", "b"], ["a", "a"], ["", "c"]))


def _find_none(draw: Draw) -> Step | None:
    return _find(draw, 0, []) if draw.version >= 4 else None


def _find_bad_type(draw: Draw) -> Step | None:
    return _find(draw, draw.pick(3, -1, 127, -128), ["a", "b"]) if draw.version else None


def _find_share(draw: Draw) -> Step | None:
    # Version 6 knows share coordinators, of groups whose key has three parts; these have not.
    return _find(draw, 2, [draw.pick("a", "", "a:b")]) if draw.version else None


MAKERS: Final = {
    ApiKey.API_VERSIONS: Makers((_api_versions,), (_api_versions_bad_software,)),
    ApiKey.METADATA: Makers(
        (_metadata_some, _metadata_all, _metadata_none, _metadata_by_id, _metadata_twice),
        (_metadata_unknown, _metadata_bad_name, _metadata_unknown_id, _metadata_id_and_name, _metadata_no_name),
    ),
    ApiKey.DESCRIBE_CLUSTER: Makers((_describe_cluster,), (_describe_cluster_bad_endpoint,)),
    ApiKey.DESCRIBE_LOG_DIRS: Makers((_log_dirs_of,), (_log_dirs_missing,)),
    ApiKey.DESCRIBE_TOPIC_PARTITIONS: Makers(
        (_partitions, _partitions_first_page, _partitions_next_page, _partitions_all),
        (_partitions_unknown, _partitions_bad_name, _partitions_bad_limit, _partitions_bad_cursor),
    ),
    ApiKey.FIND_COORDINATOR: Makers((_find_group, _find_groups), (_find_none, _find_bad_type, _find_share)),
}
