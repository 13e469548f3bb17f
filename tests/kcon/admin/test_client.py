"""What `Admin` asks, and what it makes of the answers: batching, retries, partial failure, and reads that only read."""

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from kcon.admin.apis import Api
from kcon.admin.client import Admin
from kcon.admin.fan_out import fan_out
from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import EARLIEST, LATEST, MAX_TIMESTAMP, Timestamp
from kcon.core.snapshot import CommittedOffset, GroupDescription, OffsetAt
from kcon.errors import KconError, UnreachableError

ORDERS = topic_name("orders")
GROUP = group_id("billing")


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def partitions(count: int, topic: str = "orders") -> list[TopicPartition]:
    return [TopicPartition(topic_name(topic), index) for index in range(count)]


def error_of(result: object) -> KafkaError:
    assert isinstance(result, KafkaError)
    return result


# --- cluster and topics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(1, 13))
def test_topics_in_every_version(wire: SimpleNamespace, version: int) -> None:
    async def main() -> None:
        async with (
            wire.broker(
                topics={"orders": [1, 1], "a\x1bb": [1]}, versions={Api.METADATA: (version, version)}
            ) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            topics = await admin.topics()
            assert [topic.name.raw for topic in topics] == ["a\x1bb", "orders"]
            assert [p.partition for p in topics[1].partitions] == [0, 1]
            assert topics[1].partitions[0].leader_id == 1
            assert "\x1b" not in str(topics[0].name)
            info = await admin.cluster()
            assert (info.controller_id, info.brokers[0].port) == (1, broker.port)
            assert info.cluster_id is None or info.cluster_id.raw == "fake-cluster"

    run(main())


def test_looking_at_a_topic_never_creates_it(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker() as broker, await Admin.connect(wire.settings(broker)) as admin:
            (missing,) = await admin.topics([ORDERS])
            assert missing.error is not None
            assert missing.error.name == "UNKNOWN_TOPIC_OR_PARTITION"
            assert all(request.allow_auto_topic_creation is False for request in broker.requests(Api.METADATA))

    run(main())


def test_named_topics_need_a_version_that_can_forbid_creation(wire: SimpleNamespace) -> None:
    """Before Metadata v4 the broker may create what is named, so nothing is sent."""

    async def main() -> None:
        async with (
            wire.broker(versions={Api.METADATA: (0, 3)}) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            with pytest.raises(KconError, match="cannot answer Metadata"):
                await admin.topics([ORDERS])
            assert all(request.topics in {None, ()} for request in broker.requests(Api.METADATA))

    run(main())


def test_named_topics_keep_their_order(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with (
            wire.broker(topics={"a": [1], "b": [1]}) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            names = [topic_name(name) for name in ("b", "x", "a", "b")]
            assert [(t.name.raw, t.error is None) for t in await admin.topics(names)] == [
                ("b", True),
                ("x", False),
                ("a", True),
            ]

    run(main())


def test_second_bootstrap_address_is_tried(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker() as broker:
            settings = wire.settings("127.0.0.1:1", broker)
            async with await Admin.connect(settings) as admin:
                assert (await admin.cluster()).brokers

    run(main())


def test_silent_bootstrap_address_does_not_hold_up_the_next(wire: SimpleNamespace) -> None:
    """The silent one would take connect_timeout_ms; the next one is tried beside it."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.Event().wait()

    async def main() -> None:
        async with wire.server(silent) as port, wire.broker() as broker:
            settings = wire.settings(f"127.0.0.1:{port}", broker, connect_timeout_ms=60_000)
            async with await Admin.connect(settings) as admin:
                assert (await admin.cluster()).brokers

    run(main())


def test_every_bootstrap_address_failing_names_the_first(wire: SimpleNamespace) -> None:
    async def main() -> None:
        with pytest.raises(UnreachableError, match=r"None of 2 addresses .* 127\.0\.0\.1:1 refused"):
            await Admin.connect(wire.settings("127.0.0.1:1", "127.0.0.1:2"))

    run(main())


# --- offsets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(1, 11))
def test_offsets_in_every_version(wire: SimpleNamespace, version: int) -> None:
    """The requests are encoded by hand: the fake broker decodes each with kio, to the last byte."""

    async def main() -> None:
        async with (
            wire.broker(topics={"orders": [1, 1], "é": [1]}, versions={Api.LIST_OFFSETS: (version, version)}) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            wanted = [*partitions(2), *partitions(1, "é")]
            for at, code in ((EARLIEST, -2), (LATEST, -1), (Timestamp(5), 5)):
                found = await admin.list_offsets(wanted, at)
                assert list(found) == wanted
                assert [result.offset for result in found.values() if isinstance(result, OffsetAt)] == [100, 101, 100]
                request = broker.requests(Api.LIST_OFFSETS)[-1]
                assert {p.timestamp for topic in request.topics for p in topic.partitions} == {code}
                assert request.replica_id == -1

    run(main())


def test_two_questions_at_once_look_the_leaders_up_once(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1]}) as broker, await Admin.connect(wire.settings(broker)) as admin:
            before = broker.titles().count("Metadata")
            await asyncio.gather(admin.list_offsets(partitions(1), EARLIEST), admin.list_offsets(partitions(1), LATEST))
            assert broker.titles().count("Metadata") == before + 1

    run(main())


def test_read_committed_asks_for_the_last_stable_offset(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1]}) as broker, await Admin.connect(wire.settings(broker)) as admin:
            await admin.list_offsets(partitions(1), LATEST, read_committed=True)
            await admin.list_offsets(partitions(1), LATEST)
            assert [request.isolation_level for request in broker.requests(Api.LIST_OFFSETS)] == [1, 0]

    run(main())


def bounds_reply(wire: SimpleNamespace, broker: Any, fails_at: int, error_code: int) -> Any:
    """Answer as ever, but with an error in partition 1 where this time is asked for."""

    def reply(version: int, request: Any) -> object:
        answer = broker._list_offsets(version, request)
        for asked, told in zip(request.topics[0].partitions, answer.topics[0].partitions, strict=True):
            if asked.timestamp == fails_at and told.partition_index == 1:
                object.__setattr__(told, "error_code", wire.code(error_code))
            object.__setattr__(told, "offset", told.offset + 1_000 * (asked.timestamp == -1))
        return answer

    return reply


@pytest.mark.parametrize("version", [1, 5, 10])
def test_both_bounds_cost_one_request_each_and_no_second_look_at_the_leaders(
    wire: SimpleNamespace, version: int
) -> None:
    async def main() -> None:
        async with (
            wire.broker(topics={"orders": [1, 1]}, versions={Api.LIST_OFFSETS: (version, version)}) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            broker.replies[Api.LIST_OFFSETS] = bounds_reply(wire, broker, 0, 0)
            before = broker.titles().count("Metadata")
            found = await admin.list_bounds([*partitions(2), *partitions(1)])
            assert [[each.offset for each in both if isinstance(each, OffsetAt)] for both in found.values()] == [
                [100, 1_100],
                [101, 1_101],
            ]
            assert list(found) == partitions(2)
            assert broker.titles().count("ListOffsets") == 2
            assert broker.titles().count("Metadata") == before + 1

    run(main())


@pytest.mark.parametrize("fails_at", [-2, -1])
def test_a_bound_that_cannot_be_read_is_told_for_both_and_spares_the_others(
    wire: SimpleNamespace, fails_at: int
) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1, 1]}) as broker:
            broker.replies[Api.LIST_OFFSETS] = bounds_reply(wire, broker, fails_at, 29)
            async with await Admin.connect(wire.settings(broker)) as admin:
                good, bad = (await admin.list_bounds(partitions(2))).values()
        assert all(isinstance(each, OffsetAt) for each in good)
        assert [error_of(each).name for each in bad] == ["TOPIC_AUTHORIZATION_FAILED"] * 2

    run(main())


def test_max_timestamp_on_an_old_broker_is_an_error_of_the_items(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with (
            wire.broker(topics={"orders": [1]}, versions={Api.LIST_OFFSETS: (1, 6)}) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            found = await admin.list_offsets(partitions(1), MAX_TIMESTAMP)
            assert error_of(found[partitions(1)[0]]).name == "UNSUPPORTED_VERSION"

    run(main())


def test_one_request_a_leader_and_batch(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(node_id=2) as second, wire.broker(topics={"orders": [1, 2] * 3}) as first:
            first.peers.append(second)
            async with await Admin.connect(wire.settings(first, partitions_per_request_max=2)) as admin:
                found = await admin.list_offsets(partitions(6), LATEST)
            offsets = [result.offset for result in found.values() if isinstance(result, OffsetAt)]
            assert offsets == [100, 201, 102, 203, 104, 205]
            assert first.titles().count("ListOffsets") == 2
            assert second.titles().count("ListOffsets") == 2

    run(main())


def test_dead_broker_costs_its_own_partitions_only(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1, 2]}) as broker:
            broker.peers.append(SimpleNamespace(node_id=2, port=1))
            async with await Admin.connect(wire.settings(broker)) as admin:
                alive, dead = (await admin.list_offsets(partitions(2), LATEST)).values()
        assert isinstance(alive, OffsetAt)
        assert error_of(dead).name == "NETWORK_EXCEPTION"
        assert "refused" in error_of(dead).detail

    run(main())


def test_silent_broker_is_asked_once_and_costs_its_own_partitions_only(wire: SimpleNamespace) -> None:
    """A page must not wait for a broker that does not answer: one deadline, no second try."""

    async def main() -> None:
        async with (
            wire.broker(node_id=2, replies={Api.LIST_OFFSETS: lambda *_: wire.Silence}) as silent,
            wire.broker(topics={"orders": [1, 2]}) as broker,
        ):
            broker.peers.append(silent)
            async with await Admin.connect(wire.settings(broker, request_timeout_ms=200)) as admin:
                alive, slow = (await admin.list_offsets(partitions(2), LATEST)).values()
            assert isinstance(alive, OffsetAt)
            assert error_of(slow).name == "REQUEST_TIMED_OUT"
            assert silent.titles() == ["ListOffsets"]

    run(main())


def offsets_reply(wire: SimpleNamespace, error_code: int) -> Any:
    def reply(version: int, request: Any) -> object:
        m = wire.schema(Api.LIST_OFFSETS, version, "response")
        return m.ListOffsetsResponse(
            throttle_time=wire.no_time,
            topics=tuple(
                m.ListOffsetsTopicResponse(
                    name=topic.name,
                    partitions=tuple(
                        m.ListOffsetsPartitionResponse(
                            partition_index=p.partition_index, error_code=wire.code(error_code)
                        )
                        for p in topic.partitions
                    ),
                )
                for topic in request.topics
            ),
        )

    return reply


def test_moved_leader_is_looked_up_again(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(node_id=2) as new_leader, wire.broker(topics={"orders": [1]}) as broker:
            broker.peers.append(new_leader)
            broker.replies[Api.LIST_OFFSETS] = offsets_reply(wire, 6)
            async with await Admin.connect(wire.settings(broker)) as admin:
                await admin.topics()
                broker.topics["orders"] = [2]
                (found,) = (await admin.list_offsets(partitions(1), LATEST)).values()
            assert found == OffsetAt(200, -1, -1)
            assert new_leader.titles() == ["ListOffsets"]

    run(main())


def test_error_that_may_pass_is_retried_to_the_limit_and_then_told(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1]}) as broker:
            broker.replies[Api.LIST_OFFSETS] = offsets_reply(wire, 6)
            async with await Admin.connect(wire.settings(broker, retries_max=3)) as admin:
                (found,) = (await admin.list_offsets(partitions(1), LATEST)).values()
            assert error_of(found).name == "NOT_LEADER_OR_FOLLOWER"
            assert broker.titles().count("ListOffsets") == 4

    run(main())


def test_final_error_is_not_retried(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1]}) as broker:
            broker.replies[Api.LIST_OFFSETS] = offsets_reply(wire, 29)
            async with await Admin.connect(wire.settings(broker)) as admin:
                (found,) = (await admin.list_offsets(partitions(1), LATEST)).values()
            assert error_of(found).name == "TOPIC_AUTHORIZATION_FAILED"
            assert broker.titles().count("ListOffsets") == 1

    run(main())


def test_unknown_error_code_reaches_the_item_and_spares_the_others(wire: SimpleNamespace) -> None:
    """kio refuses a whole answer for one code it does not know."""

    async def main() -> None:
        async with wire.broker(topics={"orders": [1, 1]}) as broker:

            def reply(version: int, request: Any) -> object:
                answer = broker._list_offsets(version, request)
                object.__setattr__(answer.topics[0].partitions[1], "error_code", wire.code(9_999))
                return answer

            broker.replies[Api.LIST_OFFSETS] = reply
            async with await Admin.connect(wire.settings(broker)) as admin:
                good, new = (await admin.list_offsets(partitions(2), LATEST)).values()
        assert isinstance(good, OffsetAt)
        assert error_of(new).name == "UNKNOWN_ERROR_9999"

    run(main())


def test_answer_that_leaves_a_partition_out_is_an_error_of_that_partition(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1, 1]}) as broker:

            def reply(version: int, request: Any) -> object:
                answer = broker._list_offsets(version, request)
                kept = tuple(p for p in answer.topics[0].partitions if p.partition_index == 0)
                object.__setattr__(answer.topics[0], "partitions", kept)
                return answer

            broker.replies[Api.LIST_OFFSETS] = reply
            async with await Admin.connect(wire.settings(broker)) as admin:
                good, lost = (await admin.list_offsets(partitions(2), LATEST)).values()
        assert isinstance(good, OffsetAt)
        assert "left it out" in error_of(lost).detail

    run(main())


def test_what_a_broker_tells_unasked_stands_in_for_nobody(wire: SimpleNamespace) -> None:
    """Each broker answers for its own groups; one that tells of another's as well does not replace that answer."""

    async def main() -> None:
        async def route(keys: Any, fresh: bool) -> dict[str, int]:
            return {key: 1 if key == "a" else 2 for key in keys}

        async def ask(broker_id: int, keys: Any) -> dict[str, str]:
            return dict.fromkeys(("a", "b"), f"from {broker_id}")

        async with wire.broker() as broker, await Admin.connect(wire.settings(broker)) as admin:
            cluster = admin._cluster
            told = await fan_out(
                ["a", "b"],
                route=route,
                ask=ask,
                batch_max=1,
                settings=cluster.settings,
                deadline=cluster.deadline(),
            )
        assert told == {"a": "from 1", "b": "from 2"}

    run(main())


def test_garbage_answer_is_an_error_of_its_items(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1]}, replies={Api.LIST_OFFSETS: lambda *_: b"\xff" * 40}) as broker:
            async with await Admin.connect(wire.settings(broker)) as admin:
                (found,) = (await admin.list_offsets(partitions(1), LATEST)).values()
            assert "cannot be read" in error_of(found).detail

    run(main())


def test_restarted_broker_is_reached_again(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker(topics={"orders": [1]}) as broker:
            failures = [1]

            def reply(version: int, request: Any) -> object:
                return wire.Hangup if failures and failures.pop() else broker._list_offsets(version, request)

            broker.replies[Api.LIST_OFFSETS] = reply
            async with await Admin.connect(wire.settings(broker)) as admin:
                (found,) = (await admin.list_offsets(partitions(1), LATEST)).values()
            assert isinstance(found, OffsetAt)
            assert broker.connections == 2

    run(main())


# --- groups ---------------------------------------------------------------------------------------------------


def fetch_reply(wire: SimpleNamespace) -> Any:
    """Every group has committed 7 and 8 on orders/0 and /1, and nothing on /2."""

    def reply(version: int, request: Any) -> object:
        m = wire.schema(Api.OFFSET_FETCH, version, "response")
        suffix = "s" if version >= 8 else ""
        partition, topic = (getattr(m, f"OffsetFetchResponse{name}{suffix}") for name in ("Partition", "Topic"))
        rows = tuple(
            partition(partition_index=index, committed_offset=offset, metadata=text, error_code=wire.code(0))
            for index, offset, text in ((0, 7, "m\x1b"), (1, 8, None), (2, -1, ""))
        )
        topics = (topic(name="orders", partitions=rows),)
        if version < 8:
            extra = {"throttle_time": wire.no_time} if version >= 3 else {}
            extra |= {"error_code": wire.code(0)} if version >= 2 else {}
            return m.OffsetFetchResponse(topics=topics, **extra)
        groups = tuple(
            m.OffsetFetchResponseGroup(group_id=group.group_id, topics=topics, error_code=wire.code(0))
            if group.group_id != "secret"
            else m.OffsetFetchResponseGroup(group_id="secret", topics=(), error_code=wire.code(30))
            for group in request.groups
        )
        return m.OffsetFetchResponse(throttle_time=wire.no_time, groups=groups)

    return reply


@pytest.mark.parametrize("version", range(2, 10))
def test_commits_in_every_version(wire: SimpleNamespace, version: int) -> None:
    """Many groups in one request since v8, one by one before; a partition without a commit has no entry."""

    async def main() -> None:
        replies = {Api.OFFSET_FETCH: fetch_reply(wire)}
        async with (
            wire.broker(
                topics={"__consumer_offsets": [1]}, replies=replies, versions={Api.OFFSET_FETCH: (version, version)}
            ) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            other = group_id("other")
            for wanted in ([GROUP, other], {GROUP: partitions(3), other: None}):
                found = await admin.committed_offsets(wanted)
                assert list(found) == [GROUP, other]
                commits = found[GROUP]
                assert isinstance(commits, dict)
                assert {tp.partition: c.offset for tp, c in commits.items() if isinstance(c, CommittedOffset)} == {
                    0: 7,
                    1: 8,
                }
                first = commits[partitions(1)[0]]
                assert isinstance(first, CommittedOffset)
                assert str(first.metadata) == "m\u241b"
            assert broker.titles().count("OffsetFetch") == (2 if version >= 8 else 4)

    run(main())


def test_group_that_may_not_be_read_spares_the_others(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with (
            wire.broker(topics={"__consumer_offsets": [1]}, replies={Api.OFFSET_FETCH: fetch_reply(wire)}) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            found = await admin.committed_offsets([GROUP, group_id("secret")])
            assert isinstance(found[GROUP], dict)
            assert error_of(found[group_id("secret")]).name == "GROUP_AUTHORIZATION_FAILED"

    run(main())


def test_groups_go_out_in_batches(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with (
            wire.broker(topics={"__consumer_offsets": [1]}, replies={Api.OFFSET_FETCH: fetch_reply(wire)}) as broker,
            await Admin.connect(wire.settings(broker, groups_per_request_max=2)) as admin,
        ):
            groups = [group_id(f"g{index}") for index in range(5)]
            assert list(await admin.committed_offsets(groups)) == groups
            assert broker.titles().count("OffsetFetch") == 3
            assert broker.titles().count("FindCoordinator") == 3
            await admin.committed_offsets(groups)
            assert broker.titles().count("FindCoordinator") == 3

    run(main())


def test_cluster_without_groups_is_not_asked_for_a_coordinator(wire: SimpleNamespace) -> None:
    """The first coordinator look-up creates __consumer_offsets: a read must not."""

    async def main() -> None:
        async with wire.broker(topics={"orders": [1]}) as broker, await Admin.connect(wire.settings(broker)) as admin:
            assert await admin.committed_offsets([GROUP]) == {GROUP: {}}
            described = (await admin.describe_groups([GROUP]))[GROUP]
            assert isinstance(described, GroupDescription)
            assert described.state == "Dead"
            assert set(broker.titles()) == {"Metadata"}

    run(main())


def test_old_broker_is_asked_for_one_coordinator_at_a_time(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with (
            wire.broker(
                topics={"__consumer_offsets": [1]},
                replies={Api.OFFSET_FETCH: fetch_reply(wire)},
                versions={Api.FIND_COORDINATOR: (0, 2)},
            ) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            await admin.committed_offsets([GROUP, group_id("other")])
            assert sorted(request.key for request in broker.requests(Api.FIND_COORDINATOR)) == ["billing", "other"]

    run(main())


def test_listing_tells_the_coordinators(wire: SimpleNamespace) -> None:
    """Whoever lists a group coordinates it: no look-up is needed for the whole lag picture."""

    def listing(version: int, request: Any) -> object:
        m = wire.schema(Api.LIST_GROUPS, version, "response")
        group = m.ListedGroup(
            group_id="billing", protocol_type="consumer", group_state="Sta\x1bble", group_type="Classic"
        )
        return m.ListGroupsResponse(throttle_time=wire.no_time, error_code=wire.code(0), groups=(group,))

    async def main() -> None:
        replies = {Api.OFFSET_FETCH: fetch_reply(wire), Api.LIST_GROUPS: listing}
        async with (
            wire.broker(topics={"__consumer_offsets": [1]}, replies=replies) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            listed = await admin.list_groups()
            (group,) = listed.items
            assert (group.group, group.state, group.group_type) == (GROUP, "Sta\u241bble", "classic")
            await admin.committed_offsets([GROUP])
            assert "FindCoordinator" not in broker.titles()

    run(main())


def test_dead_broker_costs_its_groups_only(wire: SimpleNamespace) -> None:
    def listing(version: int, request: Any) -> object:
        m = wire.schema(Api.LIST_GROUPS, version, "response")
        return m.ListGroupsResponse(throttle_time=wire.no_time, error_code=wire.code(0), groups=())

    async def main() -> None:
        async with wire.broker(replies={Api.LIST_GROUPS: listing}) as broker:
            broker.peers.append(SimpleNamespace(node_id=2, port=1))
            async with await Admin.connect(wire.settings(broker)) as admin:
                listed = await admin.list_groups()
            assert listed.items == []
            assert list(listed.errors) == [2]

    run(main())


def describe_reply(wire: SimpleNamespace, assignment: bytes, protocol_type: str = "consumer") -> Any:
    def reply(version: int, request: Any) -> object:
        m = wire.schema(Api.DESCRIBE_GROUPS, version, "response")
        member = m.DescribedGroupMember(
            member_id="m-1",
            client_id="app",
            client_host="/10.0.0.1",
            member_metadata=b"",
            member_assignment=assignment,
        )
        groups = tuple(
            m.DescribedGroup(
                error_code=wire.code(0),
                group_id=name,
                group_state="Stable",
                protocol_type=protocol_type,
                protocol_data="range",
                members=(member,),
            )
            for name in request.groups
        )
        return m.DescribeGroupsResponse(throttle_time=wire.no_time, groups=groups)

    return reply


ASSIGNMENT = b"\0\1" + b"\0\0\0\1" + b"\0\6orders" + b"\0\0\0\2\0\0\0\1\0\0\0\0" + b"\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("assignment", "protocol_type", "expected"),
    [
        (ASSIGNMENT, "consumer", partitions(2)),
        (ASSIGNMENT[:-4], "consumer", partitions(2)),
        (b"", "consumer", []),
        (b"\0\1\xff", "consumer", []),
        (b"\0\1\x7f\xff\xff\xff", "consumer", []),
        (ASSIGNMENT, "connect", []),
    ],
    ids=["version 1", "no user data", "empty", "cut off", "absurd count", "another protocol"],
)
def test_members_and_what_they_own(
    wire: SimpleNamespace, assignment: bytes, protocol_type: str, expected: list[TopicPartition]
) -> None:
    """Clients write the assignment, so a broken one must not cost the group."""

    async def main() -> None:
        replies = {Api.DESCRIBE_GROUPS: describe_reply(wire, assignment, protocol_type)}
        async with (
            wire.broker(topics={"__consumer_offsets": [1]}, replies=replies) as broker,
            await Admin.connect(wire.settings(broker)) as admin,
        ):
            described = (await admin.describe_groups([GROUP]))[GROUP]
            assert isinstance(described, GroupDescription)
            assert described.is_active
            (member,) = described.members
            assert (member.member_id.raw, member.client_id.raw, member.host.raw) == ("m-1", "app", "10.0.0.1")
            assert list(member.assignment) == expected

    run(main())


def test_requests_are_counted(wire: SimpleNamespace) -> None:
    async def main() -> None:
        async with wire.broker() as broker, await Admin.connect(wire.settings(broker)) as admin:
            await admin.cluster()
            assert admin.requests_sent == {"ApiVersions": 1, "Metadata": 2}

    run(main())
