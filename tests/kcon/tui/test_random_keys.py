"""Random keys over every view: nothing ends the console, and a read-only context stays as it was.

The seed is printed, and which views were reached. KCON_RANDOM_KEYS says how many keys the long run presses, and
KCON_SEED which ones.
"""

import os
import random
import time
from types import SimpleNamespace
from typing import Any, Final

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import WaitForScreenTimeout

from kcon.contexts.context import Mode
from kcon.tui.address import Overview
from kcon.tui.app import KconApp
from kcon.tui.screens.base import KconScreen

SHORT: Final = 420
LONG: Final = int(os.environ.get("KCON_RANDOM_KEYS", "1500"))
SEED: Final = int(os.environ.get("KCON_SEED", "4711"))
"""The same keys in every run, unless KCON_SEED asks for others."""
EVERY_VIEW_FROM: Final = 20_000
"""So many keys reach every view, whatever the seed."""
STRETCH: Final = 30
"""Keys between two looks at the console, which then goes on at another address."""
PROGRESS: Final = 1_000
"""Keys between two lines of progress."""
BURST: Final = 4
"""Keys that come before the console has drawn."""
ADDRESSES: Final = (
    "overview",
    "topics",
    "topic/orders",
    "topic/orders/0",
    "groups",
    "group/billing",
    "brokers",
    "broker/1",
    "acls",
    "quotas",
    "users",
    "transactions",
    "reassignments",
    "quorum",
)
LINES: Final = (
    "topic delete orders",
    "search orders --where 'offset > 1'",
    "kcon topic list",
    "group/nobody",
    "nonsense",
)
CHARACTERS: Final = "abcdefghijklmnoprstuvwxyzOXRPT0123456789:/*,.=@?+-<>[]()#&!~ "
NAMED: Final = (
    *("enter", "escape", "escape", "tab", "shift+tab", "up", "down", "left", "right", "pageup", "pagedown"),
    *("home", "end", "backspace", "delete", "ctrl+t", "ctrl+f", "ctrl+b", "f1"),
)
"""`q` alone is left out: it ends the console, which is not what is tested."""


def all_views() -> set[type[KconScreen]]:
    """Return every class of view that is loaded and has a name."""
    found: set[type[KconScreen]] = set()
    left = [KconScreen]
    while left:
        kind = left.pop()
        found |= {kind} if kind.TITLE_WORD else set()
        left += kind.__subclasses__()
    return found


def send_key(app: KconApp, key: str) -> None:
    """Send a key as the driver would; the pilot would wait for the picture after each of them."""
    character = key if len(key) == 1 else {"enter": "\r", "tab": "\t"}.get(key)
    name = _character_to_key(key) if len(key) == 1 else key
    event = events.Key(name, character)
    event.set_sender(app)
    assert app._driver is not None
    app._driver.send_message(event)


async def pause(console: Any) -> None:
    """Wait for the view in front; the console must answer, even if a widget that was waited for has gone.

    A view that leaves while the pilot waits takes some of the answers it waits for along. Whether it is that or a
    console that hangs shows at the next try: nothing else is pressed meanwhile.
    """
    try:
        await console.pilot.pause()
    except WaitForScreenTimeout:
        print(f"the pilot waited in vain in {type(console.app.screen).__name__}", flush=True)
        await console.pilot.pause()


async def press_many(console: Any, count: int, chance: random.Random) -> set[type[Any]]:
    """Press keys; return the kinds of views that were in front."""
    seen: set[type[Any]] = set()
    began_s = time.perf_counter()
    for stretch in range(-(-count // STRETCH)):
        pressed = stretch * STRETCH
        if pressed // PROGRESS > (pressed - STRETCH) // PROGRESS > -1:
            print(f"{pressed:,} keys in {time.perf_counter() - began_s:,.0f} s, {len(seen)} views", flush=True)
        console.app.open(Overview(), from_top=True)
        await pause(console)
        console.app.execute_line(ADDRESSES[stretch % len(ADDRESSES)])
        if chance.random() < 0.3:
            console.app.execute_line(chance.choice(LINES))
        await pause(console)
        seen.add(type(console.app.screen))
        keys = [chance.choice(NAMED if chance.random() < 0.35 else CHARACTERS) for _key in range(STRETCH)]
        for place, key in enumerate(keys):
            send_key(console.app, key)
            if place % BURST == 0:
                await pause(console)
                seen.add(type(console.app.screen))
            assert console.app.is_running, keys
        if chance.random() < 0.1:
            width, height = chance.choice(((80, 24), (60, 15), (160, 40)))
            await console.pilot.resize_terminal(width, height)
    return seen


def run_keys(consoles: Any, count: int, seed: int, mode: Mode = Mode.READ_ONLY) -> set[type[Any]]:
    """Run a console under random keys; return the kinds of views that were in front."""
    print(f"seed {seed}, {count:,} keys, {mode.value}", flush=True)
    seen: set[type[Any]] = set()
    consoles.mode = mode
    consoles.run_command = lambda *_arguments: SimpleNamespace(code=0, out='{"items": [{"name": "x"}]}', err="")

    async def test(console: Any) -> None:
        await console.until("billing")
        assert isinstance(console.app, KconApp)
        seen.update(await press_many(console, count, random.Random(seed)))

    consoles.run(test)
    print(f"reached: {' '.join(sorted(kind.__name__ for kind in seen))}", flush=True)
    if mode is Mode.READ_ONLY:
        assert consoles.cluster.mutations == []
    return seen


@pytest.fixture
def seeded(consoles: Any, administration: Any, records: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    """Return consoles over a cluster that answers everything, with files in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    return consoles


@pytest.mark.timeout(240)
def test_random_keys_neither_end_the_console_nor_change_a_read_only_cluster(seeded: Any) -> None:
    seen = run_keys(seeded, SHORT, SEED)
    assert len(seen) >= len(ADDRESSES)


@pytest.mark.slow
@pytest.mark.timeout(14_400)
def test_many_random_keys_reach_every_view(seeded: Any) -> None:
    """KCON_RANDOM_KEYS=50000 is the long run; a tenth of it is pressed where changes are allowed."""
    seen = run_keys(seeded, LONG, SEED)
    seen |= run_keys(seeded, LONG // 10, SEED + 1, Mode.READ_WRITE)
    missed = {kind.TITLE_WORD for kind in all_views()} - {
        kind.TITLE_WORD for kind in seen if issubclass(kind, KconScreen)
    }
    assert missed <= {"KCON"} or (LONG < EVERY_VIEW_FROM and len(seen) >= len(ADDRESSES)), missed
