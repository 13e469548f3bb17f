"""What does a message look like? The fields of every API and version, read from `schema.txt` when first needed.

The text is made from kio's schemas, and the tests compare with kio's writers; at run time kio is not loaded, because
its import alone would cost more than a short command.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from kcon.admin.apis import Api

STRUCT = "{"
"""The type of a field that is a struct of its own."""


class Struct:
    """One struct in one version. Compared by identity: each is made once."""

    __slots__ = ("fields", "flexible", "name", "version")

    def __init__(self, name: str, version: int, flexible: bool) -> None:
        self.name = name
        self.version = version
        self.flexible = flexible
        """It has compact strings and tagged fields (KIP-482)."""
        self.fields: tuple[Field, ...] = ()


class Field(NamedTuple):
    """One field of a struct."""

    name: str
    type: str
    """Kafka's word, or STRUCT."""
    is_array: bool
    nullable: bool
    tag: int | None
    has_default: bool
    default: object
    nested: Struct | None


@lru_cache(maxsize=256)
def entity_type(api: Api, version: int, kind: str) -> Struct:
    """Return the top struct of one API version. kind: `request` or `response`."""
    prefix = f"\n{api.schema} {kind} "
    text, start = _text(), -1
    while (start := text.find(prefix, start + 1)) >= 0:
        versions, form, *words = text[start + len(prefix) : text.index("\n", start + 1)].split(" ")
        if str(version) in versions.split(","):
            struct = Struct(f"{api.title}{kind.title()}", version, form == "flexible")
            struct.fields = tuple(_parse(iter(words), struct))
            return struct
    raise LookupError(f"There is no {api.title} {kind} v{version}.")


def nested_type(top: Struct, name: str) -> Struct:
    """Return the struct of the field `name` of `top`."""
    found = next(item.nested for item in top.fields if item.name == name)
    assert found is not None, f"{top.name}.{name} is no struct"
    return found


def is_flexible(api: Api, version: int) -> bool:
    """Tell whether the version has compact strings and tagged fields (KIP-482)."""
    return entity_type(api, version, "request").flexible


@lru_cache(maxsize=1)
def _text() -> str:
    return Path(__file__).with_name("schema.txt").read_text("ascii")


def _parse(words: Iterator[str], of: Struct) -> Iterator[Field]:
    for word in words:
        if word == "}":
            return
        head, _, kind = word.partition(":")
        kind, equals, default = kind.partition("=")
        head, _, tag = head.partition("@")
        name = head.removesuffix("?")
        nested = None
        if kind.endswith(STRUCT):
            nested = Struct(f"{of.name}_{name}", of.version, of.flexible)
            nested.fields = tuple(_parse(words, nested))
        yield Field(
            name=name,
            type=kind.removeprefix("["),
            is_array=kind.startswith("["),
            nullable=head != name,
            tag=int(tag) if tag else None,
            has_default=bool(equals),
            default=_default(default) if equals else None,
            nested=nested,
        )


def _default(text: str) -> object:
    known = {"null": None, "true": True, "false": False, '""': ""}
    return known[text] if text in known else int(text)
