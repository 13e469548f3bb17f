"""Writes history as fast as it can and says what is written, so that a test can kill the process that does."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from kcon.core.wire_text import WireText
from kcon.observe.history import History
from kcon.observe.history_keys import Fact, Mark, SeriesKey

SERIES = 150
TICK_MS = 10_000
T0_MS = 1_795_000_000_000
TIDY_EVERY = 40
KEYS = [SeriesKey("topic.in", WireText(f"t{number}")) for number in range(SERIES)]


def value_of(series: int, tick: int) -> float:
    """Return what a series has at a tick; every reader can work it out."""
    return float((series * 31 + tick * 7) % 1_009)


def write(path: Path, first_tick: int, say: Callable[[int], object]) -> NoReturn:
    """Write until somebody ends the process. say: gets each tick whose flush has returned."""
    history = History(path)
    assert history.quarantined is None, "what was written before is whole"
    tick = first_tick
    while True:
        at_ms = T0_MS + tick * TICK_MS
        history.append(at_ms, {key: value_of(series, tick) for series, key in enumerate(KEYS)})
        history.mark(Mark(at_ms, "note", WireText("t"), f"tick {tick}"))
        history.fact(Fact("topic", WireText("t"), at_ms, f'{{"tick":{tick}}}'))
        history.flush()
        assert history.problem == "", history.problem
        say(tick)
        if tick % TIDY_EVERY == 0:
            history.tidy(at_ms)
        tick += 1
