"""History: what 10,000 series take on the disk, how long it takes to read one, and to step through a day of it.

    python -m tests.bench.history                2 days of 10,000 series, a day of the demo's cluster
    python -m tests.bench.history --days 7       the whole week (an hour on a busy machine)
    python -m tests.bench.history --series 500 --days 1

Figures are printed, never asserted. The bars: 7 days of 10,000 series in 600 MB, one series over a day in 50 ms, and a
step of the time slider that nobody waits for (100 ms). The week is written at 10 s a sample: a day of it stays so, six
are merged into minutes; with fewer days the size of the week is worked out from both.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.core.wire_text import WireText
from kcon.observe.history import History
from kcon.observe.history_keys import DAY_MS, SeriesKey
from kcon.observe.history_reader import HistoryReader
from kcon.observe.past import Past
from kcon.observe.recording import Recording
from kcon.observe.sampler import Sampler
from kcon.observe.store import Store
from kcon.tui.group_look import look_at_past_group
from kcon.tui.past_view import MARKS_MAX
from tests.bench.bars import Bar
from tests.kcon.conftest import FakeCluster, FakeTopic

T0_MS = 1_795_000_000_000
TICK_MS = 10_000
READS = 50
STEPS = 200


class Values:
    """Series as clusters have them: offsets that grow, rates that come in bursts, lags that wander, and constants."""

    def __init__(self, count: int, seed: int) -> None:
        self._random = random.Random(seed)
        self.keys = [
            SeriesKey(("end", "topic.in", "group.lag", "start")[index % 4], WireText(f"n{index}"))
            for index in range(count)
        ]
        self._offsets = [self._random.randrange(10**9) for _ in range(count)]
        self._rates = [self._random.expovariate(1 / 50) for _ in range(count)]
        self._noise = [self._random.random() for _ in range(4_099)]

    def tick(self, number: int) -> dict[SeriesKey, float | None]:
        """Return the values of a tick."""
        found: dict[SeriesKey, float | None] = {}
        offsets, rates, noise = self._offsets, self._rates, self._noise
        for index, key in enumerate(self.keys):
            wave = noise[(index * 17 + number) % 4_099]
            match index % 4:
                case 0:
                    offsets[index] += int(rates[index] * 10 * (0.5 + wave))
                    found[key] = offsets[index]
                case 1:
                    found[key] = round(rates[index] * wave, 1)
                case 2:
                    found[key] = int(rates[index] * 100 * wave) if wave > 0.3 else 0
                case _:
                    found[key] = offsets[index]
        return found


def write_days(path: Path, series: int, days: float) -> None:
    """Write so many days, and print what they take."""
    values = Values(series, 1)
    ticks = round(days * DAY_MS / TICK_MS)
    appended_s, flushed_s, tidied_s, worst_s = 0.0, 0.0, 0.0, 0.0
    with History(path, size_max_bytes=1 << 40) as history:
        for number in range(ticks):
            at_ms = T0_MS + number * TICK_MS
            told = values.tick(number)
            began = time.perf_counter()
            history.append(at_ms, told)
            appended = time.perf_counter()
            history.flush()
            flushed = time.perf_counter()
            if number % 6 == 0:
                history.tidy(at_ms)
            done = time.perf_counter()
            appended_s += appended - began
            flushed_s += flushed - appended
            tidied_s += done - flushed
            worst_s = max(worst_s, flushed - appended)
            if number % 2_000 == 1_999:
                print(f"  {number + 1:,} of {ticks:,} ticks, {history.size_bytes() / 1e6:,.0f} MB", flush=True)
        for _ in range(200):  # What is to be merged at the end.
            history.tidy(T0_MS + ticks * TICK_MS)
    samples = series * ticks
    print(f"written: {samples / 1e6:,.0f} M samples; a tick {appended_s / ticks * 1e3:.1f} ms on the loop,")
    print(
        f"  {flushed_s / ticks * 1e3:.1f} ms in the worker (worst {worst_s * 1e3:.0f}), "
        f"{tidied_s / ticks * 1e3:.1f} ms to merge"
    )


def print_size(path: Path, series: int, days: float) -> list[Bar]:
    """Print what the file takes, and what a week of 10,000 series does."""
    reader = HistoryReader(path)
    connection = reader._file.connection
    rows = connection.execute(
        "SELECT level, sum(length(data) + 24), min(start_ms), max(end_ms) FROM chunk GROUP BY level"
    ).fetchall()
    per_day = {}
    for level, size, first, last in rows:
        per_day[level] = size / max(1, last - first) * DAY_MS / series * 10_000
        print(
            f"level {level}: {size / 1e6:,.1f} MB over {(last - first) / DAY_MS:.2f} days, "
            f"{per_day[level] / 1e6:,.1f} MB a day of 10,000 series"
        )
    print(f"file: {reader.size_bytes() / 1e6:,.0f} MB for {days:g} days of {series:,} series")
    bars = []
    if days >= 7:
        of_all = reader.size_bytes() * 10_000 / series / 1e6
        bars.append(Bar(f"{days:g} days of {series:,} series written, the file by 10,000 series", of_all, 600, "MB"))
    if 1 in per_day:
        week = per_day[0] + 6 * per_day[1]
        print(f"a week of 10,000 series: {week / 1e6:,.0f} MB (bar: 600)")
    reader.close()
    return bars


def timed(work: Callable[[], object], count: int) -> list[tuple[float, float]]:
    """Return how long each of so many calls took, and its CPU, in ms."""
    took = []
    for _ in range(count):
        began, began_cpu = time.perf_counter(), time.thread_time()
        work()
        took.append(((time.perf_counter() - began) * 1e3, (time.thread_time() - began_cpu) * 1e3))
    return took


def print_times(work: str, took: Sequence[tuple[float, float]], bar: str) -> float:
    """Print median and 95th percentile, of the time on the wall and of the CPU: a busy machine stretches the first."""
    place = int(len(took) * 0.95)
    (p50, p95), (cpu50, cpu95) = ((median(column), sorted(column)[place]) for column in zip(*took, strict=True))
    print(f"{work}: p50 {p50:.1f} ms, p95 {p95:.1f}; CPU p50 {cpu50:.1f}, p95 {cpu95:.1f} (bar: {bar})", flush=True)
    return float(p50)


def read_series(path: Path, series: int, days: float) -> list[Bar]:
    """Print how long reads take, each by a reader that has read nothing yet."""
    random_ = random.Random(2)
    keys = Values(series, 1).keys
    last_ms = T0_MS + round(days * DAY_MS)

    def one_day() -> None:
        reader = HistoryReader(path)
        found = reader.series(random_.choice(keys), last_ms - DAY_MS, last_ms)
        assert len(found) > 0
        reader.close()

    bars = [
        Bar(
            "one series over a day, median",
            print_times("one series over a day", timed(one_day, READS), "50 ms"),
            50,
            "ms",
        )
    ]
    reader = HistoryReader(path)

    def moment() -> None:
        at_ms = last_ms - random_.randrange(int(min(days, 1) * DAY_MS))
        assert len(reader.at("topic.in", at_ms)) == sum(key.kind == "topic.in" for key in keys)

    print_times(f"a moment of {len(keys) // 4:,} series", timed(moment, READS), "none")
    reader.close()
    return bars


def record_demo(folder: Path) -> Path:
    """Record a day of a cluster of the demo's shape; return its history."""
    cluster: Any = FakeCluster()
    cluster.requests_sent = Counter()
    cluster.answers["log_dirs"] = {}
    shape = {"flights": 4, "weather": 2, "airlines": 1, "airports": 1, "planes": 1, "broker-log": 1, "demo-metrics": 1}
    for name, partitions in shape.items():
        cluster.topics_by_name[name] = FakeTopic([(0, 1_000)] * partitions)
    groups = ("departures-board", "delay-analysis", "weather-archive")
    now_ms = T0_MS
    sampler, store, recording = Sampler(cluster, lambda: now_ms), Store(), Recording(folder)
    random_ = random.Random(3)

    async def main() -> None:
        nonlocal now_ms
        for tick in range(DAY_MS // TICK_MS):
            now_ms += TICK_MS
            for topic in cluster.topics_by_name.values():
                topic.bounds = [(start, end + random_.randrange(500)) for start, end in topic.bounds]
            for place, group in enumerate(groups):
                for partition, (_start, end) in enumerate(cluster.topics_by_name["flights"].bounds):
                    commits = cluster.groups_by_id.get(group)
                    where = TopicPartition(topic_name("flights"), partition)
                    before = commits.commits[where].offset if commits and where in commits.commits else 0
                    cluster.commit(group, "flights", partition, max(before, end - random_.randrange(500 * (place + 1))))
            if tick % 360 == 0:
                where = TopicPartition(topic_name("flights"), 0)
                cluster.groups_by_id[groups[0]].members = [(f"app-{tick}", [where])]
            sample = await sampler.sample()
            snapshot = await store.add(sample)
            await recording.take(sample, snapshot, cluster)
            if recording._work is not None:
                await recording._work
        await recording.close()

    asyncio.run(main())
    return next(folder.glob("*.sqlite"))


def scrub(path: Path) -> list[Bar]:
    """Print how long a step of the slider takes to be read, in order and at random."""
    past = Past(HistoryReader(path))
    at_ms = T0_MS + DAY_MS
    random_ = random.Random(4)
    group = group_id("departures-board")

    def step_back() -> None:
        nonlocal at_ms
        at_ms -= 60_000
        assert past.snapshot_at(at_ms) is not None

    def jump() -> None:
        assert past.snapshot_at(T0_MS + random_.randrange(3_600_000, DAY_MS)) is not None

    def group_step() -> None:
        nonlocal at_ms
        at_ms -= 60_000
        assert look_at_past_group(past, group, past.reader.look_at(at_ms) or 0) is not None

    step_ms = print_times("slider, lists: a step of a minute back", timed(step_back, STEPS), "100 ms")
    jump_ms = print_times("slider, lists: a jump within the day", timed(jump, STEPS), "100 ms")
    at_ms = T0_MS + DAY_MS
    print_times("slider, a group: a step of a minute back", timed(group_step, STEPS), "100 ms")
    print_times(
        "slider: all marks of the day", timed(lambda: past.marks(0, T0_MS + DAY_MS, limit=MARKS_MAX), STEPS), "100 ms"
    )
    print(f"a day of the demo's cluster: {path.stat().st_size / 1e6:.1f} MB")
    past.close()
    return [
        Bar("a step of the slider through a day of the demo, median", step_ms, 100, "ms"),
        Bar("a jump within it", jump_ms, 100, "ms"),
    ]


def measure(series: int, days: float) -> list[Bar]:
    """Write and read so much, and the demo's day."""
    with tempfile.TemporaryDirectory(prefix="kcon-history-") as scratch:
        path = Path(scratch) / "week.sqlite"
        write_days(path, series, days)
        bars = print_size(path, series, days) + read_series(path, series, days)
        return bars + scrub(record_demo(Path(scratch) / "demo"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--days", type=float, default=2)
    parser.add_argument("--demo-only", action="store_true")
    options = parser.parse_args()
    if not options.demo_only:
        measure(options.series, options.days)
        return
    with tempfile.TemporaryDirectory(prefix="kcon-history-") as scratch:
        scrub(record_demo(Path(scratch) / "demo"))


if __name__ == "__main__":
    main()
