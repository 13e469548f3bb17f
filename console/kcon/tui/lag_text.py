"""How do time lags and states of groups read? With their quality mark, and with a role that is never alone."""

from typing import Final

from kcon.core.group_status import GroupStatus
from kcon.core.time_lag import TimeLag
from kcon.core.units import format_duration
from kcon.tui.text import UNKNOWN

LATE_MS: Final = 5 * 60_000
"""From here on a time lag stands out."""


def show_time_lag(value: object) -> str:
    """Write a time lag with its mark: `=` exact, `≈` interpolated, `≥` at least; a dash when it is unknown."""
    if not isinstance(value, TimeLag) or value.value_ms is None:
        return UNKNOWN
    return f"{format_duration(value.value_ms)}{value.quality.mark}"


def known_time_lag(lag: TimeLag | None) -> TimeLag | None:
    """Return a time lag as a table's value: None where it is unknown, so that it sorts last."""
    return None if lag is None or lag.value_ms is None else lag


def time_lag_role(value: object) -> str:
    """Return the role of a time lag."""
    if isinstance(value, TimeLag) and value.value_ms is not None and value.value_ms >= LATE_MS:
        return "warn"
    return "text"


def show_status(value: object) -> str:
    """Write a status; what cannot be told yet is a dash."""
    if not isinstance(value, GroupStatus) or value is GroupStatus.NOTFOUND:
        return UNKNOWN
    return value.name


def status_role(value: object) -> str:
    """Return the role of a status; the word says it too."""
    if not isinstance(value, GroupStatus):
        return "dim"
    if value.is_error:
        return "bad"
    return "ok" if value is GroupStatus.OK else "dim" if value is GroupStatus.NOTFOUND else "warn"
