"""Topic configs: what values are, what is refused, what a change does at once."""

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.alter_configs import AlterableConfig as WholeConfig
from kcon_broker.wire.messages.alter_configs import AlterConfigsRequest
from kcon_broker.wire.messages.alter_configs import AlterConfigsResource as WholeResource
from kcon_broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResult,
)
from kcon_broker.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from tests.semantics.batches import now_ms, record
from tests.semantics.case import case, each
from tests.semantics.kafka import Kafka, creatable

_TOPIC = 2
_SET, _DELETE, _APPEND, _SUBTRACT = range(4)
_DYNAMIC_TOPIC, _DEFAULT = 1, 5


def alter(kafka: Kafka, topic: str, *changes: tuple[str, int, str | None], validate_only: bool = False) -> int:
    """Change configs of a topic one by one; return the error code once the change is known."""
    configs = [AlterableConfig(name=name, config_operation=how, value=value) for name, how, value in changes]
    resource = AlterConfigsResource(resource_type=_TOPIC, resource_name=topic, configs=configs)
    request = IncrementalAlterConfigsRequest(resources=[resource], validate_only=validate_only)
    code: int = kafka.ask(request, 1).responses[0].error_code
    if not code and not validate_only:
        kafka.settle()
    return code


def replace(kafka: Kafka, topic: str, **configs: str) -> int:
    """Replace all configs of a topic; return the error code once the change is known."""
    values = [WholeConfig(name=name.replace("_", "."), value=value) for name, value in configs.items()]
    resource = WholeResource(resource_type=_TOPIC, resource_name=topic, configs=values)
    code: int = kafka.ask(AlterConfigsRequest(resources=[resource]), 2).responses[0].error_code
    if not code:
        kafka.settle()
    return code


def _described(kafka: Kafka, topic: str, *keys: str) -> DescribeConfigsResult:
    resource = DescribeConfigsResource(resource_type=_TOPIC, resource_name=topic, configuration_keys=list(keys) or None)
    found: DescribeConfigsResult = kafka.ask(
        DescribeConfigsRequest(resources=[resource], include_synonyms=True, include_documentation=True), 4
    ).results[0]
    return found


def config(kafka: Kafka, topic: str, name: str) -> DescribeConfigsResourceResult:
    """Return what is told of one config of a topic."""
    (found,) = _described(kafka, topic, name).configs
    return found


@each(
    {
        "cleanup.policy": ("cleanup.policy", "delete"),
        "compression.type": ("compression.type", "producer"),
        "compression.gzip.level": ("compression.gzip.level", "-1"),
        "compression.lz4.level": ("compression.lz4.level", "9"),
        "compression.zstd.level": ("compression.zstd.level", "3"),
        "delete.retention.ms": ("delete.retention.ms", "86400000"),
        "file.delete.delay.ms": ("file.delete.delay.ms", "60000"),
        "flush.messages": ("flush.messages", "9223372036854775807"),
        "flush.ms": ("flush.ms", "9223372036854775807"),
        "index.interval.bytes": ("index.interval.bytes", "4096"),
        "max.compaction.lag.ms": ("max.compaction.lag.ms", "9223372036854775807"),
        "max.message.bytes": ("max.message.bytes", "1048588"),
        "message.timestamp.after.max.ms": ("message.timestamp.after.max.ms", "3600000"),
        "message.timestamp.before.max.ms": ("message.timestamp.before.max.ms", "9223372036854775807"),
        "message.timestamp.type": ("message.timestamp.type", "CreateTime"),
        "min.cleanable.dirty.ratio": ("min.cleanable.dirty.ratio", "0.5"),
        "min.compaction.lag.ms": ("min.compaction.lag.ms", "0"),
        "min.insync.replicas": ("min.insync.replicas", "1"),
        "preallocate": ("preallocate", "false"),
        "retention.bytes": ("retention.bytes", "-1"),
        "retention.ms": ("retention.ms", "604800000"),
        "segment.bytes": ("segment.bytes", "1073741824"),
        "segment.index.bytes": ("segment.index.bytes", "10485760"),
        "segment.jitter.ms": ("segment.jitter.ms", "0"),
        "segment.ms": ("segment.ms", "604800000"),
        "unclean.leader.election.enable": ("unclean.leader.election.enable", "false"),
    }
)
def the_default_is(kafka: Kafka, wanted: tuple[str, str]) -> None:
    name, value = wanted
    assert config(kafka, kafka.topic(), name).value == value


@each(
    {
        "boolean": ("preallocate", 1),
        "string": ("compression.type", 2),
        "int": ("segment.bytes", 3),
        "long": ("retention.ms", 5),
        "double": ("min.cleanable.dirty.ratio", 6),
        "list": ("cleanup.policy", 7),
    }
)
def the_type_is_told(kafka: Kafka, wanted: tuple[str, int]) -> None:
    name, kind = wanted
    assert config(kafka, kafka.topic(), name).config_type == kind


@case
def all_configs_of_a_topic_are_told_when_none_is_named(kafka: Kafka) -> None:
    names = {one.name for one in _described(kafka, kafka.topic()).configs}
    assert {"cleanup.policy", "retention.ms", "segment.bytes", "local.retention.ms", "remote.storage.enable"} <= names
    assert len(names) == 33


@case
def a_named_config_is_told_alone(kafka: Kafka) -> None:
    assert [one.name for one in _described(kafka, kafka.topic(), "retention.ms").configs] == ["retention.ms"]


@case
def an_unknown_named_config_is_left_out(kafka: Kafka) -> None:
    found = _described(kafka, kafka.topic(), "no.such.config")
    assert (found.error_code, found.configs) == (ErrorCode.NONE, [])


@case
def configs_of_an_unknown_topic_are_unknown(kafka: Kafka) -> None:
    assert _described(kafka, kafka.fresh("no")).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def configs_of_an_invalid_topic_name_are_invalid(kafka: Kafka) -> None:
    assert _described(kafka, "a/b").error_code == ErrorCode.INVALID_TOPIC_EXCEPTION


@case
def a_value_given_at_creation_is_a_dynamic_topic_config(kafka: Kafka) -> None:
    found = config(kafka, kafka.topic(retention_ms="777"), "retention.ms")
    assert (found.value, found.config_source) == ("777", _DYNAMIC_TOPIC)


@case
def synonyms_tell_the_value_and_what_it_overrides(kafka: Kafka) -> None:
    found = config(kafka, kafka.topic(max_message_bytes="2000"), "max.message.bytes")
    assert [(one.name, one.value) for one in found.synonyms] == [
        ("max.message.bytes", "2000"),
        ("message.max.bytes", "1048588"),
    ]


@case
def a_set_value_is_told(kafka: Kafka) -> None:
    topic = kafka.topic()
    assert alter(kafka, topic, ("retention.ms", _SET, "5000")) == ErrorCode.NONE
    assert config(kafka, topic, "retention.ms").value == "5000"


@case
def a_deleted_value_is_the_default_again(kafka: Kafka) -> None:
    topic = kafka.topic(retention_ms="5000")
    assert alter(kafka, topic, ("retention.ms", _DELETE, None)) == ErrorCode.NONE
    found = config(kafka, topic, "retention.ms")
    assert (found.value, found.config_source) == ("604800000", _DEFAULT)


@case
def deleting_what_is_not_set_is_no_error(kafka: Kafka) -> None:
    assert alter(kafka, kafka.topic(), ("retention.ms", _DELETE, None)) == ErrorCode.NONE


@case
def an_append_works_on_the_default(kafka: Kafka) -> None:
    topic = kafka.topic()
    assert alter(kafka, topic, ("cleanup.policy", _APPEND, "compact")) == ErrorCode.NONE
    assert config(kafka, topic, "cleanup.policy").value == "delete,compact"


@case
def an_append_of_what_is_there_changes_nothing(kafka: Kafka) -> None:
    topic = kafka.topic(cleanup_policy="compact")
    assert alter(kafka, topic, ("cleanup.policy", _APPEND, "compact")) == ErrorCode.NONE
    assert config(kafka, topic, "cleanup.policy").value == "compact"


@case
def a_subtract_takes_a_value_away(kafka: Kafka) -> None:
    topic = kafka.topic(cleanup_policy="compact,delete")
    assert alter(kafka, topic, ("cleanup.policy", _SUBTRACT, "compact")) == ErrorCode.NONE
    assert config(kafka, topic, "cleanup.policy").value == "delete"


@each({"append": _APPEND, "subtract": _SUBTRACT})
def a_value_that_is_no_list_is_refused_by(kafka: Kafka, how: int) -> None:
    assert alter(kafka, kafka.topic(), ("retention.ms", how, "1")) == ErrorCode.INVALID_CONFIG


@case
def an_unknown_operation_is_an_unknown_server_error(kafka: Kafka) -> None:
    assert alter(kafka, kafka.topic(), ("retention.ms", 9, "1")) == ErrorCode.UNKNOWN_SERVER_ERROR


@case
def a_config_named_twice_in_one_change_is_an_invalid_request(kafka: Kafka) -> None:
    code = alter(kafka, kafka.topic(), ("retention.ms", _SET, "1"), ("retention.ms", _SET, "2"))
    assert code == ErrorCode.INVALID_REQUEST


@case
def setting_null_is_an_invalid_request(kafka: Kafka) -> None:
    assert alter(kafka, kafka.topic(), ("retention.ms", _SET, None)) == ErrorCode.INVALID_REQUEST


@case
def a_bad_value_among_good_ones_changes_nothing(kafka: Kafka) -> None:
    topic = kafka.topic()
    code = alter(kafka, topic, ("retention.ms", _SET, "5"), ("segment.bytes", _SET, "many"))
    assert code == ErrorCode.INVALID_CONFIG
    assert config(kafka, topic, "retention.ms").value == "604800000"


@case
def validate_only_changes_nothing(kafka: Kafka) -> None:
    topic = kafka.topic()
    assert alter(kafka, topic, ("retention.ms", _SET, "5"), validate_only=True) == ErrorCode.NONE
    kafka.settle()
    assert config(kafka, topic, "retention.ms").value == "604800000"


@case
def a_change_of_an_unknown_topic_is_unknown(kafka: Kafka) -> None:
    code = alter(kafka, kafka.fresh("no"), ("retention.ms", _SET, "5"))
    assert code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def replacing_all_configs_unsets_those_not_named(kafka: Kafka) -> None:
    topic = kafka.topic(retention_ms="5000", segment_ms="9000")
    assert replace(kafka, topic, segment_ms="8000") == ErrorCode.NONE
    assert config(kafka, topic, "retention.ms").config_source == _DEFAULT
    assert config(kafka, topic, "segment.ms").value == "8000"


@each(
    {
        "retention.ms of -2": ("retention.ms", "-2"),
        "retention.ms of a word": ("retention.ms", "soon"),
        "retention.ms with a fraction": ("retention.ms", "1.5"),
        "retention.ms beyond 64 bits": ("retention.ms", "9223372036854775808"),
        "segment.bytes of a word": ("segment.bytes", "many"),
        "segment.bytes beyond 32 bits": ("segment.bytes", "2147483648"),
        "segment.bytes too small": ("segment.bytes", "13"),
        "segment.ms of 0": ("segment.ms", "0"),
        "cleanup.policy unknown": ("cleanup.policy", "shred"),
        "compression.type unknown": ("compression.type", "zip"),
        "message.timestamp.type unknown": ("message.timestamp.type", "Never"),
        "max.message.bytes negative": ("max.message.bytes", "-1"),
        "min.cleanable.dirty.ratio above 1": ("min.cleanable.dirty.ratio", "1.1"),
        "min.cleanable.dirty.ratio below 0": ("min.cleanable.dirty.ratio", "-0.1"),
        "min.insync.replicas of 0": ("min.insync.replicas", "0"),
        "index.interval.bytes negative": ("index.interval.bytes", "-1"),
        "segment.index.bytes of 3": ("segment.index.bytes", "3"),
        "preallocate of yes": ("preallocate", "yes"),
        "flush.messages of 0": ("flush.messages", "0"),
        "flush.ms negative": ("flush.ms", "-1"),
        "delete.retention.ms negative": ("delete.retention.ms", "-1"),
        "file.delete.delay.ms negative": ("file.delete.delay.ms", "-1"),
        "max.compaction.lag.ms of 0": ("max.compaction.lag.ms", "0"),
        "message.timestamp.after.max.ms negative": ("message.timestamp.after.max.ms", "-1"),
        "compression.gzip.level of 10": ("compression.gzip.level", "10"),
        "compression.lz4.level of 18": ("compression.lz4.level", "18"),
        "compression.zstd.level of 23": ("compression.zstd.level", "23"),
        "an unknown name": ("no.such.config", "1"),
    }
)
def a_value_is_refused(kafka: Kafka, given: tuple[str, str]) -> None:
    name, value = given
    assert alter(kafka, kafka.topic(), (name, _SET, value)) == ErrorCode.INVALID_CONFIG
    (created,) = kafka.create(creatable(kafka.fresh("bad"), 1, 1, **{name: value})).topics
    assert created.error_code == ErrorCode.INVALID_CONFIG


@each(
    {
        "retention.ms of -1": ("retention.ms", "-1"),
        "retention.ms of 0": ("retention.ms", "0"),
        "retention.bytes of -1": ("retention.bytes", "-1"),
        "cleanup.policy of both": ("cleanup.policy", "compact,delete"),
        "compression.type of zstd": ("compression.type", "zstd"),
        "min.cleanable.dirty.ratio of 0": ("min.cleanable.dirty.ratio", "0"),
        "min.cleanable.dirty.ratio of 1": ("min.cleanable.dirty.ratio", "1.0"),
        "max.message.bytes of 0": ("max.message.bytes", "0"),
        "preallocate of TRUE": ("preallocate", "TRUE"),
        "spaces around a number": ("retention.ms", " 5000 "),
        "compression.gzip.level of -1": ("compression.gzip.level", "-1"),
        "compression.zstd.level of -131072": ("compression.zstd.level", "-131072"),
    }
)
def a_value_is_taken(kafka: Kafka, given: tuple[str, str]) -> None:
    name, value = given
    topic = kafka.topic()
    assert alter(kafka, topic, (name, _SET, value)) == ErrorCode.NONE
    assert config(kafka, topic, name).config_source == _DYNAMIC_TOPIC


# What a change does


@case
def a_smaller_max_message_bytes_is_obeyed_at_once(kafka: Kafka) -> None:
    topic = kafka.topic()
    alter(kafka, topic, ("max.message.bytes", _SET, "100"))
    assert kafka.produce(topic, b"x" * 200).error_code == ErrorCode.MESSAGE_TOO_LARGE


@case
def a_topic_that_becomes_compacted_wants_keys_at_once(kafka: Kafka) -> None:
    topic = kafka.topic()
    alter(kafka, topic, ("cleanup.policy", _SET, "compact"))
    assert kafka.produce(topic, b"a").error_code == ErrorCode.INVALID_RECORD
    assert kafka.produce(topic, record(b"a", key=b"k")).error_code == ErrorCode.NONE


@case
def a_change_to_log_append_time_is_obeyed_at_once(kafka: Kafka) -> None:
    topic = kafka.topic()
    alter(kafka, topic, ("message.timestamp.type", _SET, "LogAppendTime"))
    assert kafka.produce(topic, record(b"a", timestamp_ms=5)).log_append_time_ms > 5


@case
def a_change_of_the_oldest_timestamp_is_obeyed_at_once(kafka: Kafka) -> None:
    topic = kafka.topic()
    alter(kafka, topic, ("message.timestamp.before.max.ms", _SET, "1000"))
    assert kafka.produce(topic, record(b"a", timestamp_ms=now_ms() - 60_000)).error_code == ErrorCode.INVALID_TIMESTAMP
