"""`kcon raw`: sends one request that the user wrote, and prints the answer."""

from kcon.admin.raw_request import RawRequest, changes_cluster, parse_raw
from kcon.cli.changes import refuse_early
from kcon.cli.invocation import Invocation
from kcon.cli.output import json_text
from kcon.commands.raw import Raw
from kcon.commands.request import Request
from kcon.contexts.context import Mode
from kcon.core.frozen import Frozen
from kcon.errors import ExitCode, RefusedError, UsageError
from kcon.gate.permit import Operation, Permit
from kcon.services.session import Session

DATA_BYTES_MAX = 16 * 1024 * 1024


class _Plan(Frozen):
    """What the gate is asked for."""

    targets: frozenset[str]
    confirmed_by: str
    operation: Operation = Operation.RAW


async def run_raw(request: Request, invocation: Invocation) -> int:
    """Send it; what may change the cluster needs -y, or the name of the API typed in a protected context."""
    assert isinstance(request, Raw)
    wanted = parse_raw(request.api, request.version, _data(request, invocation))
    async with invocation.open_session() as session:
        permit: Permit | None = None
        if changes_cluster(wanted):
            refuse_early(session, Operation.RAW, request.confirmation)
            if request.confirmation.dry_run:
                invocation.diagnostics.note(f"Dry run: {wanted.api.title} may change the cluster and was not sent.")
                return ExitCode.OK
            permit = await _permit(wanted, request, invocation, session)
        elif request.confirmation.dry_run:
            invocation.diagnostics.note(f"Dry run: {wanted.api.title} changes nothing and was not sent.")
            return ExitCode.OK
        async with invocation.deadline():
            answer = await (await session.admin()).raw(wanted, permit, request.broker)
        if permit is not None:
            session.gate.record_result(permit, ok=True, detail={"api": wanted.api.title})
    invocation.writer.text(json_text(answer, indent=2) + "\n")
    invocation.writer.flush()
    return ExitCode.OK


def _data(request: Raw, invocation: Invocation) -> str:
    if request.data != "-":
        return request.data
    data = invocation.environment.stdin.read(DATA_BYTES_MAX + 1)
    if len(data) > DATA_BYTES_MAX:
        raise UsageError(f"More than {DATA_BYTES_MAX:,} bytes came from standard input.")
    return data.decode("utf-8", "surrogateescape")


async def _permit(wanted: RawRequest, request: Raw, invocation: Invocation, session: Session) -> Permit:
    agreed = request.confirmation.confirmed_by
    if agreed is None:
        protected = invocation.context.mode is Mode.PROTECT
        raise RefusedError(
            f"{wanted.api.title} may change the cluster: nothing was sent.",
            f"Repeat it with {f'--confirm {wanted.api.title}' if protected else '--execute (or -y)'}.",
        )
    return await session.authorise(_Plan(targets=frozenset({wanted.api.title}), confirmed_by=agreed))
