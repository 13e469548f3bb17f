"""What is the target assignment of a group, and which records make it so?

The target is computed for the whole group from what its members subscribe to and from the topics as they are. Only
what changed becomes a record; the epoch that belongs to it comes last.
"""

import hashlib
from collections.abc import Iterator

from kcon_broker.state.groups.assignors import ASSIGNORS, DEFAULT_ASSIGNOR, AssignedMember
from kcon_broker.state.groups.consumer_group import ConsumerGroup
from kcon_broker.state.groups.consumer_records import ConsumerRecord, TargetEpochRecord, TargetMemberRecord
from kcon_broker.state.topic import TopicTable


def target_records(group: ConsumerGroup, topics: TopicTable, wall_ms: int) -> Iterator[ConsumerRecord]:
    """Yield the records of the target assignment for the group's present epoch."""
    ids_by_names: dict[frozenset[str], frozenset[bytes]] = {}
    members: dict[str, AssignedMember] = {}
    for member_id, member in group.members.items():
        names = group.subscribed_topics_of(member)
        topic_ids = ids_by_names.get(names)
        if topic_ids is None:
            # One frozenset for all members with the same topics: comparing them is then comparing identities.
            topic_ids = ids_by_names[names] = topic_ids_of(names, topics)
        members[member_id] = AssignedMember(
            instance_id=member.subscription.instance_id,
            topic_ids=topic_ids,
            target=group.target.get(member_id, {}),
        )
    subscribed = frozenset[bytes]().union(*ids_by_names.values())
    partition_counts = {topic_id: topics.by_id[topic_id].partition_count for topic_id in subscribed}
    assignor = ASSIGNORS.get(group.preferred_assignor(DEFAULT_ASSIGNOR), ASSIGNORS[DEFAULT_ASSIGNOR])
    for member_id, target in assignor(members, partition_counts).items():
        if group.target.get(member_id) != target:
            yield TargetMemberRecord(group_id=group.group_id, member_id=member_id, value=target)
    yield TargetEpochRecord(group_id=group.group_id, epoch=group.epoch, computed_at_ms=wall_ms)


def topic_ids_of(names: frozenset[str], topics: TopicTable) -> frozenset[bytes]:
    """Return the ids of the topics that exist."""
    found = (topics.by_name.get(name) for name in names)
    return frozenset(topic.topic_id for topic in found if topic is not None)


def metadata_hash(names: frozenset[str], topics: TopicTable) -> int:
    """Return a number that changes when a subscribed topic appears, goes, comes anew or grows; 0 without topics.

    It stands where Apache Kafka keeps its own hash (KIP-1101); a broker that finds another one there rebalances
    once.
    """
    digest = hashlib.blake2b(digest_size=8)
    is_empty = True
    for name in sorted(names):
        topic = topics.by_name.get(name)
        if topic is not None:
            is_empty = False
            digest.update(topic.topic_id + topic.partition_count.to_bytes(4, "big"))
    return 0 if is_empty else int.from_bytes(digest.digest(), "big", signed=True)
