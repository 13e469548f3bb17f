"""Share and streams groups that are there and empty: a member joins and leaves, by their heartbeats alone."""

import time
from collections.abc import Callable

from kcon_broker.wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse
from kcon_broker.wire.messages.streams_group_heartbeat import (
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
    Subtopology,
    Topology,
)
from tests.kcon_broker.raw_client import RawClient

MEMBER_ID = "aaaaaaaaaaaaaaaaaaaaaa"
LEAVING = -1
MOVING_CODES = (14, 15, 16)
"""The coordinator is loading, not there yet, or another."""
DEADLINE_S = 60.0


def make_share_group(bootstrap: str, group: str, topic: str) -> None:
    """Make a share group that subscribes to a topic, without members. One node."""

    def beat(client: RawClient, epoch: int) -> int:
        request = ShareGroupHeartbeatRequest(
            group_id=group, member_id=MEMBER_ID, member_epoch=epoch, subscribed_topic_names=None if epoch else [topic]
        )
        client.send(request, 1)
        return client.receive(ShareGroupHeartbeatResponse, 1)[1].error_code

    _join_and_leave(bootstrap, beat)


def make_streams_group(bootstrap: str, group: str, topic: str) -> None:
    """Make a streams group that reads a topic, without members. One node."""

    def beat(client: RawClient, epoch: int) -> int:
        topology = Topology(epoch=1, subtopologies=[Subtopology(subtopology_id="0", source_topics=[topic])])
        request = StreamsGroupHeartbeatRequest(
            group_id=group,
            member_id=MEMBER_ID,
            member_epoch=epoch,
            rebalance_timeout_ms=60_000,
            topology=None if epoch else topology,
            active_tasks=None if epoch else [],
            standby_tasks=None if epoch else [],
            warmup_tasks=None if epoch else [],
            process_id="process",
            client_tags=None if epoch else [],
        )
        client.send(request, 0)
        return client.receive(StreamsGroupHeartbeatResponse, 0)[1].error_code

    _join_and_leave(bootstrap, beat)


def _join_and_leave(bootstrap: str, beat: Callable[[RawClient, int], int]) -> None:
    ends = time.monotonic() + DEADLINE_S
    with RawClient(bootstrap) as client:
        while (code := beat(client, 0)) in MOVING_CODES and time.monotonic() < ends:
            time.sleep(0.1)
        assert code == 0, code
        assert beat(client, LEAVING) == 0
