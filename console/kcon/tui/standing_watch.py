"""When does a desk look again at what changes slowly, and what did it find? A job of the engine, now and then."""

from typing import TYPE_CHECKING, Final

from kcon.errors import KconError
from kcon.tui.engine import Engine, Job, Receiver

if TYPE_CHECKING:
    from kcon.services.session import Session
    from kcon.services.standing import Standing, StandingReader

INTERVAL_MS: Final = 30_000
IDLE_FACTOR: Final = 50
"""The pause after a look is at least this many times as long as the look took."""


class StandingWatch:
    """The looks of one desk. The screen's thread."""

    def __init__(self, engine: Engine, owner: Receiver) -> None:
        self.known: Standing | None = None
        """What was found last."""
        self.failure = ""
        """Why the last look found nothing."""
        self._engine = engine
        self._owner = owner
        self._reader: StandingReader | None = None
        self._is_asking = False
        self._next_ms = 0
        self._asked_ms = 0

    def ask(self, now_ms: int, *, at_once: bool = False) -> None:
        """Look, if it is time. at_once: somebody asked for it."""
        if self._is_asking or (now_ms < self._next_ms and not at_once):
            return
        self._is_asking, self._asked_ms = True, now_ms
        self._engine.submit(Job("look at what changes slowly", self._read, self._owner, self._told, self._failed))

    async def _read(self, session: "Session") -> "tuple[Standing, int]":
        from kcon.services.standing import StandingReader

        if self._reader is None:
            self._reader = StandingReader()
        began_ms = session.now_ms()
        known = await self._reader.read(session)
        return known, session.now_ms() - began_ms

    def _told(self, told: "tuple[Standing, int]") -> None:
        self.known, took_ms = told
        self.failure = ""
        self._rest(took_ms)

    def _failed(self, error: KconError) -> None:
        self.failure = error.message
        self._rest(0)

    def _rest(self, took_ms: int) -> None:
        self._is_asking = False
        self._next_ms = self._asked_ms + max(INTERVAL_MS, took_ms * IDLE_FACTOR)
