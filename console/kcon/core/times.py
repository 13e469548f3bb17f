"""Which moment does this text mean, and how is a moment written? Times with zones; "now" is always an argument."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from kcon.core.units import parse_duration_ms
from kcon.errors import UsageError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_DAY: Final = timedelta(days=1)
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?"
    r"(?:\.([0-9]{1,9}))? ?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_HINT: Final = "Give -1h, 14:05, today, 2026-01-31, 2026-01-31T14:05+01:00, or an epoch of 10 or 13 digits."


def parse_time_ms(text: str, *, now_ms: int, tz: tzinfo) -> int:
    """Read a moment as milliseconds since the epoch; naked times are in `tz`.

    `now`, `today`, `yesterday`; `-1h30m` before now; `14:05[:30]`, the latest past one; a date, its first moment;
    RFC 3339 with or without a zone; 10 digits of seconds or 13 of milliseconds. UsageError: anything else, a time
    that exists twice or not at all in the zone, or one before 1970.
    """
    moment_ms = _parse(text.strip(), now_ms, tz)
    if moment_ms < 0:
        raise UsageError(f"{text} is before 1970; Kafka has no such times.", _HINT)
    return moment_ms


def format_time(time_ms: int, tz: tzinfo, *, milliseconds: bool = True) -> str:
    """Write a moment as RFC 3339 in a zone, e.g. `2026-01-31T14:05:00.000+01:00`; it reads back the same."""
    try:
        local = (_EPOCH + timedelta(milliseconds=time_ms)).astimezone(tz)
    except OverflowError:
        return f"{time_ms} ms"  # A record's timestamp may be any 64-bit number.
    return local.isoformat(timespec="milliseconds" if milliseconds else "seconds")


def format_clock(time_ms: int, tz: tzinfo) -> str:
    """Write the time of day, e.g. `14:05:00`."""
    try:
        return (_EPOCH + timedelta(milliseconds=time_ms)).astimezone(tz).strftime("%H:%M:%S")
    except OverflowError:
        return f"{time_ms} ms"


def day_start_ms(day: date, tz: tzinfo) -> int:
    """Return the first moment of a day in a zone, also where midnight is skipped or comes twice."""
    naive = datetime(day.year, day.month, day.day)
    if _exists(naive, tz):
        return _to_ms(naive.replace(tzinfo=tz))
    # Clocks jump over midnight: the day begins at the jump, where the offset before it says midnight is.
    return _to_ms(naive.replace(tzinfo=tz, fold=0))


def _parse(text: str, now_ms: int, tz: tzinfo) -> int:
    if text.isascii() and text.isdigit():
        return _parse_epoch(text)
    if text == "now":
        return now_ms
    if text in {"today", "yesterday"}:
        today = _local_now(now_ms, tz).date()
        return day_start_ms(today if text == "today" else today - _DAY, tz)
    if text.startswith("-"):
        return now_ms - parse_duration_ms(text[1:])
    if match := _CLOCK.fullmatch(text):
        return _parse_clock(text, match, now_ms, tz)
    if _DATE.fullmatch(text):
        return day_start_ms(_date(text), tz)
    if match := _DATE_TIME.fullmatch(text):
        return _parse_date_time(text, match, tz)
    if text.startswith("+") or text[:1].isdigit():
        _suggest_past(text)
    raise UsageError(f"Not a time: {text!r}.", _HINT)


def _suggest_past(text: str) -> None:
    bare = text.removeprefix("+")
    try:
        parse_duration_ms(bare)
    except UsageError:
        return
    raise UsageError(f"Not a time: {text!r}.", f"Write -{bare} for {bare} ago.")


def _parse_epoch(text: str) -> int:
    if len(text) == 10:
        return int(text) * 1000
    if len(text) == 13:
        return int(text)
    raise UsageError(
        f"{text} has {len(text)} digits: 10 are seconds since 1970, 13 are milliseconds.", "Dates take dashes."
    )


def _parse_clock(text: str, match: re.Match[str], now_ms: int, tz: tzinfo) -> int:
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise UsageError(f"Not a time of day: {text!r}.", "Hours go to 23, minutes and seconds to 59.")
    today = _local_now(now_ms, tz).date()
    for days_back in range(4):  # A time may be skipped on one day, so yesterday is not always enough.
        day = today - days_back * _DAY
        naive = datetime(day.year, day.month, day.day, hour, minute, second)
        if not _exists(naive, tz):
            continue
        moment_ms = _to_ms(naive.replace(tzinfo=tz))
        if moment_ms <= now_ms:
            return _only(naive, tz)
    raise UsageError(f"{text} did not exist in the last days in this zone.", _HINT)


def _parse_date_time(text: str, match: re.Match[str], tz: tzinfo) -> int:
    day, clock, seconds, fraction, zone = match.groups()
    if zone is not None:
        zone = "+00:00" if zone in "Zz" else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{seconds or ':00'}{zone or ''}")
    except ValueError as error:
        raise UsageError(f"Not a time: {text!r}.", _HINT) from error
    # Digits beyond the millisecond are cut: Kafka has none.
    fraction_ms = int((fraction or "0").ljust(3, "0")[:3])
    return (_only(moment, tz) if zone is None else _to_ms(moment)) + fraction_ms


def _only(naive: datetime, tz: tzinfo) -> int:
    """Return the moment of a local time that exists exactly once."""
    if not _exists(naive, tz):
        raise UsageError(
            f"{naive} does not exist in this zone: the clocks jump over it.", "Add an offset, e.g. +01:00."
        )
    first, second = naive.replace(tzinfo=tz, fold=0), naive.replace(tzinfo=tz, fold=1)
    if first.utcoffset() != second.utcoffset():
        raise UsageError(
            f"{naive} exists twice in this zone: the clocks go back over it.",
            f"Write {first.isoformat()} or {second.isoformat()}.",
        )
    return _to_ms(first)


def _exists(naive: datetime, tz: tzinfo) -> bool:
    aware = naive.replace(tzinfo=tz)
    return aware.astimezone(UTC).astimezone(tz).replace(tzinfo=None) == naive


def _to_ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MS


def _local_now(now_ms: int, tz: tzinfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=now_ms)).astimezone(tz)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"Not a date: {text!r}.", _HINT) from error
