"""What can be done in every view? The actions that work everywhere, and how a view begins and catches up.

A view names its actions and defines `do_<action>` for each; it reads `app.snapshot` and submits jobs to the engine.
It never asks the cluster itself. The frame is `frame.py`, jobs are `working.py`, keys are `keyed.py`.
"""

from typing import ClassVar, Final

from textual import on

from kcon.errors import KconError
from kcon.tui.rows import sort_letters
from kcon.tui.screens.keyed import FILTER_HINT
from kcon.tui.screens.timed import TimedScreen
from kcon.tui.widgets.status_line import StatusLine
from kcon.tui.widgets.virtual_table import VirtualTable

COPY_LETTERS: Final = {"k": "key", "v": "value", "h": "headers", "o": "offset", "a": "all", "c": "CLI command"}


class KconScreen(TimedScreen):
    """A view."""

    COPIES: ClassVar[str] = "oc"
    """Letters of what can be copied here: k key, v value, h headers, o name or offset, a all, c the CLI command."""

    def snapshot_changed(self) -> None:
        """Draw what the new snapshot says."""

    def copy_text(self, letter: str) -> str | None:
        """Return the text for a letter of COPIES; None when there is nothing."""
        return self.cli_command() if letter == "c" else None

    # --- beginning and going on ------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Begin, unless the view was left before it was complete."""
        if self in self.app.screen_stack and self.query(StatusLine):
            self.is_ready = True
            for table in self.query(VirtualTable):
                self._arrange(table)
            self.mounted()
            self.call_after_refresh(self.console.begin_looking)

    def on_unmount(self) -> None:
        """Draw nothing more."""
        self.is_ready = False

    def mounted(self) -> None:
        """Draw for the first time. Views that need more begin here."""
        self.set_interval(1.0, self.draw_frame)
        self.draw_frame()
        self.snapshot_changed()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another view was in front."""
        self.catch_up()

    def on_resize(self) -> None:
        """What is drawn depends on the width."""
        self.catch_up()

    def catch_up(self) -> None:
        """Draw the newest snapshot; a view whose parts are not in place yet draws it when they are."""
        if self.is_ready:
            self.console.want_past_of(self)
            self.snapshot_changed()
            self.draw_frame()

    # --- how a table is arranged -----------------------------------------------------------------------------

    def _name_of(self, table: VirtualTable) -> str:
        """Return the name under which the arrangement of a table is kept."""
        return f"{self.TITLE_WORD.lower()}.{table.id}" if table.id else self.TITLE_WORD.lower()

    def _arrange(self, table: VirtualTable) -> None:
        kept = self.console.arrangements.of(self._name_of(table))
        if kept.columns:
            table.view.choose_columns(kept.columns)
        if kept.sort is not None and any(column.key == kept.sort[0] for column in table.view.all_columns):
            table.view.sort = kept.sort

    @on(VirtualTable.Arranged)
    def _arranged(self, event: VirtualTable.Arranged) -> None:
        """Remember the order and the columns that a person chose."""
        event.stop()
        view = event.table.view
        chosen = [column.key for column in view.columns]
        declared = [column.key for column in view.all_columns if not column.hidden]
        self.console.arrangements.keep(
            self._name_of(event.table), sort=view.sort, columns=() if chosen == declared else tuple(chosen)
        )

    @on(StatusLine.Picked)
    def _picked_place(self, event: StatusLine.Picked) -> None:
        """A click on the view's name lists the actions, one on the path leads back."""
        event.stop()
        if self.is_ready and self.is_current:
            if event.place < 0 and "command" in self.available():
                self.console.execute_line("")
            elif event.place == 0:
                self.do_back()

    # --- tables ----------------------------------------------------------------------------------------------

    def do_open(self) -> None:
        """Open the row with the cursor."""
        if self.table is not None:
            self.table.action_choose()

    def do_back(self) -> None:
        """Go back to the present first; else clear the filter, then the marks; then leave."""
        table = self.table
        view = self.past_view
        if view is not None and not view.is_whole:
            self.console.leave_past()
        elif table is not None and table.filter is not None:
            table.set_filter(None)
        elif table is None or not table.clear_marks():
            self.leave()

    def leave(self) -> None:
        """Go to the view below; below the first one is the overview. Nothing if it was left already."""
        if not self.is_current or self.console.is_home:
            return
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        elif self.console.engine is not None:
            self.console.go("overview")

    def do_filter(self) -> None:
        """Ask for a filter."""
        table = self.table
        if table is not None:
            value = table.filter.typed if table.filter else ""
            kept = self.console.arrangements.filters_of(self._name_of(table))
            self.ask_line("filter", FILTER_HINT, value, tuple(kept))

    def do_keep_filter(self) -> None:
        """Keep the filter of this table, so that it is offered again; a kept one is forgotten."""
        table = self.table
        if table is None or table.filter is None:
            self.say("There is no filter to keep.", bad=True)
            return
        kept = self.console.arrangements.toggle_filter(self._name_of(table), table.filter.typed)
        self.say(f"{'Kept' if kept else 'Forgotten'}: /{table.filter.typed}")

    def do_sort(self) -> None:
        """Ask for the letter of a column."""
        table = self.table
        if table is not None:
            letters = {letter: column.title.lower() for letter, column in sort_letters(table.columns).items()}
            self.ask_letter("sort by", letters, self._sort_by)

    def _sort_by(self, letter: str) -> None:
        if self.table is not None and not self.table.toggle_sort(letter):
            self.say(f"There is no column for {letter!r}.", bad=True)

    def do_columns(self) -> None:
        """Choose which columns are shown, and in which order."""
        from kcon.tui.screens.columns import ColumnsScreen

        if self.table is not None:
            self.app.push_screen(ColumnsScreen(self.table))

    def do_mark(self) -> None:
        """Mark the row with the cursor."""
        if self.table is not None:
            self.table.toggle_mark()

    def do_mark_all(self) -> None:
        """Mark every row that the filter lets through."""
        if self.table is not None:
            self.table.toggle_marks()

    # --- copying ---------------------------------------------------------------------------------------------

    def do_yank(self) -> None:
        """Ask what to copy."""
        self.ask_letter("copy", {letter: COPY_LETTERS[letter] for letter in self.COPIES}, self._yank)

    def _yank(self, letter: str) -> None:
        text = self.copy_text(letter) if letter in self.COPIES else None
        if text is None:
            self.say(f"There is nothing to copy for {letter!r}.", bad=True)
            return
        self.app.copy_to_clipboard(text)
        shown = f"{len(text):,} characters" if len(text) > 60 else text
        self.say(f"Copied: {shown}")

    # --- changes ---------------------------------------------------------------------------------------------

    def type_command(self, text: str) -> None:
        """Offer a command to be completed; its plan is shown before anything is changed."""
        self.ask_line("command", "complete the command; its plan is shown first", text)

    def plan(self, *words: str) -> None:
        """Show the plan of a command."""
        from kcon.tui.screens.change import ChangeScreen

        try:
            self.app.push_screen(ChangeScreen(words))
        except KconError as error:
            self.complain(error)

    # --- everywhere ------------------------------------------------------------------------------------------

    def do_command(self) -> None:
        """Ask for a command line."""
        self.ask_line("command", "a command as in the CLI; enter alone lists every action")

    def do_help(self) -> None:
        """Show the keys."""
        from kcon.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self))

    def do_log(self) -> None:
        """Show what was asked, and the commands that ask the same."""
        from kcon.tui.screens.log import LogScreen

        self.app.push_screen(LogScreen())

    def do_zone(self) -> None:
        """Show times in another way."""
        self.say(f"Times: {self.console.times.turn()}.")
        self.catch_up()

    def do_refresh(self) -> None:
        """Look now."""
        if self.console.engine is not None:
            self.console.engine.refresh()

    def do_pause(self) -> None:
        """Pause, or go on."""
        engine = self.console.engine
        if engine is not None:
            engine.set_paused(not engine.is_paused)
            self.draw_frame()

    def do_faster(self) -> None:
        """Look more often."""
        self.console.change_interval(-1)

    def do_slower(self) -> None:
        """Look less often."""
        self.console.change_interval(1)

    def do_overview(self) -> None:
        """Go to the overview."""
        self.console.go("overview")

    def do_topics(self) -> None:
        """Go to the topics."""
        self.console.go("topics")

    def do_groups(self) -> None:
        """Go to the groups."""
        self.console.go("groups")

    def do_brokers(self) -> None:
        """Go to the brokers."""
        self.console.go("brokers")

    def do_contexts(self) -> None:
        """Choose another cluster."""
        self.console.choose_context()

    def do_theme(self) -> None:
        """Look different: the next theme."""
        self.say(f"Theme: {self.console.next_theme()}.")

    def do_quit(self) -> None:
        """Leave."""
        self.app.exit(0)
