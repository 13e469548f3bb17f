"""Which keys work here, and why do some not? The help of a view."""

from textual.app import ComposeResult

from kcon.tui.actions import ACTIONS
from kcon.tui.rows import Column, Rows, sort_letters
from kcon.tui.screens.base import KconScreen
from kcon.tui.widgets.virtual_table import VirtualTable

_COLUMNS = (
    Column(key="key", title="KEY"),
    Column(key="what", title="WHAT IT DOES", flex=True, search=True),
    Column(key="state", title="STATE", drop=1, role=lambda value: "warn" if value else "text"),
)


class HelpScreen(KconScreen):
    """The keys of the view below it."""

    TITLE_WORD = "KEYS"
    ACTIONS = ("filter",)

    def __init__(self, view: KconScreen) -> None:
        super().__init__()
        self._view = view

    def body(self) -> ComposeResult:
        """One table."""
        yield VirtualTable(_COLUMNS, has_sums=False)

    def available(self) -> tuple[str, ...]:
        """Only to look, and back."""
        return ("filter", "back", "help", "quit")

    def do_help(self) -> None:
        """The same key closes it."""
        self.leave()

    def snapshot_changed(self) -> None:
        """Fill the table."""
        view, keymap = self._view, self.console.keymap
        rows = [(keymap.shown(name), ACTIONS[name].title, view.why_not(name) or "") for name in view.available()]
        rows += [
            ("up down j k", "Move; page up, page down, home and end too", ""),
            ("tab", "Next panel", ""),
            ("mouse", "Click a key to press it, a title to sort, a row twice to open it, the path to go back", ""),
            ("mouse", "Click the view's name for all actions", ""),
        ]
        table = view.table
        if table is not None:
            letters = ", ".join(
                f"{letter} {column.title.lower()}" for letter, column in sort_letters(table.columns).items()
            )
            rows.append((f"{keymap.shown('sort')} + letter", f"Sort by {letters}", ""))
        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=range(len(rows)),
                values={
                    "key": [row[0] for row in rows],
                    "what": [row[1] for row in rows],
                    "state": [f"off: {row[2]}" if row[2] else "" for row in rows],
                },
            )
        )
