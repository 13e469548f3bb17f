"""What did a change overwrite, so that it can be taken back? Undo records of commits, on disk before the change.

One JSON file a record, readable by its owner alone, in a folder per cluster id: a record must never be applied to
another cluster that happens to have the same context name. The oldest go when there are too many.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from kcon.core.ids import ClusterId, GroupId, TopicPartition, group_id, topic_name
from kcon.core.snapshot import CommittedOffset
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import NotFoundError, RefusedError

UNDO_FORMAT: Final = 1
RECORDS_MAX: Final = 200
"""Undo records kept for one cluster."""
RECORD_BYTES_MAX: Final = 64 * 1024 * 1024
"""A larger file is not one of ours."""


@dataclass(frozen=True, slots=True)
class UndoEntry:
    """One partition: the commit before the change, and what the change wrote."""

    partition: TopicPartition
    before: CommittedOffset | None
    """None: there was no commit; to undo means to delete it."""
    after: int | None
    """The offset that was written; None when the commit was deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRecord:
    """What one change of one group overwrote."""

    id: str
    """Sorts by time, e.g. `20260131-140500-3f9a`."""
    cluster_id: ClusterId
    group: GroupId
    context: str
    operation: str
    """What was done, for people: `reset to @-1h`."""
    created_ms: int
    entries: tuple[UndoEntry, ...]
    undone_ms: int | None = None
    """When this record was applied; None: not yet."""


class UndoStore:
    """The undo records under one folder. Writing one is the condition for the change it belongs to."""

    def __init__(self, folder: Path, *, records_max: int = RECORDS_MAX) -> None:
        self.folder = folder
        self._records_max = records_max

    def save(
        self,
        *,
        cluster_id: ClusterId | None,
        group: GroupId,
        context: str,
        operation: str,
        now_ms: int,
        entries: tuple[UndoEntry, ...],
    ) -> UndoRecord:
        """Write a record and make it durable. RefusedError when that is not possible: then nothing may change."""
        if cluster_id is None:
            raise RefusedError("The cluster does not tell its id, so the change could not be undone safely.")
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now_ms)
        record = UndoRecord(
            id=f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
            cluster_id=cluster_id,
            group=group,
            context=context,
            operation=operation,
            created_ms=now_ms,
            entries=entries,
        )
        try:
            self._write(record)
            self._prune(cluster_id)
        except OSError as error:
            raise RefusedError(
                f"Cannot write the undo record in {self.folder}: {error.strerror or error}.",
                "Make the state folder writable, or point KCON_STATE_DIR at one that is.",
            ) from error
        return record

    def records(self, cluster_id: ClusterId, group: GroupId | None = None) -> list[UndoRecord]:
        """Return the records of a cluster, or of one of its groups, the newest first. Unreadable files are left out."""
        found = []
        for path in sorted(self._cluster_folder(cluster_id).glob("*.json"), reverse=True):
            record = self._read(path, cluster_id)
            if record is not None and group in {None, record.group}:
                found.append(record)
        return sorted(found, key=lambda record: (record.created_ms, record.id), reverse=True)

    def find(self, cluster_id: ClusterId, group: GroupId, record_id: str | None = None) -> UndoRecord:
        """Return one record of a group: the named one, or the newest that was not undone. NotFoundError."""
        records = self.records(cluster_id, group)
        if record_id is None:
            chosen = next((record for record in records if record.undone_ms is None), None)
            if chosen is None:
                raise NotFoundError(f"There is nothing to undo for group {group}.", "See `kcon group undo --list`.")
            return chosen
        for record in records:
            if record.id == record_id:
                return record
        raise NotFoundError(
            f"Group {group} has no undo record {display_safe(record_id)}.", "See `kcon group undo --list`."
        )

    def mark_undone(self, record: UndoRecord, now_ms: int) -> None:
        """Remember that a record was applied, so that it is not the next one to undo."""
        try:
            self._write(replace(record, undone_ms=now_ms))
        except OSError as error:
            raise RefusedError(f"Cannot update the undo record in {self.folder}: {error.strerror or error}.") from error

    def _cluster_folder(self, cluster_id: ClusterId) -> Path:
        # The id comes from the wire: it must not choose the path.
        safe = re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cluster_id.raw)
        name = cluster_id.raw if safe else "x-" + hashlib.sha256(cluster_id.encode()).hexdigest()[:32]
        return self.folder / name

    def _write(self, record: UndoRecord) -> None:
        folder = self._cluster_folder(record.cluster_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{record.id}.json"
        written = folder / f".{record.id}.{os.getpid()}.tmp"
        handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(_to_json(record), file, separators=(",", ":"))
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
        folder_handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder_handle)
        finally:
            os.close(folder_handle)

    def _prune(self, cluster_id: ClusterId) -> None:
        paths = sorted(self._cluster_folder(cluster_id).glob("*.json"), reverse=True)
        for path in paths[self._records_max :]:
            path.unlink(missing_ok=True)

    def _read(self, path: Path, cluster_id: ClusterId) -> UndoRecord | None:
        try:
            if path.stat().st_size > RECORD_BYTES_MAX:
                return None
            record = _from_json(json.loads(path.read_text("ascii")))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # A file from a later version, or a damaged one, must not hide the good ones.
        return record if record is not None and record.cluster_id == cluster_id else None


def _to_json(record: UndoRecord) -> dict[str, object]:
    return {
        "format": UNDO_FORMAT,
        "id": record.id,
        "cluster_id": record.cluster_id.raw,
        "group": record.group.raw,
        "context": record.context,
        "operation": record.operation,
        "created_ms": record.created_ms,
        "undone_ms": record.undone_ms,
        "entries": [
            {
                "topic": entry.partition.topic.raw,
                "partition": entry.partition.partition,
                "before": _commit_to_json(entry.before),
                "after": entry.after,
            }
            for entry in record.entries
        ],
    }


def _commit_to_json(commit: CommittedOffset | None) -> dict[str, object] | None:
    if commit is None:
        return None
    metadata = commit.metadata.raw if commit.metadata is not None else None
    return {"offset": commit.offset, "leader_epoch": commit.leader_epoch, "metadata": metadata}


def _from_json(told: Mapping[str, Any]) -> UndoRecord | None:
    if told["format"] != UNDO_FORMAT:
        return None
    return UndoRecord(
        id=str(told["id"]),
        cluster_id=ClusterId(WireText(told["cluster_id"])),
        group=group_id(told["group"]),
        context=str(told["context"]),
        operation=str(told["operation"]),
        created_ms=int(told["created_ms"]),
        undone_ms=cast("int | None", told["undone_ms"]),
        entries=tuple(
            UndoEntry(
                TopicPartition(topic_name(entry["topic"]), int(entry["partition"])),
                _commit_from_json(entry["before"]),
                None if entry["after"] is None else int(entry["after"]),
            )
            for entry in told["entries"]
        ),
    )


def _commit_from_json(told: Mapping[str, Any] | None) -> CommittedOffset | None:
    if told is None:
        return None
    metadata = WireText(told["metadata"]) if told["metadata"] is not None else None
    return CommittedOffset(int(told["offset"]), int(told["leader_epoch"]), metadata)
