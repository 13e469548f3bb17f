"""One process writes the history of a cluster, another goes on when it ends, and nothing ends the looks."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kcon.contexts.history_settings import HistorySettings
from kcon.core.ids import ClusterId
from kcon.core.wire_text import WireText
from kcon.errors import UnreachableError
from kcon.observe.history_file import open_annotator
from kcon.observe.history_keys import TOPIC_IN, VOLUME_USED
from kcon.observe.recording import RETRY_MS, history_path
from tests.kcon.observe.watched import NOW_MS, TICK_MS, Watched


@pytest.fixture
def watched(orders: Any, tmp_path: Path) -> Watched:
    return Watched(orders, tmp_path)


def writing(*watched: Watched) -> list[bool]:
    return [each.recording.is_writing for each in watched]


def intervals(*watched: Watched) -> list[int | None]:
    return [each.recording.interval_ms for each in watched]


def looks(watched: Watched) -> int:
    """Return how many moments history has."""
    past = watched.past()
    try:
        keys = past.reader.keys(TOPIC_IN)
        return len(past.reader.series(keys[0], 0, NOW_MS + 10_000_000)) if keys else 0
    finally:
        past.close()


def test_looks_that_follow_closely_are_thinned_to_the_interval(watched: Watched) -> None:
    async def main() -> None:
        for _ in range(21):
            await watched.look(2_000)
        await watched.recording.close()

    asyncio.run(main())
    assert looks(watched) == 5


def test_the_second_process_writes_when_the_first_has_ended(orders: Any, tmp_path: Path) -> None:
    first, second = Watched(orders, tmp_path), Watched(orders, tmp_path)

    async def main() -> None:
        await first.look()
        await second.look()
        assert writing(first, second) == [True, False]
        assert second.recording.problem == ""
        await first.recording.close()
        await second.look(RETRY_MS - 1)
        assert writing(second) == [False]
        await second.look(1)
        assert writing(second) == [True]
        await second.recording.close()

    asyncio.run(main())
    assert looks(second) == 2


def test_a_killed_writer_has_lost_nothing_that_was_flushed(watched: Watched, orders: Any) -> None:
    async def main() -> None:
        for _ in range(7):
            await watched.look()
        assert watched.recording._history is not None
        watched.recording._history._file.close()  # As a kill leaves it.
        again = Watched(orders, watched.folder)
        again.now_ms = watched.now_ms
        await again.look()
        await again.recording.close()

    asyncio.run(main())
    assert looks(watched) == 8


def test_an_open_incident_is_looked_at_every_second(watched: Watched) -> None:
    async def main() -> None:
        await watched.look()
        assert intervals(watched) == [None]
        annotator = open_annotator(watched.path)
        annotator.execute("INSERT INTO incident VALUES ('fire', ?, NULL)", (NOW_MS,))
        annotator.close()
        await watched.look(2_000)
        assert intervals(watched) == [1_000], "before the next look that is kept"
        for _ in range(5):
            await watched.look(1_000)
        await watched.recording.close()

    asyncio.run(main())
    assert looks(watched) == 6


def test_a_folder_that_cannot_be_written_is_a_sentence(orders: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    watched = Watched(orders, tmp_path / "file" / "below")
    asyncio.run(watched.look())
    assert "History cannot be kept" in watched.recording.problem
    assert not watched.recording.is_writing


def test_switched_off_it_makes_no_file(orders: Any, tmp_path: Path) -> None:
    watched = Watched(orders, tmp_path / "none", HistorySettings(enabled=False))
    watched.run(ticks=2)
    assert not (tmp_path / "none").exists()


def test_a_cluster_that_tells_no_sizes_is_recorded_all_the_same_with_its_settings(
    watched: Watched, orders: Any
) -> None:
    def refuse(*_args: Any, **_more: Any) -> None:
        raise UnreachableError("no")

    orders.answers["log_dirs"] = refuse
    watched.run()
    past = watched.past()
    assert past.configs_at("topic", WireText("orders"), NOW_MS + TICK_MS) == {"retention.ms": "1000"}
    past.close()
    assert looks(watched) == 1


def test_what_the_disks_hold_is_recorded_with_the_looks(watched: Watched, orders: Any) -> None:
    from kcon.core.broker_facts import LogDir

    orders.answers["log_dirs"] = {1: (LogDir(WireText("/data"), None, 1_000, 400, ()),)}
    watched.run(ticks=2)
    past = watched.past()
    assert past.reader.at(VOLUME_USED, NOW_MS + 3 * TICK_MS) == {WireText("1\0/data"): 600.0}
    past.close()


def test_the_controller_is_recorded_and_that_it_moved(watched: Watched, orders: Any) -> None:
    from kcon.core.broker_facts import Quorum

    def moved() -> None:
        orders.answers["quorum"] = Quorum(3, 1, 0, (), ())

    orders.answers["quorum"] = Quorum(2, 1, 0, (), ())
    watched.run(lambda: None, moved, ticks=4)
    past = watched.past()
    told = [past.controller_at(NOW_MS + number * TICK_MS) for number in range(1, 8)]
    assert told == [None, 2, 2, 2, 3, 3, 3]
    marks = [mark.text for mark in past.marks(0, NOW_MS + 10 * TICK_MS, kinds=["leader"])]
    assert marks == ["the controller moved from node 2 to node 3"]
    past.close()


def test_a_cluster_id_never_leaves_the_folder(tmp_path: Path) -> None:
    for hostile in ("..", "../../etc/passwd", "a/b", ".", "x" * 5_000, "\0\x1b"):
        path = history_path(tmp_path, ClusterId(WireText(hostile)))
        assert path.parent == tmp_path
        assert len(path.name) < 255
        assert path.name not in {".", ".."}
