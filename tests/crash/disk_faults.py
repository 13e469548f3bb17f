"""A disk that fails while a whole broker is at work: is nothing acknowledged that it does not hold?

Each trial is one life: records, then a fault of one partition's files (an error of a write, a write that takes few
bytes, no space, an error of a sync), records, the end of the fault, records. A failed sync fences the partition until
the next start; everything else is lived through. Then the power goes, and what was acknowledged must be there.
"""

import errno
import random
from pathlib import Path

from kcon_broker.settings import FlushMode
from kcon_broker.storage.memory_files import MemoryFiles
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from tests.crash.apache_tool import write_out
from tests.crash.history import Written, check_history
from tests.crash.outcome import Outcome
from tests.crash.power_cuts import PARTITIONS, read_all, settings_of
from tests.kcon_broker.raw_client import RawClient, batch, produce

FAULTS = ("write error", "short writes", "no space", "sync error")
_RECORDS = 6


def run_disk_faults(folder: Path, trials: int, seed: int) -> Outcome:
    """Live so many lives; what each leaves on its disk is left in the folder."""
    outcome = Outcome(trials=trials)
    chance = random.Random(seed)
    for number in range(trials):
        _live(FAULTS[number % len(FAULTS)], chance, outcome, folder / str(number))
    return outcome


def _live(fault: str, chance: random.Random, outcome: Outcome, folder: Path) -> None:
    files = MemoryFiles()
    partition = chance.randrange(PARTITIONS)
    acknowledged: list[Written] = []
    serial = 0

    def send(client: RawClient) -> set[int]:
        """Produce to every partition; return the error codes of the one with the fault."""
        nonlocal serial
        codes: set[int] = set()
        for _ in range(_RECORDS):
            for index in range(PARTITIONS):
                value = b"d:%d:" % serial + bytes(chance.randrange(60))
                serial += 1
                answer = produce(client, "t", batch(value), partition=index)
                if answer.error_code == ErrorCode.NONE:
                    acknowledged.append(Written(index, answer.base_offset, value))
                if index == partition:
                    codes.add(answer.error_code)
                elif answer.error_code != ErrorCode.NONE and fault != "no space":
                    outcome.failures.append(f"{fault} in one partition: error {answer.error_code} in another")
        return codes

    with InProcessBroker(files=files, settings=settings_of(FlushMode.ALWAYS)) as broker:
        with RawClient(broker.bootstrap) as client:
            send(client)
            _begin(files, fault, f"t-{partition}/", chance)
            during = send(client)
            files.faults.write_errors.clear()
            files.faults.sync_errors.clear()
            files.faults.write_bytes_max = files.faults.free_bytes = None
            after = send(client)
        broker.kill()
    expected: set[int] = {ErrorCode.NONE} if fault == "short writes" else {ErrorCode.KAFKA_STORAGE_ERROR}
    if fault == "no space":
        # What fits is taken.
        expected |= during & {ErrorCode.NONE}
    if during != expected:
        outcome.failures.append(f"{fault}: answered {during}")
    if after != ({ErrorCode.KAFKA_STORAGE_ERROR} if fault == "sync error" else {ErrorCode.NONE}):
        outcome.failures.append(f"after {fault}: answered {after}")
    disk = files.power_cut(len(files.journal), chance)
    with InProcessBroker(files=disk, settings=settings_of(FlushMode.ALWAYS)) as broker:
        log = read_all(broker.bootstrap)
    found = check_history(acknowledged, [], log)
    outcome.violations.lost += found.lost
    outcome.violations.duplicated += found.duplicated
    outcome.violations.reordered += found.reordered
    outcome.violations.gaps += found.gaps
    outcome.acknowledged += len(acknowledged)
    write_out(disk, folder)
    outcome.hits += 1


def _begin(files: MemoryFiles, fault: str, path: str, chance: random.Random) -> None:
    if fault == "write error":
        files.faults.write_errors[path] = errno.EIO
    elif fault == "short writes":
        files.faults.write_bytes_max = chance.randrange(1, 40)
    elif fault == "no space":
        files.faults.free_bytes = chance.randrange(300)
    else:
        files.faults.sync_errors[path] = errno.EIO
