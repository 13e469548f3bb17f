"""`kcon produce`: turns words or lines into records and writes them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, Final

from kcon.cli.invocation import Invocation
from kcon.commands.produce import Produce
from kcon.commands.request import Request
from kcon.core.ids import topic_name
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import ExitCode, UsageError
from kcon.gate.permit import Operation
from kcon.records.record import NewRecord
from kcon.records.sender import SendOptions
from kcon.services.produce import ProducePlan, ProduceReport, open_producer

READ_BYTES: Final = 256 * 1024
RECORD_BYTES_MAX: Final = 64 * 1024 * 1024
"""A longer line is refused: its end is probably missing."""
FAILURES_SHOWN_MAX: Final = 10


async def run_produce(request: Request, invocation: Invocation) -> int:
    """Write records; the exit code tells whether every one of them is on the cluster."""
    assert isinstance(request, Produce)
    async with invocation.open_session() as session:
        session.gate.refuse_if_read_only(Operation.PRODUCE)
        topic = topic_name(request.topic)
        plan = ProducePlan(topic=topic, confirmed_by=request.confirmation.confirmed_by or "command")
        async with invocation.deadline():
            permit = await session.authorise(plan)
            options = SendOptions(compression=request.compression or "none")
            opened = await open_producer(session, topic, permit, options)
        async with opened as producer:
            async for values in _values(request, invocation):
                await producer.send([_record(request, value) for value in values])
            report = await producer.flush()
        session.gate.record_result(permit, ok=report.ok, detail={"delivered": report.delivered})
    return _say(report, invocation)


async def _values(request: Produce, invocation: Invocation) -> AsyncIterator[list[bytes]]:
    if request.values:
        yield [value.encode("utf-8", "surrogateescape") for value in request.values]
        return
    separator = request.record_separator.encode("utf-8", "surrogateescape")
    if request.path is None:
        source: IO[bytes] = invocation.environment.stdin
        async for chunk in _split(source, separator):
            yield chunk
        return
    opened = await asyncio.to_thread(_open, request.path)
    with opened:
        async for chunk in _split(opened, separator):
            yield chunk


def _open(path: str) -> IO[bytes]:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UsageError(f"Cannot read {display_safe(path)}: {error.strerror or error}.") from error


async def _split(source: IO[bytes], separator: bytes) -> AsyncIterator[list[bytes]]:
    """Yield complete records as they arrive; the last one needs no end."""
    rest = b""
    # read1 hands over what a pipe has instead of waiting for a full buffer.
    read = getattr(source, "read1", source.read)
    while data := await asyncio.to_thread(read, READ_BYTES):
        *complete, rest = (rest + data).split(separator)
        if len(rest) > RECORD_BYTES_MAX:
            raise UsageError(f"A record is longer than {RECORD_BYTES_MAX:,} bytes.", "Is -D what ends the records?")
        if complete:
            yield complete
    if rest:
        yield [rest]


def _record(request: Produce, value: bytes) -> NewRecord:
    key = None if request.key is None else request.key.encode("utf-8", "surrogateescape")
    if request.key_separator is not None:
        first, found, last = value.partition(request.key_separator.encode("utf-8", "surrogateescape"))
        key, value = (first, last) if found else (None, value)
    null = None if request.null_text is None else request.null_text.encode("utf-8", "surrogateescape")
    return NewRecord(
        key=None if null is not None and key == null else key,
        value=None if null is not None and value == null else value,
        headers=tuple((WireText(name), text.encode("utf-8", "surrogateescape")) for name, text in request.headers),
        partition=request.partition,
    )


def _say(report: ProduceReport, invocation: Invocation) -> int:
    for failure in _first(report):
        invocation.diagnostics.note(f"record {failure[0] + 1:,} was not written: {failure[1]}")
    if report.failed:
        invocation.diagnostics.note(
            f"{report.failed:,} of {report.delivered + report.failed:,} records were not written."
        )
        causes = {failure.exit_code for failure in report.failures}
        return causes.pop() if len(causes) == 1 else ExitCode.FAILED
    if invocation.environment.stderr_is_terminal:
        invocation.diagnostics.note(f"{report.delivered:,} records written.")
    return ExitCode.OK


def _first(report: ProduceReport) -> Iterator[tuple[int, str]]:
    for failure in report.failures[:FAILURES_SHOWN_MAX]:
        yield failure.index, failure.reason
