"""Groups of the new protocol (KIP-848): epochs, the server's assignment, reconciliation, regular expressions."""

from typing import Any

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.consumer_group_describe import ConsumerGroupDescribeRequest, DescribedGroup
from kcon_broker.wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest, TopicPartitions
from kcon_broker.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from tests.semantics.case import case, each
from tests.semantics.cases.classic_groups import delete_group
from tests.semantics.cases.offsets import commit, committed
from tests.semantics.cases.topics import add_partitions, delete
from tests.semantics.kafka import Kafka, creatable
from tests.semantics.members import ClassicMember, ConsumerMember, Owned


def described(kafka: Kafka, group: str) -> DescribedGroup:
    """Return what ConsumerGroupDescribe tells of a group."""
    found: DescribedGroup = kafka.ask(ConsumerGroupDescribeRequest(group_ids=[group]), 1).groups[0]
    return found


def _alone(kafka: Kafka, partitions: int = 4) -> ConsumerMember:
    """Return a member that owns all partitions of a topic."""
    member = ConsumerMember(kafka, kafka.fresh(), kafka.topic(partitions=partitions))
    assert not member.join().error_code
    member.until_owning(partitions)
    return member


def _refused(kafka: Kafka, **fields: Any) -> int:
    wanted: dict[str, Any] = {
        "group_id": kafka.fresh(),
        "member_id": "m",
        "member_epoch": 0,
        "rebalance_timeout_ms": 1_000,
        "subscribed_topic_names": ["t"],
        "topic_partitions": [],
        **fields,
    }
    code: int = kafka.ask(ConsumerGroupHeartbeatRequest(**wanted), 1).error_code
    return code


def _shared(kafka: Kafka, *members: ConsumerMember, each_owns: int) -> list[Owned]:
    """Have members heartbeat in turn until each owns so many partitions."""

    def look() -> list[int]:
        for member in members:
            assert not member.report().error_code
        return [sum(map(len, member.owned.values())) for member in members]

    counts = kafka.until(look, lambda counts: counts == [each_owns] * len(members))
    assert counts == [each_owns] * len(members)
    return [member.owned for member in members]


# Joining


@case
def a_first_heartbeat_joins_and_tells_when_to_come_again(kafka: Kafka) -> None:
    member = ConsumerMember(kafka, kafka.fresh(), kafka.topic())
    answer = member.join()
    assert (answer.error_code, answer.member_id) == (ErrorCode.NONE, member.member_id)
    assert answer.member_epoch > 0
    assert answer.heartbeat_interval_ms == 5_000


@case
def the_only_member_owns_everything(kafka: Kafka) -> None:
    member = _alone(kafka)
    assert list(member.owned.values()) == [[0, 1, 2, 3]]


@case
def version_0_gives_an_id_to_a_member_without_one(kafka: Kafka) -> None:
    member = ConsumerMember(kafka, kafka.fresh(), kafka.topic())
    member.member_id = ""
    answer = member.beat(
        0, member_epoch=0, rebalance_timeout_ms=1_000, subscribed_topic_names=member.topics, topic_partitions=[]
    )
    assert answer.error_code == ErrorCode.NONE
    assert answer.member_id


@case
def version_1_refuses_a_member_without_an_id(kafka: Kafka) -> None:
    assert _refused(kafka, member_id="") == ErrorCode.INVALID_REQUEST


@each(
    {
        "an empty group id": {"group_id": ""},
        "a blank group id": {"group_id": "  "},
        "an empty instance id": {"instance_id": ""},
        "an empty rack": {"rack_id": ""},
        "no rebalance timeout": {"rebalance_timeout_ms": -1},
        "a blank instance id": {"instance_id": " "},
        "a blank rack": {"rack_id": "\t"},
        "a blank member id": {"member_id": " "},
        "no topic partitions": {"topic_partitions": None},
        "partitions that nobody gave": {"topic_partitions": [TopicPartitions(topic_id=b"x" * 16, partitions=[0])]},
        "no subscription": {"subscribed_topic_names": None},
        "an epoch of -3": {"member_epoch": -3},
        "an epoch of -2 without an instance": {"member_epoch": -2},
    }
)
def a_join_is_an_invalid_request_with(kafka: Kafka, fields: dict[str, Any]) -> None:
    assert ErrorCode(_refused(kafka, **fields)) == ErrorCode.INVALID_REQUEST


@each({"an unknown name": "mine", "an empty name": "", "a name in capitals": "RANGE"})
def an_assignor_is_unsupported(kafka: Kafka, assignor: str) -> None:
    assert _refused(kafka, server_assignor=assignor) == ErrorCode.UNSUPPORTED_ASSIGNOR


@case
def a_heartbeat_of_a_stranger_is_an_unknown_member(kafka: Kafka) -> None:
    member = _alone(kafka)
    assert _refused(kafka, group_id=member.group, member_epoch=1) == ErrorCode.UNKNOWN_MEMBER_ID


@case
def a_heartbeat_of_an_unknown_group_is_group_id_not_found(kafka: Kafka) -> None:
    assert ErrorCode(_refused(kafka, member_epoch=1)) == ErrorCode.GROUP_ID_NOT_FOUND


@case
def an_epoch_of_the_future_is_fenced(kafka: Kafka) -> None:
    member = _alone(kafka)
    assert member.beat(member_epoch=member.epoch + 1).error_code == ErrorCode.FENCED_MEMBER_EPOCH


@case
def a_heartbeat_without_news_tells_no_assignment(kafka: Kafka) -> None:
    member = _alone(kafka)
    assert member.beat().assignment is None


@case
def a_heartbeat_that_tells_everything_is_told_the_assignment(kafka: Kafka) -> None:
    member = _alone(kafka)
    answer = member.beat(
        rebalance_timeout_ms=30_000, subscribed_topic_names=member.topics, topic_partitions=member.owned_ids()
    )
    assert answer.assignment is not None


@case
def joining_again_with_epoch_0_keeps_the_assignment(kafka: Kafka) -> None:
    member = _alone(kafka)
    before = (member.epoch, member.owned)
    assert not member.join().error_code
    member.until_owning(4)
    assert (member.epoch, member.owned) == before


# Sharing


@case
def two_members_share_evenly(kafka: Kafka) -> None:
    first = _alone(kafka)
    second = ConsumerMember(kafka, first.group, *first.topics)
    second.join()
    owned = _shared(kafka, first, second, each_owns=2)
    assert sorted(owned[0][first.topics[0]] + owned[1][first.topics[0]]) == [0, 1, 2, 3]


@case
def a_partition_is_given_only_once_its_owner_gave_it_back(kafka: Kafka) -> None:
    first = _alone(kafka)
    kept = dict(first.owned)
    second = ConsumerMember(kafka, first.group, *first.topics)
    second.join()
    # The first is told to give partitions back, and says that it has not yet.
    answer = kafka.until(first.beat, lambda answer: answer.assignment is not None)
    assert answer.assignment is not None
    first.owned = kept
    second.beat()
    assert second.owned in ({}, {first.topics[0]: []})


@case
def when_one_leaves_the_other_owns_everything(kafka: Kafka) -> None:
    first = _alone(kafka)
    second = ConsumerMember(kafka, first.group, *first.topics)
    second.join()
    _shared(kafka, first, second, each_owns=2)
    answer = second.leave()
    assert (answer.error_code, answer.member_epoch) == (ErrorCode.NONE, -1)
    assert first.until_owning(4)[first.topics[0]] == [0, 1, 2, 3]


@case
def members_subscribed_to_different_topics_get_their_own(kafka: Kafka) -> None:
    first = ConsumerMember(kafka, kafka.fresh(), kafka.topic(partitions=2))
    second = ConsumerMember(kafka, first.group, kafka.topic(partitions=2))
    first.join()
    second.join()
    owned = _shared(kafka, first, second, each_owns=2)
    assert owned == [{first.topics[0]: [0, 1]}, {second.topics[0]: [0, 1]}]


@case
def more_members_than_partitions_leave_some_without(kafka: Kafka) -> None:
    first = _alone(kafka, partitions=1)
    second = ConsumerMember(kafka, first.group, *first.topics)
    second.join()

    def look() -> str:
        assert not first.report().error_code
        assert not second.report().error_code
        return described(kafka, first.group).group_state

    assert kafka.until(look, lambda state: state == "Stable") == "Stable"
    assert sorted(sum(map(len, member.owned.values())) for member in (first, second)) == [0, 1]


@each({"uniform": "uniform", "range": "range"})
def an_assignor_of_the_server_can_be_chosen(kafka: Kafka, assignor: str) -> None:
    topics = [kafka.topic(partitions=3) for _ in range(2)]
    members = [ConsumerMember(kafka, kafka.fresh(), *topics)]
    members.append(ConsumerMember(kafka, members[0].group, *topics))
    for member in members:
        member.join(server_assignor=assignor)
    wanted = [4, 2] if assignor == "range" else [3, 3]

    def look() -> list[int]:
        for member in members:
            assert not member.report().error_code
        return sorted((sum(map(len, member.owned.values())) for member in members), reverse=True)

    assert kafka.until(look, lambda counts: counts == wanted) == wanted
    assert described(kafka, members[0].group).assignor_name == assignor


@case
def a_changed_subscription_changes_the_assignment(kafka: Kafka) -> None:
    member = _alone(kafka)
    other = kafka.topic(partitions=2)
    member.beat(subscribed_topic_names=[other])
    assert member.until_owning(2) == {other: [0, 1]}


@case
def a_topic_that_comes_into_being_is_assigned(kafka: Kafka) -> None:
    name = kafka.fresh("later")
    member = ConsumerMember(kafka, kafka.fresh(), name)
    member.join()
    assert member.owned in ({}, {name: []})
    kafka.broker.side.create([creatable(name, 2)])
    assert member.until_owning(2) == {name: [0, 1]}


@case
def partitions_that_are_added_are_assigned(kafka: Kafka) -> None:
    member = _alone(kafka, partitions=2)
    assert not add_partitions(kafka, member.topics[0], 4)
    assert member.until_owning(4) == {member.topics[0]: [0, 1, 2, 3]}


@case
def a_deleted_topic_is_taken_away(kafka: Kafka) -> None:
    member = _alone(kafka, partitions=2)
    delete(kafka, member.topics[0])
    assert member.until_owning(0) in ({}, {member.topics[0]: []})


# Static members


@case
def a_static_member_that_leaves_for_a_while_keeps_its_partitions(kafka: Kafka) -> None:
    first = ConsumerMember(kafka, kafka.fresh(), kafka.topic(partitions=2), instance="i")
    first.join()
    first.until_owning(2)
    assert first.leave(-2).member_epoch == -2
    again = ConsumerMember(kafka, first.group, *first.topics, instance="i")
    assert not again.join().error_code
    assert again.until_owning(2) == first.owned


@case
def an_instance_that_is_in_use_is_unreleased(kafka: Kafka) -> None:
    first = ConsumerMember(kafka, kafka.fresh(), kafka.topic(), instance="i")
    first.join()
    other = ConsumerMember(kafka, first.group, *first.topics, instance="i")
    assert other.join().error_code == ErrorCode.UNRELEASED_INSTANCE_ID


@case
def a_heartbeat_of_a_replaced_static_member_is_fenced(kafka: Kafka) -> None:
    first = ConsumerMember(kafka, kafka.fresh(), kafka.topic(), instance="i")
    first.join()
    first.leave(-2)
    again = ConsumerMember(kafka, first.group, *first.topics, instance="i")
    again.join()
    assert first.beat().error_code == ErrorCode.FENCED_INSTANCE_ID


@case
def a_static_member_that_leaves_for_good_gives_its_partitions_back(kafka: Kafka) -> None:
    first = ConsumerMember(kafka, kafka.fresh(), kafka.topic(partitions=2), instance="i")
    second = ConsumerMember(kafka, first.group, *first.topics, instance="j")
    first.join()
    second.join()
    _shared(kafka, first, second, each_owns=1)
    first.leave(-1)
    assert second.until_owning(2) == {second.topics[0]: [0, 1]}


# Regular expressions


@case
def a_regular_expression_subscribes_to_what_it_matches(kafka: Kafka) -> None:
    stem = kafka.fresh("re")
    kafka.broker.side.create([creatable(f"{stem}-a", 1), creatable(f"{stem}-b", 1), creatable(f"other-{stem}", 1)])
    member = ConsumerMember(kafka, kafka.fresh())
    member.join(subscribed_topic_names=[], subscribed_topic_regex=f"{stem}-.*")
    assert sorted(member.until_owning(2)) == [f"{stem}-a", f"{stem}-b"]


@case
def a_regular_expression_has_to_match_the_whole_name(kafka: Kafka) -> None:
    stem = kafka.fresh("re")
    kafka.broker.side.create([creatable(f"{stem}-a", 1), creatable(f"{stem}-ab", 1)])
    member = ConsumerMember(kafka, kafka.fresh())
    member.join(subscribed_topic_names=[], subscribed_topic_regex=f"{stem}-a")
    assert sorted(member.until_owning(1)) == [f"{stem}-a"]


@each({"a group that is open": "(", "a star of nothing": "*a", "a look behind": "(?<=a)b"})
def a_regular_expression_is_invalid(kafka: Kafka, pattern: str) -> None:
    code = _refused(kafka, subscribed_topic_names=[], subscribed_topic_regex=pattern)
    assert code == ErrorCode.INVALID_REGULAR_EXPRESSION


@case
def a_regular_expression_beside_names_subscribes_to_both(kafka: Kafka) -> None:
    stem, named = kafka.fresh("re"), kafka.topic()
    kafka.broker.side.create([creatable(f"{stem}-a", 1)])
    member = ConsumerMember(kafka, kafka.fresh(), named)
    member.join(subscribed_topic_regex=f"{stem}.*")
    assert sorted(member.until_owning(2)) == sorted([named, f"{stem}-a"])


@case
def a_new_topic_that_a_regular_expression_matches_comes_when_the_group_changes(kafka: Kafka) -> None:
    stem = kafka.fresh("re")
    kafka.broker.side.create([creatable(f"{stem}-a", 1)])
    member = ConsumerMember(kafka, kafka.fresh())
    member.join(subscribed_topic_names=[], subscribed_topic_regex=f"{stem}-.*")
    member.until_owning(1)
    member.beat(subscribed_topic_regex=f"{stem}-[ab]")
    kafka.broker.side.create([creatable(f"{stem}-b", 1)])
    member.beat(subscribed_topic_regex=f"{stem}-.")
    assert sorted(member.until_owning(2)) == [f"{stem}-a", f"{stem}-b"]


# What is told of groups


@case
def describe_tells_a_member_and_its_partitions(kafka: Kafka) -> None:
    member = _alone(kafka)
    found = kafka.until(lambda: described(kafka, member.group), lambda group: group.group_state == "Stable")
    assert (found.group_state, found.assignor_name) == ("Stable", "uniform")
    assert found.group_epoch == found.assignment_epoch == member.epoch
    (told,) = found.members
    assert (told.member_id, told.member_epoch, told.client_id) == (member.member_id, member.epoch, "semantics")
    assert told.subscribed_topic_names == member.topics
    assert [(one.topic_name, sorted(one.partitions)) for one in told.assignment.topic_partitions] == [
        (member.topics[0], [0, 1, 2, 3])
    ]


@case
def describe_of_an_unknown_group_is_group_id_not_found(kafka: Kafka) -> None:
    assert described(kafka, kafka.fresh("no")).error_code == ErrorCode.GROUP_ID_NOT_FOUND


@case
def describe_of_a_classic_group_is_group_id_not_found(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    assert described(kafka, member.group).error_code == ErrorCode.GROUP_ID_NOT_FOUND


@case
def a_group_that_everybody_left_is_empty_and_keeps_its_offsets(kafka: Kafka) -> None:
    member = _alone(kafka, partitions=1)
    named: dict[str, Any] = {"member_id": member.member_id, "generation_id_or_member_epoch": member.epoch}
    assert not commit(kafka, member.group, member.topics[0], 5, **named)
    member.leave()
    assert described(kafka, member.group).group_state == "Empty"
    assert committed(kafka, member.group, member.topics[0]).committed_offset == 5


@case
def a_group_with_members_is_not_deleted(kafka: Kafka) -> None:
    member = _alone(kafka, partitions=1)
    assert delete_group(kafka, member.group) == ErrorCode.NON_EMPTY_GROUP
    member.leave()
    assert delete_group(kafka, member.group) == ErrorCode.NONE


@case
def an_offset_fetch_with_a_stale_epoch_is_refused(kafka: Kafka) -> None:
    member = _alone(kafka, partitions=1)
    asked = OffsetFetchRequestGroup(
        group_id=member.group, member_id=member.member_id, member_epoch=member.epoch + 1, topics=None
    )
    (found,) = kafka.ask(OffsetFetchRequest(groups=[asked]), 9).groups
    assert found.error_code == ErrorCode.STALE_MEMBER_EPOCH


@case
def an_offset_fetch_of_a_stranger_is_an_unknown_member(kafka: Kafka) -> None:
    member = _alone(kafka, partitions=1)
    asked = OffsetFetchRequestGroup(group_id=member.group, member_id="stranger", member_epoch=1, topics=None)
    (found,) = kafka.ask(OffsetFetchRequest(groups=[asked]), 9).groups
    assert found.error_code == ErrorCode.UNKNOWN_MEMBER_ID
