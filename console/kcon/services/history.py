"""Where is the history of the cluster that a session works with, who writes it, and how is it read?

Commands' own changes are in the audit log, which all processes write; here they join the marks of the sampler.
"""

import contextlib
import json
import os
from collections.abc import Iterable
from datetime import tzinfo
from pathlib import Path
from typing import Final

from kcon.contexts.context import Context
from kcon.contexts.history_settings import history_settings
from kcon.core.ids import ClusterId
from kcon.core.times import format_time
from kcon.core.units import format_duration
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import KconError, NotFoundError, UnreachableError
from kcon.gate.audit import AuditLog
from kcon.observe.history_keys import MARK_KINDS, Mark
from kcon.observe.history_reader import MARKS_MAX, HistoryReader
from kcon.observe.past import Past
from kcon.observe.recording import Recording, history_path
from kcon.observe.snapshot import ClusterSnapshot
from kcon.services.session import AUDIT_FILE, Session

HISTORY_FOLDER: Final = "history"
CLUSTERS_FILE: Final = "clusters.json"
CLUSTERS_MAX: Final = 1_000
GAP_MS: Final = 900_000
TARGETS_SHOWN: Final = 3


def history_folder(context: Context, state: Path) -> Path:
    """Return the folder of the histories that belong to a context."""
    return context.history_folder or state / HISTORY_FOLDER


def recording_of(session: Session) -> Recording:
    """Return what takes a session's looks into history. UsageError when its settings are off."""
    folder, context = history_folder(session.context, session.folder), session.context
    return Recording(
        folder,
        history_settings(session.variables),
        lambda cluster_id: _remember_cluster(folder, context, cluster_id),
    )


async def cluster_of(session: Session) -> tuple[ClusterId, str]:
    """Return the id of the session's cluster, and a sentence when it is the one that was there last.

    A cluster that does not answer still has a past: then the addresses tell which it was.
    """
    folder = history_folder(session.context, session.folder)
    try:
        cluster_id = await session.cluster_id()
    except UnreachableError:
        known = _known_clusters(folder).get(",".join(session.context.bootstrap))
        if known is None:
            raise
        return ClusterId(WireText(known)), "The cluster does not answer; this is the one that answered here last."
    if cluster_id is None:
        raise KconError("This cluster does not tell its id, so it has no history.", "Kafka tells it from 0.10.1 on.")
    _remember_cluster(folder, session.context, cluster_id)
    return cluster_id, ""


def _known_clusters(folder: Path) -> dict[str, str]:
    try:
        told = json.loads((folder / CLUSTERS_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in told.items()} if isinstance(told, dict) else {}


def _remember_cluster(folder: Path, context: Context, cluster_id: ClusterId) -> None:
    address = ",".join(context.bootstrap)
    known = _known_clusters(folder)
    if known.get(address) == cluster_id.raw or not folder.is_dir():
        return
    known.pop(address, None)
    known = dict(list(known.items())[1 - CLUSTERS_MAX :]) | {address: cluster_id.raw}
    with contextlib.suppress(OSError):  # It is a convenience: without it a dead cluster is asked for by -b alone.
        scratch = folder / f"{CLUSTERS_FILE}.{os.getpid()}"
        scratch.write_text(json.dumps(known), "utf-8")
        scratch.replace(folder / CLUSTERS_FILE)


class ClusterPast(Past):
    """The past of a session's cluster, with what kcon's own commands changed."""

    def __init__(self, reader: HistoryReader, state: Path, cluster_id: ClusterId, note: str = "") -> None:
        super().__init__(reader)
        self.note = note
        """A sentence about the cluster, or ""."""
        self._audit = AuditLog(state / AUDIT_FILE)
        self._audit_version: tuple[int, int] | None = None
        self._audit_marks: list[Mark] = []
        self._cluster_id = cluster_id

    def marks(self, since_ms: int, until_ms: int, *, kinds: Iterable[str] = (), limit: int = MARKS_MAX) -> list[Mark]:
        """Return what happened in `[since_ms, until_ms)`, the oldest first, the latest `limit`. kinds: only these."""
        wanted = set(kinds) or set(MARK_KINDS)
        marks = self.reader.marks(since_ms, until_ms, kinds=wanted, limit=limit)
        if "change" in wanted:
            marks += [mark for mark in self._changes() if since_ms <= mark.at_ms < until_ms]
        return sorted(marks, key=lambda mark: mark.at_ms)[-limit:]

    def _changes(self) -> list[Mark]:
        """Return what kcon changed; the log is read again only when it has grown."""
        try:
            told = self._audit.path.stat()
            version = (told.st_size, told.st_mtime_ns)
        except OSError:
            return []
        if version != self._audit_version:
            self._audit_version = version
            self._audit_marks = audit_marks(self._audit, self._cluster_id, 0, 1 << 62)
        return self._audit_marks


def audit_marks(audit: AuditLog, cluster_id: ClusterId, since_ms: int, until_ms: int) -> list[Mark]:
    """Return what kcon changed on a cluster in `[since_ms, until_ms)`, from the audit log."""
    marks = []
    for entry in audit.entries():
        at_ms, event = entry.get("time_ms"), entry.get("event")
        if event not in {"done", "failed"} or not isinstance(at_ms, int) or not since_ms <= at_ms < until_ms:
            continue
        if entry.get("cluster_id") != cluster_id.raw:
            continue
        targets = entry.get("targets")
        names = [str(each) for each in targets] if isinstance(targets, list) else []
        more = f" and {len(names) - TARGETS_SHOWN} more" if len(names) > TARGETS_SHOWN else ""
        shown = ", ".join(display_safe(name) for name in names[:TARGETS_SHOWN])
        how = "" if event == "done" else " (failed)"
        who = display_safe(str(entry.get("user") or "somebody"))
        text = f"{who}: {display_safe(str(entry.get('operation')))} {shown}{more}{how}"
        marks.append(Mark(at_ms, "change", WireText(names[0] if len(names) == 1 else ""), text))
    return marks


async def open_past(session: Session) -> ClusterPast:
    """Return the past of the session's cluster. NotFoundError when nobody has kept any."""
    cluster_id, note = await cluster_of(session)
    return _opened(session.context, session.folder, cluster_id, note)


def past_of(context: Context, state: Path, cluster_id: ClusterId | None) -> ClusterPast:
    """Return the past of a context's cluster; id None: of the one that answered last. NotFoundError: none is kept."""
    if cluster_id is not None:
        return _opened(context, state, cluster_id)
    known = _known_clusters(history_folder(context, state)).get(",".join(context.bootstrap))
    if known is None:
        raise NotFoundError("It is not known which cluster this is.", "Its history is found once it has answered.")
    return _opened(context, state, ClusterId(WireText(known)))


def recorded_past(path: Path) -> Past:
    """Return what an exported incident holds. KconError when it is none."""
    return Past(HistoryReader(path))


def _opened(context: Context, state: Path, cluster_id: ClusterId, note: str = "") -> ClusterPast:
    path = history_path(history_folder(context, state), cluster_id)
    if not path.exists():
        raise NotFoundError(
            "There is no history of this cluster.",
            "The console, `kcon top`, `kcon metrics` and `kcon daemon` keep one while they run.",
        )
    return ClusterPast(HistoryReader(path), state, cluster_id, note)


def snapshot_or_complain(past: Past, time_ms: int, tz: tzinfo) -> ClusterSnapshot:
    """Return the picture at a moment. NotFoundError says what there is instead."""
    snapshot = past.snapshot_at(time_ms)
    if snapshot is None:
        raise no_history_at(past, time_ms, tz)
    return snapshot


def no_history_at(past: Past, time_ms: int, tz: tzinfo) -> NotFoundError:
    """Return the error for a moment at which nobody looked."""
    asked, span = format_time(time_ms, tz, milliseconds=False), past.reader.span_ms()
    if span is None:
        return NotFoundError(f"There is no history for {asked}: nothing was recorded yet.", "Wait for the first look.")
    first, last = (format_time(each, tz, milliseconds=False) for each in span)
    if span[0] <= time_ms <= span[1]:
        gap = next((each for each in past.reader.gaps(*span, longer_ms=GAP_MS) if each[0] <= time_ms <= each[1]), span)
        since, until = (format_time(each, tz, milliseconds=False) for each in gap)
        return NotFoundError(
            f"There is no history for {asked}: nobody looked from {since} to {until} "
            f"({format_duration(gap[1] - gap[0])}).",
            f"All in all there is history from {first} to {last}.",
        )
    return NotFoundError(f"There is no history for {asked}.", f"There is some from {first} to {last}.")
