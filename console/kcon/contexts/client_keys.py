"""What does `-X key=value` mean? librdkafka's and Java's spellings, the nearest name for a slip, and no secrets."""

from dataclasses import fields
from difflib import get_close_matches
from typing import Final

from kcon.contexts.security import Security
from kcon.errors import UsageError

SECRET_KEYS: Final = frozenset(
    {
        "sasl.password",
        "sasl.jaas.config",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config",
        "sasl.oauthbearer.assertion.private.key.passphrase",
        "ssl.key.password",
        "ssl.key.pem",
        "ssl.keystore.key",
        "ssl.keystore.password",
        "ssl.truststore.password",
    }
)
"""What a command line must not hold: other users read it in the list of processes."""

_JAVA: Final = {
    "metadata.broker.list": "bootstrap.servers",
    "sasl.mechanism": "sasl.mechanisms",
    "max.poll.interval": "max.poll.interval.ms",
    "fetch.max.wait.ms": "fetch.wait.max.ms",
    "max.partition.fetch.bytes": "fetch.message.max.bytes",
    "max.request.size": "message.max.bytes",
    "retries": "message.send.max.retries",
    "max.in.flight.requests.per.connection": "max.in.flight",
    "request.timeout.ms": "request.timeout.ms",
    "receive.buffer.bytes": "socket.receive.buffer.bytes",
    "send.buffer.bytes": "socket.send.buffer.bytes",
    "ssl.truststore.location": "ssl.ca.location",
    "ssl.truststore.certificates": "ssl.ca.pem",
    "enable.idempotence": "enable.idempotence",
    "acks": "acks",
    "compression.type": "compression.codec",
    "delivery.timeout.ms": "delivery.timeout.ms",
    "buffer.memory": "queue.buffering.max.kbytes",
}
"""Java's spelling to librdkafka's, where they differ or both are common."""

_SECURITY: Final = {
    "security.protocol": "protocol",
    "sasl.mechanisms": "mechanism",
    "sasl.username": "username",
    "ssl.ca.location": "ca",
    "ssl.certificate.location": "cert",
    "ssl.key.location": "key",
    "ssl.keystore.location": "keystore",
    "sasl.oauthbearer.token.endpoint.url": "token_url",
    "sasl.oauthbearer.client.id": "client_id",
    "sasl.oauthbearer.scope": "scope",
    **{f"security.{field.name}": field.name for field in fields(Security)},
}
"""librdkafka's spelling to kcon's setting. Each is also known by its own name, as in `security.password_file`."""

_ONE_PLANE_ONLY: Final = ("ssl.", "sasl.")
"""Other settings of these kinds would make records work and everything else fail, or the reverse."""

_ANY_HOST: Final = frozenset({"", "none"})

_LIBRDKAFKA: Final = frozenset(
    {
        "acks",
        "allow.auto.create.topics",
        "api.version.fallback.ms",
        "api.version.request",
        "api.version.request.timeout.ms",
        "auto.commit.interval.ms",
        "auto.offset.reset",
        "batch.num.messages",
        "batch.size",
        "bootstrap.servers",
        "broker.address.family",
        "broker.address.ttl",
        "check.crcs",
        "client.dns.lookup",
        "client.id",
        "client.rack",
        "compression.codec",
        "compression.level",
        "compression.type",
        "connections.max.idle.ms",
        "coordinator.query.interval.ms",
        "debug",
        "delivery.timeout.ms",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.gapless.guarantee",
        "enable.idempotence",
        "enable.metrics.push",
        "enable.partition.eof",
        "enable.random.seed",
        "enable.sasl.oauthbearer.unsecure.jwt",
        "enable.ssl.certificate.verification",
        "fetch.error.backoff.ms",
        "fetch.max.bytes",
        "fetch.message.max.bytes",
        "fetch.min.bytes",
        "fetch.queue.backoff.ms",
        "fetch.wait.max.ms",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "group.protocol.type",
        "group.remote.assignor",
        "heartbeat.interval.ms",
        "isolation.level",
        "linger.ms",
        "log.connection.close",
        "log.thread.name",
        "max.in.flight",
        "max.in.flight.requests.per.connection",
        "max.poll.interval.ms",
        "message.copy.max.bytes",
        "message.max.bytes",
        "message.send.max.retries",
        "message.timeout.ms",
        "metadata.max.age.ms",
        "metadata.recovery.rebootstrap.trigger.ms",
        "metadata.recovery.strategy",
        "partition.assignment.strategy",
        "partitioner",
        "queue.buffering.backpressure.threshold",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
        "queue.buffering.max.ms",
        "queued.max.messages.kbytes",
        "queued.min.messages",
        "receive.message.max.bytes",
        "reconnect.backoff.max.ms",
        "reconnect.backoff.ms",
        "request.timeout.ms",
        "retry.backoff.max.ms",
        "retry.backoff.ms",
        "sasl.kerberos.keytab",
        "sasl.kerberos.kinit.cmd",
        "sasl.kerberos.min.time.before.relogin",
        "sasl.kerberos.principal",
        "sasl.kerberos.service.name",
        "sasl.mechanisms",
        "sasl.oauthbearer.client.id",
        "sasl.oauthbearer.extensions",
        "sasl.oauthbearer.method",
        "sasl.oauthbearer.scope",
        "sasl.oauthbearer.token.endpoint.url",
        "sasl.username",
        "security.protocol",
        "session.timeout.ms",
        "socket.blocking.max.ms",
        "socket.connection.setup.timeout.ms",
        "socket.keepalive.enable",
        "socket.max.fails",
        "socket.nagle.disable",
        "socket.receive.buffer.bytes",
        "socket.send.buffer.bytes",
        "socket.timeout.ms",
        "ssl.ca.location",
        "ssl.ca.pem",
        "ssl.certificate.location",
        "ssl.certificate.pem",
        "ssl.cipher.suites",
        "ssl.crl.location",
        "ssl.curves.list",
        "ssl.endpoint.identification.algorithm",
        "ssl.engine.location",
        "ssl.key.location",
        "ssl.keystore.location",
        "ssl.providers",
        "ssl.sigalgs.list",
        "statistics.interval.ms",
        "sticky.partitioning.linger.ms",
        "topic.blacklist",
        "topic.metadata.propagation.max.ms",
        "topic.metadata.refresh.fast.interval.ms",
        "topic.metadata.refresh.interval.ms",
        "topic.metadata.refresh.sparse",
        "transaction.timeout.ms",
        "transactional.id",
    }
)


_SECRET_SETTINGS: Final = frozenset({"security.password", "security.key_password", "security.token"})


def security_setting(key: str, value: str) -> tuple[str, object] | None:
    """Return the field of `Security` that a known key sets, and its value; None for other keys.

    UsageError for a setting of TLS or SASL that only librdkafka would follow.
    """
    if key in _SECURITY:
        return _SECURITY[key], value
    if key == "enable.ssl.certificate.verification":
        return "insecure", value.strip().lower() in {"false", "0", "no", "off"}
    if key == "ssl.endpoint.identification.algorithm":
        return "verify_host", value.strip().lower() not in _ANY_HOST
    if key.startswith(_ONE_PLANE_ONLY):
        raise UsageError(f"The setting {key} is not supported.", "See `kcon context add --help` for what is.")
    return None


def parse_property(text: str) -> tuple[str, str]:
    """Split `key=value` and return the key as librdkafka spells it. UsageError for secrets and unknown keys.

    `topic.` in front, as kcat takes it, is dropped.
    """
    key, equals, value = text.partition("=")
    key = key.strip().removeprefix("topic.") if key.strip() not in _LIBRDKAFKA else key.strip()
    if key.lower() in SECRET_KEYS or key.lower() in _SECRET_SETTINGS:
        raise UsageError(
            f"{key} is a secret, and a command line is readable by others.",
            "Put password_cmd or password_file into the context's security settings.",
        )
    if not equals:
        raise UsageError(f"Not a setting: {text!r}.", "Give -X key=value.")
    return known_key(key), librdkafka_value(key, value)


def librdkafka_value(key: str, value: str) -> str:
    """Return the value of a setting as librdkafka takes it, for a key in any spelling: some of Java's units differ."""
    if key == "buffer.memory" and value.strip().isdecimal():
        return str(max(1, int(value) // 1024))  # Bytes to KiB.
    return value.strip()


def known_key(key: str) -> str:
    """Return the key as librdkafka spells it. UsageError with the nearest name for an unknown one."""
    if key in _LIBRDKAFKA or key in _SECURITY:
        return key
    if key in _JAVA:
        return _JAVA[key]
    near = get_close_matches(key, _LIBRDKAFKA | _JAVA.keys() | _SECURITY.keys(), n=1, cutoff=0.5)
    raise UsageError(
        f"Unknown setting {key!r}.", f"Did you mean {near[0]}?" if near else "librdkafka's and Java's names are known."
    )
