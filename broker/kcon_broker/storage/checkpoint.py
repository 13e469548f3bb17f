"""Up to where was each partition synced and compacted, and where does it begin?

Three files of the data folder, in Kafka's words (`recovery-point-offset-checkpoint`, `log-start-offset-checkpoint`,
`cleaner-offset-checkpoint`) and form: a line of version, a line of count, then "topic partition offset" a line. A last
line of ours, "crc32c", tells a damaged file from a good one. A file that is lost costs time at the next start or
compaction and, for the log start, brings deleted records back; never more.
"""

from collections.abc import Mapping

from crc32c import crc32c

from kcon_broker.storage.files import Files, read_bytes, write_aside

RECOVERY_POINTS = "recovery-point-offset-checkpoint"
LOG_STARTS = "log-start-offset-checkpoint"
CLEANED = "cleaner-offset-checkpoint"
_VERSION = "0"
_FILE_BYTES_MAX = 256 << 20

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
    """Return the offsets of a checkpoint file; None: it is missing or damaged."""
    content = read_bytes(files, path, bytes_max=_FILE_BYTES_MAX)
    return None if content is None else decode_offsets(content)


def write_offsets(files: Files, path: str, offsets: Mapping[tuple[str, int], int]) -> None:
    """Replace a checkpoint file: written aside, synced, renamed, durable on return."""
    write_aside(files, path, encode_offsets(offsets), sync=True)
