"""Brokers that hang, hang up and come back while they are asked: what they cost, and what they do not."""

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from kcon.admin.apis import Api
from kcon.admin.client import Admin
from kcon.admin.settings import AdminSettings
from kcon.contexts.context import Context
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import EARLIEST, LATEST
from kcon.core.snapshot import OffsetAt
from kcon.errors import UnreachableError
from kcon.gate.permit import Operation


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def places(count: int) -> list[TopicPartition]:
    return [TopicPartition(topic_name("orders"), index) for index in range(count)]


@pytest.mark.parametrize("fault", ["Silence", "Hangup"])
def test_what_any_broker_can_tell_is_asked_of_the_next_one(wire: SimpleNamespace, fault: str) -> None:
    async def main() -> None:
        async with wire.broker(node_id=2, topics={"orders": [2]}) as second, wire.broker() as first:
            first.peers.append(second)
            second.peers.append(first)
            async with await Admin.connect(wire.settings(first, request_timeout_ms=200)) as admin:
                first.replies[Api.METADATA] = lambda *_: getattr(wire, fault)
                (topic,) = await admin.topics()
                assert topic.name == topic_name("orders")
            assert second.titles() == ["Metadata"]

    run(main())


def test_with_every_broker_silent_the_question_ends(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(node_id=2) as second, wire.broker() as first:
            first.peers.append(second)
            second.peers.append(first)
            async with await Admin.connect(wire.settings(first, second, request_timeout_ms=100)) as admin:
                for broker in (first, second):
                    broker.replies[Api.METADATA] = lambda *_: wire.Silence
                with pytest.raises(UnreachableError, match=r"did not answer Metadata within 0\.1 s"):
                    await admin.topics()
            # attempts_any_max: the first one again, for it may have been the only one.
            assert first.titles().count("Metadata") + second.titles().count("Metadata") <= 1 + 3

    run(main())


@pytest.mark.parametrize(("silent_broker_ms", "asked"), [(60_000, 1), (0, 2)])
def test_a_silent_broker_is_left_alone_for_a_while(wire: SimpleNamespace, silent_broker_ms: int, asked: int) -> None:
    """Each step of a command would wait for it again, until nothing is left of the command's deadline."""

    async def main() -> None:
        async with (
            wire.broker(node_id=2, replies={Api.LIST_OFFSETS: lambda *_: wire.Silence}) as silent,
            wire.broker(topics={"orders": [1, 2]}) as broker,
        ):
            broker.peers.append(silent)
            settings = wire.settings(broker, request_timeout_ms=200, silent_broker_ms=silent_broker_ms)
            async with await Admin.connect(settings) as admin:
                for at in (EARLIEST, LATEST):
                    alive, slow = (await admin.list_offsets(places(2), at)).values()
                    assert isinstance(alive, OffsetAt)
                    assert isinstance(slow, KafkaError)
                    assert slow.name == "REQUEST_TIMED_OUT"
            assert silent.titles().count("ListOffsets") == asked

    run(main())


def test_a_broker_that_takes_the_connection_and_says_nothing_counts_as_silent(wire: SimpleNamespace) -> None:
    """A process that was stopped: the kernel still takes its connections."""
    connections: list[int] = []

    async def stopped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        await asyncio.Event().wait()

    async def main() -> None:
        async with wire.server(stopped) as port, wire.broker(topics={"orders": [1, 2]}) as broker:
            broker.peers.append(SimpleNamespace(node_id=2, port=port))
            async with await Admin.connect(wire.settings(broker, connect_timeout_ms=200)) as admin:
                for at in (EARLIEST, LATEST):
                    alive, slow = (await admin.list_offsets(places(2), at)).values()
                    assert isinstance(alive, OffsetAt)
                    assert isinstance(slow, KafkaError)
                    assert "did not answer within 0.2 s" in slow.detail
            assert len(connections) == 1

    run(main())


def test_a_change_is_never_sent_twice(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(node_id=2) as second, wire.broker() as first:
            first.peers.append(second)
            for broker in (first, second):
                broker.replies[Api.DELETE_TOPICS] = lambda *_: wire.Silence
            settings = wire.settings(first, second, change_timeout_ms=150)
            async with await Admin.connect(settings) as admin:
                name = topic_name("orders")
                told = await admin.delete_topics([name], wire.permit(Operation.TOPIC_DELETE, "orders"))
                error = told[name]
                assert error is not None
                assert error.name == "REQUEST_TIMED_OUT"
            assert first.titles().count("DeleteTopics") + second.titles().count("DeleteTopics") == 1

    run(main())


@pytest.mark.parametrize(
    ("timeout_ms", "request_ms", "change_ms", "connect_ms"),
    [
        (1_000, 300, 800, 300),
        (5_000, 1_500, 4_000, 1_500),
        (30_000, 9_000, 20_000, 4_000),
        (60_000, 10_000, 20_000, 4_000),
    ],
)
def test_one_request_gets_a_part_of_the_commands_time(
    timeout_ms: int, request_ms: int, change_ms: int, connect_ms: int
) -> None:
    settings = AdminSettings.of(Context(name="c", bootstrap=("b:1",), timeout_ms=timeout_ms))
    assert (settings.request_timeout_ms, settings.change_timeout_ms) == (request_ms, change_ms)
    assert settings.connect_timeout_ms == connect_ms


def test_a_change_that_was_never_sent_goes_to_another_broker(wire: SimpleNamespace) -> None:
    """The controller that Metadata names is dead, and nothing reached it; on KRaft any broker forwards."""

    async def main() -> None:
        async with wire.broker(node_id=2) as broker:
            broker.peers.append(SimpleNamespace(node_id=7, port=1))
            m = wire.schema(Api.METADATA, 9, "response")
            broker.replies[Api.METADATA] = lambda version, request: m.MetadataResponse(
                throttle_time=wire.no_time,
                brokers=tuple(
                    m.MetadataResponseBroker(node_id=each.node_id, host="127.0.0.1", port=each.port, rack=None)
                    for each in (broker, broker.peers[0])
                ),
                cluster_id="fake-cluster",
                controller_id=7,
                topics=(),
            )
            broker.versions[Api.METADATA] = (9, 9)
            told: list[int] = []

            def deleted(version: int, request: Any) -> object:
                told.append(version)
                answer = wire.schema(Api.DELETE_TOPICS, version, "response")
                name = "orders"
                result = answer.DeletableTopicResult(
                    name=name, topic_id=None, error_code=wire.code(0), error_message=None
                )
                return answer.DeleteTopicsResponse(throttle_time=wire.no_time, responses=(result,))

            broker.replies[Api.DELETE_TOPICS] = deleted
            async with await Admin.connect(wire.settings(broker)) as admin:
                name = topic_name("orders")
                results = await admin.delete_topics([name], wire.permit(Operation.TOPIC_DELETE, "orders"))
            assert results == {name: None}
            assert len(told) == 1

    run(main())
