"""What did a command print? Its output as text that scrolls."""

from collections.abc import Sequence

from textual.app import ComposeResult

from kcon.errors import ExitCode
from kcon.tui.screens.base import KconScreen
from kcon.tui.text import Part
from kcon.tui.widgets.pager import Pager
from kcon.tui.widgets.status_line import Fact


class OutputScreen(KconScreen):
    """The output of one command line."""

    TITLE_WORD = "OUTPUT"
    ACTIONS = ("yank",)
    COPIES = "ac"
    AUTO_FOCUS = "Pager"

    def __init__(self, command: str, code: int, output: str) -> None:
        super().__init__()
        self._command = command
        self._code = code
        self._output = output

    def body(self) -> ComposeResult:
        """The text."""
        yield Pager()

    def mounted(self) -> None:
        """Show it."""
        super().mounted()
        lines = self._output.rstrip("\n").split("\n") if self._output else ["(no output)"]
        self.query_one(Pager).show([[Part(line.expandtabs(8))] for line in lines])

    def facts(self) -> Sequence[Fact]:
        """The command and how it ended."""
        try:
            word = ExitCode(self._code).name.lower().replace("_", " ")
        except ValueError:
            word = "failed"
        return (Fact(self._command, 3), Fact(f"exit {self._code} {word}", 0, "ok" if self._code == 0 else "bad"))

    def cli_command(self) -> str:
        """Return the command itself."""
        return f"kcon {self._command.removeprefix('kcon ')}"

    def copy_text(self, letter: str) -> str | None:
        """Copy the output."""
        return self._output if letter == "a" else super().copy_text(letter)
