"""Time that a test makes pass: what is due has happened when `advance` returns, and not a moment earlier."""

import asyncio
from pathlib import Path

import pytest

from kcon_broker.server.clock import ManualClock
from kcon_broker.server.server import BrokerServer
from kcon_broker.server.tasks import spawn
from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from kcon_broker.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from kcon_broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupResponse
from tests.kcon_broker.raw_client import RawClient, batch, produce
from tests.kcon_broker.server.test_durability import fetch
from tests.kcon_broker.server.test_faults import until_met

_SESSION_MS = 10_000
_RETENTION_MS = 60_000
_CHECK_MS = 30_000


def settings() -> BrokerSettings:
    made = BrokerSettings(
        data_dir=Path(),
        port=0,
        seed_topics=(SeedTopic(name="t", partitions=1),),
        topic_config_defaults=(("retention.ms", str(_RETENTION_MS)),),
    )
    assert made.storage.retention_check_interval_ms == _CHECK_MS
    return made


def heartbeat(client: RawClient, joined: JoinGroupResponse) -> int:
    request = HeartbeatRequest(group_id="g", generation_id=joined.generation_id, member_id=joined.member_id)
    return client.ask(request, HeartbeatResponse, 0).error_code


def test_a_session_expires_at_its_timeout() -> None:
    with InProcessBroker(clock=ManualClock(is_frozen=True)) as broker, RawClient(broker.bootstrap) as client:
        assert client.ask(FindCoordinatorRequest(key="g"), FindCoordinatorResponse, 0).error_code == ErrorCode.NONE
        join = JoinGroupRequest(
            group_id="g",
            session_timeout_ms=_SESSION_MS,
            rebalance_timeout_ms=_SESSION_MS,
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol(name="range", metadata=b"")],
        )
        joined = client.ask(join, JoinGroupResponse, 3)
        sync = SyncGroupRequest(group_id="g", generation_id=joined.generation_id, member_id=joined.member_id)
        assert client.ask(sync, SyncGroupResponse, 1).error_code == ErrorCode.NONE
        broker.advance(_SESSION_MS - 1)
        assert heartbeat(client, joined) == ErrorCode.NONE
        broker.advance(_SESSION_MS)
        assert heartbeat(client, joined) == ErrorCode.UNKNOWN_MEMBER_ID


def log_start(server: BrokerServer) -> int:
    partition = server.broker.topics.by_name["t"].partition(0)
    assert partition is not None
    assert partition.log is not None
    return partition.log.log_start_offset


def test_retention_has_run_when_time_has_passed() -> None:
    clock = ManualClock(is_frozen=True)
    with InProcessBroker(clock=clock, settings=settings()) as broker, RawClient(broker.bootstrap) as client:
        produce(client, "t", batch(b"old", timestamp_ms=clock.wall_ms()))
        broker.advance(_RETENTION_MS - _CHECK_MS)
        assert broker.call(log_start) == 0
        broker.advance(_CHECK_MS)
        assert broker.call(log_start) == 0, "a record may be as old as retention.ms"
        broker.advance(_CHECK_MS)
        assert broker.call(log_start) == 1


def test_an_advance_waits_for_the_slowest_job_that_it_woke() -> None:
    """A quick one that sleeps again before the slow one has begun must not end it."""
    clock = ManualClock(is_frozen=True)
    done: list[str] = []

    async def quick() -> None:
        while True:
            await clock.sleep(1)

    async def slow() -> None:
        await clock.sleep(2)
        for _ in range(10):
            await asyncio.sleep(0)
        done.append("slow")
        await clock.sleep(1)

    async def advance() -> list[str]:
        jobs = [spawn(job(), name=job.__name__) for job in (quick, slow)]
        await asyncio.sleep(0)
        await clock.advance(2)
        seen = list(done)
        for job in jobs:
            job.cancel()
        return seen

    assert asyncio.run(advance()) == ["slow"]


def test_frozen_time_stands_still_between_two_advances() -> None:
    clock = ManualClock(wall_ms=1_700_000_000_000, is_frozen=True)
    with InProcessBroker(clock=clock) as broker:
        before = clock.now_ms()
        broker.advance(0)
        broker.advance(1_500)
        assert (clock.now_ms() - before, clock.wall_ms()) == (1_500, 1_700_000_001_500)
        with pytest.raises(ValueError, match="0 ms or more"):
            broker.advance(-1)


def test_time_that_is_not_frozen_ends_the_wait_of_a_fetch() -> None:
    """A client whose fetch never came back would be stuck: its other requests wait behind it."""
    with InProcessBroker(clock=ManualClock(), settings=settings()) as broker, RawClient(broker.bootstrap) as client:
        broker.advance(_SESSION_MS)
        assert fetch(client, "t", 0, max_wait_ms=20) == (0, b"")


def test_the_next_broker_may_go_by_the_same_clock() -> None:
    """What the first one left behind, killed while a request waited, is not its concern."""
    clock = ManualClock(is_frozen=True)
    with InProcessBroker(clock=clock) as first, RawClient(first.bootstrap) as client:
        delayed = first.inject(ApiKey.METADATA, delay_ms=1_000)
        client.send(MetadataRequest(topics=[]), 4)
        until_met(first, delayed)
        first.kill()
    with InProcessBroker(clock=clock) as second, RawClient(second.bootstrap) as client:
        second.advance(2_000)
        assert client.ask(MetadataRequest(topics=[]), MetadataResponse, 4).brokers


def test_a_broker_on_the_machines_clock_cannot_be_advanced() -> None:
    with InProcessBroker() as broker, pytest.raises(TypeError, match="ManualClock"):
        broker.advance(1)
