"""What does the project in this folder ask for? `.kcon.toml`: a context, view and decoder defaults; more with trust."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kcon.contexts.config_file import check_contexts
from kcon.contexts.rules import SerdeRule, parse_serdes
from kcon.contexts.trust import PROJECT_BYTES_MAX, TrustStore
from kcon.errors import UsageError

FORMATS: Final = ("table", "wide", "json", "ndjson", "yaml", "csv", "tsv", "name")
_VIEW_KEYS: Final = frozenset({"output"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFile:
    """A project file as far as it counts."""

    path: Path
    choice: str | None = None
    """The context it chooses."""
    output: str | None = None
    """The format of answers on a terminal."""
    serdes: tuple[SerdeRule, ...] = ()
    contexts: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Tables of contexts, of a trusted file alone."""
    ignored: tuple[str, ...] = ()
    """What is in it and does not count without trust."""
    is_trusted: bool = False
    was_trusted: bool = False
    """With another content than it has now."""

    @property
    def warning(self) -> str | None:
        """A sentence about what is ignored, or None."""
        if not self.ignored:
            return None
        why = "it changed since it was trusted" if self.was_trusted else "it is not trusted"
        return f"{self.path}: ignored: {', '.join(self.ignored)}; {why}. Read it, then: kcon context trust"


def read_project(path: Path, trust: TrustStore) -> ProjectFile:
    """Read one project file, and judge what of it counts. UsageError when it cannot be read."""
    content = read_content(path)
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"Cannot read {path}: {error}.", "Fix the project file.") from error
    is_trusted = trust.is_trusted(path, content)
    # `context = "NAME"` chooses; a file that also holds tables [context.NAME] chooses with `use = "NAME"`.
    chosen, used = document.pop("context", None), document.pop("use", None)
    choice = used if isinstance(used, str) else chosen if isinstance(chosen, str) else None
    tables = chosen if isinstance(chosen, dict) else {}
    if tables and is_trusted:
        check_contexts(path, tables, bootstrap_required=False)
    view, serdes = document.pop("view", {}), parse_serdes(f"{path}:", document.pop("decoder", []))
    misplaced = (
        ["context"] if chosen is not None and not isinstance(chosen, str) and not (tables and is_trusted) else []
    )
    return ProjectFile(
        path=path,
        choice=choice,
        output=_output(path, view),
        serdes=serdes,
        contexts=tables if is_trusted else {},
        ignored=(*misplaced, *sorted(document)),
        is_trusted=is_trusted,
        was_trusted=trust.knew(path),
    )


def read_content(path: Path) -> bytes:
    """Return the bytes of a project file. UsageError when it cannot be read or is too long."""
    try:
        with path.open("rb") as file:
            content = file.read(PROJECT_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.", "Check its permissions.") from error
    if len(content) > PROJECT_BYTES_MAX:
        raise UsageError(f"{path} is longer than {PROJECT_BYTES_MAX} bytes.", "That is no project file.")
    return content


def _output(path: Path, view: object) -> str | None:
    if not isinstance(view, dict) or view.keys() - _VIEW_KEYS:
        raise UsageError(f"{path}: [view] knows {', '.join(sorted(_VIEW_KEYS))} only.", 'Write output = "wide".')
    output = view.get("output")
    if output is not None and output not in FORMATS:
        raise UsageError(f"{path}: not an output format: {output!r}.", f"Give one of {', '.join(FORMATS)}.")
    return output
