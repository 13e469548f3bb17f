"""How does the console show the past? The slider of the cluster in front, and the moment that is read for the view."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

from kcon.errors import KconError
from kcon.tui.screens.base import KconScreen

if TYPE_CHECKING:
    from kcon.tui.desk import Desk
    from kcon.tui.launch import Launch
    from kcon.tui.past_view import PastView


class TimeTravel(App[int]):
    """The part of the console that goes to and fro in time."""

    desks: "list[Desk]"
    launch: "Launch"
    now_ms: Callable[[], int]
    _is_reading_past = False

    @property
    def past_view(self) -> "PastView | None":
        """Return the time slider of the cluster in front; None before it was used."""
        return self.desks[-1].past if self.desks else None

    @property
    def is_in_past(self) -> bool:
        """The view in front shows the past."""
        view, screen = self.past_view, self.screen
        return view is not None and view.is_on and isinstance(screen, KconScreen) and screen.SHOWS_PAST

    def enter_past(self) -> "PastView | None":
        """Show the past from now on; None without a cluster."""
        from kcon.tui.past_view import PastView

        if not self.desks:
            return None
        desk = self.desks[-1]
        if desk.past is None:
            desk.past = PastView(lambda: self.launch.open_past(desk.context, desk.snapshot), self.now_ms())
        desk.past.enter(self.now_ms())
        return desk.past

    def enter_recording(self, desk: "Desk", last_ms: int) -> None:
        """Show a recorded incident from its beginning."""
        from kcon.tui.past_view import PastView

        view = desk.past = PastView(lambda: self.launch.open_past(desk.context, None), last_ms, is_whole=True)
        view.enter(last_ms)
        self.read_past()

    def leave_past(self) -> None:
        """Show the present."""
        view = self.past_view
        if view is not None and not view.is_whole:
            view.leave()
        if isinstance(self.screen, KconScreen):
            self.screen.catch_up()

    def want_past_of(self, screen: KconScreen) -> None:
        """Read what a view shows of the past, if that is shown and not read yet."""
        view = self.past_view
        if view is not None and view.is_on and screen.SHOWS_PAST and self.screen is screen:
            shown = view.shown
            if shown is None or shown.owner is not screen or shown.asked_ms != view.at_ms:
                self.read_past()

    def read_past(self, then: Callable[[], None] | None = None) -> None:
        """Read the moment where the slider stands, for the view in front; the latest wish alone is kept."""
        if isinstance(self.screen, KconScreen):
            self.screen.draw_frame()
        if self._is_reading_past:
            return
        self._is_reading_past = True
        self.run_worker(self._read_past(then), name="read the past", exclusive=False)

    async def _read_past(self, then: Callable[[], None] | None) -> None:
        try:
            is_read = await self._read_wanted_moments()
        except KconError as error:
            view = self.past_view
            if view is not None:
                view.leave()
            if isinstance(self.screen, KconScreen):
                self.screen.catch_up()
                self.screen.complain(error)
            return
        finally:
            self._is_reading_past = False
        if is_read and isinstance(self.screen, KconScreen):
            with self.batch_update():
                self.screen.catch_up()
            if then is not None:
                then()

    async def _read_wanted_moments(self) -> bool:
        """Read until the moment that is wanted is there; return whether the past is still shown."""
        while self.is_in_past:
            view, screen = self.past_view, self.screen
            assert view is not None
            assert isinstance(screen, KconScreen)
            at_ms = view.at_ms
            view.take(*await asyncio.to_thread(view.read, at_ms, screen.past_reader, screen))
            if view.at_ms == at_ms and self.screen is screen:
                return view.is_on
        return False
