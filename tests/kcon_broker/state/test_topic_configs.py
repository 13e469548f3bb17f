"""Topic configs are judged as Apache Kafka judges them: values at each limit, one below, one above."""

import pytest

from kcon_broker.state.configs.definitions import topic_definitions
from kcon_broker.state.configs.values import InvalidConfigError
from kcon_broker.state.topic_configs import check_configs, effective_config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cleanup.policy", "compact,delete"),
        ("cleanup.policy", " compact , delete "),
        ("retention.ms", "-1"),
        ("retention.bytes", "-1"),
        ("segment.bytes", "1048576"),
        ("max.message.bytes", "0"),
        ("min.cleanable.dirty.ratio", "1"),
        ("compression.gzip.level", "-1"),
        ("compression.gzip.level", "9"),
        ("compression.lz4.level", "17"),
        ("compression.type", "zstd"),
        ("message.timestamp.type", "LogAppendTime"),
        ("preallocate", "TRUE"),
        ("leader.replication.throttled.replicas", "*"),
        ("leader.replication.throttled.replicas", "0:1,1:1"),
    ],
)
def test_value_is_accepted(name: str, value: str) -> None:
    check_configs({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no.such.config", "1"),
        ("cleanup.policy", "shred"),
        ("cleanup.policy", "compact,compact"),
        ("retention.ms", "-2"),
        ("retention.ms", "soon"),
        ("retention.ms", "9223372036854775808"),
        ("segment.bytes", "1048575"),
        ("segment.bytes", "2147483648"),
        ("max.message.bytes", "-1"),
        ("min.cleanable.dirty.ratio", "1.01"),
        ("compression.gzip.level", "0"),
        ("compression.gzip.level", "10"),
        ("compression.lz4.level", "18"),
        ("compression.type", "brotli"),
        ("message.timestamp.type", "createtime"),
        ("preallocate", "yes"),
        ("remote.storage.enable", "true"),
        ("leader.replication.throttled.replicas", "0-1"),
        ("min.insync.replicas", "0"),
    ],
)
def test_value_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidConfigError):
        check_configs({name: value})


def test_null_value_is_refused() -> None:
    with pytest.raises(InvalidConfigError):
        check_configs({"retention.ms": None})


def test_compaction_lags_must_not_contradict_each_other() -> None:
    with pytest.raises(InvalidConfigError):
        check_configs({"min.compaction.lag.ms": "11", "max.compaction.lag.ms": "10"})
    check_configs({"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "10"})


def test_every_default_satisfies_its_own_check() -> None:
    check_configs({name: definition.default for name, definition in topic_definitions().items()})


def test_there_are_as_many_configs_as_in_kafka() -> None:
    assert len(topic_definitions()) == 33


def test_own_value_comes_before_the_brokers_default() -> None:
    defaults = {"retention.ms": "5", "segment.bytes": "2000000"}
    config = effective_config({"retention.ms": "7", "cleanup.policy": "compact, delete"}, defaults)
    assert (config.retention_ms, config.segment_bytes, config.max_message_bytes) == (7, 2_000_000, 1_048_588)
    assert config.is_compacted
    assert config.is_deleted_by_age_or_size
