"""Results of checks: the worst one counts, and a name never breaks Nagios's line."""

import pytest

from kcon.core.check_result import CheckResult, CheckStatus, Measure, nagios_line, overall

OK, FAILED, UNKNOWN = CheckStatus.OK, CheckStatus.FAILED, CheckStatus.UNKNOWN


def result(status: CheckStatus, subject: str = "g", *measures: Measure) -> CheckResult:
    return CheckResult(subject=subject, status=status, detail="said | so", measures=measures)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [((), UNKNOWN), ((OK,), OK), ((OK, UNKNOWN), UNKNOWN), ((UNKNOWN, FAILED, OK), FAILED)],
)
def test_the_worst_counts_and_nothing_checked_is_not_well(
    statuses: tuple[CheckStatus, ...], expected: CheckStatus
) -> None:
    assert overall([result(status) for status in statuses]) is expected


def test_a_hostile_name_stays_one_label() -> None:
    line, code = nagios_line("KCON LAG", [result(FAILED, "a'b=c|d", Measure("lag", 5, 3))])
    assert code == 2
    assert line == "KCON LAG CRITICAL - a'b=c/d: said / so | 'a''b_c_d lag'=5;;3;0"
