"""`kcon why`: watches groups, judges them, and shows the cause with its evidence."""

import asyncio

from kcon.cli.document import Block, Column, Document, Item, ItemError
from kcon.cli.invocation import Invocation
from kcon.commands.request import Request
from kcon.commands.why import Why
from kcon.core.ids import group_id
from kcon.core.verdict import Verdict
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import KconError, UnreachableError
from kcon.services.group_watch import why_group

_COLUMNS = (
    Column(key="name", header="GROUP"),
    Column(key="cause"),
    Column(key="confidence", drop=1),
    Column(key="headline", header="WHY"),
)


async def run_why(request: Request, invocation: Invocation) -> int:
    """Judge each group; all are watched at the same time."""
    assert isinstance(request, Why)
    names = list(dict.fromkeys(invocation.names(request.names)))
    async with invocation.open_session() as session:
        told = await asyncio.gather(
            *(why_group(session, name, watch_ms=request.watch_ms) for name in names), return_exceptions=True
        )
    verdicts: dict[str, Verdict] = {}
    errors: list[ItemError] = []
    for name, each in zip(names, told, strict=True):
        if isinstance(each, Verdict):
            verdicts[name] = each
        elif isinstance(each, UnreachableError) or not isinstance(each, KconError):
            raise each
        else:
            errors.append(ItemError(item=f"group {display_safe(name)}", error=each))
    return invocation.show(
        Document(
            kind="VerdictList",
            context=invocation.context.name,
            columns=_COLUMNS,
            items=[_item(group_id(name), verdict) for name, verdict in verdicts.items()],
            blocks=[_block(verdict) for verdict in verdicts.values()],
            errors=errors,
        )
    )


def _item(name: WireText, verdict: Verdict) -> Item:
    return {
        "name": name,
        "cause": verdict.cause.value,
        "confidence": verdict.confidence.value,
        "headline": verdict.headline,
        "partition": None if verdict.at is None else WireText(f"{verdict.at.topic.raw}/{verdict.at.partition}"),
        "evidence": list(verdict.evidence),
        "next": list(verdict.next_commands),
        "also": [{"cause": also.cause.value, "headline": also.headline} for also in verdict.also],
        "missing_ms": verdict.missing_ms,
    }


def _block(verdict: Verdict) -> Block:
    facts = [("cause", f"{verdict.cause.value} ({verdict.confidence.value})")]
    facts += [("evidence" if index == 0 else "", line) for index, line in enumerate(verdict.evidence)]
    facts += [("also" if index == 0 else "", also.headline) for index, also in enumerate(verdict.also)]
    facts += [("next" if index == 0 else "", command) for index, command in enumerate(verdict.next_commands)]
    return Block(heading=verdict.headline, facts=facts)
