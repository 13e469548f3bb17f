"""Requests about configs of brokers, their loggers, groups, and subscriptions to clients' metrics.

Changes of brokers are only judged, or harmless and taken back: the oracle has other tests to serve.
"""

from typing import Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from tests.differential.generators.config_requests import (
    APPEND,
    DELETE,
    SET,
    SUBTRACT,
    Changes,
    alter,
    describe,
    resource,
)
from tests.differential.generators.draw import Draw, Makers
from tests.differential.session import Step

_BROKER, _LOGGER, _CLIENT_METRICS, _GROUP = 4, 8, 16, 32

_GOOD: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("log.retention.ms", ("1", "-1", "1000000000000", "-2")),
    ("log.retention.bytes", ("-1", "0")),
    ("log.segment.bytes", ("1048576", "2147483647")),
    ("log.roll.ms", ("1", "9223372036854775807")),
    ("log.cleanup.policy", ("compact", "delete", "compact,delete")),
    ("log.cleaner.threads", ("1", "2")),
    ("log.cleaner.backoff.ms", ("0", "1000")),
    ("log.cleaner.dedupe.buffer.size", ("99999999999999", "134217728")),
    ("log.cleaner.min.cleanable.ratio", ("0", "1", "0.5")),
    ("log.message.timestamp.type", ("CreateTime", "LogAppendTime")),
    ("message.max.bytes", ("0", "2147483647")),
    ("compression.type", ("producer", "zstd")),
    ("compression.zstd.level", ("-131072", "22")),
    ("max.connections", ("0", "10")),
    ("max.connections.per.ip.overrides", ("127.0.0.1:5", "127.0.0.1:5,10.0.0.1:6", "")),
    ("num.io.threads", ("4", "16", "8")),
    ("background.threads", ("5", "20")),
    ("group.consumer.assignment.interval.ms", ("0", "15000")),
    ("producer.id.expiration.ms", ("1", "2147483647")),
    ("unclean.leader.election.enable", ("true", "FALSE")),
    ("leader.replication.throttled.rate", ("0", "100")),
    ("follower.replication.throttled.rate", ("9223372036854775807",)),
    ("no.such.config", ("anything", "")),
    ("listener.name.plaintext.max.connections", ("5",)),
    ("retention.ms", ("1",)),
)
_BAD: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("node.id", ("2",)),
    ("num.partitions", ("3",)),
    ("log.dirs", ("/x",)),
    ("log.initial.task.delay.ms", ("5",)),
    ("ssl.keystore.location", ("/x",)),
    ("ssl.truststore.password", ("x",)),
    ("log.retention.ms", ("0", "x", "9223372036854775808")),
    ("log.segment.bytes", ("1048575", "")),
    ("log.cleanup.policy", ("remove", "compact,compact")),
    ("log.cleaner.threads", ("-1", "99")),
    ("log.cleaner.dedupe.buffer.size", ("10", "-1")),
    ("log.cleaner.min.cleanable.ratio", ("1.1", "x", "-1")),
    ("log.message.timestamp.type", ("x",)),
    ("message.max.bytes", ("-1", "1e3")),
    ("compression.zstd.level", ("23", "-131073")),
    ("compression.type", ("brotli", "none")),
    ("ssl.client.auth", ("maybe",)),
    ("max.connections", ("-1",)),
    ("max.connections.per.ip.overrides", ("zz",)),
    ("num.io.threads", ("0", "3", "17", "99")),
    ("background.threads", ("4", "21")),
    ("group.consumer.assignment.interval.ms", ("-1", "15001")),
    ("producer.id.expiration.ms", ("0",)),
    ("transaction.partition.verification.enable", ("maybe",)),
    ("leader.replication.throttled.rate", ("-1",)),
    ("listeners", ("PLAINTEXT://127.0.0.1:1",)),
    ("cordoned.log.dirs", ("/nowhere",)),
    ("metric.reporters", ("no.such.Class",)),
    ("log.local.retention.ms", ("99999999999999",)),
    ("listener.name.plaintext.max.connections", ("x",)),
)
_ONLY_PER_BROKER: Final = ("sasl.enabled.mechanisms", "principal.builder.class", "ssl.client.auth", "sasl.jaas.config")
_HARMLESS: Final[tuple[tuple[str, str], ...]] = (
    ("remote.log.reader.threads", "12"),
    ("remote.list.offsets.request.timeout.ms", " 40000 "),
    ("follower.fetch.last.tiered.offset.enable", "TRUE"),
    ("log.cleaner.io.max.bytes.per.second", "1e9"),
    ("log.cleaner.io.buffer.load.factor", "0.80"),
    ("max.connections.per.ip.overrides", "10.9.9.9:5"),
    ("sasl.jaas.config", "nobody sees it"),
    ("leader.replication.throttled.rate", "1000000"),
    ("nobody.knows.this", "hidden"),
    ("listener.name.other.ssl.key.password", "hidden"),
)
_GROUP_GOOD: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("consumer.session.timeout.ms", ("45000", "60000", " 50000 ")),
    ("consumer.heartbeat.interval.ms", ("5000", "15000")),
    ("consumer.assignment.interval.ms", ("0", "15000")),
    ("share.session.timeout.ms", ("45000", "60000")),
    ("share.record.lock.duration.ms", ("15000", "60000")),
    ("share.delivery.count.limit", ("2", "10")),
    ("share.partition.max.record.locks", ("100", "4000")),
    ("share.auto.offset.reset", ("earliest", "latest", "by_duration:PT1H", "by_duration:P1DT2H3M4.5S")),
    ("share.isolation.level", ("read_committed", "read_uncommitted")),
    ("share.renew.acknowledge.enable", ("false", "TRUE")),
    ("streams.num.standby.replicas", ("0", "2")),
    ("streams.initial.rebalance.delay.ms", ("0",)),
    ("streams.session.timeout.ms", ("45000",)),
)
_GROUP_BAD: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("consumer.session.timeout.ms", ("44999", "60001", "0", "x", "")),
    ("consumer.heartbeat.interval.ms", ("4999", "15001")),
    ("consumer.assignment.interval.ms", ("-1", "15001")),
    ("share.record.lock.duration.ms", ("999", "1000", "60001")),
    ("share.delivery.count.limit", ("1", "11")),
    ("share.partition.max.record.locks", ("99", "4001")),
    ("share.auto.offset.reset", ("x", "", "by_duration:x", "by_duration:-PT1H", "by_duration:P")),
    ("share.isolation.level", ("READ_COMMITTED",)),
    ("share.renew.acknowledge.enable", ("maybe",)),
    ("streams.num.standby.replicas", ("3", "-1")),
    ("streams.heartbeat.interval.ms", ("1",)),
    ("no.such.config", ("1",)),
)
_SUBSCRIPTION_GOOD: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("metrics", ("a.b", "a.b, c", "*", "")),
    ("interval.ms", ("100", "3600000")),
    ("match", ("client_id=x", "client_id=a.*,client_software_name=b", "")),
)
_SUBSCRIPTION_BAD: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("interval.ms", ("99", "3600001", "x", "")),
    ("match", ("client_idx=x", "client_id", "client_id=[")),
    ("no.such.config", ("1",)),
)

# Describing


def _describe_broker(draw: Draw) -> Step:
    keys = draw.pick(None, [], ["node.id"], ["log.retention.ms", "log.retention.hours", "log.roll.ms"])
    return describe(draw, f"broker, {keys}", [resource(_BROKER, draw.pick("1", "01"), keys)])


def _describe_all_brokers(draw: Draw) -> Step:
    keys = draw.pick(["min.insync.replicas"], ["min.insync.replicas", "node.id"], ["log.roll.ms"])
    return describe(draw, f"all brokers, {keys}", [resource(_BROKER, "", keys)])


def _describe_logger(draw: Draw) -> Step | None:
    if draw.kind == "mutated":
        # Which loggers there are is each program's own affair.
        return None
    return describe(draw, "logger", [resource(_LOGGER, "1", draw.pick(["root"], ["no.such.logger"]))])


def _describe_group(draw: Draw) -> Step:
    keys = draw.pick(None, ["consumer.session.timeout.ms"], ["no.such.config"])
    return describe(draw, f"group, {keys}", [resource(_GROUP, draw.fresh("group"), keys)])


def _describe_subscription(draw: Draw) -> Step:
    return describe(
        draw, "subscription", [resource(_CLIENT_METRICS, draw.fresh("metrics"), draw.pick(None, ["match"]))]
    )


def _describe_bad_broker(draw: Draw) -> Step:
    name = draw.pick("2", "x", "-1", "1.0", " 1")
    return describe(draw, f"broker {name!r}", [resource(_BROKER, name, ["node.id"])])


def _describe_bad_logger(draw: Draw) -> Step:
    name = draw.pick("", "2", "x")
    return describe(draw, f"logger {name!r}", [resource(_LOGGER, name, ["root"])])


def _describe_nameless(draw: Draw) -> Step:
    return describe(draw, "no name", [resource(draw.pick(_GROUP, _CLIENT_METRICS), "")])


# Altering


def _judge_broker(draw: Draw) -> Step:
    chosen = draw.some(_GOOD)[:2]
    changes: Changes = [(name, SET, draw.pick(*values)) for name, values in chosen]
    # Set as a whole, all brokers must keep what they begin with.
    kept: Changes = [("min.insync.replicas", SET, "1")] if draw.key == ApiKey.ALTER_CONFIGS else []
    name = draw.pick("1", "")
    return alter(draw, "a broker", [(_BROKER, name, [*changes, *([] if name else kept)])], only=True)


def _change_broker(draw: Draw) -> Step | None:
    """Change a broker, look at it, and take the change back."""
    if draw.kind == "mutated" or draw.key == ApiKey.ALTER_CONFIGS:
        return None
    name = draw.pick("1", "")
    chosen = [one for one in draw.some(_HARMLESS)[:3] if name or not one[0].startswith(("sasl", "listener"))]
    changes: Changes = [(config, SET, value) for config, value in chosen]
    undo = AlterConfigsResource(
        resource_type=_BROKER,
        resource_name=name,
        configs=[AlterableConfig(name=config, config_operation=DELETE, value=None) for config, _ in chosen],
    )
    taken_back = draw.other(
        ApiKey.INCREMENTAL_ALTER_CONFIGS,
        1,
        "it is taken back",
        lambda _: IncrementalAlterConfigsRequest(resources=[undo]),
        settle=True,
    )
    return alter(draw, "a broker", [(_BROKER, name, changes)], only=False, undo=[taken_back])


def _append_to_broker(draw: Draw) -> Step | None:
    if draw.key == ApiKey.ALTER_CONFIGS:
        return None
    change = ("log.cleanup.policy", draw.pick(APPEND, SUBTRACT), draw.pick("compact", "delete"))
    if change[1:] == (SUBTRACT, "delete"):
        return None
    return alter(draw, "append", [(_BROKER, draw.pick("1", ""), [change])], only=True)


def _alter_group(draw: Draw) -> Step:
    changes: Changes = [(name, SET, draw.pick(*values)) for name, values in draw.some(_GROUP_GOOD)[:3]]
    return alter(draw, "a group", [(_GROUP, draw.fresh("group"), changes)])


def _alter_subscription(draw: Draw) -> Step:
    changes: Changes = [(name, SET, draw.pick(*values)) for name, values in draw.some(_SUBSCRIPTION_GOOD)]
    return alter(draw, "a subscription", [(_CLIENT_METRICS, draw.fresh("metrics"), changes)])


def _delete_unknown(draw: Draw) -> Step | None:
    if draw.key == ApiKey.ALTER_CONFIGS:
        return None
    kind, name = draw.pick((_BROKER, "1"), (_GROUP, draw.fresh("group")), (_CLIENT_METRICS, draw.fresh("metrics")))
    return alter(draw, "delete", [(kind, name, [(draw.pick("no.such.config", "node.id"), DELETE, None)])], only=True)


def _bad_broker_value(draw: Draw) -> Step:
    name, values = draw.pick(*_BAD)
    kept: Changes = [("min.insync.replicas", SET, "1")] if draw.key == ApiKey.ALTER_CONFIGS else []
    broker = draw.pick("1", "")
    changes: Changes = [(name, SET, draw.pick(*values)), *([] if broker else kept)]
    return alter(draw, "a broker", [(_BROKER, broker, changes)], only=True)


def _bad_for_all_brokers(draw: Draw) -> Step:
    name = draw.pick(*_ONLY_PER_BROKER, "listener.name.plaintext.ssl.keystore.location")
    changes: Changes = [(name, SET, "none"), ("min.insync.replicas", SET, "1")]
    return alter(draw, "all brokers", [(_BROKER, "", changes)], only=True)


def _bad_broker_name(draw: Draw) -> Step:
    return alter(draw, "name", [(_BROKER, draw.pick("2", "x", "-1"), [("log.retention.ms", SET, "1")])], only=True)


def _bad_broker_change(draw: Draw) -> Step | None:
    if draw.key == ApiKey.ALTER_CONFIGS:
        return None
    change: tuple[str, int, str | None] = draw.pick(
        ("log.retention.ms", APPEND, "1"),
        ("no.such.config", APPEND, "1"),
        ("log.retention.ms", 9, "1"),
        ("log.retention.ms", SET, None),
        ("min.insync.replicas", DELETE, None),
    )
    return alter(draw, "a broker", [(_BROKER, draw.pick("1", ""), [change])], only=True)


def _bad_min_insync_replicas(draw: Draw) -> Step:
    return alter(draw, "min.insync.replicas", [(_BROKER, "1", [("min.insync.replicas", SET, "1")])], only=True)


def _bad_group_value(draw: Draw) -> Step:
    name, values = draw.pick(*_GROUP_BAD)
    return alter(draw, "a group", [(_GROUP, draw.fresh("group"), [(name, SET, draw.pick(*values))])])


def _bad_subscription_value(draw: Draw) -> Step:
    name, values = draw.pick(*_SUBSCRIPTION_BAD)
    return alter(draw, "a subscription", [(_CLIENT_METRICS, draw.fresh("metrics"), [(name, SET, draw.pick(*values))])])


def _bad_names(draw: Draw) -> Step:
    kind, config = draw.pick((_GROUP, "consumer.session.timeout.ms"), (_CLIENT_METRICS, "interval.ms"))
    return alter(draw, "no name", [(kind, "", [(config, SET, "45000")])], only=True)


def _bad_append(draw: Draw) -> Step | None:
    if draw.key == ApiKey.ALTER_CONFIGS:
        return None
    kind, config = draw.pick((_GROUP, "consumer.session.timeout.ms"), (_CLIENT_METRICS, "metrics"))
    return alter(draw, "append", [(kind, draw.fresh("appended"), [(config, APPEND, "45000")])])


def _bad_logger(draw: Draw) -> Step:
    name, change = draw.pick(
        ("1", ("no.such.logger", SET, "INFO")),
        ("1", ("root", SET, "LOUD")),
        ("1", ("root", DELETE, "INFO")),
        ("1", ("root", APPEND, "INFO")),
        ("", ("root", SET, "INFO")),
        ("2", ("root", SET, "INFO")),
    )
    return alter(draw, "logger", [(_LOGGER, name, [change])], only=True)


DESCRIBING: Final = Makers(
    (_describe_broker, _describe_all_brokers, _describe_logger, _describe_group, _describe_subscription),
    (_describe_bad_broker, _describe_bad_logger, _describe_nameless),
)
ALTERING: Final = Makers(
    (_judge_broker, _change_broker, _append_to_broker, _alter_group, _alter_subscription, _delete_unknown),
    (
        _bad_broker_value,
        _bad_for_all_brokers,
        _bad_broker_name,
        _bad_broker_change,
        _bad_min_insync_replicas,
        _bad_group_value,
        _bad_subscription_value,
        _bad_names,
        _bad_append,
        _bad_logger,
    ),
)
