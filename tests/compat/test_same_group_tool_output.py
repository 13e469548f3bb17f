"""Apache Kafka's tools of groups and transactions, and those that write and read: the same lines on both brokers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.authorized import authorized_brokers
from tests.compat.apache_tools import Names, Session, Tools, assert_same
from tests.conftest import Cluster
from tests.semantics.batches import batch_of, record
from tests.semantics.cases.offsets import commit
from tests.semantics.kafka import Kafka, creatable
from tests.semantics.members import ClassicMember, ConsumerMember, assignment, subscription
from tests.semantics.producers import Producer

_LONG_AGO_MS: Final = 1_000_000_000_000


def _make_topic(kafka: Kafka, names: Names) -> None:
    """Make the topic: 10 records in partition 0, 4 in partition 1, a second apart, none in partition 2."""
    topic = names["topic"]
    kafka.broker.side.create([creatable(topic, 3, retention_ms="-1")])
    for partition, count in ((0, 10), (1, 4)):
        batches = [record(b"value", timestamp_ms=_LONG_AGO_MS + 1_000 * index) for index in range(count)]
        assert not kafka.produce(topic, batch=batch_of(*batches), partition=partition).error_code


def _commit(kafka: Kafka, names: Names) -> None:
    for partition, offset in ((0, 7), (1, 4)):
        assert not commit(kafka, names["topic"], names["topic"], offset, partition=partition)


def _join_classic(kafka: Kafka, names: Names) -> None:
    """Have a static member own the topic; it committed the offset of one partition."""
    topic = names["topic"]
    member = ClassicMember(
        kafka, f"{topic}-classic", protocols={"range": subscription(topic)}, instance="an-instance", session_ms=600_000
    )
    assert not member.join().error_code
    assert not member.sync({member.member_id: assignment({topic: [0, 1, 2]})}).error_code
    named: dict[str, Any] = {
        "member_id": member.member_id,
        "generation_id_or_member_epoch": member.generation,
        "group_instance_id": "an-instance",
    }
    assert not commit(kafka, member.group, topic, 5, **named)


def _join_new(kafka: Kafka, names: Names) -> None:
    """Have a member of the new protocol own the topic."""
    topic = names["topic"]
    member = ConsumerMember(kafka, f"{topic}-new", topic)
    member.member_id = "00000000-0000-0000-0000-000000000001"
    assert not member.join(server_assignor="range").error_code
    assert member.until_owning(3)
    named: dict[str, Any] = {"member_id": member.member_id, "generation_id_or_member_epoch": member.epoch}
    assert not commit(kafka, member.group, topic, 3, partition=1, **named)


_G: Final = ("consumer-groups", "--group", "{topic}")
_RESET: Final = (*_G, "--reset-offsets")
GROUPS: Final[Session] = (
    _make_topic,
    _commit,
    ("consumer-groups", "--describe", "--group", "{topic}"),
    ("consumer-groups", "--describe", "--offsets", "--verbose", "--group", "{topic}"),
    ("consumer-groups", "--describe", "--members", "--group", "{topic}"),
    ("consumer-groups", "--describe", "--state", "--group", "{topic}"),
    ("consumer-groups", "--describe", "--group", "{topic}-absent"),
    ("consumer-groups", "--describe", "--state", "--group", "{topic}-absent"),
    (*_RESET, "--topic", "{topic}", "--to-earliest"),
    (*_RESET, "--topic", "{topic}:0,1", "--to-latest", "--dry-run"),
    (*_RESET, "--topic", "{topic}:0", "--to-offset", "3", "--execute"),
    (*_RESET, "--topic", "{topic}:0", "--to-offset", "300", "--execute"),
    (*_RESET, "--topic", "{topic}:0", "--shift-by", "2", "--execute"),
    (*_RESET, "--topic", "{topic}:0", "--shift-by", "-100", "--execute"),
    (*_RESET, "--all-topics", "--to-current", "--export"),
    (*_RESET, "--topic", "{topic}", "--to-datetime", "2001-09-09T01:46:44.000Z", "--execute"),
    (*_RESET, "--topic", "{topic}", "--by-duration", "PT1H", "--dry-run"),
    (*_RESET, "--from-file", "{folder}/offsets.csv", "--execute"),
    (*_RESET, "--topic", "{topic}-absent", "--to-earliest", "--execute"),
    (*_RESET, "--topic", "{topic}:9", "--to-earliest", "--execute"),
    ("consumer-groups", "--describe", "--group", "{topic}"),
    (*_G, "--delete-offsets", "--topic", "{topic}:1"),
    (*_G, "--delete-offsets", "--topic", "{topic}:2"),
    (*_G, "--delete-offsets", "--topic", "{topic}-absent"),
    ("consumer-groups", "--describe", "--group", "{topic}"),
    _join_classic,
    ("consumer-groups", "--describe", "--group", "{topic}-classic"),
    ("consumer-groups", "--describe", "--offsets", "--verbose", "--group", "{topic}-classic"),
    ("consumer-groups", "--describe", "--members", "--group", "{topic}-classic"),
    ("consumer-groups", "--describe", "--members", "--verbose", "--group", "{topic}-classic"),
    ("consumer-groups", "--describe", "--state", "--group", "{topic}-classic"),
    ("consumer-groups", "--describe", "--state", "--verbose", "--group", "{topic}-classic"),
    ("consumer-groups", "--group", "{topic}-classic", "--reset-offsets", "--all-topics", "--to-earliest", "--execute"),
    ("consumer-groups", "--group", "{topic}-classic", "--delete-offsets", "--topic", "{topic}"),
    ("consumer-groups", "--group", "{topic}-classic", "--delete"),
    _join_new,
    ("consumer-groups", "--describe", "--group", "{topic}-new"),
    ("consumer-groups", "--describe", "--offsets", "--verbose", "--group", "{topic}-new"),
    ("consumer-groups", "--describe", "--members", "--group", "{topic}-new"),
    ("consumer-groups", "--describe", "--members", "--verbose", "--group", "{topic}-new"),
    ("consumer-groups", "--describe", "--state", "--group", "{topic}-new"),
    ("consumer-groups", "--describe", "--state", "--verbose", "--group", "{topic}-new"),
    ("consumer-groups", "--group", "{topic}-new", "--reset-offsets", "--all-topics", "--to-earliest", "--execute"),
    ("consumer-groups", "--group", "{topic}-new", "--delete"),
    ("consumer-groups", "--list"),
    ("consumer-groups", "--list", "--state"),
    ("consumer-groups", "--list", "--state", "stable"),
    ("consumer-groups", "--list", "--type"),
    ("consumer-groups", "--list", "--type", "consumer"),
    ("consumer-groups", "--list", "--state", "empty", "--type", "classic"),
    ("groups", "--list"),
    ("groups", "--list", "--consumer"),
    ("groups", "--list", "--group-type", "consumer"),
    ("groups", "--list", "--protocol", "consumer"),
    (*_G, "--delete"),
    (*_G, "--delete"),
    ("consumer-groups", "--delete", "--group", "{topic}-absent"),
    ("consumer-groups", "--list"),
)  # fmt: skip


def _open_transactions(kafka: Kafka, names: Names) -> None:
    """Leave one transaction committed and two open, of either kind."""
    topic = names["topic"]
    done, open_, other = (Producer(kafka, f"{topic}-{name}") for name in ("done", "open", "other"))
    done.ready()
    assert not done.add(topic, 0)
    assert not done.send(topic, b"one", b"two").error_code
    done.commit()
    open_.ready()
    assert not open_.add(topic, 0, 1)
    started = open_.send(topic, b"three")
    assert not started.error_code
    names["start"] = str(started.base_offset)
    other.ready()
    assert not other.add(topic, 2)
    assert not other.send(topic, b"four", partition=2).error_code


TRANSACTIONS: Final[Session] = (
    _make_topic,
    _open_transactions,
    ("transactions", "list"),
    ("transactions", "list", "--duration-filter", "600000"),
    ("transactions", "list", "--transactional-id-pattern", "{topic}-o.*"),
    ("transactions", "describe", "--transactional-id", "{topic}-done"),
    ("transactions", "describe", "--transactional-id", "{topic}-open"),
    ("transactions", "describe", "--transactional-id", "{topic}-absent"),
    ("transactions", "describe-producers", "--topic", "{topic}", "--partition", "0"),
    ("transactions", "describe-producers", "--topic", "{topic}", "--partition", "1"),
    ("transactions", "describe-producers", "--broker-id", "1", "--topic", "{topic}", "--partition", "2"),
    ("transactions", "find-hanging", "--topic", "{topic}"),
    ("transactions", "find-hanging", "--topic", "{topic}", "--partition", "0", "--max-transaction-timeout", "0"),
    ("transactions", "abort", "--topic", "{topic}", "--partition", "0", "--start-offset", "{start}"),
    ("transactions", "abort", "--topic", "{topic}", "--partition", "0", "--start-offset", "{start}"),
    ("transactions", "describe-producers", "--topic", "{topic}", "--partition", "0"),
    ("transactions", "forceTerminateTransaction", "--transactionalId", "{topic}-other"),
    ("transactions", "describe", "--transactional-id", "{topic}-other"),
    ("transactions", "describe-producers", "--topic", "{topic}", "--partition", "2"),
    ("transactions", "forceTerminateTransaction", "--transactionalId", "{topic}-absent"),
)  # fmt: skip


def _make_small_topic(kafka: Kafka, names: Names) -> None:
    """Make the topic with one partition: where keyless records go is a matter of chance."""
    kafka.broker.side.create([creatable(names["topic"], 1)])


_PERF: Final = ("producer-perf-test", "--topic", "{topic}", "--num-records", "300", "--throughput", "-1")
CLIENTS: Final[Session] = (
    _make_small_topic,
    ("verifiable-producer", "--topic", "{topic}", "--max-messages", "5", "--value-prefix", "7"),
    ("verifiable-producer", "--topic", "{topic}", "--max-messages", "4", "--acks", "1", "--repeating-keys", "2"),
    ("verifiable-consumer", "--topic", "{topic}", "--group-id", "{topic}-v", "--max-messages", "9", "--verbose",
     "--reset-policy", "earliest"),
    ("verifiable-consumer", "--topic", "{topic}", "--group-id", "{topic}-w", "--max-messages", "9",
     "--reset-policy", "earliest", "--group-protocol", "CONSUMER"),
    ("consumer-groups", "--describe", "--offsets", "--group", "{topic}-v"),
    ("consumer-groups", "--describe", "--offsets", "--group", "{topic}-w"),
    (*_PERF, "--record-size", "100"),
    (*_PERF, "--payload-monotonic", "--command-property", "acks=1", "compression.type=lz4"),
    (*_PERF, "--record-size", "100", "--transactional-id", "{topic}-id", "--transaction-duration-ms", "600000"),
    ("consumer-perf-test", "--topic", "{topic}", "--num-records", "909", "--group", "{topic}-p"),
    ("get-offsets", "--topic", "{topic}"),
    ("broker-api-versions",),
)  # fmt: skip


_ADD: Final = ("acls", "--add", "--allow-principal", "User:a")
EVERYBODY: Final[Session] = (
    ("acls", "--list"),
    (*_ADD, "--operation", "Read", "--operation", "Describe", "--topic", "{topic}"),
    (*_ADD, "--operation", "Read", "--topic", "{topic}"),
    (*_ADD, "--operation", "All", "--group", "{topic}", "--allow-host", "10.0.0.1"),
    ("acls", "--add", "--deny-principal", "User:b", "--operation", "Write", "--topic", "{topic}-",
     "--resource-pattern-type", "prefixed"),
    ("acls", "--add", "--allow-principal", "User:c", "--producer", "--topic", "{topic}", "--idempotent"),
    ("acls", "--add", "--allow-principal", "User:d", "--consumer", "--topic", "*", "--group", "{topic}"),
    ("acls", "--add", "--allow-principal", "User:e", "--operation", "Alter", "--cluster"),
    ("acls", "--add", "--allow-principal", "User:e", "--operation", "Write", "--transactional-id", "{topic}"),
    ("acls", "--add", "--allow-principal", "User:e", "--operation", "CreateTokens", "--user-principal", "User:f"),
    ("acls", "--add", "--allow-principal", "User:e", "--operation", "IdempotentWrite", "--topic", "{topic}"),
    ("acls", "--add", "--allow-principal", "e", "--operation", "Read", "--topic", "{topic}"),
    ("acls", "--list"),
    ("acls", "--list", "--topic", "{topic}"),
    ("acls", "--list", "--topic", "{topic}-absent"),
    ("acls", "--list", "--topic", "{topic}-x", "--resource-pattern-type", "match"),
    ("acls", "--list", "--topic", "{topic}-", "--resource-pattern-type", "any"),
    ("acls", "--list", "--principal", "User:a", "--principal", "User:b"),
    ("acls", "--list", "--cluster"),
    ("acls", "--list", "--transactional-id", "{topic}"),
    ("acls", "--list", "--group", "*"),
    ("acls", "--remove", "--allow-principal", "User:a", "--operation", "Read", "--topic", "{topic}", "--force"),
    ("acls", "--remove", "--allow-principal", "User:a", "--operation", "Read", "--topic", "{topic}", "--force"),
    ("acls", "--remove", "--topic", "{topic}", "--resource-pattern-type", "match", "--force"),
    ("acls", "--list"),
    _make_topic,
    _commit,
    _join_classic,
    _join_new,
    ("consumer-groups", "--describe", "--all-groups"),
    ("consumer-groups", "--describe", "--all-groups", "--state"),
    ("consumer-groups", "--describe", "--all-groups", "--members", "--verbose"),
    ("transactions", "find-hanging", "--broker-id", "1"),
    ("log-dirs", "--describe", "--topic-list", "{topic}"),
)  # fmt: skip


@pytest.fixture
def fresh_clusters(apache_classpath: str, tmp_path: Path) -> Iterator[tuple[Cluster, Cluster]]:
    """Yield both brokers as nobody has used them, with an authorizer."""
    with authorized_brokers(apache_classpath, tmp_path / "apache") as (ours, apache):
        yield (
            Cluster(name="kcon", bootstrap=ours, data_dir=Path()),
            Cluster(name="apache", bootstrap=apache, data_dir=Path()),
        )


@pytest.mark.java
def test_what_tells_of_everybody_and_of_access_rules_prints_the_same_on_both(
    tools: Tools, fresh_clusters: tuple[Cluster, Cluster]
) -> None:
    assert_same(tools, *fresh_clusters, EVERYBODY, {"topic": "a-topic"})


@pytest.mark.java
@pytest.mark.parametrize("session", [GROUPS, TRANSACTIONS, CLIENTS], ids=["consumer-groups", "transactions", "clients"])
def test_every_tool_prints_the_same_on_both(
    tools: Tools, session: Session, kcon_broker: Any, apache_kafka: Any, unique: Callable[[str], str], tmp_path: Path
) -> None:
    topic = unique("tools")
    (tmp_path / "offsets.csv").write_text(f'"{topic}",0,2\n"{topic}",1,1\n')
    assert_same(tools, kcon_broker, apache_kafka, session, {"topic": topic, "folder": str(tmp_path)})
