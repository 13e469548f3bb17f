"""Write the schema of the admin client from the schemas that the kio package carries.

The result is checked in; run this again only when kio learns a new Apache Kafka release:

    python tests/tools/generate_admin_schema.py > console/kcon/admin/schema.txt

Every API is there, because `kcon raw` speaks them all. Versions that look alike share a line.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from kio import schema

HEAD = """\
# Made by tests/tools/generate_admin_schema.py; do not edit. One message a line: API, kind, versions, flexible or plain,
# and its fields: name, `?` when it may be null, `@N` when tagged, type (`[` an array, `{ ... }` a struct), default.
"""


def main() -> None:
    """Print the schema."""
    out = [HEAD]
    for folder in sorted(Path(str(schema.__file__)).parent.iterdir()):
        for kind in ("request", "response"):
            versions = defaultdict(list)
            for path in sorted(folder.glob(f"v*/{kind}.py"), key=lambda each: int(each.parent.name[1:])):
                version = int(path.parent.name[1:])
                module = import_module(f"kio.schema.{folder.name}.v{version}.{kind}")
                top = getattr(module, f"{folder.name.title().replace('_', '')}{kind.title()}")
                text = " ".join(["flexible" if top.__flexible__ else "plain", *describe(top)])
                versions[text].append(version)
            for text, same in versions.items():
                out.append(f"{folder.name} {kind} {','.join(map(str, same))} {text}\n")
    sys.stdout.write("".join(out))


def describe(of_type: Any) -> Iterator[str]:
    """Yield the words for the fields of one struct."""
    for item in fields(of_type):
        inner, is_array, nullable = shape(item.type)
        tag = f"@{item.metadata['tag']}" if "tag" in item.metadata else ""
        kind = "{" if is_dataclass(inner) else item.metadata["kafka_type"]
        yield f"{item.name}{'?' if nullable else ''}{tag}:{'[' if is_array else ''}{kind}{default_of(item)}"
        if is_dataclass(inner):
            yield from describe(inner)
            yield "}"


def shape(annotation: Any) -> tuple[Any, bool, bool]:
    """Return a field's inner type, whether it is an array, and whether it may be null."""
    nullable = False
    if get_origin(annotation) in (UnionType, Union):
        annotation = next(a for a in get_args(annotation) if a is not type(None))
        nullable = True
    if get_origin(annotation) is tuple:
        return get_args(annotation)[0], True, nullable
    return annotation, False, nullable


def default_of(item: "Field[Any]") -> str:
    """Return `=` and the default as JSON, or nothing."""
    value = item.default
    if value is MISSING or isinstance(value, UUID) or is_dataclass(value) or value == ():
        return ""
    if isinstance(value, timedelta):
        value = value // timedelta(milliseconds=1)
    if value is None:
        return "=null"
    if isinstance(value, bool):
        return f"={str(value).lower()}"
    if isinstance(value, str):
        assert " " not in value
        return f'="{value}"'
    return f"={value if isinstance(value, float) else int(getattr(value, 'value', value))}"


if __name__ == "__main__":
    main()
