"""How does a text get into the user's editor and back? A private file, the terminal handed over, and the file gone.

`$VISUAL`, `$EDITOR`, else `$PAGER`, else `less`.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kcon.core.wire_text import display_safe
from kcon.errors import KconError

if TYPE_CHECKING:
    from textual.app import App

EDITORS: Final = ("VISUAL", "EDITOR", "PAGER")


def editor_command(variables: Mapping[str, str]) -> list[str]:
    """Return the words that start the user's editor."""
    for name in EDITORS:
        words = shlex.split(variables.get(name, ""))
        if words:
            return words
    return ["less"]


def edit(app: "App[int]", data: bytes, suffix: str) -> bytes:
    """Let the user look at data, or change it; return what is in the file afterwards.

    It blocks the screen, which is the editor's meanwhile. KconError where there is no editor or no terminal.
    """
    from textual.app import SuspendNotSupported

    words = editor_command(os.environ)
    with tempfile.TemporaryDirectory(prefix="kcon-") as folder:
        path = Path(folder) / f"record{suffix}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        try:
            with app.suspend():
                subprocess.run([*words, str(path)], check=False)
            return path.read_bytes()
        except SuspendNotSupported as error:
            raise KconError("There is no terminal to hand over here.", "y v copies the value.") from error
        except OSError as error:
            shown = display_safe(words[0])
            raise KconError(f"{shown} cannot be started: {error.strerror or error}.", "Set $EDITOR.") from error
