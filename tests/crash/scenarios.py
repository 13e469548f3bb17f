"""What is done to a broker under load, and what has to hold afterwards.

Two idempotent producers, a transactional one and a reader of committed records live through all of it, as real clients
do. Afterwards the history is compared with what an independent reader finds in the files.
"""

import contextlib
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kcon_broker.storage.memory_files import MemoryFiles
from tests.crash.apache_tool import write_out
from tests.crash.bit_flips import Flips, run_flips
from tests.crash.failpoints import OPERATIONS, crash_points, judge, stop_cleanly
from tests.crash.history import check_history
from tests.crash.load import (
    DEADLINE_S,
    TOPIC,
    TRANSACTION_DEADLINE_S,
    BrokerProcess,
    LoadedProducer,
    LoadedTransactions,
    WatchingReader,
    acknowledged_total,
    wait_for_acknowledged,
)
from tests.crash.outcome import Outcome
from tests.crash.segment_reader import read_topic, wait_until_decided
from tests.kcon_broker.storage import test_power_cut
from tests.kcon_broker.storage.test_power_cut import Run

ACKNOWLEDGED_PER_TRIAL_MIN = 1_000
_BALLAST_LEFT_BYTES_MAX = 300_000
_FULL_BYTES = 4 * 4_096
_FILLED_WITHIN_S = 2.0
_TMPFS_BYTES = 48 << 20
_ONE_IN_KEPT = 20
"""Of the disks in memory so many are left for Apache Kafka's tool to read."""

Strike = Callable[[BrokerProcess, random.Random], None]


def kill(broker: BrokerProcess, _chance: random.Random) -> None:
    """End it with SIGKILL, and start it again."""
    assert broker.end(signal.SIGKILL) == -signal.SIGKILL
    broker.start()


def kill_during_recovery(broker: BrokerProcess, chance: random.Random) -> None:
    """Kill it, and again while it starts, once or several times."""
    broker.end(signal.SIGKILL)
    for _ in range(chance.randint(1, 3)):
        broker.launch()
        time.sleep(chance.uniform(0.1, 0.5))
        broker.end(signal.SIGKILL)
    broker.start()


def kill_during_stop(broker: BrokerProcess, chance: random.Random) -> None:
    """Ask it to stop, and kill it before it has."""
    broker.send(signal.SIGTERM)
    time.sleep(chance.uniform(0, 0.05))
    broker.end(signal.SIGKILL)
    broker.start()


def stop_and_continue(broker: BrokerProcess, chance: random.Random) -> None:
    """Let it stand still for a while."""
    broker.send(signal.SIGSTOP)
    time.sleep(chance.uniform(0.2, 1.0))
    broker.send(signal.SIGCONT)


def run_under_load(
    folder: Callable[[], Path],
    trials: int,
    seed: int,
    strike: Strike,
    *,
    broker: BrokerProcess,
    at_end: Callable[[], None] = lambda: None,
) -> Outcome:
    """Strike `trials` times, each after some more acknowledgements; check the history.

    `folder` says, while the broker runs, where its files can be read; `at_end` is called before it is stopped.
    """
    chance = random.Random(seed)
    outcome = Outcome(trials=trials)
    bootstrap = f"127.0.0.1:{broker.port}"
    broker.start()
    producers = [LoadedProducer(name, bootstrap, seed + index) for index, name in enumerate(("a", "b"))]
    transactions = LoadedTransactions("t", bootstrap, seed)
    writers: list[LoadedProducer | LoadedTransactions] = [*producers, transactions]
    reader = WatchingReader(bootstrap)
    for thread in (*(each.thread for each in writers), reader.thread):
        thread.start()
    try:
        for _ in range(trials):
            wait_for_acknowledged(producers, acknowledged_total(producers) + ACKNOWLEDGED_PER_TRIAL_MIN)
            time.sleep(chance.uniform(0.0, 0.2))
            outcome.hits += any(producer.in_flight() for producer in producers)
            strike(broker, chance)
        wait_for_acknowledged(producers, acknowledged_total(producers) + ACKNOWLEDGED_PER_TRIAL_MIN)
        for each in writers:
            each.stop.set()
        for each in writers:
            each.thread.join(TRANSACTION_DEADLINE_S + 30)
        # Everything acknowledged is in the files already, or its markers are on their way: they are read before a clean
        # stop could mend anything.
        log = wait_until_decided(lambda: read_topic(folder(), TOPIC), DEADLINE_S)
        if not reader.wait_for_end_of(log):
            outcome.failures.append(f"the reader is at {reader.reached} and sees no more")
    except BaseException:
        # Interrupted, or failed: nothing is left running.
        broker.end(signal.SIGKILL)
        raise
    reader.stop.set()
    reader.thread.join(30)
    acknowledged = [record for producer in producers for record in producer.acknowledged] + transactions.committed
    outcome.acknowledged, outcome.read = len(acknowledged), len(reader.observed)
    outcome.committed, outcome.aborted = len(transactions.committed), len(transactions.aborted)
    outcome.violations = check_history(acknowledged, reader.observed, log, aborted=transactions.aborted)
    outcome.failures += [failure for each in writers for failure in each.failures]
    at_end()
    assert broker.end(signal.SIGTERM) == 0
    return outcome


def run_strikes(folder: Path, trials: int, seed: int, strike: Strike, *, options: Sequence[str] = ()) -> Outcome:
    """Run one of the strikes on a folder of its own."""
    return run_under_load(lambda: folder, trials, seed, strike, broker=BrokerProcess(folder, options=options))


def may_mount() -> bool:
    """Say whether this user may mount a file system in a namespace of its own."""
    if shutil.which("unshare") is None:
        return False
    argv = ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.run(argv, capture_output=True, check=False, timeout=10).returncode == 0


def run_disk_full(folder: Path, trials: int, seed: int) -> Outcome:
    """Fill the disk under a running broker and make room again: it goes on without a restart, and loses nothing."""
    script = f'mount -t tmpfs -o size={_TMPFS_BYTES} none "$0" && exec "$@"'
    folder.mkdir(parents=True, exist_ok=True)
    broker = BrokerProcess(folder, before=["unshare", "-Urm", "sh", "-c", script, str(folder)])

    def inside() -> Path:
        assert broker.process is not None
        return Path(f"/proc/{broker.process.pid}/root{folder}")

    def fill(_broker: BrokerProcess, chance: random.Random) -> None:
        ballast = inside() / "ballast"
        disk = shutil.disk_usage(inside())
        with ballast.open("wb") as stream:
            stream.truncate(0)
            left = chance.randrange(_BALLAST_LEFT_BYTES_MAX)
            with contextlib.suppress(OSError):
                while disk.free > left:
                    stream.write(bytes(min(1 << 20, disk.free - left)))
                    stream.flush()
                    disk = shutil.disk_usage(inside())
        end = time.monotonic() + _FILLED_WITHIN_S
        while shutil.disk_usage(inside()).free > _FULL_BYTES and time.monotonic() < end:
            time.sleep(0.01)
        with contextlib.suppress(OSError), ballast.open("ab") as stream:
            # The broker took no more before all was full.
            while True:
                stream.write(bytes(4_096))
                stream.flush()
        time.sleep(chance.uniform(0.1, 0.5))
        ballast.unlink()

    def keep() -> None:
        # The file system goes with the broker.
        shutil.copytree(inside(), folder.with_name("left"))

    return run_under_load(inside, trials, seed, fill, broker=broker, at_end=keep)


def run_storage_cuts(folder: Path, trials: int, seed: int) -> Outcome:
    """Cut the power of so many disks of storage alone: ten cuts of each life, with rolls, deletions, checkpoints.

    Some of the disks are left in the folder.
    """
    outcome = Outcome(trials=trials)
    chance = random.Random(seed)
    for _ in range(max(1, trials // 10)):
        run = Run(MemoryFiles())
        test_power_cut.live(run, chance, actions=40)
        for _ in range(10):
            step = chance.randrange(len(run.files.journal) + 1)
            disk = run.files.power_cut(step, chance)
            try:
                test_power_cut.check(run, disk, step)
            except AssertionError as wrong:
                outcome.failures.append(f"step {step}: {wrong}")
            outcome.hits += 1
            if not outcome.hits % _ONE_IN_KEPT:
                test_power_cut.stop_cleanly(disk)
                write_out(disk, folder / str(outcome.hits))
        outcome.acknowledged += sum(run.promises[-1].durable_offsets)
    return outcome


def run_failpoints(folder: Path, trials: int, seed: int) -> Outcome:
    """Go through every point of every operation so often, killed and with a power cut.

    Some of the disks are left in the folder.
    """
    outcome = Outcome(trials=trials)
    chance = random.Random(seed)
    for _ in range(trials):
        for name in OPERATIONS:
            life_seed = chance.randrange(2**32)
            for life, step, _is_through in crash_points(name, life_seed):
                for is_killed in (True, False):
                    disk = life.node.files.copy() if is_killed else life.node.files.power_cut(step, chance)
                    wrong = judge(life, name, disk, is_killed=is_killed)
                    outcome.failures += [f"{name}, seed {life_seed}, step {step}: {text}" for text in wrong]
                    outcome.hits += 1
                    if not outcome.hits % _ONE_IN_KEPT:
                        stop_cleanly(disk)
                        write_out(disk, folder / str(outcome.hits))
    return outcome


def run_bit_flips(_folder: Path, trials: int, seed: int) -> Outcome:
    """Flip so many bits."""
    flips = Flips()
    run_flips(trials, seed, flips)
    return Outcome(trials=trials, hits=flips.count, failures=flips.wrong)
