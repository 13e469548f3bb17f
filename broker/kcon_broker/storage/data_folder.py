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

from kcon_broker.batch.checksum import crc32c
from kcon_broker.batch.header import BatchHeader
from kcon_broker.errors import FolderUnreadableError
from kcon_broker.storage.checkpoint import CLEANED, LOG_STARTS, NEXT_SUFFIX, RECOVERY_POINTS, OffsetCheckpoint
from kcon_broker.storage.files import Files, read_bytes, write_aside
from kcon_broker.storage.log import Log, LogSettings
from kcon_broker.storage.metadata_log import FOLDER as METADATA_FOLDER
from kcon_broker.storage.partition_metadata import FILE_BYTES_MAX, FILE_NAME, decode_partition_metadata
from kcon_broker.storage.snapshots import OnProducers
from kcon_broker.storage.steps import Steps

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

    def __init__(self, files: Files, meta: Meta, *, was_clean: bool) -> None:
        self.files = files
        self.cluster_id = meta.cluster_id
        self.start_epoch = meta.start_epoch
        """Rises with every start, clean or not."""
        self.was_clean = was_clean
        self.reports: list[str] = []
        """Sentences for the operator."""
        self._recovery_points = OffsetCheckpoint(files, RECOVERY_POINTS)
        """Without the file nothing was ever known to be synced; with a damaged one nothing is known."""
        self._log_starts = OffsetCheckpoint(files, LOG_STARTS)
        self._cleaned = OffsetCheckpoint(files, CLEANED)
        self._checkpoints = (self._recovery_points, self._log_starts, self._cleaned)
        for checkpoint in self._checkpoints:
            if checkpoint.is_damaged:
                self.reports.append(f"{checkpoint.path} is damaged and is not used")
        if self._cleaned.is_damaged:
            # Nobody knows which partitions were ever compacted: all may have gaps, in later runs too.
            self._cleaned.offsets = dict.fromkeys(self.partition_folders(), 0)
        for name in files.list_names(""):
            if name.endswith(NEXT_SUFFIX):
                files.remove(name)
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
        return cls(files, meta, was_clean=was_clean)

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
        on_producers: OnProducers | None = None,
    ) -> Log:
        """Load, and where it is needed recover, the log of a partition; see `Log.open`."""
        folder = f"{topic}-{partition}"
        if folder not in self._may_exist:
            self._may_exist.add(folder)
            self._forget_durably((topic, partition))
            return Log.empty(self.files, folder, settings=settings, leader_epoch=leader_epoch, topic_id=topic_id)
        stored_id = self._stored_topic_id(folder)
        if stored_id is not None and stored_id != topic_id:
            # Left by an earlier topic of the same name, whose deletion the last run did not get done.
            self.delete_log(topic, partition, stored_id)
            self._forget_durably((topic, partition))
        key = (topic, partition)
        is_known = key in self._recovery_points.offsets
        # A partition that the checkpoint does not name was never synced as far as anyone knows; without the
        # checkpoint nothing is known of any.
        recovery_point = None if self._recovery_points.is_damaged else self._recovery_points.offsets.get(key, 0)
        return Log.open(
            self.files,
            folder,
            settings=settings,
            leader_epoch=leader_epoch,
            topic_id=topic_id,
            log_start_offset=self._log_starts.offsets.get(key, 0),
            recovery_point=recovery_point,
            is_clean=self.was_clean and is_known,
            gaps_allowed=gaps_allowed or key in self._cleaned.offsets,
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
            self._recovery_points.offsets[topic, partition] = log.durable_offset
        self._log_starts.offsets[topic, partition] = log.log_start_offset

    def cleaned_offset(self, topic: str, partition: int) -> int | None:
        """Return the offset below which a partition is compacted; None: it never was."""
        return self._cleaned.offsets.get((topic, partition))

    def is_known_as_cleaned(self, topic: str, partition: int) -> bool:
        """Say whether a start after a crash would know that a partition may have gaps."""
        return (topic, partition) in self._cleaned.written

    def note_cleaned(self, topic: str, partition: int, offset: int) -> None:
        """Take into the next checkpoint that a partition is compacted below an offset, and so may have gaps."""
        self._cleaned.offsets[topic, partition] = offset

    def write_checkpoints(self) -> None:
        """Make the noted offsets durable; nothing is written when nothing changed. Syncs."""
        for checkpoint in self._checkpoints:
            checkpoint.write()

    def checkpoint_steps(self) -> Steps[None]:
        """Do the same without holding up the loop; what is noted meanwhile is left to the next time. Raises OSError."""
        for checkpoint in self._checkpoints:
            yield from checkpoint.write_steps()

    def durable_recovery_point(self, topic: str, partition: int) -> int:
        """Return the recovery point that a start after a crash would find; 0: none."""
        return self._recovery_points.written.get((topic, partition), 0)

    def delete_log(self, topic: str, partition: int, topic_id: bytes) -> None:
        """Take a partition's folder out of use; its log must be closed. Does not sync: `files.folder("")` is dirty."""
        for checkpoint in self._checkpoints:
            checkpoint.offsets.pop((topic, partition), None)
        self._move_out(topic, partition, topic_id)

    def deleted_folders(self) -> list[str]:
        """Return the folders that `files.remove_tree` may remove at any time, in any thread."""
        return [name for name in self.files.list_names("") if name.endswith(_DELETED_SUFFIX)]

    def close(self) -> None:
        """End a run cleanly: every log is closed, synced and noted."""
        self.write_checkpoints()
        write_aside(self.files, CLEAN_MARKER, _MARKER_CONTENT, sync=True)

    def _forget_durably(self, key: tuple[str, int]) -> None:
        """See that no checkpoint speaks of an earlier topic of this name: its offsets mean nothing in a new log."""
        if any(key in checkpoint.written for checkpoint in self._checkpoints):
            for checkpoint in self._checkpoints:
                checkpoint.offsets.pop(key, None)
            self.write_checkpoints()

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
