"""Makes the pictures of the README: the real console over a real broker with real flights, drawn to SVG and PNG.

    python screenshots/make.py [SECONDS]

The flights are those of the sample that ships with kcon, sent in their order at a pace from a fixed seed; three
groups read them. The pictures differ between runs only in times and in what the pace of the machine makes of it.
PNG files need `rsvg-convert`; without it only the SVG files are written.
"""

import asyncio
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

from textual.pilot import Pilot

from kcon.admin.topic_changes import NewTopic
from kcon.cli.captured import run_captured
from kcon.contexts.context import Context
from kcon.core.ids import group_id, topic_name
from kcon.records.record import NewRecord
from kcon.services.demo_groups import DemoGroup, GroupRunner
from kcon.services.demo_tables import sample_tables
from kcon.services.local_broker import LocalBrokerOptions, start_local_broker
from kcon.services.produce import ProducePlan, open_producer
from kcon.services.session import Session
from kcon.services.topic_changes import TopicCreatePlan, apply_create
from kcon.tui.app import KconApp
from kcon.tui.engine import ThreadEngine
from kcon.tui.launch import Launch

FOLDER = Path(__file__).parent
SEED = 2013
SECONDS = 30.0
SIZE = (120, 36)
SIZES = ((80, 24), SIZE, (200, 50))
THEMES = ("dark", "light")
PICTURES = ("overview", "group", "reset", "records")
"""Also as PNG; the others are SVG alone."""
FLIGHTS = topic_name("flights")
PARTITIONS = 4
BEFORE = 1_000
"""Flights that are there when the console opens."""
TICK_S = 0.2
GROUPS = (
    DemoGroup(group=group_id("departures-board"), behaviour="keeps up", topics=(FLIGHTS,)),
    DemoGroup(group=group_id("delay-analysis"), behaviour="slow", topics=(FLIGHTS,), records_per_s=35.0),
    DemoGroup(group=group_id("fleet-archive"), behaviour="stopped", topics=(FLIGHTS,), stops_after_s=15.0),
)


@asynccontextmanager
async def flights(folder: Path) -> AsyncIterator[Context]:
    """Run a broker with flights coming in and groups reading them."""
    broker = await start_local_broker(LocalBrokerOptions(data_dir=folder / "data"))
    try:
        context = Context(name="flights", bootstrap=(broker.bootstrap,), color="blue")
        async with Session(context, folder) as session:
            new = NewTopic(name=FLIGHTS, partitions=PARTITIONS, replication_factor=1, configs={"retention.ms": "-1"})
            await apply_create(session, TopicCreatePlan(topics=(new,), confirmed_by="script"))
            loop = asyncio.get_running_loop()
            written = threading.Event()
            tasks = [loop.create_task(send_flights(session, written), name="send flights")]
            await asyncio.to_thread(written.wait)
            tasks += [
                loop.create_task(GroupRunner(session, group).run(written), name=str(group.group)) for group in GROUPS
            ]
            try:
                yield context
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await broker.stop()


async def send_flights(session: Session, written: threading.Event) -> None:
    """Send the past at once, then go on at a changing pace."""
    rows = iter(sample_tables().rows("flights"))
    chance = random.Random(SEED)
    permit = await session.authorise(ProducePlan(topic=FLIGHTS, confirmed_by="script"))
    async with await open_producer(session, FLIGHTS, permit) as producer:
        await producer.send([NewRecord(key=row.key, value=row.body + b"}") for row in islice(rows, BEFORE)])
        await producer.flush()
        written.set()
        pace = 60.0
        while chunk := [NewRecord(key=row.key, value=row.body + b"}") for row in islice(rows, int(pace * TICK_S))]:
            await producer.send(chunk)
            pace = min(110.0, max(30.0, pace * chance.uniform(0.8, 1.25)))
            await asyncio.sleep(TICK_S)


async def draw(context: Context, folder: Path, seconds: float) -> None:
    """Drive the console and take the pictures: each view at the usual size, the main ones in every size and theme."""

    def open_engine(chosen: Context) -> ThreadEngine:
        return ThreadEngine(chosen, lambda: Session(chosen, folder))

    app = KconApp(Launch(context=context, open_engine=open_engine, run_command=run_captured))
    async with app.run_test(size=SIZE) as pilot:
        end_s = time.monotonic() + seconds
        await wait(pilot, lambda: time.monotonic() > end_s)
        await take_all(pilot, "overview")
        await go(pilot, "group/delay-analysis", seconds=15)
        await take_all(pilot, "group")
        await go(pilot, "group/fleet-archive", seconds=3)
        await press(pilot, "R")
        await press(pilot, *"start")
        await wait_s(pilot, 2)
        await press(pilot, "enter")
        take(app, "reset")
        await go(pilot, "topic/flights/0", seconds=3)
        await press(pilot, "enter")
        await wait_s(pilot, 1)
        await take_all(pilot, "records")
        await go(pilot, "topics", seconds=2)
        take(app, "topics")
        await go(pilot, "brokers", seconds=3)
        take(app, "brokers")
        await go(pilot, "topic create returns -p 3 -c retention.ms=86400000", seconds=3)
        take(app, "plan")
        await go(pilot, "search flights --where 'value.carrier == \"UA\" && value.dep_delay > 60'", seconds=4)
        await press(pilot, "h", "h")
        await wait_s(pilot, 1)
        take(app, "search")


async def take_all(pilot: "Pilot[int]", name: str) -> None:
    """Take a view at every size and in both themes; the usual one has the plain name."""
    app = pilot.app
    assert isinstance(app, KconApp)
    for width, height in SIZES:
        await pilot.resize_terminal(width, height)
        for theme in THEMES:
            app.use_theme(theme)
            await wait_s(pilot, 0.7)
            take(app, name if (width, height) == SIZE and theme == THEMES[0] else f"{name}-{width}x{height}-{theme}")
    await pilot.resize_terminal(*SIZE)
    app.use_theme(THEMES[0])
    await wait_s(pilot, 0.7)


async def go(pilot: "Pilot[int]", address: str, *, seconds: float) -> None:
    """Open a view from the overview, and let it gather."""
    app = pilot.app
    assert isinstance(app, KconApp)
    app.execute_line("overview")
    await pilot.pause()
    app.execute_line(address)
    await wait_s(pilot, seconds)


async def press(pilot: "Pilot[int]", *keys: str) -> None:
    """Press keys."""
    await pilot.press(*keys)
    await pilot.pause()


async def wait_s(pilot: "Pilot[int]", seconds: float) -> None:
    """Let time pass."""
    end_s = time.monotonic() + seconds
    await wait(pilot, lambda: time.monotonic() > end_s)


async def wait(pilot: "Pilot[int]", is_so: Callable[[], bool]) -> None:
    """Wait for a condition."""
    while not is_so():
        await pilot.pause(0.1)


def take(app: KconApp, name: str) -> None:
    """Write the screen as SVG, and as PNG where that can be made."""
    svg = FOLDER / f"{name}.svg"
    svg.write_text(self_contained(app.export_screenshot(title="kcon")), "utf-8")
    converter = shutil.which("rsvg-convert")
    if converter is not None and name in PICTURES:
        subprocess.run([converter, "--output", str(svg.with_suffix(".png")), str(svg)], check=True)
    print(f"{svg.name} taken")


def self_contained(svg: str) -> str:
    """Return the picture without fonts from the network, and with its blanks kept by every viewer."""
    svg = re.sub(r"@font-face \{.*?\n    \}\n", "", svg, flags=re.DOTALL)
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)


async def main() -> None:
    """Make all pictures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory(prefix="kcon-screenshots-") as name:
        async with flights(Path(name)) as context:
            await draw(context, Path(name), seconds)


if __name__ == "__main__":
    asyncio.run(main())
