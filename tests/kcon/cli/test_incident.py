"""An incident has a beginning, notes, an end; it is exported as a timeline and as a file of its own."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kcon.errors import ExitCode
from kcon.observe.history_reader import HistoryReader
from kcon.observe.past import Past
from tests.kcon.conftest import NOW_MS, CommandLine, FakeTopic
from tests.kcon.observe.watched import Watched


@pytest.fixture
def watched(orders: Any, tmp_path: Path) -> Watched:
    made = Watched(orders, tmp_path / "state" / "history")
    made.now_ms = NOW_MS - 120_000
    return made


def incidents(kcon: CommandLine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(kcon("incident", "list", "-o", "json").out)["items"]
    return found


def test_from_start_to_stop(kcon: CommandLine, orders: Any) -> None:
    started = kcon("incident", "start", "fire", "--since", "@-1m", "-o", "json")
    assert started.code == 0
    assert "Nobody looks at this cluster now" in started.err
    assert kcon("incident", "start", "fire").code == ExitCode.REFUSED
    assert "Noted to incident fire" in kcon("incident", "note", "rolled\x1b back").err
    assert incidents(kcon)[0]["end_ms"] is None
    assert kcon("incident", "stop").code == 0
    (found,) = incidents(kcon)
    assert (found["name"], found["end_ms"], found["duration_ms"]) == ("fire", NOW_MS, 60_000)
    assert kcon("incident", "stop", "fire").code == ExitCode.REFUSED
    assert kcon("incident", "stop").code == ExitCode.USAGE
    assert "outside of any incident" in kcon("incident", "note", "quiet").err
    texts = [line.split("\t")[3] for line in kcon.lines("history", "marks")[1:]]
    assert texts == ["incident fire begins", "rolled␛ back", "incident fire ends", "quiet"]
    assert not orders.mutations


@pytest.mark.usefixtures("orders")
def test_two_open_incidents_want_a_name(kcon: CommandLine) -> None:
    kcon("incident", "start", "one")
    kcon("incident", "start", "two")
    ran = kcon("incident", "stop")
    assert ran.code == ExitCode.USAGE
    assert "one, two" in ran.err
    assert kcon("incident", "note", "hm", "--incident", "one").code == 0
    assert kcon("incident", "note", "hm", "--incident", "three").code == ExitCode.NOT_FOUND
    assert kcon("incident", "stop", "one").code == 0


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
def test_a_name_that_is_none(kcon: CommandLine, name: str) -> None:
    assert kcon("incident", "start", name).code == ExitCode.USAGE


def record(kcon: CommandLine, watched: Watched, orders: Any) -> None:
    kcon("incident", "start", "fire", "--since", "@-110s")

    def burn() -> None:
        orders.topics_by_name["orders"].bounds[0] = (0, 500)
        orders.topics_by_name["a|b*c"] = FakeTopic([(0, 0)])

    watched.run(burn, ticks=8)
    kcon("incident", "note", "too | hot")
    kcon("incident", "stop")


def test_the_timeline_in_markdown(kcon: CommandLine, watched: Watched, orders: Any, tmp_path: Path) -> None:
    record(kcon, watched, orders)
    text = kcon("incident", "export", "fire").out
    assert text.startswith("# Incident fire\n\nFrom 2026-11-24T")
    assert re.search(r"\| lag \| `.{40}` \| 90 \| 490 \| 490 \|", text)
    assert re.search(r"\| billing \| `.{40}` \| 490 \| 490 \| DEAD \|", text)
    assert "| topic | topic a\\|b\\*c is there, 1 partitions |" in text
    assert "| note | too \\| hot |" in text
    assert "| group | billing | lag | 90 | 490 |" in text
    path = tmp_path / "fire.md"
    assert kcon("incident", "export", "fire", str(path)).code == 0
    assert path.read_text() == text
    assert kcon("incident", "export", "fire", str(path)).code != 0


def test_the_file_holds_the_incident_and_opens_as_a_past(
    kcon: CommandLine, watched: Watched, orders: Any, tmp_path: Path
) -> None:
    record(kcon, watched, orders)
    path = tmp_path / "fire.kcon"
    assert kcon("incident", "export", "fire", str(path)).code == 0
    assert kcon("incident", "export", "fire", str(path)).code == ExitCode.REFUSED
    assert sorted(each.name for each in tmp_path.glob("fire*")) == ["fire.kcon"]
    past = Past(HistoryReader(path))
    (incident,) = past.reader.incidents()
    assert (incident.name, incident.start_ms, incident.end_ms) == ("fire", NOW_MS - 110_000, NOW_MS)
    last = past.snapshot_at(NOW_MS)
    assert last is not None
    assert last.groups.lag == (490,)
    assert [mark.text for mark in past.reader.marks(0, NOW_MS + 1, kinds=["note"])] == ["too | hot"]
    past.close()


@pytest.mark.usefixtures("orders")
def test_an_incident_that_is_not_there(kcon: CommandLine, watched: Watched) -> None:
    watched.run()
    assert kcon("incident", "export", "fire").code == ExitCode.NOT_FOUND
    assert kcon("incident", "open", "nothing.kcon").code == ExitCode.NOT_FOUND


@pytest.mark.usefixtures("orders")
def test_open_wants_a_terminal(kcon: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "fire.kcon").write_bytes(b"x")
    ran = kcon("incident", "open", str(tmp_path / "fire.kcon"))
    assert ran.code == ExitCode.USAGE
    assert "incident export" in ran.err
