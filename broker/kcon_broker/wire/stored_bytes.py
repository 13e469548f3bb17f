"""What stands in an answer for bytes that nobody has read: the operating system sends them from where they are.

Encoding asks such a part for its length only. Whoever sends the answer lets it send itself or loads it, and releases
it in any case, because what it refers to is held open for it.
"""


class StoredBytes:
    """A run of bytes in a file. No abstract class: every part of every answer is asked whether it is one."""

    __slots__ = ()

    def __len__(self) -> int:
        """Return how many."""
        raise NotImplementedError

    def send(self, socket_descriptor: int, start: int, *, may_block: bool) -> tuple[int, int]:
        """Send some of what follows the first `start` bytes; return how many the socket took, and was offered.

        Raises BlockingIOError when it takes none, another OSError when it is gone. Without `may_block` what is not in
        memory is not sent: an error that says what to read first is raised.
        """
        raise NotImplementedError

    def load(self) -> memoryview:
        """Return the bytes. Raises OSError where the file cannot be read."""
        raise NotImplementedError

    def release(self) -> None:
        """Give back what is held open; idempotent."""
        raise NotImplementedError
