"""The cluster that the console's bars are measured on: three nodes of Apache Kafka with many topics and groups.

One node is controller and broker, two are brokers alone: a node opens one file a partition, so 40,000 partitions on
one node exceed an open-file limit of 20,000. It is made once and kept in a folder; the next run goes on with it.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kcon.admin.client import Admin
from kcon.admin.settings import AdminSettings
from kcon.errors import KconError, NotFoundError
from kcon.services.kept_cluster import KeptCluster, KeptOptions
from kcon_broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from kcon_broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from tests.bench.scale import Client

NAME = "bench"
PARTITIONS_PER_TOPIC = 4
COMMITTED_PER_GROUP = 20
TOPICS_PER_REQUEST = 500
GROUPS_PER_LOOKUP = 200
COORDINATOR_NOT_AVAILABLE, COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR = 15, 14, 16
SETTLE_S = 600.0
START_S = 300.0


@contextmanager
def running(folder: Path, topics: int, groups: int, *, heap_mb: int) -> Iterator[KeptCluster]:
    """Run the cluster of a folder with everything in it, and stop it cleanly afterwards."""
    cluster = bring_up(folder, topics, groups, heap_mb=heap_mb)
    try:
        yield cluster
    finally:
        asyncio.run(cluster.stop(grace_s=60.0))


def bring_up(folder: Path, topics: int, groups: int, *, heap_mb: int) -> KeptCluster:
    """Start the cluster of a folder, make what is missing in it, and leave it running."""
    try:
        cluster = KeptCluster.find(folder, NAME)
    except NotFoundError:
        options = KeptOptions(
            nodes=3, controllers=1, heap_mb=heap_mb, properties={"num.network.threads": "2", "num.io.threads": "4"}
        )
        cluster = KeptCluster.create(folder, NAME, options)
    with cluster.exclusive():
        began = time.perf_counter()
        asyncio.run(cluster.start(lambda _text: None, timeout_s=START_S))
        started = time.perf_counter()
        _fill(cluster.bootstrap, topics, groups)
        print(f"nodes in {started - began:.0f} s, filled in {time.perf_counter() - started:.0f} s: {cluster.folder}")
    return cluster


def take_down(folder: Path) -> None:
    """Stop the cluster of a folder and delete it."""
    cluster = KeptCluster.find(folder, NAME)
    asyncio.run(cluster.stop(grace_s=0))
    cluster.delete()


def topic_name_of(index: int) -> str:
    """Return the name of a topic."""
    return f"bench.topic-{index:05d}"


def group_id_of(index: int) -> str:
    """Return the id of a group."""
    return f"bench-group-{index:05d}"


def _fill(bootstrap: Sequence[str], topics: int, groups: int) -> None:
    there = _wait(bootstrap, lambda have: True)
    missing = [index for index in range(topics) if topic_name_of(index) not in there]
    with Client(bootstrap[0]) as client:
        for start in range(0, len(missing), TOPICS_PER_REQUEST):
            _create(client, [topic_name_of(index) for index in missing[start : start + TOPICS_PER_REQUEST]])
    wanted = {topic_name_of(index) for index in range(topics)}
    _wait(bootstrap, wanted.__le__)
    have = asyncio.run(_groups(bootstrap))
    left = [index for index in range(groups) if group_id_of(index) not in have]
    if left:
        _commit(bootstrap, left, topics)


def _create(client: Client, names: Sequence[str]) -> None:
    request = CreateTopicsRequest(
        topics=[CreatableTopic(name=name, num_partitions=PARTITIONS_PER_TOPIC, replication_factor=1) for name in names],
        timeout_ms=120_000,
    )
    told = client.ask(request, CreateTopicsResponse, 5)
    bad = [f"{topic.name}: {topic.error_code}" for topic in told.topics if topic.error_code not in (0, 36)]
    if bad:
        raise SystemExit(f"CreateTopics failed: {bad[:3]}")


def _commit(bootstrap: Sequence[str], groups: Sequence[int], topics: int) -> None:
    """Commit for every group at its coordinator; a coordinator that is still loading is asked again."""
    clients: dict[str, Client] = {}
    ends = time.monotonic() + SETTLE_S
    left = list(groups)
    while left:
        if time.monotonic() > ends:
            raise SystemExit(f"{len(left)} groups could not commit")
        again: list[int] = []
        for start in range(0, len(left), GROUPS_PER_LOOKUP):
            batch = left[start : start + GROUPS_PER_LOOKUP]
            with Client(bootstrap[0]) as client:
                request = FindCoordinatorRequest(key_type=0, coordinator_keys=[group_id_of(index) for index in batch])
                told = client.ask(request, FindCoordinatorResponse, 4)
            for index, found in zip(batch, told.coordinators, strict=True):
                address = f"{found.host}:{found.port}"
                if found.error_code or not _commit_one(clients, address, index, topics):
                    again.append(index)
        left = again
        if left:
            time.sleep(0.2)
    for client in clients.values():
        client.__exit__(None, None, None)


def _commit_one(clients: dict[str, Client], address: str, index: int, topics: int) -> bool:
    chosen = random.Random(index)
    names = [topic_name_of(each) for each in chosen.sample(range(topics), COMMITTED_PER_GROUP // PARTITIONS_PER_TOPIC)]
    request = OffsetCommitRequest(
        group_id=group_id_of(index),
        generation_id_or_member_epoch=-1,
        member_id="",
        topics=[
            OffsetCommitRequestTopic(
                name=name,
                partitions=[
                    OffsetCommitRequestPartition(
                        partition_index=partition,
                        committed_offset=0,
                        committed_leader_epoch=-1,
                        committed_metadata="",
                    )
                    for partition in range(PARTITIONS_PER_TOPIC)
                ],
            )
            for name in names
        ],
    )
    if address not in clients:
        clients[address] = Client(address)
    told = clients[address].ask(request, OffsetCommitResponse, 8)
    codes = {part.error_code for topic in told.topics for part in topic.partitions}
    if codes & {COORDINATOR_NOT_AVAILABLE, COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, 3}:
        return False
    if codes != {0}:
        raise SystemExit(f"{group_id_of(index)} could not commit: {codes}")
    return True


def _wait(bootstrap: Sequence[str], is_enough: Callable[[set[str]], bool]) -> set[str]:
    """Return the names of all topics once they are enough: brokers hear of new topics a moment later."""
    ends = time.monotonic() + SETTLE_S
    while True:
        have = asyncio.run(_names(bootstrap))
        if is_enough(have):
            return have
        if time.monotonic() > ends:
            raise SystemExit("the topics did not show")
        time.sleep(0.5)


async def _names(bootstrap: Sequence[str]) -> set[str]:
    async with await Admin.connect(AdminSettings(bootstrap=tuple(bootstrap))) as admin:
        return {
            topic.name.raw for topic in await admin.topics() if all(part.leader_id >= 0 for part in topic.partitions)
        }


async def _groups(bootstrap: Sequence[str]) -> set[str]:
    async with await Admin.connect(AdminSettings(bootstrap=tuple(bootstrap))) as admin:
        listed = await admin.list_groups()
        for error in listed.errors.values():
            raise KconError(str(error))
        return {item.group.raw for item in listed.items}
