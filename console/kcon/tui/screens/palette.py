"""What can be done here, by name? Every action of the view, found by typing a few of its letters."""

from textual import events, on
from textual.app import ComposeResult
from textual.widgets import Input

from kcon.tui.actions import ACTIONS
from kcon.tui.rows import Column, Rows, parse_filter
from kcon.tui.screens.base import KconScreen
from kcon.tui.widgets.virtual_table import VirtualTable

COLUMNS = (
    Column(key="what", title="ACTION", flex=True, search=True),
    Column(key="key", title="KEY"),
    Column(key="state", title="STATE", drop=1, role=lambda value: "warn" if value else "text"),
)


class PaletteScreen(KconScreen):
    """The actions of the view below."""

    TITLE_WORD = "ACTIONS"
    AUTO_FOCUS = "#wanted"
    DEFAULT_CSS = "PaletteScreen #wanted { height: 1; border: none; padding: 0 2; background: $panel; }"

    def __init__(self, view: KconScreen) -> None:
        super().__init__()
        self._view = view
        self._names = [name for name in view.available() if name not in {"command", "back"}]

    def body(self) -> ComposeResult:
        """What is wanted, and the actions."""
        yield Input(placeholder="letters of an action", id="wanted", compact=True, max_length=200)
        yield VirtualTable(COLUMNS, has_sums=False)

    def available(self) -> tuple[str, ...]:
        """Choose or leave."""
        return ("open", "back")

    def snapshot_changed(self) -> None:
        """Fill the table."""
        keymap, names = self.console.keymap, self._names
        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=names,
                values={
                    "what": [ACTIONS[name].title for name in names],
                    "key": [keymap.shown(name) for name in names],
                    "state": [f"off: {why}" if (why := self._view.why_not(name)) else "" for name in names],
                },
            )
        )

    @on(Input.Changed, "#wanted")
    def _wanted(self, event: Input.Changed) -> None:
        table = self.query_one(VirtualTable)
        table.set_filter(parse_filter(f"~{event.value}" if event.value else ""))
        table.action_edge(-1)

    @on(Input.Submitted, "#wanted")
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(VirtualTable).action_choose()

    @on(VirtualTable.Chosen)
    def _chosen(self, event: VirtualTable.Chosen) -> None:
        self.leave()
        self._view.run_action_named(str(event.key))

    def hear_key(self, event: events.Key) -> None:
        """Arrows move through the list while letters are typed."""
        table = self.query_one(VirtualTable)
        if event.key in {"up", "down"}:
            event.stop()
            table.action_move(-1 if event.key == "up" else 1)
        elif event.key == "escape":
            event.stop()
            self.leave()
        elif not isinstance(self.focused, Input):
            super().hear_key(event)
