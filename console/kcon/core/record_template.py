"""What does a template such as `{"id": {n}, "at": {time}}` become for each record? Counters, random values, times.

{n}                  a counter from 1; {n:100} from 100
{time} {time_ms}     now, RFC 3339 in UTC and as milliseconds
{int:1:100}          a random integer, both ends included
{float:0:1}          a random number
{choice:a|b|c}       one of them
{hex:16}             so many random hexadecimal digits
{uuid}               a random UUID
{word}               a word out of a small list
{{ }}                braces
"""

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from kcon.core.wire_text import display_safe
from kcon.errors import UsageError

HEX_DIGITS_MAX: Final = 1_000_000
_FIELD: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_WORDS: Final = (
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "islet",
    "jetty",
    "knoll",
    "larch",
)

_Part = Callable[[int, int], str]
"""Number of the record from 0, and the time in milliseconds, to text."""


def compile_template(text: str, seed: int | None = None) -> Callable[[int, int], bytes]:
    """Return what makes the bytes of record NUMBER (from 0) at a time. UsageError: a field that means nothing.

    seed: the same one gives the same random values. Texts without a field are their own bytes.
    """
    generator = random.Random(seed)
    parts: list[str | _Part] = []
    position = 0
    for match in _FIELD.finditer(text):
        parts.append(text[position : match.start()])
        position = match.end()
        if match[0] in {"{{", "}}"}:
            parts.append(match[0][0])
        elif match[1] is None:
            raise UsageError(f"The template has a lone {match[0]}.", "Write {{ or }} for a brace.")
        else:
            parts.append(_field(match[1], generator))
    parts.append(text[position:])

    def made(number: int, now_ms: int) -> bytes:
        return "".join(part if isinstance(part, str) else part(number, now_ms) for part in parts).encode(
            "utf-8", "surrogateescape"
        )

    return made


def _field(field: str, generator: random.Random) -> _Part:
    name, _, rest = field.partition(":")
    arguments = rest.split(":") if rest else []
    try:
        part = _part(name, arguments, rest, generator)
    except ValueError:
        part = None
    if part is None:
        raise UsageError(
            f"The template knows no {{{display_safe(field)}}}.",
            "It knows {n} {time} {time_ms} {int:1:9} {float:0:1} {choice:a|b} {hex:8} {uuid} {word}.",
        )
    return part


def _part(name: str, arguments: list[str], rest: str, generator: random.Random) -> _Part | None:
    match name, len(arguments):
        case "n", 0 | 1:
            first = int(arguments[0]) if arguments else 1
            return lambda number, _now: str(first + number)
        case "time", 0:
            return lambda _number, now_ms: _rfc3339(now_ms)
        case "time_ms", 0:
            return lambda _number, now_ms: str(now_ms)
        case "int", 2:
            low, high = int(arguments[0]), int(arguments[1])
            return None if low > high else lambda _number, _now: str(generator.randint(low, high))
        case "float", 2:
            start, end = float(arguments[0]), float(arguments[1])
            return lambda _number, _now: f"{generator.uniform(start, end):.6g}"
        case "choice", _ if rest:
            choices = rest.split("|")
            return lambda _number, _now: generator.choice(choices)
        case "hex", 1:
            digits = int(arguments[0])
            if not 1 <= digits <= HEX_DIGITS_MAX:
                return None
            return lambda _number, _now: f"{generator.getrandbits(4 * digits):0{digits}x}"
        case "uuid", 0:
            return lambda _number, _now: _uuid(generator)
        case "word", 0:
            return lambda _number, _now: generator.choice(_WORDS)
    return None


def _rfc3339(now_ms: int) -> str:
    moment = datetime.fromtimestamp(now_ms / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _uuid(generator: random.Random) -> str:
    from uuid import UUID

    return str(UUID(int=generator.getrandbits(128), version=4))
