"""What did the console ask the cluster, and which command asks the same? The last requests, bounded."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

ENTRIES_MAX: Final = 500


@dataclass(slots=True)
class LogEntry:
    """One kind of work; what is asked again and again is one entry."""

    name: str
    command: str
    """The command of the CLI that does the same."""
    began_ms: int
    count: int = 0
    took_ms: int | None = None
    """None: it is running."""
    error: str = ""


class RequestLog:
    """The last pieces of work of all views, the latest at the end. One thread."""

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        self._entries_max = entries_max
        self._entries: OrderedDict[tuple[str, str], LogEntry] = OrderedDict()

    def entries(self) -> list[LogEntry]:
        """Return them, the latest first."""
        return list(reversed(self._entries.values()))

    def began(self, name: str, command: str, now_ms: int) -> LogEntry:
        """Write down that something was asked."""
        key = (name, command)
        entry = self._entries.setdefault(key, LogEntry(name, command, now_ms))
        entry.began_ms, entry.took_ms = now_ms, None
        entry.count += 1
        self._entries.move_to_end(key)
        while len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)
        return entry

    def ended(self, entry: LogEntry, now_ms: int, error: str) -> None:
        """Write down how it ended; "" is well."""
        entry.took_ms, entry.error = max(0, now_ms - entry.began_ms), error
