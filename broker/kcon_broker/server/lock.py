"""Does another broker use this data folder?

The lock is `flock` on a file in the folder: it goes with the process, however that ends.
"""

import fcntl
import os
from pathlib import Path

from kcon_broker.errors import FolderInUseError, FolderUnreadableError

_NAME = ".lock"


class FolderLock:
    """The right to be the only broker of a folder."""

    def __init__(self, folder: Path) -> None:
        """Make the folder where it is missing and take the lock; raises BrokerError."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderUnreadableError(f"The data folder {folder} cannot be used: {error.strerror}.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise FolderInUseError(f"Another broker uses the data folder {folder}.") from error

    def release(self) -> None:
        """Let others use the folder."""
        os.close(self._descriptor)
