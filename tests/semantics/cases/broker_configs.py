"""Configs of one broker and of all: how a value that was set is told."""

from collections.abc import Iterator
from contextlib import contextmanager

from kcon_broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
)
from kcon_broker.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from tests.semantics.case import each
from tests.semantics.kafka import Kafka

_BROKER = 4
_SET, _DELETE = range(2)


@contextmanager
def _brokers_config(kafka: Kafka, broker: str, name: str, value: str) -> Iterator[DescribeConfigsResourceResult]:
    """Give one broker ("1"), or all (""), a config; yield what is told of it, and take it away again."""

    def change(operation: int, text: str | None) -> None:
        wanted = AlterConfigsResource(
            resource_type=_BROKER,
            resource_name=broker,
            configs=[AlterableConfig(name=name, config_operation=operation, value=text)],
        )
        answer = kafka.ask(IncrementalAlterConfigsRequest(resources=[wanted]))
        assert not answer.responses[0].error_code, answer
        # Configs are in force once what was made after them is.
        kafka.settle()
        kafka.settle()

    change(_SET, value)
    try:
        resource = DescribeConfigsResource(resource_type=_BROKER, resource_name=broker, configuration_keys=[name])
        request = DescribeConfigsRequest(resources=[resource], include_synonyms=True)
        (told,) = kafka.ask(request).results[0].configs
        yield told
    finally:
        change(_DELETE, None)


@each({"one broker is told as it was read": ("1", "40000"), "all brokers is told as it was written": ("", " 40000 ")})
def a_value_of(kafka: Kafka, wanted: tuple[str, str]) -> None:
    broker, value = wanted
    with _brokers_config(kafka, broker, "remote.list.offsets.request.timeout.ms", " 40000 ") as told:
        assert (told.value, told.synonyms[0].value) == (value, " 40000 ")


@each({"one broker": "1", "all brokers": ""})
def a_throttle_that_is_not_listed_is_told_when_it_was_set_for(kafka: Kafka, broker: str) -> None:
    with _brokers_config(kafka, broker, "leader.replication.throttled.rate", "1000000") as told:
        assert (told.value, told.is_sensitive, told.config_type) == ("1000000", False, 5)
        assert [one.value for one in told.synonyms] == ["1000000"]
