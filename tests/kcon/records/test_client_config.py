"""A user may tune librdkafka, and may not take kcon's promises away."""

import pytest

from kcon.contexts.context import Context
from kcon.contexts.security import Security
from kcon.core.ids import group_id, topic_name
from kcon.errors import UsageError
from kcon.records.client_config import FETCH_BYTES_MAX, common_config, consumer_config, producer_config
from kcon.records.read_plan import ReadPlan


def context(**client_config: str) -> Context:
    config = {name.replace("_", "."): value for name, value in client_config.items()}
    return Context(name="test", bootstrap=("a:1", "b:2"), client_config=config)


def test_the_users_settings_are_above_the_defaults() -> None:
    config = consumer_config(context(fetch_wait_max_ms="7"), ReadPlan())
    assert config["fetch.wait.max.ms"] == "7"
    assert config["bootstrap.servers"] == "a:1,b:2"


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("allow_auto_create_topics", "true", False),
        ("enable_auto_commit", "true", False),
        ("enable_auto_offset_store", "true", False),
        ("bootstrap_servers", "elsewhere:1", "a:1,b:2"),
    ],
)
def test_the_promises_are_above_the_user(name: str, value: str, kept: object) -> None:
    """Reading creates nothing, commits nothing, and stays on the context's cluster."""
    assert consumer_config(context(**{name: value}), ReadPlan())[name.replace("_", ".")] == kept


def test_one_answer_of_a_broker_is_bounded_though_it_is_compressed() -> None:
    """It is unpacked whole, beyond what may be read ahead; who has a distant cluster may ask for more."""
    assert consumer_config(context(), ReadPlan())["fetch.max.bytes"] == FETCH_BYTES_MAX <= ReadPlan().prefetch_bytes
    assert consumer_config(context(fetch_max_bytes="50000000"), ReadPlan())["fetch.max.bytes"] == "50000000"


def test_only_a_group_commits_and_it_joins_under_its_own_name() -> None:
    plan = ReadPlan(group=group_id("billing"), topics=(topic_name("orders"),))
    config = consumer_config(context(), plan)
    assert config["group.id"] == "billing"
    assert config["enable.auto.commit"] is True
    assert consumer_config(context(), ReadPlan())["enable.auto.commit"] is False


def test_producers_are_idempotent_and_place_keys_as_java_does() -> None:
    config = producer_config(context(), {})
    assert (config["enable.idempotence"], config["acks"], config["partitioner"]) == (True, "all", "murmur2_random")


def test_security_settings_that_do_not_fit_are_refused_before_connecting() -> None:
    """Sending a password in plain text by mistake would be worse than not connecting."""
    with pytest.raises(UsageError):
        common_config(Context(name="test", bootstrap=("a:1",), security=Security(protocol="SASL_PLAINTEXT")))
