"""`kcon consume` and `kcon tail`: reads records and writes them out as they come."""

from dataclasses import replace
from typing import Final

from kcon.cli.invocation import Invocation
from kcon.cli.output import API_VERSION, json_text
from kcon.cli.record_decoding import Present, presenter_of
from kcon.cli.record_text import Writer, record_json, record_writer
from kcon.commands.consume import Consume
from kcon.commands.request import Request
from kcon.core.ids import group_id, topic_name
from kcon.core.offset_spec import FromEnd, FromStart, OffsetRange, Purpose, parse_offset_range
from kcon.errors import ExitCode, UsageError
from kcon.gate.permit import Operation, Permit
from kcon.records.read_plan import Isolation, Order
from kcon.services.record_filter import compile_record_filter
from kcon.services.records import GroupConsumePlan, RecordQuery, RecordReading, open_stream
from kcon.services.session import Session

WRITE_BYTES: Final = 64 * 1024
"""Records are handed to standard output in pieces of about this size, and at the end of each batch."""


async def run_consume(request: Request, invocation: Invocation) -> int:
    """Print records until the end, the count, or ctrl-C."""
    assert isinstance(request, Consume)
    query = _query(request, invocation)
    safe = invocation.writer.is_terminal and not request.format.raw
    written = record_writer(request.format, safe=safe, int64_as_string=request.shared.output.int64_as_string)
    present = presenter_of(request.format, invocation)
    write = written if present is None else _presented(written, present)
    if request.format.kind == "json" and query.follow and query.limit is None:
        raise UsageError("--output json needs an end.", "Add -e, -n N or a range; -J writes one object a line.")
    invocation.follows = query.follow and query.limit is None
    if query.limit == 0:
        return ExitCode.OK
    async with invocation.open_session() as session:
        permit = await _permit(request, session)
        async with invocation.deadline():
            reading = await open_stream(session, query, permit)
        _say_what_is_hidden(request, invocation, reading)
        async with reading:
            if request.format.kind == "json":
                return await _write_envelope(request, invocation, reading)
            return await _write_records(request, invocation, reading, write)


def _presented(write: Writer, present: Present) -> Writer:
    return lambda record: write(present(record))


def _query(request: Consume, invocation: Invocation) -> RecordQuery:
    zone, _name = invocation.zone
    now_ms = invocation.environment.now_ms()
    places = OffsetRange(FromStart(), None)
    if request.offset is not None:
        places = parse_offset_range(request.offset, now_ms=now_ms, tz=zone, purpose=Purpose.CONSUME)
    elif request.group is None and request.last_total is None:
        places = OffsetRange(FromStart(), None)
    if request.last_total is not None:
        places = OffsetRange(FromEnd(), None)
    return RecordQuery(
        topics=tuple(topic_name(name) for name in dict.fromkeys(request.topics)),
        partitions=None if request.partitions is None else frozenset(request.partitions),
        start=places.start,
        end=places.end,
        follow=not request.stop_at_end and places.end is None,
        limit=request.count,
        last_total=request.last_total,
        isolation=Isolation(request.isolation),
        order=Order.ARRIVAL,
        group=None if request.group is None else group_id(request.group),
        where=None if request.where is None else compile_record_filter(request.where, now_ms),
    )


async def _permit(request: Consume, session: Session) -> Permit | None:
    """Joining a group is a change; without one nothing is changed."""
    if request.group is None:
        return None
    session.gate.refuse_if_read_only(Operation.GROUP_CONSUME)
    plan = GroupConsumePlan(group=group_id(request.group))
    return await session.authorise(replace(plan, confirmed_by=request.confirmation.confirmed_by or "-g"))


def _say_what_is_hidden(request: Consume, invocation: Invocation, reading: RecordReading) -> None:
    if request.quiet:
        return
    for note in reading.planned.notes:
        invocation.diagnostics.note(note)
    if reading.planned.hidden:
        invocation.diagnostics.note(f"{reading.planned.hidden:,} hidden behind an open transaction.")


async def _write_records(request: Consume, invocation: Invocation, reading: RecordReading, write: Writer) -> int:
    out = invocation.writer
    async for batch in reading:
        pending: list[bytes] = []
        size = 0
        for record in batch:
            data = write(record)
            pending.append(data)
            size += len(data)
            if size >= WRITE_BYTES:
                out.bytes(b"".join(pending))
                pending, size = [], 0
        out.bytes(b"".join(pending))
        out.flush()
        _say_notices(request, invocation, reading)
    _say_end(request, invocation, reading)
    return ExitCode.FAILED if reading.planned.errors else ExitCode.OK


async def _write_envelope(request: Consume, invocation: Invocation, reading: RecordReading) -> int:
    """Write the envelope piece by piece, so that memory does not grow with the records."""
    out = invocation.writer
    present = presenter_of(request.format, invocation)
    head = json_text({"kind": "RecordList", "apiVersion": API_VERSION, "context": invocation.context.name})
    out.text(head[:-1] + ',"items":[')
    separator = "\n"
    async for batch in reading:
        for record in batch:
            if present is not None:
                record = present(record)
            out.text(separator + record_json(record, int64_as_string=request.shared.output.int64_as_string))
            separator = ",\n"
        out.flush()
    errors = [
        {"item": f"{part.topic}/{part.partition}", "message": str(error)}
        for part, error in (reading.planned.errors or {}).items()
    ]
    out.text(f'\n],"errors":{json_text(errors)}}}\n')
    out.flush()
    _say_end(request, invocation, reading)
    return ExitCode.FAILED if errors else ExitCode.OK


def _say_end(request: Consume, invocation: Invocation, reading: RecordReading) -> None:
    _say_notices(request, invocation, reading)
    unanswered = reading.where_errors
    if unanswered is not None and not request.quiet:
        invocation.diagnostics.note(unanswered)


def _say_notices(request: Consume, invocation: Invocation, reading: RecordReading) -> None:
    while reading.notices:
        notice = reading.notices.popleft()
        if not request.quiet:
            invocation.diagnostics.note(notice.text)
