"""How does what is on the disk get into memory while the loop goes on?

A thread reads it and forgets it: what counts is that the operating system has it now, and the next attempt to read it
from the loop does not wait. Where that memory is too short to hold it, the loop waits after all (see `handlers/fetch`).
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from kcon_broker.storage.files import WouldBlockError

_CHUNK_BYTES = 1 << 20


async def read_ahead(reads: Iterable[WouldBlockError]) -> None:
    """Return when a thread has read all that was missing; an error is left to the next attempt to find."""
    for missing in reads:
        try:
            read = missing.file.begin_read()
        except OSError:
            continue
        running = asyncio.get_running_loop().run_in_executor(None, _read_all, read, missing.size, missing.position)
        try:
            await asyncio.shield(running)
        finally:
            if not running.done():
                # Cancelled; the thread still uses the file.
                await asyncio.wait([running])
            missing.file.end_read()


def _read_all(read: Callable[[int, int], bytes], size: int, position: int) -> None:
    with contextlib.suppress(OSError):
        for start in range(position, position + size, _CHUNK_BYTES):
            if not read(min(_CHUNK_BYTES, position + size - start), start):
                return
