"""Where is history kept, and who may write it? One SQLite file a cluster, in WAL mode, one writer and many readers.

A file that is damaged is set aside and a new one begun: history must never keep kcon from starting. WAL with
synchronous=NORMAL survives a killed process whole; a power cut may cost the last seconds (sqlite.org/wal.html).
"""

import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Final

from kcon.errors import KconError, RefusedError

APPLICATION_ID: Final = 0x6B636F6E
SCHEMA_VERSION: Final = 1
BUSY_TIMEOUT_S: Final = 2.0
CACHE_KIB: Final = 8 * 1024
CHECKED_MAX_BYTES: Final = 64 * 1024 * 1024
"""A larger file is checked whole only after a crash: it takes seconds, and reading finds damage too."""
QUARANTINED_MAX: Final = 3
"""Damaged files kept for a look; older ones go."""

PAGE_BYTES: Final = 16_384
"""In SQLite's own 4,096 a chunk of minutes (1 KB) takes a page of its own: a week then took 1.8 times its data."""

_SCHEMA: Final = f"""
PRAGMA page_size = {PAGE_BYTES};
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE series (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name BLOB NOT NULL, UNIQUE (kind, name));
CREATE TABLE chunk (
  series INTEGER NOT NULL, level INTEGER NOT NULL, end_ms INTEGER NOT NULL, start_ms INTEGER NOT NULL,
  data BLOB NOT NULL, PRIMARY KEY (series, level, end_ms)
) WITHOUT ROWID;
CREATE INDEX chunk_age ON chunk (level, end_ms);
CREATE TABLE layout (id INTEGER PRIMARY KEY, ids BLOB NOT NULL);
CREATE TABLE tick (at_ms INTEGER PRIMARY KEY, layout INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE fact (
  kind TEXT NOT NULL, name BLOB NOT NULL, at_ms INTEGER NOT NULL, value TEXT, PRIMARY KEY (kind, name, at_ms)
) WITHOUT ROWID;
CREATE TABLE mark (at_ms INTEGER NOT NULL, kind TEXT NOT NULL, subject BLOB NOT NULL, text TEXT NOT NULL);
CREATE INDEX mark_at ON mark (at_ms);
CREATE TABLE incident (name TEXT PRIMARY KEY, start_ms INTEGER NOT NULL, end_ms INTEGER) WITHOUT ROWID;
PRAGMA user_version = {SCHEMA_VERSION};
"""


class HistoryFile:
    """An open history. Writers hold a lock on a file beside it; readers hold nothing. One thread at a time."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open, or create. RefusedError when another process writes it, or it is of a newer kcon."""
        self.path = path
        self.quarantined: Path | None = None
        """Where a damaged file went at the opening."""
        self._lock: int | None = None
        if read_only:
            self.connection = self._open_reader()
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(path.with_suffix(".lock"))
        try:
            self.connection = self._open_writer()
        except BaseException:
            self._unlock()
            raise

    def close(self) -> None:
        """Close; a writer gives the file up."""
        self.connection.close()
        self._unlock()

    def size_bytes(self) -> int:
        """Return what the file and its log take on the disk."""
        return sum(each.stat().st_size for each in self._files() if each.exists())

    def begin_anew(self) -> None:
        """Set the damaged file aside and begin a new one. Writers only."""
        self.connection.close()
        self._quarantine()
        self.connection = self._open_writer()

    def _open_reader(self) -> sqlite3.Connection:
        if not self.path.exists():
            raise KconError(
                "There is no history of this cluster yet.",
                "The console, `kcon top`, `kcon metrics` and `kcon daemon` keep one while they run.",
            )
        connection = _connect(f"{self.path.as_uri()}?mode=ro")
        try:
            self._check_version(connection)
        except sqlite3.DatabaseError as error:
            connection.close()
            raise KconError(
                f"The history in {self.path} is damaged: {error}.", "The next writer begins anew."
            ) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_writer(self) -> sqlite3.Connection:
        try:
            return self._prepared()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and not _is_damage(error):
                raise KconError(f"The history in {self.path} cannot be written: {error}.") from error
            self._quarantine()
            return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        is_new = not self.path.exists() or self.path.stat().st_size == 0
        was_closed = not self._files()[1].exists()  # SQLite takes the log away at a clean end.
        connection = _connect(f"{self.path.as_uri()}?mode=rwc")
        try:
            if is_new:
                os.chmod(self.path, 0o600)
                connection.executescript(_SCHEMA)
            self._check_version(connection)
            if not was_closed or self.path.stat().st_size <= CHECKED_MAX_BYTES:
                (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if verdict != "ok":
                    raise sqlite3.DatabaseError(verdict)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_version(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION_ID:
            raise sqlite3.DatabaseError("it is no history of kcon")
        if version > SCHEMA_VERSION:
            raise RefusedError(
                f"The history in {self.path} was written by a newer kcon (format {version}, this one knows "
                f"{SCHEMA_VERSION}).",
                "Use that kcon, or move the file away.",
            )

    def _quarantine(self) -> None:
        aside = [self.path.with_name(f"{self.path.name}.damaged-{number}") for number in range(QUARANTINED_MAX)]
        for older, newer in zip(reversed(aside), reversed(aside[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)
        for side in self._files()[1:]:
            side.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self.path.replace(aside[0])
            self.quarantined = aside[0]

    def _files(self) -> tuple[Path, Path, Path]:
        name = self.path.name
        return self.path, self.path.with_name(f"{name}-wal"), self.path.with_name(f"{name}-shm")

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _is_damage(error: sqlite3.OperationalError) -> bool:
    """Tell a file whose tables are not ours from a disk that is full or a folder that is read-only."""
    return error.sqlite_errorcode == sqlite3.SQLITE_ERROR


def open_annotator(path: Path) -> sqlite3.Connection:
    """Return a connection that may add marks and incidents beside the one writer. KconError when it cannot."""
    try:
        made = HistoryFile(path)
    except RefusedError:
        if not path.exists():
            raise
    else:
        made.close()  # It is there and whole now.
    connection = _connect(f"{path.as_uri()}?mode=rw")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def has_writer(path: Path) -> bool:
    """Whether a process writes this history now."""
    lock = path.with_suffix(".lock")
    if not lock.exists():
        return False
    try:
        os.close(_lock(lock))
    except RefusedError:
        return True
    return False


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise RefusedError(f"Another kcon writes the history in {path.parent}.", "It can be read meanwhile.") from error
    return descriptor
