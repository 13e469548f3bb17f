"""What does one run of a command cost? Wall and CPU seconds and peak memory of a whole process, by the kernel."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

TIMEOUT_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One run, or the medians of several."""

    wall_s: float
    cpu_s: float
    rss_mb: float
    rows: int | None
    """What it reported, so that two tools can be seen to have done the same work."""


class FailedError(Exception):
    """The command did not end with 0."""


def cost_of(argv: Sequence[str], count: Callable[[str], int | None] = lambda text: None) -> Cost:
    """Run a command to its end. count: finds the rows in what it printed."""
    # As a user's first run leaves it: the second one finds compiled modules.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        result = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _LAUNCHER, *argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment,
            timeout=TIMEOUT_S,
            check=False,
        )
        out.seek(0)
        err.seek(0)
        said = err.read().decode("utf-8", "replace").strip()
        said, _newline, told = said.rpartition("\n")
        if result.returncode != 0:
            raise FailedError(said[-300:] or f"exit {result.returncode}")
        wall_s, cpu_s, rss_kib = (float(word) for word in told.split())
        return Cost(
            wall_s=wall_s, cpu_s=cpu_s, rss_mb=rss_kib / 1024, rows=count(out.read().decode("utf-8", "replace"))
        )


# A child's peak counts from before its exec, when it still was its parent; so the parent is a bare interpreter, and
# nothing under its 8 MB can be told. The last line of standard error is wall seconds, CPU seconds, KiB.
_LAUNCHER = """\
import os, sys, time
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_pid, status, usage = os.wait4(pid, 0)
wall_s = time.perf_counter() - began
sys.stderr.write(f"\\n{wall_s} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}\\n")
sys.exit(os.waitstatus_to_exitcode(status) & 255)
"""


def medians(costs: Sequence[Cost]) -> Cost:
    """Return the medians of several runs of one command."""
    return Cost(
        wall_s=median(cost.wall_s for cost in costs),
        cpu_s=median(cost.cpu_s for cost in costs),
        rss_mb=median(cost.rss_mb for cost in costs),
        rows=costs[-1].rows,
    )
