"""Which cluster? The known contexts, an address to connect to, or the demo; also how one changes the cluster later."""

import asyncio
from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult

from kcon.contexts.context import Context
from kcon.errors import KconError
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.base import KconScreen
from kcon.tui.text import Line, Part
from kcon.tui.widgets.hint_line import HintLine
from kcon.tui.widgets.prompt import Prompt
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable

COLUMNS = (
    Column(key="name", title="CONTEXT", search=True),
    Column(key="mode", title="MODE", drop=1),
    Column(key="bootstrap", title="ADDRESS", flex=True, search=True),
)


class StartScreen(KconScreen):
    """The choice of a cluster."""

    TITLE_WORD = "KCON"
    ACTIONS = ("open", "connect", "demo", "import", "filter")

    def body(self) -> ComposeResult:
        """What can be done, and the contexts."""
        yield HintLine(self._welcome())
        yield VirtualTable(COLUMNS, has_sums=False, empty="no contexts yet")

    def _welcome(self) -> list[Line]:
        keymap = self.console.keymap
        choices = (
            ("demo", "a broker with real data, in this process's care; needs nothing"),
            ("connect", "look at a cluster by its address"),
            ("import", "keep a cluster under a name, so that it can be chosen below"),
        )
        lines: list[Line] = [[Part("")], [Part("  Which cluster?", "title")], [Part("")]]
        lines += [
            [Part(f"  {keymap.shown(name)} ", "key"), Part(f"{name:<9}", "strong"), Part(text, "dim")]
            for name, text in choices
        ]
        return [*lines, [Part("")]]

    def facts(self) -> Sequence[Fact]:
        """Nothing is known yet."""
        return ()

    def available(self) -> tuple[str, ...]:
        """Choose, or leave."""
        return (*self.ACTIONS, "help", "back", "quit")

    def snapshot_changed(self) -> None:
        """List the contexts."""
        try:
            known = self.console.launch.contexts()
        except KconError as error:
            self.complain(error)
            return
        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=[name for name, _bootstrap, _mode in known],
                values={
                    "name": [name for name, _bootstrap, _mode in known],
                    "bootstrap": [bootstrap for _name, bootstrap, _mode in known],
                    "mode": [mode for _name, _bootstrap, mode in known],
                },
            )
        )

    @on(VirtualTable.Chosen)
    def _chosen(self, event: VirtualTable.Chosen) -> None:
        self._use(str(event.key), None)

    def do_back(self) -> None:
        """Go back to the cluster that was shown, if there is one."""
        if self.console.engine is None:
            self.say("Choose a cluster, or leave with q.")
        else:
            super().do_back()

    def do_connect(self) -> None:
        """Ask for an address."""
        self.query_one(Prompt).open("connect", "host:port of any broker, e.g. localhost:9092")

    def do_import(self) -> None:
        """Ask for a context to keep."""
        self.query_one(Prompt).open("command", "context add NAME -b HOST:PORT", "context add ")

    def do_demo(self) -> None:
        """Start the demo."""
        start = self.console.launch.start_demo
        if start is None:
            self.say("The demo is started with `kcon demo`.")
            return
        self.say("Starting a broker with real data ...")

        async def work() -> None:
            try:
                context = await asyncio.to_thread(start)
            except KconError as error:
                self.complain(error)
                return
            self.console.use_context(context)

        self.app.run_worker(work(), name="start the demo")

    def prompted(self, purpose: str, text: str) -> None:
        """Connect to the address."""
        if purpose == "connect" and text.strip():
            self._use(None, text.strip())

    def _use(self, name: str | None, address: str | None) -> None:
        resolve = self.console.launch.resolve
        if resolve is None:
            return
        try:
            context: Context = resolve(name, address)
        except KconError as error:
            self.complain(error)
            return
        self.console.use_context(context)
