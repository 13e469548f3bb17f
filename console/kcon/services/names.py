"""Which names does a user mean? Globs or regular expressions over the names that exist."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Final, Generic, TypeVar

from kcon.core.typed_regex import compile_typed
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import UsageError

_Name = TypeVar("_Name", bound=WireText)
_GLOB: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Selection(Generic[_Name]):
    """What patterns select: existing names in their order, and plain names that do not exist."""

    names: list[_Name]
    missing: list[str]


def is_pattern(text: str, *, regex: bool) -> bool:
    """The text may stand for several names."""
    return regex or _GLOB.search(text) is not None


def select_names(existing: Iterable[_Name], patterns: Sequence[str] | None, *, regex: bool = False) -> Selection[_Name]:
    """Return the existing names that match any pattern (None: all of them). A regex matches whole names."""
    names = list(existing)
    if patterns is None:
        return Selection(names, [])
    plain = {pattern for pattern in patterns if not is_pattern(pattern, regex=regex)}
    matchers = [compile_pattern(pattern, regex=regex) for pattern in patterns if pattern not in plain]
    chosen = [name for name in names if name.raw in plain or any(matcher.fullmatch(name.raw) for matcher in matchers)]
    known = {name.raw for name in names} if plain else set()
    return Selection(chosen, [pattern for pattern in dict.fromkeys(patterns) if pattern in plain - known])


def compile_pattern(text: str, *, regex: bool) -> re.Pattern[str]:
    """Compile a glob or a regular expression. UsageError when it is none."""
    try:
        return compile_typed(text if regex else translate(text))
    except re.error as error:
        raise UsageError(
            f"Not a regular expression: {display_safe(text)} ({error}).", "Without --regex names are globs."
        ) from error
