"""Groups of the classic protocol: joining, the leader's assignment, rebalances, static members, what is described."""

from typing import Any

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.delete_groups import DeleteGroupsRequest
from kcon_broker.wire.messages.describe_groups import DescribedGroup, DescribeGroupsRequest
from kcon_broker.wire.messages.heartbeat import HeartbeatRequest
from kcon_broker.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from kcon_broker.wire.messages.list_groups import ListGroupsRequest
from tests.semantics.case import case, each, waiting_case
from tests.semantics.cases.offsets import commit, committed
from tests.semantics.kafka import Kafka
from tests.semantics.members import ClassicMember, ConsumerMember, subscription


def described(kafka: Kafka, group: str, version: int = 5) -> DescribedGroup:
    """Return what DescribeGroups tells of a group."""
    found: DescribedGroup = kafka.ask(DescribeGroupsRequest(groups=[group]), version).groups[0]
    return found


def delete_group(kafka: Kafka, group: str) -> int:
    """Delete a group; return the error code."""
    code: int = kafka.ask(DeleteGroupsRequest(groups_names=[group]), 2).results[0].error_code
    return code


def _pair(kafka: Kafka) -> tuple[ClassicMember, ClassicMember]:
    """Return the leader and a follower of a stable group."""
    leader = ClassicMember(kafka, kafka.fresh()).stable()
    follower = ClassicMember(kafka, leader.group)
    _rejoined(kafka, leader, follower)
    leader.send_sync({leader.member_id: b"leads", follower.member_id: b"follows"})
    assert leader.synced().assignment == b"leads"
    assert follower.sync().assignment == b"follows"
    return leader, follower


def _rejoined(kafka: Kafka, present: ClassicMember, coming: ClassicMember) -> None:
    """Have a member join beside one of a stable group, up to the answers of both joins."""
    coming.get_id()
    coming.send_join()
    code = kafka.until(present.heartbeat, lambda code: code == ErrorCode.REBALANCE_IN_PROGRESS)
    assert code == ErrorCode.REBALANCE_IN_PROGRESS
    present.send_join()
    assert not present.joined().error_code
    assert not coming.joined().error_code


# Joining


@case
def a_first_join_is_told_to_come_again_with_its_id(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh())
    member.send_join()
    answer = member.joined()
    assert answer.error_code == ErrorCode.MEMBER_ID_REQUIRED
    assert answer.member_id.startswith("semantics-")


@case
def before_version_4_the_first_join_joins(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh())
    member.send_join(3)
    answer = member.joined()
    assert (answer.error_code, answer.generation_id, answer.leader) == (ErrorCode.NONE, 1, answer.member_id)


@case
def a_static_first_join_joins(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh(), instance="i")
    member.send_join()
    answer = member.joined()
    assert answer.error_code == ErrorCode.NONE
    assert answer.member_id.startswith("i-")


@case
def the_only_member_leads_generation_1_and_is_told_all_subscriptions(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh())
    answer = member.join()
    assert (answer.generation_id, answer.leader, answer.protocol_name) == (1, answer.member_id, "range")
    assert [(one.member_id, one.metadata) for one in answer.members] == [(member.member_id, subscription("any"))]


@case
def a_follower_is_told_no_subscriptions(kafka: Kafka) -> None:
    leader = ClassicMember(kafka, kafka.fresh()).stable()
    follower = ClassicMember(kafka, leader.group)
    follower.get_id()
    follower.send_join()
    kafka.until(leader.heartbeat, lambda code: code == ErrorCode.REBALANCE_IN_PROGRESS)
    leader.send_join()
    assert len(leader.joined().members) == 2
    answer = follower.joined()
    assert (answer.leader, answer.members) == (leader.member_id, [])


@case
def every_rebalance_is_a_new_generation(kafka: Kafka) -> None:
    leader, follower = _pair(kafka)
    assert (leader.generation, follower.generation) == (2, 2)


@case
def the_protocol_that_all_members_have_and_most_prefer_is_chosen(kafka: Kafka) -> None:
    group, data = kafka.fresh(), subscription("any")
    first = ClassicMember(kafka, group, protocols={"a": data, "b": data}).stable()
    second = ClassicMember(kafka, group, protocols={"b": data})
    second.get_id()
    second.send_join()
    kafka.until(first.heartbeat, lambda code: code == ErrorCode.REBALANCE_IN_PROGRESS)
    first.send_join()
    assert (first.joined().protocol_name, second.joined().protocol_name) == ("b", "b")


@case
def a_member_without_a_common_protocol_is_refused(kafka: Kafka) -> None:
    group, data = kafka.fresh(), subscription("any")
    ClassicMember(kafka, group, protocols={"a": data}).stable()
    assert ClassicMember(kafka, group, protocols={"b": data}).join().error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


@case
def a_member_of_another_protocol_type_is_refused(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    other = ClassicMember(kafka, member.group, protocol_type="connect")
    assert other.join().error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


@each({"no protocols": {"protocols": {}}, "no protocol type": {"protocol_type": ""}})
def a_first_join_is_an_inconsistent_group_protocol_with(kafka: Kafka, fields: dict[str, object]) -> None:
    member = ClassicMember(kafka, kafka.fresh())
    for name, value in fields.items():
        setattr(member, name, value)
    assert member.join().error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


@each({"5999": 5_999, "0": 0, "-1": -1, "1800001": 1_800_001})
def a_session_timeout_is_invalid(kafka: Kafka, session_ms: int) -> None:
    member = ClassicMember(kafka, kafka.fresh(), session_ms=session_ms)
    assert member.join().error_code == ErrorCode.INVALID_SESSION_TIMEOUT


@each({"6000": 6_000, "1800000": 1_800_000})
def a_session_timeout_is_taken(kafka: Kafka, session_ms: int) -> None:
    assert ClassicMember(kafka, kafka.fresh(), session_ms=session_ms).join().error_code == ErrorCode.NONE


@case
def an_empty_group_id_is_invalid(kafka: Kafka) -> None:
    assert ClassicMember(kafka, "").join().error_code == ErrorCode.INVALID_GROUP_ID


@case
def a_stranger_is_an_unknown_member(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh())
    member.member_id = "stranger"
    assert member.join().error_code == ErrorCode.UNKNOWN_MEMBER_ID


@case
def any_protocol_type_is_served(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh(), protocol_type="connect", protocols={"sessioned": b"opaque"})
    assert member.join().protocol_type == "connect"


@case
def a_follower_that_joins_again_unchanged_gets_its_generation(kafka: Kafka) -> None:
    _, follower = _pair(kafka)
    assert follower.join().generation_id == 2


@case
def a_leader_that_joins_again_starts_a_rebalance(kafka: Kafka) -> None:
    leader, follower = _pair(kafka)
    leader.send_join()
    code = kafka.until(follower.heartbeat, lambda code: code != ErrorCode.NONE)
    assert code == ErrorCode.REBALANCE_IN_PROGRESS
    follower.send_join()
    assert (leader.joined().generation_id, follower.joined().generation_id) == (3, 3)


@case
def a_follower_that_joins_with_another_subscription_starts_a_rebalance(kafka: Kafka) -> None:
    leader, follower = _pair(kafka)
    follower.protocols = {"range": subscription("other")}
    follower.send_join()
    code = kafka.until(leader.heartbeat, lambda code: code != ErrorCode.NONE)
    assert code == ErrorCode.REBALANCE_IN_PROGRESS
    leader.send_join()
    assert {one.metadata for one in leader.joined().members} == {subscription("any"), subscription("other")}
    follower.joined()


# Syncing


@case
def a_follower_waits_for_the_leader(kafka: Kafka) -> None:
    leader = ClassicMember(kafka, kafka.fresh()).stable()
    follower = ClassicMember(kafka, leader.group)
    _rejoined(kafka, leader, follower)
    follower.send_sync()
    leader.send_sync({follower.member_id: b"for you"})
    assert follower.synced().assignment == b"for you"
    assert leader.synced().assignment == b""


@case
def a_sync_after_the_leaders_is_answered_at_once(kafka: Kafka) -> None:
    _, follower = _pair(kafka)
    assert follower.sync().assignment == b"follows"


@case
def a_sync_of_a_stranger_is_an_unknown_member(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    assert member.sync(member_id="stranger").error_code == ErrorCode.UNKNOWN_MEMBER_ID


@each({"older": -1, "newer": 1})
def a_sync_is_an_illegal_generation_when_its_is(kafka: Kafka, change: int) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    assert member.sync(generation_id=member.generation + change).error_code == ErrorCode.ILLEGAL_GENERATION


@each({"type": {"protocol_type": "connect"}, "name": {"protocol_name": "sticky"}})
def a_sync_is_an_inconsistent_group_protocol_with_another_protocol(kafka: Kafka, fields: dict[str, Any]) -> None:
    member = ClassicMember(kafka, kafka.fresh())
    member.join()
    assert member.sync(**fields).error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


@case
def a_sync_of_an_unknown_group_is_an_unknown_member(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh())
    member.member_id = "m"
    assert member.sync().error_code == ErrorCode.UNKNOWN_MEMBER_ID


@case
def a_rebalance_ends_a_waiting_sync(kafka: Kafka) -> None:
    leader = ClassicMember(kafka, kafka.fresh()).stable()
    follower = ClassicMember(kafka, leader.group)
    _rejoined(kafka, leader, follower)
    follower.send_sync()
    third = ClassicMember(kafka, leader.group)
    third.get_id()
    third.send_join()
    assert follower.synced().error_code == ErrorCode.REBALANCE_IN_PROGRESS


# Heartbeats


@case
def a_heartbeat_of_a_stable_group_is_fine(kafka: Kafka) -> None:
    assert ClassicMember(kafka, kafka.fresh()).stable().heartbeat() == ErrorCode.NONE


@case
def a_heartbeat_before_the_sync_is_fine(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh())
    member.join()
    assert member.heartbeat() == ErrorCode.NONE


@each({"older": -1, "newer": 1})
def a_heartbeat_is_an_illegal_generation_when_its_is(kafka: Kafka, change: int) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    assert member.heartbeat(generation_id=member.generation + change) == ErrorCode.ILLEGAL_GENERATION


@case
def a_heartbeat_of_a_stranger_is_an_unknown_member(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    assert member.heartbeat(member_id="stranger") == ErrorCode.UNKNOWN_MEMBER_ID


@case
def a_heartbeat_of_an_unknown_group_is_an_unknown_member(kafka: Kafka) -> None:
    request = HeartbeatRequest(group_id=kafka.fresh("no"), generation_id=1, member_id="m")
    assert kafka.ask(request, 4).error_code == ErrorCode.UNKNOWN_MEMBER_ID


@case
def a_heartbeat_of_an_empty_group_id_is_invalid(kafka: Kafka) -> None:
    request = HeartbeatRequest(group_id="", generation_id=1, member_id="m")
    assert kafka.ask(request, 4).error_code == ErrorCode.INVALID_GROUP_ID


@waiting_case
def a_member_that_is_silent_for_its_session_timeout_is_out(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh(), session_ms=6_000).stable()
    state = kafka.until(lambda: described(kafka, member.group).group_state, lambda state: state == "Empty")
    assert state == "Empty"
    assert member.heartbeat() == ErrorCode.UNKNOWN_MEMBER_ID


@waiting_case
def a_member_that_does_not_join_a_rebalance_in_time_is_out(kafka: Kafka) -> None:
    silent = ClassicMember(kafka, kafka.fresh(), rebalance_ms=1_000).stable()
    other = ClassicMember(kafka, silent.group, rebalance_ms=1_000)
    other.get_id()
    other.send_join()
    assert other.joined().leader == other.member_id
    assert silent.heartbeat() == ErrorCode.UNKNOWN_MEMBER_ID


# Leaving


@case
def a_group_whose_last_member_left_is_empty(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    assert member.leave() == ErrorCode.NONE
    assert described(kafka, member.group).group_state == "Empty"


@case
def who_left_is_an_unknown_member(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    member.leave()
    assert member.heartbeat() == ErrorCode.UNKNOWN_MEMBER_ID


@case
def leaving_starts_a_rebalance_of_the_rest(kafka: Kafka) -> None:
    leader, follower = _pair(kafka)
    follower.leave()
    code = kafka.until(leader.heartbeat, lambda code: code != ErrorCode.NONE)
    assert code == ErrorCode.REBALANCE_IN_PROGRESS
    assert leader.join().generation_id == 3


@case
def when_the_leader_leaves_the_follower_leads(kafka: Kafka) -> None:
    leader, follower = _pair(kafka)
    leader.leave()
    assert follower.join().leader == follower.member_id


@case
def several_members_leave_in_one_request(kafka: Kafka) -> None:
    leader, follower = _pair(kafka)
    named = [MemberIdentity(member_id=one.member_id) for one in (leader, follower)]
    answer = kafka.ask(LeaveGroupRequest(group_id=leader.group, members=named), 5)
    assert [one.error_code for one in answer.members] == [ErrorCode.NONE, ErrorCode.NONE]
    assert described(kafka, leader.group).group_state == "Empty"


@case
def a_stranger_that_leaves_is_an_unknown_member_beside_one_that_does(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    named = [MemberIdentity(member_id="stranger"), MemberIdentity(member_id=member.member_id)]
    answer = kafka.ask(LeaveGroupRequest(group_id=member.group, members=named), 5)
    assert answer.error_code == ErrorCode.NONE
    assert [one.error_code for one in answer.members] == [ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.NONE]


@case
def a_member_that_has_only_its_id_yet_may_leave(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh())
    member.get_id()
    assert member.leave() == ErrorCode.NONE


# Static members


@case
def a_static_member_that_returns_gets_a_new_id_and_keeps_its_assignment(kafka: Kafka) -> None:
    old = ClassicMember(kafka, kafka.fresh(), instance="i").stable()
    new = ClassicMember(kafka, old.group, instance="i")
    answer = new.join()
    assert (answer.error_code, answer.generation_id) == (ErrorCode.NONE, old.generation)
    assert new.member_id != old.member_id
    assert new.sync().assignment == b"all"


@case
def a_returned_static_leader_may_skip_the_assignment(kafka: Kafka) -> None:
    old = ClassicMember(kafka, kafka.fresh(), instance="i").stable()
    answer = ClassicMember(kafka, old.group, instance="i").join()
    assert (answer.leader, answer.skip_assignment) == (answer.member_id, True)


@case
def the_old_id_of_a_returned_static_member_is_fenced(kafka: Kafka) -> None:
    old = ClassicMember(kafka, kafka.fresh(), instance="i").stable()
    ClassicMember(kafka, old.group, instance="i").join()
    assert old.heartbeat() == ErrorCode.FENCED_INSTANCE_ID
    assert old.sync().error_code == ErrorCode.FENCED_INSTANCE_ID


@case
def a_returned_static_member_does_not_disturb_the_others(kafka: Kafka) -> None:
    leader = ClassicMember(kafka, kafka.fresh(), instance="i").stable()
    other = ClassicMember(kafka, leader.group, instance="j")
    _rejoined(kafka, leader, other)
    leader.send_sync({leader.member_id: b"a", other.member_id: b"b"})
    leader.synced()
    other.sync()
    ClassicMember(kafka, leader.group, instance="j").join()
    assert leader.heartbeat() == ErrorCode.NONE


@case
def a_returned_static_member_with_another_subscription_keeps_the_generation(kafka: Kafka) -> None:
    old = ClassicMember(kafka, kafka.fresh(), instance="i").stable()
    new = ClassicMember(kafka, old.group, instance="i", protocols={"range": subscription("other")})
    answer = new.join()
    assert answer.generation_id == old.generation
    assert [one.metadata for one in answer.members] == [subscription("other")]


@case
def a_returned_static_member_without_the_protocol_of_the_group_is_refused(kafka: Kafka) -> None:
    old = ClassicMember(kafka, kafka.fresh(), instance="i").stable()
    new = ClassicMember(kafka, old.group, instance="i", protocols={"sticky": subscription("any")})
    assert new.join().error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


@case
def a_static_member_leaves_by_its_instance(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh(), instance="i").stable()
    named = [MemberIdentity(member_id="", group_instance_id="i")]
    answer = kafka.ask(LeaveGroupRequest(group_id=member.group, members=named), 5)
    assert answer.members[0].error_code == ErrorCode.NONE
    assert described(kafka, member.group).group_state == "Empty"


@case
def leaving_by_an_instance_with_a_foreign_id_is_fenced(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh(), instance="i").stable()
    named = [MemberIdentity(member_id="other", group_instance_id="i")]
    answer = kafka.ask(LeaveGroupRequest(group_id=member.group, members=named), 5)
    assert answer.members[0].error_code == ErrorCode.FENCED_INSTANCE_ID


@case
def leaving_by_an_unknown_instance_is_an_unknown_member(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh(), instance="i").stable()
    named = [MemberIdentity(member_id="", group_instance_id="nobody")]
    answer = kafka.ask(LeaveGroupRequest(group_id=member.group, members=named), 5)
    assert answer.members[0].error_code == ErrorCode.UNKNOWN_MEMBER_ID


# What is told of groups


@case
def describe_tells_a_stable_group(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    found = described(kafka, member.group)
    assert (found.group_state, found.protocol_type, found.protocol_data) == ("Stable", "consumer", "range")
    (told,) = found.members
    assert (told.member_id, told.client_id, told.member_assignment) == (member.member_id, "semantics", b"all")
    assert told.client_host == "/127.0.0.1"
    assert told.member_metadata == subscription("any")


@case
def describe_tells_the_instance_of_a_static_member(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh(), instance="i").stable()
    assert described(kafka, member.group).members[0].group_instance_id == "i"


@case
def describe_tells_a_group_that_waits_for_its_leader(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh())
    member.join()
    assert described(kafka, member.group).group_state == "CompletingRebalance"


@case
def describe_tells_a_group_that_waits_for_members(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    other = ClassicMember(kafka, member.group)
    other.get_id()
    other.send_join()
    state = kafka.until(lambda: described(kafka, member.group).group_state, lambda state: state != "Stable")
    assert state == "PreparingRebalance"


@case
def describe_6_of_an_unknown_group_is_group_id_not_found(kafka: Kafka) -> None:
    found = described(kafka, kafka.fresh("no"), 6)
    assert (found.error_code, found.group_state) == (ErrorCode.GROUP_ID_NOT_FOUND, "Dead")


@case
def describe_5_of_an_unknown_group_is_dead_and_no_error(kafka: Kafka) -> None:
    found = described(kafka, kafka.fresh("no"), 5)
    assert (found.error_code, found.group_state) == (ErrorCode.NONE, "Dead")


@case
def describe_of_a_consumer_group_is_dead(kafka: Kafka) -> None:
    member = ConsumerMember(kafka, kafka.fresh(), kafka.topic())
    member.join()
    assert described(kafka, member.group, 6).error_code == ErrorCode.GROUP_ID_NOT_FOUND


def _listed(kafka: Kafka, states: list[str], types: list[str]) -> dict[str, tuple[str, str, str]]:
    answer = kafka.ask(ListGroupsRequest(states_filter=states, types_filter=types), 5)
    return {one.group_id: (one.protocol_type, one.group_state, one.group_type) for one in answer.groups}


@case
def list_tells_state_and_type(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    assert _listed(kafka, [], [])[member.group] == ("consumer", "Stable", "classic")


@case
def list_finds_by_state_whatever_the_case(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    assert member.group in _listed(kafka, ["stable"], [])
    assert member.group not in _listed(kafka, ["Empty"], [])


@case
def list_finds_by_type(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    assert member.group in _listed(kafka, [], ["classic"])
    assert member.group not in _listed(kafka, [], ["consumer"])


@case
def list_tells_a_group_that_has_commits_only(kafka: Kafka) -> None:
    group = kafka.fresh()
    commit(kafka, group, kafka.topic(), 5)
    assert _listed(kafka, [], [])[group] == ("", "Empty", "classic")


# DeleteGroups


@case
def an_empty_group_is_deleted_with_its_offsets(kafka: Kafka) -> None:
    topic, group = kafka.topic(), kafka.fresh()
    commit(kafka, group, topic, 5)
    assert delete_group(kafka, group) == ErrorCode.NONE
    assert committed(kafka, group, topic).committed_offset == -1
    assert group not in _listed(kafka, [], [])


@case
def a_group_with_members_is_not_deleted(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    assert delete_group(kafka, member.group) == ErrorCode.NON_EMPTY_GROUP


@case
def an_unknown_group_is_not_deleted(kafka: Kafka) -> None:
    assert delete_group(kafka, kafka.fresh("no")) == ErrorCode.GROUP_ID_NOT_FOUND


@case
def a_deleted_group_begins_anew(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    member.leave()
    assert delete_group(kafka, member.group) == ErrorCode.NONE
    assert ClassicMember(kafka, member.group).join().generation_id == 1


@case
def a_group_that_is_empty_goes_on_with_its_generations(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    member.leave()
    assert ClassicMember(kafka, member.group).join().generation_id == 3


@each({str(version): version for version in range(10)})
def a_member_joins_in_version(kafka: Kafka, version: int) -> None:
    member = ClassicMember(kafka, kafka.fresh())
    assert (member.join(version).error_code, member.generation) == (ErrorCode.NONE, 1)
