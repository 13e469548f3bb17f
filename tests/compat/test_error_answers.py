"""Does a request that is made to fail get the answer that Apache Kafka's own classes make for it, field by field?

`ErrorAnswers.java` asks those classes: what `getErrorResponse` of a request says is what clients were written for.
"""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from kcon.services.local_cluster import java_argv
from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.error_answer import error_answer
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.schema import ApiMessage, Field, Struct
from tests.differential.catalogue import advertised

_CODES: Final = (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR, ErrorCode.UNKNOWN_SERVER_ERROR)
_DEADLINE_S: Final = 60
_PRODUCE_MIN: Final = 3
"""Produce 0-2 is advertised and refused."""
_CLOSED_SETS: Final = {
    "resource_type": 2,
    "resource_type_filter": 2,
    "pattern_type": 3,
    "pattern_type_filter": 3,
    "resource_pattern_type": 3,
    "operation": 3,
    "permission_type": 3,
}
"""Fields that Kafka's classes refuse unless they know the value."""
_BATCH: Final = encode_batch([Record(0, 0, None, b"value")])


def _filled(struct: Struct, chance: random.Random) -> Struct:
    """Put two items into every array at every depth, and something into every field."""
    for field in struct.FIELDS:
        values = [_value(field, chance) for _ in range(2)]
        setattr(struct, field.name, values if field.array else values[0])
    return struct


def _value(field: Field, chance: random.Random) -> Any:
    if isinstance(field.kind, type):
        return _filled(field.kind(), chance)
    match field.kind:
        case _ if field.name in _CLOSED_SETS:
            return _CLOSED_SETS[field.name]
        case "string":
            return f"{field.name}-{chance.randrange(1_000_000)}"
        case "uuid" | "bytes":
            return chance.randbytes(16)
        case "records":
            return _BATCH
        case "bool":
            return chance.random() < 0.5
        case "float64":
            return chance.random()
        case "int8":
            return chance.randrange(1, 100)
        case _:
            return chance.randrange(1, 10_000)


def _tree(value: Any, version: int) -> Any:
    """Return plain values in an order of their own: Kafka's is that of a hash map. Of sentences only that they are."""
    if isinstance(value, Struct):
        return {
            field.name: bool(getattr(value, field.name))
            if field.name.endswith("error_message")
            else _tree(getattr(value, field.name), version)
            for field in value.FIELDS
            if field.is_in(version)
        }
    if isinstance(value, list):
        return sorted((_tree(entry, version) for entry in value), key=repr)
    return value


def _asked() -> Iterator[tuple[ApiKey, int, ApiMessage, ErrorCode]]:
    chance = random.Random(1)
    for key, (low, high) in advertised().items():
        for version in range(max(low, _PRODUCE_MIN) if key is ApiKey.PRODUCE else low, high + 1):
            for code in _CODES:
                request = API_TABLE[key].request_class()
                _filled(request, chance)
                yield key, version, request, code


@pytest.mark.java
def test_an_injected_error_is_answered_as_kafkas_own_classes_say(apache_classpath: str) -> None:
    """Fetch differs by choice where it names partitions: there the code stands in them, and not at the top."""
    asked = list(_asked())
    lines = [
        f"{int(key)} {version} {int(code)} {request.encode(version).hex()}" for key, version, request, code in asked
    ]
    argv = java_argv(apache_classpath, str(Path(__file__).with_name("ErrorAnswers.java")))
    done = subprocess.run(
        argv, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=_DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    for (key, version, request, code), told in zip(asked, done.stdout.splitlines(), strict=True):
        assert not told.startswith("none"), (key.name, version, told)
        answer_class = API_TABLE[key].response_class
        theirs = _tree(answer_class.decode(bytes.fromhex(told), 0, version)[0], version)
        answer = error_answer(request, version, code)
        if answer is None:
            assert f"error_code': {int(code)}" not in repr(theirs), f"{key.name} v{version}"
            continue
        ours = _tree(answer_class.decode(answer.encode(version), 0, version)[0], version)
        if key is ApiKey.FETCH and "error_code" in theirs:
            assert (theirs["error_code"], ours["error_code"]) == (code, 0)
            codes = {part["error_code"] for topic in ours["responses"] for part in topic["partitions"]}
            assert codes == {int(code)}
            continue
        assert ours == theirs, f"{key.name} v{version} {code.name}"
