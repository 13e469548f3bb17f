"""How does a file become records? `load` reads rows on one thread, sends them, and reports each bad row by its line.

With a job, rows and how many of the file were read are committed together (`services.load_job`): a load that was
killed goes on behind the last row that is committed.

A missing or changed row never stops the rest. The report says how many rows there were, how many are on the cluster
and which were not; what that means for the exit code is `LoadReport.ok`.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from kcon.contexts.context import Context
from kcon.core.ids import TopicName
from kcon.errors import KconError
from kcon.gate.permit import Permit
from kcon.records.sender import RecordSender, SendFailure, SendOptions
from kcon.services.load_input import Input, as_text, open_input, unreadable
from kcon.services.load_rows import BadRow, RowFormat, RowOptions, read_rows
from kcon.services.produce import require_topic

if TYPE_CHECKING:
    import io

    from kcon.services.load_job import LoadJob
    from kcon.services.session import Session

Argument = TypeVar("Argument")

PROGRESS_S: Final = 0.2
STOP_TIMEOUT_S: Final = 5.0
BAD_ROWS_KEPT_MAX: Final = 1_000
PACE_S: Final = 0.02
"""With a rate, rows are sent in slices of this length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What is loaded, and how."""

    path: Path | None
    """None reads standard input."""
    topic: TopicName
    format: RowFormat | None = None
    """None goes by the file's name: .ndjson, .jsonl and .json, .log and .txt, else CSV."""
    key_column: str | None = None
    timestamp_column: str | None = None
    delimiter: str = ","
    null_text: str | None = None
    columns: tuple[str, ...] | None = None
    rate_per_s: float | None = None
    limit: int | None = None
    """Stop after so many good rows."""
    skip_bad: bool = False
    """Bad rows do not fail the load."""
    job: str | None = None
    """Load in transactions under this name, and go on where an earlier run of it ended."""
    again: bool = False
    """With a job: begin at the first row whatever an earlier run did."""
    send: SendOptions = field(default_factory=lambda: SendOptions(compression="lz4"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """How far it is."""

    rows: int
    sent: int
    bad: int
    bytes_read: int
    bytes_total: int | None
    """The file's size; None for a pipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """How it ended. rows = delivered + failed + bad."""

    rows: int
    delivered: int
    failed: int
    """Rows that the cluster refused."""
    bad: int
    """Rows that are no record."""
    bytes: int
    """Of the keys and values sent."""
    elapsed_s: float
    bad_rows: tuple[BadRow, ...]
    """The first ones."""
    failures: tuple[SendFailure, ...]
    """The first ones; the index is the line."""
    skip_bad: bool
    rows_before: int = 0
    """Rows that an earlier run of the job had read; they are in none of the other numbers."""

    @property
    def ok(self) -> bool:
        """Everything that should be on the cluster is there."""
        return self.failed == 0 and (self.bad == 0 or self.skip_bad)

    @property
    def rows_per_s(self) -> float:
        """Return the rate of the whole load."""
        return self.rows / self.elapsed_s if self.elapsed_s > 0 else 0.0


def format_of(path: Path | None, asked: RowFormat | None) -> RowFormat:
    """Return the format asked for, or the one the file's name tells."""
    if asked is not None:
        return asked
    suffix = path.suffix.lower() if path is not None else ""
    if suffix in {".ndjson", ".jsonl", ".json"}:
        return RowFormat.NDJSON
    return RowFormat.LINES if suffix in {".log", ".txt"} else RowFormat.CSV


async def load(
    session: "Session",
    options: LoadOptions,
    permit: Permit,
    *,
    on_bad_row: Callable[[BadRow], None] | None = None,
    on_progress: Callable[[LoadProgress], None] | None = None,
) -> LoadReport:
    """Load a file. The callbacks run on the event loop. Cancelling stops it; what was delivered stays.

    NotFoundError when the topic or the file does not exist.
    """
    await require_topic(session, options.topic)
    if options.job is not None:
        from kcon.services.load_job import open_job

        async with open_job(session, options, permit) as job:
            return await run_load(
                session.context, options, permit, on_bad_row=on_bad_row, on_progress=on_progress, job=job
            )
    return await run_load(session.context, options, permit, on_bad_row=on_bad_row, on_progress=on_progress)


def check_rows(context: Context, options: LoadOptions) -> LoadReport:
    """Read the file and send nothing: how many rows would be loaded, and which could not. Blocks."""
    started = time.monotonic()
    rows, bad, bad_rows = 0, 0, list[BadRow]()
    try:
        with open_input(options.path, threading.Event()) as source:
            row_format = format_of(options.path, options.format)
            for row in read_rows(as_text(source, row_format), _row_options(context, options, row_format)):
                rows += 1
                if isinstance(row, BadRow):
                    bad += 1
                    if len(bad_rows) < BAD_ROWS_KEPT_MAX:
                        bad_rows.append(row)
                if options.limit is not None and rows - bad >= options.limit:
                    break
            size_bytes = source.bytes_read
    except OSError as error:
        raise unreadable(options.path, error) from error
    return LoadReport(
        rows=rows,
        delivered=0,
        failed=0,
        bad=bad,
        bytes=size_bytes,
        elapsed_s=time.monotonic() - started,
        bad_rows=tuple(bad_rows),
        failures=(),
        skip_bad=options.skip_bad,
    )


async def run_load(
    context: Context,
    options: LoadOptions,
    permit: Permit,
    *,
    on_bad_row: Callable[[BadRow], None] | None = None,
    on_progress: Callable[[LoadProgress], None] | None = None,
    job: "LoadJob | None" = None,
) -> LoadReport:
    """Do what `load` does, without asking first whether the topic exists."""
    loop = asyncio.get_running_loop()
    worker = _Loader(context, options, permit, on_bad_row=_to_loop(loop, on_bad_row), job=job)
    done = asyncio.Event()
    # A daemon thread: a terminal's standard input may never end, and the process must not wait for it.
    thread = threading.Thread(
        target=worker.run, args=(_to_loop(loop, lambda _: done.set()),), daemon=True, name="kcon-load"
    )
    thread.start()
    try:
        while not done.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), PROGRESS_S)
            if on_progress is not None:
                on_progress(worker.progress())
    finally:
        worker.stop()
        await asyncio.to_thread(thread.join, STOP_TIMEOUT_S)
    if worker.error is not None:
        raise worker.error
    assert worker.report is not None
    return worker.report


def _to_loop(loop: asyncio.AbstractEventLoop, call: Callable[[Argument], object] | None) -> Callable[[Argument], None]:
    """Return a function for another thread that runs `call` on the loop, unless the loop is gone."""

    def forward(value: Argument) -> None:
        if call is not None and not loop.is_closed():
            loop.call_soon_threadsafe(call, value)

    return forward


class _Loader:
    """One load, on its own thread."""

    def __init__(
        self,
        context: Context,
        options: LoadOptions,
        permit: Permit,
        *,
        on_bad_row: Callable[[BadRow], None],
        job: "LoadJob | None",
    ) -> None:
        self._context = context
        self._options = options
        self._on_bad_row = on_bad_row
        self._job = job
        # A job's sender was entered already: it had to be before the progress was read.
        self._sender = (
            RecordSender(context, permit, frozenset({options.topic}), options.send) if not job else job.sender
        )
        self._stopping = threading.Event()
        self._rows = 0
        self._bad_rows: list[BadRow] = []
        self._bad = 0
        self._input: Input | None = None
        self.report: LoadReport | None = None
        self.error: Exception | None = None

    def stop(self) -> None:
        self._stopping.set()
        self._sender.stop()

    def progress(self) -> LoadProgress:
        return LoadProgress(
            rows=self._rows,
            sent=self._sender.accepted,
            bad=self._bad,
            bytes_read=self._input.bytes_read if self._input else 0,
            bytes_total=self._input.bytes_total if self._input else None,
        )

    def run(self, on_done: Callable[[None], None]) -> None:
        try:
            self.report = self._run()
        except (KconError, OSError) as error:
            self.error = error if isinstance(error, KconError) else unreadable(self._options.path, error)
        finally:
            on_done(None)

    def _run(self) -> LoadReport:
        started = time.monotonic()
        options = self._options
        with open_input(options.path, self._stopping) as source, ExitStack() as held:
            sender = self._sender if self._job is not None else held.enter_context(self._sender)
            self._input = source
            row_format = format_of(options.path, options.format)
            text = as_text(source, row_format)
            if self._job is not None:
                source.on_idle = self._job.commit_if_due
            self._send_rows(text, row_format, sender)
            if self._job is None:
                sender.flush()
            elif not self._stopping.is_set():
                self._job.finish()
            return LoadReport(
                rows=self._rows,
                delivered=sender.delivered if self._job is None else self._job.delivered,
                failed=sender.failed,
                bad=self._bad,
                bytes=sender.accepted_bytes,
                elapsed_s=time.monotonic() - started,
                bad_rows=tuple(self._bad_rows),
                failures=tuple(sender.failures),
                skip_bad=options.skip_bad,
                rows_before=0 if self._job is None else self._job.rows_before,
            )

    def _send_rows(self, text: "io.TextIOWrapper", row_format: RowFormat, sender: RecordSender) -> None:
        options = self._options
        row_options = _row_options(self._context, options, row_format)
        topic = options.topic.raw
        pace = None if options.rate_per_s is None else _Pace(options.rate_per_s, self._stopping)
        job = self._job
        rows = read_rows(text, row_options)
        if job is not None:
            job.skip(rows)
        for row in rows:
            if self._stopping.is_set() or (options.limit is not None and self._rows - self._bad >= options.limit):
                return
            self._rows += 1
            if isinstance(row, BadRow):
                self._bad += 1
                if len(self._bad_rows) < BAD_ROWS_KEPT_MAX:
                    self._bad_rows.append(row)
                self._on_bad_row(row)
                if job is not None:
                    job.count(is_good=False)
                continue
            if pace is not None:
                pace.wait()
            if job is None:
                sender.send_raw(topic, row.line, row.value, row.key, timestamp_ms=row.timestamp_ms)
                continue
            job.begin()
            # Without a call back for each row, which would cost as much as the sending: a commit tells of all of them.
            job.sender.put(topic, row.value, row.key, timestamp_ms=row.timestamp_ms, index=row.line)
            job.count(is_good=True)


class _Pace:
    """Lets `rate_per_s` calls through, evenly."""

    def __init__(self, rate_per_s: float, stopping: threading.Event) -> None:
        self._rate_per_s = rate_per_s
        self._stopping = stopping
        self._count = 0
        self._started = time.monotonic()

    def wait(self) -> None:
        due_s = self._started + self._count / self._rate_per_s - time.monotonic()
        if due_s > PACE_S or (due_s > 0 and self._rate_per_s < 1 / PACE_S):
            self._stopping.wait(due_s)
        self._count += 1


def _row_options(context: Context, options: LoadOptions, row_format: RowFormat) -> RowOptions:
    return RowOptions(
        format=row_format,
        key_column=options.key_column,
        timestamp_column=options.timestamp_column,
        delimiter=options.delimiter,
        null_text=options.null_text,
        columns=options.columns,
        tz=context.tz,
    )
