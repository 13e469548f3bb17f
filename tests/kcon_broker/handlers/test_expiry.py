"""What does a client see when time passes? Committed offsets that expire, fetch sessions that give way.

The clock is the test's own, so a week takes a moment and every limit is met to the millisecond.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kcon_broker.settings import BrokerSettings, GroupSettings, MigrationPolicy, NetworkSettings
from kcon_broker.testing import InProcessBroker, ManualClock
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from kcon_broker.wire.messages.list_groups import ListGroupsRequest
from tests.semantics.cases.classic_groups import described
from tests.semantics.cases.consumer_groups import described as described_new
from tests.semantics.cases.offsets import commit, committed
from tests.semantics.kafka import Broker, Kafka, fetch_request
from tests.semantics.members import ClassicMember, ConsumerMember, subscription

_BROKER = 4
"""The type of a config resource that is a broker."""
MINUTE_MS = 60_000
CHECK_MS = 10 * MINUTE_MS
RETENTION_MS = 60 * MINUTE_MS
GROUPS = GroupSettings(offsets_retention_ms=RETENTION_MS, offsets_retention_check_interval_ms=CHECK_MS)
SETTINGS = BrokerSettings(data_dir=Path(), port=0, groups=GROUPS)


@contextmanager
def timed(settings: BrokerSettings = SETTINGS) -> Iterator[tuple[Kafka, Callable[[int], None]]]:
    """Give a broker whose time stands still, and the function that lets it pass."""
    with InProcessBroker(settings=settings, clock=ManualClock(is_frozen=True)) as broker:
        shared = Broker("kcon", broker.bootstrap)
        with closing(shared.side), Kafka(shared) as kafka:
            yield kafka, broker.advance


def groups_of(kafka: Kafka) -> list[str]:
    """Return the ids of all groups."""
    return sorted(group.group_id for group in kafka.ask(ListGroupsRequest()).groups)


def offset_of(kafka: Kafka, group: str, topic: str) -> int:
    """Return a committed offset, -1 for none."""
    found: int = committed(kafka, group, topic).committed_offset
    return found


def until_checks(advance: Callable[[int], None], count: int) -> None:
    """Let so many looks for old offsets come, one after the other."""
    for _ in range(count):
        advance(CHECK_MS)


class TestOffsets:
    """offsets.retention.minutes, looked after each offsets.retention.check.interval.ms (KIP-211)."""

    def test_an_offset_goes_at_the_first_look_after_its_retention_and_the_group_with_it(self) -> None:
        with timed() as (kafka, advance):
            topic = kafka.topic()
            advance(1)
            assert not commit(kafka, "g", topic, 5)
            advance(CHECK_MS - 1)
            until_checks(advance, 5)
            # A millisecond too young at this look, and old enough until the next one.
            assert (offset_of(kafka, "g", topic), groups_of(kafka)) == (5, ["g"])
            advance(CHECK_MS - 1)
            assert (offset_of(kafka, "g", topic), groups_of(kafka)) == (5, ["g"])
            advance(1)
            assert (offset_of(kafka, "g", topic), groups_of(kafka)) == (-1, [])
            assert described(kafka, "g").group_state == "Dead"

    def test_an_offset_as_old_as_the_retention_goes(self) -> None:
        with timed() as (kafka, advance):
            topic = kafka.topic()
            assert not commit(kafka, "g", topic, 5)
            until_checks(advance, 5)
            assert offset_of(kafka, "g", topic) == 5
            advance(CHECK_MS)
            assert offset_of(kafka, "g", topic) == -1

    def test_a_commit_later_begins_anew(self) -> None:
        with timed() as (kafka, advance):
            old, new = kafka.topic(), kafka.topic()
            assert not commit(kafka, "g", old, 5)
            until_checks(advance, 3)
            assert not commit(kafka, "g", new, 7)
            until_checks(advance, 3)
            assert (offset_of(kafka, "g", old), offset_of(kafka, "g", new)) == (-1, 7)
            assert groups_of(kafka) == ["g"]

    def test_a_left_classic_group_counts_from_when_its_last_member_left(self) -> None:
        with timed() as (kafka, advance):
            topic = kafka.topic()
            member = ClassicMember(kafka, "g", protocols={"range": subscription(topic)}, session_ms=1_800_000).stable()
            named: dict[str, Any] = {"member_id": member.member_id, "generation_id_or_member_epoch": 1}
            assert not commit(kafka, "g", topic, 5, **named)
            for _ in range(12):
                advance(CHECK_MS)
                assert member.heartbeat() == ErrorCode.NONE
            assert offset_of(kafka, "g", topic) == 5
            assert member.leave() == ErrorCode.NONE
            until_checks(advance, 5)
            assert (offset_of(kafka, "g", topic), described(kafka, "g").group_state) == (5, "Empty")
            advance(CHECK_MS)
            assert (offset_of(kafka, "g", topic), groups_of(kafka)) == (-1, [])

    def test_a_group_whose_last_session_ended_counts_from_there(self) -> None:
        with timed() as (kafka, advance):
            topic = kafka.topic()
            member = ClassicMember(kafka, "g", protocols={"range": subscription(topic)}, session_ms=MINUTE_MS).stable()
            named: dict[str, Any] = {"member_id": member.member_id, "generation_id_or_member_epoch": 1}
            assert not commit(kafka, "g", topic, 5, **named)
            advance(MINUTE_MS)
            advance(CHECK_MS - MINUTE_MS)
            until_checks(advance, 5)
            assert offset_of(kafka, "g", topic) == 5
            advance(CHECK_MS)
            assert (offset_of(kafka, "g", topic), groups_of(kafka)) == (-1, [])

    def test_a_member_of_the_new_protocol_keeps_what_it_subscribes_to_and_no_more(self) -> None:
        with timed() as (kafka, advance):
            topic, other = kafka.topic(), kafka.topic()
            assert not commit(kafka, "g", other, 7)
            member = ConsumerMember(kafka, "g", topic)
            assert not member.join().error_code
            named: dict[str, Any] = {
                "member_id": member.member_id,
                "generation_id_or_member_epoch": member.epoch,
            }
            assert not commit(kafka, "g", topic, 5, **named)
            for _ in range(6 * 20):
                advance(CHECK_MS // 20)
                assert not member.report().error_code
            assert (offset_of(kafka, "g", topic), offset_of(kafka, "g", other)) == (5, -1)
            member.leave()
            advance(CHECK_MS)
            # Here the time counts from the commit, which is an hour ago.
            assert (offset_of(kafka, "g", topic), groups_of(kafka)) == (-1, [])
            assert described_new(kafka, "g").error_code == ErrorCode.GROUP_ID_NOT_FOUND

    def test_an_expired_offset_does_not_come_back_with_a_restart(self, tmp_path: Path) -> None:
        settings = replace(SETTINGS, data_dir=tmp_path)
        topics: list[str] = []
        for _ in range(2):
            with InProcessBroker(tmp_path, settings=settings, clock=ManualClock(is_frozen=True)) as broker:
                shared = Broker("kcon", broker.bootstrap)
                with closing(shared.side), Kafka(shared) as kafka:
                    if not topics:
                        topics.append(kafka.topic())
                        assert not commit(kafka, "g", topics[0], 5)
                        for _ in range(6):
                            broker.advance(CHECK_MS)
                    assert (offset_of(kafka, "g", topics[0]), groups_of(kafka)) == (-1, [])


class TestFetchSessions:
    """max.incremental.fetch.session.cache.slots (KIP-227)."""

    NETWORK = NetworkSettings(fetch_sessions_max=2, fetch_session_min_idle_ms=120_000)

    def test_a_full_table_gives_no_session_until_one_was_idle_for_two_minutes(self) -> None:
        with timed(replace(SETTINGS, network=self.NETWORK)) as (kafka, advance):
            topic = kafka.topic()
            first, second = (self._open(kafka, topic).session_id for _ in range(2))
            assert len({first, second, 0}) == 3
            refused = self._open(kafka, topic)
            assert (refused.session_id, refused.error_code, len(refused.responses)) == (0, 0, 1)
            advance(120_000)
            assert self._open(kafka, topic).session_id == 0
            assert self._open(kafka, topic, session=second, epoch=1).session_id == second
            advance(1)
            assert self._open(kafka, topic).session_id != 0
            assert self._open(kafka, topic, session=second, epoch=2).session_id == second
            gone = self._open(kafka, topic, session=first, epoch=1)
            assert gone.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND

    def test_without_slots_there_are_no_sessions(self) -> None:
        none = replace(self.NETWORK, fetch_sessions_max=0)
        with timed(replace(SETTINGS, network=none)) as (kafka, _):
            assert self._open(kafka, kafka.topic()).session_id == 0

    def _open(self, kafka: Kafka, topic: str, *, session: int = 0, epoch: int = 0) -> Any:
        request = fetch_request(topic)
        request.session_id, request.session_epoch = session, epoch
        return kafka.ask(request, 12)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("offsets.retention.minutes", "60"),
        ("offsets.retention.check.interval.ms", "600000"),
        ("max.incremental.fetch.session.cache.slots", "2"),
        ("group.consumer.migration.policy", "upgrade"),
    ],
)
def test_a_limit_that_was_set_is_told_by_its_name_in_kafka(
    broker_told: Mapping[str, str], name: str, value: str
) -> None:
    assert broker_told[name] == value


@pytest.fixture(scope="module")
def broker_told() -> Mapping[str, str]:
    """Return the broker's configs, as DescribeConfigs tells them."""
    groups = replace(GROUPS, consumer_migration_policy=MigrationPolicy.UPGRADE)
    with timed(replace(SETTINGS, groups=groups, network=TestFetchSessions.NETWORK)) as (kafka, _):
        asked = DescribeConfigsResource(resource_type=_BROKER, resource_name="1", configuration_keys=None)
        (told,) = kafka.ask(DescribeConfigsRequest(resources=[asked])).results
    return {one.name: one.value for one in told.configs}
