"""How are times written in the views? In the context's zone, in UTC, in the machine's own zone, or by their age."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from kcon.core.times import format_time
from kcon.records.record import NO_TIMESTAMP_MS
from kcon.tui.text import UNKNOWN, age

STYLES: Final = ("context", "utc", "local", "age")


class TimeStyle:
    """The way that is chosen now."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.style = "context"
        self._now_ms = now_ms
        self._context_tz: tzinfo = UTC
        self._context_name = "UTC"

    def use_zone(self, tz: tzinfo, name: str) -> None:
        """Take a context's zone."""
        self._context_tz, self._context_name = tz, name

    def turn(self) -> str:
        """Choose the next way; return its name."""
        self.style = STYLES[(STYLES.index(self.style) + 1) % len(STYLES)]
        return self.title

    @property
    def title(self) -> str:
        """Return the name of the way that is chosen."""
        return {"context": f"zone {self._context_name}", "utc": "UTC", "local": "local", "age": "age"}[self.style]

    @property
    def tz(self) -> tzinfo:
        """Return the zone; ages are counted, so theirs is the context's."""
        if self.style == "utc":
            return UTC
        if self.style == "local":
            offset = datetime.now().astimezone().utcoffset() or timedelta()
            return timezone(offset)
        return self._context_tz

    def format(self, time_ms: int | None, *, milliseconds: bool = True) -> str:
        """Write a time in full."""
        if time_ms is None or time_ms == NO_TIMESTAMP_MS:
            return UNKNOWN
        if self.style == "age":
            return f"{age(time_ms, self._now_ms())} ago" if time_ms <= self._now_ms() else "ahead of now"
        return format_time(time_ms, self.tz, milliseconds=milliseconds)

    def short(self, time_ms: int | None) -> str:
        """Write a time without year and zone."""
        text = self.format(time_ms)
        return text[5:23].replace("T", " ") if len(text) > 23 else text

    def time_of_day(self, time_ms: int) -> str:
        """Write hours and minutes of a moment, or how long ago it was."""
        return f"-{age(time_ms, self._now_ms())}" if self.style == "age" else f"{self._local(time_ms):%H:%M}"

    def clock(self) -> str:
        """Write the time of day."""
        local = self._local(self._now_ms())
        return f"{local:%H:%M} {local.tzname() or ''}".rstrip()

    def _local(self, time_ms: int) -> datetime:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)).astimezone(self.tz)
