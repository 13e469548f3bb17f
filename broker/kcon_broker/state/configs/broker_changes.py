"""May the configs of a broker, or of all brokers, be changed so while they run?

The order of the checks is Kafka's: names, types, who may be named, and then what the broker as a whole would go by
(`DynamicBrokerConfig.validate`). The exception's message is for the client.
"""

from collections.abc import Mapping
from pathlib import Path

from kcon_broker.state.configs.broker_configs import BrokerConfigs, listener_base_name
from kcon_broker.state.configs.definitions import ConfigType, Scope, broker_definitions
from kcon_broker.state.configs.values import InvalidConfigError, check_value

_CLUSTER_LISTENER_CONFIGS = frozenset(("max.connections", "max.connection.creation.rate", "num.network.threads"))
_SECURITY_CONFIGS = frozenset(
    (
        "ssl.key.password",
        "ssl.keystore.certificate.chain",
        "ssl.keystore.key",
        "ssl.keystore.location",
        "ssl.keystore.password",
        "ssl.keystore.type",
        "ssl.truststore.certificates",
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.type",
    )
)
_THREAD_POOLS = (
    "background.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
    "log.cleaner.threads",
    "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.follower.thread.pool.size",
    "remote.log.reader.threads",
)
_AT_LEAST = {
    "log.roll.ms": 1,
    "log.roll.jitter.ms": 0,
    "max.connections": 1,
    "max.connection.creation.rate": 1,
    "listener.name.plaintext.max.connections": 1,
    "listener.name.plaintext.max.connection.creation.rate": 1,
}
"""What is less is refused by the part that would go by it, though its definition allows it."""
_ASSIGNMENT_INTERVALS = ("consumer", "share", "streams")
_PROTOCOLS = frozenset(("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"))
_REPORTERS = frozenset(("", "org.apache.kafka.common.metrics.JmxReporter"))
_CLEANER_BUFFER_BYTES_MIN = 1 << 20
"""For each thread of the cleaner."""
_ALL = "*"


def check_broker_change(configs: BrokerConfigs, wanted: Mapping[str, str], *, is_per_broker: bool) -> None:
    """Raise InvalidConfigError when a broker, or all brokers, cannot be given exactly these dynamic configs."""
    _check_names(wanted)
    _check_types(wanted)
    if not is_per_broker:
        per_broker = [name for name in wanted if _is_per_broker_only(name)]
        _refuse(per_broker, "Cannot update these configs at default cluster level, broker id must be specified")
    after = BrokerConfigs(configs.static)
    after.change(
        cluster_wide=configs.cluster_wide if is_per_broker else wanted,
        per_broker=wanted if is_per_broker else configs.per_broker,
    )
    _check_whole(configs, after)


def _check_names(wanted: Mapping[str, str]) -> None:
    definitions = broker_definitions()
    read_only = [
        name for name in wanted if name in definitions and definitions[name].scope in (Scope.READ_ONLY, Scope.INTERNAL)
    ]
    _refuse(read_only, "Cannot update these configs dynamically")
    _refuse(
        sorted(_SECURITY_CONFIGS.intersection(wanted)),
        "These security configs can be dynamically updated only per-listener using the listener prefix",
    )


def _check_types(wanted: Mapping[str, str]) -> None:
    definitions = broker_definitions()
    for name, text in wanted.items():
        definition = definitions.get(listener_base_name(name) or name)
        if definition is not None:
            check_value(definition, text)
            if definition.type is ConfigType.CLASS and text != definition.default:
                raise InvalidConfigError(f"Invalid value {text} for configuration {name}: this broker has no classes.")


def _is_per_broker_only(name: str) -> bool:
    base = listener_base_name(name)
    if base is not None:
        return base not in _CLUSTER_LISTENER_CONFIGS
    definition = broker_definitions().get(name)
    return definition is not None and definition.scope is Scope.PER_BROKER


def _refuse(names: list[str], problem: str) -> None:
    if names:
        raise InvalidConfigError(f"{problem}: [{', '.join(names)}]")


def _check_whole(before: BrokerConfigs, after: BrokerConfigs) -> None:
    """Judge what the broker would go by as a whole (`KafkaConfig.validateValues` and the parts that reconfigure)."""
    for name, least in _AT_LEAST.items():
        number = _number(after, name)
        if number is not None and number < least:
            raise InvalidConfigError(f"{name} must be greater than or equal to {least}")
    overrides = after.value("max.connections.per.ip.overrides") or ""
    if _number(after, "max.connections.per.ip") == 0 and not overrides:
        raise InvalidConfigError("max.connections.per.ip can be 0 only if max.connections.per.ip.overrides is set")
    if _number(after, "log.retention.ms") == 0:
        raise InvalidConfigError("log.retention.ms must be unlimited (-1) or at least 1")
    buffer_bytes, threads = _number(after, "log.cleaner.dedupe.buffer.size"), _number(after, "log.cleaner.threads")
    if buffer_bytes is not None and threads and buffer_bytes // threads <= _CLEANER_BUFFER_BYTES_MIN:
        raise InvalidConfigError("log.cleaner.dedupe.buffer.size must be at least 1 MiB for each cleaner thread")
    for protocol in _ASSIGNMENT_INTERVALS:
        _check_assignment_interval(after, protocol)
    _check_cordoned(after)
    _check_overrides(overrides)
    _check_protocols(after)
    if after.value("listeners") != before.value("listeners"):
        raise InvalidConfigError("The listeners of this broker are set when it starts.")
    if not _REPORTERS.issuperset(_entries(after, "metric.reporters")):
        raise InvalidConfigError("This broker has no classes that could be loaded as metric.reporters.")
    for name in _THREAD_POOLS:
        _check_thread_count(name, _number(before, name) or 0, _number(after, name) or 0)
    _check_local_retention(after)


def _check_assignment_interval(after: BrokerConfigs, protocol: str) -> None:
    prefix = f"group.{protocol}"
    interval_ms = _number(after, f"{prefix}.assignment.interval.ms") or 0
    if interval_ms > (_number(after, f"{prefix}.max.assignment.interval.ms") or 0):
        raise InvalidConfigError(
            f"{prefix}.assignment.interval.ms must be less than or equal to {prefix}.max.assignment.interval.ms"
        )
    if interval_ms < (_number(after, f"{prefix}.min.assignment.interval.ms") or 0):
        raise InvalidConfigError(
            f"{prefix}.assignment.interval.ms must be greater than or equal to {prefix}.min.assignment.interval.ms"
        )


def _check_cordoned(after: BrokerConfigs) -> None:
    folders = {str(Path(folder)) for folder in _entries(after, "log.dirs")}
    cordoned = _entries(after, "cordoned.log.dirs")
    if cordoned != [_ALL] and (missing := [folder for folder in cordoned if folder not in folders]):
        raise InvalidConfigError(
            f"All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : {missing[0]}"
        )


def _check_overrides(text: str) -> None:
    for entry in filter(None, (entry.strip() for entry in text.split(","))):
        address, separator, count = entry.rpartition(":")
        if not (separator and address and count.strip().isdigit()):
            raise InvalidConfigError(f"max.connections.per.ip.overrides wants address:count, not '{entry}'")


def _check_protocols(after: BrokerConfigs) -> None:
    protocols = {}
    for entry in _entries(after, "listener.security.protocol.map"):
        listener, separator, protocol = entry.partition(":")
        if not separator or protocol.strip().upper() not in _PROTOCOLS:
            raise InvalidConfigError(f"listener.security.protocol.map wants listener:protocol, not '{entry}'")
        protocols[listener.strip().upper()] = protocol
    for listener in (entry.partition("://")[0] for entry in _entries(after, "listeners")):
        if listener.upper() not in protocols:
            raise InvalidConfigError(f"No security protocol is defined for listener {listener}")


def _check_thread_count(name: str, current: int, wanted: int) -> None:
    """Refuse steps that are too large (`DynamicThreadPool`)."""
    if wanted == current:
        return
    if wanted < 1:
        raise InvalidConfigError(f"{name}={wanted}: the value should be at least 1")
    if wanted < current // 2:
        raise InvalidConfigError(f"{name}={wanted}: the value should be at least half the current value {current}")
    if wanted > current * 2:
        raise InvalidConfigError(f"{name}={wanted}: the value should not exceed double the current value {current}")


def _check_local_retention(after: BrokerConfigs) -> None:
    """A tiered partition keeps no more locally than it keeps in all (`DynamicLogConfig.validateReconfiguration`)."""
    for local, whole in (("log.local.retention.ms", "retention.ms"), ("log.local.retention.bytes", "retention.bytes")):
        limit = int(after.topic_defaults()[whole])
        wanted = _number(after, local)
        if wanted is None or limit == -1 or wanted == -2:  # -2: the same as the limit.
            continue
        if wanted == -1 or wanted > limit:
            raise InvalidConfigError(f"Value {wanted} of {local} must not be more than that of log.{whole}: {limit}")


def _number(configs: BrokerConfigs, name: str) -> int | None:
    text = configs.value(name)
    return None if text is None else int(text)


def _entries(configs: BrokerConfigs, name: str) -> list[str]:
    return [entry.strip() for entry in (configs.value(name) or "").split(",") if entry.strip()]
