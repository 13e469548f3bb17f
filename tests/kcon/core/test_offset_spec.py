"""The offsets mini-language: every form, every refusal with its hint, and nothing in between."""

from contextlib import suppress
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.core.offset_query import EARLIEST, LATEST, Timestamp
from kcon.core.offset_spec import (
    OFFSET_MAX,
    Absolute,
    AtTime,
    FromCurrent,
    FromEnd,
    FromStart,
    OffsetRange,
    OffsetSpec,
    Purpose,
    describe_offset_spec,
    parse_offset_range,
    parse_offset_spec,
    query_of,
)
from kcon.errors import ExitCode, UsageError

NOW = 1_769_862_600_000


def spec(text: str, purpose: Purpose = Purpose.CONSUME) -> OffsetSpec:
    return parse_offset_spec(text, now_ms=NOW, tz=UTC, purpose=purpose)


def refusal(text: str, purpose: Purpose = Purpose.CONSUME) -> UsageError:
    with pytest.raises(UsageError) as caught:
        spec(text, purpose)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("start", FromStart()),
        ("end", FromEnd()),
        ("0", Absolute(0)),
        ("48211", Absolute(48_211)),
        (str(OFFSET_MAX), Absolute(OFFSET_MAX)),
        ("start+5", FromStart(5)),
        ("end-5", FromEnd(5)),
        ("end-0", FromEnd()),
        ("@-1h", AtTime(NOW - 3_600_000)),
        ("@1769862600", AtTime(NOW)),
        ("@now", AtTime(NOW)),
        (" end ", FromEnd()),
    ],
)
def test_common_forms(text: str, expected: OffsetSpec, purpose: Purpose) -> None:
    assert spec(text, purpose) == expected


def test_consuming_takes_the_last_n() -> None:
    assert spec("-10") == FromEnd(10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("current", FromCurrent()), ("current+3", FromCurrent(3)), ("current-3", FromCurrent(-3))],
)
def test_resetting_takes_the_commit(text: str, expected: OffsetSpec) -> None:
    assert spec(text, Purpose.RESET) == expected
    assert "needs a group" in refusal(text).message


@pytest.mark.parametrize("text", ["+5", "-5"])
def test_bare_shift_is_refused_when_resetting(text: str) -> None:
    """Tools disagree on what it is relative to."""
    error = refusal(text, Purpose.RESET)
    assert f"current{text}" in error.hint


def test_bare_plus_is_refused_when_consuming() -> None:
    assert "start+5" in refusal("+5").hint


@pytest.mark.parametrize("text", ["start-1", "end+1"])
def test_places_that_cannot_exist_are_refused(text: str) -> None:
    refusal(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("earliest", "start"),
        ("beginning", "start"),
        ("latest", "end"),
        ("-1h", "@-1h"),
        ("14:05", "@14:05"),
        ("2026-01-31", "@2026-01-31"),
        ("today", "@today"),
    ],
)
def test_near_misses_get_the_right_word(text: str, hint: str) -> None:
    assert hint in refusal(text).hint


@pytest.mark.parametrize(
    "text",
    ["", "@", "Start", "1.5", "0x10", "1,000", "start +5", "start+", "--5", "end--5", "@@now", "٣", "1..2", "start5"],
)
def test_anything_else_is_refused(text: str) -> None:
    refusal(text)


def test_offset_beyond_64_bits_is_refused() -> None:
    assert "largest" in refusal(str(OFFSET_MAX + 1)).message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("start..end", OffsetRange(FromStart(), FromEnd())),
        ("10..20", OffsetRange(Absolute(10), Absolute(20))),
        ("10..", OffsetRange(Absolute(10), None)),
        ("..20", OffsetRange(FromStart(), Absolute(20))),
        ("@-2h..@-1h", OffsetRange(AtTime(NOW - 7_200_000), AtTime(NOW - 3_600_000))),
        ("end-100..end-50", OffsetRange(FromEnd(100), FromEnd(50))),
        ("-100..end", OffsetRange(FromEnd(100), FromEnd())),
        ("5", OffsetRange(Absolute(5), None)),
        (
            "@2026-01-31T10:00:00.5Z..@2026-01-31T11:00Z",
            OffsetRange(AtTime(1_769_853_600_500), AtTime(1_769_857_200_000)),
        ),
    ],
)
def test_ranges(text: str, expected: OffsetRange) -> None:
    assert parse_offset_range(text, now_ms=NOW, tz=UTC) == expected


@pytest.mark.parametrize(
    "text", ["..", "20..10", "10..10", "@-1h..@-2h", "end-5..end-10", "a..b", "1..2..3", "end..start-1"]
)
def test_ranges_that_are_off_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_offset_range(text, now_ms=NOW, tz=UTC)


def test_now_is_the_same_for_both_ends() -> None:
    found = parse_offset_range("@-1h..@now", now_ms=NOW, tz=UTC)
    assert found == OffsetRange(AtTime(NOW - 3_600_000), AtTime(NOW))


def test_questions_to_the_broker() -> None:
    assert query_of(FromStart(5)) is EARLIEST
    assert query_of(FromEnd(5)) is LATEST
    assert query_of(AtTime(7)) == Timestamp(7)
    assert query_of(Absolute(5)) is None
    assert query_of(FromCurrent(5)) is None


def test_plan_names_the_zone_of_a_time() -> None:
    assert describe_offset_spec(AtTime(NOW), UTC, "UTC") == "@2026-01-31T12:30:00.000+00:00 (UTC)"
    assert describe_offset_spec(FromCurrent(-5), UTC, "UTC") == "current-5"


OFFSETS = st.integers(min_value=0, max_value=OFFSET_MAX)
SPECS = st.one_of(
    st.builds(FromStart, OFFSETS),
    st.builds(FromEnd, OFFSETS),
    st.builds(Absolute, OFFSETS),
    st.builds(AtTime, st.integers(min_value=10**12, max_value=10**13 - 1)),
    st.builds(FromCurrent, st.integers(min_value=-OFFSET_MAX, max_value=OFFSET_MAX)),
)


@given(SPECS)
def test_every_place_prints_as_text_that_reads_back(place: OffsetSpec) -> None:
    assert spec(str(place), Purpose.RESET) == place


@given(st.text(max_size=20), st.sampled_from(list(Purpose)))
def test_no_text_crashes_the_parser(text: str, purpose: Purpose) -> None:
    for parse in (parse_offset_spec, parse_offset_range):
        with suppress(UsageError):
            assert parse(text, now_ms=NOW, tz=UTC, purpose=purpose) is not None
