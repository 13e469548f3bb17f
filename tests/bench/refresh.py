"""What does one look at a whole cluster take, and how many requests would kafka_exporter send?"""

import resource
import time
from statistics import median

from kcon.admin.client import Admin
from kcon.admin.settings import AdminSettings
from kcon.observe.sampler import Sampler
from kcon.observe.store import Store
from tests.bench.bars import Bar


def kafka_exporter_requests(partitions: int, brokers: int, groups: int, commits: int) -> int:
    """Return how many requests kafka_exporter sends for one scrape, by what its source does.

    For each partition ListOffsets twice (newest, oldest), and again for each partition that a group has committed in;
    ListGroups and DescribeGroups for each broker, and OffsetFetch for each group.
    """
    return 2 * partitions + commits + 2 * brokers + groups


async def refreshes(bootstrap: str, runs: int) -> list[Bar]:
    """Look at the whole cluster as the console does, in this process; print what a look takes once it is warm."""
    bare_s = min(_bare_loop_s() for _ in range(5))
    async with await Admin.connect(AdminSettings(bootstrap=tuple(bootstrap.split(",")))) as admin:
        sampler, store = Sampler(admin, lambda: time.time_ns() // 1_000_000), Store()
        for _ in range(2):  # From the second answer on, unchanged topics are recognised.
            await store.add(await sampler.sample())
        walls, cpus, taken = [], [], []
        before = admin.requests_sent.copy()
        for _ in range(runs):
            cpu_before = resource.getrusage(resource.RUSAGE_SELF)
            began = time.perf_counter()
            sample = await sampler.sample()
            walls.append(time.perf_counter() - began)
            cpu_after = resource.getrusage(resource.RUSAGE_SELF)
            cpus.append(cpu_after.ru_utime + cpu_after.ru_stime - cpu_before.ru_utime - cpu_before.ru_stime)
            began_cpu = time.process_time()
            await store.add(sample)
            taken.append(time.process_time() - began_cpu)
        sent = {api: count / runs for api, count in (admin.requests_sent - before).items()}
    commits = sum(len(each) for each in sample.commits.values() if not hasattr(each, "code"))
    print("\none refresh of everything, warm (bar: <= 0.4 s CPU; requests: 3 + a few a broker + groups/100)")
    print(f"  {len(sample.ends):,} ends, {len(sample.groups.items):,} groups, {commits:,} commits")
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  wall {median(walls):.2f} s (bar 1.5), CPU {median(cpus):.2f} s (bar 0.4), this process {rss_mb:.0f} MB "
        f"(bar 150), {sum(sent.values()):.1f} requests (bar 60):"
    )
    print("  " + ", ".join(f"{api} {count:g}" for api, count in sorted(sent.items())))
    print(
        f"  lags, rates, statuses of it: {median(taken):.2f} s CPU; an empty loop of a million: {bare_s * 1000:.0f} ms"
    )
    brokers, groups = len(sample.cluster.brokers), len(sample.groups.items)
    theirs = kafka_exporter_requests(len(sample.ends), brokers, groups, commits)
    print(f"  kafka_exporter's algorithm would send {theirs:,}: {theirs / sum(sent.values()):,.0f} times as many")
    return [
        Bar("one refresh of everything", median(walls), 1.5, "s"),
        Bar("its CPU", median(cpus), 0.4, "s"),
        Bar("its requests", sum(sent.values()), 60, ""),
        Bar("requests of kafka_exporter's algorithm, times as many", theirs / sum(sent.values()), 100, "x", True),
        Bar("memory of the process", rss_mb, 150, "MB"),
    ]


def _bare_loop_s() -> float:
    """Return what a million empty steps take, in CPU seconds: how fast this machine is at this moment."""
    began = time.process_time()
    for _ in range(1_000_000):
        pass
    return time.process_time() - began
