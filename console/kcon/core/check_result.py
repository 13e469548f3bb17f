"""What does a check say, before it is a table or a line for Nagios? Results, the worst of them, and the line."""

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from kcon.core.frozen import Frozen


class CheckStatus(Enum):
    """How one subject stands. The value is the word that scripts see."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It cannot be told, which is never as good as OK."""


class Measure(NamedTuple):
    """One number of a result, in Nagios's words performance data."""

    name: str
    value: int
    limit: int | None = None
    """The largest value that passes."""
    unit: str = ""
    """`ms`, or nothing for a count."""


class CheckResult(Frozen):
    """One thing that was checked."""

    subject: str
    """A name, safe for a terminal."""
    status: CheckStatus
    detail: str
    measures: tuple[Measure, ...] = ()


_NAGIOS: Final = {
    CheckStatus.OK: ("OK", 0),
    CheckStatus.FAILED: ("CRITICAL", 2),
    CheckStatus.UNKNOWN: ("UNKNOWN", 3),
}
"""The words and exit codes of the Nagios plugin guidelines."""


def overall(results: Sequence[CheckResult]) -> CheckStatus:
    """Return FAILED when anything failed, else UNKNOWN when anything is not known, or nothing was checked."""
    found = {result.status for result in results}
    if CheckStatus.FAILED in found:
        return CheckStatus.FAILED
    return CheckStatus.UNKNOWN if CheckStatus.UNKNOWN in found or not found else CheckStatus.OK


def nagios_line(service: str, results: Sequence[CheckResult]) -> tuple[str, int]:
    """Return the one line of a Nagios plugin, without its newline, and the plugin's exit code.

    The subjects that are not OK are told first; every measure is in the performance data.
    """
    status = overall(results)
    word, code = _NAGIOS[status]
    told = [result for result in results if result.status is status is not CheckStatus.OK]
    text = "; ".join(f"{result.subject}: {result.detail}" for result in told) or f"{len(results)} checked"
    data = " ".join(_perfdata(result, measure) for result in results for measure in result.measures)
    line = f"{service} {word} - {_one_field(text)}"
    return (f"{line} | {data}" if data else line), code


def nagios_unknown(service: str, problem: str) -> tuple[str, int]:
    """Return the line and the exit code for a check that could not be made."""
    word, code = _NAGIOS[CheckStatus.UNKNOWN]
    return f"{service} {word} - {_one_field(problem)}", code


def _one_field(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


def _perfdata(result: CheckResult, measure: Measure) -> str:
    # 'label'=value[unit];[warn];[crit];[min]: a quote is doubled, and an equal sign or a bar would end the label.
    label = f"{result.subject} {measure.name}".replace("'", "''").replace("=", "_").replace("|", "_")
    limit = "" if measure.limit is None else measure.limit
    return f"'{label}'={measure.value}{measure.unit};;{limit};0"
