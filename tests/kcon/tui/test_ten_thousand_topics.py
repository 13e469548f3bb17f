"""The console over a live broker with 10,000 topics: a key press draws what is visible, not what exists."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from kcon.admin.topic_changes import NewTopic
from kcon.contexts.context import Context
from kcon.core.ids import topic_name
from kcon.services.local_broker import LocalBrokerOptions, start_local_broker
from kcon.services.session import Session
from kcon.services.topic_changes import TopicCreatePlan, apply_create
from kcon.tui.address import parse_address
from kcon.tui.app import KconApp
from kcon.tui.engine import ThreadEngine
from kcon.tui.launch import Launch
from kcon.tui.widgets.virtual_table import VirtualTable

TOPICS = 10_000
WAIT_S = 90.0
KEYS = ("down", "pagedown", "pagedown", "up", "end", "pageup", "home")


async def until(pilot: "Pilot[int]", is_so: Callable[[], bool], what: str) -> None:
    """Let the console work until a condition holds."""
    end = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end, f"not reached within {WAIT_S:.0f} s: {what}"
        await pilot.pause(0.05)


@pytest.mark.timeout(240)
def test_a_key_press_draws_no_more_than_what_is_visible(tmp_path: Path) -> None:
    async def main() -> None:
        broker = await start_local_broker(LocalBrokerOptions(data_dir=tmp_path / "data"))
        try:
            context = Context(name="many", bootstrap=(broker.bootstrap,))
            async with Session(context, tmp_path / "state") as session:
                names = [topic_name(f"topic-{index:05d}") for index in range(TOPICS)]
                new = tuple(NewTopic(name=name, partitions=1, replication_factor=1) for name in names)
                plan = TopicCreatePlan(topics=new, confirmed_by="test")
                assert not any((await apply_create(session, plan)).values())
            await browse(context, tmp_path / "state")
        finally:
            await broker.stop()

    asyncio.run(main())


async def browse(context: Context, folder: Path) -> None:
    """Open the topics and press keys; each may draw the visible rows and two more."""

    def open_engine(chosen: Context) -> ThreadEngine:
        return ThreadEngine(chosen, lambda: Session(chosen, folder))

    app = KconApp(Launch(context=context, open_engine=open_engine, address=parse_address("topics")))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: bool(app.screen.query(VirtualTable)), "the topics view")
        table = app.screen.query(VirtualTable).first()
        await until(pilot, lambda: len(table.rows) == TOPICS, "all topics in the table")
        await until(pilot, lambda: app.snapshot is not None and app.snapshot.has_offsets, "the offsets")
        await pilot.press("p")
        # Whatever else comes in by itself is drawn too, so it has to be there before.
        await until(pilot, lambda: app.standing is not None, "what changes slowly")
        await pilot.pause(0.2)
        visible = table.size.height
        for key in KEYS:
            before = table.rows_rendered
            await pilot.press(key)
            await pilot.pause()
            drawn = table.rows_rendered - before
            assert 0 < drawn <= visible + 2, f"{key} drew {drawn} rows, {visible} are visible"
