"""History survives what happens to files: a kill, damage, a full disk, two writers; and finds what it was asked."""

import random
import sqlite3
from pathlib import Path

import pytest

from kcon.core.wire_text import WireText
from kcon.errors import KconError, RefusedError
from kcon.observe.history import CHUNK_SAMPLES, History
from kcon.observe.history_keys import DAY_MS, Mark, SeriesKey
from kcon.observe.history_reader import HistoryReader

T0_MS = 1_795_000_000_000
TICK_MS = 10_000
LAG = SeriesKey("group.lag", WireText("billing"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cluster-1.sqlite"


def fill(history: History, key: SeriesKey, ticks: int, *, since_ms: int = T0_MS) -> None:
    for tick in range(ticks):
        if history.append(since_ms + tick * TICK_MS, {key: float(tick)}):
            history.flush()


def read(path: Path, key: SeriesKey = LAG, since_ms: int = T0_MS, until_ms: int = T0_MS + 90 * DAY_MS) -> list[float]:
    reader = HistoryReader(path)
    try:
        return list(reader.series(key, since_ms, until_ms).values)
    finally:
        reader.close()


def test_what_was_appended_is_read_back(path: Path) -> None:
    with History(path) as history:
        fill(history, LAG, 200)
    assert read(path) == [float(tick) for tick in range(200)]
    assert read(path, since_ms=T0_MS + 5 * TICK_MS, until_ms=T0_MS + 8 * TICK_MS) == [5.0, 6.0, 7.0]
    assert path.stat().st_mode & 0o077 == 0


def test_a_killed_writer_loses_only_what_was_not_flushed(path: Path) -> None:
    history = History(path)
    fill(history, LAG, 150)
    written = read(path)
    assert written == [float(tick) for tick in range(len(written))]
    assert 150 - len(written) < CHUNK_SAMPLES
    history._file.close()  # As a kill leaves it: nothing more is written.
    with History(path) as again:
        fill(again, LAG, 5, since_ms=T0_MS + DAY_MS)
    assert read(path) == [*written, 0.0, 1.0, 2.0, 3.0, 4.0]


def test_series_are_staggered_so_that_a_tick_writes_few(path: Path) -> None:
    keys = [SeriesKey("topic.in", WireText(f"t{number}")) for number in range(600)]
    with History(path) as history:
        written = []
        for tick in range(120):
            if history.append(T0_MS + tick * TICK_MS, dict.fromkeys(keys, 1.0)):
                written.append(history.flush())
    assert max(written) <= 2 * len(keys) // CHUNK_SAMPLES


def test_a_moment_of_many_series(path: Path) -> None:
    other = SeriesKey("group.lag", WireText("etl\x1b"))
    with History(path) as history:
        fill(history, LAG, 100)
        fill(history, other, 10)
    reader = HistoryReader(path)
    at = reader.at("group.lag", T0_MS + 50 * TICK_MS + 1)
    assert at == {LAG.name: 50.0, other.name: 9.0}
    assert reader.at("group.lag", T0_MS + 99 * TICK_MS, age_max_ms=60_000) == {LAG.name: 99.0}
    assert reader.keys("group.lag") == [LAG, other]
    assert reader.span_ms() == (T0_MS, T0_MS + 99 * TICK_MS)
    reader.close()


def test_marks_come_back_in_order(path: Path) -> None:
    marks = [Mark(T0_MS + at, kind, WireText("billing"), f"{kind} at {at}") for at, kind in ((5, "reset"), (1, "note"))]
    with History(path) as history:
        for mark in marks:
            history.mark(mark)
    reader = HistoryReader(path)
    assert reader.marks(T0_MS, T0_MS + 10) == marks[::-1]
    assert reader.marks(T0_MS, T0_MS + 10, kinds=["reset"]) == marks[:1]
    reader.close()


def test_old_samples_grow_coarse_and_then_go(path: Path) -> None:
    with History(path) as history:
        fill(history, LAG, 720)
        history.flush(everything=True)
        history.tidy(T0_MS + 2 * DAY_MS)
        values = read(path)
        assert values[0] == 5.0 or values[0] < 6
        assert 115 <= len(values) <= 135  # Two hours, a value a minute.
        assert values[-1] == 719.0
        history.tidy(T0_MS + 9 * DAY_MS)
        assert 10 <= len(read(path)) <= 20  # A value in ten minutes.
        history.tidy(T0_MS + 100 * DAY_MS)
        assert read(path) == []


def test_a_file_that_is_too_large_loses_its_oldest(path: Path) -> None:
    random_ = random.Random(1)
    with History(path, size_max_bytes=400_000) as history:
        keys = [SeriesKey("topic.in", WireText(f"t{number}")) for number in range(50)]
        for tick in range(2_400):
            if history.append(T0_MS + tick * TICK_MS, {key: random_.random() * 1e9 for key in keys}):
                history.flush()
        history.tidy(T0_MS + 2_400 * TICK_MS)
        assert history._file.size_bytes() <= 400_000
    newest = read(path, keys[0])
    assert newest
    assert len(newest) < 2_400


def test_there_is_one_writer(path: Path) -> None:
    with History(path), pytest.raises(RefusedError, match="Another kcon writes"):
        History(path)
    History(path).close()


def test_readers_and_the_writer_do_not_mind_each_other(path: Path) -> None:
    with History(path) as history:
        fill(history, LAG, 60)
        history.flush(everything=True)
        reader = HistoryReader(path)
        fill(history, LAG, 60, since_ms=T0_MS + DAY_MS)
        history.flush(everything=True)
        assert len(reader.series(LAG, T0_MS, T0_MS + 2 * DAY_MS)) == 120
        reader.close()


def test_without_a_file_there_is_a_sentence(path: Path) -> None:
    with pytest.raises(KconError, match="no history of this cluster yet"):
        HistoryReader(path)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5_000, b"x"])
def test_what_is_no_history_is_set_aside(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(KconError, match="damaged"):
        HistoryReader(path)
    with History(path) as history:
        fill(history, LAG, 3)
        assert history.quarantined is not None
        assert history.quarantined.read_bytes() == content
    assert read(path) == [0.0, 1.0, 2.0]


def test_a_newer_format_is_refused_and_left_alone(path: Path) -> None:
    History(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(RefusedError, match="newer kcon"):
        History(path)
    with pytest.raises(RefusedError, match="newer kcon"):
        HistoryReader(path)
    assert path.read_bytes() == before


def test_flipped_bits_never_keep_it_from_starting(path: Path) -> None:
    """Whatever was flipped, a writer starts; and a reader tells the truth, less, or a sentence."""
    with History(path) as history:
        for number in range(20):
            fill(history, SeriesKey("group.lag", WireText(f"g{number}")), 130)
    whole = path.read_bytes()
    random_ = random.Random(20_261_128)
    for trial in range(30):
        broken = bytearray(whole)
        for _ in range(1 + trial % 8):
            broken[random_.randrange(len(broken))] ^= 1 << random_.randrange(8)
        path.write_bytes(broken)
        try:
            values = read(path, SeriesKey("group.lag", WireText("g3")))
        except KconError:
            values = []
        assert set(values) <= {float(tick) for tick in range(130)}
        with History(path) as history:
            fill(history, LAG, 3)
            assert not history.problem
        for side in path.parent.iterdir():
            side.unlink()


def test_samples_wait_while_the_disk_is_full(path: Path) -> None:
    history = History(path)
    history._file.connection.execute("PRAGMA max_page_count = 1")
    many = [SeriesKey("topic.in", WireText(f"t{number}" * 20)) for number in range(300)]
    for tick in range(130):
        history.append(T0_MS + tick * TICK_MS, dict.fromkeys((LAG, *many), float(tick)))
    assert history.flush() == 0
    assert "full" in history.problem
    history._file.connection.execute("PRAGMA max_page_count = 100000")
    assert history.flush() == 301
    assert history.problem == ""
    history.close()
    assert read(path) == [float(tick) for tick in range(130)]


def test_a_series_that_ended_is_written_and_forgotten(path: Path) -> None:
    with History(path) as history:
        fill(history, LAG, 30)
        history.append(T0_MS + DAY_MS, {SeriesKey("group.lag", WireText("other")): 1.0})
        history.flush()
        assert LAG not in history._heads
        assert len(read(path)) == 30
