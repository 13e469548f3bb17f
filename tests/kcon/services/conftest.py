"""A session over the cluster in memory."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from kcon.contexts.context import Context, Mode
from kcon.services.session import Session, open_session

T = TypeVar("T")
NOW_MS = 1_795_487_700_000


class Runner:
    """Runs coroutine functions on sessions of one state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mode = Mode.READ_WRITE
        self._now_ms = itertools.count(NOW_MS)

    def __call__(self, function: Callable[..., Awaitable[T]], *arguments: Any, **named: Any) -> T:
        """Run `function(session, ...)` on an event loop of its own."""

        async def main() -> T:
            async with self.session() as session:
                return await function(session, *arguments, **named)

        return asyncio.run(main())

    def session(self) -> Session:
        """Return a new session."""
        context = Context(name="test", bootstrap=("fake:9092",), mode=self.mode)
        return open_session(context, {"KCON_STATE_DIR": str(self.folder)}, lambda: next(self._now_ms))


@pytest.fixture
def on_session(tmp_path: Path) -> Runner:
    """Return a function that runs a service on a session."""
    return Runner(tmp_path)
