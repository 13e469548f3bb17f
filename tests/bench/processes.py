"""What does one run of a command cost? Wall and CPU seconds and peak memory of a whole process, by the kernel."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

TIMEOUT_S = 300.0


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
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        # As a user's first run leaves it: the second one finds compiled modules.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment)
        timer = time.perf_counter
        try:
            # wait4 tells the peak of this child alone, where getrusage tells that of the largest so far.
            _pid, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        wall_s = timer() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            raise FailedError(err.read().decode("utf-8", "replace").strip()[-300:] or f"exit {process.returncode}")
        return Cost(
            wall_s=wall_s,
            cpu_s=usage.ru_utime + usage.ru_stime,
            rss_mb=usage.ru_maxrss / 1024,
            rows=count(out.read().decode("utf-8", "replace")),
        )


def medians(costs: Sequence[Cost]) -> Cost:
    """Return the medians of several runs of one command."""
    return Cost(
        wall_s=median(cost.wall_s for cost in costs),
        cpu_s=median(cost.cpu_s for cost in costs),
        rss_mb=median(cost.rss_mb for cost in costs),
        rows=costs[-1].rows,
    )
