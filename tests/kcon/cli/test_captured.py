"""Command lines of the console: caught, safe, on the console's context."""

from typing import Any

from kcon.cli.captured import run_captured
from kcon.contexts.context import Context

CONTEXT = Context(name="seen", bootstrap=("fake:9092",))


def test_a_command_runs_on_the_given_context(orders: Any, tmp_path: Any) -> None:
    code, text, _err = run_captured(["topic", "list"], CONTEXT, 80, variables={"KCON_STATE_DIR": str(tmp_path)})
    assert code == 0
    assert text.splitlines()[1].startswith("clicks")
    assert orders.context == "seen"


def test_the_table_fits_the_width(orders: Any, tmp_path: Any) -> None:
    _code, text, _err = run_captured(["topic", "list"], CONTEXT, 30, variables={"KCON_STATE_DIR": str(tmp_path)})
    assert all(len(line) <= 30 for line in text.splitlines())


def test_errors_are_in_the_text_and_nobody_is_asked(orders: Any, tmp_path: Any) -> None:
    code, _out, err = run_captured(
        ["topic", "delete", "orders"], CONTEXT, 80, variables={"KCON_STATE_DIR": str(tmp_path)}
    )
    assert code == 6
    assert "--execute" in err
    assert orders.mutations == []
    code, _out, err = run_captured(["topic", "lst"], CONTEXT, 80, variables={})
    assert code == 2
    assert "Did you mean list?" in err
