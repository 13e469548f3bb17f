"""How is a copy carried out on the command line? Progress while it runs, and a report whichever way it ends."""

import asyncio
import time

from kcon.cli.changes import Outcome
from kcon.cli.document import Column, Document, Value
from kcon.cli.invocation import Invocation
from kcon.core.ids import TopicName
from kcon.core.units import format_bytes
from kcon.services.copying import Copier, CopyCounts, CopyTask
from kcon.services.job_progress import authorise_job
from kcon.services.session import Session

REPORT_COLUMNS = (
    Column(key="source"),
    Column(key="target"),
    Column(key="copied", right=True),
    Column(key="before", right=True),
    Column(key="left_out", right=True),
    Column(key="bytes", right=True, drop=1),
    Column(key="seconds", right=True, show=lambda value: f"{value:.1f}" if isinstance(value, float) else str(value)),
    Column(key="job", drop=2),
)


async def run_copy_task(
    invocation: Invocation,
    source: Session,
    target: Session,
    task: CopyTask,
    confirmed_by: str,
    *,
    main: TopicName,
    names: tuple[str, str],
    kind: str,
) -> Outcome:
    """Copy, and return what is to be told. names: of the source and of the target."""
    say = invocation.diagnostics
    permit = await authorise_job(target, task.topics, main, confirmed_by)
    copier = Copier(source, target, task, permit)
    started_s = time.monotonic()

    def show(counts: CopyCounts) -> None:
        share = counts.offsets_done * 100 // counts.offsets_total if counts.offsets_total else 100
        say.progress(
            f"{share}% of {counts.offsets_total:,} offsets, {counts.copied:,} records, {format_bytes(counts.bytes)}"
        )

    try:
        await copier.run(show)
    except asyncio.CancelledError:
        say.end_progress()
        say.note(f"Interrupted: {copier.counts.copied:,} records are copied; the same command goes on behind them.")
        raise
    finally:
        say.end_progress()
        detail = {"job": task.job, "copied": copier.counts.copied, "complete": copier.is_complete}
        target.gate.record_result(permit, ok=copier.is_complete, detail=detail)
    counts = copier.counts
    elapsed_s = round(time.monotonic() - started_s, 3)
    item: dict[str, Value] = {
        "source": names[0],
        "target": names[1],
        "copied": counts.copied,
        "before": counts.before,
        "left_out": counts.left_out,
        "bytes": counts.bytes,
        "seconds": elapsed_s,
        "job": task.job,
    }
    return Outcome(
        notes=_notes(copier, task),
        document=Document(
            kind=kind, context=invocation.context.name, columns=REPORT_COLUMNS, items=[item], name_key="target"
        ),
    )


def _notes(copier: Copier, task: CopyTask) -> list[str]:
    counts = copier.counts
    notes = [f"{counts.copied:,} records copied."]
    if counts.before:
        notes.append(f"{counts.before:,} had been copied before.")
    if counts.left_out:
        notes.append(f"{counts.left_out:,} were left out.")
    unanswered = None if task.where is None else task.where.errors.sentence()
    if unanswered is not None:
        notes.append(unanswered)
    if counts.restamped:
        notes.append(f"{counts.restamped:,} records of the first millisecond of 1970 got the second one.")
    if copier.reading is not None:
        notes += [notice.text for notice in copier.reading.notices]
    return notes
