"""Requests that break the format instead of a rule: cut, overlong, impossible lengths, unknown tags, no such version.

The broker's own encoder refuses to write most of them, so there is a small one here that writes what it is told.
"""

import copy
import random
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.schema import ApiMessage, Field, Struct
from tests.differential.session import Side, Step

_PACKED: Final = {"int8": ">b", "int16": ">h", "int32": ">i", "int64": ">q", "uint16": ">H", "uint32": ">I"}
_LIMITS: Final[dict[str, tuple[Any, ...]]] = {
    "bool": (False, True),
    "int8": (-128, -1, 0, 1, 127),
    "int16": (-(1 << 15), -2, -1, 0, 1, (1 << 15) - 1),
    "int32": (-(1 << 31), -2, -1, 0, 1, (1 << 31) - 1),
    "int64": (-(1 << 63), -2, -1, 0, 1, (1 << 63) - 1),
    "uint16": (0, 1, (1 << 16) - 1),
    "float64": (0.0, -1.0, 0.5, 1e308, float("inf"), float("-inf")),
    "string": ("", "x" * 300, "ü", ".", "a b", "no-such-name"),
    "bytes": (b"", b"\0", b"x" * 300),
    "uuid": (b"\0" * 16, b"\0" * 15 + b"\1", b"\xff" * 16),
}
_LEFT_ALONE: Final = frozenset(
    # What would keep the oracle busy for long, fill its disk or block the connection; and what is compared on its own.
    (
        "acks",
        "allow_auto_topic_creation",
        "assignments",
        "count",
        "max_wait_ms",
        "num_partitions",
        "rebalance_timeout_ms",
        "records",
        "replica_id",
        "replica_state",
        "session_timeout_ms",
        "timeout_ms",
        "validate_only",
    )
)
_LEFT_ALONE_IN: Final[dict[ApiKey, frozenset[str]]] = {
    # Names without the run's prefix would be created, and topics of others be listed.
    ApiKey.CREATE_TOPICS: frozenset({"name"}),
    # Where one batch of a request cannot be told apart, Apache Kafka refuses all of them.
    ApiKey.PRODUCE: frozenset({"name", "topic_id", "index", "topic_data", "transactional_id"}),
    # Apache Kafka never answers a resource named twice.
    ApiKey.ALTER_CONFIGS: frozenset({"resources"}),
    ApiKey.DESCRIBE_CONFIGS: frozenset({"resource_type", "resource_name"}),
    # A session is opened, or not, before other fields are looked at, or after.
    ApiKey.FETCH: frozenset({"session_id", "session_epoch", "isolation_level", "topics"}),
    ApiKey.DESCRIBE_LOG_DIRS: frozenset({"topics"}),
    # Apache Kafka never answers an empty list of transactions.
    ApiKey.ADD_PARTITIONS_TO_TXN: frozenset({"transactions"}),
    # Others' transactions would be listed.
    ApiKey.LIST_TRANSACTIONS: frozenset({"producer_id_filters", "duration_filter"}),
    # A topic named twice is answered in one entry here.
    ApiKey.TXN_OFFSET_COMMIT: frozenset({"topics", "partitions"}),
    # Markers belong to the coordinator.
    ApiKey.WRITE_TXN_MARKERS: frozenset({"markers"}),
    # A transactional id outlives its request.
    ApiKey.INIT_PRODUCER_ID: frozenset({"transactional_id"}),
    ApiKey.OFFSET_COMMIT: frozenset({"group_id", "topics"}),
    ApiKey.DELETE_TOPICS: frozenset({"name", "topic_names", "topics"}),
    # Users, and the quotas of a default, outlive their request.
    ApiKey.ALTER_CLIENT_QUOTAS: frozenset({"entity", "entity_name", "entity_type"}),
    ApiKey.ALTER_USER_SCRAM_CREDENTIALS: frozenset({"name"}),
    # So do levels of features; and the oracle must not be sent away.
    ApiKey.UPDATE_FEATURES: frozenset({"feature", "max_version_level", "upgrade_type"}),
    ApiKey.UNREGISTER_BROKER: frozenset({"broker_id"}),
    ApiKey.DESCRIBE_TOPIC_PARTITIONS: frozenset({"topics", "cursor"}),
}


_MAY_LIST_ALL: Final = frozenset(
    (
        ApiKey.METADATA,
        ApiKey.LIST_GROUPS,
        ApiKey.DESCRIBE_CLIENT_QUOTAS,
        ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS,
        ApiKey.ELECT_LEADERS,
        ApiKey.LIST_CONFIG_RESOURCES,
    )
)
_NULL_IS_EVERYTHING: Final = frozenset({ApiKey.METADATA, ApiKey.DESCRIBE_LOG_DIRS, ApiKey.ELECT_LEADERS})
"""APIs that tell of all topics when asked for none."""


class _Rogue:
    """A place in a message, and what is written there instead of what should be."""

    def __init__(self, field: str, written: bytes) -> None:
        self.field = field
        self.written = written
        self.is_used = False


def malformed(steps: Iterator[Step], rng: random.Random) -> Iterator[Step]:
    """Yield breakages of good steps, each to be sent on a connection of its own."""
    for number, step in enumerate(steps):
        spec = API_TABLE[step.api_key]
        # Compact lengths beyond an int32 are null to Apache Kafka, a difference by choice.
        is_flexible = spec.is_flexible(step.version)
        match number % 6:
            case 0:
                cut = rng.random()
                yield _broken(step, "cut", lambda body, cut=cut: body[: int(cut * len(body))])  # type: ignore[misc]  # Bound now.
            case 1:
                yield _other_version(step, spec.max_version + rng.choice((1, 2, 100)))
            case 2:
                yield _rogue(step, rng, "array", (0x7FFF_FFFF, 1_000_000))
            case 3:
                yield _rogue(step, rng, "string", (-1, 0x7FFF) if is_flexible else (-2, -1, 0x7FFF))
            case 4:
                yield _other_version(step, rng.choice((-1, spec.min_version - 1, -(1 << 15))))
            case _:
                yield _rogue(step, rng, "array", (-1,))


def tolerated(step: Step, rng: random.Random) -> Step:
    """Return a good step with something in it that must be ignored: more bytes, or unknown tags."""
    spec = API_TABLE[step.api_key]
    if spec.is_flexible(step.version) and rng.random() < 0.5:
        # number of tags 1 | tag 100 | 3 bytes, in the place of "no tags" at the end of the body
        return _broken(step, "unknown tag", lambda body: body[:-1] + b"\x01\x64\x03abc", is_valid=True)
    stray = rng.randbytes(rng.randint(1, 20))
    return _broken(step, "stray bytes", lambda body: body + stray, is_valid=True)


def mutated(step: Step, rng: random.Random) -> Step | None:
    """Return a step with one value moved to a limit of its type; nobody says what should come of it."""
    at = rng.random()
    pick = rng.random()
    build = step.build

    def mutate(side: Side) -> ApiMessage | bytes:
        request = build(side)
        if isinstance(request, bytes):
            return request
        request = copy.deepcopy(request)
        places = list(_places(request, step.version, _LEFT_ALONE | _LEFT_ALONE_IN.get(step.api_key, frozenset())))
        if places:
            owner, field = places[int(at * len(places))]
            _move(owner, field, step.version, pick)
        return request

    copied = _copy(step, f"{step.label}, one value at a limit ({at:.4f}, {pick:.4f})", mutate, "mutated")
    # It may come to ask for everything.
    copied.lists_all = step.lists_all or step.api_key in _MAY_LIST_ALL
    return copied


def _places(struct_value: Struct, version: int, left_alone: frozenset[str]) -> Iterator[tuple[Struct, Field]]:
    for field in struct_value.FIELDS:
        if not field.is_in(version) or field.name in left_alone:
            continue
        yield struct_value, field
        value = getattr(struct_value, field.name)
        for inner in value if isinstance(value, list) else (value,):
            if isinstance(inner, Struct):
                yield from _places(inner, version, left_alone)


def _move(owner: Struct, field: Field, version: int, pick: float) -> None:
    value = getattr(owner, field.name)
    choices: list[Any] = []
    if field.is_nullable_in(version):
        choices.append(None)
    if field.array:
        entries = value or []
        choices += [[], entries[:1], [*entries, *entries[:1]]]
        if isinstance(field.kind, str):
            choices += [[*entries, limit] for limit in _LIMITS[field.kind]]
    elif isinstance(field.kind, str):
        choices += _LIMITS[field.kind]
    if choices:
        setattr(owner, field.name, choices[int(pick * len(choices))])


def _broken(step: Step, label: str, change: Callable[[bytes], bytes], *, is_valid: bool = False) -> Step:
    build = step.build

    def broken(side: Side) -> bytes:
        request = build(side)
        return change(request if isinstance(request, bytes) else request.encode(step.version))

    return _copy(step, f"{step.label}, {label}", broken, "valid" if is_valid else "invalid")


def _other_version(step: Step, version: int) -> Step:
    build, encoded_as = step.build, step.version
    version = max(-(1 << 15), min((1 << 15) - 1, version))

    def body(side: Side) -> bytes:
        request = build(side)
        return request if isinstance(request, bytes) else request.encode(encoded_as)

    copied = _copy(step, f"{step.label}, as version {version}", body, "invalid")
    copied.version = version
    copied.chapter_version = encoded_as
    return copied


def _rogue(step: Step, rng: random.Random, kind: str, lengths: tuple[int, ...]) -> Step:
    """Return a step in which one length of an array or a string lies."""
    length = rng.choice(lengths)
    at = rng.random()
    build = step.build

    def lie(side: Side) -> bytes:
        request = build(side)
        if isinstance(request, bytes):
            return request[:1]
        fields = sorted({field.name for field in _fields(type(request), step.version) if _is(field, kind)})
        if not fields:
            return b""
        name = fields[int(at * len(fields))]
        return _encode(request, step.version, _Rogue(name, _length(length, step, is_array=kind == "array")))

    copied = _copy(step, f"{step.label}, a length of {kind} {length} ({at:.4f})", lie, "invalid")
    # Null asks for everything, what the comparison made to wait for included.
    copied.lists_all = copied.lists_all or step.api_key in _NULL_IS_EVERYTHING
    if step.api_key is ApiKey.DESCRIBE_LOG_DIRS:
        copied.situations |= {"all topics"}
    return copied


def _is(field: Field, kind: str) -> bool:
    return field.tag is None and (field.array if kind == "array" else field.kind == kind and not field.array)


def _fields(kind: type[Struct], version: int) -> Iterator[Field]:
    for field in kind.FIELDS:
        if field.is_in(version):
            yield field
            if not isinstance(field.kind, str):
                yield from _fields(field.kind, version)


def _length(length: int, step: Step, *, is_array: bool) -> bytes:
    if API_TABLE[step.api_key].is_flexible(step.version):
        return _varint((length + 1) & 0xFFFF_FFFF)
    return struct.pack(">i", length) if is_array else struct.pack(">h", length)


def _encode(value: Struct, version: int, rogue: _Rogue) -> bytes:
    """Write a message without its tagged fields; from the rogue field on the bytes are what they are."""
    spec = API_TABLE[value.API_KEY] if isinstance(value, ApiMessage) else None
    assert spec is not None
    parts: list[bytes] = []
    _write(value, version, spec.is_flexible(version), rogue, parts)
    return b"".join(parts)


def _write(value: Struct, version: int, is_flexible: bool, rogue: _Rogue, parts: list[bytes]) -> None:
    for field in value.FIELDS:
        if not field.is_in(version) or field.tag is not None:
            continue
        content = getattr(value, field.name)
        if field.name == rogue.field and not rogue.is_used:
            rogue.is_used = True
            parts.append(rogue.written)
            if isinstance(content, str):
                parts.append(content.encode())
            elif isinstance(content, list):
                for entry in content:
                    _write_one(field, entry, version, is_flexible, rogue, parts)
        elif field.array:
            count = -1 if content is None else len(content)
            parts.append(_varint(count + 1) if is_flexible else struct.pack(">i", count))
            for entry in content or ():
                _write_one(field, entry, version, is_flexible, rogue, parts)
        else:
            _write_one(field, content, version, is_flexible, rogue, parts)
    if is_flexible:
        parts.append(b"\0")


def _write_one(field: Field, value: Any, version: int, is_flexible: bool, rogue: _Rogue, parts: list[bytes]) -> None:
    kind = field.kind
    if not isinstance(kind, str):
        if field.nullable and not field.array:
            parts.append(b"\xff" if value is None else b"\x01")
        if value is not None:
            _write(value, version, is_flexible, rogue, parts)
    elif kind in _PACKED:
        parts.append(struct.pack(_PACKED[kind], value))
    elif kind == "bool":
        parts.append(b"\1" if value else b"\0")
    elif kind == "uuid":
        parts.append(value)
    elif kind == "float64":
        parts.append(struct.pack(">d", value))
    else:
        data = value.encode() if isinstance(value, str) else value
        size = -1 if data is None else len(data)
        short = ">h" if kind == "string" else ">i"
        parts.append(_varint(size + 1) if is_flexible else struct.pack(short, size))
        parts.append(bytes(data or b""))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _copy(step: Step, label: str, build: Callable[[Side], ApiMessage | bytes], kind: str) -> Step:
    copied = copy.copy(step)
    copied.label, copied.build, copied.kind = label, build, kind
    if kind == "invalid":
        copied.connection = "malformed"
    return copied


def is_safe_to_mutate(key: ApiKey, version: int) -> bool:
    """Tell whether any value may be tried: not where one would outlive the request and change later answers."""
    if key in (ApiKey.JOIN_GROUP, ApiKey.SYNC_GROUP, ApiKey.CONSUMER_GROUP_HEARTBEAT):
        return False
    # Before version 4 Metadata creates what it is asked for.
    return key != ApiKey.METADATA or version >= 4
