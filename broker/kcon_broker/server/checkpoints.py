"""When do the checkpoints of the data folder reach the disk, and who waits for that?

They are written off the loop, one at a time: now and then (`housekeeping`), and soon after somebody asked for it. All
who ask while one is being written share the next.
"""

import asyncio
import logging

from kcon_broker.server.stepping import drive
from kcon_broker.server.tasks import spawn
from kcon_broker.state.gate import Gate
from kcon_broker.storage.data_folder import DataFolder

_logger = logging.getLogger("kcon_broker")


class CheckpointWriter:
    """Writes what was noted in the folder."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._asked = 0
        self._begun = 0
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.saved = Gate()
        """Its mark is the last wish (`soon`) that is durable; it fails for all who wait when a write fails."""

    def soon(self) -> int:
        """Have what is noted by now written; return the position of `saved` at which it is durable."""
        self._asked += 1
        if self._task is None:
            self._task = spawn(self._write_what_is_asked(), name="checkpoints asked for")
        return self._asked

    async def write(self) -> None:
        """Write what is noted by now; return when it is durable. Raises OSError."""
        async with self._writing:
            asked = self._begun = self._asked
            try:
                await drive(self._folder.checkpoint_steps())
            except OSError:
                self.saved.fail()
                raise
            self.saved.advance(asked)

    async def drain(self) -> None:
        """Return when nobody waits any more."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def stop(self) -> None:
        """Write no more."""
        if self._task is not None:
            self._task.cancel()

    async def _write_what_is_asked(self) -> None:
        try:
            while self._begun < self._asked:
                try:
                    await self.write()
                except OSError as error:
                    _logger.error("writing the checkpoints failed: %s", error)
        finally:
            self._task = None
