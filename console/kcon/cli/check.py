"""`kcon check`: executes its requests; the exit code is the answer."""

from kcon.cli.document import Column, Document, Item
from kcon.cli.invocation import Invocation
from kcon.commands.check import CheckRestart
from kcon.commands.request import Request
from kcon.core.restart_check import Verdict
from kcon.errors import ExitCode
from kcon.services.restart_check import check_restart

_COLUMNS = (
    Column(key="subject"),
    Column(key="verdict"),
    Column(key="detail"),
    Column(key="examples", wide=True),
)


async def run_check(request: Request, invocation: Invocation) -> int:
    """Execute one check."""
    match request:
        case CheckRestart():
            return await _restart(request, invocation)
        case _:
            raise AssertionError(f"not a check: {request.command}")


async def _restart(request: CheckRestart, invocation: Invocation) -> int:
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
