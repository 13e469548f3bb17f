"""How are sizes, rates, counts and durations written and read? One place, so that every screen agrees.

Sizes are powers of 1024 when printed (KiB, MiB); both spellings are read: `1MB` is 1,000,000, `1MiB` 1,048,576.
"""

import re
from itertools import pairwise
from typing import Final

from kcon.errors import UsageError

_DURATION_UNITS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_SIZE_UNITS: Final = {
    "": 1,
    "b": 1,
    "k": 1024,
    "kb": 1000,
    "kib": 1024,
    "m": 1024**2,
    "mb": 1000**2,
    "mib": 1024**2,
    "g": 1024**3,
    "gb": 1000**3,
    "gib": 1024**3,
    "t": 1024**4,
    "tb": 1000**4,
    "tib": 1024**4,
    "p": 1024**5,
    "pb": 1000**5,
    "pib": 1024**5,
    "e": 1024**6,
    "eb": 1000**6,
    "eib": 1024**6,
}
_NUMBER: Final = r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_DURATION_PART: Final = re.compile(rf"({_NUMBER})(ms|s|m|h|d|w)")
_SIZE: Final = re.compile(rf"({_NUMBER}) ?([a-z]*)", re.IGNORECASE)
_ISO: Final = re.compile(
    rf"(-?)P(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?"
)


# --- reading --------------------------------------------------------------------------------------------------


def parse_duration_ms(text: str) -> int:
    """Read `1h`, `1h30m`, `250ms`, `1.5d` as milliseconds. UsageError otherwise; a bare number has no unit."""
    total_ms = 0.0
    position = 0
    for part in _DURATION_PART.finditer(text):
        if part.start() != position:
            break
        total_ms += float(part[1]) * _DURATION_UNITS_MS[part[2]]
        position = part.end()
    if not text or position != len(text):
        raise UsageError(f"Not a duration: {text!r}.", "Give a number with ms, s, m, h, d or w, e.g. 90s or 1h30m.")
    return round(total_ms)


def parse_iso_duration_ms(text: str) -> int:
    """Read an ISO 8601 duration without months and years, as Apache's tools take: `P7D`, `PT1H30M`, `-PT5M`."""
    match = _ISO.fullmatch(text)
    if match is None or not any(match.groups()[1:]) or text.endswith("T"):
        raise UsageError(f"Not an ISO duration: {text!r}.", "Give e.g. PT1H30M or P7D.")
    weeks, days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
    total_s = ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
    return round(total_s * 1000) * (-1 if match[1] else 1)


def parse_bytes(text: str) -> int:
    """Read `512`, `10k`, `1.5MiB`, `1GB` as bytes. A letter alone means the power of 1024."""
    match = _SIZE.fullmatch(text.strip())
    unit = _SIZE_UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise UsageError(f"Not a size: {text!r}.", "Give a number with B, KiB, MiB, GiB, TiB (or kB, MB, GB, TB).")
    return round(float(match[1]) * unit)


def parse_count(text: str) -> int:
    """Read a count: `12`, `1,000,000`, `1_000`, `1.2M`, `40k`; k, M, G are powers of 1000."""
    plain = text.replace(",", "").replace("_", "")
    scale = _COUNT_UNITS.get(plain[-1:], 0)
    digits = plain[:-1] if scale else plain
    if not re.fullmatch(_NUMBER, digits) or (not scale and "." in digits):
        raise UsageError(f"Not a count: {text!r}.", "Give a whole number, e.g. 1000, 40k or 1.2M.")
    return round(float(digits) * scale) if scale else int(digits)


_COUNT_UNITS: Final = {"k": 1_000, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}


# --- printing -------------------------------------------------------------------------------------------------


def format_count(count: int) -> str:
    """Print a count in full with thousands separated: `48,211`."""
    return f"{count:,}"


def format_count_short(count: float) -> str:
    """Print a count in at most five characters and a sign: `999`, `1.20M`, `40.0k`."""
    return _short(count, ("", "k", "M", "G", "T", "P", "E"), 1000)


def format_bytes(size_bytes: float) -> str:
    """Print a size: `0 B`, `1.00 KiB`, `41.3 MiB`."""
    sign = "-" if size_bytes < 0 else ""
    value, unit = abs(float(size_bytes)), 0
    # 1023.9 KiB would print as 1024: the next unit says it better.
    while value >= 1023.5 and unit < len(_BYTE_UNITS) - 1:
        value /= 1024
        unit += 1
    number = f"{value:.0f}" if unit == 0 else _three_digits(value)
    return f"{sign}{number} {_BYTE_UNITS[unit]}"


_BYTE_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def format_rate(per_second: float) -> str:
    """Print records a second: `0/s`, `0.25/s`, `1.10k/s`."""
    if 0 < abs(per_second) < 1:
        return f"{per_second:.2g}/s"
    return f"{format_count_short(per_second)}/s"


def format_bytes_rate(bytes_per_second: float) -> str:
    """Print bytes a second: `41.0 MiB/s`."""
    return f"{format_bytes(bytes_per_second)}/s"


def format_duration(duration_ms: float) -> str:
    """Print a duration by its two largest units: `0 s`, `250 ms`, `4.2 s`, `18m 12s`, `2h 40m`, `3d 4h`."""
    sign = "-" if duration_ms < 0 else ""
    whole_ms = round(abs(duration_ms))
    if whole_ms == 0:
        return "0 s"
    if whole_ms < 1_000:
        return f"{sign}{whole_ms} ms"
    if whole_ms < 59_950:
        return f"{sign}{whole_ms / 1000:.1f} s"
    seconds = round(whole_ms / 1000)
    for (name, size), (next_name, next_size) in pairwise(_TWO_UNITS):
        if seconds >= size:
            major, rest = divmod(seconds, size)
            minor = rest // next_size
            return f"{sign}{major}{name}" + (f" {minor}{next_name}" if minor else "")
    return f"{sign}{seconds}s"


_TWO_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def _short(value: float, units: tuple[str, ...], step: int) -> str:
    sign = "-" if value < 0 else ""
    value, unit = abs(float(value)), 0
    while value >= step - 0.5 and unit < len(units) - 1:
        value /= step
        unit += 1
    number = f"{value:.0f}" if unit == 0 else _three_digits(value)
    return f"{sign}{number}{units[unit]}"


def _three_digits(value: float) -> str:
    if value < 9.995:
        return f"{value:.2f}"
    if value < 99.95:
        return f"{value:.1f}"
    return f"{value:.0f}"
