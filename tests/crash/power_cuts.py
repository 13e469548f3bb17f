"""The power goes while a whole broker is at work: what does each flush mode promise, and does it keep it?

    always    what was acknowledged, or read by anybody, is there
    interval  what was acknowledged before the last flush began is there: at most one interval is lost
    os        nothing is promised; what is left can be read and is a beginning of what was written

The files are in memory and keep a journal; an image is one of the disks that a cut at a step of it could leave.
"""

import asyncio
import random
from dataclasses import dataclass, replace
from pathlib import Path

from kcon_broker.batch.records import iter_records
from kcon_broker.settings import BrokerSettings, FlushMode, SeedTopic, StorageSettings
from kcon_broker.storage.log_reader import split_batches
from kcon_broker.storage.memory_files import MemoryFiles
from kcon_broker.testing import InProcessBroker
from tests.crash.apache_tool import write_out
from tests.crash.history import Stored, Written, check_history
from tests.crash.outcome import Outcome
from tests.kcon_broker.raw_client import RawClient, batch, produce
from tests.kcon_broker.server.test_durability import fetch

PARTITIONS = 4
RECORDS = 60
IMAGES_PER_LIFE = 20
_FLUSH_EVERY = 7
_READ_EVERY = 5
_SETTINGS = BrokerSettings(
    data_dir=Path(),
    port=0,
    seed_topics=(SeedTopic(name="t", partitions=PARTITIONS),),
    topic_config_defaults=(("segment.bytes", "1048576"),),
)


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that must survive every cut from a step of the journal on."""

    step: int
    record: Written


def settings_of(flush: FlushMode) -> BrokerSettings:
    """Return the settings of a broker that flushes in this mode; intervals are run by hand."""
    return replace(_SETTINGS, storage=StorageSettings(flush=flush, flush_interval_ms=3_600_000))


def live(files: MemoryFiles, flush: FlushMode, chance: random.Random) -> tuple[list[Promise], list[Written]]:
    """Produce, flush and read; return what is promised, and all that was written in its order."""
    promises: list[Promise] = []
    written: list[Written] = []
    with InProcessBroker(files=files, settings=settings_of(flush)) as broker, RawClient(broker.bootstrap) as client:
        flushed = 0
        for number in range(RECORDS):
            value = b"p:%d:" % number + chance.randbytes(chance.randrange(60)).hex().encode()
            partition = chance.randrange(PARTITIONS)
            acks = chance.choice((-1, -1, 1))
            answer = produce(client, "t", batch(value), partition=partition, acks=acks)
            assert answer.error_code == 0
            written.append(Written(partition, answer.base_offset, value))
            if flush is FlushMode.ALWAYS and acks < 0:
                promises.append(Promise(len(files.journal), written[-1]))
            if flush is FlushMode.INTERVAL and number % _FLUSH_EVERY == 0:
                _flush(broker)
                promises += [Promise(len(files.journal), record) for record in written[flushed:]]
                flushed = len(written)
            if flush is FlushMode.ALWAYS and number % _READ_EVERY == 0:
                seen = list(read_all(broker.bootstrap)[partition].items())
                promises += [Promise(len(files.journal), Written(partition, at, each.value)) for at, each in seen]
        broker.kill()
    return promises, written


def _flush(broker: InProcessBroker) -> None:
    """Do what the interval does, and wait for its end."""
    server, loop = broker.call(lambda server: (server, asyncio.get_running_loop()))
    asyncio.run_coroutine_threadsafe(server.committer.drain(), loop).result(60)


def read_all(bootstrap: str) -> dict[int, dict[int, Stored]]:
    """Return partition -> offset -> what a reader gets."""
    found: dict[int, dict[int, Stored]] = {}
    with RawClient(bootstrap) as client:
        for partition in range(PARTITIONS):
            _, content = fetch(client, "t", 0, max_wait_ms=0, partition=partition)
            found[partition] = {
                record.offset: Stored(record.value or b"")
                for each in split_batches([memoryview(content)])
                for record in iter_records(each)
            }
    return found


def run_power_cuts(folder: Path, trials: int, seed: int, flush: FlushMode) -> Outcome:
    """Cut the power of so many disks; what the next broker leaves on them is left in the folder."""
    outcome = Outcome(trials=trials)
    chance = random.Random(seed)
    for start in range(0, trials, IMAGES_PER_LIFE):
        files = MemoryFiles()
        promises, written = live(files, flush, chance)
        outcome.acknowledged += len(written)
        places = {(record.partition, record.offset): record.value for record in written}
        for _ in range(min(IMAGES_PER_LIFE, trials - start)):
            step = chance.randrange(len(files.journal) + 1)
            kept = {promise.record: None for promise in promises if promise.step <= step}
            disk = files.power_cut(step, chance)
            with InProcessBroker(files=disk, settings=settings_of(flush)) as broker:
                log = read_all(broker.bootstrap)
            outcome.hits += 1
            write_out(disk, folder / str(outcome.hits))
            outcome.read += sum(map(len, log.values()))
            found = check_history(kept, [], log)
            outcome.violations.lost += found.lost
            outcome.violations.duplicated += found.duplicated
            outcome.violations.reordered += found.reordered
            outcome.violations.gaps += found.gaps
            for partition, records in log.items():
                for offset, stored in records.items():
                    if places[partition, offset] != stored.value:
                        outcome.violations.two_values.append(
                            (partition, offset, places[partition, offset], stored.value)
                        )
    return outcome
