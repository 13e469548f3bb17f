"""`kcon why`: looks at groups, topics or the cluster, judges them, and shows the cause with its evidence."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from kcon.cli.document import Block, Column, Document, Item, ItemError
from kcon.cli.invocation import Invocation
from kcon.commands.request import Request
from kcon.commands.why import Why
from kcon.core.verdict import Verdict
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import KconError, NotFoundError, UnreachableError, UsageError
from kcon.services.group_watch import why_group
from kcon.services.session import Session
from kcon.services.topic_look import why_cluster, why_topic
from kcon.services.why_history import from_history

if TYPE_CHECKING:
    from kcon.observe.past import Past

CLUSTER: Final = "cluster"
_COLUMNS = (
    Column(key="name"),
    Column(key="cause"),
    Column(key="confidence", drop=1),
    Column(key="headline", header="WHY"),
)


async def run_why(request: Request, invocation: Invocation) -> int:
    """Judge each name; all are watched at the same time."""
    assert isinstance(request, Why)
    names = list(dict.fromkeys(invocation.names(request.names)))
    async with invocation.open_session() as session:
        told = await asyncio.gather(*(_why(session, name, request.watch_ms) for name in names), return_exceptions=True)
    return invocation.show(_document(invocation, names, told))


def _document(invocation: Invocation, names: Sequence[str], told: "Sequence[_Told | BaseException]") -> Document:
    verdicts: dict[str, _Told] = {}
    errors: list[ItemError] = []
    for name, each in zip(names, told, strict=True):
        if isinstance(each, _Told):
            verdicts[name] = each
        elif isinstance(each, UnreachableError) or not isinstance(each, KconError):
            raise each
        else:
            errors.append(ItemError(item=display_safe(name), error=each))
    return Document(
        kind="VerdictList",
        context=invocation.context.name,
        columns=_COLUMNS,
        items=[_item(told) for told in verdicts.values()],
        blocks=[_block(told.verdict) for told in verdicts.values()],
        errors=errors,
    )


def past_document(request: Why, invocation: Invocation, past: "Past", look_ms: int) -> Document:
    """Return the verdicts about a moment of the past."""
    if request.watch_ms is not None:
        raise UsageError("--at is one moment, so --for contradicts it.")
    names = list(dict.fromkeys(invocation.names(request.names)))
    told: list[_Told | BaseException] = []
    for name in names:
        try:
            told.append(_why_then(past, name, look_ms))
        except KconError as error:
            told.append(error)
    return _document(invocation, names, told)


def _why_then(past: "Past", name: str, look_ms: int) -> "_Told":
    from kcon.services.past_why import why_past_cluster, why_past_group, why_past_topic

    kind, slash, rest = name.partition("/")
    if name == CLUSTER:
        return _Told(CLUSTER, WireText(CLUSTER), why_past_cluster(past, look_ms))
    if slash and kind == "topic":
        return _Told("topic", WireText(_decoded(rest)), why_past_topic(past, _decoded(rest), look_ms))
    group = _decoded(rest) if slash and kind == "group" else name
    try:
        return _Told("group", WireText(group), why_past_group(past, group, look_ms))
    except NotFoundError:
        if group != name:
            raise
    try:
        return _Told("topic", WireText(name), why_past_topic(past, name, look_ms))
    except NotFoundError as error:
        raise NotFoundError(f"There was neither a group nor a topic {display_safe(name)} then.", error.hint) from error


class _Told(NamedTuple):
    """A verdict, and about what it is."""

    kind: str
    """`group`, `topic` or `cluster`."""
    name: WireText
    verdict: Verdict


async def _why(session: Session, name: str, watch_ms: int | None) -> _Told:
    kind, slash, rest = name.partition("/")
    if name == CLUSTER:
        return _Told(CLUSTER, WireText(CLUSTER), await why_cluster(session, watch_ms=watch_ms or 0))
    if slash and kind == "topic":
        topic = _decoded(rest)
        return _Told("topic", WireText(topic), await why_topic(session, topic))
    group = _decoded(rest) if slash and kind == "group" else name
    try:
        return _Told("group", WireText(group), await why_group(session, group, watch_ms=watch_ms, history=from_history))
    except NotFoundError as error:
        if group != name:
            raise
        group_hint = error.hint
    try:
        return _Told("topic", WireText(name), await why_topic(session, name))
    except NotFoundError as error:
        safe = display_safe(name)
        raise NotFoundError(f"There is neither a group nor a topic {safe}.", f"{group_hint} {error.hint}") from error


def _decoded(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def _item(told: _Told) -> Item:
    verdict = told.verdict
    return {
        "kind": told.kind,
        "name": told.name,
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
