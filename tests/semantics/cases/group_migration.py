"""A group with members that moves between the classic and the new protocol (KIP-848), member by member."""

from typing import Any

from kcon_broker.wire.error_codes import ErrorCode
from tests.semantics.case import case
from tests.semantics.cases.classic_groups import described as described_classic
from tests.semantics.cases.consumer_groups import described
from tests.semantics.cases.offsets import commit, committed
from tests.semantics.kafka import Kafka
from tests.semantics.members import ClassicMember, ConsumerMember, assigned, assignment, subscription

_CLASSIC, _CONSUMER = 0, 1


def _classic(kafka: Kafka, partitions: int = 4, *, instance: str | None = None) -> tuple[str, ClassicMember]:
    """Return a topic and the only member of a stable classic group, which owns all of it."""
    topic = kafka.topic(partitions=partitions)
    member = ClassicMember(kafka, kafka.fresh(), instance=instance, protocols={"range": subscription(topic, owned={})})
    assert not member.join().error_code
    assert not member.sync({member.member_id: assignment({topic: range(partitions)})}).error_code
    return topic, member


def _upgraded(kafka: Kafka) -> tuple[str, ClassicMember, ConsumerMember]:
    """Return a group with a member of each protocol, the classic one not yet aware of it."""
    topic, old = _classic(kafka)
    new = ConsumerMember(kafka, old.group, topic)
    assert not new.join().error_code
    return topic, old, new


def _give_back(kafka: Kafka, topic: str, member: ClassicMember) -> dict[str, list[int]]:
    """Have a classic member follow the rebalances, giving back what it has to; return what it has."""
    owned: dict[str, list[int]] = {topic: list(range(4))}
    for _ in range(6):
        code = member.heartbeat()
        if code == ErrorCode.NONE:
            break
        assert code == ErrorCode.REBALANCE_IN_PROGRESS
        member.protocols = {"range": subscription(topic, owned=owned)}
        assert not member.join().error_code
        answer = member.sync()
        if answer.error_code == ErrorCode.REBALANCE_IN_PROGRESS:
            continue
        assert not answer.error_code
        owned = assigned(answer.assignment)
    return owned


@case
def a_member_of_the_new_protocol_may_join_a_classic_group(kafka: Kafka) -> None:
    _, old, new = _upgraded(kafka)
    assert new.epoch == old.generation + 1
    told = {member.member_id: member.member_type for member in described(kafka, old.group).members}
    assert told == {old.member_id: _CLASSIC, new.member_id: _CONSUMER}


@case
def the_classic_members_keep_what_they_had(kafka: Kafka) -> None:
    topic, old, _ = _upgraded(kafka)
    (told,) = (member for member in described(kafka, old.group).members if member.member_id == old.member_id)
    assert [(one.topic_name, sorted(one.partitions)) for one in told.assignment.topic_partitions] == [
        (topic, [0, 1, 2, 3])
    ]
    assert told.member_epoch == old.generation


@case
def a_classic_member_is_told_to_join_again(kafka: Kafka) -> None:
    _, old, _ = _upgraded(kafka)
    assert old.heartbeat() == ErrorCode.REBALANCE_IN_PROGRESS


@case
def a_classic_member_gives_back_before_the_new_one_gets(kafka: Kafka) -> None:
    topic, old, new = _upgraded(kafka)
    new.report()
    assert new.owned in ({}, {topic: []})
    left = _give_back(kafka, topic, old)
    got = new.until_owning(2)
    assert len(left[topic]) == 2
    assert sorted(left[topic] + got[topic]) == [0, 1, 2, 3]


@case
def a_classic_members_generation_is_its_member_epoch(kafka: Kafka) -> None:
    topic, old, new = _upgraded(kafka)
    _give_back(kafka, topic, old)
    (told,) = (member for member in described(kafka, old.group).members if member.member_id == old.member_id)
    assert told.member_epoch == old.generation == new.epoch


@case
def nobody_leads_in_a_group_of_the_new_protocol(kafka: Kafka) -> None:
    topic, old, _ = _upgraded(kafka)
    old.heartbeat()
    old.protocols = {"range": subscription(topic, owned={topic: [0, 1, 2, 3]})}
    answer = old.join()
    assert (answer.leader, answer.members, answer.skip_assignment) == ("", [], False)
    assert (answer.protocol_type, answer.protocol_name) == ("consumer", "range")


@case
def offsets_survive_the_move(kafka: Kafka) -> None:
    topic, old = _classic(kafka)
    named: dict[str, Any] = {"member_id": old.member_id, "generation_id_or_member_epoch": old.generation}
    assert not commit(kafka, old.group, topic, 7, **named)
    ConsumerMember(kafka, old.group, topic).join()
    assert committed(kafka, old.group, topic).committed_offset == 7


@case
def a_classic_member_may_commit_after_the_move(kafka: Kafka) -> None:
    topic, old, _ = _upgraded(kafka)
    named: dict[str, Any] = {"member_id": old.member_id, "generation_id_or_member_epoch": old.generation}
    assert commit(kafka, old.group, topic, 7, version=8, **named) == ErrorCode.NONE
    named["generation_id_or_member_epoch"] += 1
    assert commit(kafka, old.group, topic, 7, version=8, **named) == ErrorCode.ILLEGAL_GENERATION


@case
def a_new_classic_member_may_join_a_group_of_the_new_protocol(kafka: Kafka) -> None:
    topic = kafka.topic(partitions=2)
    new = ConsumerMember(kafka, kafka.fresh(), topic)
    new.join()
    new.until_owning(2)
    old = ClassicMember(kafka, new.group, protocols={"range": subscription(topic, owned={})})
    assert not old.join().error_code
    assert old.generation >= 1
    told = {member.member_id: member.member_type for member in described(kafka, new.group).members}
    assert told == {old.member_id: _CLASSIC, new.member_id: _CONSUMER}


@case
def a_classic_member_of_another_type_is_refused_by_a_group_of_the_new_protocol(kafka: Kafka) -> None:
    topic = kafka.topic()
    new = ConsumerMember(kafka, kafka.fresh(), topic)
    new.join()
    old = ClassicMember(kafka, new.group, protocol_type="connect", protocols={"range": b"opaque"})
    assert old.join().error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


@case
def a_classic_member_without_a_common_protocol_is_refused(kafka: Kafka) -> None:
    topic, old, _ = _upgraded(kafka)
    other = ClassicMember(kafka, old.group, protocols={"sticky": subscription(topic, owned={})})
    assert other.join().error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


@case
def a_group_that_is_no_consumer_group_does_not_move(kafka: Kafka) -> None:
    old = ClassicMember(kafka, kafka.fresh(), protocol_type="connect", protocols={"range": b"opaque"}).stable()
    assert ConsumerMember(kafka, old.group, kafka.topic()).join().error_code == ErrorCode.GROUP_ID_NOT_FOUND
    assert old.heartbeat() == ErrorCode.NONE


@case
def a_group_with_a_malformed_subscription_does_not_move(kafka: Kafka) -> None:
    old = ClassicMember(kafka, kafka.fresh(), protocols={"range": b"\0"})
    old.join()
    old.sync({old.member_id: b""})
    assert ConsumerMember(kafka, old.group, kafka.topic()).join().error_code == ErrorCode.GROUP_ID_NOT_FOUND


@case
def a_waiting_join_is_sent_away_by_the_move(kafka: Kafka) -> None:
    topic, old = _classic(kafka)
    other = ClassicMember(kafka, old.group, protocols={"range": subscription(topic, owned={})})
    other.get_id()
    other.send_join()
    code = kafka.until(old.heartbeat, lambda code: code != ErrorCode.NONE)
    assert code == ErrorCode.REBALANCE_IN_PROGRESS
    ConsumerMember(kafka, old.group, topic).join()
    assert other.joined().error_code == ErrorCode.REBALANCE_IN_PROGRESS


@case
def the_group_moves_back_when_the_last_member_of_the_new_protocol_leaves(kafka: Kafka) -> None:
    topic, old, new = _upgraded(kafka)
    _give_back(kafka, topic, old)
    new.leave()
    found = described_classic(kafka, old.group)
    assert (found.group_state, found.protocol_type) == ("PreparingRebalance", "consumer")
    assert [member.member_id for member in found.members] == [old.member_id]
    assert old.heartbeat() == ErrorCode.REBALANCE_IN_PROGRESS
    answer = old.join()
    assert (answer.error_code, answer.leader) == (ErrorCode.NONE, old.member_id)


@case
def the_group_stays_while_a_member_of_the_new_protocol_is_left(kafka: Kafka) -> None:
    topic, old, new = _upgraded(kafka)
    other = ConsumerMember(kafka, old.group, topic)
    other.join()
    new.leave()
    assert {member.member_id for member in described(kafka, old.group).members} == {old.member_id, other.member_id}


@case
def when_the_classic_member_leaves_the_new_one_owns_everything(kafka: Kafka) -> None:
    topic, old, new = _upgraded(kafka)
    assert old.leave() == ErrorCode.NONE
    assert new.until_owning(4) == {topic: [0, 1, 2, 3]}


@case
def a_static_member_moves_to_the_new_protocol_in_its_place(kafka: Kafka) -> None:
    topic, old = _classic(kafka, instance="i")
    new = ConsumerMember(kafka, old.group, topic, instance="i")
    assert not new.join().error_code
    assert new.until_owning(4) == {topic: [0, 1, 2, 3]}
    assert old.heartbeat() == ErrorCode.FENCED_INSTANCE_ID
    assert [member.member_type for member in described(kafka, old.group).members] == [_CONSUMER]


@case
def a_static_member_moves_back_in_its_place_and_the_group_with_it(kafka: Kafka) -> None:
    topic = kafka.topic(partitions=2)
    new = ConsumerMember(kafka, kafka.fresh(), topic, instance="i")
    new.join()
    new.until_owning(2)
    old = ClassicMember(kafka, new.group, instance="i", protocols={"range": subscription(topic, owned={})})
    assert not old.join().error_code
    found = described_classic(kafka, new.group)
    assert (found.group_state, [member.group_instance_id for member in found.members]) == ("Stable", ["i"])
    assert assigned(found.members[0].member_assignment) == {topic: [0, 1]}


@case
def a_sync_of_a_member_of_the_new_protocol_is_an_unknown_member(kafka: Kafka) -> None:
    topic = kafka.topic()
    new = ConsumerMember(kafka, kafka.fresh(), topic)
    new.join()
    old = ClassicMember(kafka, new.group)
    old.member_id, old.generation = new.member_id, new.epoch
    assert old.sync().error_code == ErrorCode.UNKNOWN_MEMBER_ID
    assert old.heartbeat() == ErrorCode.UNKNOWN_MEMBER_ID


@case
def a_sync_of_a_classic_member_with_another_generation_is_illegal(kafka: Kafka) -> None:
    _, old, _ = _upgraded(kafka)
    assert old.sync(generation_id=old.generation + 7).error_code == ErrorCode.ILLEGAL_GENERATION
    assert old.heartbeat(generation_id=old.generation + 7) == ErrorCode.ILLEGAL_GENERATION


@case
def a_sync_of_a_classic_member_that_is_behind_is_a_rebalance_in_progress(kafka: Kafka) -> None:
    _, old, _ = _upgraded(kafka)
    assert old.sync().error_code == ErrorCode.REBALANCE_IN_PROGRESS
