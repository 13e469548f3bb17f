"""`kcon load`: loads a file into a topic and reports bad rows by their line."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
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
from kcon.services.job_progress import authorise_job, check_job_name
from kcon.services.load import LoadOptions, LoadProgress, LoadReport, check_rows, load
from kcon.services.load_job import load_job_name
from kcon.services.load_rows import BadRow, RowFormat
from kcon.services.produce import ProducePlan, require_topic

FAILURES_SHOWN_MAX: Final = 10

_COLUMNS = (
    Column(key="topic"),
    Column(key="rows", right=True),
    Column(key="delivered", right=True),
    Column(key="before", right=True, drop=1),
    Column(key="bad", right=True),
    Column(key="failed", right=True),
    Column(key="bytes", right=True),
    Column(key="seconds", right=True, show=lambda value: f"{value:.1f}" if isinstance(value, float) else str(value)),
    Column(key="rows_per_s", header="ROWS/S", right=True),
)


async def run_load(request: Request, invocation: Invocation) -> int:
    """Load; the exit code is 0 when everything that should be on the cluster is there."""
    assert isinstance(request, Load)
    options = _options(request)
    if request.dry_run:
        report = await asyncio.to_thread(check_rows, invocation.context, options)
        for row in report.bad_rows:
            invocation.diagnostics.note(f"line {row.line:,}: {row.reason}")
        invocation.diagnostics.note("Dry run: nothing was sent.")
        return _show(request, invocation, report)
    if request.exactly_once:
        options = replace(options, job=check_job_name(request.job) if request.job else load_job_name(options))
    async with invocation.open_session() as session:
        session.gate.refuse_if_read_only(Operation.PRODUCE)
        topic = topic_name(request.topic)
        confirmed_by = request.confirmation.confirmed_by or "command"
        async with invocation.deadline():
            await require_topic(session, topic)
            if options.job is not None:
                permit = await authorise_job(session, frozenset({topic}), topic, confirmed_by)
            else:
                permit = await session.authorise(ProducePlan(topic=topic, confirmed_by=confirmed_by))

        def say_bad(row: BadRow) -> None:
            invocation.diagnostics.note(f"line {row.line:,}: {row.reason}")

        try:
            report = await load(session, options, permit, on_bad_row=say_bad, on_progress=_progress(invocation))
        finally:
            invocation.diagnostics.end_progress()
        session.gate.record_result(permit, ok=report.ok, detail={"delivered": report.delivered})
    if report.rows_before:
        invocation.diagnostics.note(f"{report.rows_before:,} rows of it had been loaded before.")
    return _show(request, invocation, report)


def _progress(invocation: Invocation) -> Callable[[LoadProgress], None]:
    def show(progress: LoadProgress) -> None:
        share = f"{progress.bytes_read * 100 // progress.bytes_total}%, " if progress.bytes_total else ""
        invocation.diagnostics.progress(f"{share}{progress.rows:,} rows read, {progress.sent:,} sent")

    return show


def _show(request: Load, invocation: Invocation, report: LoadReport) -> int:
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
        again=request.again,
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
        "before": report.rows_before,
        "bad": report.bad,
        "failed": report.failed,
        "bytes": report.bytes,
        "seconds": round(report.elapsed_s, 3),
        "rows_per_s": round(report.rows_per_s),
    }
