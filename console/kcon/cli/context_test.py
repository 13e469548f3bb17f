"""`kcon context test`: shows which step of connecting works, and why one does not."""

from kcon.cli.document import Column, Document, Item, ItemError
from kcon.cli.invocation import Invocation
from kcon.commands.request import Request
from kcon.services.context_check import Step, check_context

_COLUMNS = (
    Column(key="plane"),
    Column(key="step"),
    Column(key="target"),
    Column(key="result"),
    Column(key="took_ms", header="MS", right=True),
    Column(key="detail"),
)


async def run_context_test(request: Request, invocation: Invocation) -> int:
    """Check the context and show every step; the exit code is that of the failures."""
    async with invocation.open_session() as session:
        steps = await check_context(session)
    errors = [ItemError(item=f"{step.name} {step.target}", error=step.error) for step in steps if step.error]
    return invocation.show(
        Document(
            kind="ContextTest",
            context=invocation.context.name,
            columns=_COLUMNS,
            items=[_item(step) for step in steps],
            errors=errors,
            name_key="step",
        )
    )


def _item(step: Step) -> Item:
    return {
        "plane": step.plane,
        "step": step.name,
        "target": step.target,
        "result": "failed" if step.error else "ok",
        "took_ms": round(step.took_ms, 1),
        "detail": step.error.message if step.error else step.detail,
    }
