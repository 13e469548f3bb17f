"""The slider shows the past in the same views, says so, lets nothing be changed there, and leads back to now."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.wire_text import WireText
from kcon.observe.history_keys import Mark
from kcon.tui.past_view import STEPS_MS, Moment, PastView
from tests.kcon.conftest import FakeTopic
from tests.kcon.observe.watched import TICK_MS, Watched
from tests.kcon.tui.conftest import NOW_MS

ORDERS_0 = TopicPartition(topic_name("orders"), 0)
LOOKS = 61


@pytest.fixture
def watched(consoles: Any, tmp_path: Path) -> Watched:
    """Return a cluster that was looked at for ten minutes up to now; it changed five minutes ago."""
    cluster = consoles.cluster
    made = Watched(cluster, consoles.folder / "history")
    made.now_ms = NOW_MS - LOOKS * TICK_MS
    group = cluster.groups_by_id["billing"]
    group.state, group.members = "Stable", [("app", [ORDERS_0])]

    async def main() -> None:
        for look in range(LOOKS):
            if look == LOOKS // 2:
                cluster.topics_by_name["later"] = FakeTopic([(0, 77)])
                del cluster.topics_by_name["clicks"]
                group.state, group.members = "Empty", []
                cluster.commit("billing", "orders", 0, 100)
            cluster.topics_by_name["orders"].bounds[1] = (40, 90 + look)
            await made.look()
        await made.recording.close()

    asyncio.run(main())
    return made


@pytest.mark.usefixtures("watched")
def test_topics_as_they_were_and_as_they_are(consoles: Any) -> None:
    async def test(console: Any) -> None:
        text = await console.until("later")
        assert "clicks" not in text
        await console.press("at")
        console.view.query_one("Prompt").value = "@-8m"
        await console.press("enter")
        text = await console.until("clicks")
        assert "later" not in text
        assert "PAST 11-24 02:27:00" in text
        assert "●" in text
        await console.press("escape")
        text = await console.until("later")
        assert "PAST" not in text
        assert "●" not in text

    consoles.run(test, "topics")


@pytest.mark.usefixtures("watched")
def test_steps_and_marks_lead_through_the_past(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        await console.press("left_square_bracket")
        await console.until("PAST 11-24 02:34:00")
        await console.press("left_parenthesis")
        await console.press("left_square_bracket")
        await console.until("PAST 11-24 02:33:50")
        await console.press("right_square_bracket")
        await console.until("PAST 11-24 02:34:00")
        await console.press("left_curly_bracket")
        text = await console.until("PAST 11-24 02:30")
        assert "Empty" in text
        await console.press("left_square_bracket")
        assert "Stable" in await console.until("Stable")
        for _ in range(40):
            await console.press("right_square_bracket")
        assert "PAST" not in await console.until(lambda: "PAST" not in console.text())

    consoles.run(test, "groups")


@pytest.mark.usefixtures("watched")
def test_a_group_as_it_was(consoles: Any) -> None:
    consoles.size = (120, 40)

    async def test(console: Any) -> None:
        text = await console.until("orders/0")
        assert next(line for line in text.splitlines() if line.startswith("orders/0")).split()[3] == "0"
        await console.press("at")
        console.view.query_one("Prompt").value = "-8m"
        await console.press("enter")
        text = await console.until("PAST 11-24 02:27:00")
        row = await console.until(lambda: "app@10.0.0.1" in console.text())
        assert next(line for line in row.splitlines() if line.startswith("orders/0")).split()[1:4] == [
            "60",
            "100",
            "40",
        ]
        assert "1 member" in text
        await console.press("escape")
        text = await console.until(lambda: "PAST" not in console.text() and "0 members" in console.text())
        assert next(line for line in text.splitlines() if line.startswith("orders/0")).split()[3] == "0"

    consoles.run(test, "group/billing")


@pytest.mark.usefixtures("watched")
def test_brokers_and_the_overview_as_they_were(consoles: Any) -> None:
    consoles.cluster.answers["brokers"] = []

    async def test(console: Any) -> None:
        await console.until("no brokers")
        await console.press("left_square_bracket")
        assert "b1:9092" in await console.until("b1:9092")
        await console.press("escape")
        await console.until("no brokers")
        await console.press("O")
        await console.press("left_square_bracket")
        text = await console.until(lambda: "PAST 11" in console.text() and "later" in console.text())
        assert "there is none" not in text, "who was the controller is not kept"

    consoles.run(test, "brokers")


@pytest.mark.usefixtures("watched")
def test_nothing_can_be_changed_in_the_past(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        await console.press("left_square_bracket")
        await console.until("PAST")
        await console.press("X")
        assert "the past is shown; esc goes back to now" in console.text()
        await console.press("R")
        assert "is off: the past is shown" in console.text()
        console.app.execute_line("group delete billing")
        await console.until("cannot be changed")
        assert len(console.app.screen_stack) == 1
        await console.press("escape")
        await console.until(lambda: "PAST" not in console.text())
        await console.press("X")
        await console.until(lambda: len(console.app.screen_stack) == 2)

    consoles.run_command = lambda *_args, **_more: SimpleNamespace(code=0, out="", err="")
    consoles.run(test, "groups")
    assert not consoles.cluster.mutations


@pytest.mark.usefixtures("watched")
def test_a_view_without_a_past_says_that_it_shows_now(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("later")
        await console.press("left_square_bracket")
        await console.until("PAST")
        console.app.execute_line("topic/orders")
        text = await console.until("NOW: no past here")
        assert "PAST" not in text
        await console.press("escape")
        await console.until("PAST")

    consoles.run(test, "topics")


def test_without_a_history_there_is_a_sentence_and_the_present_stays(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("orders")
        await console.press("left_square_bracket")
        text = await console.until("There is no history of this cluster.")
        assert "orders" in text
        assert "PAST" not in text
        await console.press("right_square_bracket")
        assert "This is the present." in console.text()

    consoles.run(test, "topics")


@pytest.mark.usefixtures("watched")
def test_a_time_that_is_none_or_to_come_is_said(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("orders")
        for word, told in (("@soon", "Not a time"), ("@2030-01-01", "yet to come")):
            await console.press("at")
            console.view.query_one("Prompt").value = word
            await console.press("enter")
            assert told in console.text()
        assert "PAST" not in console.text()

    consoles.run(test, "topics")


@pytest.mark.usefixtures("watched")
def test_what_happened_stands_below_the_overview(consoles: Any) -> None:
    consoles.size = (160, 40)

    async def test(console: Any) -> None:
        await console.until("EVENTS 02:")
        text = console.text()
        assert "billing" in text.split("EVENTS")[1].splitlines()[0]

    consoles.run(test)


def test_the_slider_stays_within_what_there_is() -> None:
    view = PastView(lambda: None, 1_000_000)  # type: ignore[arg-type, return-value]  # It is never opened.
    view.enter(1_000_000)
    view.take(
        Moment(0, None, None, None),
        [Mark(at, "note", WireText(""), "") for at in (500_000, 700_000)],
        (400_000, 990_000),
    )
    view.move(5)
    assert view.at_ms == 400_000
    view.move(2_000_000)
    assert view.at_ms == 1_000_000
    assert view.window_ms() == (400_000, 1_000_000)
    assert view.move_to_mark(-1)
    assert view.move_to_mark(-1)
    assert view.at_ms == 500_000
    assert not view.move_to_mark(-1)
    assert view.marks_until(699_999, 5)[0].at_ms == 500_000
    for _ in range(20):
        view.change_step(1)
    assert view.step_ms == STEPS_MS[-1]
    view.leave()
    view.take(Moment(0, None, None, None), [], None)
    assert view.shown is None


def test_a_wish_before_the_beginning_ends_at_the_beginning_and_a_gap_is_empty() -> None:
    view = PastView(lambda: None, 1_000_000)  # type: ignore[arg-type, return-value]  # It is never opened.
    view.enter(1_000_000)
    view.move_steps(-1)
    view.take(Moment(view.at_ms, None, None, None), [], (970_000, 990_000))
    assert view.at_ms == 970_000
    snapshot = view.snapshot
    assert snapshot is not None
    assert (len(snapshot.topics), len(snapshot.groups), snapshot.taken_ms) == (0, 0, 940_000)
