"""A scrape is read back by Prometheus's own parsers, also with names that try to break it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from kcon.core.wire_text import WireText
from kcon.observe.exposition import (
    LABEL_BYTES_MAX,
    Family,
    Format,
    escape_label,
    format_value,
    parse_accept,
    render,
)

HOSTILE = ['a"b', "a\\b", "a\nb", 'a"} 1\nfake{x="y', "\x1b]0;title\x07", "ü☃", "", "{}", "\\n", 'x\\"y']


def gauge(*samples: tuple[tuple[str, ...], float], labels: tuple[str, ...] = ("topic",)) -> Family:
    return Family("kcon_test", "gauge", 'Help with a \\ and a "quote".', labels, samples)


def parsed(text: bytes, form: Format) -> dict[tuple[str, str], float]:
    parse = parse_prometheus if form is Format.PROMETHEUS else parse_openmetrics
    return {
        (sample.name, str(sample.labels.get("topic"))): sample.value
        for family in parse(text.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_one_label_and_comes_back_the_same(name: str, form: Format) -> None:
    text = render([gauge(((escape_label(WireText(name)),), 7.0))], form)
    assert parsed(text, form) == {("kcon_test", name): 7.0}


@given(name=st.text(max_size=60), value=st.floats(allow_nan=False))
def test_any_name_and_value_come_back_the_same(name: str, value: float) -> None:
    text = render([gauge(((escape_label(name),), value))])
    ((key, told),) = parsed(text, Format.PROMETHEUS).items()
    assert told == value
    assert key == ("kcon_test", name.encode("utf-8", "replace").decode())


def test_a_name_that_is_not_utf8_becomes_so() -> None:
    assert escape_label(WireText.decode(b"a\xffb")).encode() == b"a?b"


@pytest.mark.parametrize(
    ("length", "kept"), [(LABEL_BYTES_MAX, LABEL_BYTES_MAX), (LABEL_BYTES_MAX + 1, LABEL_BYTES_MAX)]
)
def test_a_name_of_any_length_is_bounded(length: int, kept: int) -> None:
    assert len(escape_label("x" * length)) == kept


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-1.0, "-1"),
        (1.5, "1.5"),
        (2**53, "9007199254740992"),
        (1e15, "1000000000000000.0"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
    ],
)
def test_values(value: float, text: str) -> None:
    assert format_value(value) == text


def test_a_counter_is_named_as_each_format_wants_it() -> None:
    counter = Family("kcon_requests_total", "counter", "Requests.", ("topic",), [(("a",), 3.0)])
    assert "# TYPE kcon_requests_total counter" in render([counter]).decode()
    told = render([counter], Format.OPENMETRICS).decode()
    assert "# TYPE kcon_requests counter" in told
    assert told.endswith("# EOF\n")
    assert parsed(told.encode(), Format.OPENMETRICS) == {("kcon_requests_total", "a"): 3.0}


def test_a_family_without_series_is_left_out() -> None:
    assert render([gauge()]) == b"\n" or render([gauge()]) == b""


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Format.PROMETHEUS),
        ("*/*", Format.PROMETHEUS),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", Format.OPENMETRICS),
    ],
)
def test_the_format_is_what_the_scraper_accepts(accept: str, form: Format) -> None:
    assert parse_accept(accept) is form
