"""`kcon history`: shows what is kept, what happened, and what is different between two moments."""

from typing import Final

from kcon.cli.document import Block, Column, Document, Value, int64
from kcon.cli.invocation import Invocation
from kcon.cli.past import look_near, moment_ms, show_past
from kcon.commands.history import HistoryDiff, HistoryMarks, HistoryStatus
from kcon.commands.request import Request
from kcon.core.times import format_time
from kcon.core.units import format_bytes, format_count, format_duration
from kcon.core.wire_text import WireText
from kcon.errors import UsageError
from kcon.observe.history_file import has_writer
from kcon.observe.moment_diff import differences
from kcon.services.history import GAP_MS, ClusterPast, snapshot_or_complain
from kcon.services.names import compile_pattern

GAPS_SHOWN: Final = 5


async def run_history(request: Request, invocation: Invocation) -> int:
    """Answer from history."""
    return await show_past(request, invocation, _document)


def _document(request: Request, invocation: Invocation, past: ClusterPast) -> Document:
    match request:
        case HistoryStatus():
            return _status(invocation, past)
        case HistoryMarks():
            return _marks(request, invocation, past)
        case HistoryDiff():
            return _diff(request, invocation, past)
        case _:
            raise AssertionError(f"not about history: {request.command}")


def _status(invocation: Invocation, past: ClusterPast) -> Document:
    tz = invocation.zone[0]
    reader = past.reader
    span = reader.span_ms()
    gaps = reader.gaps(*span, longer_ms=GAP_MS) if span is not None else []
    written = has_writer(reader.path)
    first, last = (None, None) if span is None else (format_time(each, tz, milliseconds=False) for each in span)
    facts = [
        ("file", str(reader.path)),
        ("from", first or "nothing yet"),
        ("to", last or "nothing yet"),
        ("size", format_bytes(reader.size_bytes())),
        ("series", format_count(reader.count_series())),
        ("written now", "yes" if written else "no"),
    ]
    for since_ms, until_ms in gaps[-GAPS_SHOWN:]:
        since = format_time(since_ms, tz, milliseconds=False)
        facts.append(("nobody looked", f"from {since} for {format_duration(until_ms - since_ms)}"))
    return Document(
        kind="HistoryStatus",
        context=invocation.context.name,
        columns=(Column(key="path"), Column(key="from"), Column(key="to"), Column(key="bytes"), Column(key="series")),
        name_key="path",
        items=[
            {
                "path": str(reader.path),
                "from": first,
                "to": last,
                "bytes": reader.size_bytes(),
                "series": reader.count_series(),
                "written": written,
                "gaps": [{"from_ms": int64(since_ms), "to_ms": int64(until_ms)} for since_ms, until_ms in gaps],
            }
        ],
        blocks=[Block(heading="History", facts=facts)],
        notes=[past.note] if past.note else [],
    )


def _marks(request: HistoryMarks, invocation: Invocation, past: ClusterPast) -> Document:
    tz = invocation.zone[0]
    since_ms = moment_ms(request.since, invocation)
    now_ms = invocation.environment.now_ms()
    until_ms = now_ms + 1 if request.until is None else moment_ms(request.until, invocation)
    if until_ms < since_ms:
        raise UsageError("--until is before --since.")
    patterns = [compile_pattern(text, regex=False) for text in request.subjects]
    marks = [
        mark
        for mark in past.marks(since_ms, until_ms, kinds=request.kinds)
        if not patterns or any(each.fullmatch(mark.subject.raw) for each in patterns)
    ]
    if request.count is not None:
        marks = marks[len(marks) - min(request.count, len(marks)) :]

    def show_time(value: Value) -> str:
        return format_time(value, tz, milliseconds=False) if isinstance(value, int) else ""

    return Document(
        kind="MarkList",
        context=invocation.context.name,
        columns=(
            Column(key="time_ms", header="TIME", show=show_time),
            Column(key="kind"),
            Column(key="subject", header="OF", drop=1),
            Column(key="text", header="WHAT"),
        ),
        name_key="kind",
        items=[
            {
                "time_ms": int64(mark.at_ms),
                "time": format_time(mark.at_ms, tz),
                "kind": mark.kind,
                "subject": mark.subject,
                "text": mark.text,
            }
            for mark in marks
        ],
        notes=[past.note] if past.note else [],
    )


def _diff(request: HistoryDiff, invocation: Invocation, past: ClusterPast) -> Document:
    tz = invocation.zone[0]
    before_ms, notes = look_near(past, moment_ms(request.before, invocation), invocation)
    span = past.reader.span_ms()
    asked_ms = (span[1] if span else 0) if request.after is None else moment_ms(request.after, invocation)
    after_ms, more = look_near(past, asked_ms, invocation)
    if after_ms < before_ms:
        raise UsageError("The second moment is before the first.", "Turn them round.")
    before, after = (snapshot_or_complain(past, each, tz) for each in (before_ms, after_ms))
    found = [each for each in differences(past, before, after) if not request.kinds or each.kind in request.kinds]
    return Document(
        kind="HistoryDiff",
        context=invocation.context.name,
        columns=(
            Column(key="kind"),
            Column(key="name"),
            Column(key="what"),
            Column(key="before", header=format_time(before_ms, tz, milliseconds=False), right=True),
            Column(key="after", header=format_time(after_ms, tz, milliseconds=False), right=True),
        ),
        items=[
            {
                "kind": each.kind,
                "name": WireText(each.name.raw),
                "what": each.what,
                "before": each.before,
                "after": each.after,
            }
            for each in found
        ],
        notes=[*notes, *more[-1:], *([] if found else ["Nothing is different."])],
    )
