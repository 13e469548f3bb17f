"""Up to where was each partition synced and compacted, and where does it begin?

Three files of the data folder, in Kafka's words (`recovery-point-offset-checkpoint`, `log-start-offset-checkpoint`,
`cleaner-offset-checkpoint`) and form: a line of version, a line of count, then "topic partition offset" a line. A last
line of ours, "crc32c", tells a damaged file from a good one. A file that is lost costs time at the next start or
compaction and, for the log start, brings deleted records back; never more.
"""

import contextlib
from collections.abc import Mapping

from kcon_broker.batch.checksum import crc32c
from kcon_broker.storage.files import Files, parent_of, read_bytes, write_all, write_aside
from kcon_broker.storage.steps import Steps, sync_elsewhere

RECOVERY_POINTS = "recovery-point-offset-checkpoint"
LOG_STARTS = "log-start-offset-checkpoint"
CLEANED = "cleaner-offset-checkpoint"
_VERSION = "0"
_FILE_BYTES_MAX = 256 << 20
NEXT_SUFFIX = ".next"
"""A checkpoint that is being written; a start drops it."""

Offsets = dict[tuple[str, int], int]
"""(topic, partition) -> offset."""


def encode_offsets(offsets: Mapping[tuple[str, int], int]) -> bytes:
    """Return the content of a checkpoint file."""
    lines = [f"{topic} {partition} {offset}\n" for (topic, partition), offset in offsets.items()]
    body = f"{_VERSION}\n{len(lines)}\n{''.join(lines)}".encode()
    return body + _crc_line(body)


def decode_offsets(content: bytes) -> Offsets | None:
    """Return the offsets of a checkpoint file; None: it is damaged."""
    body = content[: -len(_crc_line(b""))]
    return decode_plain_offsets(body) if content == body + _crc_line(body) else None


def decode_plain_offsets(content: bytes) -> Offsets | None:
    """Return the offsets of a checkpoint file of Apache Kafka, or of ours; None: it is damaged."""
    body, mark, _ = content.partition(b"crc32c ")
    if mark and content != body + _crc_line(body):
        return None
    try:
        version, count, *lines = body.decode().splitlines()
        if version != _VERSION or int(count) != len(lines):
            return None
        fields = (line.rsplit(" ", 2) for line in lines)
        return {(topic, int(partition)): int(offset) for topic, partition, offset in fields}
    except ValueError:
        return None


def _crc_line(body: bytes) -> bytes:
    return f"crc32c {crc32c(body):08x}\n".encode()


def read_offsets(files: Files, path: str) -> Offsets | None:
    """Return the offsets of a checkpoint file; None: it is damaged. One that is not there has none."""
    if not files.exists(path):
        return {}
    content = read_bytes(files, path, bytes_max=_FILE_BYTES_MAX)
    return None if content is None else decode_offsets(content)


class OffsetCheckpoint:
    """One checkpoint: what is known now, and what its file says."""

    def __init__(self, files: Files, path: str) -> None:
        """Load the file."""
        found = read_offsets(files, path)
        self._files = files
        self._serial = 0
        """Rises with each write: a slower one that began before must not come last."""
        self.path = path
        self.is_damaged = found is None
        self.offsets: Offsets = found or {}
        self.written: Offsets = dict(self.offsets)
        """What a start after a crash would find."""

    def write(self) -> None:
        """Make the present offsets durable, here and now; nothing is done when nothing changed."""
        if self.written != self.offsets:
            self._serial += 1
            write_aside(self._files, self.path, encode_offsets(self.offsets), sync=True)
            self.written = dict(self.offsets)

    def write_steps(self) -> Steps[None]:
        """Do the same without holding up the loop; give way to a write that begins meanwhile, and look at `written`."""
        if self.written == self.offsets:
            return
        self._serial += 1
        serial, offsets = self._serial, dict(self.offsets)
        content: bytes = yield lambda: encode_offsets(offsets)
        aside = f"{self.path}.{serial}{NEXT_SUFFIX}"
        if serial != self._serial:
            return
        file = self._files.open(aside, create=True)
        try:
            file.truncate(0)
            write_all(file, [content], 0)
            yield from sync_elsewhere([file])
        except OSError:
            file.discard()
            with contextlib.suppress(OSError):
                self._files.remove(aside)
            raise
        file.close()
        if serial != self._serial:
            self._files.remove(aside)
            return
        self._files.rename(aside, self.path)
        self.written = offsets
        yield from sync_elsewhere([self._files.folder(parent_of(self.path))])
