"""The console as a whole: which view is in front, and what it survives."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual import events

from kcon.cli.captured import Caught
from kcon.contexts.context import Mode
from kcon.contexts.security import Security
from kcon.errors import UnreachableError
from kcon.tui.events import SamplingFailed, SnapshotTaken
from kcon.tui.screens.group import GroupScreen
from kcon.tui.screens.groups import GroupsScreen
from kcon.tui.screens.overview import OverviewScreen
from kcon.tui.screens.start import StartScreen
from kcon.tui.screens.topic import TopicScreen
from kcon.tui.screens.topics import TopicsScreen


def test_the_overview_names_the_cluster_its_counts_and_what_is_behind(consoles: Any) -> None:
    async def test(console: Any) -> None:
        text = await console.until("brokers 1/1 ctrl 1")
        assert "billing" in text
        top = text.splitlines()[0]
        assert "OVERVIEW" in top
        assert "prod" in top
        assert "3 topics 1 group" in top
        assert "nothing found" in text or "NEEDS YOU" in text

    consoles.run(test)


def test_records_that_retention_took_need_a_person(consoles: Any) -> None:
    async def test(console: Any) -> None:
        text = await console.until("NEEDS YOU 1")
        (line,) = [line for line in text.splitlines() if line.startswith("page")]
        assert line.split()[:2] == ["page", "billing"]
        assert "20 records deleted before they were read" in line
        await console.press("1", "enter")
        await console.until(lambda: isinstance(console.view, GroupScreen))

    consoles.run(test)


def test_every_screen_fits_its_terminal(consoles: Any, widths: Any) -> None:
    """No line is wider than the terminal at any size, and nothing ends the console while it is resized."""

    async def test(console: Any) -> None:
        await console.until("billing")
        for keys in ((), ("t",), ("enter",), ("g",), ("enter",), ("question_mark",)):
            await console.press(*keys)
            for width, height in ((80, 24), (200, 50), (60, 15), (20, 5), (100, 30)):
                await console.pilot.resize_terminal(width, height)
                await console.pilot.pause()
                assert widths(console.lines()) == {width}
                assert len(console.lines()) == height

    consoles.run(test)


def test_keys_lead_along_the_path_and_back(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        await console.press("t")
        await console.until(lambda: isinstance(console.view, TopicsScreen))
        await console.until("orders")
        await console.press("down", "enter")
        await console.until(lambda: isinstance(console.view, TopicScreen))
        assert "prod > topics > orders" in await console.until("prod > topics")
        await console.press("g")
        await console.until(lambda: isinstance(console.view, GroupsScreen))
        await console.press("enter")
        await console.until(lambda: isinstance(console.view, GroupScreen))
        await console.press("escape")
        await console.until(lambda: isinstance(console.view, GroupsScreen))
        await console.press("escape")
        await console.until(lambda: isinstance(console.view, OverviewScreen))
        await console.press("O", "O")
        await console.until(lambda: isinstance(console.view, OverviewScreen))

    consoles.run(test)


@pytest.mark.parametrize(
    ("address", "view"),
    [("topics", TopicsScreen), ("topic/orders", TopicScreen), ("groups", GroupsScreen), ("group/billing", GroupScreen)],
)
def test_an_address_opens_its_view_above_the_overview(consoles: Any, address: str, view: type) -> None:
    async def test(console: Any) -> None:
        await console.until(lambda: isinstance(console.view, view))
        await console.press("escape")
        await console.until(lambda: isinstance(console.view, OverviewScreen))

    consoles.run(test, address)


def test_a_dead_cluster_is_a_sentence_with_the_age_of_what_is_shown(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        console.engine.failure = UnreachableError("fake:9092 does not answer.", "Is it running?")
        consoles.now_ms += 34_000
        await console.press("r")
        text = await console.until("fake:9092 does not answer.")
        assert "Shown is what was known 34s ago." in text
        assert "34s old" in text
        assert "billing" in text
        console.engine.failure = None
        await console.press("r")
        await console.until(lambda: "does not answer" not in console.text())

    consoles.run(test)


def test_a_cluster_that_never_answered_shows_no_numbers(consoles: Any) -> None:
    async def test(console: Any) -> None:
        console.engine.failure = UnreachableError("fake:9092 does not answer.")
        console.app.desks[-1].snapshot = None
        await console.press("r")
        text = await console.until("does not answer")
        assert "no data yet" in text.splitlines()[0]
        assert "NEEDS YOU —" in text, "0 would be a promise"
        console.engine.failure = None
        await console.press("r")
        await console.until("NEEDS YOU 0")
        assert "no groups" in await console.until("nothing found")

    consoles.cluster.topics_by_name.clear()
    consoles.cluster.groups_by_id.clear()
    consoles.run(test)


def test_an_empty_list_claims_no_more_than_the_user_may_see(consoles: Any) -> None:
    """Kafka leaves out topics and groups that a user has no right to, and says nothing of it."""

    async def test(console: Any) -> None:
        await console.until("no topics that you may see")
        await console.press("t")
        await console.until(lambda: "no topics that you may see" in console.text() and "TOPICS" in console.text())
        await console.press("g")
        await console.until(lambda: "no groups that you may see" in console.text() and "GROUPS" in console.text())

    consoles.context = replace(
        consoles.context, security=Security(protocol="SASL_SSL", mechanism="PLAIN", username="bob", password_env="PW")
    )
    consoles.cluster.topics_by_name.clear()
    consoles.cluster.groups_by_id.clear()
    consoles.run(test)


def test_a_read_only_context_shows_what_is_off_and_why(consoles: Any) -> None:
    async def test(console: Any) -> None:
        text = await console.until("(R x X off: context prod is read-only)")
        assert "read-only" in text.splitlines()[0]
        await console.press("R")
        assert isinstance(console.view, GroupScreen)
        assert "R is off: context prod is read-only." in console.text()
        await console.press("question_mark")
        await console.until("off: context prod is read-only")

    consoles.mode = Mode.READ_ONLY
    consoles.size = (140, 30)
    consoles.run(test, "group/billing")
    assert consoles.cluster.mutations == []


def test_a_filter_narrows_and_escape_takes_it_away(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("clicks")
        await console.press("slash")
        await console.type("!cli")
        await console.press("enter")
        await console.until(lambda: "clicks" not in console.text())
        assert "orders" in console.text()
        await console.press("escape")
        await console.until("clicks")
        assert isinstance(console.view, TopicsScreen)

    consoles.run(test, "topics")


def test_a_bad_filter_is_a_sentence(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("clicks")
        await console.press("slash")
        await console.type("(")
        await console.press("enter")
        await console.until("Not a regular expression")

    consoles.run(test, "topics")


def test_sorting_goes_by_letter_and_turns_round(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("orders")
        await console.press("s")
        assert "sort by" in console.text()
        await console.press("p")
        table = console.view.table
        assert [str(key) for key in table.visible_keys] == ["orders", "clicks"]
        await console.press("s", "p")
        assert [str(key) for key in table.visible_keys] == ["clicks", "orders"]

    consoles.run(test, "topics")


def test_copying_takes_the_name_or_the_command(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("clicks")
        await console.press("y", "o")
        assert console.app.clipboard == "clicks"
        await console.press("y", "c")
        assert console.app.clipboard == "kcon topic list"
        await console.press("y", "v")
        assert "nothing to copy" in console.text()

    consoles.run(test, "topics")


def test_without_a_cluster_one_is_chosen(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until(lambda: isinstance(console.view, StartScreen))
        text = await console.until("staging")
        assert "d demo" in text
        assert "staging" in text
        await console.press("enter")
        await console.until("billing")
        assert "OVERVIEW  staging" in console.lines()[0]

    consoles.context = None
    consoles.contexts = [("staging", "fake:9092", "read-write")]
    consoles.run(test)


def test_an_address_typed_at_the_start_connects(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.press("n")
        await console.type("localhost")
        await console.press("enter")
        await console.until("billing")

    consoles.context = None
    consoles.run(test)


def test_q_and_ctrl_c_leave(consoles: Any) -> None:
    async def leave(console: Any, key: str) -> None:
        await console.until("billing")
        await console.press(key)
        await console.until(lambda: console.app._exit)

    for key in ("q", "ctrl+c"):
        consoles.run(lambda console, key=key: leave(console, key))


def test_the_interval_changes_and_the_engine_pauses(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        await console.press("plus")
        assert console.engine.interval_ms == 1_000
        await console.press("minus", "minus")
        assert console.engine.interval_ms == 5_000
        await console.press("p")
        assert console.engine.is_paused
        assert "PAUSED" in console.lines()[0]

    consoles.run(test)


def test_a_command_line_runs_the_cli_and_shows_its_output(consoles: Any) -> None:
    asked: list[Any] = []

    def run_command(argv: Any, context: Any, columns: int, stdin: bytes = b"") -> Any:
        asked.append((list(argv), context.name, columns))
        return Caught(5, "", "kcon: Topic nope does not exist.\n")

    async def test(console: Any) -> None:
        await console.until("billing")
        await console.press("colon")
        await console.type("topic describe nope")
        await console.press("enter")
        text = await console.until("Topic nope does not exist.")
        assert "exit 5 not found" in text
        assert asked == [(["topic", "describe", "nope"], "prod", 100)]

    consoles.run_command = run_command
    consoles.run(test)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("topic nonsense", "nonsense"),
        ("group list --watch", "goes on for ever"),
        ("serve-broker", "terminal of its own"),
        ("topic list -b other", "Leave -b"),
        ("'open", "quote"),
    ],
)
def test_a_command_that_cannot_run_here_is_a_sentence(consoles: Any, line: str, said: str) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        console.app.execute_line(line)
        await console.until(said)

    consoles.run_command = lambda *_arguments: Caught(0, "", "")
    consoles.run(test)


def test_a_command_line_may_name_a_view(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        console.app.execute_line("group/billing")
        await console.until(lambda: isinstance(console.view, GroupScreen))
        console.app.execute_line("kcon ui topics")
        await console.until(lambda: isinstance(console.view, TopicsScreen))
        console.app.execute_line("overview")
        await console.until(lambda: isinstance(console.view, OverviewScreen))

    consoles.run(test)


def test_an_empty_command_line_lists_the_actions(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        await console.press("colon", "enter")
        await console.until("ACTION")
        await console.type("topics")
        await console.press("enter")
        await console.until(lambda: isinstance(console.view, TopicsScreen))

    consoles.run(test)


def test_going_home_from_a_key_press_does_not_wait_for_itself(consoles: Any) -> None:
    """A view that awaited its own removal inside a handler would stop the console for good."""

    async def test(console: Any) -> None:
        await console.until("billing")
        for _round in range(3):
            await console.press("t", "enter", "g", "enter", "O")
            async with asyncio.timeout(10):
                await console.until(lambda: isinstance(console.view, OverviewScreen))

    consoles.run(test)


def test_a_picture_that_comes_before_a_view_is_complete_is_drawn_when_it_is(consoles: Any) -> None:
    """On a slow machine the first snapshot overtook the first view, and ended the console."""

    async def test(console: Any) -> None:
        await console.until("billing")
        snapshot = console.app.snapshot
        console.app.push_screen(OverviewScreen())
        for event in (SnapshotTaken(snapshot), SamplingFailed("It went away.", "")):
            event.desk = console.app.desks[-1]
            console.app.post_message(event)
        await console.until(lambda: console.view.is_ready)
        assert "It went away." in await console.until("billing")

    consoles.run(test)


@pytest.mark.parametrize("key", ["l", "?", "escape"])
def test_a_key_that_closes_a_view_twice_leaves_only_that_view(consoles: Any, key: str) -> None:
    """Typed faster than the console works, both presses wait for the same view."""

    async def test(console: Any) -> None:
        await console.until("billing")
        if key == "?":
            console.view.do_help()
        else:
            console.view.do_log()
        await console.until("KEYS" if key == "?" else "LOG")
        view = console.view
        event = events.Key("question_mark" if key == "?" else key, None if key == "escape" else key)
        view.on_key(event)
        view.on_key(event)
        await console.pilot.pause()
        assert console.view.TITLE_WORD == "OVERVIEW"

    consoles.run(test)


def test_below_a_view_that_was_opened_first_is_the_overview(consoles: Any) -> None:
    """It is made when somebody comes back to it, so that the first picture need not wait for it."""

    async def test(console: Any) -> None:
        await console.until("clicks")
        assert len(console.app.screen_stack) == 1
        await console.press("escape")
        await console.until("NEEDS YOU")
        await console.press("escape", "escape")
        assert console.view.TITLE_WORD == "OVERVIEW"
        await console.press("g")
        await console.until("GROUPS ")
        await console.press("t")
        await console.until("TOPICS ")
        assert [screen.TITLE_WORD for screen in console.app.screen_stack] == ["TOPICS", "OVERVIEW", "TOPICS"]

    consoles.run(test, "topics")
