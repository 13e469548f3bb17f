"""When did an incident begin and end, what was noted, and how is all of it handed on? Rows in the cluster's history.

Incidents and notes are written beside the one process that writes samples. An export is a history file of its own.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kcon.core.ids import ClusterId
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import KconError, NotFoundError, RefusedError, UsageError
from kcon.observe.history_file import HistoryFile, open_annotator
from kcon.observe.history_keys import Incident, Mark
from kcon.observe.history_reader import AGE_MAX_MS, HistoryReader
from kcon.observe.recording import history_path
from kcon.services.history import ClusterPast, cluster_of, history_folder
from kcon.services.session import Session

NOTE_MAX: Final = 1_000
_COPIES: Final = (
    "INSERT INTO series SELECT * FROM past.series",
    "INSERT INTO chunk SELECT * FROM past.chunk WHERE end_ms >= :first AND start_ms <= :end",
    "INSERT INTO tick SELECT * FROM past.tick WHERE at_ms >= :first AND at_ms <= :end",
    "INSERT INTO layout SELECT * FROM past.layout WHERE id IN (SELECT DISTINCT layout FROM tick)",
    "INSERT INTO fact SELECT * FROM past.fact WHERE at_ms >= :first AND at_ms <= :end",
    # What was so when it began, as far as that was said before.
    "INSERT OR IGNORE INTO fact SELECT kind, name, max(at_ms), value FROM past.fact WHERE at_ms < :first GROUP BY 1, 2",
)


class Incidents:
    """The incidents of one cluster. Every call opens the file for itself and is short."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    async def of(cls, session: Session) -> "Incidents":
        """Return those of a session's cluster."""
        cluster_id, _note = await cluster_of(session)
        return cls.of_cluster(session, cluster_id)

    @classmethod
    def of_cluster(cls, session: Session, cluster_id: ClusterId) -> "Incidents":
        """Return those of a cluster whose id is known."""
        return cls(history_path(history_folder(session.context, session.folder), cluster_id))

    def all(self) -> list[Incident]:
        """Return them, the oldest first."""
        if not self.path.exists():
            return []
        reader = HistoryReader(self.path)
        try:
            return reader.incidents()
        finally:
            reader.close()

    def find(self, name: str) -> Incident:
        """Return one. NotFoundError names those that there are."""
        found = {incident.name: incident for incident in self.all()}
        if name not in found:
            known = ", ".join(list(found)[-5:])
            raise NotFoundError(
                f"There is no incident {display_safe(name)}.", f"There are: {known}." if known else "Start one."
            )
        return found[name]

    def start(self, name: str, start_ms: int) -> Incident:
        """Begin one. RefusedError when there is one of that name."""
        with self._writing() as connection:
            try:
                connection.execute("INSERT INTO incident VALUES (?, ?, NULL)", (name, start_ms))
            except sqlite3.IntegrityError as error:
                raise RefusedError(
                    f"There is an incident {display_safe(name)} already.",
                    "Take another name; `incident list` has them.",
                ) from error
            _add_mark(connection, Mark(start_ms, "incident", WireText(name), f"incident {display_safe(name)} begins"))
        return Incident(name=name, start_ms=start_ms, end_ms=None)

    def stop(self, name: str | None, end_ms: int) -> Incident:
        """End one; None: the one that is open. RefusedError when it has ended, or which one is meant is not clear."""
        incident = self.find(name) if name is not None else self._the_open_one()
        if incident.end_ms is not None:
            raise RefusedError(f"Incident {display_safe(incident.name)} has ended.", "`kcon incident list` shows when.")
        end_ms = max(end_ms, incident.start_ms)
        with self._writing() as connection:
            connection.execute("UPDATE incident SET end_ms = ? WHERE name = ?", (end_ms, incident.name))
            text = f"incident {display_safe(incident.name)} ends"
            _add_mark(connection, Mark(end_ms, "incident", WireText(incident.name), text))
        return Incident(name=incident.name, start_ms=incident.start_ms, end_ms=end_ms)

    def note(self, text: str, name: str | None, at_ms: int) -> str | None:
        """Note something; return the incident's name, None when it belongs to none."""
        open_ones = [incident.name for incident in self.all() if incident.end_ms is None]
        subject = self.find(name).name if name is not None else open_ones[-1] if open_ones else None
        with self._writing() as connection:
            _add_mark(connection, Mark(at_ms, "note", WireText(subject or ""), display_safe(text)[:NOTE_MAX]))
        return subject

    def _the_open_one(self) -> Incident:
        found = [incident for incident in self.all() if incident.end_ms is None]
        if len(found) != 1:
            names = ", ".join(display_safe(incident.name) for incident in found)
            raise UsageError(
                f"{'Several incidents are' if found else 'No incident is'} open.",
                f"Name one of {names}." if found else "`kcon incident start NAME` begins one.",
            )
        return found[0]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(open_annotator(self.path)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise KconError(f"The history in {self.path} cannot be written: {error}.", "Try again.") from error


def _add_mark(connection: sqlite3.Connection, mark: Mark) -> None:
    connection.execute(
        "INSERT INTO mark VALUES (?, ?, ?, ?)", (mark.at_ms, mark.kind, mark.subject.encode(), mark.text)
    )


def export_incident(past: ClusterPast, incident: Incident, end_ms: int, target: Path) -> None:
    """Write all that history has of an incident to a file. RefusedError when there is one already.

    end_ms: where it ends, also of one that goes on.
    """
    if target.exists():
        raise RefusedError(f"{target} is there already.", "Name another file, or move it away.")
    marks = past.marks(incident.start_ms, end_ms + 1)
    scratch = target.with_name(f"{target.name}.part")
    scratch.unlink(missing_ok=True)
    made = HistoryFile(scratch)
    try:
        _copy(past.reader.path, made.connection, incident.start_ms, end_ms)
        for mark in marks:
            _add_mark(made.connection, mark)
        made.connection.execute("INSERT INTO incident VALUES (?, ?, ?)", (incident.name, incident.start_ms, end_ms))
        made.connection.execute("PRAGMA journal_mode = DELETE")  # One file, without a log beside it.
    except sqlite3.DatabaseError as error:
        raise KconError(f"{target} cannot be written: {error}.", "Is the disk full?") from error
    finally:
        made.close()
        scratch.with_suffix(".lock").unlink(missing_ok=True)
    scratch.replace(target)


def _copy(source: Path, target: sqlite3.Connection, start_ms: int, end_ms: int) -> None:
    """Copy what reaches into a range, and what was so when it began."""
    # What was last seen before it tells the state in its first moments.
    bounds = {"first": start_ms - AGE_MAX_MS, "end": end_ms}
    target.execute("ATTACH DATABASE ? AS past", (f"{source.absolute().as_uri()}?mode=ro",))
    target.execute("BEGIN")
    for statement in _COPIES:
        target.execute(statement, bounds)
    target.execute("COMMIT")
    target.execute("DETACH DATABASE past")
