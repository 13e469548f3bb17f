"""A day of history is gone through by the slider, and each moment shows what was then; in every fineness there is."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from tests.kcon.conftest import FakeTopic
from tests.kcon.observe.watched import Watched
from tests.kcon.tui.conftest import NOW_MS

ORDERS_0 = TopicPartition(topic_name("orders"), 0)
STEP_MS = 1_800_000
LOOK_MS = 300_000
LOOKS = 86_400_000 // LOOK_MS


def lag_at(look: int) -> int:
    """Return the lag of `billing` at a look."""
    return 1_000 + look


@pytest.fixture
def day(consoles: Any, tmp_path: Path) -> Watched:
    """Return a cluster that was looked at for a day, of which each look shows another lag."""
    cluster = consoles.cluster
    made = Watched(cluster, consoles.folder / "history")
    made.now_ms = NOW_MS - (LOOKS + 1) * LOOK_MS
    group = cluster.groups_by_id["billing"]
    group.commits.clear()
    group.state, group.members = "Stable", [("app", [ORDERS_0])]

    async def main() -> None:
        for look in range(LOOKS + 1):
            if look == LOOKS // 2:
                cluster.topics_by_name["later"] = FakeTopic([(0, 77)])
            cluster.topics_by_name["orders"].bounds[0] = (0, 5_000 + lag_at(look))
            cluster.commit("billing", "orders", 0, 5_000)
            await made.look(LOOK_MS)
        await made.recording.close()

    asyncio.run(main())
    return made


def lag_shown(text: str) -> str:
    """Return what the row of the group shows."""
    return next((line for line in text.splitlines() if line.startswith("billing")), "")


@pytest.mark.usefixtures("day")
def test_each_step_through_the_day_shows_its_own_moment(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        await console.press("at")
        console.view.query_one("Prompt").value = "@-30m"
        await console.press("enter")
        await console.until("PAST 11-24 02:05")
        for _ in range(2):
            await console.press("right_parenthesis")  # Steps of half an hour.
        for step in range(2, 48):
            await console.press("left_square_bracket")
            shown = f"{lag_at(LOOKS - step * STEP_MS // LOOK_MS):,}"
            await console.until(lambda shown=shown: shown in lag_shown(console.text()))
        assert "PAST 11-23 03:05" in console.text()
        # Back faster than a screen is drawn: the last wish is the one that is shown.
        for _ in range(20):
            await console.press("right_square_bracket")
        shown = f"{lag_at(LOOKS - 27 * STEP_MS // LOOK_MS):,}"
        await console.until(lambda: shown in lag_shown(console.text()))

    consoles.run(test, "groups")


@pytest.mark.usefixtures("day")
def test_the_other_lists_follow_the_same_moment(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("later")
        await console.press("at")
        console.view.query_one("Prompt").value = "@-18h"
        await console.press("enter")
        text = await console.until("PAST 11-23 08:35")
        assert "later" not in text
        console.app.execute_line("groups")
        text = await console.until("billing")
        assert f"{lag_at(LOOKS - 18 * 12):,}" in lag_shown(text)
        assert "PAST 11-23 08:35" in text

    consoles.run(test, "topics")
