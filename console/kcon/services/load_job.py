"""How does a load that was killed go on? The rows and the count of rows read are committed in one transaction.

What is counted is every row of the file, good or bad, in its order; a next run skips so many and goes on. The
beginning of the file is fingerprinted, so that another file is not taken for the rest of this one; a file that has
grown since is.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kcon.errors import KconError, RefusedError
from kcon.gate.permit import Permit
from kcon.records.transaction import TransactionSender
from kcon.services.job_progress import (
    PROGRESS_TOPIC,
    job_name,
    progress_record,
    read_progress,
    transactional_id,
)

if TYPE_CHECKING:
    from kcon.services.load import LoadOptions
    from kcon.services.load_rows import BadRow, Row
    from kcon.services.session import Session

FINGERPRINT_BYTES_MAX: Final = 64 * 1024
TRANSACTION_ROWS: Final = 50_000
TRANSACTION_S: Final = 2.0


def load_job_name(options: "LoadOptions") -> str:
    """Return the name of a file's job: by its full path and the topic. KconError for standard input."""
    if options.path is None:
        raise KconError("Standard input has no name to go on by.", "Give the load one: --job NAME.")
    return job_name("load", str(options.path.resolve()), options.topic.raw)


class LoadJob:
    """One run of a job, for the thread that loads."""

    def __init__(self, sender: TransactionSender, job: str, options: "LoadOptions", before: dict[str, Any]) -> None:
        self.sender = sender
        self.rows_before: int = before.get("rows", 0)
        self.delivered = 0
        """Rows of this run that are committed."""
        self._job = job
        self._options = options
        self._before = before
        self._rows = self.rows_before
        self._good_total: int = before.get("delivered", 0)
        self._pending_good = 0
        self._pending_rows = 0
        self._failed_seen = 0
        self._began_s = 0.0

    def skip(self, rows: "Iterator[Row | BadRow]") -> None:
        """Pass over the rows that earlier runs read. RefusedError when the file has fewer."""
        for number in range(self.rows_before):
            if next(rows, None) is None:
                raise RefusedError(
                    f"The file has {number:,} rows, and {self.rows_before:,} of it were loaded: it is another one.",
                    "Begin anew with --again, or take another --job.",
                )

    def begin(self) -> None:
        """Open a transaction for the next row, unless one is open."""
        if not self.sender.is_open:
            self.sender.begin()
            self._began_s = time.monotonic()

    def count(self, *, is_good: bool) -> None:
        """Count a row that was sent, or that is none; commit when it is time."""
        self._rows += 1
        self._pending_rows += 1
        if is_good:
            self._pending_good += 1
        if self._pending_rows >= TRANSACTION_ROWS or (self._pending_rows & 1023 == 0 or self._options.rate_per_s):
            self.commit_if_due()

    def commit_if_due(self) -> None:
        """Commit what is open for long enough, or is large enough."""
        if self.sender.is_open and (
            self._pending_rows >= TRANSACTION_ROWS or time.monotonic() - self._began_s >= TRANSACTION_S
        ):
            self._commit(done=False)

    def finish(self) -> None:
        """Commit the rest, and that the file was read to its end."""
        self.begin()
        self._commit(done=True)

    def _commit(self, *, done: bool) -> None:
        # A row that the client refuses (too large) is not part of the transaction; it is passed, and reported.
        refused = self.sender.failed - self._failed_seen
        good = self._pending_good - refused
        state = {
            "kind": "load",
            "rows": self._rows,
            "delivered": self._good_total + good,
            "done": done,
            **_identity(self._options, self._before),
        }
        key, value = progress_record(self._job, state)
        self.sender.put(PROGRESS_TOPIC.raw, value, key)
        self.sender.commit()
        self._failed_seen += refused
        self._good_total += good
        self.delivered += good
        self._pending_good = self._pending_rows = 0


@asynccontextmanager
async def open_job(session: "Session", options: "LoadOptions", permit: Permit) -> AsyncIterator[LoadJob]:
    """Fence an earlier run, read how far it came, and yield the job. RefusedError when the file is another one."""
    from kcon.services.load_input import unreadable

    assert options.job is not None
    topics = frozenset({options.topic, PROGRESS_TOPIC})
    sender = TransactionSender(session.context, permit, topics, transactional_id(options.job), options.send)
    await asyncio.to_thread(sender.__enter__)
    try:
        found = None if options.again else await read_progress(session, options.job)
        try:
            if found is not None:
                before = found
                await asyncio.to_thread(_check_same, options, found)
            else:
                before = await asyncio.to_thread(_fresh_identity, options)
        except OSError as error:
            raise unreadable(options.path, error) from error
        yield LoadJob(sender, options.job, options, before)
    finally:
        sender.stop()
        await asyncio.to_thread(sender.__exit__, None, None, None)


def _identity(options: "LoadOptions", before: dict[str, Any]) -> dict[str, Any]:
    return {
        "topic": options.topic.raw,
        "options": _options_digest(options),
        "fingerprint": before.get("fingerprint"),
        "fingerprint_bytes": before.get("fingerprint_bytes"),
    }


def _fresh_identity(options: "LoadOptions") -> dict[str, Any]:
    if options.path is None:
        return {}
    size_bytes = min(options.path.stat().st_size, FINGERPRINT_BYTES_MAX) if options.path.is_file() else 0
    return {"fingerprint": _fingerprint(options.path, size_bytes), "fingerprint_bytes": size_bytes}


def _check_same(options: "LoadOptions", found: dict[str, Any]) -> None:
    """Raise RefusedError when an earlier run of the job read something else, or in another way."""
    hint = "Begin anew with --again, or take another --job."
    if found.get("kind") != "load" or found.get("topic") != options.topic.raw:
        raise RefusedError(f"Job {options.job} wrote to something else than this topic.", hint)
    if found.get("options") != _options_digest(options):
        raise RefusedError("The load was begun with other options for its rows.", hint)
    size_bytes = found.get("fingerprint_bytes")
    if options.path is None or not isinstance(size_bytes, int) or not size_bytes:
        return
    if _fingerprint(options.path, size_bytes) != found.get("fingerprint"):
        raise RefusedError("The file is not the one that was begun: its beginning differs.", hint)


def _fingerprint(path: Path, size_bytes: int) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(size_bytes)).hexdigest()


def _options_digest(options: "LoadOptions") -> str:
    parts = (
        options.format,
        options.key_column,
        options.timestamp_column,
        options.delimiter,
        options.null_text,
        options.columns,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
