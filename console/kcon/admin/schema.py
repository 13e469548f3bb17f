"""What does a message look like? kio's dataclasses by API and version, loaded when they are first needed."""

from collections.abc import Hashable
from dataclasses import Field, fields
from functools import lru_cache
from importlib import import_module
from types import UnionType
from typing import Any, TypeAlias, Union, cast, get_args, get_origin

from kcon.admin.apis import Api

EntityType: TypeAlias = Any
"""A kio dataclass; the modules are chosen at run time, so their types cannot be named here."""


@lru_cache(maxsize=256)
def entity_type(api: Api, version: int, kind: str) -> EntityType:
    """Return kio's top-level class of one API version. kind: `request` or `response`."""
    module = import_module(f"kio.schema.{api.schema}.v{version}.{kind}")
    return getattr(module, f"{api.title}{kind.title()}")


def nested_type(top: EntityType, path: str) -> EntityType:
    """Return the class of the array field at a dotted path of `top`, e.g. `groups.topics`."""
    for name in path.split("."):
        top = next(field_shape(f)[0] for f in fields(top) if f.name == name)
    return top


def is_flexible(api: Api, version: int) -> bool:
    """Tell whether the version has compact strings and tagged fields (KIP-482)."""
    return bool(entity_type(api, version, "request").__flexible__)


def field_shape(item: "Field[Any]") -> tuple[Any, bool, bool]:
    """Return a field's inner type, whether it is an array, and whether it may be null."""
    return _shape(cast("Hashable", item.type))


@lru_cache(maxsize=2_048)
def _shape(annotation: Any) -> tuple[Any, bool, bool]:
    nullable = False
    if get_origin(annotation) in (UnionType, Union):
        annotation = next(a for a in get_args(annotation) if a is not type(None))
        nullable = True
    if get_origin(annotation) is tuple:
        return get_args(annotation)[0], True, nullable
    return annotation, False, nullable
