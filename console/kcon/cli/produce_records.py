"""Which records does `kcon produce` write? Made of words, of lines, of templates, or of what `consume -J` wrote."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import count, cycle, islice
from pathlib import Path
from typing import IO, Any, Final

from kcon.cli.invocation import Invocation
from kcon.commands.produce import Produce
from kcon.core.record_template import compile_template
from kcon.core.times import parse_time_ms
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import UsageError
from kcon.records.record import NewRecord

READ_BYTES: Final = 256 * 1024
RECORD_BYTES_MAX: Final = 64 * 1024 * 1024
"""A longer line is refused: its end is probably missing."""
CHUNK_RECORDS: Final = 1_000
SLICE_S: Final = 0.02
"""With a rate, records are sent in slices of about this length."""

_Make = Callable[[int], NewRecord]


def new_records(request: Produce, invocation: Invocation) -> AsyncIterator[list[NewRecord]]:
    """Yield what is to be written, in lists that are never long. UsageError: a template or a line that is off."""
    timestamp_ms = None
    if request.timestamp is not None:
        zone, _name = invocation.zone
        timestamp_ms = parse_time_ms(request.timestamp, now_ms=invocation.environment.now_ms(), tz=zone)
    if request.values or request.tombstone:
        values = request.values or ("",)
        # Made now, so that a template that is off costs no connection.
        makers = list(_makers(request, values, timestamp_ms, invocation.environment.now_ms))
        return _of_words(makers, request.count or len(values))
    if request.as_json:
        return _of_json(request, invocation, timestamp_ms)
    return _of_lines(request, invocation, timestamp_ms)


async def paced(chunks: AsyncIterator[list[NewRecord]], rate_per_s: float | None) -> AsyncIterator[list[NewRecord]]:
    """Hand on at most so many records a second, evenly."""
    if rate_per_s is None:
        async for chunk in chunks:
            yield chunk
        return
    size = max(1, int(rate_per_s * SLICE_S))
    started_s, sent = time.monotonic(), 0
    async for chunk in chunks:
        for start in range(0, len(chunk), size):
            piece = chunk[start : start + size]
            await asyncio.sleep(max(0.0, started_s + sent / rate_per_s - time.monotonic()))
            yield piece
            sent += len(piece)


async def _of_words(makers: Sequence[_Make], total: int) -> AsyncIterator[list[NewRecord]]:
    turns = cycle(makers)
    numbers = iter(range(total))
    while chunk := [next(turns)(number) for number in islice(numbers, CHUNK_RECORDS)]:
        yield chunk


def _makers(
    request: Produce, values: tuple[str, ...], timestamp_ms: int | None, now_ms: Callable[[], int]
) -> Iterator[_Make]:
    """Yield for each value what makes its records."""
    if not request.template:
        for value in values:
            record = _record(request, _bytes(value), timestamp_ms)
            yield lambda _number, record=record: record  # type: ignore[misc]  # A default binds the value now.
        return
    seeds = count(request.seed) if request.seed is not None else None
    key = None if request.key is None else compile_template(request.key, _seed(seeds))
    headers = [(WireText(name), compile_template(text, _seed(seeds))) for name, text in request.headers]
    for value in values:
        template = compile_template(value, _seed(seeds))

        def make(number: int, template: Callable[[int, int], bytes] = template) -> NewRecord:
            at_ms = now_ms()
            return NewRecord(
                key=None if key is None else key(number, at_ms),
                value=None if request.tombstone else template(number, at_ms),
                headers=tuple((name, text(number, at_ms)) for name, text in headers),
                partition=request.partition,
                timestamp_ms=timestamp_ms,
            )

        yield make


def _seed(seeds: "count[int] | None") -> int | None:
    return None if seeds is None else next(seeds)


async def _of_lines(
    request: Produce, invocation: Invocation, timestamp_ms: int | None
) -> AsyncIterator[list[NewRecord]]:
    async for lines in _lines(request, invocation):
        yield [_record(request, line, timestamp_ms) for line in lines]


async def _of_json(
    request: Produce, invocation: Invocation, timestamp_ms: int | None
) -> AsyncIterator[list[NewRecord]]:
    number = 0
    async for lines in _lines(request, invocation):
        chunk = []
        for line in lines:
            number += 1
            if line.strip():
                chunk.append(_json_record(request, line, number, timestamp_ms))
        yield chunk


def _json_record(request: Produce, line: bytes, number: int, timestamp_ms: int | None) -> NewRecord:
    try:
        document = json.loads(line)
        if not isinstance(document, dict):
            raise ValueError("not an object")
        headers = [(WireText(str(each["name"])), _payload(each, "value")) for each in document.get("headers") or []]
        told_ms = document.get("timestamp")
        if told_ms is not None and (type(told_ms) not in {int, str} or not 0 <= int(told_ms) < 2**63):
            raise ValueError("the timestamp is no time")
        return NewRecord(
            key=_payload(document, "key"),
            value=_payload(document, "value"),
            headers=(*headers, *((WireText(name), _bytes(text)) for name, text in request.headers)),
            timestamp_ms=timestamp_ms if timestamp_ms is not None or told_ms is None else int(told_ms),
            partition=request.partition,
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = display_safe(str(error))[:200]
        raise UsageError(f"Line {number:,} is no record: {reason}.", "Write it as `kcon consume -J` does.") from error


def _payload(document: dict[str, Any], name: str) -> bytes | None:
    """Return a payload: text, base64 under `NAME_b64`, any other JSON as its text, null as null."""
    encoded = document.get(f"{name}_b64")
    if encoded is not None:
        return base64.b64decode(encoded, validate=True)
    value = document.get(name)
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else json.dumps(value, separators=(",", ":")).encode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


async def _lines(request: Produce, invocation: Invocation) -> AsyncIterator[list[bytes]]:
    separator = _bytes(request.record_separator)
    if request.path is None:
        async for chunk in _split(invocation.environment.stdin, separator):
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


def _record(request: Produce, value: bytes, timestamp_ms: int | None) -> NewRecord:
    key = None if request.key is None else _bytes(request.key)
    if request.key_separator is not None:
        first, found, last = value.partition(_bytes(request.key_separator))
        key, value = (first, last) if found else (None, value)
    null = None if request.null_text is None else _bytes(request.null_text)
    return NewRecord(
        key=None if null is not None and key == null else key,
        value=None if request.tombstone or (null is not None and value == null) else value,
        headers=tuple((WireText(name), _bytes(text)) for name, text in request.headers),
        partition=request.partition,
        timestamp_ms=timestamp_ms,
    )
