"""The whole console by the keyboard alone, and by the mouse alone: every list, one level down, a change, its undo."""

from types import SimpleNamespace
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.wire_text import WireText
from kcon.tui.text import Part
from kcon.tui.widgets.hint_line import key_at, press_of

ORDERS_0 = TopicPartition(topic_name("orders"), 0)
LISTS = ("topics", "groups", "brokers", "acls", "quotas", "users", "transactions", "reassignments", "quorum")


async def click_text(console: Any, text: str, *, times: int = 1, after: str = "") -> None:
    """Click the first place of a text on the screen, behind another text if that is given."""
    await console.until(text)
    lines = console.lines()
    first = next((y for y, line in enumerate(lines) if after in line), 0) if after else 0
    for y, line in enumerate(lines[first:], first):
        if text in line and (y > first or not after or text != after):
            await console.pilot.click(offset=(line.index(text), y), times=times)
            await console.pilot.pause()
            return
    raise AssertionError(f"not there: {text!r}\n{console.text()}")


async def click_hint(console: Any, word: str) -> None:
    """Click a word in the line of keys at the bottom."""
    await console.until(lambda: any(f" {word}" in line for line in console.lines()[-4:]))
    lines = console.lines()
    y = max(y for y, line in enumerate(lines) if f" {word}" in line)
    await console.pilot.click(offset=(lines[y].index(f" {word}") + 1, y))
    await console.pilot.pause()


async def opened(console: Any, title: str) -> None:
    """Wait for a view."""
    await console.until(lambda: title == console.app.screen.TITLE_WORD and console.view.is_ready)


@pytest.fixture
def full(consoles: Any, administration: Any, records: Any) -> Any:
    consoles.size = (140, 36)
    consoles.run_command = lambda *_arguments: SimpleNamespace(code=0, out='{"items": [{"name": "clicks"}]}', err="")
    return consoles


def test_the_keyboard_alone_reaches_every_list_and_what_is_in_it(full: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        for word in LISTS:
            await console.type(f":{word}")
            await console.press("enter")
            await opened(console, {"reassignments": "MOVES"}.get(word, word.upper()))
        for keys, title in (
            (("t",), "TOPICS"),
            (("enter",), "TOPIC"),
            (("2",), "TOPIC"),
            (("f",), "RECORDS"),
            (("escape",), "TOPIC"),
            (("g",), "GROUPS"),
            (("enter",), "GROUP"),
            (("2",), "GROUP"),
            (("w",), "WHY"),
            (("escape",), "GROUP"),
            (("question_mark",), "KEYS"),
            (("escape",), "GROUP"),
            (("b",), "BROKERS"),
            (("enter",), "BROKER"),
            (("l",), "LOG"),
            (("escape",), "BROKER"),
            (("O",), "OVERVIEW"),
        ):
            await console.press(*keys)
            await opened(console, title)

    full.run(test)


def test_the_keyboard_alone_resets_a_group_and_takes_it_back(full: Any) -> None:
    async def test(console: Any) -> None:
        commits = full.cluster.groups_by_id["billing"].commits
        before = commits[ORDERS_0].offset
        await console.until("billing")
        await console.press("g", "enter")
        await opened(console, "GROUP")
        await console.press("R")
        await opened(console, "RESET")
        await console.type("start")
        await console.press("down")
        await console.until("Move 2 commits")
        await console.press("y")
        await console.until("2 of 2 commits moved")
        assert commits[ORDERS_0].offset == 0
        await console.press("escape")
        await opened(console, "GROUP")
        full.now_ms += 10_000  # The view looks again.
        await console.until("5 Undo 1")
        await console.press("u", "enter")
        await console.until("y yes")
        await console.press("y")
        await console.until(lambda: commits[ORDERS_0].offset == before)

    full.run(test)


def test_the_mouse_alone_reaches_every_list_and_what_is_in_it(full: Any) -> None:
    """The view's name lists what can be done, a second click opens a row, the path leads back."""

    async def test(console: Any) -> None:
        await console.until("billing")
        for action, title in (("Topics", "TOPICS"), ("Groups", "GROUPS"), ("Brokers", "BROKERS")):
            await console.pilot.click(offset=(2, 0))
            await opened(console, "ACTIONS")
            await click_text(console, f"{action} ", times=2)
            await opened(console, title)
        await click_text(console, "b1", times=2)
        await opened(console, "BROKER")
        await console.pilot.click(offset=(12, 0))
        await opened(console, "BROKERS")
        await click_hint(console, "topics")
        await opened(console, "TOPICS")
        await click_text(console, "PARTITIONS")
        assert console.view.table.sort == ("partitions", True)
        await click_text(console, "orders", times=2)
        await opened(console, "TOPIC")
        await click_text(console, "2 Configs")
        await console.until("retention.ms")
        await click_hint(console, "records")
        await opened(console, "RECORDS")
        await console.pilot.click(offset=(14, 0))
        await opened(console, "TOPIC")
        await click_hint(console, "groups")
        await click_text(console, "billing", times=2)
        await opened(console, "GROUP")
        await click_hint(console, "keys")
        await opened(console, "KEYS")

    full.run(test)


def test_the_mouse_alone_resets_a_group_and_takes_it_back(full: Any) -> None:
    async def test(console: Any) -> None:
        commits = full.cluster.groups_by_id["billing"].commits
        before = commits[ORDERS_0].offset
        await console.until("billing")
        await click_hint(console, "groups")
        await click_text(console, "billing", times=2)
        await opened(console, "GROUP")
        await click_hint(console, "reset")
        await opened(console, "RESET")
        await console.type("start")  # What is typed text stays typed.
        await console.until("Move 2 commits")
        await click_text(console, " yes")
        await console.until("2 of 2 commits moved")
        await click_text(console, " back")
        await opened(console, "GROUP")
        full.now_ms += 10_000  # The view looks again.
        await click_text(console, "5 Undo")
        await click_text(console, "start", times=2, after="WHEN")
        await click_text(console, " yes")
        await console.until(lambda: commits[ORDERS_0].offset == before)

    full.run(test)


def test_a_click_on_a_letter_that_is_asked_for_is_that_letter(full: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        await click_hint(console, "topics")
        await click_text(console, "clicks")
        await click_hint(console, "delete")
        await click_hint(console, "topics with their records")
        await opened(console, "PLAN")
        await console.until("Carry this out")
        await click_text(console, " yes")
        await console.until("Done")

    full.run(test)


def test_a_hint_is_its_key_and_its_word() -> None:
    line = [Part(" "), Part("enter", "key"), Part(" open  ", "dim"), Part("/", "key"), Part(" filter  ", "dim")]
    line.append(Part("(X off: read-only)", "dim"))
    assert [key_at(line, x) for x in (0, 1, 7, 13, 16, 26, 300)] == [None, "enter", "enter", "/", "/", None, None]
    assert press_of("esc").key == "escape"
    assert press_of("/").character == "/"
    assert press_of("X").is_printable
    assert key_at([Part(WireText("x")), Part("a", "text")], 0) is None
