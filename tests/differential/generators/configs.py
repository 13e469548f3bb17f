"""Requests about configs of topics: DescribeConfigs, IncrementalAlterConfigs, AlterConfigs.

Those of brokers, groups and subscriptions are in `broker_configs`.
"""

from typing import Any, Final

from kcon_broker.wire.api_keys import ApiKey
from tests.differential.generators import broker_configs
from tests.differential.generators.config_requests import APPEND, DELETE, SET, SUBTRACT, alter, describe, resource
from tests.differential.generators.draw import BAD_TOPIC_NAMES, Draw, Makers, topic
from tests.differential.session import Step

_TOPIC = 2

GOOD_CONFIGS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("cleanup.policy", ("delete", "compact", "compact,delete", "delete, compact")),
    ("compression.type", ("producer", "uncompressed", "gzip", "snappy", "lz4", "zstd")),
    ("compression.gzip.level", ("-1", "1", "9")),
    ("compression.zstd.level", ("-131072", "22", "3")),
    ("compression.lz4.level", ("1", "17")),
    ("delete.retention.ms", ("0", "9223372036854775807", " 5 ")),
    ("file.delete.delay.ms", ("0", "60000")),
    ("flush.messages", ("1", "9223372036854775807")),
    ("flush.ms", ("0", "1000")),
    ("index.interval.bytes", ("0", "4096", "2147483647")),
    ("local.retention.bytes", ("-2",)),
    ("local.retention.ms", ("-2",)),
    ("max.compaction.lag.ms", ("1", "9223372036854775807")),
    ("max.message.bytes", ("0", "1", "2147483647")),
    ("message.timestamp.after.max.ms", ("0", "9223372036854775807")),
    ("message.timestamp.before.max.ms", ("0", "9223372036854775807")),
    ("message.timestamp.type", ("CreateTime", "LogAppendTime")),
    ("min.cleanable.dirty.ratio", ("0", "0.25", "1", "1.0", "1e-1")),
    ("min.insync.replicas", ("1", "2", "2147483647")),
    ("preallocate", ("true", "false", "TRUE")),
    ("retention.bytes", ("-1", "0", "100")),
    ("retention.ms", ("-1", "3600000")),
    ("segment.bytes", ("1048576", "2147483647")),
    ("segment.index.bytes", ("4", "2147483647")),
    ("segment.jitter.ms", ("0", "10")),
    ("segment.ms", ("1", "604800000")),
    ("unclean.leader.election.enable", ("true", "false")),
    ("leader.replication.throttled.replicas", ("", "*", "0:1", "0:1,1:1")),
    ("follower.replication.throttled.replicas", ("*", "0:0")),
)
BAD_CONFIGS: Final[tuple[tuple[str, tuple[str | None, ...]], ...]] = (
    ("cleanup.policy", ("remove", "compact,remove", "compact,compact", "Compact", None)),
    ("compression.type", ("none", "", "GZIP", "brotli")),
    ("compression.gzip.level", ("0", "10", "-2")),
    ("compression.zstd.level", ("-131073", "23")),
    ("compression.lz4.level", ("0", "18")),
    ("delete.retention.ms", ("-1", "x", "", "9223372036854775808", "1.5")),
    ("file.delete.delay.ms", ("-1",)),
    ("flush.messages", ("0", "-1")),
    ("flush.ms", ("-1",)),
    ("index.interval.bytes", ("-1", "2147483648")),
    ("local.retention.bytes", ("-3",)),
    ("local.retention.ms", ("-3",)),
    ("max.compaction.lag.ms", ("0",)),
    ("max.message.bytes", ("-1", "1e3", "0x10")),
    ("message.timestamp.after.max.ms", ("-1",)),
    ("message.timestamp.before.max.ms", ("-1",)),
    ("message.timestamp.type", ("createtime", "", "LogTime")),
    ("min.cleanable.dirty.ratio", ("-0.1", "1.1", "x", "2")),
    ("min.insync.replicas", ("0", "-1")),
    ("preallocate", ("yes", "1", "")),
    ("retention.bytes", ("-2",)),
    ("retention.ms", ("-2", "a")),
    ("segment.bytes", ("1048575", "0", "2147483648")),
    ("segment.index.bytes", ("3",)),
    ("segment.jitter.ms", ("-1",)),
    ("segment.ms", ("0",)),
    ("unclean.leader.election.enable", ("maybe",)),
    ("leader.replication.throttled.replicas", ("0", "a:b", "*,0:1")),
    ("remote.storage.enable", ("true", "x")),
    ("no.such.config", ("1", None)),
    ("", ("1",)),
    ("message.format.version", ("3.0",)),
    ("message.downconversion.enable", ("true",)),
)
_LISTS: Final = ("cleanup.policy", "leader.replication.throttled.replicas", "follower.replication.throttled.replicas")

# DescribeConfigs


def _describe_topic(draw: Draw) -> Step:
    name = draw.shared(draw.pick("plain", "compact", "small", "append"))
    return describe(draw, f"all of {name}", [resource(_TOPIC, name)])


def _describe_keys(draw: Draw) -> Step:
    keys = draw.pick([], ["retention.ms"], ["cleanup.policy", "segment.bytes", "cleanup.policy"], ["max.message.bytes"])
    return describe(draw, f"keys {keys}", [resource(_TOPIC, draw.shared("small"), keys)])


def _describe_unknown_keys(draw: Draw) -> Step:
    keys = ["no.such.config", "", "retention.ms"]
    return describe(draw, f"keys {keys}", [resource(_TOPIC, draw.shared("small"), keys)])


def _describe_two(draw: Draw) -> Step:
    names = [draw.shared("small"), draw.shared("plain")]
    return describe(draw, "two topics", [resource(_TOPIC, name, ["retention.ms"]) for name in names])


def _describe_missing(draw: Draw) -> Step:
    return describe(draw, "missing", [resource(_TOPIC, draw.fresh("missing")), resource(_TOPIC, draw.shared("zstd"))])


def _describe_bad_name(draw: Draw) -> Step:
    name = draw.pick(*BAD_TOPIC_NAMES)
    return describe(draw, f"name {name!r}", [resource(_TOPIC, name)])


def _describe_bad_type(draw: Draw) -> Step:
    kind = draw.pick(0, 1, 3, 64, 127, -1, -128)
    return describe(draw, f"type {kind}", [resource(kind, draw.pick("1", ""))])


def _describe_twice(draw: Draw) -> Step:
    one = resource(_TOPIC, draw.shared("small"), ["retention.ms"])
    return describe(draw, "one twice", [one, one])


# IncrementalAlterConfigs


def _alter_one(draw: Draw) -> Step:
    target = draw.fresh("changed")
    chosen = draw.some(GOOD_CONFIGS)[:3]
    changes: list[tuple[str, int, str | None]] = [(name, SET, draw.pick(*values)) for name, values in chosen]
    return alter(draw, "set", [(_TOPIC, target, changes)], topics=[topic(target)])


def _alter_nothing(draw: Draw) -> Step:
    target = draw.fresh("changed")
    return alter(draw, "nothing", draw.pick([], [(_TOPIC, target, [])]), topics=[topic(target)])


def _alter_delete(draw: Draw) -> Step | None:
    if draw.key == ApiKey.ALTER_CONFIGS:
        return None
    target = draw.fresh("changed")
    changes: list[tuple[str, int, str | None]] = [
        ("retention.ms", DELETE, draw.pick(None, "", "5")),
        ("segment.ms", DELETE, None),
    ]
    return alter(draw, "delete", [(_TOPIC, target, changes)], topics=[topic(target)])


def _alter_list(draw: Draw) -> Step | None:
    if draw.key == ApiKey.ALTER_CONFIGS:
        return None
    target = draw.fresh("changed")
    operation = draw.pick(APPEND, SUBTRACT)
    value = draw.pick("compact", "compact,delete", "delete")
    own: dict[str, Any] = (
        {"cleanup_policy": draw.pick("compact", "delete", "compact,delete")} if draw.rng.random() < 0.6 else {}
    )
    changes: list[tuple[str, int, str | None]] = [("cleanup.policy", operation, value)]
    return alter(draw, f"{own} then", [(_TOPIC, target, changes)], topics=[topic(target, **own)])


def _alter_bad_value(draw: Draw) -> Step:
    target = draw.fresh("kept")
    name, values = draw.pick(*BAD_CONFIGS)
    return alter(draw, "set", [(_TOPIC, target, [(name, SET, draw.pick(*values))])], topics=[topic(target)])


def _alter_mixed(draw: Draw) -> Step:
    target, other = draw.fresh("kept"), draw.fresh("changed")
    bad: list[tuple[str, int, str | None]] = [("segment.ms", SET, "5"), ("retention.ms", SET, "x")]
    good: list[tuple[str, int, str | None]] = [("segment.ms", SET, "7")]
    return alter(draw, "good and bad", [(_TOPIC, target, bad), (_TOPIC, other, good)],
                  topics=[topic(target), topic(other)])  # fmt: skip


def _alter_bad_operation(draw: Draw) -> Step | None:
    if draw.key == ApiKey.ALTER_CONFIGS:
        return None
    target = draw.fresh("kept")
    operation = draw.pick(4, -1, 127, -128)
    return alter(
        draw, "operation", [(_TOPIC, target, [("cleanup.policy", operation, "compact")])], topics=[topic(target)]
    )


def _alter_not_a_list(draw: Draw) -> Step | None:
    if draw.key == ApiKey.ALTER_CONFIGS:
        return None
    target = draw.fresh("kept")
    change = (draw.pick("segment.ms", "compression.type"), draw.pick(APPEND, SUBTRACT), "5")
    return alter(draw, "append", [(_TOPIC, target, [change])], topics=[topic(target)])


def _alter_null(draw: Draw) -> Step:
    target = draw.fresh("kept")
    operation = draw.pick(SET, APPEND, SUBTRACT)
    return alter(draw, "null", [(_TOPIC, target, [("cleanup.policy", operation, None)])], topics=[topic(target)])


def _alter_key_twice(draw: Draw) -> Step:
    target = draw.fresh("kept")
    changes: list[tuple[str, int, str | None]] = [("segment.ms", SET, "5"), ("segment.ms", SET, "6")]
    return alter(draw, "twice", [(_TOPIC, target, changes)], topics=[topic(target)])


def _alter_topic_twice(draw: Draw) -> Step:
    target = draw.fresh("kept")
    return alter(draw, "one topic twice", [(_TOPIC, target, [("segment.ms", SET, str(value))]) for value in (5, 6)],
                  topics=[topic(target)])  # fmt: skip


def _alter_missing(draw: Draw) -> Step:
    name = draw.pick(draw.fresh("missing"), *BAD_TOPIC_NAMES)
    return alter(draw, "missing", [(_TOPIC, name, [("segment.ms", SET, "5")])])


def _alter_bad_type(draw: Draw) -> Step:
    return alter(draw, "type", [(draw.pick(0, 1, 3, 64, -1, 127), "x", [("segment.ms", SET, "5")])])


MAKERS: Final = {
    ApiKey.DESCRIBE_CONFIGS: Makers(
        (_describe_topic, _describe_keys, _describe_two, _describe_unknown_keys, *broker_configs.DESCRIBING.valid),
        (
            _describe_missing,
            _describe_bad_name,
            _describe_bad_type,
            _describe_twice,
            *broker_configs.DESCRIBING.invalid,
        ),
    ),
    ApiKey.INCREMENTAL_ALTER_CONFIGS: Makers(
        (_alter_one, _alter_nothing, _alter_delete, _alter_list, *broker_configs.ALTERING.valid),
        (
            _alter_bad_value,
            _alter_mixed,
            _alter_bad_operation,
            _alter_not_a_list,
            _alter_null,
            _alter_key_twice,
            _alter_topic_twice,
            _alter_missing,
            _alter_bad_type,
            *broker_configs.ALTERING.invalid,
        ),
    ),
    ApiKey.ALTER_CONFIGS: Makers(
        (_alter_one, _alter_nothing, *broker_configs.ALTERING.valid),
        (
            _alter_bad_value,
            _alter_mixed,
            _alter_null,
            _alter_key_twice,
            _alter_missing,
            _alter_bad_type,
            *broker_configs.ALTERING.invalid,
        ),
    ),
}
