"""Who changed what, when, on which cluster? One JSON object a line, in a file that only its owner may read."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

from kcon.errors import KconError, RefusedError

AUDIT_BYTES_MAX: Final = 10 * 1024 * 1024
"""At this size the file becomes `audit.jsonl.1` and the one before it goes."""


class Auditor(Protocol):
    """Where audit lines go."""

    def write(self, entry: Mapping[str, object]) -> None:
        """Append one entry, or raise RefusedError: what cannot be recorded is not done."""


class AuditLog:
    """Append-only JSONL with a size cap: two generations at most."""

    def __init__(self, path: Path, *, bytes_max: int = AUDIT_BYTES_MAX) -> None:
        self.path = path
        self._bytes_max = bytes_max

    def write(self, entry: Mapping[str, object]) -> None:
        """Append one line in one write, so that lines of several processes do not mix."""
        line = (json.dumps(entry, ensure_ascii=True, separators=(",", ":")) + "\n").encode()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._rotate(len(line))
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.fchmod(handle, 0o600)
                os.write(handle, line)
            finally:
                os.close(handle)
        except OSError as error:
            raise RefusedError(
                f"Cannot write the audit log {self.path}: {error.strerror or error}.",
                "Make the state folder writable, or point KCON_STATE_DIR at one that is.",
            ) from error

    def entries(self) -> Iterator[Mapping[str, object]]:
        """Yield what was written, the oldest first. Lines that are damaged or from a later version are skipped.

        KconError when a file that is there cannot be read.
        """
        for path in (self.path.with_name(self.path.name + ".1"), self.path):
            try:
                with path.open("rb") as file:
                    for line in file:
                        try:
                            entry = json.loads(line)
                        except ValueError:
                            continue
                        if isinstance(entry, dict):
                            yield entry
            except FileNotFoundError:
                continue
            except OSError as error:
                raise KconError(
                    f"Cannot read the audit log {path}: {error.strerror or error}.", "Check its permissions."
                ) from error

    def _rotate(self, added_bytes: int) -> None:
        try:
            size_bytes = self.path.stat().st_size
        except FileNotFoundError:
            return
        if size_bytes + added_bytes > self._bytes_max:
            self.path.replace(self.path.with_name(self.path.name + ".1"))
