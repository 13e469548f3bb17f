"""Write the message classes of the broker from the schemas that the kio package carries.

The result is checked in; run this again only when kio learns a new Apache Kafka release:

    python tests/tools/generate_messages.py broker/kcon_broker/wire

It writes `messages/<api>.py` for every API that a broker (not a controller) serves, and the table of APIs in
`api_table.py`; afterwards run `ruff format` on what it wrote. Names are Kafka's own in snake case: where kio turns
milliseconds into time spans under a shorter name, the `_ms` comes back.
"""

import dataclasses
import importlib
import sys
import types
import typing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from kio.schema.errors import ErrorCode
from kio.schema.index import api_key_map, schema_name_map
from kio.static.constants import EntityType

Side = typing.Literal[EntityType.request, EntityType.response]

CONTROLLER_ONLY = {52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82}
"""Keys that a node serves as a controller or sends to one: no client of a broker uses them."""

SPANS = {"timedelta_i32": "int32", "timedelta_i64": "int64", "datetime_i64": "int64", "error_code": "int16"}
PYTHON_TYPES = {
    "bool": "bool",
    "float64": "float",
    "string": "str",
    "bytes": "bytes",
    "uuid": "bytes",
}
NULL_BY_DEFAULT = {
    "ConsumerGroupHeartbeatRequest.topic_partitions",
    "ListPartitionReassignmentsRequest.topics",
    "StreamsGroupHeartbeatRequest.active_tasks",
    "StreamsGroupHeartbeatRequest.client_tags",
    "StreamsGroupHeartbeatRequest.standby_tasks",
    "StreamsGroupHeartbeatRequest.task_end_offsets",
    "StreamsGroupHeartbeatRequest.task_offsets",
    "StreamsGroupHeartbeatRequest.warmup_tasks",
    "StreamsGroupHeartbeatResponse.active_tasks",
    "StreamsGroupHeartbeatResponse.partitions_by_user_endpoint",
    "StreamsGroupHeartbeatResponse.standby_tasks",
    "StreamsGroupHeartbeatResponse.warmup_tasks",
    "Topology.subtopologies",
}
"""Arrays whose default is null in Kafka's schemas: kio does not carry that."""

ZEROS = {"bool": "False", "float64": "0.0", "string": '""', "bytes": 'b""', "uuid": "ZERO_UUID"}


@dataclass
class FieldFacts:
    """What the versions say together about one field."""

    name: str
    type: str
    is_struct: bool
    array: bool
    tag: int | None
    versions: set[int] = field(default_factory=set)
    nullable: set[int] = field(default_factory=set)
    default: object = None
    default_given: bool = False


@dataclass
class ClassFacts:
    """One class: its fields in the order of the wire and the versions that have it."""

    name: str
    fields: dict[str, FieldFacts] = field(default_factory=dict)
    orders: list[list[str]] = field(default_factory=list)
    versions: set[int] = field(default_factory=set)


def peel(annotation: object) -> tuple[object, bool, bool]:
    """Return the innermost type, whether None is allowed, and whether it is an array."""
    nullable = array = False
    while True:
        origin = typing.get_origin(annotation)
        args = typing.get_args(annotation)
        if origin in (types.UnionType, typing.Union):
            nullable = nullable or type(None) in args
            annotation = next(arg for arg in args if arg is not type(None))
        elif origin is tuple:
            array = True
            annotation = args[0]
        else:
            return annotation, nullable, array


def read_field(facts: ClassFacts, source: "dataclasses.Field[object]", version: int) -> str:
    """Add what one version says of one field; return its name."""
    inner, nullable, array = peel(source.type)
    kio_type = str(source.metadata.get("kafka_type", ""))
    kind = SPANS.get(kio_type, kio_type)
    name = source.name
    if kio_type in ("timedelta_i32", "timedelta_i64", "datetime_i64"):
        name += "_ms"
    if kio_type in ("uuid", "datetime_i64"):
        nullable = False
    is_struct = not kind
    assert isinstance(inner, type)
    known = facts.fields.setdefault(
        name,
        FieldFacts(name, inner.__name__ if is_struct else kind, is_struct, array, source.metadata.get("tag")),
    )
    assert known.type == (inner.__name__ if is_struct else kind), (facts.name, name, known.type, kind)
    assert known.tag == source.metadata.get("tag"), (facts.name, name)
    known.versions.add(version)
    if nullable and not (known.tag is not None and is_struct and not array):
        known.nullable.add(version)
    if nullable and f"{facts.name}.{name}" in NULL_BY_DEFAULT:
        known.default, known.default_given = None, True
    elif source.default is not dataclasses.MISSING:
        known.default, known.default_given = plain_default(source.default, kio_type), True
    return name


def plain_default(default: object, kio_type: str) -> object:
    """Turn kio's default into one of ours."""
    if isinstance(default, timedelta):
        return round(default.total_seconds() * 1000)
    if kio_type == "datetime_i64":
        return -1
    return int(default) if isinstance(default, ErrorCode) else default


def read_side(api: str, side: Side) -> dict[str, ClassFacts]:
    """Return the classes of the request or the response of one API, nested ones first."""
    classes: dict[str, ClassFacts] = {}
    for version, paths in sorted(schema_name_map[api].items()):
        module_name, _, _ = paths[side].partition(":")
        module = importlib.import_module(module_name)
        for cls in list(vars(module).values()):
            if (
                not isinstance(cls, type)
                or not dataclasses.is_dataclass(cls)
                or getattr(cls, "__module__", "") != module_name
            ):
                continue
            facts = classes.setdefault(cls.__name__, ClassFacts(cls.__name__))
            facts.versions.add(version)
            facts.orders.append([read_field(facts, item, version) for item in dataclasses.fields(cls)])
    return sort_classes(classes)


def sort_classes(classes: dict[str, ClassFacts]) -> dict[str, ClassFacts]:
    """Order classes so that each stands after those it uses."""
    done: dict[str, ClassFacts] = {}

    def visit(name: str) -> None:
        if name in done:
            return
        for item in classes[name].fields.values():
            if item.is_struct:
                visit(item.type)
        done[name] = classes[name]

    for name in classes:
        visit(name)
    return done


def merged_order(facts: ClassFacts) -> list[str]:
    """Merge the orders of all versions: what stands before in one version stands before in the result."""
    before: dict[str, set[str]] = {name: set() for name in facts.fields}
    for order in facts.orders:
        for position, name in enumerate(order):
            before[name].update(order[:position])
    result: list[str] = []
    while len(result) < len(before):
        ready = [name for name in before if name not in result and before[name] <= set(result)]
        assert ready, f"{facts.name}: the versions disagree about the order"
        result.append(ready[0])
    return result


def version_range(versions: set[int], low: int, high: int) -> str:
    """Write a set of versions as Kafka does."""
    if not versions:
        return ""
    first, last = min(versions), max(versions)
    assert versions == set(range(first, last + 1)), versions
    start = "0" if first == low else str(first)
    if last == high:
        return f"{start}+"
    return start if start == str(last) else f"{start}-{last}"


def python_type(item: FieldFacts, side: str) -> str:
    """Return the annotation of a field."""
    if item.is_struct:
        inner = item.type
    elif item.type == "records":
        inner = "Buffer | list[memoryview]" if side == "Response" else "Buffer"
    else:
        inner = PYTHON_TYPES.get(item.type, "int")
    if item.array:
        inner = f"list[{inner}]"
    is_tagged_struct = item.is_struct and item.tag is not None and not item.array
    return f"{inner} | None" if item.nullable or is_tagged_struct else inner


def default_of(item: FieldFacts) -> str:
    """Return the source of a field's default."""
    given = item.default
    if item.array:
        return "None" if item.default_given and given is None else "EMPTY"
    if item.is_struct:
        return "None"
    if item.type == "records":
        return "None" if item.nullable else 'b""'
    if item.default_given and item.type != "uuid":
        if isinstance(given, str):
            return '"' + given + '"'
        return repr(given if given is None or isinstance(given, (bool, bytes)) else plain_number(given))
    return ZEROS.get(item.type, "0")


def plain_number(value: object) -> object:
    """Strip kio's number types."""
    return float(value) if isinstance(value, float) else int(typing.cast("int", value))


def write_class(facts: ClassFacts, side: str, low: int, high: int, flexible: int | None, key: int, api: str) -> str:
    """Return the source of one class."""
    is_top = facts.name.endswith(("Request", "Response")) and facts.name[: -len(side)] == api
    base = "ApiMessage" if is_top else "Struct"
    names = merged_order(facts)
    items = [facts.fields[name] for name in names]
    lines = [f"class {facts.name}({base}):"]
    slots = ", ".join(f'"{name}"' for name in sorted(names)) + ("," if len(names) == 1 else "")
    lines.append(f"    __slots__ = ({slots})")
    if is_top:
        lines += [
            f"    API_KEY = {key}",
            f"    MIN_VERSION = {low}",
            f"    MAX_VERSION = {high}",
        ]
        if flexible is not None:
            lines.append(f"    FLEXIBLE_SINCE = {flexible}")
    lines.append("    FIELDS = (")
    for item in items:
        kind = item.type if item.is_struct else f'"{item.type}"'
        text = f'        Field("{item.name}", {kind}, "{version_range(item.versions, low, high)}"'
        if item.array:
            text += ", array=True"
        if item.nullable:
            text += f', nullable="{version_range(item.nullable, low, high)}"'
        if item.tag is not None:
            text += f", tag={item.tag}"
        lines.append(text + "),")
    lines.append("    )")
    if items:
        arguments = []
        for item in items:
            annotation = python_type(item, side)
            if item.is_struct and not item.array and not annotation.endswith("None"):
                annotation += " | None"
            arguments.append(f"{item.name}: {annotation} = {default_of(item)}")
        lines += ["", f"    def __init__(self, *, {', '.join(arguments)}) -> None:"]
        for item in items:
            lines.append("        " + write_assignment(item, side))
    return "\n".join(lines) + "\n"


def write_assignment(item: FieldFacts, side: str) -> str:
    """Return the line of the constructor that sets one field."""
    name = item.name
    annotation = python_type(item, side)
    if item.array and default_of(item) == "EMPTY":
        return f"self.{name}: {annotation} = [] if {name} is EMPTY else {name}"
    if item.is_struct and not item.array and not annotation.endswith("None"):
        return f"self.{name}: {annotation} = {item.type}() if {name} is None else {name}"
    return f"self.{name} = {name}"


def shape(facts: ClassFacts) -> object:
    """Return what makes two classes of one name the same."""
    return [
        (i.name, i.type, i.array, i.tag, i.versions, i.nullable, i.default) for i in facts.fields.values()
    ], facts.orders[-1]


def rename(classes: dict[str, ClassFacts], old: str, new: str) -> dict[str, ClassFacts]:
    """Rename a class of one side of an API, also where others use it."""
    for facts in classes.values():
        for item in facts.fields.values():
            if item.is_struct and item.type == old:
                item.type = new
    classes[old].name = new
    return {facts.name: facts for facts in classes.values()}


def write_api(key: int, api: str, target: Path) -> tuple[str, int, int, int | None]:
    """Write the module of one API; return the facts for the table."""
    versions = schema_name_map[api]
    low, high = min(versions), max(versions)
    flexible_versions = []
    for version, paths in versions.items():
        module_name, _, class_name = paths[EntityType.request].partition(":")
        top = getattr(importlib.import_module(module_name), class_name)
        if top.__flexible__:
            flexible_versions.append(version)
    flexible = min(flexible_versions, default=None)
    pascal = class_name.removesuffix("Request")
    request = read_side(api, EntityType.request)
    response = read_side(api, EntityType.response)
    for name in sorted(set(request) & set(response)):
        if shape(request[name]) == shape(response[name]):
            del response[name]
        else:
            response = rename(response, name, f"{pascal}Response{name}")
    body = [write_class(facts, "Request", low, high, flexible, key, pascal) for facts in request.values()]
    body += [write_class(facts, "Response", low, high, flexible, key, pascal) for facts in response.values()]
    text = "\n\n".join(body)
    imported = [
        name
        for name in ("EMPTY", "ZERO_UUID", "ApiMessage", "Buffer", "Field", "Struct")
        if name + "(" in text or f"({name})" in text or f" {name}" in text
    ]
    flexible_text = f"flexible since {flexible}" if flexible is not None else "never flexible"
    head = (
        f'"""{pascal} (API key {key}): request and response, versions {low} to {high}, {flexible_text}."""\n\n'
        f"from kcon_broker.wire.schema import {', '.join(imported)}\n\n\n"
    )
    (target / "messages" / f"{api}.py").write_text(head + text, encoding="utf-8")
    return pascal, low, high, flexible


def main(target: Path) -> None:
    """Write all modules and the table."""
    rows = []
    for key, api in sorted(api_key_map.items()):
        if key not in CONTROLLER_ONLY:
            pascal, low, high, flexible = write_api(key, api, target)
            rows.append(f'    {key}: ApiSpec("{api}", "{pascal}", {low}, {high}, {flexible}),')
    head = (target / "api_table.py").read_text(encoding="utf-8")
    before, marker, _ = head.partition("API_TABLE: Final = {\n")
    (target / "api_table.py").write_text(before + marker + "\n".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
