"""For how long does work on files hold the broker's loop, while clients wait?

    python -m tests.bench.loop_hold          all works
    python -m tests.bench.loop_hold --only "compact zstd"

One broker in this process, on a folder of its own. A task asks for its turn again and again; the longest time between
two turns is printed, as CPU time of the loop's thread and as time that passed. The time that passed has the machine's
other programs in it; waiting for the disk shows in it alone. Figures are printed, never asserted.
"""

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.server.server import BrokerServer
from kcon_broker.settings import BrokerSettings, StorageSettings
from kcon_broker.state.partition import Partition
from tests.bench.subjects import machine

_COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"}
_CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
_TOPICS = 10_000
_INDEX_ENTRIES = 260_000


@dataclass(slots=True)
class Hold:
    """The longest time that nobody else had his turn."""

    cpu_ms: float = 0.0
    passed_ms: float = 0.0


async def watch(work: Coroutine[object, object, object]) -> tuple[Hold, float]:
    """Do some work and look for holds beside it; return the longest, and the seconds of the work."""
    hold = Hold()
    began = time.perf_counter()
    working = asyncio.get_running_loop().create_task(work)
    cpu, passed = time.thread_time(), time.perf_counter()
    while not working.done():
        await asyncio.sleep(0)
        cpu_now, passed_now = time.thread_time(), time.perf_counter()
        hold.cpu_ms = max(hold.cpu_ms, (cpu_now - cpu) * 1_000)
        hold.passed_ms = max(hold.passed_ms, (passed_now - passed) * 1_000)
        cpu, passed = time.thread_time(), time.perf_counter()
    await working
    return hold, time.perf_counter() - began


async def filled(server: BrokerServer, codec: int, *, batches: int, records: int, value_bytes: int) -> Partition:
    """Return a partition of a compacted topic with batches of small records, in segments of 16 MB, and synced."""
    topic, _ = server.broker.create_topic(f"t-{codec}", 1, _COMPACTED | {"segment.bytes": str(16 << 20)})
    partition = topic.partition(0)
    assert partition is not None
    log = server.broker.log_of(partition)
    assert log is not None
    chance = random.Random(codec)
    for number in range(batches):
        values = [
            Record(0, number, b"key-%d" % chance.randrange(200_000), chance.randbytes(value_bytes // 2).hex().encode())
            for _ in range(records)
        ]
        log.append(encode_batch(values, codec=codec), now_ms=0)
        server.broker.dirty[partition] = None
        server.committer.write()
    log.roll()
    log.append(encode_batch([Record(0, 0, b"last", b"")]), now_ms=0)
    server.broker.dirty[partition] = None
    await server.committer.drain()
    return partition


async def compact(server: BrokerServer, codec: int) -> tuple[Hold, float]:
    """Compact batches of 10,000 records of 100 bytes, about a megabyte each before they are compressed."""
    await filled(server, codec, batches=8, records=10_000, value_bytes=88)
    return await watch(server.cleaner.clean())


async def compact_metadata(server: BrokerServer, _argument: int) -> tuple[Hold, float]:
    """Write the metadata log of 10,000 topics anew."""
    for number in range(_TOPICS):
        server.broker.create_topic(f"topic-{number}", 4, {"retention.ms": "3600000"})
    await server.committer.drain()
    return await watch(server.housekeeping.compact_metadata())


async def load_large_index(server: BrokerServer, _argument: int) -> tuple[Hold, float]:
    """Seal a segment with 260,000 entries in its indexes, then read from it when they are not in memory any more."""
    indexed, _ = server.broker.create_topic("indexed", 1, {"index.interval.bytes": "0", "segment.bytes": str(1 << 30)})
    partition = indexed.partition(0)
    assert partition is not None
    log = server.broker.log_of(partition)
    assert log is not None
    batch = encode_batch([Record(0, 1, b"k", b"v")])
    for number in range(_INDEX_ENTRIES):
        log.append(encode_batch([Record(0, number, b"k", b"v")]) if number % 100 == 0 else bytearray(batch), now_ms=0)
        if not number % 1_000:
            log.write_pending()
    log.write_pending()
    server.broker.dirty[partition] = None
    await server.committer.drain()

    async def roll_and_read() -> None:
        log.roll()
        log.append(bytearray(batch), now_ms=0)
        server.broker.dirty[partition] = None
        server.committer.write()
        await asyncio.sleep(0)
        for part in range(4):
            log.read(part * 1_000, 1, limit_offset=log.log_end_offset)
            await asyncio.sleep(0)
        log.batch_for_timestamp(_INDEX_ENTRIES // 2, limit_offset=log.log_end_offset)

    return await watch(roll_and_read())


Work = Callable[[BrokerServer, int], Awaitable[tuple[Hold, float]]]
WORKS: dict[str, tuple[Work, int]] = {
    **{f"compact {name}": (compact, codec) for codec, name in enumerate(_CODECS)},
    "compact the metadata of 10,000 topics": (compact_metadata, 0),
    "seal a segment of 260,000 index entries, and read it": (load_large_index, 0),
}


async def measure(name: str) -> None:
    """Print one row."""
    work, argument = WORKS[name]
    with tempfile.TemporaryDirectory() as folder:
        # The cleaner works when it is told to.
        storage = StorageSettings(cleaner_interval_ms=1 << 40)
        server = BrokerServer(BrokerSettings(data_dir=Path(folder), port=0, storage=storage))
        await server.start()
        await server.warm_up()
        hold, seconds = await work(server, argument)
        await server.stop()
    print(f"| {name} | {hold.cpu_ms:.1f} | {hold.passed_ms:.1f} | {seconds:.2f} |", flush=True)


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=WORKS, action="append", help="may be given several times")
    arguments = parser.parse_args()
    print(machine(), f"load {os.getloadavg()[0]:.1f}")
    print("| work | longest hold, ms of CPU | ms that passed | seconds in all |\n|---|---:|---:|---:|")
    for name in arguments.only or WORKS:
        asyncio.run(measure(name))


if __name__ == "__main__":
    main()
