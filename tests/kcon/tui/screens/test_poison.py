"""A record that stops a group: out of the way into a queue, past it, and back again; and what masks forbid."""

from typing import Any

import pytest

from kcon.contexts.context import Context, Mode
from kcon.contexts.rules import MaskRule, Rules, SerdeRule
from kcon.gate.permit import Operation
from kcon.tui.screens.change import ChangeScreen
from kcon.tui.screens.reset import ResetScreen
from kcon.tui.widgets.prompt import Prompt


@pytest.fixture(autouse=True)
def plans(consoles: Any, records: Any) -> list[list[str]]:
    """Let every command have a plan of one row; return what was run."""
    ran: list[list[str]] = []

    class Told:
        code, err = 0, ""
        out = '{"items": [{"target": "orders.dlq", "records": 1}]}'

    def run_command(argv: Any, *_more: Any) -> Any:
        ran.append(list(argv))
        return Told

    consoles.run_command = run_command
    consoles.size = (140, 30)
    return ran


def test_a_record_goes_to_a_queue_by_the_command_that_copies_it_byte_by_byte(consoles: Any, plans: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("key-2")
        await console.press("home", "down", "m")
        assert console.view.query_one(Prompt).value == (
            "copy orders/0/1 orders.dlq --create --by-key --provenance --reason ''"
        )
        await console.press("enter")
        await console.until("Carry this out on prod?")
        assert isinstance(console.view, ChangeScreen)
        assert plans[-1][:3] == ["copy", "orders/0/1", "orders.dlq"]
        assert "--dry-run" in plans[-1]
        await console.press("y")
        await console.until("Done.")
        assert "-y" in plans[-1]

    consoles.run(test, "topic/orders/0")


def test_dead_letters_go_back_after_their_plan(consoles: Any, plans: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("key-2")
        await console.press("v")
        await console.until("Carry this out on prod?")
        assert plans[-1][:2] == ["redrive", "orders"]

    consoles.run(test, "topic/orders/0")


def test_a_group_goes_on_behind_the_record_at_its_commit(consoles: Any) -> None:
    """Opened from the group the view knows for whom; the commit is moved through the reset with its undo."""

    async def test(console: Any) -> None:
        await console.until("orders/0")
        await console.press("enter")
        await console.until("key-2")
        await console.press("home", "x")
        await console.until("Move 1 commit of group billing?")
        assert isinstance(console.view, ResetScreen)
        await console.press("y")
        await console.until("1 of 1 commit moved.")
        ((operation, _what),) = consoles.cluster.mutations
        assert operation is Operation.OFFSETS_COMMIT
        commits = consoles.cluster.groups_by_id["billing"].commits
        assert {where.partition: commit.offset for where, commit in commits.items()}[0] == 1

    consoles.run(test, "group/billing")


def test_a_skip_in_the_group_goes_behind_the_commit_of_the_partition_under_the_cursor(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("orders/0")
        row = console.view._row_at_cursor()
        await console.press("x")
        await console.until("Move 1 commit of group billing?")
        assert f"to {row.committed + 1}" in console.text().replace("offset ", "")

    consoles.run(test, "group/billing")


def test_from_a_topic_a_skip_asks_for_the_group_and_offers_the_one_that_reads_it(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("key-2")
        await console.until(lambda: console.app.snapshot.has_offsets)
        await console.press("x")
        assert console.view.query_one(Prompt).value == "billing"
        await console.press("enter")
        await console.until("RESET")

    consoles.run(test, "topic/orders/0")


@pytest.mark.parametrize("key", ["m", "x", "v"])
def test_a_read_only_context_says_why_the_key_is_off(consoles: Any, key: str) -> None:
    async def test(console: Any) -> None:
        await console.until("key-2")
        await console.press(key)
        await console.until(f"{key} is off: context prod is read-only.")

    consoles.mode = Mode.READ_ONLY
    consoles.run(test, "topic/orders/0")


def test_what_is_masked_is_marked_and_never_sent_again(consoles: Any) -> None:
    """The record that is shown is not the one that is there; sending it would write the mask."""

    async def test(console: Any) -> None:
        text = await console.until("key-2")
        assert "masked" in text.splitlines()[0]
        await console.press("n")
        await console.until("n is off: its values are masked")

    rules = Rules(masks=(MaskRule(topic="ord*", path="$.name"),))
    consoles.context = Context(name="prod", bootstrap=("fake:9092",), rules=rules)
    consoles.run(test, "topic/orders/0")


def test_a_rule_of_the_context_chooses_the_decoder(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("7b 22 6e 22")

    rules = Rules(serdes=(SerdeRule(topic="orders", value="hex"),))
    consoles.context = Context(name="prod", bootstrap=("fake:9092",), rules=rules)
    consoles.run(test, "topic/orders/0")


def test_a_rule_with_a_decoder_that_is_not_there_is_a_sentence(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("There is no decoder nonsense.")

    rules = Rules(serdes=(SerdeRule(topic="orders", value="nonsense"),))
    consoles.context = Context(name="prod", bootstrap=("fake:9092",), rules=rules)
    consoles.run(test, "topic/orders/0")
