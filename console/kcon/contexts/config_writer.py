"""How is config.toml changed without hurting what its owner wrote? Contexts are appended or cut out as text.

Comments, order and other tables stay as they are. Each edit is parsed again and compared with what was wanted; a
file whose layout makes that impossible is left alone.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kcon.contexts.config_file import check_name, read_config
from kcon.errors import KconError, UsageError

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


def add_context(path: Path, name: str, table: Mapping[str, object], *, replace: bool = False) -> None:
    """Write one context. table: text, booleans, lists of text, and tables of these. UsageError when it exists."""
    check_name(name)
    text = _read(path)
    document = tomllib.loads(text)
    contexts = document.setdefault("context", {})
    if name in contexts:
        if not replace:
            raise UsageError(f"There is a context {name} already.", "Replace it with --replace.")
        text = _without(text, name)
    contexts[name] = _plain(table)
    separator = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    _write_checked(path, text + separator + _format_table(("context", name), table), document)


def remove_context(path: Path, name: str) -> None:
    """Cut one context out. UsageError when there is none."""
    read_config(path).table(name)
    text = _read(path)
    document = tomllib.loads(text)
    del document["context"][name]
    _write_checked(path, _without(text, name), document)


def _without(text: str, name: str) -> str:
    """Drop the blocks of one context: from each of its headers to the next header."""
    kept: list[str] = []
    dropping = False
    for line in text.splitlines(keepends=True):
        path = _header_path(line)
        if path is not None:
            dropping = path[:2] == ["context", name]
        if not dropping:
            kept.append(line)
    return "".join(kept).rstrip("\n") + "\n" if kept else ""


def _header_path(line: str) -> list[str] | None:
    """Return the keys of a table's header line, or None when the line is none."""
    if not line.lstrip().startswith("["):
        return None
    try:
        document: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    path: list[str] = []
    while isinstance(document, dict) and document:
        key, document = next(iter(document.items()))
        path.append(key)
        if isinstance(document, list):
            document = document[0]
    return path


def _write_checked(path: Path, text: str, wanted: Mapping[str, object]) -> None:
    expected = {key: value for key, value in wanted.items() if key != "context" or value}
    try:
        written = {key: value for key, value in tomllib.loads(text).items() if key != "context" or value}
    except tomllib.TOMLDecodeError:
        written = None
    if written != expected:
        raise UsageError(f"{path} is laid out in a way that kcon cannot edit safely.", "Edit the file by hand.")
    target = path.resolve()  # A link, as dotfile tools make them, stays one.
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise KconError(f"Cannot write {path}: {error.strerror or error}.", "Check its permissions.") from error


def _read(path: Path) -> str:
    read_config(path)  # Says what is wrong with a file that cannot be edited.
    return path.read_text("utf-8") if path.exists() else ""


def _plain(table: Mapping[str, object]) -> dict[str, object]:
    return {
        key: _plain(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value
        for key, value in table.items()
        if value is not None
    }


def _format_table(path: tuple[str, ...], table: Mapping[str, object]) -> str:
    lines = [f"[{'.'.join(map(_format_key, path))}]\n"]
    nested: list[str] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            nested.append("\n" + _format_table((*path, key), value))
        elif value is not None:
            lines.append(f"{_format_key(key)} = {_format_value(value)}\n")
    return "".join(lines + nested)


def _format_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _format_text(key)


def _format_value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return _format_text(value)
        case list() | tuple():
            return "[" + ", ".join(map(_format_value, value)) + "]"
        case _:
            raise TypeError(f"cannot write {type(value).__name__} as TOML")


def _format_text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"Not text that a file can hold: {text!r}.") from error
    return '"' + "".join(_ESCAPES.get(ord(char), char) for char in text) + '"'


_ESCAPES: Final = {
    **{code: f"\\u{code:04x}" for code in (*range(0x20), 0x7F)},
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}
