"""Does our broker take and refuse the same values of every config that can be changed as Apache Kafka does?"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import pytest

from kcon_broker.state.configs.definitions import Scope, broker_definitions, group_definitions, topic_definitions
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from tests.semantics.kafka import Broker, Kafka

_TOPIC, _BROKER, _GROUP = 2, 4, 32
_VALUES: Final = ("", "-2", "-1", "0", "1", "2", "100000", "2147483647", "2147483648", "9223372036854775807", "0.5",
                  "true", "x", "none", "compact", "a,b", " 7 ")  # fmt: skip
_LISTENER: Final = "listener.name.plaintext."
_OWN_LIMITS: Final = frozenset({("listeners", _BROKER), ("advertised.listeners", _BROKER)})
"""Addresses that each broker has for itself."""
_AT_ONCE: Final = 50

Tried = tuple[int, str, str, str]
"""The type and name of a resource, a config and a value."""


def _tried(topic: str) -> Iterator[Tried]:
    """Yield every config that can be changed with every value."""
    changeable = [
        name for name, found in broker_definitions().items() if found.scope not in (Scope.READ_ONLY, Scope.INTERNAL)
    ]
    changeable += [f"{_LISTENER}max.connections", f"{_LISTENER}max.connection.creation.rate"]
    places = [(_BROKER, "1", name) for name in changeable] + [(_BROKER, "", name) for name in changeable]
    places += [(_TOPIC, topic, name) for name in topic_definitions()]
    places += [(_GROUP, topic, name) for name in group_definitions()]
    for kind, resource, name in places:
        if (name, kind) not in _OWN_LIMITS:
            yield from ((kind, resource, name, value) for value in _VALUES)


def _codes(kafka: Kafka, tried: list[Tried]) -> list[int]:
    """Return what is said of each value; nothing is changed."""
    codes = []
    for kind, resource, name, value in tried:
        wanted = AlterConfigsResource(
            resource_type=kind,
            resource_name=resource,
            configs=[AlterableConfig(name=name, config_operation=0, value=value)],
        )
        kafka.send(IncrementalAlterConfigsRequest(resources=[wanted], validate_only=True), 1)
    for _ in tried:
        answer: Any = kafka.receive().response
        codes.append(answer.responses[0].error_code)
    return codes


@pytest.mark.slow
@pytest.mark.java
@pytest.mark.xdist_group("java")
def test_every_value_of_every_config_is_judged_alike(kcon_broker: Any, apache_kafka: Any) -> None:
    brokers = [Broker(one.name, one.bootstrap) for one in (kcon_broker, apache_kafka)]
    with Kafka(brokers[0]) as ours, Kafka(brokers[1]) as apache:
        topics = [kafka.topic() for kafka in (ours, apache)]
        mine, theirs = _tried(topics[0]), _tried(topics[1])
        refused = 0
        differing = []
        while tried := list(islice(mine, _AT_ONCE)):
            found = zip(tried, _codes(ours, tried), _codes(apache, list(islice(theirs, _AT_ONCE))), strict=True)
            for (_, resource, name, value), our_code, code in found:
                refused += bool(code)
                if our_code != code:
                    codes = f"{ErrorCode(our_code).name}, Apache Kafka {ErrorCode(code).name}"
                    differing.append(f"{resource or 'all brokers'} {name}={value!r}: {codes}")
    for broker in brokers:
        broker.side.close()
    assert refused > 1_000
    assert not differing, "\n".join(differing)
