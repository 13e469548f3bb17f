"""Whose folder is this, how did the last run end, and where are its partitions?

    meta.json                         format version, cluster id, start epoch; meta.json.copy holds the same
    .kafka_cleanshutdown              only between a clean stop and the next start
    recovery-point-offset-checkpoint  log-start-offset-checkpoint  cleaner-offset-checkpoint
    metadata/                         see metadata_log
    <topic>-<partition>/              from a partition's first append on
    <topic>-<partition>.<id>-delete/  a deleted partition on its way out

The marker is removed, durably, before anything is loaded: a start that dies half way must not look like a clean stop.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from crc32c import crc32c

from kcon_broker.batch.header import BatchHeader
from kcon_broker.errors import FolderUnreadableError
from kcon_broker.storage.checkpoint import CLEANED, LOG_STARTS, RECOVERY_POINTS, Offsets, read_offsets, write_offsets
from kcon_broker.storage.files import Files, read_bytes, write_aside
from kcon_broker.storage.log import Log, LogSettings
from kcon_broker.storage.metadata_log import FOLDER as METADATA_FOLDER
from kcon_broker.storage.partition_metadata import FILE_BYTES_MAX, FILE_NAME, decode_partition_metadata
from kcon_broker.storage.producer_snapshot import ProducerSnapshot

FORMAT_VERSION = 1
CLEAN_MARKER = ".kafka_cleanshutdown"
META = "meta.json"
META_COPY = "meta.json.copy"
_META_BYTES_MAX = 65_536
_DELETED_SUFFIX = "-delete"
_MARKER_CONTENT = b'{"version":1}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What outlives every run."""

    cluster_id: str
    start_epoch: int


class DataFolder:
    """The data folder of one run. The caller holds its lock."""

    def __init__(self, files: Files, meta: Meta, *, was_clean: bool, recovery_points: Offsets | None) -> None:
        self.files = files
        self.cluster_id = meta.cluster_id
        self.start_epoch = meta.start_epoch
        """Rises with every start, clean or not."""
        self.was_clean = was_clean
        self.reports: list[str] = []
        """Sentences for the operator."""
        self._recovery_points = recovery_points or {}
        self._has_recovery_points = recovery_points is not None
        self._log_starts: Offsets = {}
        self._cleaned: Offsets = {}
        self._may_all_have_gaps = False
        """Nobody knows which partitions were ever compacted."""
        self._written: tuple[Offsets, Offsets, Offsets] = ({}, {}, {})
        self._may_exist = {f"{topic}-{partition}" for topic, partition in self.partition_folders()}
        """Folders of partitions; for all others a log is opened without asking the disk."""

    @classmethod
    def open(cls, files: Files, *, new_cluster_id: Callable[[], str]) -> "DataFolder":
        """Take the folder into use; raises FolderUnreadableError, or OSError."""
        found = _read_meta(files)
        if found is None:
            if files.exists(METADATA_FOLDER) or files.exists(RECOVERY_POINTS):
                raise FolderUnreadableError("The data folder holds data, but its meta.json is missing or damaged.")
            found = Meta(cluster_id=new_cluster_id(), start_epoch=-1)
        was_clean = files.exists(CLEAN_MARKER)
        if was_clean:
            files.remove(CLEAN_MARKER)
            files.folder("").sync()
        meta = Meta(cluster_id=found.cluster_id, start_epoch=found.start_epoch + 1)
        _write_meta(files, meta)
        # Without the file nothing was ever known to be synced; with a damaged one nothing is known.
        recovery_points = read_offsets(files, RECOVERY_POINTS) if files.exists(RECOVERY_POINTS) else {}
        folder = cls(files, meta, was_clean=was_clean, recovery_points=recovery_points)
        log_starts = read_offsets(files, LOG_STARTS) if files.exists(LOG_STARTS) else {}
        folder._log_starts = log_starts or {}
        cleaned = read_offsets(files, CLEANED) if files.exists(CLEANED) else {}
        folder._cleaned = cleaned or {}
        folder._may_all_have_gaps = cleaned is None
        folder._written = (dict(recovery_points or {}), dict(log_starts or {}), dict(cleaned or {}))
        for path, offsets in ((RECOVERY_POINTS, recovery_points), (LOG_STARTS, log_starts), (CLEANED, cleaned)):
            if offsets is None:
                folder.reports.append(f"{path} is damaged and is not used")
        return folder

    def open_log(
        self,
        topic: str,
        partition: int,
        *,
        topic_id: bytes,
        settings: LogSettings,
        leader_epoch: int,
        gaps_allowed: bool = False,
        on_batch: Callable[[BatchHeader], None] | None = None,
        on_producers: Callable[[list[ProducerSnapshot]], None] | None = None,
    ) -> Log:
        """Load, and where it is needed recover, the log of a partition; see `Log.open`."""
        folder = f"{topic}-{partition}"
        if folder not in self._may_exist:
            self._may_exist.add(folder)
            return Log.empty(self.files, folder, settings=settings, leader_epoch=leader_epoch, topic_id=topic_id)
        stored_id = self._stored_topic_id(folder)
        if stored_id is not None and stored_id != topic_id:
            # Left by an earlier topic of the same name, whose deletion the last run did not get done.
            self._move_out(topic, partition, stored_id)
        key = (topic, partition)
        is_known = key in self._recovery_points
        # A partition that the checkpoint does not name was never synced as far as anyone knows; without the
        # checkpoint nothing is known of any.
        recovery_point = self._recovery_points.get(key, 0) if self._has_recovery_points else None
        return Log.open(
            self.files,
            folder,
            settings=settings,
            leader_epoch=leader_epoch,
            topic_id=topic_id,
            log_start_offset=self._log_starts.get(key, 0),
            recovery_point=recovery_point,
            is_clean=self.was_clean and is_known,
            gaps_allowed=gaps_allowed or key in self._cleaned or self._may_all_have_gaps,
            on_batch=on_batch,
            on_producers=on_producers,
        )

    def has_records(self, topic: str, partition: int) -> bool:
        """Say whether the partition was ever appended to, without opening it."""
        return self.files.exists(f"{topic}-{partition}")

    def may_have_records(self, topic: str, partition: int) -> bool:
        """Say whether the partition may have a folder, without asking the disk."""
        return f"{topic}-{partition}" in self._may_exist

    def partition_folders(self) -> list[tuple[str, int]]:
        """Return (topic, partition) of every partition that has a folder."""
        found: list[tuple[str, int]] = []
        for name in self.files.list_names(""):
            partition = partition_of(name)
            if partition is not None:
                found.append(partition)
        return found

    def note(self, topic: str, partition: int, log: Log) -> None:
        """Take a log's recovery point and log start into the next checkpoint."""
        if log.damage is None:
            self._recovery_points[topic, partition] = log.durable_offset
        self._log_starts[topic, partition] = log.log_start_offset

    def cleaned_offset(self, topic: str, partition: int) -> int | None:
        """Return the offset below which a partition is compacted; None: it never was."""
        return self._cleaned.get((topic, partition))

    def note_cleaned(self, topic: str, partition: int, offset: int) -> None:
        """Take into the next checkpoint that a partition is compacted below an offset, and so may have gaps."""
        self._cleaned[topic, partition] = offset

    def write_checkpoints(self) -> None:
        """Make the noted offsets durable; nothing is written when nothing changed. Syncs."""
        written_points, written_starts, written_cleaned = self._written
        if written_points != self._recovery_points:
            write_offsets(self.files, RECOVERY_POINTS, self._recovery_points)
            written_points = dict(self._recovery_points)
        if written_starts != self._log_starts:
            write_offsets(self.files, LOG_STARTS, self._log_starts)
            written_starts = dict(self._log_starts)
        if written_cleaned != self._cleaned:
            write_offsets(self.files, CLEANED, self._cleaned)
            written_cleaned = dict(self._cleaned)
        self._written = (written_points, written_starts, written_cleaned)

    def delete_log(self, topic: str, partition: int, topic_id: bytes) -> None:
        """Take a partition's folder out of use; its log must be closed. Does not sync: `files.folder("")` is dirty."""
        self._recovery_points.pop((topic, partition), None)
        self._log_starts.pop((topic, partition), None)
        self._cleaned.pop((topic, partition), None)
        self._move_out(topic, partition, topic_id)

    def deleted_folders(self) -> list[str]:
        """Return the folders that `files.remove_tree` may remove at any time, in any thread."""
        return [name for name in self.files.list_names("") if name.endswith(_DELETED_SUFFIX)]

    def close(self) -> None:
        """End a run cleanly: every log is closed, synced and noted."""
        self.write_checkpoints()
        write_aside(self.files, CLEAN_MARKER, _MARKER_CONTENT, sync=True)

    def _move_out(self, topic: str, partition: int, topic_id: bytes) -> None:
        folder = f"{topic}-{partition}"
        if folder not in self._may_exist:
            return
        self._may_exist.discard(folder)
        # Kafka cuts the name so that the whole stays below the 255 bytes of a file name.
        target = f"{folder[:200]}.{topic_id.hex()}-{partition}{_DELETED_SUFFIX}"
        if self.files.exists(folder):
            if self.files.exists(target):
                self.files.remove_tree(target)
            self.files.rename(folder, target)

    def _stored_topic_id(self, folder: str) -> bytes | None:
        content = read_bytes(self.files, f"{folder}/{FILE_NAME}", bytes_max=FILE_BYTES_MAX)
        return None if content is None else decode_partition_metadata(content)


def partition_of(name: str) -> tuple[str, int] | None:
    """Return the (topic, partition) that a folder of this name belongs to; None: to none."""
    topic, dash, digits = name.rpartition("-")
    return (topic, int(digits)) if dash and topic and digits.isascii() and digits.isdigit() else None


def _write_meta(files: Files, meta: Meta) -> None:
    fields = {"format_version": FORMAT_VERSION, "cluster_id": meta.cluster_id, "start_epoch": meta.start_epoch}
    body = json.dumps(fields, sort_keys=True)
    content = json.dumps({**fields, "crc32c": crc32c(body.encode())}, sort_keys=True, indent=1).encode()
    write_aside(files, META_COPY, content, sync=True)
    write_aside(files, META, content, sync=True)


def _read_meta(files: Files) -> Meta | None:
    """Return the newer of the two copies; None: there is no good one."""
    found = [meta for path in (META, META_COPY) if (meta := _read_meta_file(files, path)) is not None]
    return max(found, key=lambda meta: meta.start_epoch, default=None)


def _read_meta_file(files: Files, path: str) -> Meta | None:
    content = read_bytes(files, path, bytes_max=_META_BYTES_MAX)
    if content is None:
        return None
    try:
        fields = json.loads(content)
        crc = fields.pop("crc32c")
        if crc != crc32c(json.dumps(fields, sort_keys=True).encode()):
            return None
        version = fields["format_version"]
        if version != FORMAT_VERSION:
            raise FolderUnreadableError(
                f"The data folder has format version {version}; this program knows {FORMAT_VERSION}."
            )
        return Meta(cluster_id=str(fields["cluster_id"]), start_epoch=int(fields["start_epoch"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
