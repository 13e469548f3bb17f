"""A writer of history that is killed with SIGKILL loses what it had not flushed, and nothing else.

KCON_HISTORY_KILLS kills (10) in one file, each at a random moment; the seed is printed.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kcon.core.wire_text import WireText
from kcon.observe.history import History
from kcon.observe.history_reader import HistoryReader
from tests.crash.history_writer import KEYS, T0_MS, TICK_MS, value_of

KILLS = int(os.environ.get("KCON_HISTORY_KILLS", "10"))
ALIVE_MAX_S = 0.12
CHECKED_SERIES = 5
DEADLINE_S = 60.0


def killed_writer(path: Path, first_tick: int, alive_s: float) -> int:
    """Let a writer write, kill it so long after its first flush, and return the last tick that it said is written."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.history_writer", str(path), str(first_tick)],
        stdout=subprocess.PIPE,
        bufsize=0,  # What `readline` held back, `communicate` would not return.
        cwd=Path(__file__).parents[2],
    )
    assert writer.stdout is not None
    first = writer.stdout.readline()  # It has begun to write.
    assert first, "the writer ended by itself"
    until_s = time.monotonic() + alive_s
    while time.monotonic() < until_s:
        pass  # A sleep would wake at the scheduler's pleasure, between two flushes.
    writer.kill()
    rest, _ = writer.communicate(timeout=DEADLINE_S)
    # A line is whole or was not said.
    lines = (first + rest).split(b"\n")[:-1]
    return int(lines[-1])


def check(path: Path, last_tick: int, random_: random.Random) -> int:
    """Return the last tick that is in the file, at least the one that was said; everything before it is whole."""
    reader = HistoryReader(path)
    try:
        span = reader.span_ms()
        assert span is not None
        newest = (span[1] - T0_MS) // TICK_MS
        assert newest >= last_tick, "a tick that was flushed is gone"
        since = max(0, newest - 500)
        for series in random_.sample(range(len(KEYS)), CHECKED_SERIES):
            told = reader.series(KEYS[series], T0_MS + since * TICK_MS, T0_MS + (newest + 1) * TICK_MS)
            assert told.values == tuple(value_of(series, tick) for tick in range(since, newest + 1))
        tick = random_.randint(since, newest)
        seen = reader.at("topic.in", T0_MS + tick * TICK_MS + 1)
        assert seen == {key.name: value_of(series, tick) for series, key in enumerate(KEYS)}
        assert reader.fact_at("topic", WireText("t"), T0_MS + tick * TICK_MS) == f'{{"tick":{tick}}}'
        marks = reader.marks(T0_MS + since * TICK_MS, T0_MS + (newest + 1) * TICK_MS)
        assert [mark.text for mark in marks] == [f"tick {each}" for each in range(since, newest + 1)]
    finally:
        reader.close()
    return newest


@pytest.mark.slow
def test_a_killed_writer_loses_at_most_what_it_had_not_flushed(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    random_ = random.Random(seed)
    tick, written = 0, 0
    for _ in range(KILLS):
        said = killed_writer(path, tick, random_.uniform(0, ALIVE_MAX_S))
        newest = check(path, said, random_)
        assert newest - said <= 1, "one flush at most was under way"
        written += newest + 1 - tick
        tick = newest + 1
    with History(path) as history:
        assert history.quarantined is None
    print(f"{KILLS} kills, {written} ticks of {len(KEYS)} series, none of those flushed is lost")
    assert not list(tmp_path.glob("*.damaged-*"))
