"""Which fields does a JSON value have, and what is at one of them? Paths as `$.items[0].price`; pure."""

import json
from collections.abc import Iterator
from typing import Any, Final

from kcon.core.wire_text import display_safe
from kcon.errors import UsageError

FIELDS_MAX: Final = 5_000
DEPTH_MAX: Final = 100
MISSING: Final = object()

Path = tuple[str | int, ...]


def parse_json(data: bytes | None) -> Any:
    """Return the value of JSON bytes, or MISSING when they are none. Integers stay exact."""
    if not data or data[:1] not in b'{["-0123456789tfn \t\r\n':
        return MISSING
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return MISSING


def parse_path(text: str) -> Path:
    """Read `a.b[0]`, with or without `$.` in front. UsageError when it is none."""
    rest = text.strip().removeprefix("$").removeprefix(".")
    path: list[str | int] = []
    for word in rest.replace("[", ".[").split("."):
        if not word:
            continue
        if word.startswith("[") and word.endswith("]") and word[1:-1].isdigit():
            path.append(int(word[1:-1]))
        elif "[" in word or "]" in word:
            raise UsageError(f"Not a path: {display_safe(text)}.", "Write a field as status, $.items[0].price.")
        else:
            path.append(word)
    if not path:
        raise UsageError(f"Not a path: {display_safe(text)}.", "Write a field as status, $.items[0].price.")
    return tuple(path)


def at_path(value: Any, path: Path) -> Any:
    """Return what is there, or MISSING."""
    for step in path:
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return MISSING
        elif not isinstance(value, list) or step >= len(value):
            return MISSING
        value = value[step]
    return value


def leaf_text(value: Any) -> str:
    """Write a value on one line, as JSON but for the quotes of a text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def format_path(path: Path) -> str:
    """Write a path."""
    text = "$"
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text


def leaves(value: Any) -> Iterator[tuple[Path, Any]]:
    """Yield every leaf with its path, in the value's order; at most FIELDS_MAX."""
    stack: list[tuple[Path, Any]] = [((), value)]
    count = 0
    while stack and count < FIELDS_MAX:
        path, item = stack.pop()
        children: list[tuple[Path, Any]] = []
        if isinstance(item, dict) and len(path) < DEPTH_MAX:
            children = [((*path, key), child) for key, child in item.items()]
        elif isinstance(item, list) and len(path) < DEPTH_MAX:
            children = [((*path, place), child) for place, child in enumerate(item)]
        if children:
            stack.extend(reversed(children))
        else:
            count += 1
            yield path, item
