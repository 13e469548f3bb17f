"""A sync that only pretends: what a check of durability must find out."""

import asyncio
from collections.abc import Callable, Iterable

import pytest

from kcon_broker.server.sync import Errors, SyncEngine
from kcon_broker.storage.files import Syncable


def pretend_to_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every broker say that its files are synced, and sync none."""

    def say_so(file: Syncable) -> None:
        file.begin_sync()
        file.end_sync(None)

    def begin(self: SyncEngine, files: Iterable[Syncable], on_end: Callable[[Errors], None]) -> None:
        for file in files:
            say_so(file)
        asyncio.get_running_loop().call_soon(on_end, {})

    def sync_here(self: SyncEngine, file: Syncable) -> Errors:
        say_so(file)
        return {}

    monkeypatch.setattr(SyncEngine, "begin", begin)
    monkeypatch.setattr(SyncEngine, "sync_here", sync_here)
