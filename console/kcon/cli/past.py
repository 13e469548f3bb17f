"""What does a command say with --at? The same tables as of the present, out of the cluster's history."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from kcon.cli.document import Document
from kcon.cli.invocation import Invocation
from kcon.commands.broker import BrokerDescribe, BrokerList
from kcon.commands.group import GroupDescribe, GroupLag, GroupList, GroupMembers
from kcon.commands.request import Request
from kcon.commands.top import Top
from kcon.commands.topic import TopicDescribe, TopicList
from kcon.commands.why import Why
from kcon.core.snapshot import NO_BROKER
from kcon.core.times import format_time, parse_time_ms
from kcon.core.units import format_duration
from kcon.errors import UsageError
from kcon.observe.snapshot import ClusterSnapshot
from kcon.services.history import ClusterPast, no_history_at, open_past, snapshot_or_complain

NEAR_MS: Final = 15_000
"""A look that was so near to the asked moment needs no words."""


async def run_past(request: Request, invocation: Invocation) -> int:
    """Answer from history."""
    if request.shared.output.watch:
        raise UsageError("--at is one moment, so --watch contradicts it.")
    return await show_past(request, invocation, _document)


async def show_past(
    request: Request, invocation: Invocation, document_of: Callable[[Request, Invocation, ClusterPast], Document]
) -> int:
    """Show what `document_of` makes, in a thread, of the past of the session's cluster. NotFoundError: none is kept."""
    async with invocation.open_session() as session:
        async with invocation.deadline():
            past = await open_past(session)
        try:
            document = await asyncio.to_thread(document_of, request, invocation, past)
        finally:
            past.close()
    return invocation.show(document)


def moment_ms(text: str, invocation: Invocation) -> int:
    """Read a moment of the past. UsageError when it is none, or to come."""
    now_ms = invocation.environment.now_ms()
    at_ms = parse_time_ms(text.removeprefix("@"), now_ms=now_ms, tz=invocation.zone[0])
    if at_ms > now_ms:
        raise UsageError(f"{text} is yet to come.", "Give a moment of the past: @-1h, @14:05, @2026-01-31T14:05.")
    return at_ms


def look_near(past: ClusterPast, at_ms: int, invocation: Invocation) -> tuple[int, list[str]]:
    """Return the look that shows a moment, and notes about it. NotFoundError when nobody looked then."""
    tz = invocation.zone[0]
    look_ms = past.reader.look_at(at_ms)
    if look_ms is None:
        raise no_history_at(past, at_ms, tz)
    notes = [past.note] if past.note else []
    before = f", {format_duration(at_ms - look_ms)} before" if at_ms - look_ms > NEAR_MS else ""
    notes.append(f"As of {format_time(look_ms, tz, milliseconds=False)}{before}.")
    return look_ms, notes


def _document(request: Request, invocation: Invocation, past: ClusterPast) -> Document:
    assert request.shared.at is not None, "the caller asks for the past"
    at_ms = moment_ms(request.shared.at, invocation)
    look_ms, notes = look_near(past, at_ms, invocation)
    document = _answer(request, invocation, past, look_ms)
    at = format_time(look_ms, invocation.zone[0])
    return document.with_changes(at=at, notes=[*notes, *document.notes])


def _answer(request: Request, invocation: Invocation, past: ClusterPast, look_ms: int) -> Document:
    match request:
        case TopicList() | TopicDescribe():
            return _topics(request, invocation, past, look_ms)
        case GroupList() | GroupDescribe() | GroupMembers() | GroupLag():
            return _groups(request, invocation, past, look_ms)
        case BrokerList():
            return _brokers(invocation, past, look_ms)
        case BrokerDescribe():
            from kcon.cli.broker_past import past_description

            return past_description(request, invocation, past, look_ms)
        case Why():
            from kcon.cli.why import past_document

            return past_document(request, invocation, past, look_ms)
        case Top():
            from kcon.cli.top import top_document

            return top_document(request, invocation, _snapshot(past, look_ms, invocation))
        case _:
            raise UsageError(
                f"`kcon {request.command}` has no past.", "--at goes with lists, describe, lag, why and top."
            )


def _snapshot(past: ClusterPast, look_ms: int, invocation: Invocation) -> ClusterSnapshot:
    return snapshot_or_complain(past, look_ms, invocation.zone[0])


def _topics(request: TopicList | TopicDescribe, invocation: Invocation, past: ClusterPast, look_ms: int) -> Document:
    from kcon.cli.topic import description_document, list_document
    from kcon.services.past import describe_past_topics, past_topics

    if isinstance(request, TopicDescribe):
        found = past_topics(past, look_ms, invocation.names(request.names), regex=request.regex)
        return description_document(invocation, found, describe_past_topics(past, look_ms, found.topics))
    if request.health & {"under-min-isr", "at-min-isr"}:
        raise UsageError(
            "What min.insync.replicas was is not known of every topic.", "--urp and --offline have a past."
        )
    found = past_topics(
        past, look_ms, invocation.patterns(request.patterns), regex=request.regex, internal=request.internal
    )
    topics = [
        topic
        for topic in found.topics
        if not request.health
        or ("under-replicated" in request.health and any(part.is_under_replicated for part in topic.partitions))
        or ("offline" in request.health and any(part.leader_id == NO_BROKER for part in topic.partitions))
    ]
    return list_document(invocation, topics)


def _groups(
    request: GroupList | GroupDescribe | GroupMembers | GroupLag,
    invocation: Invocation,
    past: ClusterPast,
    look_ms: int,
) -> Document:
    from kcon.cli import group
    from kcon.services.past import describe_past_groups, past_group_lag, past_groups

    if isinstance(request, GroupList):
        patterns = invocation.patterns(request.patterns)
        found = past_groups(past, look_ms, patterns, regex=request.regex, states=request.states)
        return group.list_document(invocation, found)
    if isinstance(request, GroupLag):
        names = invocation.patterns(request.names)
        scopes = group.scopes_of(request.topics)
        report = past_group_lag(past, look_ms, names, regex=request.regex, scopes=scopes)
        document = group.lag_document(invocation, report)
        return document.with_changes(notes=[*document.notes, *_left_out(past, report.groups, report.rows)])
    described, errors = describe_past_groups(past, look_ms, invocation.names(request.names), regex=request.regex)
    if isinstance(request, GroupMembers):
        return group.members_document(invocation, described, errors)
    return group.description_document(invocation, described, errors)


def _left_out(past: ClusterPast, groups: object, rows: Sequence[object]) -> list[str]:
    if not groups or rows or past.reader.keys("end"):
        return []
    return ["Partitions were not recorded one by one: there are more series than series_max of [history] allows."]


def _brokers(invocation: Invocation, past: ClusterPast, look_ms: int) -> Document:
    from kcon.cli.broker import list_document
    from kcon.services.past import past_brokers

    controller_id = past.controller_at(look_ms)
    return list_document(invocation, past_brokers(past, look_ms), controller_id, past.topics_at(look_ms))
