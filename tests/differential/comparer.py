"""Where do two answers differ, and is it permitted?

An answer becomes a tree of plain values first: fields of its version only, ids that the side chose replaced by the
names of what they stand for, record batches opened. Two trees are then walked together.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kcon_broker.batch.header import HEADER_BYTES, LOG_OVERHEAD, read_header
from kcon_broker.batch.records import iter_records
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.schema import ZERO_UUID, Struct
from tests.differential.permitted import How, Permitted, entry_field, permitted
from tests.differential.session import Observation, Side, Step

Tree = Any
"""Dicts of fields, lists, and plain values."""

_MEMBER_ID: Final = re.compile(r"-?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NAMING: Final = (
    "name",
    "topic",
    "topic_name",
    "group_id",
    "topic_id",
    "resource_type",
    "resource_name",
    "user",
    "index",
    "partition_index",
    "partition_id",
    "partition",
)
"""Fields that say what an entry of a list is about."""
_SHOWN_CHARACTERS_MAX: Final = 300


_LISTED: Final[Mapping[str, Callable[[Tree], list[Any]]]] = {
    "topics": lambda entry: [entry["name"]],
    "groups": lambda entry: [entry["group_id"]],
    "config_resources": lambda entry: [entry["resource_name"]],
    "replica_election_results": lambda entry: [entry["topic"]],
    "results": lambda entry: [entry.get("user")],
    "entries": lambda entry: [part["entity_name"] for part in entry["entity"]],
}
"""Lists that name everything there is, and the names in an entry of each."""
_OF_EVERY_RUN: Final = (4, 8)
"""Types of config resources that are there before any test: brokers and their loggers."""


def _is_of(prefix: str, entry: Tree, names: list[Any]) -> bool:
    """Tell whether an entry is of this run, and not of another test."""
    if entry.get("error_code") or entry.get("resource_type") in _OF_EVERY_RUN:
        return True
    return any((name or "").startswith(prefix) for name in names)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one broker did about a step, ready to be compared and kept."""

    reaction: str
    tree: Tree = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two answers differ."""

    field: str
    place: str
    """The field with indexes."""
    ours: Tree
    apache: Tree

    def __str__(self) -> str:
        return (
            f"  {self.place}\n    kcon   {_shown(self.field, self.ours)}\n    apache {_shown(self.field, self.apache)}"
        )


@dataclass(slots=True)
class Comparison:
    """All differences of one step, and the permissions that were needed."""

    differences: list[Difference]
    used: set[Permitted]


def see(step: Step, side: Side, observation: Observation) -> Seen:
    """Turn what a broker did into what can be compared."""
    if observation.response is None:
        return Seen(observation.reaction, None)
    response = observation.response
    _learn_topic_ids(response, side)
    version = min(max(step.version, response.MIN_VERSION), response.MAX_VERSION)
    tree = _tree(response, version, side.names)
    if step.lists_all:
        prefix = str(side.values["prefix"])
        tree.pop("next_cursor", None)
        for folder in tree.get("results", ()) if step.api_key is ApiKey.DESCRIBE_LOG_DIRS else ():
            folder["topics"] = [entry for entry in folder["topics"] if _is_of(prefix, entry, [entry["name"]])]
        for listed, names_of in _LISTED.items():
            if isinstance(tree.get(listed), list) and step.api_key is not ApiKey.DESCRIBE_LOG_DIRS:
                tree[listed] = [entry for entry in tree[listed] if _is_of(prefix, entry, names_of(entry))]
    return Seen(observation.reaction, tree)


def compare(step: Step, ours: Seen, apache: Seen) -> Comparison:
    """Return where two reactions to one step differ."""
    comparison = Comparison([], set())
    api = _api_name(step)
    if ours.reaction != apache.reaction:
        comparison.differences.append(Difference(api, api, _reaction(ours), _reaction(apache)))
        return comparison
    if ours.tree is not None:
        comparison.differences += _walk(api, api, ours.tree, apache.tree, step.situations, comparison.used)
    return comparison


def describe(step: Step, comparison: Comparison) -> str:
    """Return one step's differences for people to read."""
    lines = [f"{step.api_key.name} v{step.version} [{step.kind or 'preparation'}] {step.label}"]
    return "\n".join([*lines, *map(str, comparison.differences)])


def has_top_level_error(seen: Seen) -> bool:
    """Tell whether a step was refused as a whole; a closed connection is a refusal."""
    if seen.reaction == "no answer":
        return False
    return seen.reaction != "answer" or bool(seen.tree.get("error_code"))


def _learn_topic_ids(value: Any, side: Side) -> None:
    """Note the id of every topic that an answer names, so that ids are compared by what they stand for."""
    if isinstance(value, list):
        for entry in value:
            _learn_topic_ids(entry, side)
    elif isinstance(value, Struct):
        name, topic_id = getattr(value, "name", None), getattr(value, "topic_id", ZERO_UUID)
        if name and topic_id != ZERO_UUID and topic_id not in side.names:
            side.learn(f"topic {name}", topic_id)
        for field in value.FIELDS:
            if not isinstance(field.kind, str):
                _learn_topic_ids(getattr(value, field.name), side)


def _api_name(step: Step) -> str:
    return "".join(word.capitalize() for word in step.api_key.name.split("_"))


def _reaction(seen: Seen) -> str:
    return seen.reaction if seen.tree is None else f"{seen.reaction}: {seen.tree}"


def _tree(value: Struct, version: int, names: Mapping[bytes | str | int, str]) -> dict[str, Tree]:
    return {
        field.name: _field(field.name, getattr(value, field.name), version, names)
        for field in value.FIELDS
        if field.is_in(version)
    }


def _field(name: str, value: Any, version: int, names: Mapping[bytes | str | int, str]) -> Tree:
    if isinstance(value, Struct):
        return _tree(value, version, names)
    if name == "producer_id":
        return names.get(value, value)
    if isinstance(value, list):
        return [_field(name, entry, version, names) for entry in value]
    if isinstance(value, memoryview) or name == "records":
        return _batches(bytes(value or b""), names)
    if isinstance(value, bytes):
        return "<zero id>" if value == ZERO_UUID else names.get(value, value)
    if isinstance(value, str):
        if value in names:
            return names[value]
        return _MEMBER_ID.sub("<unique>", value)
    return value


def _batches(records: bytes, names: Mapping[bytes | str | int, str]) -> list[dict[str, Tree]]:
    """Open whole batches; one that was cut at the end is what a client throws away."""
    batches = []
    at = 0
    while len(records) - at >= HEADER_BYTES:
        header = read_header(records, at)
        end = at + LOG_OVERHEAD + header.batch_length
        if end > len(records):
            break
        fields: dict[str, Tree] = header._asdict()
        # They follow from the other fields; the size of what a broker compressed anew is its own affair.
        del fields["crc"], fields["batch_length"]
        fields["producer_id"] = names.get(header.producer_id, header.producer_id) if header.producer_id >= 0 else -1
        fields["records"] = [record._asdict() for record in iter_records(records[at:end])]
        batches.append(fields)
        at = end
    return batches


def _walk(
    field: str, place: str, ours: Tree, apache: Tree, situations: frozenset[str], used: set[Permitted]
) -> Iterator[Difference]:
    if ours == apache:
        return
    rules = {one.how: one for one in permitted(field, situations)}
    if How.FREE in rules:
        used.add(rules[How.FREE])
        return
    if isinstance(ours, dict) and isinstance(apache, dict):
        for name, value in ours.items():
            yield from _walk(f"{field}.{name}", f"{place}.{name}", value, apache[name], situations, used)
    elif isinstance(ours, list) and isinstance(apache, list):
        yield from _walk_lists(field, place, ours, apache, situations, used, rules)
    elif How.BOTH_SET in rules and _is_set(ours) == _is_set(apache):
        used.add(rules[How.BOTH_SET])
    else:
        yield Difference(field, place, ours, apache)


def _walk_lists(
    field: str,
    place: str,
    ours: Sequence[Tree],
    apache: Sequence[Tree],
    situations: frozenset[str],
    used: set[Permitted],
    rules: Mapping[How, Permitted],
) -> Iterator[Difference]:
    if How.FEWER in rules:
        used.add(rules[How.FEWER])
        apache = [entry for entry in apache if entry in ours]
    if How.ANY_ORDER in rules:
        if list(ours) != _sorted(ours) or list(apache) != _sorted(apache):
            used.add(rules[How.ANY_ORDER])
        ours, apache = _sorted(ours), _sorted(apache)
    if len(ours) != len(apache):
        only_ours = [entry for entry in ours if entry not in apache]
        only_apache = [entry for entry in apache if entry not in ours]
        yield Difference(
            field, place, f"{len(ours)} elements, its own: {only_ours}", f"{len(apache)}, its own: {only_apache}"
        )
        return
    for index, (our_entry, apache_entry) in enumerate(zip(ours, apache, strict=True)):
        if our_entry == apache_entry:
            continue
        if isinstance(our_entry, dict | list):
            yield from _walk(
                entry_field(field, our_entry), f"{place}[{index}]", our_entry, apache_entry, situations, used
            )
        else:
            yield Difference(field, f"{place}[{index}]", our_entry, apache_entry)


def _sorted(entries: Sequence[Tree]) -> list[Tree]:
    """Order by what names an entry: its other fields may differ, and count only among entries of one name."""

    def key(entry: Tree) -> tuple[str, str]:
        if isinstance(entry, dict):
            return repr([entry.get(name) for name in _NAMING]), repr(entry)
        return repr(entry), ""

    return sorted(entries, key=key)


def _is_set(value: Tree) -> bool:
    if value is None or value in ("", b"", "<zero id>"):
        return False
    return not (isinstance(value, int) and value < 0)


def _shown(field: str, value: Tree) -> str:
    if field.endswith("error_code") and isinstance(value, int):
        try:
            return f"{value} {ErrorCode(value).name}"
        except ValueError:
            return f"{value} (no such error)"
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}... ({len(text)} characters)"
