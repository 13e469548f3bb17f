"""Where do alerts outlive a crash? One SQLite file a cluster: the alerts as they are, and what is still to be told.

A look writes its alerts and its messages in one transaction that is synced (sqlite.org/pragma.html#pragma_synchronous,
FULL), before any of them is sent; a message goes when it was told. So a killed process tells a message again rather
than never. A file that is damaged is set aside and a new one begun.
"""

import contextlib
import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kcon.core.alert import Alert, AlertKey
from kcon.errors import KconError, RefusedError
from kcon.plugin_api.alerting import AlertMessage

APPLICATION_ID: Final = 0x6B636161
SCHEMA_VERSION: Final = 1
BUSY_TIMEOUT_S: Final = 5.0

_SCHEMA: Final = f"""
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE alert (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE outbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, message TEXT NOT NULL, created_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL, next_ms INTEGER NOT NULL, problem TEXT NOT NULL
);
PRAGMA user_version = {SCHEMA_VERSION};
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message that a sink has not been told of yet."""

    number: int
    """Grows; a sink is told in this order."""
    sink: str
    message: AlertMessage
    created_ms: int
    attempts: int = 0
    next_ms: int = 0
    """Not to be tried before."""
    problem: str = ""
    """Why the last try failed."""


class AlertStore:
    """An open file. Writers hold a lock on a file beside it; readers hold nothing. One thread at a time."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open, or create. RefusedError when another process writes it, or it is of a newer kcon."""
        self.path = path
        self.quarantined: Path | None = None
        self._lock: int | None = None
        self._alerts: dict[AlertKey, Alert] = {}
        self._outbox: dict[int, Outgoing] = {}
        if read_only:
            if not path.exists():
                raise KconError("No alerts are kept for this cluster yet.", "`kcon daemon` keeps them.")
            self._connection = _connect(f"{path.as_uri()}?mode=ro")
        else:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _lock(path.with_suffix(".lock"))
            self._connection = self._open_writer()
        try:
            self._read()
        except sqlite3.DatabaseError as error:
            self.close()
            raise KconError(f"The alerts in {path} cannot be read: {error}.") from error

    @property
    def alerts(self) -> Sequence[Alert]:
        """What was written last."""
        return list(self._alerts.values())

    @property
    def outbox(self) -> Sequence[Outgoing]:
        """What was written last, in order."""
        return [self._outbox[number] for number in sorted(self._outbox)]

    def save(self, alerts: Iterable[Alert], outbox: Iterable[Outgoing]) -> None:
        """Make the file say this, whole or not at all; on return it is on the disk. KconError when it cannot.

        What is alike is not written again, and what could not be written is tried with the next call.
        """
        wanted = {alert.key: alert for alert in alerts}
        outgoing = {each.number: each for each in outbox}
        changed = [alert for key, alert in wanted.items() if self._alerts.get(key) != alert]
        gone = [key for key in self._alerts if key not in wanted]
        sent = [number for number in self._outbox if number not in outgoing]
        queued = [each for number, each in outgoing.items() if self._outbox.get(number) != each]
        if not (changed or gone or sent or queued):
            return
        try:
            with self._transaction() as connection:
                connection.executemany("DELETE FROM alert WHERE key = ?", [(_key_text(key),) for key in gone])
                connection.executemany(
                    "INSERT OR REPLACE INTO alert VALUES (?, ?)",
                    [(_key_text(alert.key), _alert_text(alert)) for alert in changed],
                )
                connection.executemany("DELETE FROM outbox WHERE number = ?", [(number,) for number in sent])
                connection.executemany(
                    "INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [
                        (
                            each.number,
                            each.sink,
                            json.dumps(each.message.to_json()),
                            each.created_ms,
                            each.attempts,
                            each.next_ms,
                            each.problem,
                        )
                        for each in queued
                    ],
                )
        except sqlite3.Error as error:
            raise KconError(f"Alerts cannot be written to {self.path}: {error}.", "Is the disk full?") from error
        self._alerts, self._outbox = wanted, outgoing

    def last_number(self) -> int:
        """Return the largest number that a message ever had here."""
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Close; a writer gives the file up."""
        self._connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextlib.contextmanager
    def _transaction(self) -> Any:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def _read(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise RefusedError(
                f"The alerts in {self.path} were written by a newer kcon (format {version}).",
                "Use that kcon, or move the file away.",
            )
        for (body,) in self._connection.execute("SELECT body FROM alert"):
            alert = _alert_of(body)
            self._alerts[alert.key] = alert
        for number, sink, message, created_ms, attempts, next_ms, problem in self._connection.execute(
            "SELECT number, sink, message, created_ms, attempts, next_ms, problem FROM outbox"
        ):
            self._outbox[number] = Outgoing(
                number=number,
                sink=sink,
                message=AlertMessage.from_json(message),
                created_ms=created_ms,
                attempts=attempts,
                next_ms=next_ms,
                problem=problem,
            )

    def _open_writer(self) -> sqlite3.Connection:
        try:
            return self._prepared()
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise KconError(f"Alerts cannot be written to {self.path}: {error}.") from error
            for side in ("-wal", "-shm"):
                self.path.with_name(self.path.name + side).unlink(missing_ok=True)
            self.quarantined = self.path.with_name(f"{self.path.name}.damaged")
            with contextlib.suppress(FileNotFoundError):
                self.path.replace(self.quarantined)
            return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        is_new = not self.path.exists() or self.path.stat().st_size == 0
        connection = _connect(f"{self.path.as_uri()}?mode=rwc")
        try:
            if is_new:
                os.chmod(self.path, 0o600)
                connection.executescript(_SCHEMA)
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            if application != APPLICATION_ID:
                raise sqlite3.DatabaseError("these are no alerts of kcon")
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            for (body,) in connection.execute("SELECT body FROM alert"):
                _alert_of(body)
            for (message,) in connection.execute("SELECT message FROM outbox"):
                AlertMessage.from_json(message)
        except BaseException:
            connection.close()
            raise
        return connection


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise RefusedError(
            f"Another kcon daemon keeps the alerts in {path.parent}.", "One a cluster is enough."
        ) from error
    return descriptor


def _key_text(key: AlertKey) -> str:
    return json.dumps(key)


_FIELDS: Final = ("rule", "summary", "value", "since_ms", "seen_ms", "fired_ms", "told_ms")


def _alert_text(alert: Alert) -> str:
    return json.dumps({"labels": alert.labels, **{name: getattr(alert, name) for name in _FIELDS}})


def _alert_of(text: str) -> Alert:
    fields: Mapping[str, Any] = json.loads(text)
    labels = tuple((str(name), str(value)) for name, value in fields["labels"])
    return Alert(labels=labels, **{name: fields[name] for name in _FIELDS})
