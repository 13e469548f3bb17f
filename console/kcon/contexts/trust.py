"""Which project files may do more than choose a context? Those whose content the user trusted, by its hash.

A checkout must neither run a command nor repoint a bootstrap, so a change of the file takes the trust away.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kcon.errors import KconError, NotFoundError

TRUST_FILE: Final = "trusted.json"
FILES_MAX: Final = 1_000
PROJECT_BYTES_MAX: Final = 1024 * 1024


class TrustStore:
    """The trusted files of this user, in the state folder."""

    def __init__(self, state_folder: Path) -> None:
        self.path = state_folder / TRUST_FILE

    def trusted(self) -> dict[str, str]:
        """Return the SHA-256 of each trusted file, by path. What cannot be read is no trust."""
        try:
            told = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in told.items()} if isinstance(told, dict) else {}

    def is_trusted(self, path: Path, content: bytes) -> bool:
        """Tell whether this file with this content is trusted."""
        return self.trusted().get(str(path.resolve())) == _hash(content)

    def knew(self, path: Path) -> bool:
        """Tell whether the file was trusted with some content."""
        return str(path.resolve()) in self.trusted()

    def trust(self, path: Path, content: bytes) -> str:
        """Trust a file as it is now; return its hash."""
        found = self.trusted()
        found.pop(str(path.resolve()), None)
        found[str(path.resolve())] = _hash(content)
        self._write(dict(list(found.items())[-FILES_MAX:]))
        return found[str(path.resolve())]

    def revoke(self, path: Path) -> None:
        """Take the trust in a file back. NotFoundError when there is none."""
        found = self.trusted()
        if found.pop(str(path.resolve()), None) is None:
            raise NotFoundError(f"{path} is not trusted.", "`kcon context trust --list` names the files that are.")
        self._write(found)

    def _write(self, trusted: Mapping[str, str]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(dict(trusted), file, indent=1)
            temporary.replace(self.path)
        except OSError as error:
            raise KconError(
                f"Cannot write {self.path}: {error.strerror or error}.", "Check its permissions."
            ) from error


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
