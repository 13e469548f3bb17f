"""Each view and dialog as a picture at three sizes, on a cluster and a clock that stand still; none is left out.

KCON_WRITE_SNAPSHOTS=1 writes them anew; look at what changed before it is kept.
"""

import importlib
import os
import pkgutil
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.widgets import Input

from kcon.core.ids import topic_name
from kcon.core.verdict import Cause, Confidence, Verdict
from kcon.records.record import Record, TimestampType
from kcon.tui import screens
from kcon.tui.record_rows import RecordTexts, decoders_of
from kcon.tui.record_search import Coverage, SearchJob, SearchKey, SearchState
from kcon.tui.screens.base import KconScreen
from kcon.tui.screens.search import SearchScreen
from tests.kcon.tui.conftest import NOW_MS
from tests.screen_svg import screen_svg

FOLDER = Path(__file__).parent / "snapshots"
SIZES = [(80, 24), (120, 36), (200, 50)]
UNDO_ID = re.compile("(20261124-023500)-[0-9a-f]{4}")
"""Its end is drawn by lot."""
Steps = Callable[[Any], Awaitable[None]]


def typed(line: str, *keys: str) -> Steps:
    """Return steps: a line at the `:`, then keys."""

    async def steps(console: Any) -> None:
        console.app.execute_line(line)
        await console.until(lambda: console.view.is_ready)
        await console.until(lambda: console.app.snapshot is not None)
        for key in keys:
            await console.pilot.pause()
            await console.press(key)

    return steps


async def search(console: Any) -> None:
    """Show a search that has ended."""
    key = SearchKey((topic_name("orders"),), "value.n == 7", "")
    job = SearchJob(key, None, console.app.times, NOW_MS)
    value = b'{"n": 7, "name": "x"}'
    record = Record(topic_name("orders"), 0, 7, NOW_MS, TimestampType.CREATE_TIME, b"key-1", value, ())
    job.filter.keep([record])
    job.buffer.add([record])
    job.state, job.coverage = SearchState.DONE, Coverage(searched=150, whole=150)
    job.texts = RecordTexts(decoders_of(SimpleNamespace(context=console.app.context), key.topics), console.app.times)  # type: ignore[arg-type]  # Only its context is looked at.
    console.app.push_screen(SearchScreen(job))


VIEWS: dict[str, tuple[str, Steps, str]] = {
    "overview": ("OverviewScreen", typed("overview"), "NEEDS YOU 3"),
    "topics": ("TopicsScreen", typed("topics"), "orders"),
    "topic": ("TopicScreen", typed("topic/orders"), "160 offsets"),
    "groups": ("GroupsScreen", typed("groups"), "billing"),
    "group": ("GroupScreen", typed("group/billing"), "orders/1"),
    "brokers": ("BrokersScreen", typed("brokers"), "b1:9092"),
    "broker": ("BrokerScreen", typed("broker/1"), "/data"),
    "acls": ("AclsScreen", typed("acls"), "User:alice"),
    "quotas": ("QuotasScreen", typed("quotas"), "producer_byte_rate"),
    "users": ("UsersScreen", typed("users"), "SCRAM-SHA-512"),
    "transactions": ("TransactionsScreen", typed("transactions"), "HANGS"),
    "reassignments": ("ReassignmentsScreen", typed("reassignments"), "1,2"),
    "quorum": ("QuorumScreen", typed("quorum"), "epoch 7"),
    "records": ("RecordsScreen", typed("topic/orders/0", "d"), "key     text"),
    "search": ("SearchScreen", search, "1 match"),
    "plan": ("ChangeScreen", typed("topic delete clicks"), "Carry this out on prod?"),
    "output": ("OutputScreen", typed("topic list"), "exit 0"),
    "columns": ("ColumnsScreen", typed("topics", "comma"), "COLUMNS"),
    "help": ("HelpScreen", typed("topics", "question_mark"), "KEYS"),
    "log": ("LogScreen", typed("overview", "l"), "LOG"),
    "actions": ("PaletteScreen", typed(""), "ACTIONS"),
    "contexts": ("StartScreen", typed("overview", "c"), "KCON"),
    "produce": ("ProduceScreen", typed("topics", "P"), "PRODUCE"),
    "why": ("WhyScreen", typed("group/billing", "w"), "Nobody reads."),
    "reset": ("ResetScreen", typed("group/billing", "R", *"start", "enter"), "Move 2 commits"),
    "undo": ("UndoScreen", typed("groups", "u"), "UNDO"),
    "undo-plan": ("UndoPlanScreen", typed("groups", "u", "enter"), "y yes"),
}
"""By the name of the picture: which view, how one gets there, and what is there when it is complete."""


def views_of_the_package() -> set[str]:
    """Return every view that the package defines, loaded or not."""
    for module in pkgutil.iter_modules(screens.__path__):
        importlib.import_module(f"{screens.__name__}.{module.name}")
    found: set[type[KconScreen]] = set()
    left = [KconScreen]
    while left:
        kind = left.pop()
        found |= {kind} if kind.TITLE_WORD and kind.__module__.startswith(screens.__name__) else set()
        left += kind.__subclasses__()
    return {kind.__name__ for kind in found}


def test_no_view_or_dialog_is_without_a_picture() -> None:
    """A new view needs a way to it here; the pilot then drives it in every size."""
    assert views_of_the_package() == {view for view, _steps, _word in VIEWS.values()}


@pytest.fixture
def still(consoles: Any, administration: Any, records: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return consoles in which nothing moves by itself."""

    async def why(_session: object, _name: str, **_how: Any) -> Verdict:
        return Verdict(
            cause=Cause.DEAD_CONSUMER,
            confidence=Confidence.CERTAIN,
            headline="Nobody reads.",
            evidence=("there is no member",),
            next_commands=("kcon group members billing",),
        )

    monkeypatch.setattr("kcon.tui.group_why.why_group", why)
    monkeypatch.setattr(Input, "_toggle_cursor", lambda _field: None)  # It blinks by the clock.
    consoles.run_command = lambda *_arguments: SimpleNamespace(code=0, out='{"items": [{"name": "clicks"}]}', err="")
    return consoles


@pytest.mark.timeout(120)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_each_view_looks_as_it_did(still: Any, size: tuple[int, int]) -> None:
    found: dict[str, str] = {}

    async def test(console: Any) -> None:
        await console.until("NEEDS YOU 3")
        for name, (view, steps, word) in VIEWS.items():
            console.app.go("overview")
            await console.pilot.pause()
            if name == "undo":
                await reset(console)
            await steps(console)
            await console.until(lambda word=word: word in console.text())
            for _turn in range(5):
                await console.pilot.pause()
            assert type(console.app.screen).__name__ == view
            found[name] = UNDO_ID.sub(r"\1-0000", screen_svg(console.app))

    still.size = size
    still.run(test)
    folder = FOLDER / f"{size[0]}x{size[1]}"
    if os.environ.get("KCON_WRITE_SNAPSHOTS"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in found.items():
            (folder / f"{name}.svg").write_text(picture, "utf-8")
    changed = {name: picture for name, picture in found.items() if picture != read(folder / f"{name}.svg")}
    assert not changed, f"{sorted(changed)} of {folder}"


def read(path: Path) -> str:
    """Return a picture that was kept; "" where there is none."""
    return path.read_text("utf-8") if path.exists() else ""


async def reset(console: Any) -> None:
    """Make something that can be taken back."""
    console.app.execute_line("group/billing")
    await console.until("orders/1")
    await console.press("R", *"start", "enter")
    await console.until("Move 2 commits")
    await console.press("y")
    await console.until("2 of 2 commits moved.")
    console.app.go("overview")
    await console.pilot.pause()
