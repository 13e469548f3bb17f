"""How is a trouble told that comes a thousand times a second?

A few times, then it is only counted: a full disk or a flood of connections must not fill the log as well.
"""

import logging
import time
from collections.abc import Callable

TOLD_MAX = 3
"""Lines of one kind within one interval."""
INTERVAL_S = 30.0
_KINDS_MAX = 1_000


class RepeatedLines(logging.Filter):
    """Lets the first lines of a kind through; a later one says how many were left out.

    Lines are of one kind when they have the same format. One that is all argument is a kind of its own.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._kinds: dict[tuple[int, str], tuple[float, int]] = {}
        """Kind -> when its interval began, and how many lines came in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a line is written; it may be added to."""
        text = record.msg if isinstance(record.msg, str) and record.msg != "%s" else record.getMessage()
        kind = (record.levelno, text)
        now_s = self._monotonic()
        began_s, count = self._kinds.pop(kind, (now_s, 0))
        if now_s - began_s > INTERVAL_S:
            if count > TOLD_MAX:
                self._add(record, f"{count - TOLD_MAX} more like this in between")
            began_s, count = now_s, 0
        self._kinds[kind] = (began_s, count + 1)
        if len(self._kinds) > _KINDS_MAX:
            del self._kinds[next(iter(self._kinds))]
        if count + 1 == TOLD_MAX:
            self._add(record, f"more like this are only counted for {INTERVAL_S:.0f} s")
        return count < TOLD_MAX

    @staticmethod
    def _add(record: logging.LogRecord, words: str) -> None:
        record.msg, record.args = f"{record.getMessage()} ({words})", None
