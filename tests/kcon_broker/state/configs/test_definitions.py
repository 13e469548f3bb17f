"""The tables of configs are whole: as many as Apache Kafka 4.3 knows, each with a sentence and a possible default."""

from collections.abc import Callable

import pytest

from kcon_broker.state.configs.definitions import (
    ConfigDefinition,
    Scope,
    broker_definitions,
    client_metrics_definitions,
    group_definitions,
    topic_definitions,
)
from kcon_broker.state.configs.values import check_value

Table = Callable[[], dict[str, ConfigDefinition]]
TABLES = (broker_definitions, topic_definitions, group_definitions, client_metrics_definitions)


def test_there_are_as_many_as_in_kafka() -> None:
    listed = [one for one in broker_definitions().values() if one.scope not in (Scope.INTERNAL, Scope.UNLISTED)]
    sizes = len(listed), len(topic_definitions()), len(group_definitions()), len(client_metrics_definitions())
    assert sizes == (340, 33, 17, 3)


@pytest.mark.parametrize("table", TABLES)
def test_each_has_a_sentence_and_a_default_that_it_may_have(table: Table) -> None:
    for name, definition in table().items():
        if table is not broker_definitions or definition.scope is not Scope.INTERNAL:
            assert definition.documentation.endswith("."), name
        if definition.default is not None:
            check_value(definition, definition.default)


@pytest.mark.parametrize("table", [topic_definitions, group_definitions])
def test_a_default_from_the_broker_has_a_config_there(table: Table) -> None:
    for definition in table().values():
        if definition.broker_name is not None:
            assert broker_definitions()[definition.broker_name].scope is not Scope.INTERNAL
