"""How does long work on files go on without holding up the loop, and without knowing of one?

It is a generator. It yields None where it may pause, and a function where something blocks: whoever drives it calls
that function, in another thread if it likes, and sends the result back (or throws the OSError in). The generator
itself, and so all that touches a log, runs in the owner's thread only.
"""

from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeAlias, TypeVar

from kcon_broker.batch.compression import DecompressionError
from kcon_broker.batch.header import CODEC_NONE, HEADER_BYTES, BatchHeader, is_intact
from kcon_broker.batch.retain import records_of
from kcon_broker.storage.batch_frame import read_stored_header
from kcon_broker.storage.batch_walk import BadBatch
from kcon_broker.storage.files import File, Syncable
from kcon_broker.storage.segment import Segment

Work: TypeAlias = Callable[[], object]
_Result = TypeVar("_Result")
# What is sent in is the result of the work that was yielded: only the generator knows its type.
Steps: TypeAlias = Generator[Work | None, Any, _Result]

READ_BYTES = 1 << 20
_SMALL_BATCH_BYTES = 2_048
"""Up to so much is decompressed on the spot: handing it over would take as long."""


def read_elsewhere(file: File, size: int, position: int) -> Steps[bytes]:
    """Read up to `size` bytes."""
    read = file.begin_read()
    try:
        content: bytes = yield lambda: read(size, position)
    finally:
        file.end_read()
    return content


def decompress_elsewhere(batch: memoryview, header: BatchHeader) -> Steps[bytes]:
    """Return the records of a batch. Raises DecompressionError."""
    if header.codec == CODEC_NONE or header.size_bytes <= _SMALL_BATCH_BYTES:
        return records_of(batch, header)

    def work() -> bytes | DecompressionError:
        try:
            return records_of(batch, header)
        except DecompressionError as error:
            # Only an OSError finds its way back by being raised.
            return error

    records: bytes | DecompressionError = yield work
    if isinstance(records, DecompressionError):
        raise records
    return records


def sync_elsewhere(files: Iterable[Syncable]) -> Steps[None]:
    """Make files and folders durable, one after the other."""
    for file in files:
        work = file.begin_sync()
        error: OSError | None = None
        try:
            yield work
        except OSError as failure:
            error = failure
            raise
        finally:
            file.end_sync(error)


def visit_batches(segment: Segment, visit: Callable[[BatchHeader, memoryview], Steps[bool]]) -> Steps[bool]:
    """Hand over the batches of a segment, checked, until `visit` returns False; return whether it never did.

    Raises BadBatch where there is none.
    """
    position, wanted = 0, READ_BYTES
    while position < segment.size:
        chunk = yield from read_elsewhere(segment.file, min(wanted, segment.size - position), position)
        at, wanted = 0, READ_BYTES
        while at + HEADER_BYTES <= len(chunk):
            header = read_stored_header(chunk, at)
            if isinstance(header, str):
                raise BadBatch(position + at, segment.base_offset, header)
            size = header.size_bytes
            if at + size > len(chunk):
                wanted = max(size, READ_BYTES)
                break
            batch = memoryview(chunk)[at : at + size]
            if not is_intact(batch, header):
                raise BadBatch(position + at, header.base_offset, "the CRC does not match")
            if not (yield from visit(header, batch)):
                return False
            yield None
            at += size
        if not at and wanted <= len(chunk):
            raise BadBatch(position, segment.base_offset, "a batch reaches beyond the segment")
        position += at
    return True


def run_at_once(steps: Steps[_Result]) -> _Result:
    """Do everything here and now."""
    result: object = None
    while True:
        try:
            work = steps.send(result)
            result = None
            while work is not None:
                try:
                    result = work()
                    break
                except BaseException as error:  # noqa: BLE001  # Nothing is swallowed: the steps get it.
                    work = steps.throw(error)
        except StopIteration as stop:
            final: _Result = stop.value
            return final
