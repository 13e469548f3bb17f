"""Mutations: each wants its permit, goes to the right broker, and tells what became of every item."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from kcon.admin.apis import Api
from kcon.admin.client import Admin
from kcon.admin.topic_changes import NewTopic
from kcon.contexts.context import Mode
from kcon.core.config_entry import ConfigResource, ResourceType
from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText
from kcon.errors import RefusedError
from kcon.gate.permit import Operation

ORDERS = topic_name("orders")
GROUP = group_id("billing")
ORDERS_0, ORDERS_1 = TopicPartition(ORDERS, 0), TopicPartition(ORDERS, 1)
RESOURCE = ConfigResource(ResourceType.TOPIC, WireText("orders"))


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def commit_reply(wire: SimpleNamespace, *codes: int) -> Any:
    def reply(version: int, request: Any) -> object:
        m = wire.schema(Api.OFFSET_COMMIT, version, "response")
        return m.OffsetCommitResponse(
            **({"throttle_time": wire.no_time} if version >= 3 else {}),
            topics=tuple(
                m.OffsetCommitResponseTopic(
                    name=topic.name,
                    partitions=tuple(
                        m.OffsetCommitResponsePartition(partition_index=p.partition_index, error_code=wire.code(code))
                        for p, code in zip(topic.partitions, codes, strict=False)
                    ),
                )
                for topic in request.topics
            ),
        )

    return reply


@pytest.mark.parametrize("version", range(2, 10))
def test_commit_in_every_version(wire: SimpleNamespace, version: int) -> None:
    async def main() -> None:
        async with (
            wire.broker(
                topics={"__consumer_offsets": [1]},
                replies={Api.OFFSET_COMMIT: commit_reply(wire, 0, 0)},
                versions={Api.OFFSET_COMMIT: (version, version)},
            ) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            permit = wire.permit(Operation.OFFSETS_COMMIT, "billing")
            told = await admin.commit_offsets(GROUP, {ORDERS_0: 5, ORDERS_1: 6}, permit)
            assert told == {ORDERS_0: None, ORDERS_1: None}
            (request,) = broker.requests(Api.OFFSET_COMMIT)
            assert request.generation_id_or_member_epoch == -1
            assert [p.committed_offset for p in request.topics[0].partitions] == [5, 6]

    run(main())


def test_refused_partition_inside_a_successful_answer_is_an_error(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with (
            wire.broker(
                topics={"__consumer_offsets": [1]}, replies={Api.OFFSET_COMMIT: commit_reply(wire, 0, 25)}
            ) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            permit = wire.permit(Operation.OFFSETS_COMMIT, "billing")
            told = await admin.commit_offsets(GROUP, {ORDERS_0: 5, ORDERS_1: 6}, permit)
            assert told[ORDERS_0] is None
            refused = told[ORDERS_1]
            assert refused is not None
            assert refused.name == "UNKNOWN_MEMBER_ID"

    run(main())


def test_moved_coordinator_is_looked_up_again(wire: SimpleNamespace) -> None:
    async def main() -> None:
        answers = [commit_reply(wire, 16, 16), commit_reply(wire, 14, 14), commit_reply(wire, 0, 0)]

        def next_answer(version: int, request: Any) -> object:
            return answers.pop(0)(version, request)

        async with (
            wire.broker(
                topics={"__consumer_offsets": [1]},
                replies={Api.OFFSET_COMMIT: next_answer},
            ) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            permit = wire.permit(Operation.OFFSETS_COMMIT, "billing")
            told = await admin.commit_offsets(GROUP, {ORDERS_0: 5, ORDERS_1: 6}, permit)
            assert set(told.values()) == {None}
            assert broker.titles().count("FindCoordinator") == 3

    run(main())


def test_mutation_is_not_repeated_when_its_outcome_is_unknown(wire: SimpleNamespace) -> None:
    """The broker may have done it before the connection broke."""

    async def main() -> None:
        async with (
            wire.broker(
                topics={"__consumer_offsets": [1]}, replies={Api.OFFSET_COMMIT: lambda *_: wire.Hangup}
            ) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            permit = wire.permit(Operation.OFFSETS_COMMIT, "billing")
            (told,) = (await admin.commit_offsets(GROUP, {ORDERS_0: 5}, permit)).values()
            assert told is not None
            assert told.name == "NETWORK_EXCEPTION"
            assert broker.titles().count("OffsetCommit") == 1

    run(main())


def test_first_commit_of_a_cluster_may_look_up_the_coordinator(wire: SimpleNamespace) -> None:
    """That look-up creates __consumer_offsets, so it rides on the permit of the commit."""

    async def main() -> None:
        async with (
            wire.broker(replies={Api.OFFSET_COMMIT: commit_reply(wire, 0)}) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            permit = wire.permit(Operation.OFFSETS_COMMIT, "billing")
            assert await admin.commit_offsets(GROUP, {ORDERS_0: 5}, permit) == {ORDERS_0: None}
            assert "FindCoordinator" in broker.titles()

    run(main())


def create_reply(wire: SimpleNamespace) -> Any:
    def reply(version: int, request: Any) -> object:
        m = wire.schema(Api.CREATE_TOPICS, version, "response")
        return m.CreateTopicsResponse(
            throttle_time=wire.no_time,
            topics=tuple(
                m.CreatableTopicResult(
                    name=topic.name,
                    **({"topic_id": None} if version >= 7 else {}),
                    error_code=wire.code(36 if topic.name == "old" else 0),
                    error_message="there \x1b already" if topic.name == "old" else None,
                    **({"configs": ()} if version >= 5 else {}),
                )
                for topic in request.topics
            ),
        )

    return reply


@pytest.mark.parametrize("version", range(2, 8))
def test_topics_are_created_one_by_one_in_the_answer(wire: SimpleNamespace, version: int) -> None:
    async def main() -> None:
        async with (
            wire.broker(
                replies={Api.CREATE_TOPICS: create_reply(wire)}, versions={Api.CREATE_TOPICS: (version, version)}
            ) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            new = [
                NewTopic(name=topic_name("new"), partitions=3, replication_factor=1, configs={"retention.ms": "1"}),
                NewTopic(name=topic_name("old"), partitions=1, replication_factor=1),
            ]
            told = await admin.create_topics(new, wire.permit(Operation.TOPIC_CREATE, "new", "old"))
            assert told[topic_name("new")] is None
            refused = told[topic_name("old")]
            assert isinstance(refused, KafkaError)
            assert str(refused) == "TOPIC_ALREADY_EXISTS: there \u241b already"
            (request,) = broker.requests(Api.CREATE_TOPICS)
            assert request.topics[0].num_partitions == 3
            assert request.topics[0].configs[0].value == "1"

    run(main())


def test_broker_defaults_need_a_version_that_has_them(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with (
            wire.broker(versions={Api.CREATE_TOPICS: (2, 3)}) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            told = await admin.create_topics([NewTopic(name=ORDERS)], wire.permit(Operation.TOPIC_CREATE, "orders"))
            refused = told[ORDERS]
            assert refused is not None
            assert refused.name == "UNSUPPORTED_VERSION"
            assert "CreateTopics" not in broker.titles()

    run(main())


def test_validate_only_needs_no_permit(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with (
            wire.broker(replies={Api.CREATE_TOPICS: create_reply(wire)}) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            assert await admin.create_topics([NewTopic(name=ORDERS)], None, validate_only=True) == {ORDERS: None}
            assert broker.requests(Api.CREATE_TOPICS)[0].validate_only is True

    run(main())


def delete_reply(wire: SimpleNamespace) -> Any:
    def reply(version: int, request: Any) -> object:
        m = wire.schema(Api.DELETE_TOPICS, version, "response")
        names = [topic.name for topic in request.topics] if version >= 6 else request.topic_names
        return m.DeleteTopicsResponse(
            throttle_time=wire.no_time,
            responses=tuple(
                m.DeletableTopicResult(
                    name=name, error_code=wire.code(0), **({"topic_id": None} if version >= 6 else {})
                )
                for name in names
            ),
        )

    return reply


@pytest.mark.parametrize("version", range(1, 7))
def test_topics_are_deleted_in_every_version(wire: SimpleNamespace, version: int) -> None:
    """The names moved into structs in version 6."""

    async def main() -> None:
        async with (
            wire.broker(
                replies={Api.DELETE_TOPICS: delete_reply(wire)}, versions={Api.DELETE_TOPICS: (version, version)}
            ) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            assert await admin.delete_topics([ORDERS], wire.permit(Operation.TOPIC_DELETE, "orders")) == {ORDERS: None}

    run(main())


def test_topic_changes_go_to_the_controller(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with (
            wire.broker(node_id=2, replies={Api.DELETE_TOPICS: delete_reply(wire)}) as controller,
            wire.broker() as broker,
        ):
            broker.peers.append(controller)

            def metadata(version: int, request: Any) -> object:
                answer = broker._metadata(version, request)
                object.__setattr__(answer, "controller_id", 2)
                return answer

            broker.replies[Api.METADATA] = metadata
            async with await Admin.connect(wire.settings(broker)) as admin:
                await admin.delete_topics([ORDERS], wire.permit(Operation.TOPIC_DELETE, "orders"))
            assert controller.titles() == ["DeleteTopics"]

    run(main())


Change = Any


def changes() -> dict[str, tuple[Operation, str, Change]]:
    """Every mutating call, with the operation and the target it needs."""
    return {
        "create_topics": (Operation.TOPIC_CREATE, "orders", lambda a, p: a.create_topics([NewTopic(name=ORDERS)], p)),
        "delete_topics": (Operation.TOPIC_DELETE, "orders", lambda a, p: a.delete_topics([ORDERS], p)),
        "commit_offsets": (Operation.OFFSETS_COMMIT, "billing", lambda a, p: a.commit_offsets(GROUP, {ORDERS_0: 1}, p)),
        "delete_offsets": (Operation.OFFSETS_DELETE, "billing", lambda a, p: a.delete_offsets(GROUP, [ORDERS_0], p)),
        "delete_groups": (Operation.GROUP_DELETE, "billing", lambda a, p: a.delete_groups([GROUP], p)),
        "alter_configs": (
            Operation.CONFIG_ALTER,
            "topic:orders",
            lambda a, p: a.alter_configs({RESOURCE: {"retention.ms": "1"}}, p),
        ),
    }


@pytest.mark.parametrize("name", changes())
def test_change_under_another_permit_sends_nothing(wire: SimpleNamespace, name: str) -> None:
    """Another operation, another target, a spent permit: asserted at the socket."""
    operation, target, change = changes()[name]

    async def main() -> None:
        async with (
            wire.broker(topics={"__consumer_offsets": [1], "orders": [1]}) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            before = broker.raw_bytes
            spent = wire.permit(operation, target)
            with spent.use(context="test", operation=operation, targets={target}):
                pass
            for permit in (wire.permit(Operation.PRODUCE, target), wire.permit(operation, "another"), spent):
                with pytest.raises(RefusedError):
                    await change(admin, permit)
            assert broker.raw_bytes == before

    run(main())


@pytest.mark.parametrize("name", ["create_topics", "alter_configs"])
def test_change_without_any_permit_sends_nothing(wire: SimpleNamespace, name: str) -> None:
    change = changes()[name][2]

    async def main() -> None:
        async with wire.broker() as broker, await Admin.connect(wire.settings(broker)) as admin:
            before = broker.raw_bytes
            with pytest.raises(RefusedError):
                await change(admin, None)
            assert broker.raw_bytes == before

    run(main())


def test_refusal_beside_the_socket_comes_out_as_itself(wire: SimpleNamespace) -> None:
    """Not in a group of exceptions, so that the command ends with exit code 6."""

    async def main() -> None:
        async with wire.broker(topics={"__consumer_offsets": [1]}) as broker:
            async with await Admin.connect(wire.settings(broker)) as admin:
                permit = wire.permit(Operation.OFFSETS_COMMIT, "billing")

                def find(version: int, request: Any) -> object:
                    permit._targets = frozenset()
                    return broker._find_coordinator(version, request)

                broker.replies[Api.FIND_COORDINATOR] = find
                with pytest.raises(RefusedError):
                    await admin.commit_offsets(GROUP, {ORDERS_0: 5}, permit)
            assert "OffsetCommit" not in broker.titles()

    run(main())


@pytest.mark.parametrize("name", changes())
def test_read_only_context_sends_no_change(wire: SimpleNamespace, name: str) -> None:
    """Asserted at the socket: the gate gives no permit, and what was sent are reads."""
    operation, target, change = changes()[name]

    async def main() -> None:
        async with (
            wire.broker(topics={"__consumer_offsets": [1], "orders": [1]}) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            with pytest.raises(RefusedError, match="read-only"):
                await change(admin, wire.permit(operation, target, mode=Mode.READ_ONLY))
            assert [topic.name for topic in await admin.topics([ORDERS])] == [ORDERS]
            assert set(broker.titles()) == {"Metadata"}
            assert all(request.allow_auto_topic_creation is False for request in broker.requests(Api.METADATA))

    run(main())


def test_a_coordinator_that_is_being_made_is_waited_for(wire: SimpleNamespace) -> None:
    """A new `__consumer_offsets` has leaders one after the other: NOT_COORDINATOR more often than reads would take."""

    async def main() -> None:
        answers = [commit_reply(wire, 16)] * 8 + [commit_reply(wire, 0)]

        def next_answer(version: int, request: Any) -> object:
            return answers.pop(0)(version, request)

        async with (
            wire.broker(topics={"__consumer_offsets": [1]}, replies={Api.OFFSET_COMMIT: next_answer}) as broker,
            await Admin.connect(
                replace(wire.settings(broker), retries_max=5, retry_backoff_ms=1, retry_backoff_max_ms=1)
            ) as admin,
        ):
            permit = wire.permit(Operation.OFFSETS_COMMIT, "billing")
            assert await admin.commit_offsets(GROUP, {ORDERS_0: 5}, permit) == {ORDERS_0: None}

    run(main())
