"""Sizes, counts, rates and durations: exact tables, and what is printed can be read."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.core import units
from kcon.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("0s", 0),
        ("250ms", 250),
        ("1s", 1_000),
        ("90s", 90_000),
        ("1.5h", 5_400_000),
        ("1h30m", 5_400_000),
        ("2d", 172_800_000),
        ("1w", 604_800_000),
        ("1m1ms", 60_001),
        (".5s", 500),
    ],
)
def test_duration_reads(text: str, expected_ms: int) -> None:
    assert units.parse_duration_ms(text) == expected_ms


@pytest.mark.parametrize(
    "text", ["", "5", "h", "1 h", "1h 30m", "-1h", "+1h", "1y", "1H", "1h30", "1e3s", "٣s", "1..5s"]
)
def test_duration_refuses(text: str) -> None:
    with pytest.raises(UsageError):
        units.parse_duration_ms(text)


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("PT1H", 3_600_000),
        ("P7D", 604_800_000),
        ("P1DT2H3M4.5S", 93_784_500),
        ("-PT5M", -300_000),
        ("P2W", 1_209_600_000),
    ],
)
def test_iso_duration_reads(text: str, expected_ms: int) -> None:
    assert units.parse_iso_duration_ms(text) == expected_ms


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "1H", "P1Y", "P1M", "pt1h"])
def test_iso_duration_refuses(text: str) -> None:
    with pytest.raises(UsageError):
        units.parse_iso_duration_ms(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("512", 512),
        ("512 B", 512),
        ("1k", 1024),
        ("1KiB", 1024),
        ("1kB", 1000),
        ("1.5MiB", 1_572_864),
        ("1MB", 1_000_000),
        ("2GiB", 2_147_483_648),
        ("1t", 1_099_511_627_776),
    ],
)
def test_size_reads(text: str, expected: int) -> None:
    assert units.parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "k", "-1", "1x", "1 2", "0x10", "1e6"])
def test_size_refuses(text: str) -> None:
    with pytest.raises(UsageError):
        units.parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("1,000,000", 1_000_000), ("1_000", 1_000), ("40k", 40_000), ("1.2M", 1_200_000), ("2G", 2_000_000_000)],
)
def test_count_reads(text: str, expected: int) -> None:
    assert units.parse_count(text) == expected


@pytest.mark.parametrize("text", ["", "k", "1.5", "-1", "1kk", "a"])
def test_count_refuses(text: str) -> None:
    with pytest.raises(UsageError):
        units.parse_count(text)


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (1023.6 * 1024, "1.00 MiB"),
        (43_307_000, "41.3 MiB"),
        (-2048, "-2.00 KiB"),
        (2**63, "8.00 EiB"),
    ],
)
def test_size_prints(size_bytes: float, expected: str) -> None:
    assert units.format_bytes(size_bytes) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0"),
        (999, "999"),
        (999.7, "1.00k"),
        (1000, "1.00k"),
        (40_012, "40.0k"),
        (1_200_000, "1.20M"),
        (-1500, "-1.50k"),
    ],
)
def test_short_count_prints(count: float, expected: str) -> None:
    assert units.format_count_short(count) == expected


@pytest.mark.parametrize(
    ("duration_ms", "expected"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (250, "250 ms"),
        (4_200, "4.2 s"),
        (59_949, "59.9 s"),
        (59_951, "1m"),
        (1_092_000, "18m 12s"),
        (9_600_000, "2h 40m"),
        (3_600_000, "1h"),
        (273_600_000, "3d 4h"),
        (-5_000, "-5.0 s"),
    ],
)
def test_duration_prints(duration_ms: float, expected: str) -> None:
    assert units.format_duration(duration_ms) == expected


@pytest.mark.parametrize(
    ("per_second", "expected"), [(0, "0/s"), (0.25, "0.25/s"), (1, "1/s"), (1_100, "1.10k/s"), (-0.5, "-0.5/s")]
)
def test_rate_prints(per_second: float, expected: str) -> None:
    assert units.format_rate(per_second) == expected


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_printed_size_reads_back_within_a_percent(size_bytes: int) -> None:
    read = units.parse_bytes(units.format_bytes(size_bytes))
    assert abs(read - size_bytes) <= size_bytes * 0.01


@given(st.integers(min_value=0, max_value=10**15))
def test_short_count_is_short(count: int) -> None:
    assert len(units.format_count_short(count)) <= 5


@given(st.integers(min_value=0, max_value=10**12))
def test_full_count_reads_back(count: int) -> None:
    assert units.parse_count(units.format_count(count)) == count


@given(st.text(max_size=12))
def test_no_text_crashes_a_reader(text: str) -> None:
    for read in (units.parse_duration_ms, units.parse_iso_duration_ms, units.parse_bytes, units.parse_count):
        with suppress(UsageError):
            assert isinstance(read(text), int)
