"""How does a scrape read? Metric families as text, in Prometheus's format 0.0.4 or OpenMetrics 1.0.

Names from the wire are escaped as both formats ask for (backslash, quote, line feed) and are otherwise exact, so that
they match what other exporters call the same thing; what is not UTF-8 becomes U+FFFD.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

from kcon.core.wire_text import WireText

LABEL_BYTES_MAX: Final = 1_024
"""A longer label value is cut: a broker may send names of any length."""


_PLAIN: Final = re.compile(r"[A-Za-z0-9._:/-]*\Z").match
"""Names as nearly all are: nothing to escape."""


class Format(Enum):
    """How a scrape is written. The value is its content type."""

    PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Family(NamedTuple):
    """One metric with all its series."""

    name: str
    kind: str
    """`gauge`, `counter` (its name ends in `_total`) or `info`-like gauges."""
    help: str
    labels: tuple[str, ...]
    samples: "Sequence[tuple[tuple[str, ...], float]]"
    """Label values, escaped by `escape_label`, and the value."""


def escape_label(value: WireText | str) -> str:
    """Return a label value with its backslashes, quotes and line feeds escaped, valid UTF-8 and of bounded length."""
    raw = value.raw if isinstance(value, WireText) else value
    if len(raw) <= LABEL_BYTES_MAX and _PLAIN(raw):
        return raw
    raw = raw[:LABEL_BYTES_MAX].encode("utf-8", "replace").decode("utf-8")
    return raw.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def format_value(value: float) -> str:
    """Return a value as both formats spell it; a whole number without a point."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def parse_accept(header: str) -> Format:
    """Return the format that an Accept header asks for."""
    return Format.OPENMETRICS if "application/openmetrics-text" in header else Format.PROMETHEUS


def render(families: Iterable[Family], form: Format = Format.PROMETHEUS) -> bytes:
    """Return a scrape. Families without samples are left out."""
    lines = [line for family in families if family.samples for line in _lines(family, form)]
    if form is Format.OPENMETRICS:
        lines.append("# EOF")
    return "\n".join([*lines, ""]).encode()


def _lines(family: Family, form: Format) -> Iterator[str]:
    # OpenMetrics names a counter's family without the suffix that its samples have.
    title = family.name
    if form is Format.OPENMETRICS and family.kind == "counter":
        title = family.name.removesuffix("_total")
    yield f"# HELP {title} {_escape_help(family.help)}"
    yield f"# TYPE {title} {family.kind}"
    name = family.name
    if not family.labels:
        for _values, value in family.samples:
            yield f"{name} {format_value(value)}"
        return
    template = name + "{" + ",".join(f'{label}="%s"' for label in family.labels) + "} "
    for values, value in family.samples:
        # Most values are whole numbers.
        yield template % values + (str(value) if type(value) is int else format_value(value))


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
