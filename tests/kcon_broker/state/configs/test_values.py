"""What a value may be is read from Kafka's own words: at each limit, one below, one above."""

import pytest

from kcon_broker.state.configs.definitions import (
    ConfigDefinition,
    Scope,
    broker_definitions,
    group_definitions,
    topic_definitions,
)
from kcon_broker.state.configs.values import (
    InvalidConfigError,
    canonical,
    check_of,
    check_value,
    java_text,
    parse_integer,
)

ALL = broker_definitions() | topic_definitions() | group_definitions()


def definition(name: str) -> ConfigDefinition:
    return ALL[name]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("log.cleaner.threads", ["0", "2147483647", " 1 ", "+1"], ["-1", "2147483648", "1.5", "", "0x1", "1_0"]),
        ("compression.gzip.level", ["-1", "1", "9"], ["-2", "0", "10"]),
        ("min.cleanable.dirty.ratio", ["0", "1", "1e-1"], ["-0.1", "1.1", "x"]),
        ("remote.log.manager.task.retry.jitter", ["0.5"], ["0.51"]),
        ("log.message.timestamp.type", ["CreateTime"], ["createtime", ""]),
        ("compression.type", ["lz4", "uncompressed"], ["brotli", "none"]),
        ("cleanup.policy", ["compact", "compact , delete"], ["compact,compact", "x"]),
        ("unclean.leader.election.enable", ["TRUE", "false"], ["yes", ""]),
        ("share.auto.offset.reset", ["latest", "by_duration:PT1H", "by_duration:P1DT2.5S"],
         ["by_duration:P", "by_duration:PT", "by_duration:-PT1H", "LATEST"]),
        ("leader.replication.throttled.replicas", ["*", "", "0:1,1:2"], ["0", "*,0:1", "a:b"]),
        ("sasl.jaas.config", ["anything"], []),
    ],
)  # fmt: skip
def test_values_at_their_limits(name: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        check_value(definition(name), text)
    for text in bad:
        with pytest.raises(InvalidConfigError):
            check_value(definition(name), text)


def test_every_word_of_kafkas_is_understood_where_values_can_be_set() -> None:
    """Words that nobody reads would let any value pass."""
    read_only = {Scope.READ_ONLY, Scope.INTERNAL}
    settable = [one for one in broker_definitions().values() if one.scope not in read_only]
    for one in (*settable, *topic_definitions().values(), *group_definitions().values()):
        assert not one.valid or check_of(one.valid) is not None, one


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("cleanup.policy", " compact , delete ", "compact,delete"),
        ("preallocate", "TRUE", "true"),
        ("retention.ms", " +5 ", "5"),
        ("log.cleaner.io.max.bytes.per.second", "1e9", "1.0E9"),
        ("min.cleanable.dirty.ratio", "0.80", "0.8"),
    ],
)
def test_a_value_is_told_as_java_prints_it(name: str, text: str, told: str) -> None:
    assert canonical(definition(name), text) == told


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0.0, "0.0"),
        (0.001, "0.001"),
        (0.000999, "9.99E-4"),
        (9_999_999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (float("inf"), "Infinity"),
    ],
)
def test_doubles_have_an_exponent_where_java_gives_them_one(number: float, told: str) -> None:
    assert java_text(number) == told


def test_an_integer_has_no_spaces() -> None:
    assert parse_integer("-01") == -1
    for text in (" 1", "1 ", "1_0", "", "1.0"):
        with pytest.raises(ValueError, match=r".*"):
            parse_integer(text)
