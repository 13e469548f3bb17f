"""Is a target computed from the topics as they are, and is only what changed recorded?"""

import pytest

from kcon_broker.state.groups.consumer_group import ConsumerGroup
from kcon_broker.state.groups.consumer_records import (
    GroupEpochRecord,
    MemberRecord,
    MemberSubscription,
    TargetEpochRecord,
    TargetMemberRecord,
)
from kcon_broker.state.groups.target_assignment import metadata_hash, target_records
from kcon_broker.state.topic import PartitionsGrew, TopicConfigured, TopicCreated, TopicDeleted, TopicTable

A, B = b"A" * 16, b"B" * 16


@pytest.fixture
def topics() -> TopicTable:
    table = TopicTable()
    for name, topic_id in (("a", A), ("b", B)):
        table.apply(TopicCreated(name=name, topic_id=topic_id, partition_count=2, created_epoch=0, configs={}))
    return table


def group_with(**subscriptions: frozenset[str]) -> ConsumerGroup:
    group = ConsumerGroup("g")
    for member_id, names in subscriptions.items():
        subscription = MemberSubscription(topic_names=names, server_assignor="range")
        group.apply(MemberRecord(group_id="g", member_id=member_id, value=subscription))
    group.apply(GroupEpochRecord(group_id="g", epoch=5))
    return group


def test_topics_that_do_not_exist_are_left_out(topics: TopicTable) -> None:
    group = group_with(m1=frozenset({"a", "nowhere"}))
    assert list(target_records(group, topics, 7)) == [
        TargetMemberRecord(group_id="g", member_id="m1", value={A: frozenset({0, 1})}),
        TargetEpochRecord(group_id="g", epoch=5, computed_at_ms=7),
    ]


def test_only_changed_targets_are_recorded(topics: TopicTable) -> None:
    group = group_with(m1=frozenset({"a"}))
    for record in list(target_records(group, topics, 7)):
        group.apply(record)
    joined = MemberSubscription(topic_names=frozenset({"b"}), server_assignor="range")
    group.apply(MemberRecord(group_id="g", member_id="m2", value=joined))
    group.apply(GroupEpochRecord(group_id="g", epoch=6))
    changed = [
        record.member_id for record in target_records(group, topics, 8) if isinstance(record, TargetMemberRecord)
    ]
    assert changed == ["m2"]


def test_an_assignor_of_another_broker_falls_back_to_the_default(topics: TopicTable) -> None:
    group = group_with(m1=frozenset({"a"}))
    foreign = MemberSubscription(topic_names=frozenset({"a"}), server_assignor="a.class.of.Java")
    group.apply(MemberRecord(group_id="g", member_id="m1", value=foreign))
    assert TargetMemberRecord(group_id="g", member_id="m1", value={A: frozenset({0, 1})}) in list(
        target_records(group, topics, 7)
    )


def test_the_hash_changes_with_every_change_that_matters(topics: TopicTable) -> None:
    names = frozenset({"a", "b", "nowhere"})
    seen = [metadata_hash(names, topics)]
    topics.apply(TopicConfigured(name="a", configs={"retention.ms": "1"}))
    assert metadata_hash(names, topics) == seen[0]
    for change in (
        PartitionsGrew(name="a", partition_count=3),
        TopicDeleted(name="b", topic_id=B),
        TopicCreated(name="b", topic_id=b"C" * 16, partition_count=2, created_epoch=0, configs={}),
        TopicCreated(name="nowhere", topic_id=b"D" * 16, partition_count=2, created_epoch=0, configs={}),
    ):
        topics.apply(change)
        seen.append(metadata_hash(names, topics))
    assert len(set(seen)) == len(seen)


def test_no_topics_have_no_hash(topics: TopicTable) -> None:
    assert metadata_hash(frozenset({"nowhere"}), topics) == 0
