"""`kcon load`: loads a file into a topic and reports bad rows by their line."""

from pathlib import Path
from typing import Final

from kcon.cli.document import Column, Document, Item
from kcon.cli.invocation import Invocation
from kcon.commands.load import Load
from kcon.commands.request import Request
from kcon.core.ids import topic_name
from kcon.errors import ExitCode
from kcon.gate.permit import Operation
from kcon.records.sender import SendOptions
from kcon.services.load import LoadOptions, LoadReport, load
from kcon.services.load_rows import BadRow, RowFormat
from kcon.services.produce import ProducePlan

FAILURES_SHOWN_MAX: Final = 10

_COLUMNS = (
    Column(key="topic"),
    Column(key="rows", right=True),
    Column(key="delivered", right=True),
    Column(key="bad", right=True),
    Column(key="failed", right=True),
    Column(key="bytes", right=True),
    Column(key="seconds", right=True, show=lambda value: f"{value:.1f}" if isinstance(value, float) else str(value)),
    Column(key="rows_per_s", header="ROWS/S", right=True),
)


async def run_load(request: Request, invocation: Invocation) -> int:
    """Load; the exit code is 0 when everything that should be on the cluster is there."""
    assert isinstance(request, Load)
    async with invocation.open_session() as session:
        session.gate.refuse_if_read_only(Operation.PRODUCE)
        topic = topic_name(request.topic)
        async with invocation.deadline():
            permit = await session.authorise(
                ProducePlan(topic=topic, confirmed_by=request.confirmation.confirmed_by or "command")
            )

        def say_bad(row: BadRow) -> None:
            invocation.diagnostics.note(f"line {row.line:,}: {row.reason}")

        report = await load(session, _options(request), permit, on_bad_row=say_bad)
        session.gate.record_result(permit, ok=report.ok, detail={"delivered": report.delivered})
    for failure in report.failures[:FAILURES_SHOWN_MAX]:
        invocation.diagnostics.note(f"line {failure.index:,} was not written: {failure.reason}")
    invocation.show(
        Document(
            kind="LoadReport",
            context=invocation.context.name,
            columns=_COLUMNS,
            items=[_item(request, report)],
            name_key="topic",
        )
    )
    return ExitCode.OK if report.ok else ExitCode.FAILED


def _options(request: Load) -> LoadOptions:
    return LoadOptions(
        path=None if request.path is None else Path(request.path),
        topic=topic_name(request.topic),
        format=None if request.row_format is None else RowFormat(request.row_format),
        key_column=request.key_column,
        timestamp_column=request.timestamp_column,
        delimiter=request.delimiter,
        null_text=request.null_text,
        columns=request.columns,
        rate_per_s=request.rate_per_s,
        limit=request.count,
        skip_bad=request.skip_bad,
        send=SendOptions(compression=request.compression or "lz4"),
    )


def _item(request: Load, report: LoadReport) -> Item:
    return {
        "topic": topic_name(request.topic),
        "rows": report.rows,
        "delivered": report.delivered,
        "bad": report.bad,
        "failed": report.failed,
        "bytes": report.bytes,
        "seconds": round(report.elapsed_s, 3),
        "rows_per_s": round(report.rows_per_s),
    }
