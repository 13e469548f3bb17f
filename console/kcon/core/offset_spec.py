"""Which place in a partition does this text mean? The offsets mini-language of the CLI, the TUI and the API.

    start  end  N  start+N  end-N  @TIME        everywhere
    -N                                          consuming: the last N of each partition
    current  current+N  current-N               resetting a group
    A..B  A..  ..B                              ranges, half-open

Parsing resolves times against one `now`, so that every partition of a command means the same moment.
"""

import re
from dataclasses import dataclass
from datetime import tzinfo
from enum import Enum
from typing import Final, TypeAlias

from kcon.core.offset_query import EARLIEST, LATEST, OffsetQuery, Timestamp
from kcon.core.times import format_time, parse_time_ms
from kcon.errors import UsageError

OFFSET_MAX: Final = 2**63 - 1


class Purpose(Enum):
    """What the text is for: it decides on `-N` and on `current`."""

    CONSUME = "consume"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class FromStart:
    """`start`, `start+N`: N offsets after the log start."""

    plus: int = 0

    def __str__(self) -> str:
        return f"start+{self.plus}" if self.plus else "start"


@dataclass(frozen=True, slots=True)
class FromEnd:
    """`end`, `end-N`, and `-N` when consuming: N offsets before the end."""

    minus: int = 0

    def __str__(self) -> str:
        return f"end-{self.minus}" if self.minus else "end"


@dataclass(frozen=True, slots=True)
class Absolute:
    """`N`: the offset itself."""

    offset: int

    def __str__(self) -> str:
        return str(self.offset)


@dataclass(frozen=True, slots=True)
class AtTime:
    """`@TIME`: the first record at or after a moment."""

    timestamp_ms: int

    def __str__(self) -> str:
        return f"@{self.timestamp_ms}"


@dataclass(frozen=True, slots=True)
class FromCurrent:
    """`current`, `current+N`, `current-N`: relative to the group's commit."""

    delta: int = 0

    def __str__(self) -> str:
        return f"current{self.delta:+d}" if self.delta else "current"


OffsetSpec: TypeAlias = FromStart | FromEnd | Absolute | AtTime | FromCurrent


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """`[start, end)`. end None: no end."""

    start: OffsetSpec
    end: OffsetSpec | None


def parse_offset_spec(text: str, *, now_ms: int, tz: tzinfo, purpose: Purpose = Purpose.CONSUME) -> OffsetSpec:
    """Read one place. UsageError says what is off, and what was meant."""
    text = text.strip()
    if text.startswith("@"):
        return AtTime(_time(text, now_ms, tz))
    if ".." in text:
        raise UsageError(f"{text!r} is a range; one place is wanted here.", "Give start, end, a number or @TIME.")
    if match := _ANCHORED.fullmatch(text):
        number = _number(match[3], text) if match[3] else 0
        return _anchored(text, match[1], match[2], number, purpose)
    if match := _BARE.fullmatch(text):
        return _bare(text, match[1], _number(match[2], text), purpose)
    raise _explained(text, purpose)


def parse_offset_range(text: str, *, now_ms: int, tz: tzinfo, purpose: Purpose = Purpose.CONSUME) -> OffsetRange:
    """Read `A..B`, `A..`, `..B`, or `A` alone, which has no end."""
    first, dots, last = text.strip().partition("..")
    if not dots:
        return OffsetRange(parse_offset_spec(first, now_ms=now_ms, tz=tz, purpose=purpose), None)
    if not first and not last:
        raise UsageError("A range needs a start or an end.", "Give A..B, A.. or ..B, e.g. start..@-1h.")
    start = parse_offset_spec(first, now_ms=now_ms, tz=tz, purpose=purpose) if first else FromStart()
    end = parse_offset_spec(last, now_ms=now_ms, tz=tz, purpose=purpose) if last else None
    if end is not None and _certainly_empty(start, end):
        raise UsageError(f"The range {text} is empty: it ends before it starts.", "Ranges are [start, end).")
    return OffsetRange(start, end)


def query_of(spec: OffsetSpec) -> OffsetQuery | None:
    """Return what to ask ListOffsets to resolve a place, or None when no question is needed."""
    match spec:
        case FromStart():
            return EARLIEST
        case FromEnd():
            return LATEST
        case AtTime(timestamp_ms):
            return Timestamp(timestamp_ms)
        case Absolute() | FromCurrent():
            return None


def describe_offset_spec(spec: OffsetSpec, tz: tzinfo, tz_name: str) -> str:
    """Say a place for a plan; a time is written out with its zone."""
    if isinstance(spec, AtTime):
        return f"@{format_time(spec.timestamp_ms, tz)} ({tz_name})"
    return str(spec)


def _bare(text: str, sign: str | None, number: int, purpose: Purpose) -> OffsetSpec:
    if sign is None:
        return Absolute(number)
    if purpose is Purpose.RESET:
        raise UsageError(
            f"{text} alone is not clear: tools disagree on what it is relative to.",
            f"Write current{text} to move from the commit, or "
            + (f"end{text} for the last {number}." if sign == "-" else f"start{text} from the beginning."),
        )
    if sign == "-":
        return FromEnd(number)
    raise UsageError(f"{text} alone is not clear.", f"Write {number} for that offset, or start{text}.")


def _anchored(text: str, word: str, sign: str | None, number: int, purpose: Purpose) -> OffsetSpec:
    if word == "start":
        if sign == "-":
            raise UsageError(f"{text} is before the start.", "Write start, start+N or end-N.")
        return FromStart(number)
    if word == "end":
        if sign == "+":
            raise UsageError(f"{text} is after the end.", "Write end, end-N or start+N.")
        return FromEnd(number)
    if purpose is not Purpose.RESET:
        raise UsageError(f"{text} needs a group: it is the group's commit.", "It works for `kcon group reset`.")
    return FromCurrent(-number if sign == "-" else number)


def _number(digits: str, text: str) -> int:
    number = int(digits)
    if number > OFFSET_MAX:
        raise UsageError(f"{text} is beyond the largest offset.", f"Offsets go up to {OFFSET_MAX}.")
    return number


def _time(text: str, now_ms: int, tz: tzinfo) -> int:
    if len(text) == 1:
        raise UsageError("A time is missing after @.", "Give e.g. @-1h, @14:05 or @2026-01-31.")
    return parse_time_ms(text[1:], now_ms=now_ms, tz=tz)


def _explained(text: str, purpose: Purpose) -> UsageError:
    if not text:
        return UsageError("The offset is empty.", _HINTS[purpose])
    other = _OTHER_NAMES.get(text.lower())
    if other is not None:
        return UsageError(f"Not an offset: {text!r}.", f"kcon calls it {other}.")
    if _LOOKS_LIKE_TIME.match(text):
        return UsageError(f"Not an offset: {text!r}.", f"Times take an @: @{text}.")
    return UsageError(f"Not an offset: {text!r}.", _HINTS[purpose])


def _certainly_empty(start: OffsetSpec, end: OffsetSpec) -> bool:
    """Tell it from the text alone; what depends on the partition is decided later."""
    match start, end:
        case Absolute(first), Absolute(last):
            return last <= first
        case AtTime(first), AtTime(last):
            return last <= first
        case FromStart(first), FromStart(last):
            return last <= first
        case FromEnd(first), FromEnd(last):
            return last >= first
        case FromCurrent(first), FromCurrent(last):
            return last <= first
        case _:
            return False


_ANCHORED: Final = re.compile(r"(start|end|current)(?:([+-])([0-9]{1,40}))?")
_BARE: Final = re.compile(r"([+-])?([0-9]{1,40})")
_LOOKS_LIKE_TIME: Final = re.compile(r"-?[0-9.]+(ms|s|m|h|d|w)|[0-9]{4}-|[0-9]{1,2}:[0-9]{2}|today|yesterday|now")
_OTHER_NAMES: Final = {
    "beginning": "start",
    "earliest": "start",
    "first": "start",
    "latest": "end",
    "last": "end",
    "committed": "current",
    "stored": "current",
}
_HINTS: Final = {
    Purpose.CONSUME: "Give start, end, a number, start+N, end-N, -N (the last N) or @TIME, e.g. @-1h.",
    Purpose.RESET: "Give start, end, a number, start+N, end-N, current+N, current-N or @TIME, e.g. @-1h.",
}
