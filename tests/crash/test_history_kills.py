"""A writer of history that is killed with SIGKILL loses what it had not flushed, and nothing else.

KCON_HISTORY_KILLS kills (30) in one file, each at a random moment; the seed is printed.
"""

import os
import random
import signal
import struct
import time
from pathlib import Path

import pytest

from kcon.core.wire_text import WireText
from kcon.observe.history import History
from kcon.observe.history_reader import HistoryReader
from tests.crash.history_writer import KEYS, T0_MS, TICK_MS, value_of, write

KILLS = int(os.environ.get("KCON_HISTORY_KILLS", "30"))
ALIVE_MAX_S = 0.12
CHECKED_SERIES = 5


def killed_writer(path: Path, first_tick: int, alive_s: float) -> int:
    """Let a writer write, kill it so long after its first flush, and return the last tick that it said is written."""
    told, say = os.pipe()
    writer = os.fork()
    if writer == 0:
        try:
            os.close(told)
            write(path, first_tick, lambda tick: os.write(say, struct.pack("<q", tick)))
        finally:
            os._exit(1)
    os.close(say)
    try:
        first = os.read(told, 8)  # It has begun to write.
        assert first, "the writer ended by itself"
        time.sleep(alive_s)
        os.kill(writer, signal.SIGKILL)
        _pid, status = os.waitpid(writer, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        rest = b"".join(iter(lambda: os.read(told, 65_536), b""))
    finally:
        os.close(told)
    # A write of eight bytes to a pipe is whole or was not made.
    (last,) = struct.unpack("<q", (first + rest)[-8:])
    return int(last)


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
    for kill in range(KILLS):
        said = killed_writer(path, tick, random_.uniform(0, ALIVE_MAX_S))
        newest = check(path, said, random_)
        assert newest - said <= 1, "one flush at most was under way"
        written += newest + 1 - tick
        tick = newest + 1
        if kill % 100 == 99:
            print(f"{kill + 1} kills, {written} ticks", flush=True)
    with History(path) as history:
        assert history.quarantined is None
    print(f"{KILLS} kills, {written} ticks of {len(KEYS)} series, none of those flushed is lost")
    assert not list(tmp_path.glob("*.damaged-*"))
