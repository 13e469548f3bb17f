"""How does a view with several tables behave? One is shown at a time; the number keys change it."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on

from kcon.tui.screens.base import KconScreen
from kcon.tui.widgets.tabs import Tab, TabLine
from kcon.tui.widgets.virtual_table import VirtualTable


class TabbedScreen(KconScreen):
    """A view whose tables have the ids of TAB_IDS and stand behind a `TabLine`."""

    TAB_IDS: ClassVar[tuple[str | None, ...]] = ()
    """None: a tab that has nothing to show yet."""

    def __init__(self) -> None:
        super().__init__()
        self.tab = 0

    def tabs(self) -> Sequence[Tab]:
        """Return the tabs with their counts."""
        return ()

    def tab_note(self) -> str:
        """Return what stands behind the tabs."""
        return ""

    def mounted(self) -> None:
        """Show the first tab."""
        self._show_tab()
        super().mounted()

    def draw_tabs(self) -> None:
        """Draw the line of tabs."""
        self.query_one(TabLine).show(self.tabs(), self.tab, self.tab_note())

    def _show_tab(self) -> None:
        for index, table_id in enumerate(self.TAB_IDS):
            if table_id is not None:
                table = self.query_one(f"#{table_id}", VirtualTable)
                table.display = index == self.tab
                if table.display:
                    table.focus()
        self.draw_tabs()

    @on(TabLine.Picked)
    def _picked(self, event: TabLine.Picked) -> None:
        self.to_tab(event.index)

    def to_tab(self, index: int) -> None:
        """Bring a tab to the front."""
        if index >= len(self.TAB_IDS):
            return
        if self.TAB_IDS[index] is None:
            self.say(f"{self.tabs()[index].name}: not there yet.")
            return
        self.tab = index
        self._show_tab()
        self.draw_frame()

    def do_tab_1(self) -> None:
        """Show the first tab."""
        self.to_tab(0)

    def do_tab_2(self) -> None:
        """Show the second tab."""
        self.to_tab(1)

    def do_tab_3(self) -> None:
        """Show the third tab."""
        self.to_tab(2)

    def do_tab_4(self) -> None:
        """Show the fourth tab."""
        self.to_tab(3)

    def do_tab_5(self) -> None:
        """Show the fifth tab."""
        self.to_tab(4)
