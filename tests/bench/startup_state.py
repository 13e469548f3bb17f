"""How soon is kcon's broker ready when it has a lot of state to load? `python -m tests.bench.startup_state`

2,000 groups with 50 committed offsets each, 100,000 in all, and 500 quotas beside them. The
broker is stopped cleanly, and killed, and started again; the time runs from the start of the process to its ready
line, and to the first answer of OffsetFetch.
"""

import argparse
import asyncio
import os
import signal
import tempfile
import time
from pathlib import Path

from kcon.services.local_broker import LocalBroker, LocalBrokerOptions, start_local_broker
from kcon_broker.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    EntityData,
    EntryData,
    OpData,
)
from kcon_broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from kcon_broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from kcon_broker.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchResponse
from tests.bench.subjects import use_compiled_modules
from tests.kcon_broker.raw_client import RawClient

_TOPIC = "state"
_QUOTAS = 500
_COMMIT_VERSION, _FETCH_VERSION = 7, 8


def commit(client: RawClient, group_id: str, partitions: int) -> None:
    """Commit an offset in every partition."""
    commits = [OffsetCommitRequestPartition(partition_index=index, committed_offset=7) for index in range(partitions)]
    request = OffsetCommitRequest(group_id=group_id, topics=[OffsetCommitRequestTopic(name=_TOPIC, partitions=commits)])
    answer = client.ask(request, OffsetCommitResponse, _COMMIT_VERSION)
    assert not any(one.error_code for one in answer.topics[0].partitions)


def fill(bootstrap: str, groups: int, partitions: int) -> None:
    """Commit offsets in every group, and set some quotas."""
    with RawClient(bootstrap) as client:
        topic = CreatableTopic(name=_TOPIC, num_partitions=partitions, replication_factor=1)
        client.ask(CreateTopicsRequest(topics=[topic]), CreateTopicsResponse, 5)
        # The first look-up creates the topic of the offsets.
        client.ask(FindCoordinatorRequest(key="any", key_type=0), FindCoordinatorResponse, 2)
        for group in range(groups):
            commit(client, f"group-{group}", partitions)
        entries = [
            EntryData(
                entity=[EntityData(entity_type="user", entity_name=f"user-{number}")],
                ops=[OpData(key="producer_byte_rate", value=1024.0)],
            )
            for number in range(_QUOTAS)
        ]
        client.ask(AlterClientQuotasRequest(entries=entries), AlterClientQuotasResponse, 1)


def check(bootstrap: str, groups: int, partitions: int) -> None:
    """See that the last group is there, whole."""
    with RawClient(bootstrap) as client:
        wanted = OffsetFetchRequestGroup(group_id=f"group-{groups - 1}", topics=None)
        answer = client.ask(OffsetFetchRequest(groups=[wanted]), OffsetFetchResponse, _FETCH_VERSION)
        assert len(answer.groups[0].topics[0].partitions) == partitions


async def started(folder: Path) -> tuple[LocalBroker, float]:
    """Start a broker; return it with the seconds until it was ready."""
    began_s = time.perf_counter()
    broker = await start_local_broker(LocalBrokerOptions(data_dir=folder))
    return broker, time.perf_counter() - began_s


async def main() -> None:
    """Fill a folder, then start on it after each kind of end of the run before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=2_000)
    parser.add_argument("--partitions", type=int, default=50, help="committed offsets of each group")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    use_compiled_modules()
    with tempfile.TemporaryDirectory(prefix="kcon-bench-") as name:
        folder = Path(name) / "data"
        broker, empty_s = await started(folder)
        fill(broker.bootstrap, given.groups, given.partitions)
        print(f"{given.groups} groups, {given.groups * given.partitions} committed offsets, {_QUOTAS} quotas")
        print(f"{'last end':>8} {'ready s':>8} {'answer s':>9}")
        print(f"{'(empty)':>8} {empty_s:8.2f}")
        for end in ("clean", "killed") * given.rounds:
            with RawClient(broker.bootstrap) as client:
                commit(client, "group-0", given.partitions)
            if end == "killed":
                os.kill(broker.pid, signal.SIGKILL)
            await broker.stop()
            broker, ready_s = await started(folder)
            began_s = time.perf_counter()
            check(broker.bootstrap, given.groups, given.partitions)
            print(f"{end:>8} {ready_s:8.2f} {ready_s + time.perf_counter() - began_s:9.2f}")
        await broker.stop()


if __name__ == "__main__":
    asyncio.run(main())
