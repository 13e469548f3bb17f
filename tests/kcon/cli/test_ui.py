"""`kcon` and `kcon ui`: what the console is opened with."""

import io
from typing import Any

import pytest

from kcon.cli.environment import Environment
from kcon.cli.run import run
from kcon.contexts.context import Context

NOT_OPENED = ("not", "opened")


def opened_with(kcon: Any, *argv: str, stderr_is_terminal: bool = True) -> tuple[int, Any]:
    """Run on a terminal; return the exit code and what the console was opened with."""
    seen: list[tuple[Context | None, str | None]] = []

    def open_console(context: Context | None, address: str | None) -> int:
        seen.append((context, address))
        return 0

    environment = Environment(
        stdin=io.BytesIO(),
        stdout=io.BytesIO(),
        stderr=io.BytesIO(),
        stdin_is_terminal=True,
        stdout_is_terminal=True,
        stderr_is_terminal=stderr_is_terminal,
        variables=kcon.variables,
        folder=kcon.folder,
    )
    code = run(argv, environment, open_console)
    return code, seen[0] if seen else NOT_OPENED


@pytest.mark.parametrize(
    ("argv", "bootstrap"),
    [((), "fake:9092"), (("ui",), "fake:9092"), (("-b", "h:1"), "h:1"), (("ui", "-b", "h:1"), "h:1")],
)
def test_a_named_cluster_is_opened(kcon: Any, argv: tuple[str, ...], bootstrap: str) -> None:
    code, (context, address) = opened_with(kcon, *argv)
    assert code == 0
    assert context.bootstrap == (bootstrap,)
    assert address is None


def test_the_console_is_not_drawn_into_a_file(kcon: Any) -> None:
    """Textual draws on standard error."""
    assert opened_with(kcon, "ui", stderr_is_terminal=False) == (2, NOT_OPENED)


def test_an_address_is_handed_over(kcon: Any) -> None:
    assert opened_with(kcon, "ui", "topic/orders")[1][1] == "topic/orders"


def test_without_a_cluster_the_console_offers_a_choice(kcon: Any) -> None:
    del kcon.variables["KCON_BOOTSTRAP"]
    assert opened_with(kcon) == (0, (None, None))
    assert opened_with(kcon, "ui", "topic/orders") == (2, NOT_OPENED)
    assert opened_with(kcon, "-C", "nope") == (2, NOT_OPENED)
