"""What a bench found beside what it should be, so that several can be put into one table."""

import json
from collections.abc import Sequence
from typing import NamedTuple


class Bar(NamedTuple):
    """One figure and its limit."""

    work: str
    figure: float
    limit: float
    unit: str
    is_least: bool = False
    """The figure shall be the limit or more; else the limit or less."""

    @property
    def is_met(self) -> bool:
        """The figure is on the right side of its limit."""
        return self.figure >= self.limit if self.is_least else self.figure <= self.limit


def bars_to_text(bars: Sequence[Bar]) -> str:
    """Return a line that another process reads."""
    return json.dumps([list(bar) for bar in bars])


def bars_from_text(text: str) -> list[Bar]:
    """Return the bars of such a line."""
    return [Bar(*each) for each in json.loads(text)]


def format_bars(bars: Sequence[Bar]) -> str:
    """Return one table."""
    lines = ["| work | measured | bar | |", "|---|---|---|---|"]
    for bar in bars:
        side = "at least " if bar.is_least else ""
        told = "met" if bar.is_met else "**missed**"
        figure, limit = f"{_number(bar.figure)} {bar.unit}".strip(), f"{side}{_number(bar.limit)} {bar.unit}".strip()
        lines.append(f"| {bar.work} | {figure} | {limit} | {told} |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}" if value < 10 else f"{value:.1f}"
