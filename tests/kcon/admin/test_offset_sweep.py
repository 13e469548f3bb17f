"""The bounds of all partitions at once: the same as asked one by one, also where something is wrong."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kcon.admin import offset_sweep
from kcon.admin.apis import Api
from kcon.admin.client import Admin
from kcon.admin.connection import Answer
from kcon.admin.decode import UnreadableAnswer
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.offset_query import EARLIEST, LATEST
from kcon.core.snapshot import OffsetAt


def _where(name: str, partition: int) -> TopicPartition:
    return TopicPartition(topic_name(name), partition)


def _told(wire: SimpleNamespace, rows_of: Callable[[str, int], tuple[int, int]]) -> Callable[[int, Any], object]:
    """Return what answers each asked partition with (error, offset), in another order, and one that nobody asked."""

    def reply(version: int, request: Any) -> object:
        m = wire.schema(Api.LIST_OFFSETS, version, "response")

        def row(name: str, index: int) -> Any:
            error, offset = rows_of(name, index)
            return m.ListOffsetsPartitionResponse(
                partition_index=index, error_code=wire.code(error), timestamp=-1, offset=offset, leader_epoch=9
            )

        topics = [
            m.ListOffsetsTopicResponse(
                name=topic.name,
                partitions=tuple(row(topic.name, part.partition_index) for part in reversed(topic.partitions)),
            )
            for topic in reversed(request.topics)
        ]
        topics.append(m.ListOffsetsTopicResponse(name="stranger", partitions=(row("stranger", 0),)))
        return m.ListOffsetsResponse(throttle_time=wire.no_time, topics=tuple(topics))

    return reply


@pytest.mark.parametrize("version", range(4, 11))
def test_every_partition_has_its_offset_in_every_version(wire: SimpleNamespace, version: int) -> None:
    """Brokers older than the flexible versions are asked one by one."""
    long_name = "n" * 200

    async def main() -> None:
        topics = {"orders": [1, 1, 1], long_name: [1], "many": [1] * 130}
        async with wire.broker(topics=topics, versions={Api.LIST_OFFSETS: (version, version)}) as broker:
            broker.replies[Api.LIST_OFFSETS] = _told(wire, lambda name, index: (0, len(name) * 1_000 + index))
            async with await Admin.connect(wire.settings(broker)) as admin:
                told = await admin.sweep_offsets(await admin.topics(), LATEST)
        assert told[_where("orders", 2)] == OffsetAt(6_002, -1, -1)
        assert told[_where(long_name, 0)] == OffsetAt(200_000, -1, -1)
        assert told[_where("many", 129)] == OffsetAt(4_129, -1, -1)
        assert len(told) == 134
        assert not told.errors

    asyncio.run(main())


def test_an_error_is_of_its_partition_and_a_retriable_one_is_asked_again(wire: SimpleNamespace) -> None:
    asked: list[int] = []

    def rows_of(_name: str, index: int) -> tuple[int, int]:
        asked.append(index)
        if index == 1:
            return 29, -1
        return (6, -1) if index == 2 and asked.count(2) == 1 else (0, 10 + index)

    async def main() -> None:
        async with wire.broker(topics={"orders": [1, 1, 1]}) as broker:
            broker.replies[Api.LIST_OFFSETS] = _told(wire, rows_of)
            async with await Admin.connect(wire.settings(broker)) as admin:
                told = await admin.sweep_offsets(await admin.topics(), LATEST)
        assert dict(told.errors) == {_where("orders", 1): kafka_error(29).lacking("DESCRIBE")}
        assert [told.offset(_where("orders", index)) for index in (0, 2)] == [10, 12]
        assert asked.count(2) == 2
        assert asked.count(1) == 1

    asyncio.run(main())


def test_a_partition_without_a_leader_says_so(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1, -1]}) as broker:
            broker.replies[Api.LIST_OFFSETS] = _told(wire, lambda _name, index: (0, index))
            async with await Admin.connect(wire.settings(broker)) as admin:
                told = await admin.sweep_offsets(await admin.topics(), LATEST)
        assert {where: error.name for where, error in told.errors.items()} == {
            _where("orders", 1): "LEADER_NOT_AVAILABLE"
        }

    asyncio.run(main())


def test_a_second_look_sends_the_same_question_and_takes_new_topics_in(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1]}) as broker:
            broker.replies[Api.LIST_OFFSETS] = _told(wire, lambda _name, index: (0, 5))
            async with await Admin.connect(wire.settings(broker)) as admin:
                for _ in range(3):
                    topics = await admin.topics()
                    first = await admin.sweep_offsets(topics, LATEST)
                    assert (await admin.sweep_offsets(topics, EARLIEST)).layout is first.layout
                again = await admin.topics()
                assert again[0] is topics[0], "a topic that is spelled as before is the same object"
                assert (await admin.sweep_offsets(again, LATEST)).layout is first.layout
                broker.topics["payments"] = [1, 1]
                told = await admin.sweep_offsets(await admin.topics(), LATEST)
        assert {str(where.topic) for where in told} == {"orders", "payments"}

    asyncio.run(main())


def test_who_is_cancelled_while_requests_are_planned_leaves_the_next_its_own_plan(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1]}) as broker:
            broker.replies[Api.LIST_OFFSETS] = _told(wire, lambda name, index: (0, len(name) * 10 + index))
            async with await Admin.connect(wire.settings(broker, partitions_per_hold_max=1)) as admin:
                await admin.sweep_offsets(await admin.topics(), LATEST)
                broker.topics = {"a": [1, 1], "orders": [1]}
                topics = await admin.topics()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0):
                        await admin.sweep_offsets(topics, LATEST)
                told = await admin.sweep_offsets(topics, LATEST)
        assert {(str(where.topic), where.partition): told.offset(where) for where in told} == {
            ("a", 0): 10,
            ("a", 1): 11,
            ("orders", 0): 60,
        }

    asyncio.run(main())


@settings(max_examples=200)
@given(st.binary(max_size=80))
def test_no_bytes_crash_the_sweep(body: bytes) -> None:
    piece = offset_sweep._Piece(1, spans={b"": (0, 1), b"a": (1, 1)})
    told = offset_sweep._Told([None, None])
    with suppress(UnreadableAnswer):
        asyncio.run(offset_sweep._read(Answer(Api.LIST_OFFSETS, 10, body, 0), piece, told, 10))
    assert len(told.offsets) == 2
