"""Is a data folder sound, and what would the next start do to it? Without changing anything.

The recovery that a start runs is run on `DryFiles`, partition by partition, and what it says is kept. Then every batch
is checked, also those that a start would not look at. Folders of Apache Kafka are read the same way: the files are.
"""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from kcon_broker.errors import FolderUnreadableError
from kcon_broker.server.dry_files import DryFiles
from kcon_broker.storage.batch_walk import LEADER_EPOCH_MAX, BadBatch, walk_batches
from kcon_broker.storage.checkpoint import CLEANED, LOG_STARTS, RECOVERY_POINTS, Offsets, decode_plain_offsets
from kcon_broker.storage.data_folder import CLEAN_MARKER, META, partition_of
from kcon_broker.storage.leftovers import CLEANED_SUFFIX, SWAP_SUFFIX, find_segments
from kcon_broker.storage.recovery import LoadedLog, LoadOptions, load_log
from kcon_broker.storage.segment import DELETED_SUFFIX, Segment

_APACHE_META = "meta.properties"
_INDEX_INTERVAL_BYTES = 4_096


class Origin(StrEnum):
    """Whose folder it is."""

    KCON = "kcon"
    APACHE = "Apache Kafka"


class Verdict(StrEnum):
    """What the next start makes of a partition."""

    SOUND = "sound"
    RECOVERED = "recovered"
    """It is walked, and nothing is cut off."""
    CUT = "cut"
    """A torn end, or what stands behind it, goes: it was never known to be synced."""
    DAMAGED = "damaged"
    """What was synced cannot be read any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFindings:
    """What is true of the folder as a whole."""

    origin: Origin
    is_clean: bool
    """The last stop was a clean one."""
    is_in_use: bool
    """A broker runs on it: what it is writing now may look torn."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionFindings:
    """What is true of one partition."""

    topic: str
    partition: int
    verdict: Verdict
    segments: int
    size_bytes: int
    start_offset: int
    end_offset: int
    """After the next start."""
    actions: tuple[str, ...] = field(default=())
    """What the next start would do, and what is wrong; sentences."""


class FolderExamination:
    """One look at one folder."""

    def __init__(self, root: Path) -> None:
        """Look at the folder as a whole. Raises FolderUnreadableError where it is no data folder."""
        self._root = root
        self._files = DryFiles(root)
        if (root / META).exists() or (root / f"{META}.copy").exists():
            self._origin = Origin.KCON
        elif (root / _APACHE_META).exists():
            self._origin = Origin.APACHE
        else:
            raise FolderUnreadableError(f"{root} is no data folder of kcon or Apache Kafka.")
        notes: list[str] = []
        self._is_clean = (root / CLEAN_MARKER).exists()
        self._recovery_points = self._read(RECOVERY_POINTS, notes)
        self._log_starts = self._read(LOG_STARTS, notes) or {}
        self._cleaned = self._read(CLEANED, notes)
        self.findings = FolderFindings(
            origin=self._origin, is_clean=self._is_clean, is_in_use=_is_in_use(root / ".lock"), notes=tuple(notes)
        )

    def partitions(self) -> Iterator[PartitionFindings]:
        """Yield what is found, partition by partition. Raises OSError when the disk fails."""
        found = [partition_of(name) for name in self._files.list_names("") if (self._root / name).is_dir()]
        for topic, partition in sorted(each for each in found if each is not None):
            yield self._examine(topic, partition)
            self._files.forget()

    def _examine(self, topic: str, partition: int) -> PartitionFindings:
        folder, key = f"{topic}-{partition}", (topic, partition)
        names = self._files.list_names(folder)
        actions = [
            f"{count} {word}"
            for suffix, word in (
                (CLEANED_SUFFIX, "file(s) of an unfinished compaction are dropped"),
                (SWAP_SUFFIX, "file(s) of a finished compaction are put in place"),
                (DELETED_SUFFIX, "deleted file(s) are removed"),
            )
            if (count := sum(name.endswith(suffix) for name in names))
        ]
        bad_segments = list(self._bad_segments(folder))
        recovery_point = None if self._recovery_points is None else self._recovery_points.get(key, 0)
        is_known = self._recovery_points is not None and key in self._recovery_points
        options = LoadOptions(
            index_interval_bytes=_INDEX_INTERVAL_BYTES,
            leader_epoch_max=LEADER_EPOCH_MAX,
            recovery_point=recovery_point,
            is_clean=self._is_clean and is_known,
            gaps_allowed=self._cleaned is None or key in self._cleaned,
            on_batch=None,
            on_producers=None,
        )
        loaded = load_log(self._files, folder, options)
        if loaded.was_walked and not loaded.reports:
            since = "its start" if not recovery_point else f"offset {recovery_point}"
            actions.append(f"every batch is checked from the segment of {since} on, indexes are built anew")
        actions += loaded.reports
        # A torn end is found by both; it is damage only where recovery does not cut it.
        damage = [text for offset, text in bad_segments if offset < loaded.end_offset and text not in actions]
        return PartitionFindings(
            topic=topic,
            partition=partition,
            verdict=_verdict(loaded, damage),
            segments=len(loaded.segments),
            size_bytes=sum(segment.file.size() for segment in loaded.segments),
            start_offset=max(self._log_starts.get(key, 0), loaded.segments[0].base_offset if loaded.segments else 0),
            end_offset=loaded.end_offset,
            actions=(*actions, *damage),
        )

    def _bad_segments(self, folder: str) -> Iterator[tuple[int, str]]:
        """Yield (offset, sentence) for each segment with a bad batch: the first one in it."""
        for segment in find_segments(self._files, folder):
            segment.size = segment.file.size()
            bad = _first_bad_batch(segment)
            if bad is not None:
                reason = f"{segment.file.path} is damaged at byte {bad.position} (offset {bad.offset}): {bad.reason}"
                yield bad.offset, reason
        self._files.forget()

    def _read(self, path: str, notes: list[str]) -> Offsets | None:
        """Return the offsets of a checkpoint; None: it cannot be used."""
        if not (self._root / path).exists():
            return {}
        content = (self._root / path).read_bytes()
        if not content and self._origin is Origin.APACHE:
            # A checkpoint that was never written.
            return {}
        offsets = decode_plain_offsets(content)
        if offsets is None:
            notes.append(f"{path} is damaged and would not be used")
        return offsets


def _first_bad_batch(segment: Segment) -> BadBatch | None:
    try:
        for _ in walk_batches(
            segment,
            position=0,
            expected_offset=segment.base_offset,
            end_position=segment.size,
            check_crc=True,
            leader_epoch_max=LEADER_EPOCH_MAX,
            gaps_allowed=True,
        ):
            pass
    except BadBatch as bad:
        return bad
    return None


def _verdict(loaded: LoadedLog, damage: list[str]) -> Verdict:
    if damage or loaded.damage is not None:
        return Verdict.DAMAGED
    if any(" was cut at byte " in report for report in loaded.reports):
        return Verdict.CUT
    return Verdict.RECOVERED if loaded.was_walked else Verdict.SOUND


def _is_in_use(path: Path) -> bool:
    """Say whether somebody holds the lock: kcon's broker by flock, Apache Kafka by a record lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
