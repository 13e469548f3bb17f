"""Topics: listing, describing, creating, deleting over the cluster in memory."""

from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.snapshot import PartitionInfo
from kcon.services.session import Session
from kcon.services.topics import ailing_topics, describe_topics, find_topics, list_topics
from tests.kcon.conftest import FakeTopic


def names(found: Any) -> list[str]:
    return [topic.name.raw for topic in found.topics]


def test_internal_topics_are_listed_on_request_or_by_name(orders: Any, on_session: Any) -> None:
    assert names(on_session(list_topics)) == ["clicks", "orders"]
    assert names(on_session(list_topics, internal=True)) == ["__consumer_offsets", "clicks", "orders"]
    assert names(on_session(list_topics, ["__consumer_offsets"])) == ["__consumer_offsets"]
    assert names(on_session(list_topics, ["*o*"])) == ["orders"]


def test_topics_with_plain_names_are_found_without_all_others(orders: Any, on_session: Any) -> None:
    """On a cluster of 10,000 topics one of them must not cost as much as all."""
    asked: list[Any] = []
    plain = orders.topics

    async def topics(names: Any = None) -> Any:
        asked.append(names)
        return await plain(names)

    orders.topics = topics
    assert names(on_session(list_topics, ["orders", "clicks", "orders"])) == ["clicks", "orders"]
    assert [[name.raw for name in each] for each in asked] == [["clicks", "orders"]]
    assert names(on_session(list_topics, ["orders", "nope"])) == ["orders"]
    assert names(on_session(list_topics, ["orders"], regex=True)) == ["orders"]


def test_find_topics_tells_what_is_missing(orders: Any, on_session: Any) -> None:
    found = on_session(find_topics, ["nope", "orders", "orders"])
    assert names(found) == ["orders"]
    assert found.missing == ["nope"]


def test_a_topic_that_may_not_be_described_is_found_with_its_error(orders: Any, on_session: Any) -> None:
    orders.topics_by_name["clicks"].error = kafka_error(29)
    found = on_session(find_topics, ["clicks"])
    assert found.topics[0].error.name == "TOPIC_AUTHORIZATION_FAILED"


async def describe(session: Session, *wanted: str) -> Any:
    return await describe_topics(session, (await find_topics(session, wanted)).topics)


def test_describe_adds_bounds_and_settings(orders: Any, on_session: Any) -> None:
    (described,) = on_session(describe, "orders")
    assert [(part.start, part.end, part.span) for part in described.partitions] == [
        (0, 100, 100),
        (40, 90, 50),
        (0, 10, 10),
    ]
    assert described.span == 160
    assert [(str(entry.name), str(entry.value)) for entry in described.configs] == [("retention.ms", "1000")]


def test_an_unreadable_bound_makes_the_sum_unknown(orders: Any, on_session: Any) -> None:
    orders.unreadable[TopicPartition(topic_name("orders"), 1)] = kafka_error(5)
    (described,) = on_session(describe, "orders")
    assert described.span is None
    assert [part.error.name if part.error else None for part in described.partitions] == [
        None,
        "LEADER_NOT_AVAILABLE",
        None,
    ]


async def ailing(session: Session, *health: str) -> list[str]:
    found = await ailing_topics(session, (await list_topics(session)).topics, frozenset(health))
    return [topic.name.raw for topic in found]


@pytest.mark.parametrize(("min_isr", "under", "at"), [("1", [], ["pair"]), ("2", ["pair"], []), ("3", ["pair"], [])])
def test_more_than_all_replicas_cannot_be_wanted_in_sync(
    fake_cluster: Any, on_session: Any, min_isr: str, under: list[str], at: list[str]
) -> None:
    """Below, at and above the number of replicas: a lone replica and a whole pair never ail."""

    def topic(*, replicas: tuple[int, ...], isr: tuple[int, ...]) -> FakeTopic:
        part = PartitionInfo(partition=0, leader_id=1, leader_epoch=0, replicas=replicas, isr=isr, offline=())
        return FakeTopic([(0, 1)], partitions=(part,))

    fake_cluster.min_isr = min_isr
    fake_cluster.topics_by_name |= {
        "lone": topic(replicas=(1,), isr=(1,)),
        "pair": topic(replicas=(1, 2), isr=(1,)),
        "whole": topic(replicas=(1, 2), isr=(2, 1)),
    }
    assert on_session(ailing, "under-min-isr") == under
    assert on_session(ailing, "at-min-isr") == at
