"""What can the disk do without any broker, and how is a run kept from paying for the run before it?"""

import os
import time
from pathlib import Path
from statistics import median

_APPENDS = 200
_APPEND_BYTES = 200


def prefault(folder: Path, megabytes: int) -> None:
    """Write and delete as much as a run will write: a virtual machine may have handed free pages back to its host."""
    path = folder / "prefault"
    with path.open("wb", buffering=0) as file:
        for _ in range(megabytes):
            file.write(bytes(1_000_000))
    path.unlink()
    os.sync()


def buffered_mb_per_s(folder: Path, megabytes: int) -> float:
    """Write as dd does with bs=1M, into the page cache."""
    path = folder / "baseline"
    block = bytes(1_000_000)
    with path.open("wb", buffering=0) as file:
        began_s = time.perf_counter()
        for _ in range(megabytes):
            file.write(block)
        seconds = time.perf_counter() - began_s
    path.unlink()
    return megabytes / seconds


def append_and_sync_ms(folder: Path) -> float:
    """Append a small record and fdatasync, many times; return the median."""
    path = folder / "baseline"
    times_ms: list[float] = []
    with path.open("wb", buffering=0) as file:
        for _ in range(_APPENDS):
            began_s = time.perf_counter()
            file.write(bytes(_APPEND_BYTES))
            os.fdatasync(file.fileno())
            times_ms.append((time.perf_counter() - began_s) * 1_000)
    path.unlink()
    return median(times_ms)
