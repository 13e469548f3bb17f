"""What does a filter say of one record? True, False, or why it cannot say: an error is no match, and counted."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

REASON_CHARS_MAX: Final = 160
REASONS_KEPT_MAX: Final = 20


class FilterError:
    """Why a filter has no answer for a record: a field that is not there, or a value of another type.

    A value and not an exception: in mixed data it is the common case, hundreds of thousands a second.
    """

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"FilterError({self.reason!r})"


Verdict: TypeAlias = "bool | FilterError"
Variables: TypeAlias = Mapping[str, Any]
"""Values by variable: what `json.loads` makes, and bytes, datetime, timedelta."""

Predicate: TypeAlias = Callable[[Variables], Verdict]
"""Pure and quick; any thread, one at a time."""


class FilterErrors:
    """Counts errors by their reason; a reason beyond the first ones counts as `other`."""

    def __init__(self) -> None:
        self.total = 0
        self.reasons: Counter[str] = Counter()

    def add(self, error: FilterError) -> None:
        """Count one."""
        self.total += 1
        reason = error.reason
        if reason not in self.reasons and len(self.reasons) >= REASONS_KEPT_MAX:
            reason = "other"
        self.reasons[reason] += 1

    def sentence(self, what: str = "records") -> str | None:
        """Return what a user should know, or None when nothing went wrong. what: the things, in plural."""
        if not self.total:
            return None
        (reason, count), *others = self.reasons.most_common(2)
        more = f"; {self.total - count:,} for other reasons" if others else ""
        return f"{self.total:,} {what} were no match because --where could not be answered: {reason} ({count:,}){more}."
