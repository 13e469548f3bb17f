"""What does `-X key=value` mean? librdkafka's and Java's spellings, the nearest name for a slip, and no secrets."""

from difflib import get_close_matches
from typing import Final

from kcon.errors import UsageError

SECRET_KEYS: Final = frozenset(
    {
        "sasl.password",
        "sasl.jaas.config",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config",
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


def parse_property(text: str) -> tuple[str, str]:
    """Split `key=value` and return the key as librdkafka spells it. UsageError for secrets and unknown keys.

    `topic.` in front, as kcat takes it, is dropped.
    """
    key, equals, value = text.partition("=")
    key = key.strip().removeprefix("topic.") if key.strip() not in _LIBRDKAFKA else key.strip()
    if key.lower() in SECRET_KEYS:
        raise UsageError(
            f"{key} is a secret, and a command line is readable by others.",
            "Put password_cmd or password_file into the context's security settings.",
        )
    if not equals:
        raise UsageError(f"Not a setting: {text!r}.", "Give -X key=value.")
    return known_key(key), value.strip()


def known_key(key: str) -> str:
    """Return the key as librdkafka spells it. UsageError with the nearest name for an unknown one."""
    if key in _LIBRDKAFKA:
        return key
    if key in _JAVA:
        return _JAVA[key]
    near = get_close_matches(key, _LIBRDKAFKA | _JAVA.keys(), n=1, cutoff=0.5)
    raise UsageError(
        f"Unknown setting {key!r}.", f"Did you mean {near[0]}?" if near else "librdkafka's and Java's names are known."
    )
