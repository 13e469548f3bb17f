"""Which key does what? The defaults of the actions, changed by keys.toml in the configuration folder.

[keys]
filter = "ctrl+s"
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from textual import events

from kcon.core.wire_text import display_safe
from kcon.tui.actions import ACTIONS

KEYS_FILE: Final = "keys.toml"
KEYS_BYTES_MAX: Final = 100_000
NAMES: Final = {"enter": "enter", "escape": "esc", "tab": "tab", "space": "space"}


class Keymap:
    """Keys by action. A key may mean different things on different screens."""

    def __init__(self, overrides: Mapping[str, str] | None = None) -> None:
        self._keys = {name: action.key for name, action in ACTIONS.items()} | dict(overrides or {})

    def key_of(self, action: str) -> str:
        """Return the key of an action."""
        return self._keys[action]

    def shown(self, action: str) -> str:
        """Return the key as hints and help write it."""
        key = self._keys[action]
        return NAMES.get(key, key)

    def action_of(self, event: events.Key, available: Sequence[str]) -> str | None:
        """Return which of the available actions a key press means."""
        pressed = {event.key, event.character} if event.is_printable else {event.key}
        return next((action for action in available if self._keys[action] in pressed), None)


def load_keymap(folder: Path) -> tuple[Keymap, list[str]]:
    """Read keys.toml; what is wrong in it is a warning, and the default stays."""
    path = folder / KEYS_FILE
    try:
        with path.open("rb") as file:
            told = tomllib.loads(file.read(KEYS_BYTES_MAX).decode())
    except FileNotFoundError:
        return Keymap(), []
    except (OSError, ValueError) as error:
        return Keymap(), [f"{KEYS_FILE} is not used: {display_safe(str(error))}"]
    table = told.get("keys", {})
    if not isinstance(table, dict):
        return Keymap(), [f"{KEYS_FILE}: [keys] is not a table."]
    known = {name: key for name, key in table.items() if name in ACTIONS and isinstance(key, str) and key}
    warnings = [f"{KEYS_FILE}: there is no action {display_safe(name)}." for name in table if name not in known]
    return Keymap(known), warnings
