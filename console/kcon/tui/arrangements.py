"""How did a person arrange the tables? Order, columns, kept filters and favourites, remembered in views.toml.

    ["topics"]
    sort = "in"
    down = true
    columns = ["topic", "in", "span"]
    filters = ["^orders"]

    [favourites."prod"]
    topics = ["orders"]

A file that cannot be read is a warning and is left alone; one that cannot be written is remembered until the end.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from kcon.core.wire_text import display_safe

FILE: Final = "views.toml"
FILE_BYTES_MAX: Final = 1_000_000
FILTERS_MAX: Final = 50
FAVOURITES_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is remembered of one table."""

    sort: tuple[str, bool] | None = None
    columns: tuple[str, ...] = ()
    """Empty: as the table declares."""
    filters: tuple[str, ...] = ()


@dataclass
class Arrangements:
    """All of them, by the name of the table."""

    path: Path | None = None
    """None: they are remembered until the end only."""
    tables: dict[str, Arrangement] = field(default_factory=dict)
    favourites: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """By context, then by kind (`topics`, `groups`): raw names."""
    warning: str = ""

    def of(self, name: str) -> Arrangement:
        """Return what is remembered of a table."""
        return self.tables.get(name, Arrangement())

    def keep(self, name: str, *, sort: tuple[str, bool] | None, columns: tuple[str, ...]) -> None:
        """Remember order and columns."""
        self._set(name, replace(self.of(name), sort=sort, columns=columns))

    def filters_of(self, name: str) -> tuple[str, ...]:
        """Return the kept filters of a table."""
        return self.of(name).filters

    def toggle_filter(self, name: str, typed: str) -> bool:
        """Keep a filter, or forget it; return whether it is kept."""
        kept = self.of(name).filters
        filters = tuple(each for each in kept if each != typed) if typed in kept else (typed, *kept)[:FILTERS_MAX]
        self._set(name, replace(self.of(name), filters=filters))
        return typed in filters

    def is_favourite(self, context: str, kind: str, raw: str) -> bool:
        """Return whether a name is one."""
        return raw in self.favourites.get(context, {}).get(kind, ())

    def toggle_favourite(self, context: str, kind: str, raw: str) -> bool:
        """Make a name a favourite, or take that away; return whether it is one."""
        names = self.favourites.setdefault(context, {}).setdefault(kind, [])
        if raw in names:
            names.remove(raw)
        elif len(names) < FAVOURITES_MAX:
            names.append(raw)
        self._write()
        return raw in names

    def _set(self, name: str, arrangement: Arrangement) -> None:
        if arrangement != self.of(name):
            self.tables[name] = arrangement
            self._write()

    def _write(self) -> None:
        if self.path is None or self.warning:
            return
        temporary = self.path.with_name(f".{FILE}.{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_text(format_arrangements(self), "utf-8")
            temporary.replace(self.path)
        except (OSError, UnicodeEncodeError):
            self.path = None  # A full or read-only disk: remembered until the end.


def load_arrangements(folder: Path) -> Arrangements:
    """Read views.toml; what is wrong in it is a warning."""
    path = folder / FILE
    try:
        with path.open("rb") as file:
            told = tomllib.loads(file.read(FILE_BYTES_MAX).decode())
    except FileNotFoundError:
        return Arrangements(path)
    except (OSError, ValueError) as error:
        return Arrangements(path, warning=f"{FILE} is not used: {display_safe(str(error))}")
    read = Arrangements(path)
    for name, table in told.items():
        if not isinstance(table, dict):
            continue
        if name == "favourites":
            read.favourites = _favourites(table)
        else:
            read.tables[name] = _arrangement(table)
    return read


def _arrangement(table: Mapping[str, Any]) -> Arrangement:
    sort = table.get("sort")
    return Arrangement(
        sort=(sort, table.get("down") is True) if isinstance(sort, str) else None,
        columns=_texts(table.get("columns")),
        filters=_texts(table.get("filters"))[:FILTERS_MAX],
    )


def _favourites(table: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    return {
        context: {kind: list(_texts(names))[:FAVOURITES_MAX] for kind, names in kinds.items()}
        for context, kinds in table.items()
        if isinstance(kinds, dict)
    }


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def format_arrangements(arrangements: Arrangements) -> str:
    """Write them as TOML."""
    lines = ["# Written by kcon: how tables are arranged. Filters and favourites may be edited by hand.\n"]
    for name, kept in sorted(arrangements.tables.items()):
        lines.append(f"\n[{_text(name)}]\n")
        if kept.sort is not None:
            lines.append(f"sort = {_text(kept.sort[0])}\ndown = {'true' if kept.sort[1] else 'false'}\n")
        if kept.columns:
            lines.append(f"columns = {_list(kept.columns)}\n")
        if kept.filters:
            lines.append(f"filters = {_list(kept.filters)}\n")
    for context, kinds in sorted(arrangements.favourites.items()):
        lines.append(f"\n[favourites.{_text(context)}]\n")
        lines += [f"{_text(kind)} = {_list(names)}\n" for kind, names in sorted(kinds.items()) if names]
    return "".join(lines)


def _list(texts: tuple[str, ...] | list[str]) -> str:
    return "[" + ", ".join(map(_text, texts)) + "]"


def _text(text: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped too.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
