"""Moments in zones: the clocks that go back, the ones that jump, and "the latest past one"."""

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.core.times import format_clock, format_time, parse_time_ms
from kcon.errors import UsageError

PARIS = ZoneInfo("Europe/Paris")
NOW = int(datetime(2026, 1, 31, 12, 30, tzinfo=UTC).timestamp() * 1000)  # 13:30 in Paris.


def at(text: str, tz: ZoneInfo = PARIS, now_ms: int = NOW) -> str:
    return format_time(parse_time_ms(text, now_ms=now_ms, tz=tz), tz)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-01-31T13:30:00.000+01:00"),
        ("-1h", "2026-01-31T12:30:00.000+01:00"),
        ("-1h30m", "2026-01-31T12:00:00.000+01:00"),
        ("today", "2026-01-31T00:00:00.000+01:00"),
        ("yesterday", "2026-01-30T00:00:00.000+01:00"),
        ("13:30", "2026-01-31T13:30:00.000+01:00"),
        ("13:31", "2026-01-30T13:31:00.000+01:00"),
        ("9:05:07", "2026-01-31T09:05:07.000+01:00"),
        ("2026-01-15", "2026-01-15T00:00:00.000+01:00"),
        ("2026-01-15T10:00", "2026-01-15T10:00:00.000+01:00"),
        ("2026-01-15 10:00:01.5", "2026-01-15T10:00:01.500+01:00"),
        ("2026-01-15T10:00:00.123456789Z", "2026-01-15T11:00:00.123+01:00"),
        ("2026-01-15t10:00:00z", "2026-01-15T11:00:00.000+01:00"),
        ("2026-01-15T10:00:00-0500", "2026-01-15T16:00:00.000+01:00"),
        ("1769862600", "2026-01-31T13:30:00.000+01:00"),
        ("1769862600123", "2026-01-31T13:30:00.123+01:00"),
    ],
)
def test_times_read(text: str, expected: str) -> None:
    assert at(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1h",
        "+1h",
        "tomorrow",
        "24:00",
        "12:60",
        "2026-13-01",
        "2026-02-30",
        "2026-01-15T25:00",
        "12345",
        "-5",
        "17698626001",
        "2026-01-15T10:00:00+99:99",
        "1969-12-31",
        "noon",
        "-1h30",
    ],
)
def test_times_refuse(text: str) -> None:
    with pytest.raises(UsageError):
        parse_time_ms(text, now_ms=NOW, tz=PARIS)


def test_future_duration_hints_at_the_past_one() -> None:
    with pytest.raises(UsageError) as caught:
        parse_time_ms("1h", now_ms=NOW, tz=PARIS)
    assert "-1h" in caught.value.hint


def test_hour_that_exists_twice_is_an_error_with_both_spellings() -> None:
    with pytest.raises(UsageError, match="exists twice") as caught:
        parse_time_ms("2025-10-26T02:30", now_ms=NOW, tz=PARIS)
    assert "2025-10-26T02:30:00+02:00" in caught.value.hint
    assert "2025-10-26T02:30:00+01:00" in caught.value.hint


@pytest.mark.parametrize("offset", ["+02:00", "+01:00"])
def test_hour_that_exists_twice_can_be_named_by_its_offset(offset: str) -> None:
    text = f"2025-10-26T02:30:00{offset}"
    assert parse_time_ms(text, now_ms=NOW, tz=PARIS) == ms(text)


def test_time_of_day_in_the_doubled_hour_is_an_error() -> None:
    now_ms = ms("2025-10-26T03:10:00+01:00")
    with pytest.raises(UsageError, match="exists twice"):
        parse_time_ms("02:30", now_ms=now_ms, tz=PARIS)


def test_time_that_the_clocks_jump_over_is_an_error() -> None:
    with pytest.raises(UsageError, match="does not exist"):
        parse_time_ms("2025-03-30T02:30", now_ms=NOW, tz=PARIS)


def test_time_of_day_takes_the_last_day_that_had_it() -> None:
    now_ms = ms("2025-03-30T12:00:00+02:00")
    assert at("02:30", now_ms=now_ms) == "2025-03-29T02:30:00.000+01:00"


def test_day_without_midnight_begins_at_the_jump() -> None:
    """Beirut's clocks jump from 00:00 to 01:00, so that day has no midnight."""
    beirut = ZoneInfo("Asia/Beirut")
    assert at("2024-03-31", tz=beirut) == "2024-03-31T01:00:00.000+03:00"


def test_day_with_two_midnights_begins_at_the_first() -> None:
    """Havana's clocks go back from 01:00 to 00:00."""
    havana = ZoneInfo("America/Havana")
    assert at("2024-11-03", tz=havana) == "2024-11-03T00:00:00.000-04:00"


def test_today_is_the_day_in_the_zone_not_in_utc() -> None:
    now_ms = ms("2026-01-31T23:30:00+00:00")
    assert at("today", now_ms=now_ms) == "2026-02-01T00:00:00.000+01:00"


@given(
    st.integers(min_value=0, max_value=4_102_444_800_000), st.sampled_from(["Europe/Paris", "Asia/Kathmandu", "UTC"])
)
def test_printed_time_reads_back(time_ms: int, zone: str) -> None:
    tz = ZoneInfo(zone)
    assert parse_time_ms(format_time(time_ms, tz), now_ms=NOW, tz=tz) == time_ms


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_any_64_bit_timestamp_prints(time_ms: int) -> None:
    """A producer may write any number as a record's time."""
    assert format_time(time_ms, PARIS)
    assert format_clock(time_ms, PARIS)


@given(st.text(max_size=30))
def test_no_text_crashes_the_reader(text: str) -> None:
    with suppress(UsageError):
        assert parse_time_ms(text, now_ms=NOW, tz=PARIS) >= 0
