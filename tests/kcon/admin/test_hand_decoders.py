"""The answers read by hand, because they are large: every field lands in its place, and no bytes crash them."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kcon.admin import commits, offsets
from kcon.admin.apis import Api
from kcon.admin.client import Admin
from kcon.admin.connection import Answer
from kcon.admin.decode import Cursor, UnreadableAnswer
from kcon.core.ids import GroupId, TopicPartition, group_id, topic_name
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.offset_query import LATEST
from kcon.core.partition_names import PartitionNames
from kcon.core.snapshot import CommittedOffset, GroupCommits, OffsetAt, PartitionInfo


@pytest.mark.parametrize("version", range(9, 13))
def test_every_field_of_a_topic(wire: SimpleNamespace, version: int) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1]}, versions={Api.METADATA: (version, version)}) as broker:
            plain = broker._metadata

            def reply(version: int, request: Any) -> object:
                m = wire.schema(Api.METADATA, version, "response")
                answer = plain(version, request)
                partitions = tuple(
                    m.MetadataResponsePartition(
                        error_code=wire.code(error),
                        partition_index=index,
                        leader_id=leader,
                        leader_epoch=40 + index,
                        replica_nodes=replicas,
                        isr_nodes=replicas[:2],
                        offline_replicas=replicas[2:],
                    )
                    for index, leader, replicas, error in ((1, -1, tuple(range(200)), 5), (0, 1, (1, 2, 3), 0))
                )
                topic = m.MetadataResponseTopic(
                    error_code=wire.code(0),
                    name="orders",
                    **({"topic_id": UUID(int=7)} if version >= 10 else {}),
                    is_internal=True,
                    partitions=partitions,
                )
                object.__setattr__(answer, "topics", (topic,))
                return answer

            async with await Admin.connect(wire.settings(broker)) as admin:
                broker.replies[Api.METADATA] = reply
                (topic,) = await admin.topics()
        many = tuple(range(200))
        assert topic.internal
        assert topic.topic_id == ("AAAAAAAAAAAAAAAAAAAABw" if version >= 10 else None)
        assert topic.partitions == (
            PartitionInfo(0, 1, 40, (1, 2, 3), (1, 2), (3,)),
            PartitionInfo(1, -1, 41, many, many[:2], many[2:], kafka_error(5)),
        )

    asyncio.run(main())


@pytest.mark.parametrize("version", range(4, 11))
def test_every_field_of_an_offset(wire: SimpleNamespace, version: int) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1, 1]}, versions={Api.LIST_OFFSETS: (version, version)}) as broker:

            def reply(version: int, request: Any) -> object:
                m = wire.schema(Api.LIST_OFFSETS, version, "response")
                rows = tuple(
                    m.ListOffsetsPartitionResponse(
                        partition_index=index,
                        error_code=wire.code(error),
                        timestamp=2**40,
                        offset=2**50,
                        leader_epoch=9,
                    )
                    for index, error in ((7, 0), (1, 1), (0, 0))
                )
                topics = tuple(m.ListOffsetsTopicResponse(name=name, partitions=rows) for name in ("other", "orders"))
                return m.ListOffsetsResponse(throttle_time=wire.no_time, topics=topics)

            broker.replies[Api.LIST_OFFSETS] = reply
            wanted = [TopicPartition(topic_name("orders"), index) for index in (0, 1)]
            async with await Admin.connect(wire.settings(broker)) as admin:
                found = await admin.list_offsets(wanted, LATEST)
        assert found == {wanted[0]: OffsetAt(2**50, 2**40, 9), wanted[1]: kafka_error(1)}

    asyncio.run(main())


@pytest.mark.parametrize("version", [8, 9])
def test_every_field_of_a_commit(wire: SimpleNamespace, version: int) -> None:
    async def main() -> None:
        group = group_id("g")

        def reply(version: int, request: Any) -> object:
            m = wire.schema(Api.OFFSET_FETCH, version, "response")
            rows = tuple(
                m.OffsetFetchResponsePartitions(
                    partition_index=index,
                    committed_offset=2**50 + index,
                    committed_leader_epoch=index,
                    metadata=text,
                    error_code=wire.code(error),
                )
                for index, text, error in ((0, "", 0), (1, None, 0), (2, "x" * 200, 0), (3, "", 29))
            )
            topics = tuple(m.OffsetFetchResponseTopics(name=name, partitions=rows) for name in ("a", "b"))
            found = m.OffsetFetchResponseGroup(group_id="g", topics=topics, error_code=wire.code(0))
            return m.OffsetFetchResponse(throttle_time=wire.no_time, groups=(found,))

        async with (
            wire.broker(
                topics={"__consumer_offsets": [1]},
                replies={Api.OFFSET_FETCH: reply},
                versions={Api.OFFSET_FETCH: (version, version)},
            ) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            told = (await admin.committed_offsets([group]))[group]
        assert isinstance(told, dict)
        for name in ("a", "b"):
            rows = [told[TopicPartition(topic_name(name), index)] for index in range(4)]
            assert [row.offset - 2**50 for row in rows if isinstance(row, CommittedOffset)] == [0, 1, 2]
            assert [row.leader_epoch for row in rows if isinstance(row, CommittedOffset)] == [0, 1, 2]
            assert [len(str(row.metadata or "")) for row in rows if isinstance(row, CommittedOffset)] == [0, 0, 200]
            assert isinstance(rows[3], KafkaError)

    asyncio.run(main())


@settings(max_examples=200)
@given(st.binary(max_size=80))
def test_no_bytes_crash_the_offsets(body: bytes) -> None:
    with suppress(UnreadableAnswer):
        asyncio.run(offsets._decode(Answer(Api.LIST_OFFSETS, 10, body, 0), {b"": {0: 0}}, [None], {}, 10))


@settings(max_examples=200)
@given(st.binary(max_size=80))
def test_no_bytes_crash_the_commits(body: bytes) -> None:
    results: dict[GroupId, GroupCommits | KafkaError] = {}
    with suppress(UnreadableAnswer):
        asyncio.run(commits._decode_many(Answer(Api.OFFSET_FETCH, 9, body, 0), {}, PartitionNames(), results, 10))
    assert results == {}


@pytest.mark.parametrize(
    "count", [b"\xff\xff\xff\xff\x07", b"\xff\xff\xff\xff\x7f", b"\xff\xff\xff\xff\xff\x01", b"\x7f"]
)
def test_absurd_counts_allocate_nothing(count: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        Cursor(count, 0).array_length(True)
