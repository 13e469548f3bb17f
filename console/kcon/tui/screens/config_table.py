"""How are settings shown and changed? A table with value, source and default, and a line that is completed.

What a setting means is said below the table, from the documentation that comes with kcon for the common ones.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from kcon.core.config_entry import ConfigEntry
from kcon.tui.config_docs import DOCUMENTATION
from kcon.tui.rows import Column, Rows
from kcon.tui.text import UNKNOWN, Line, Part

HIDDEN: Final = "(hidden)"


def source_role(value: object) -> str:
    """Return the role of where a value comes from: what somebody set stands out."""
    return "dim" if value in {"default", "static-broker"} else "key"


CONFIG_COLUMNS = (
    Column(key="name", title="CONFIG", search=True, width_max=50),
    Column(key="value", title="VALUE", flex=True, flex_min=12, search=True),
    Column(key="source", title="SOURCE", search=True, role=source_role, drop=1),
    Column(key="changes", title="CHANGE", drop=2),
)


def chosen_entries(entries: Iterable[ConfigEntry], *, every: bool) -> list[ConfigEntry]:
    """Return the settings that are shown: all, or what somebody set. Sorted by name."""
    return sorted((entry for entry in entries if every or not entry.is_default), key=lambda entry: entry.name.raw)


def config_rows(entries: Sequence[ConfigEntry]) -> Rows:
    """Return a row a setting."""
    return Rows(
        keys=[entry.name for entry in entries],
        values={
            "name": [entry.name for entry in entries],
            "value": [HIDDEN if entry.sensitive else entry.value for entry in entries],
            "source": [entry.source for entry in entries],
            "changes": ["at a restart" if entry.read_only else "live" for entry in entries],
        },
    )


def explain(entry: ConfigEntry | None) -> list[Line]:
    """Return what a setting means, its source, and how it is changed back."""
    if entry is None:
        return [[Part("")]]
    text = DOCUMENTATION.get(entry.name.raw, "")
    where = "read-only: it needs a restart" if entry.read_only else f"from {entry.source}"
    return [[Part(f"  {entry.name} ", "strong"), Part(f"{where}. ", "dim"), Part(text or UNKNOWN if text else "")]]


def alter_line(command: str, entry: ConfigEntry) -> str:
    """Return the command that would set the present value, to be completed."""
    import shlex

    value = "" if entry.value is None or entry.sensitive else entry.value.raw
    return f"{command} --set {shlex.quote(f'{entry.name.raw}={value}')}"
