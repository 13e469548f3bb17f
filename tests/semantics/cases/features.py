"""Features whose level an administrator moves: what is refused while the new group protocol is turned off."""

from collections.abc import Iterator
from contextlib import contextmanager

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest
from kcon_broker.wire.messages.consumer_group_describe import ConsumerGroupDescribeRequest
from kcon_broker.wire.messages.update_features import FeatureUpdateKey, UpdateFeaturesRequest
from tests.semantics.case import case
from tests.semantics.kafka import Kafka
from tests.semantics.members import ClassicMember, ConsumerMember

_GROUP_VERSION = "group.version"
_UPGRADE, _SAFE_DOWNGRADE = 1, 2


def _level(kafka: Kafka, name: str) -> int:
    request = ApiVersionsRequest(client_software_name="a", client_software_version="1")
    levels = {one.name: one.max_version_level for one in kafka.ask(request, 4).finalized_features}
    level: int = levels.get(name, 0)
    return level


def _move(kafka: Kafka, name: str, level: int, kind: int) -> None:
    """Move a feature to a level, and wait until the broker knows."""
    update = FeatureUpdateKey(feature=name, max_version_level=level, upgrade_type=kind)
    answer = kafka.ask(UpdateFeaturesRequest(timeout_ms=30_000, feature_updates=[update]), 1)
    assert not answer.error_code, answer
    assert kafka.until(lambda: _level(kafka, name), lambda found: found == level) == level


@contextmanager
def _without_the_new_protocol(kafka: Kafka) -> Iterator[None]:
    _move(kafka, _GROUP_VERSION, 0, _SAFE_DOWNGRADE)
    try:
        yield
    finally:
        _move(kafka, _GROUP_VERSION, 1, _UPGRADE)


@case
def with_group_version_at_0_nobody_joins_by_the_new_protocol(kafka: Kafka) -> None:
    member = ConsumerMember(kafka, kafka.fresh(), kafka.topic())
    with _without_the_new_protocol(kafka):
        answer = member.join()
        assert (answer.error_code, answer.error_message) == (ErrorCode.UNSUPPORTED_VERSION, None)
        assert (answer.member_id, answer.member_epoch) == (None, 0)
        assert (answer.heartbeat_interval_ms, answer.assignment) == (0, None)
    assert not member.join().error_code


@case
def with_group_version_at_0_a_member_of_the_new_protocol_is_refused_until_it_is_back(kafka: Kafka) -> None:
    member = ConsumerMember(kafka, kafka.fresh(), kafka.topic())
    assert not member.join().error_code
    with _without_the_new_protocol(kafka):
        assert member.report().error_code == ErrorCode.UNSUPPORTED_VERSION
    assert not member.report().error_code


@case
def with_group_version_at_0_describing_groups_of_the_new_protocol_is_refused(kafka: Kafka) -> None:
    groups = [kafka.fresh(), kafka.fresh()]
    with _without_the_new_protocol(kafka):
        told = kafka.ask(ConsumerGroupDescribeRequest(group_ids=groups), 1).groups
    assert [(one.group_id, one.error_code) for one in told] == [
        (group, ErrorCode.UNSUPPORTED_VERSION) for group in groups
    ]
    assert {(one.group_state, one.group_epoch, one.assignor_name) for one in told} == {("", 0, "")}


@case
def with_group_version_at_0_classic_groups_go_on(kafka: Kafka) -> None:
    member = ClassicMember(kafka, kafka.fresh()).stable()
    with _without_the_new_protocol(kafka):
        assert member.heartbeat() == ErrorCode.NONE
        assert ClassicMember(kafka, kafka.fresh()).stable().heartbeat() == ErrorCode.NONE
