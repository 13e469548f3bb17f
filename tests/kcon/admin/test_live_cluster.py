"""The admin client against live brokers: the same questions and the same answers from each."""

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Producer

from kcon.admin.client import Admin
from kcon.admin.settings import AdminSettings
from kcon.admin.topic_changes import NewTopic
from kcon.core.config_entry import ConfigResource, ResourceType
from kcon.core.ids import GroupId, TopicName, TopicPartition, group_id, topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import EARLIEST, LATEST, Timestamp
from kcon.core.snapshot import CommittedOffset, GroupDescription, OffsetAt
from kcon.gate.permit import Operation

T0 = 1_700_000_000_000
"""The time of record 0 of each partition; record N is N seconds later."""


class Live:
    """One admin client, and permits for it."""

    def __init__(self, admin: Admin, wire: SimpleNamespace) -> None:
        self.admin = admin
        self.permit = wire.permit

    async def create(self, topic: TopicName, partitions: int = 2, **configs: str) -> None:
        new = NewTopic(name=topic, partitions=partitions, replication_factor=1, configs=configs)
        assert await self.admin.create_topics([new], self.permit(Operation.TOPIC_CREATE, topic.raw)) == {topic: None}
        async with asyncio.timeout(20):  # Apache's controller answers before the broker knows of it.
            while (await self.admin.topics([topic]))[0].error is not None:
                await asyncio.sleep(0.05)

    async def until_gone(self, topic: TopicName) -> None:
        """Wait for the deletion to reach the metadata of the broker: Apache's controller answers before that."""
        async with asyncio.timeout(20):
            while (await self.admin.topics([topic]))[0].error is None:
                await asyncio.sleep(0.05)

    async def commit(self, group: GroupId, offsets: dict[TopicPartition, int]) -> None:
        permit = self.permit(Operation.OFFSETS_COMMIT, group.raw)
        told = await self.admin.commit_offsets(group, offsets, permit)
        assert set(told.values()) == {None}


def live(cluster: Any, wire: SimpleNamespace, main: Callable[[Live], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        settings = AdminSettings(bootstrap=(cluster.bootstrap,), context="test")
        async with await Admin.connect(settings) as admin:
            await main(Live(admin, wire))

    asyncio.run(run())


def fill(cluster: Any, topic: TopicName, counts: list[int]) -> None:
    """Write so many records to each partition."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True})
    for partition, count in enumerate(counts):
        for number in range(count):
            producer.produce(topic.raw, value=b"x", partition=partition, timestamp=T0 + number * 1_000)
    assert producer.flush(30) == 0


def test_cluster_names_its_broker(cluster: Any, wire: SimpleNamespace) -> None:
    async def main(live: Live) -> None:
        info = await live.admin.cluster()
        assert info.cluster_id
        assert [f"{b.host}:{b.port}" for b in info.brokers] == [cluster.bootstrap]
        assert info.controller_id == info.brokers[0].id
        versions = (await live.admin.api_versions())[info.brokers[0].id]
        assert not isinstance(versions, KafkaError)
        assert 18 in versions

    live(cluster, wire, main)


def test_topic_lives_and_dies(cluster: Any, wire: SimpleNamespace, unique: Callable[[str], str]) -> None:
    topic = topic_name(unique("life"))

    async def main(live: Live) -> None:
        (missing,) = await live.admin.topics([topic])
        assert missing.error is not None
        assert missing.error.name == "UNKNOWN_TOPIC_OR_PARTITION"
        check = NewTopic(name=topic, partitions=3, replication_factor=1)
        assert await live.admin.create_topics([check], None, validate_only=True) == {topic: None}
        (still_missing,) = await live.admin.topics([topic])
        assert still_missing.error is not None
        await live.create(topic, 3)
        (found,) = await live.admin.topics([topic])
        assert found.error is None
        assert [p.partition for p in found.partitions] == [0, 1, 2]
        assert found.topic_id
        assert topic in {t.name for t in await live.admin.topics()}
        (again,) = (await live.admin.create_topics([check], live.permit(Operation.TOPIC_CREATE, topic.raw))).values()
        assert again is not None
        assert again.name == "TOPIC_ALREADY_EXISTS"
        assert await live.admin.delete_topics([topic], live.permit(Operation.TOPIC_DELETE, topic.raw)) == {topic: None}
        await live.until_gone(topic)

    live(cluster, wire, main)


def test_bad_topics_are_refused_by_name(cluster: Any, wire: SimpleNamespace, unique: Callable[[str], str]) -> None:
    bad = topic_name("bad/" + unique("name"))
    many = topic_name(unique("replicas"))

    async def main(live: Live) -> None:
        new = [NewTopic(name=bad, partitions=1, replication_factor=1), NewTopic(name=many, replication_factor=9)]
        told = await live.admin.create_topics(new, live.permit(Operation.TOPIC_CREATE, bad.raw, many.raw))
        assert [error.name for error in told.values() if error] == [
            "INVALID_TOPIC_EXCEPTION",
            "INVALID_REPLICATION_FACTOR",
        ]

    live(cluster, wire, main)


def test_offsets_by_bound_and_time(cluster: Any, wire: SimpleNamespace, unique: Callable[[str], str]) -> None:
    topic = topic_name(unique("offsets"))
    zero, one, none = (TopicPartition(topic, index) for index in (0, 1, 9))

    async def main(live: Live) -> None:
        await live.create(topic)
        await asyncio.to_thread(fill, cluster, topic, [10, 0])
        ask = live.admin.list_offsets

        async def offset(partition: TopicPartition, at: Any) -> int:
            found = (await ask([partition], at))[partition]
            assert isinstance(found, OffsetAt)
            return found.offset

        assert [await offset(zero, at) for at in (EARLIEST, LATEST)] == [0, 10]
        assert [await offset(one, at) for at in (EARLIEST, LATEST)] == [0, 0]
        assert [await offset(zero, Timestamp(T0 + ms)) for ms in (-1, 0, 1, 3_000, 9_000)] == [0, 0, 1, 3, 9]
        assert [await offset(zero, Timestamp(T0 + 9_001)), await offset(one, Timestamp(T0))] == [-1, -1]
        assert (await ask([zero], LATEST, read_committed=True))[zero] == (await ask([zero], LATEST))[zero]
        missing = (await ask([none], LATEST))[none]
        assert isinstance(missing, KafkaError)
        assert missing.name == "UNKNOWN_TOPIC_OR_PARTITION"

    live(cluster, wire, main)


def test_commits_are_written_read_and_removed(
    cluster: Any, wire: SimpleNamespace, unique: Callable[[str], str]
) -> None:
    topic, group = topic_name(unique("commits")), group_id(unique("group"))
    zero, one = TopicPartition(topic, 0), TopicPartition(topic, 1)

    async def main(live: Live) -> None:
        await live.create(topic)
        await asyncio.to_thread(fill, cluster, topic, [10, 10])
        assert await live.admin.committed_offsets([group]) == {group: {}}
        await live.commit(group, {zero: 3, one: 7})
        commits = (await live.admin.committed_offsets([group]))[group]
        assert isinstance(commits, dict)
        assert {tp: c.offset for tp, c in commits.items() if isinstance(c, CommittedOffset)} == {zero: 3, one: 7}
        narrowed = (await live.admin.committed_offsets({group: [one]}))[group]
        assert isinstance(narrowed, dict)
        assert list(narrowed) == [one]
        listed = {g.group: g.state for g in (await live.admin.list_groups()).items}
        assert listed[group] == "Empty"
        described = (await live.admin.describe_groups([group]))[group]
        assert isinstance(described, GroupDescription)
        assert (described.state, described.members, described.is_active) == ("Empty", (), False)
        missing = await live.admin.commit_offsets(
            group, {TopicPartition(topic, 9): 1}, live.permit(Operation.OFFSETS_COMMIT, group.raw)
        )
        (error,) = missing.values()
        assert error is not None
        assert error.name == "UNKNOWN_TOPIC_OR_PARTITION"
        assert await live.admin.delete_groups([group], live.permit(Operation.GROUP_DELETE, group.raw)) == {group: None}
        assert await live.admin.committed_offsets([group]) == {group: {}}
        gone = (await live.admin.describe_groups([group]))[group]
        assert isinstance(gone, GroupDescription)
        assert gone.state == "Dead"

    live(cluster, wire, main)


@pytest.mark.java
def test_single_commits_are_deleted(apache_kafka: Any, wire: SimpleNamespace, unique: Callable[[str], str]) -> None:
    topic, group = topic_name(unique("commits")), group_id(unique("group"))
    zero, one = TopicPartition(topic, 0), TopicPartition(topic, 1)

    async def main(live: Live) -> None:
        await live.create(topic)
        await live.commit(group, {zero: 0, one: 0})
        told = await live.admin.delete_offsets(group, [zero], live.permit(Operation.OFFSETS_DELETE, group.raw))
        assert told == {zero: None}
        left = (await live.admin.committed_offsets([group]))[group]
        assert isinstance(left, dict)
        assert list(left) == [one]

    live(apache_kafka, wire, main)


def test_configs_are_read_and_altered(cluster: Any, wire: SimpleNamespace, unique: Callable[[str], str]) -> None:
    topic = topic_name(unique("configs"))
    resource = ConfigResource(ResourceType.TOPIC, topic)

    async def main(live: Live) -> None:
        await live.create(topic, 1, **{"retention.ms": "1000"})

        async def retention() -> tuple[str, bool]:
            configs = (await live.admin.describe_configs([resource]))[resource]
            assert not isinstance(configs, KafkaError)
            entry = next(entry for name, entry in configs.items() if name.raw == "retention.ms")
            return str(entry.value), entry.is_default

        async def alter(value: str | None, *, validate_only: bool = False) -> KafkaError | None:
            permit = None if validate_only else live.permit(Operation.CONFIG_ALTER, resource.target)
            told = await live.admin.alter_configs(
                {resource: {"retention.ms": value}}, permit, validate_only=validate_only
            )
            return told[resource]

        async def settles_at(expected: tuple[str, bool]) -> None:
            """On KRaft the broker that describes hears of a change a moment after it is answered."""
            async with asyncio.timeout(20):
                while await retention() != expected:
                    await asyncio.sleep(0.05)

        await settles_at(("1000", False))
        assert await alter("2000", validate_only=True) is None
        assert await retention() == ("1000", False)
        assert await alter("2000") is None
        await settles_at(("2000", False))
        refused = await alter("soon")
        assert refused is not None
        assert refused.name == "INVALID_CONFIG"
        assert await alter(None) is None
        await settles_at(("604800000", True))

    live(cluster, wire, main)
