"""How does any change of the CLI go through in the console? Its plan as a table, the question, and its result.

The command itself makes the plan (`--dry-run`), carries it out (`-y`, or `--confirm NAME` in a protected context) and
says what became of each item; so there is one plan, one gate and one result for both fronts. Above the plan stand the
command and what Apache's own tool would be given.
"""

import asyncio
import json
import shlex
from collections.abc import Sequence
from typing import Any, Final

from textual.app import ComposeResult

from kcon.commands.apache import apache_command
from kcon.commands.parse import parse
from kcon.commands.request import Request
from kcon.contexts.context import Mode
from kcon.errors import KconError
from kcon.tui.launch import Answer
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.plan import PlanScreen
from kcon.tui.screens.reset import result_role
from kcon.tui.text import Line, Part, show
from kcon.tui.widgets.pager import wrap
from kcon.tui.widgets.prompt import Prompt
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

CODES_OF_REFUSAL: Final = frozenset({2, 6})
PASSWORD_WORDS: Final = ("--password-file", "-")
DONE_WORDS: Final = frozenset(
    {"begun", "created", "set", "changed", "cancelled", "aborted", "purged", "elected", "added"}
)
TEXT_WIDTH_MAX: Final = 60
FACT_LINES_MAX: Final = 12
"""Of a command with a thousand names the rest is cut; y c copies it in full."""


def is_change(request: Request) -> bool:
    """Return whether a command changes the cluster once it is confirmed, and has a plan to show first."""
    told: Any = request
    confirmation = getattr(told, "confirmation", None)
    if confirmation is None or confirmation.dry_run or confirmation.confirmed_by is not None:
        return False
    match type(request).__name__:
        case "ReassignPlan":
            return bool(told.execute) and told.from_file != "-"
        case "BrokerConfig":
            return bool(told.edits)
        case "GroupReset":
            return not told.export and told.from_file != "-" and told.wait_ms is None
        case "GroupUndo":
            return not told.list_records and told.wait_ms is None
        case "Produce":
            return False
        case _:
            return True


def needs_password(request: Request) -> bool:
    """Return whether the command would ask for a password."""
    told: Any = request
    return type(request).__name__ == "UserSet" and told.password_file is None and told.password_env is None


class ChangeScreen(PlanScreen):
    """The plan of one command line."""

    TITLE_WORD = "PLAN"

    def __init__(self, words: Sequence[str]) -> None:
        """words: of the command, without `kcon` and without anything that confirms. UsageError when they are off."""
        super().__init__()
        self._words = list(words)
        self._request = parse(self._words)
        self._items: list[dict[str, Any]] = []
        self._errors: list[str] = []
        self._is_planned = False
        self._can_run = False
        self._password = b""

    def body(self) -> ComposeResult:
        """The commands, the plan, the question."""
        yield from self.plan_body(VirtualTable((), empty="planning ..."))

    def mounted(self) -> None:
        """Plan."""
        super().mounted()
        self._show()
        self._plan()

    def crumbs(self) -> Sequence[Fact]:
        """Say which command."""
        return (Fact(self._request.command),)

    def cli_command(self) -> str:
        """Return the command."""
        return f"kcon {shlex.join(self._words)}"

    def available(self) -> tuple[str, ...]:
        """`r` plans again."""
        return (*super().available(), "refresh")

    # --- the plan --------------------------------------------------------------------------------------------

    def do_refresh(self) -> None:
        """Plan again with what the cluster says now."""
        if not self.is_done:
            self._plan()
        super().do_refresh()

    def _plan(self) -> None:
        self._run(["--dry-run"], self._planned)

    def _run(self, extra: Sequence[str], then: Any, stdin: bytes = b"") -> None:
        runner = self.console.launch.run_command
        if runner is None:
            self._errors = ["Commands cannot be run here."]
            self._show()
            return
        context, words = self.console.context, [*self._words, *extra, "--output", "json"]
        entry = self.console.request_log.began(
            f"{self._request.command} {extra[0]}", self.cli_command(), self.console.now_ms()
        )

        async def work() -> None:
            answer = await asyncio.to_thread(runner, words, context, 200, stdin)
            self.console.request_log.ended(
                entry, self.console.now_ms(), "" if answer.code == 0 else f"exit {answer.code}"
            )
            if self.is_ready and self.console.context == context:
                then(answer)

        self.run_worker(work(), name=f"change {self._request.command}", exclusive=True)

    def _take(self, answer: Answer) -> None:
        self._items, self._errors = [], []
        for text in (answer.out, answer.err):
            document = _document(text)
            items = document.get("items", [])
            self._items += [item for item in items if isinstance(item, dict)]
            for error in document.get("errors", []):
                self._errors.append(f"{error.get('message', '')} {error.get('hint', '')}".strip())
        if answer.code and not self._errors:
            self._errors = [line for line in answer.err.splitlines() if line.strip()][:5] or [f"exit {answer.code}"]

    def _planned(self, answer: Answer) -> None:
        self._take(answer)
        self._is_planned = True
        # What one item lacks does not keep the others from being changed; nothing to change is nothing to ask.
        self._can_run = bool(self._items) and answer.code not in CODES_OF_REFUSAL
        if answer.code and len(self._errors) >= len(self._items):
            self._can_run = False
        self._show()

    def _show(self) -> None:
        table = self.query_one(VirtualTable)
        columns = columns_of(self._items)
        table.view.declare(columns)
        table.empty = "nothing fits" if self._is_planned else "planning ..."
        table.set_rows(
            Rows(
                keys=range(len(self._items)),
                values={column.key: [_cell(item.get(column.key)) for item in self._items] for column in columns},
            )
        )
        self.show_facts(self._fact_lines())
        self.show_ask()

    def _fact_lines(self) -> list[Line]:
        context = self.console.context
        apache = apache_command(self._request, ",".join(context.bootstrap))
        lines: list[Line] = [
            [Part("  kcon    ", "dim"), Part(shlex.join(self._words), "strong")],
            [Part("  apache  ", "dim"), Part(apache or "its tools have no single command for this", "text")],
            *([Part(f"  ! {error}", "bad")] for error in self._errors[:6]),
        ]
        width = max(1, self.size.width)
        return [row for line in lines for row in wrap(line, width)][:FACT_LINES_MAX]

    # --- carrying it out -------------------------------------------------------------------------------------

    def is_planned(self) -> bool:
        """The plan comes a moment after the dialog."""
        return self._is_planned

    def question(self) -> str | None:
        """Ask about the command."""
        return f"Carry this out on {self.console.cluster_name}?" if self._can_run else None

    def blocked(self) -> str | None:
        """A read-only context and a plan that is not there yet."""
        if self.console.context.mode is Mode.READ_ONLY:
            return f"Context {self.console.context.name} is read-only: nothing can be changed."
        return None

    def typed_name(self) -> str:
        """What the gate will want: the name, or how many there are."""
        names = getattr(self._request, "names", None)
        group = getattr(self._request, "group", None)
        if isinstance(group, str):
            return group
        if isinstance(names, tuple) and names:
            return str(names[0]) if len(names) == 1 else f"{len(names)} targets"
        return "the target's name"

    def prompted(self, purpose: str, text: str) -> None:
        """Hand the typed name to the gate, which knows it better; take the password."""
        if purpose == "password":
            if text:
                self._password = text.encode()
                super().start("dialog")
            return
        if purpose == "confirm" and text:
            self.start(f"name:{text}")

    def start(self, confirmed_by: str) -> None:
        """Begin to carry it out; where a password is needed, ask for it first."""
        if needs_password(self._request) and not self._password:
            self.query_one(Prompt).open_secret("password", "the new password; it is not shown")
            return
        super().start(confirmed_by)

    def apply(self, confirmed_by: str) -> None:
        """Carry it out."""
        extra = ["--confirm", confirmed_by.removeprefix("name:")] if confirmed_by.startswith("name:") else ["-y"]
        secret, self._password = self._password, b""
        if needs_password(self._request):
            extra += PASSWORD_WORDS
        self._run(extra, self._applied, secret)

    def _applied(self, answer: Answer) -> None:
        self._take(answer)
        self._show()
        if answer.code in CODES_OF_REFUSAL:
            text = self._errors[0] if self._errors else "It was refused."
            self.not_done(KconError(text))
            return
        self.finished("Done." if answer.code == 0 else f"Not all of it: exit {answer.code}.", bad=answer.code != 0)
        self._show()


def _document(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def columns_of(items: Sequence[dict[str, Any]]) -> list[Column]:
    """Return columns for the items of an answer: each key once, numbers to the right, the result last."""
    keys = list(dict.fromkeys(key for item in items for key in item))
    keys.sort(key=lambda key: key == "result")
    columns = []
    for place, key in enumerate(keys):
        values = [item.get(key) for item in items]
        numeric = any(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        columns.append(
            Column(
                key=key,
                title=key.replace("_", " ").upper(),
                right=numeric,
                width_max=TEXT_WIDTH_MAX,
                search=not numeric,
                role=_result_role if key == "result" else None,
                drop=0 if place == 0 or key == "result" else place,
            )
        )
    return columns


def _result_role(value: object) -> str:
    word = str(value)
    if word in DONE_WORDS:
        return "ok"
    return "dim" if word.startswith(("to be", "would be")) else result_role(value)


def _cell(value: object) -> object:
    if isinstance(value, list):
        return ",".join(show(part) if not isinstance(part, int) else str(part) for part in value)
    if isinstance(value, dict):
        return " ".join(f"{key}={show(part)}" for key, part in value.items())
    return value
