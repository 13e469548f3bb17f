"""What of a record is nobody to see? The masks of a context, applied before anything else looks at a value.

A mask names a place in the JSON of a value: `$` (all of it), `$.email`, `$.users[*].email`, `$["odd name"]`. Where a
value is no JSON the place cannot be found, so all of the value is hidden. What is written again (copy, redrive,
migrate) is read past this: a masked value is never written.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from kcon.contexts.rules import MaskRule, Rules
from kcon.core.wire_text import display_safe
from kcon.errors import UsageError
from kcon.records.record import Record

_STEP: Final = re.compile(r"""\.([^.\[\]]+)|\[(\*|[0-9]+)\]|\["([^"]*)"\]|\['([^']*)'\]""")
_EVERY: Final = "*"

Path = tuple["str | int | None", ...]
"""Names, indexes, and None for every member."""


class Masks:
    """The masks of one context. Any thread."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._by_topic: dict[str, tuple[tuple[Path, str], ...]] = {}
        # A mask that cannot be read must not be one that does nothing.
        for rule in rules.masks:
            parse_path(rule)

    def __bool__(self) -> bool:
        return bool(self._rules.masks)

    def apply(self, records: list[Record]) -> list[Record]:
        """Return the records with what is masked replaced; the same list where nothing is."""
        shown: list[Record] = []
        for record in records:
            masks = self._masks_of(record.topic.raw)
            shown.append(record._replace(value=mask_value(record.value, masks)) if masks else record)
        return shown

    def _masks_of(self, topic: str) -> tuple[tuple[Path, str], ...]:
        found = self._by_topic.get(topic)
        if found is None:
            found = tuple((parse_path(rule), rule.replacement) for rule in self._rules.masks_for(topic))
            self._by_topic[topic] = found
        return found


def parse_path(rule: MaskRule) -> Path:
    """Read the place of a mask. UsageError when it is none."""
    text, position = rule.path, 1
    steps: list[str | int | None] = []
    if text[:1] == "$":
        while position < len(text):
            match = _STEP.match(text, position)
            if match is None:
                break
            name, index, *quoted = match.groups()
            if index is not None:
                steps.append(None if index == _EVERY else int(index))
            elif name is not None:
                steps.append(None if name == _EVERY else name)
            else:
                steps.append(next(part for part in quoted if part is not None))
            position = match.end()
        if position == len(text):
            return tuple(steps)
    raise UsageError(
        f"The mask of {display_safe(rule.topic)} has a path that cannot be read: {display_safe(text)}.",
        "Write e.g. $.email, $.users[*].email, or $ for all of the value.",
    )


def mask_value(value: bytes | None, masks: Sequence[tuple[Path, str]]) -> bytes | None:
    """Return a value with the masked places replaced; all of it where it is no JSON. None stays None."""
    if value is None:
        return None
    try:
        document = json.loads(value)
        changed = False
        for path, replacement in masks:
            if not path:
                return replacement.encode()
            changed |= _mask(document, path, replacement)
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() if changed else value
    except (ValueError, RecursionError):
        return masks[0][1].encode()


def _mask(document: Any, path: Path, replacement: str) -> bool:
    """Replace in place; return whether there was such a place."""
    step, rest = path[0], path[1:]
    members: list[Any]
    if isinstance(document, dict):
        members = list(document) if step is None else [step] if step in document else []
    elif isinstance(document, list):
        members = list(range(len(document))) if step is None else []
        if isinstance(step, int) and step < len(document):
            members = [step]
    else:
        return False
    changed = False
    for member in members:
        if rest:
            changed |= _mask(document[member], rest, replacement)
        else:
            document[member] = replacement
            changed = True
    return changed
