"""What does a scrape of 100,000 series cost? `kcon metrics` over a made-up cluster, with a real HTTP server.

    python -m tests.bench.exporter                    1,250 topics of 4 partitions, 250 groups with 20 commits each
    python -m tests.bench.exporter --topics 10000 --groups 2000
    python -m tests.bench.exporter --quick            a tenth of it

The cluster is in memory, so that what is measured is kcon alone: building the families after a look, the first scrape,
which writes the text, and those after it, which send it. Figures are printed, never asserted: machines differ.
"""

import argparse
import asyncio
import resource
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from types import SimpleNamespace
from typing import Any

from kcon.admin.groups import GroupsListed
from kcon.core.ids import (
    ClientId,
    ClusterId,
    GroupId,
    HostName,
    MemberId,
    TopicName,
    TopicPartition,
    group_id,
    topic_name,
)
from kcon.core.offset_columns import OffsetColumns, PartitionLayout
from kcon.core.offset_query import EARLIEST, LATEST, OffsetBound
from kcon.core.partition_names import PartitionNames
from kcon.core.snapshot import (
    BrokerInfo,
    ClusterInfo,
    CommittedOffset,
    GroupDescription,
    GroupListing,
    GroupMember,
    PartitionInfo,
    TopicInfo,
)
from kcon.core.time_lag import Probe
from kcon.core.wire_text import WireText
from kcon.observe.exposition import Format
from kcon.observe.scrape_server import ScrapeServer
from kcon.services.metrics import Metrics, MetricsOptions
from tests.bench.bars import Bar
from tests.bench.subjects import machine

PARTITIONS_PER_TOPIC = 4
COMMITTED_PER_GROUP = 20
BROKERS = 6


class MadeUp:
    """A cluster in memory that grows with each look."""

    def __init__(self, topics: int, groups: int) -> None:
        self.requests_sent: Counter[str] = Counter()
        self._looks = 0
        self._partition_names = PartitionNames()
        names = [topic_name(f"bench.topic-{index:05d}") for index in range(topics)]
        self._topics = [self._topic(name, index) for index, name in enumerate(names)]
        self._groups = [group_id(f"bench-group-{index:05d}") for index in range(groups)]
        self._reads = {group: self._commits_of(index, names) for index, group in enumerate(self._groups)}

    def _topic(self, name: TopicName, index: int) -> TopicInfo:
        parts = tuple(
            PartitionInfo(part, 1 + (index + part) % BROKERS, 0, (1, 2, 3), (1, 2, 3), ())
            for part in range(PARTITIONS_PER_TOPIC)
        )
        return TopicInfo(name, f"id-{index}", False, parts)

    def _commits_of(self, index: int, names: list[TopicName]) -> list[TopicPartition]:
        count = COMMITTED_PER_GROUP // PARTITIONS_PER_TOPIC
        chosen = [names[(index * count + offset) % len(names)] for offset in range(count)]
        return [TopicPartition(name, part) for name in chosen for part in range(PARTITIONS_PER_TOPIC)]

    async def topics(self, _names: object = None) -> list[TopicInfo]:
        return self._topics

    async def cluster(self) -> ClusterInfo:
        brokers = tuple(BrokerInfo(id=each, host=HostName(WireText("h")), port=9092) for each in range(1, BROKERS + 1))
        return ClusterInfo(cluster_id=ClusterId(WireText("made-up")), controller_id=1, brokers=brokers)

    async def sweep_offsets(self, topics: Sequence[TopicInfo], bound: OffsetBound) -> OffsetColumns:
        layout = PartitionLayout(topics, self._partition_names)
        self._looks += bound is LATEST
        offset = 10 if bound is EARLIEST else 1_000_000 + 997 * self._looks
        return OffsetColumns(layout, [offset] * len(layout.partitions), {})

    async def list_groups(self) -> GroupsListed:
        items = [
            GroupListing(group=group, state="Stable", protocol_type="consumer", group_type="classic", coordinator_id=1)
            for group in self._groups
        ]
        return GroupsListed(items=items, errors={})

    async def describe_groups(self, groups: list[GroupId]) -> Mapping[GroupId, GroupDescription]:
        return {group: self._described(group) for group in groups}

    def _described(self, group: GroupId) -> GroupDescription:
        member = GroupMember(
            member_id=MemberId(WireText(f"{group.raw}-member-1")),
            client_id=ClientId(WireText("app")),
            host=HostName(WireText("/10.0.0.1")),
            assignment=tuple(self._reads[group]),
        )
        return GroupDescription(
            group=group, state="Stable", protocol_type="consumer", protocol="range", members=(member,), coordinator_id=1
        )

    async def committed_offsets(self, groups: list[GroupId]) -> Mapping[GroupId, Mapping[TopicPartition, Any]]:
        committed = CommittedOffset(999_000 + 990 * self._looks, -1)
        return {group: dict.fromkeys(self._reads[group], committed) for group in groups}

    async def probe_times(self, places: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Probe]:
        now_ms = round(time.time() * 1000)
        return {
            where: Probe(
                asked_offset=offset,
                base_offset=offset,
                last_offset=offset,
                base_timestamp_ms=now_ms - 60_000,
                max_timestamp_ms=now_ms - 60_000,
            )
            for where, offset in places.items()
        }


async def measure(topics: int, groups: int, looks: int) -> list[Bar]:
    """Look, scrape, and print."""
    cluster = MadeUp(topics, groups)

    async def admin() -> MadeUp:
        return cluster

    session: Any = SimpleNamespace(
        admin=admin, now_ms=lambda: round(time.time() * 1000), context=SimpleNamespace(name="bench")
    )
    metrics = Metrics(session, MetricsOptions(slow_every=0))
    server = ScrapeServer(metrics.text)
    host, port = await server.start("127.0.0.1", 0)
    url = f"http://{host}:{port}/metrics"
    took: dict[str, list[float]] = {"look": [], "first scrape": [], "scrape": []}
    cpu: dict[str, list[float]] = {name: [] for name in took}
    text = b""
    for _ in range(looks):
        for name in ("look", "first scrape", "scrape", "scrape"):
            began, cpu_began = time.perf_counter(), time.process_time()
            if name == "look":
                await metrics.look()
            else:
                text = await asyncio.to_thread(_get, url)
            took[name].append(time.perf_counter() - began)
            cpu[name].append(time.process_time() - cpu_began)
    await server.close()
    series = sum(1 for line in text.splitlines() if line and not line.startswith(b"#"))
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{series:,} series, {len(text) / 1e6:.1f} MB of text (bar: 100,000 series in <= 1 s, <= 250 MB)")
    print("| work | median s | worst s | CPU s |")
    print("|---|---|---|---|")
    for name, each in took.items():
        print(f"| {name} | {median(each):.3f} | {max(each):.3f} | {median(cpu[name]):.3f} |")
    print(f"RSS at most {rss_mb:.0f} MB, with the made-up cluster and the client that scrapes in it")
    began = time.perf_counter()
    metrics._texts.clear()
    size = len(metrics.text(Format.OPENMETRICS))
    print(f"OpenMetrics: {size / 1e6:.1f} MB written in {time.perf_counter() - began:.3f} s")
    return [
        Bar("series of the exporter", series, 100_000, "", True),
        Bar("a scrape of them right after a look", median(took["first scrape"]), 1.0, "s"),
        Bar("memory, with the cluster and the client in it", rss_mb, 250, "MB"),
    ]


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        text: bytes = answer.read()
        return text


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topics", type=int, default=1_250)
    parser.add_argument("--groups", type=int, default=250)
    parser.add_argument("--looks", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.topics, arguments.groups, arguments.looks = 125, 25, 1
    print(f"{machine()}; {arguments.topics:,} topics, {arguments.groups:,} groups, {arguments.looks} looks")
    asyncio.run(measure(arguments.topics, arguments.groups, arguments.looks))


if __name__ == "__main__":
    main()
