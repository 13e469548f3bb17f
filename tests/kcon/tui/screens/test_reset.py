"""Resets and their undo from the dialog: a live plan, a confirmation, a result; and what refuses."""

from typing import Any

import pytest

from kcon.contexts.context import Mode
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.gate.permit import Operation
from kcon.tui.screens.group import GroupScreen
from kcon.tui.screens.reset import ResetScreen
from kcon.tui.screens.undo import UndoPlanScreen

GROUP = "group/billing"


def at(partition: int) -> TopicPartition:
    return TopicPartition(topic_name("orders"), partition)


async def open_dialog(console: Any, target: str) -> None:
    await console.until("orders/1")
    await console.press("R")
    await console.until(lambda: isinstance(console.view, ResetScreen))
    await console.type(target)


def committed(consoles: Any) -> dict[int, int]:
    commits = consoles.cluster.groups_by_id["billing"].commits
    return {where.partition: commit.offset for where, commit in commits.items()}


def test_the_plan_is_live_and_nothing_is_sent_before_a_yes(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await open_dialog(console, "end")
        text = await console.until("Move 2 commits of group billing?")
        rows = {line.split()[0]: line.split()[1:5] for line in text.splitlines() if line.startswith("orders/")}
        assert rows == {"orders/0": ["60", "100", "+40", "0"], "orders/1": ["20", "90", "+70", "0"]}
        await console.type("-5")
        await console.until("+35")
        await console.press("enter", "n", "escape")
        await console.until(lambda: isinstance(console.view, GroupScreen))
        assert consoles.cluster.mutations == []

    consoles.run(test, GROUP)


def test_a_yes_commits_and_the_undo_list_takes_it_back(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await open_dialog(console, "start")
        await console.until("Move 2 commits")
        await console.press("enter", "y")
        text = await console.until("2 of 2 commits moved.")
        assert "committed" in text
        assert committed(consoles) == {0: 0, 1: 40}
        await console.press("escape")
        await console.until(lambda: isinstance(console.view, GroupScreen))
        consoles.now_ms += 3_000
        await console.press("u")
        await console.until("reset to start")
        await console.press("enter")
        await console.until(lambda: isinstance(console.view, UndoPlanScreen))
        await console.until("Take back 2 commits of group billing?")
        await console.press("y")
        await console.until("2 of 2 commits as before.")
        assert committed(consoles) == {0: 60, 1: 20}

    consoles.run(test, GROUP)


def test_the_dialog_reads_what_the_cli_reads(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await open_dialog(console, "current-10 -t orders:0")
        text = await console.until("Move 1 commit of group billing?")
        assert "-10" in text
        await console.press("enter", "y")
        await console.until("1 of 1 commit moved.")
        assert committed(consoles) == {0: 50, 1: 20}

    consoles.run(test, GROUP)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nonsense", "nonsense"),
        ("-5", "not clear"),
        ("--to-group nobody", "has no commits to copy"),
        ("+7", "not clear"),
    ],
)
def test_what_cannot_be_planned_is_a_sentence(consoles: Any, typed: str, said: str) -> None:
    async def test(console: Any) -> None:
        await open_dialog(console, typed)
        await console.until(said)
        await console.press("enter", "y")
        assert consoles.cluster.mutations == []

    consoles.run(test, GROUP)


def test_an_active_group_is_not_moved(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await open_dialog(console, "start")
        text = await console.until("its offsets cannot be moved")
        assert "1 member" in text
        await console.press("enter", "y")
        assert consoles.cluster.mutations == []

    group = consoles.cluster.groups_by_id["billing"]
    group.state, group.members = "Stable", [("app", [at(0)])]
    consoles.run(test, GROUP)


def test_a_protected_context_wants_the_name_typed(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await open_dialog(console, "start")
        await console.until("then type the name")
        await console.press("enter", "y")
        await console.type("billig")
        await console.press("enter")
        await console.until("That is not the name")
        assert consoles.cluster.mutations == []
        await console.press("y")
        await console.type("billing")
        await console.press("enter")
        await console.until("2 of 2 commits moved.")
        assert [operation for operation, _what in consoles.cluster.mutations] == [Operation.OFFSETS_COMMIT]

    consoles.mode = Mode.PROTECT
    consoles.run(test, GROUP)


def test_a_partition_that_is_refused_is_named(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await open_dialog(console, "start")
        await console.until("Move 2 commits")
        await console.press("enter", "y")
        text = await console.until("1 of 2 commits moved.")
        assert "UNKNOWN_MEMBER_ID" in text
        assert "committed" in text

    consoles.cluster.refuse[at(1)] = kafka_error(25)
    consoles.run(test, GROUP)


def test_nothing_to_change_asks_nothing(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await open_dialog(console, "current")
        await console.until("0 commits to move of 2")
        await console.until("Nothing to change.")
        await console.press("enter", "y")
        assert consoles.cluster.mutations == []

    consoles.cluster.commit("billing", "orders", 1, 50)
    consoles.run(test, GROUP)


def test_a_read_only_context_opens_no_dialog_and_takes_nothing_back(consoles: Any) -> None:
    async def reset(console: Any) -> None:
        await open_dialog(console, "start")
        await console.until("Move 2 commits")
        await console.press("enter", "y")
        await console.until("2 of 2 commits moved.")

    consoles.run(reset, GROUP)
    done = list(consoles.cluster.mutations)
    consoles.mode = Mode.READ_ONLY

    async def test(console: Any) -> None:
        await console.until("orders/1")
        await console.press("R")
        assert isinstance(console.view, GroupScreen)
        await console.press("u")
        await console.until("reset to start")
        await console.press("enter")
        await console.until("is read-only")
        await console.press("y")
        assert consoles.cluster.mutations == done

    consoles.run(test, GROUP)
