"""One table of works: ours, theirs, the ratio, the bar; CPU and memory of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_HEAD = (
    f"| {'work':44} | {'kcon':>9} | {'Kafka':>9} | {'ratio':>6} | {'bar':>9} "
    f"| {'CPU':>5} | {'Kafka':>5} | {'ratio':>5} | {'RSS':>5} | {'Kafka':>5} |"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One measured run of one broker."""

    figure: float
    cpu: float | None = None
    """Seconds of the broker a GB, or microseconds a request."""
    rss_mb: float = 0.0


def print_head() -> None:
    """Print the head of the table."""
    print(_HEAD)
    print("|" + "|".join("-" * (len(cell)) for cell in _HEAD.strip("|").split("|")) + "|", flush=True)


def print_row(work: str, unit: str, bar: str, ours: Sequence[Run], theirs: Sequence[Run] = ()) -> None:
    """Print one line from the medians of the runs; a ratio is ours by theirs."""
    our_figure, our_cpu = _medians(ours)
    their_figure, their_cpu = _medians(theirs)
    figures = [_number(our_figure, 9), _number(their_figure, 9), _ratio(our_figure, their_figure, 6)]
    cpus = [_number(our_cpu, 5), _number(their_cpu, 5), _ratio(our_cpu, their_cpu, 5)]
    memory = [_number(runs[-1].rss_mb or None if runs else None, 5) for runs in (ours, theirs)]
    cells = [f"{f'{work}, {unit}':44}", *figures, f"{bar:>9}", *cpus, *memory]
    print("| " + " | ".join(cells) + " |", flush=True)


def _medians(runs: Sequence[Run]) -> tuple[float | None, float | None]:
    if not runs:
        return None, None
    cpus = [run.cpu for run in runs if run.cpu is not None]
    return median(run.figure for run in runs), median(cpus) if cpus else None


def _number(value: float | None, width: int) -> str:
    if value is None:
        return " " * width
    return f"{value:{width}.0f}" if value >= 100 else f"{value:{width}.2f}"


def _ratio(ours: float | None, theirs: float | None, width: int) -> str:
    return " " * width if ours is None or not theirs else f"{ours / theirs:{width - 1}.2f}x"
