"""`kcon search`: says what it will read, writes matches as they come, and ends with exact coverage."""

import asyncio
from collections.abc import Sequence
from typing import Final

from kcon.cli.document import Value
from kcon.cli.invocation import Invocation
from kcon.cli.output import API_VERSION, json_text
from kcon.cli.record_decoding import presenter_of
from kcon.cli.record_text import record_json, record_writer
from kcon.commands.request import Request
from kcon.commands.search import Search as SearchRequest
from kcon.core.ids import topic_name
from kcon.core.offset_spec import FromStart, OffsetRange, Purpose, parse_offset_range
from kcon.core.units import format_bytes, format_count
from kcon.errors import ExitCode
from kcon.records.read_plan import Isolation
from kcon.records.record import Record
from kcon.services.record_filter import RecordFilter, compile_record_filter
from kcon.services.records import RecordQuery
from kcon.services.search import PartitionCoverage, Search, SearchPlan, estimate, plan_search, resumed_plan
from kcon.services.search_state import SearchState, load_search, save_search
from kcon.services.session import Session

PARTITIONS_SAID_MAX: Final = 20
PROGRESS_S: Final = 0.2


async def run_search(request: Request, invocation: Invocation) -> int:
    """Search; the exit code is 0 whether or not something matched, 1 where a partition could not be read."""
    assert isinstance(request, SearchRequest)
    now_ms = invocation.environment.now_ms()
    # A filter that is none costs no connection.
    where = None if request.where is None else compile_record_filter(request.where, now_ms)
    query = _query(request, invocation, now_ms)
    async with invocation.open_session() as session:
        async with invocation.deadline():
            plan, where = await _plan(request, session, query, where, now_ms)
            ahead = await estimate(session, plan)
        if not request.quiet or request.estimate_only:
            size = "an unknown size" if ahead.disk_bytes is None else f"about {format_bytes(ahead.disk_bytes)} on disk"
            invocation.diagnostics.note(
                f"{size}, {format_count(ahead.offsets)} offsets in {ahead.partition_count} partitions to read."
            )
        _tell_what_is_left_out(request, invocation, plan)
        if request.estimate_only:
            return ExitCode.FAILED if plan.planned.errors else ExitCode.OK
        return await _search(request, invocation, session, plan, where)


async def _plan(
    request: SearchRequest, session: Session, query: RecordQuery, where: RecordFilter | None, now_ms: int
) -> tuple[SearchPlan, RecordFilter]:
    if request.resume is None:
        assert where is not None
        return await plan_search(session, query), where
    cluster_id = await session.cluster_id()
    state = load_search(session.folder, request.resume, None if cluster_id is None else cluster_id.raw)
    query = RecordQuery(topics=(), isolation=Isolation(state.isolation), limit=request.count)
    return resumed_plan(query, state.coverage), compile_record_filter(state.where, now_ms)


def _query(request: SearchRequest, invocation: Invocation, now_ms: int) -> RecordQuery:
    places = OffsetRange(FromStart(), None)
    if request.offset is not None:
        zone, _name = invocation.zone
        places = parse_offset_range(request.offset, now_ms=now_ms, tz=zone, purpose=Purpose.CONSUME)
    return RecordQuery(
        topics=tuple(topic_name(name) for name in dict.fromkeys(request.topics)),
        partitions=None if request.partitions is None else frozenset(request.partitions),
        start=places.start,
        end=places.end,
        limit=request.count,
        isolation=Isolation(request.isolation),
    )


def _tell_what_is_left_out(request: SearchRequest, invocation: Invocation, plan: SearchPlan) -> None:
    """Say what was moved or cannot be read; with -q only what makes the search fail."""
    if request.quiet and not plan.planned.errors:
        return
    for note in plan.planned.notes:
        invocation.diagnostics.note(note)
    if plan.planned.hidden and not request.quiet:
        invocation.diagnostics.note(f"{plan.planned.hidden:,} hidden behind an open transaction.")


async def _search(
    request: SearchRequest, invocation: Invocation, session: Session, plan: SearchPlan, where: RecordFilter
) -> int:
    output = _Output(request, invocation)
    search = Search(session, plan, where, bytes_per_s_max=request.bytes_per_s_max)
    try:
        async with search:
            await _write_matches(search, invocation, output)
    except asyncio.CancelledError:
        _end(request, invocation, search, output)
        await _offer_to_resume(request, invocation, session, search)
        raise
    _end(request, invocation, search, output)
    if any(not each.is_complete for each in search.coverage()):
        await _offer_to_resume(request, invocation, session, search)
    return ExitCode.FAILED if plan.planned.errors else ExitCode.OK


async def _write_matches(search: Search, invocation: Invocation, output: "_Output") -> None:
    loop = asyncio.get_running_loop()
    shown_s = 0.0
    total = sum(each.end_offset - each.start_offset for each in search.coverage()) or 1
    async for matches in search:
        if matches:
            invocation.diagnostics.end_progress()
        for record in matches:
            output.record(record)
        if matches:
            output.flush()
        if loop.time() - shown_s >= PROGRESS_S:
            shown_s = loop.time()
            done = sum(each.searched + each.lost for each in search.coverage())
            invocation.diagnostics.progress(
                f"{done * 100 // total}% of {total:,} offsets, {format_bytes(search.bytes_read)} read, "
                f"{search.where.matched:,} found"
            )


class _Output:
    """Writes matches in the chosen format."""

    def __init__(self, request: SearchRequest, invocation: Invocation) -> None:
        self._out = invocation.writer
        self._int64_as_string = request.shared.output.int64_as_string
        self._is_envelope = request.format.kind == "json"
        safe = self._out.is_terminal and not request.format.raw
        self._write = (
            None
            if self._is_envelope
            else record_writer(request.format, safe=safe, int64_as_string=self._int64_as_string)
        )
        self._present = presenter_of(request.format, invocation)
        self._separator = "\n"
        if self._is_envelope:
            head = json_text({"kind": "SearchResult", "apiVersion": API_VERSION, "context": invocation.context.name})
            self._out.text(head[:-1] + ',"items":[')

    def record(self, record: Record) -> None:
        if self._present is not None:
            record = self._present(record)
        if self._write is not None:
            self._out.bytes(self._write(record))
            return
        self._out.text(self._separator + record_json(record, int64_as_string=self._int64_as_string))
        self._separator = ",\n"

    def flush(self) -> None:
        self._out.flush()

    def end(self, search: Search, coverage: Sequence[PartitionCoverage]) -> None:
        if self._is_envelope:
            told = {
                "coverage": [_coverage_item(each) for each in coverage],
                "matched": search.where.matched,
                "searched": search.where.seen,
                "unanswered": search.where.errors.total,
                "errors": _errors(search),
            }
            self._out.text("\n]," + json_text(told)[1:] + "\n")
        self._out.flush()


def _coverage_item(each: PartitionCoverage) -> dict[str, Value]:
    return {
        "topic": each.partition.topic.raw,
        "partition": each.partition.partition,
        "start": each.start_offset,
        "searched_to": each.next_offset,
        "end": each.end_offset,
        "lost": each.lost,
        "complete": each.is_complete,
    }


def _errors(search: Search) -> list[dict[str, str]]:
    return [
        {"item": f"{part.topic}/{part.partition}", "message": str(error)}
        for part, error in (search.reading.planned.errors or {}).items()
    ]


def _end(request: SearchRequest, invocation: Invocation, search: Search, output: _Output) -> None:
    coverage = search.coverage()
    output.end(search, coverage)
    say = invocation.diagnostics
    say.end_progress()
    while search.notices:
        say.note(search.notices.popleft().text)
    unanswered = search.where.errors.sentence()
    if unanswered is not None:
        say.note(unanswered)
    if request.quiet:
        return
    # Those that are not complete first: they are what somebody must know.
    ordered = sorted(coverage, key=lambda each: each.is_complete)
    for each in ordered[:PARTITIONS_SAID_MAX]:
        where = f"{each.partition.topic}/{each.partition.partition}"
        lost = f", {each.lost} of which were deleted before they were read" if each.lost else ""
        say.note(f"{where}: searched offsets {each.start_offset}–{each.next_offset} of {each.end_offset}{lost}.")
    if len(ordered) > PARTITIONS_SAID_MAX:
        rest = ordered[PARTITIONS_SAID_MAX:]
        complete = sum(each.is_complete for each in rest)
        say.note(f"{len(rest)} more partitions, {complete} of them searched to their end.")
    say.note(f"{search.where.matched:,} of {search.where.seen:,} records match.")


async def _offer_to_resume(request: SearchRequest, invocation: Invocation, session: Session, search: Search) -> None:
    if session.gate.cluster_id is None and request.resume is None:
        await session.cluster_id()
    cluster_id = session.gate.cluster_id
    state = SearchState(
        where=search.where.text,
        isolation=search.reading.planned.plan.isolation.value,
        cluster_id=None if cluster_id is None else cluster_id.raw,
        coverage=search.coverage(),
    )
    name = save_search(session.folder, state)
    invocation.diagnostics.note(f"Go on with: kcon search --resume {name}")
