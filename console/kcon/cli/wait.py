"""`kcon wait`: looks again and again until every condition holds or the time is over."""

import asyncio
from collections.abc import Mapping

from kcon.cli.document import Column, Document, Item, Value
from kcon.cli.invocation import Invocation
from kcon.commands.request import Request
from kcon.commands.wait import Wait
from kcon.core.wait_condition import Condition
from kcon.errors import ExitCode, UnreachableError
from kcon.services.session import Session
from kcon.services.waiting import Measured, measure

_COLUMNS = (
    Column(key="condition"),
    Column(key="value", right=True),
    Column(key="holds"),
)


async def run_wait(request: Request, invocation: Invocation) -> int:
    """Execute the request."""
    assert isinstance(request, Wait)
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + request.for_ms / 1000
    measured: Mapping[Condition, Measured] | None = None
    problem: UnreachableError | None = None
    async with invocation.open_session() as session:
        while True:
            try:
                measured = await _look(request, invocation, session, ends_s - loop.time())
                problem = None
            except UnreachableError as error:
                problem = error  # It may be what is waited for: a cluster that is not there yet.
            if measured is not None and problem is None and all(each.holds(value) for each, value in measured.items()):
                break
            left_s = ends_s - loop.time()
            if left_s <= 0:
                break
            invocation.diagnostics.progress(_progress(request, measured, problem, left_s))
            await asyncio.sleep(min(request.interval_ms / 1000, left_s))
    invocation.diagnostics.end_progress()
    if problem is not None:
        raise problem
    assert measured is not None, "either it was measured or there is a problem"
    return _show(invocation, request, measured)


async def _look(request: Wait, invocation: Invocation, session: Session, left_s: float) -> Mapping[Condition, Measured]:
    """Measure once, within the command's own deadline and what is left of the time; at least a moment."""
    try:
        async with invocation.deadline(), asyncio.timeout(max(left_s, 1.0)):
            return await measure(session, request.conditions, request.groups, request.topics)
    except TimeoutError as error:
        raise UnreachableError("The cluster did not answer in time.", "Give it longer with --for.") from error


def _progress(
    request: Wait, measured: Mapping[Condition, Measured] | None, problem: UnreachableError | None, left_s: float
) -> str:
    if problem is not None:
        return f"{problem.message} ({left_s:.0f} s left)"
    told = ", ".join(f"{each} is {_word(value)}" for each, value in (measured or {}).items() if not each.holds(value))
    return f"Waiting: {told} ({left_s:.0f} s left)"


def _word(value: Measured) -> str:
    if value is None:
        return "unknown"
    return ", ".join(sorted(value)) if isinstance(value, frozenset) else f"{value:,}"


def _value(value: Measured) -> Value:
    return sorted(value) if isinstance(value, frozenset) else value


def _show(invocation: Invocation, request: Wait, measured: Mapping[Condition, Measured]) -> int:
    items: list[Item] = [
        {"condition": str(each), "value": _value(value), "holds": each.holds(value)} for each, value in measured.items()
    ]
    missed = [each for each, value in measured.items() if not each.holds(value)]
    notes = [f"After {request.for_ms / 1000:g} s it still was not so: {', '.join(map(str, missed))}."] if missed else []
    code = invocation.show(
        Document(
            kind="Wait",
            context=invocation.context.name,
            columns=_COLUMNS,
            items=items,
            name_key="condition",
            notes=notes,
        )
    )
    return ExitCode.CHECK_FAILED if missed else code
