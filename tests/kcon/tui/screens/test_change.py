"""Every change: its plan first, then a question, then the result of each item; nothing is sent before that."""

from typing import Any

import pytest

from kcon.cli.captured import run_captured
from kcon.contexts.context import Mode
from kcon.gate.permit import Operation
from kcon.tui.screens.change import ChangeScreen


@pytest.fixture(autouse=True)
def commands(consoles: Any) -> None:
    """Let the console run the CLI over the same cluster."""

    def run_command(argv: Any, context: Any, columns: int, stdin: bytes = b"") -> Any:
        return run_captured(argv, context, columns, stdin, variables={"KCON_STATE_DIR": str(consoles.folder)})

    consoles.run_command = run_command


def test_a_plan_shows_both_commands_and_y_carries_it_out(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        console.app.execute_line("topic delete clicks")
        text = await console.until("Carry this out on prod?")
        assert "kcon    topic delete clicks" in text
        assert "apache  kafka-topics.sh --bootstrap-server fake:9092 --delete --topic clicks" in text
        assert consoles.cluster.mutations == []
        await console.press("y")
        await console.until("Done.")
        assert [operation for operation, _what in consoles.cluster.mutations] == [Operation.TOPIC_DELETE]
        await console.press("y")
        assert len(consoles.cluster.mutations) == 1

    consoles.run(test)


def test_a_protected_context_wants_the_name(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        console.app.execute_line("topic delete clicks")
        await console.until("then type the name")
        await console.press("y")
        await console.type("nonsense")
        await console.press("enter")
        await console.until("--confirm clicks")
        assert consoles.cluster.mutations == []
        await console.press("y")
        await console.type("clicks")
        await console.press("enter")
        await console.until("Done.")
        assert len(consoles.cluster.mutations) == 1

    consoles.mode = Mode.PROTECT
    consoles.run(test)


def test_a_read_only_context_shows_the_plan_and_carries_nothing_out(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        console.app.execute_line("topic delete clicks")
        await console.until("is read-only: nothing can be changed")
        await console.press("y")
        assert consoles.cluster.mutations == []

    consoles.mode = Mode.READ_ONLY
    consoles.run(test)


def test_what_is_not_there_is_said_and_nothing_is_asked(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        console.app.execute_line("topic delete nope")
        text = await console.until("nope does not exist")
        assert "Carry this out" not in text
        await console.press("escape")
        assert not isinstance(console.view, ChangeScreen)
        assert consoles.cluster.mutations == []

    consoles.run(test)


def test_marked_topics_are_deleted_in_one_plan(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("orders")
        await console.press("asterisk")
        await console.until("2 marked")
        await console.press("X", "t")
        text = await console.until("Carry this out on prod?")
        assert "topic delete clicks orders" in text
        await console.press("y")
        await console.until("Done.")
        assert consoles.cluster.mutations[0][0] is Operation.TOPIC_DELETE

    consoles.run(test, "topics")


def test_a_command_that_confirms_itself_runs_as_in_the_cli(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("billing")
        console.app.execute_line("topic delete clicks -y")
        await console.until("exit 0 ok")
        assert len(consoles.cluster.mutations) == 1

    consoles.run(test)
