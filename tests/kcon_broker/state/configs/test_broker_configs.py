"""Values of brokers apply in turn: of the one broker, of all, of the start, Kafka's default."""

from pathlib import Path

import pytest

from kcon_broker.settings import BrokerSettings
from kcon_broker.state.configs.acting import ACTING, static_configs, with_dynamic
from kcon_broker.state.configs.broker_changes import check_broker_change
from kcon_broker.state.configs.broker_configs import BrokerConfigs, is_sensitive
from kcon_broker.state.configs.definitions import ConfigSource, Scope, broker_definitions, topic_definitions
from kcon_broker.state.configs.values import InvalidConfigError

SETTINGS = BrokerSettings(data_dir=Path("/data"), topic_config_defaults=(("retention.ms", "5000"),))


def configs() -> BrokerConfigs:
    return BrokerConfigs(static_configs(SETTINGS, listening=("127.0.0.1", 9092)))


def test_each_level_hides_the_one_below() -> None:
    found = configs()
    found.change(cluster_wide={"log.segment.bytes": "2000000"}, per_broker={"log.segment.bytes": "3000000"})
    assert found.value("log.segment.bytes") == "3000000"
    assert [(one.value, one.source) for one in found.synonyms("log.segment.bytes")] == [
        ("3000000", ConfigSource.DYNAMIC_BROKER),
        ("2000000", ConfigSource.DYNAMIC_DEFAULT_BROKER),
        ("1073741824", ConfigSource.DEFAULT),
    ]
    found.change(per_broker={})
    assert found.value("log.segment.bytes") == "2000000"


def test_coarser_names_stand_in_only_below_the_finer_one() -> None:
    found = BrokerConfigs({})
    assert found.synonyms("log.retention.ms") == []
    assert [one.name for one in found.synonyms("log.retention.hours")] == ["log.retention.hours"]
    found.change(per_broker={"log.retention.ms": "1"})
    assert [one.name for one in found.synonyms("log.retention.ms")] == ["log.retention.ms", "log.retention.hours"]


def test_topics_take_their_defaults_in_milliseconds() -> None:
    found = BrokerConfigs({})
    defaults = found.topic_defaults()
    assert defaults["retention.ms"] == str(168 * 3_600_000)
    assert defaults["flush.ms"] == str((1 << 63) - 1)
    assert configs().topic_defaults()["retention.ms"] == "5000"
    # Nothing of a broker says what these are by default.
    assert "leader.replication.throttled.replicas" not in defaults


def test_secrets_and_unknown_configs_are_not_shown() -> None:
    found = configs()
    found.change(per_broker={"no.such": "x", "sasl.jaas.config": "x", "listener.name.a.ssl.key.password": "x"})
    for name in found.per_broker:
        assert is_sensitive(name)
        assert [one.value for one in found.synonyms(name)] == [None]


def test_acting_configs_are_kafkas_and_follow_dynamic_changes() -> None:
    definitions = broker_definitions()
    for acting in ACTING:
        assert definitions[acting.name].scope is not Scope.INTERNAL
        if definitions[acting.name].scope is Scope.CLUSTER_WIDE:
            changed = with_dynamic(SETTINGS, {acting.name: "77"})
            assert getattr(getattr(changed, acting.section), acting.field) == 77 * acting.unit
    assert with_dynamic(SETTINGS, {"no.such": "1"}) == SETTINGS


@pytest.mark.parametrize(
    "wanted",
    [
        {"node.id": "2"},
        {"log.initial.task.delay.ms": "1"},
        {"ssl.keystore.location": "/x"},
        {"log.retention.ms": "0"},
        {"log.cleaner.dedupe.buffer.size": str(1 << 20)},
        {"num.io.threads": "17"},
        {"num.io.threads": "3"},
        {"group.consumer.assignment.interval.ms": "15001"},
        {"max.connections.per.ip.overrides": "zz"},
        {"cordoned.log.dirs": "/elsewhere"},
        {"listeners": "PLAINTEXT://127.0.0.1:1"},
        {"metric.reporters": "no.such.Class"},
        {"log.local.retention.ms": "5001"},
        {"listener.name.a.max.connections": "x"},
        {"log.roll.ms": "0"},
        {"log.roll.jitter.ms": "-1"},
        {"max.connections": "0"},
        {"listener.name.plaintext.max.connections": "0"},
        {"max.connection.creation.rate": "0"},
        {"max.connections.per.ip": "0"},
        {"listener.security.protocol.map": "x"},
        {"listener.security.protocol.map": "PLAINTEXT:NONE"},
        {"principal.builder.class": "no.such.Class"},
        {"ssl.engine.factory.class": "no.such.Class"},
    ],
    ids=str,
)
def test_what_no_broker_may_be_given(wanted: dict[str, str]) -> None:
    with pytest.raises(InvalidConfigError):
        check_broker_change(configs(), wanted, is_per_broker=True)


@pytest.mark.parametrize(
    "wanted",
    [
        {"log.retention.ms": "1"},
        {"log.retention.ms": "-1"},
        {"log.cleaner.dedupe.buffer.size": str((1 << 20) + 1)},
        {"num.io.threads": "16"},
        {"num.io.threads": "4"},
        {"group.consumer.assignment.interval.ms": "15000"},
        {"cordoned.log.dirs": "/data"},
        {"cordoned.log.dirs": "*"},
        {"log.local.retention.ms": "5000"},
        {"no.such": "x"},
        {"log.roll.ms": "1"},
        {"log.roll.jitter.ms": "0"},
        {"max.connections": "1"},
        {"max.connection.creation.rate": "1"},
        {"max.connections.per.ip": "1"},
        {"max.connections.per.ip": "0", "max.connections.per.ip.overrides": "10.0.0.1:5"},
        {"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"},
    ],
    ids=str,
)
def test_what_every_broker_may_be_given(wanted: dict[str, str]) -> None:
    check_broker_change(configs(), wanted, is_per_broker=True)


def test_some_configs_are_of_one_broker_only() -> None:
    for name in ("sasl.enabled.mechanisms", "listener.name.a.ssl.keystore.location"):
        check_broker_change(configs(), {name: "x"}, is_per_broker=True)
        with pytest.raises(InvalidConfigError):
            check_broker_change(configs(), {name: "x"}, is_per_broker=False)
    check_broker_change(configs(), {"listener.name.a.max.connections": "5"}, is_per_broker=False)


def test_every_default_of_a_topic_with_a_broker_name_is_the_brokers() -> None:
    """CreateTopics tells the one, DescribeConfigs the other."""
    defaults = BrokerConfigs({}).topic_defaults()
    for name, definition in topic_definitions().items():
        if definition.broker_name is not None:
            assert defaults[name] == definition.default, name
