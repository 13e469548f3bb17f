"""`kcon check`: executes its requests; the exit code is the answer."""

from kcon.cli.document import Column, Document, Item
from kcon.cli.invocation import Invocation
from kcon.commands.check import CheckCluster, CheckLag, CheckRegex, CheckRestart, CheckTopic
from kcon.commands.request import Request
from kcon.core.check_result import CheckResult, CheckStatus, nagios_line, nagios_unknown, overall
from kcon.core.restart_check import Verdict
from kcon.core.units import format_duration
from kcon.core.wire_text import WireText
from kcon.errors import ExitCode, KconError
from kcon.services.session import Session

_COLUMNS = (
    Column(key="subject"),
    Column(key="verdict"),
    Column(key="detail"),
    Column(key="examples", wide=True),
)


_HEAD = (Column(key="subject"), Column(key="status"))
_DETAIL = (Column(key="detail"),)
_LAG = (
    Column(key="lag", right=True),
    Column(
        key="time_lag_ms",
        header="TIME LAG",
        right=True,
        show=lambda value: format_duration(value) if isinstance(value, int) else "",
    ),
)
_TOPIC = (
    Column(key="offline", right=True),
    Column(key="under_min_isr", right=True),
    Column(key="under_replicated", right=True),
)
_EXIT = {
    CheckStatus.OK: ExitCode.OK,
    CheckStatus.FAILED: ExitCode.CHECK_FAILED,
    CheckStatus.UNKNOWN: ExitCode.UNREACHABLE,
}


async def run_check(request: Request, invocation: Invocation) -> int:
    """Execute one check."""
    match request:
        case CheckRestart():
            return await _restart(request, invocation)
        case CheckRegex():
            return _regex(request, invocation)
        case CheckLag():
            return await _health(request, invocation, "KCON LAG", _LAG, request.nagios)
        case CheckTopic():
            return await _health(request, invocation, "KCON TOPIC", _TOPIC, request.nagios)
        case CheckCluster():
            return await _health(request, invocation, "KCON CLUSTER", (), request.nagios)
        case _:
            raise AssertionError(f"not a check: {request.command}")


async def _health(
    request: Request, invocation: Invocation, service: str, columns: tuple[Column, ...], is_nagios: bool
) -> int:
    try:
        async with invocation.open_session() as session, invocation.deadline():
            results = await _results(request, session)
    except KconError as error:
        if not is_nagios:
            raise
        return _say(invocation, *nagios_unknown(service, error.message))
    if is_nagios:
        return _say(invocation, *nagios_line(service, results))
    items: list[Item] = [
        {
            "subject": result.subject,
            "status": result.status.value,
            **{measure.name: measure.value for measure in result.measures},
            "detail": result.detail,
        }
        for result in results
    ]
    invocation.show(
        Document(
            kind="CheckResults",
            context=invocation.context.name,
            columns=(*_HEAD, *columns, *_DETAIL),
            items=items,
            name_key="subject",
        )
    )
    return _EXIT[overall(results)]


async def _results(request: Request, session: Session) -> list[CheckResult]:
    match request:
        case CheckLag():
            from kcon.services.lag_check import LagLimits, check_lag

            limits = LagLimits(max_lag=request.max_lag, max_time_lag_ms=request.max_time_lag_ms)
            return await check_lag(session, request.names, limits)
        case CheckTopic():
            from kcon.services.health_check import check_topics

            return await check_topics(session, request.names)
        case CheckCluster():
            from kcon.services.health_check import check_cluster

            return await check_cluster(session, brokers=request.brokers)
        case _:
            raise AssertionError(f"not a check of health: {request.command}")


def _say(invocation: Invocation, line: str, code: int) -> int:
    invocation.writer.text(f"{line}\n")
    invocation.writer.flush()
    return code


async def _restart(request: CheckRestart, invocation: Invocation) -> int:
    from kcon.services.restart_check import check_restart

    async with invocation.open_session() as session, invocation.deadline():
        findings = await check_restart(session, request.broker, allow_single=request.allow_single)
    items: list[Item] = [
        {
            "subject": finding.subject,
            "verdict": finding.verdict.value,
            "detail": finding.detail,
            "examples": [f"{where.topic}/{where.partition}" for where in finding.examples],
        }
        for finding in findings
    ]
    unsafe = any(finding.verdict is Verdict.BAD for finding in findings)
    verdict = "must not be stopped now" if unsafe else "may be stopped"
    code = invocation.show(
        Document(
            kind="RestartCheck",
            context=invocation.context.name,
            columns=_COLUMNS,
            items=items,
            name_key="subject",
            notes=[f"Broker {request.broker} {verdict}."],
        )
    )
    return ExitCode.CHECK_FAILED if unsafe else code


def _regex(request: CheckRegex, invocation: Invocation) -> int:
    from kcon.services.regex_check import fault_of

    fault = fault_of(request.pattern)
    item: Item = {
        "subject": WireText(request.pattern),
        "status": (CheckStatus.OK if fault is None else CheckStatus.FAILED).value,
        "detail": "RE2 takes it." if fault is None else f"RE2 does not take it: {fault}.",
    }
    columns = (*_HEAD, *_DETAIL)
    invocation.show(Document(kind="RegexCheck", columns=columns, items=[item], name_key="subject"))
    return ExitCode.OK if fault is None else ExitCode.CHECK_FAILED
