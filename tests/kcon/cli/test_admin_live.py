"""Admin commands against real clusters: both kinds where kcon's broker serves the API, else Apache Kafka alone."""

import asyncio
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from kcon.cli.environment import Environment
from kcon.cli.run import run
from kcon.services.local_cluster import LocalClusterOptions, start_local_cluster

pytestmark = pytest.mark.xdist_group("admin-commands")

SETTLE_S = 20.0


class Shell:
    """Runs `kcon` in this process against one cluster."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self._variables = {
            "KCON_BOOTSTRAP": bootstrap,
            "KCON_CONFIG_DIR": str(folder / "config"),
            "KCON_STATE_DIR": str(folder / "state"),
            "TZ": "UTC",
        }
        self.folder = folder

    def __call__(self, *words: str, stdin: bytes = b"", code: int = 0) -> str:
        ended, told, problems = self._run(words, stdin)
        assert ended == code, (words, told, problems)
        return told.decode()

    def _run(self, words: tuple[str, ...], stdin: bytes = b"") -> tuple[int, bytes, bytes]:
        out, err = io.BytesIO(), io.BytesIO()
        environment = Environment(
            stdin=io.BytesIO(stdin), stdout=out, stderr=err, variables=self._variables, folder=self.folder
        )
        return run(words, environment), out.getvalue(), err.getvalue()

    def items(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "-o", "json", code=code))["items"]

    def settles(self, is_so: Callable[[], bool]) -> None:
        """Ask until it is so: on KRaft the broker that answers hears of a change a moment after it is made."""
        end = time.monotonic() + SETTLE_S
        while not is_so():
            assert time.monotonic() < end, "the change did not show"
            time.sleep(0.05)

    def is_missing(self, *words: str) -> bool:
        """Tell whether a command ends with 5, not found; anything but that and 0 fails."""
        code, told, problems = self._run(words)
        assert code in (0, 5), (words, told, problems)
        return code == 5


@pytest.fixture
def kcon(cluster: Any, tmp_path: Path) -> Shell:
    return Shell(cluster.bootstrap, tmp_path)


@pytest.fixture(scope="module")
def secured(apache_classpath: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of an Apache Kafka that checks ACLs; whoever connects without a name may do everything."""
    options = LocalClusterOptions(
        data_dir=tmp_path_factory.mktemp("secured"),
        dies_with_parent=True,
        properties={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        },
    )
    node = asyncio.run(start_local_cluster(apache_classpath, options))
    try:
        yield node.bootstrap
    finally:
        asyncio.run(node.stop(grace_s=0))


@pytest.fixture
def secured_kcon(secured: str, tmp_path: Path) -> Shell:
    return Shell(secured, tmp_path)


def test_topics_are_altered_grown_and_purged(kcon: Shell, unique: Callable[[str], str]) -> None:
    topic = unique("alter")
    kcon("topic", "create", topic, "-p", "2")
    kcon("produce", topic, "-p", "0", stdin=b"a\nb\nc\n")
    kcon("topic", "alter", topic, "--set", "retention.ms=soon", "--dry-run", code=1)
    kcon("topic", "alter", topic, "--set", "retention.ms=86400000", "-y")
    kcon("topic", "add-partitions", topic, "-p", "4", "-y")
    purged = kcon.items("topic", "purge", topic, "--before", "2", "-y")
    assert [(row["partition"], row["new_start"], row["result"]) for row in purged] == [(0, 2, "purged")]
    (described,) = kcon.items("topic", "describe", topic)
    assert described["configs"] == {"retention.ms": "86400000"}
    assert [(part["start"], part["end"]) for part in described["partitions"]] == [(2, 3), (0, 0), (0, 0), (0, 0)]
    kcon("topic", "delete", topic, "-y")


def test_brokers_and_disks(kcon: Shell, unique: Callable[[str], str]) -> None:
    topic = unique("disk")
    kcon("topic", "create", topic, "-p", "1")
    kcon("produce", topic, stdin=b"a\n")
    (broker,) = kcon.items("broker", "list")
    assert broker["controller"]
    assert kcon.items("broker", "config", str(broker["id"]))
    (replica,) = kcon.items("broker", "logdirs", "-t", topic, "--replicas")
    assert (replica["topic"], replica["moving"]) == (topic, False)
    assert kcon.items("cluster", "info")[0]["brokers"] == 1
    assert {row["api"] for row in kcon.items("cluster", "versions")} > {"Metadata", "OffsetFetch"}
    kcon("topic", "delete", topic, "-y")


def test_commits_are_exported_deleted_and_imported(kcon: Shell, unique: Callable[[str], str]) -> None:
    topic, group = unique("commits"), unique("group")
    kcon("topic", "create", topic, "-p", "2")
    kcon("produce", topic, "-p", "0", stdin=b"a\nb\n")
    kcon("group", "reset", group, "--to", "end", "-t", topic, "-y")
    text = kcon("group", "offsets", "export", group)
    assert text.splitlines() == [f"{topic},0,2", f"{topic},1,0"]
    kcon("group", "offsets", "delete", group, "-t", f"{topic}:0", "-y")
    assert [row["partition"] for row in kcon.items("group", "offsets", "get", group)] == [1]
    kcon("group", "offsets", "import", group, "-", "-y", stdin=text.encode())
    assert [row["offset"] for row in kcon.items("group", "offsets", "get", group)] == [2, 0]
    kcon("group", "delete", group, "-y")
    kcon("topic", "delete", topic, "-y")


@pytest.mark.java
def test_quorum_and_features(apache_kafka: Any, tmp_path: Path) -> None:
    kcon = Shell(apache_kafka.bootstrap, tmp_path)
    assert [row["role"] for row in kcon.items("cluster", "quorum")] == ["leader"]
    assert "metadata.version" in {row["name"] for row in kcon.items("cluster", "features")}


def test_an_api_that_is_missing_is_said_so(kcon_broker: Any, tmp_path: Path) -> None:
    kcon = Shell(kcon_broker.bootstrap, tmp_path)
    ran = kcon("acl", "list", "-o", "json", code=1)
    assert ran == ""


@pytest.mark.java
def test_an_open_transaction_is_seen_and_aborted(
    apache_kafka: Any, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    """The abort marker frees the readers: the last stable offset moves on."""
    kcon, topic, name = Shell(apache_kafka.bootstrap, tmp_path), unique("txn"), unique("id")
    kcon("topic", "create", topic, "-p", "1")
    producer = Producer({"bootstrap.servers": apache_kafka.bootstrap, "transactional.id": name})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"x")
    assert producer.flush(30) == 0
    assert {row["transactional_id"]: row["state"] for row in kcon.items("txn", "list")}[name] == "Ongoing"
    (described,) = kcon.items("txn", "describe", name)
    assert described["partitions"] == [f"{topic}/0"]
    (state,) = kcon.items("txn", "producers", topic)
    assert state["txn_start"] == 0
    assert kcon.items("txn", "hanging", topic, "--older-than", "1ms") == []
    kcon("txn", "abort", topic, "-p", "0", "--start-offset", "0", code=6)
    kcon("txn", "abort", topic, "-p", "0", "--start-offset", "7", "-y", code=5)
    kcon("txn", "abort", topic, "-p", "0", "--start-offset", "0", "-y")
    assert [row["txn_start"] for row in kcon.items("txn", "producers", topic)] == [None]
    kcon("txn", "describe", unique("nobody"), code=5)
    kcon("topic", "delete", topic, "-y")


def test_raw_reads_and_wants_a_word_for_changes(kcon: Shell, unique: Callable[[str], str]) -> None:
    topic = unique("raw")
    answer = json.loads(kcon("raw", "Metadata", "--data", '{"topics": [], "allowAutoTopicCreation": false}'))
    assert len(answer["brokers"]) == 1
    data = json.dumps({"topics": [{"name": topic, "numPartitions": 1, "replicationFactor": 1}], "timeoutMs": 9_000})
    kcon("raw", "CreateTopics", "--data", data, code=6)
    assert kcon.items("topic", "list", topic) == []
    told = json.loads(kcon("raw", "create-topics", "--data", "-", "-y", stdin=data.encode()))
    assert [each["errorCode"] for each in told["topics"]] == [0]
    kcon("raw", "Metadata", "--data", '{"nope": 1}', code=2)
    kcon("topic", "delete", topic, "-y")


@pytest.mark.java
def test_reassignments_are_planned_and_nothing_moves_on_one_broker(
    apache_kafka: Any, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    kcon, topic = Shell(apache_kafka.bootstrap, tmp_path), unique("move")
    kcon("topic", "create", topic, "-p", "2")
    text = kcon("reassign", "plan", "-t", topic, "--export", "new")
    assert [each["partition"] for each in json.loads(text)["partitions"]] == [0, 1]
    kcon("reassign", "execute", "--from-file", "-", "-y", stdin=text.encode())
    other = text.replace("1\n      ]", "99\n      ]")
    kcon("reassign", "execute", "--from-file", "-", "-y", stdin=other.encode(), code=1)
    assert kcon.items("reassign", "status") == []
    kcon("reassign", "cancel", "-y")
    kcon("topic", "delete", topic, "-y")


@pytest.mark.java
def test_acls_live_and_die(secured_kcon: Shell, unique: Callable[[str], str]) -> None:
    kcon, topic = secured_kcon, unique("acl")
    kcon("acl", "create", "--principal", "alice", "--consumer", "-t", topic, "-g", topic, "-y")
    kcon("acl", "create", "--principal", "alice", "-t", topic, "--operation", "write", "--deny", "-y")
    kcon.settles(lambda: len(kcon.items("acl", "list", "-t", topic, "--pattern", "match")) == 3)
    verdicts = {row["operation"]: row["verdict"] for row in kcon.items("acl", "explain", "alice", "-t", topic)}
    assert (verdicts["read"], verdicts["write"], verdicts["describe"]) == ("allowed", "denied", "allowed")
    kcon("acl", "delete", "--principal", "alice", "-t", topic, code=6)
    assert {row["result"] for row in kcon.items("acl", "delete", "--principal", "alice", "-t", topic, "-y")} == {
        "deleted"
    }
    kcon.settles(lambda: kcon.items("acl", "list", "-t", topic) == [])


@pytest.mark.java
def test_quotas_and_users(secured_kcon: Shell, unique: Callable[[str], str]) -> None:
    kcon, user = secured_kcon, unique("user")
    kcon("quota", "alter", "--user", user, "--set", "producer_byte_rate=1024", "--dry-run")
    kcon("quota", "alter", "--user", user, "--set", "producer_byte_rate=1024", "-y")
    resolve = ("quota", "resolve", "--user", user, "--client-id", "c")
    kcon.settles(lambda: [row["value"] for row in kcon.items(*resolve)] == [1024.0])
    kcon("quota", "alter", "--user", user, "--delete", "producer_byte_rate", "-y")
    kcon.settles(lambda: kcon.items("quota", "list", "--user", user) == [])
    kcon("user", "create", user, "--password-file", "-", "-y", stdin=b"secret\n")
    kcon.settles(lambda: not kcon.is_missing("user", "list", user))
    kcon("user", "create", user, "--password-file", "-", "-y", stdin=b"secret\n", code=1)
    kcon("user", "alter", user, "--password-file", "-", "--mechanism", "scram-sha-256", "-y", stdin=b"secret\n")
    both = {"SCRAM-SHA-256", "SCRAM-SHA-512"}
    kcon.settles(lambda: {row["mechanism"] for row in kcon.items("user", "list", user)} == both)
    kcon("user", "delete", user, "-y")
    kcon.settles(lambda: kcon.is_missing("user", "list", user))


def test_checks_pass_and_fail_by_what_the_cluster_says(kcon: Shell, cluster: Any) -> None:
    """Lag and time lag of a group that has read 1 of 3 records, and topics that are well."""
    kcon("topic", "create", "checked", "-p", "1", "-y")
    kcon.settles(lambda: not kcon.is_missing("topic", "describe", "checked"))
    kcon.settles(lambda: kcon.items("topic", "list", "checked")[0]["partitions"] == 1)
    kcon("produce", "checked", stdin=b"a\nb\nc\n")
    kcon("group", "reset", "checker", "-t", "checked", "--to", "1", "-y")
    assert kcon.items("check", "topic", "checked")[0]["status"] == "ok"
    assert kcon.items("check", "lag", "checker", "--max-lag", "2", "--max-time-lag", "1h")[0]["lag"] == 2
    kcon("check", "lag", "checker", "--max-lag", "1", code=7)
    told = kcon("check", "lag", "checker", "--max-time-lag", "1ms", "-o", "json", code=7)
    assert json.loads(told)["items"][0]["time_lag_ms"] > 1
    subjects = {item["subject"]: item["status"] for item in kcon.items("check", "cluster", "--brokers", "1")}
    assert subjects["controller"] == subjects["log_dirs"] == "ok"


def test_observing_a_topic_needs_no_history(kcon: Shell, cluster: Any) -> None:
    """`why`, `du` and `top` of a topic with three records, and a group that has read one."""
    kcon("topic", "create", "observed", "-p", "1", "-y")
    kcon.settles(lambda: not kcon.is_missing("topic", "describe", "observed"))
    kcon("produce", "observed", stdin=b"a\nb\nc\n")
    kcon("group", "reset", "observer", "-t", "observed", "--to", "1", "-y")
    (verdict,) = kcon.items("why", "observed")
    assert (verdict["kind"], verdict["cause"]) == ("topic", "healthy")
    assert verdict["evidence"][0].startswith("3 records in the last 1h")
    assert kcon.items("why", "cluster")[0]["kind"] == "cluster"
    (used,) = kcon.items("du", "observed", "--retention", "1d", "--retention", "1ms")
    assert used["reclaimable"][0]["size_bytes"] == 0
    assert used["reclaimable"][1]["size_bytes"] == used["size_bytes"] > 0
    assert kcon.items("du", "--by", "broker")[0]["usable_bytes"] > 0
    (look,) = kcon.items("top", "--once", "--interval", "1ms", "-n", "1000")
    group = next(each for each in look["groups"] if each["group"] == "observer")
    assert (group["lag"], group["time_lag_quality"]) == (2, "exact")


def test_a_probe_goes_through_and_leaves_nothing_behind(kcon: Shell, cluster: Any) -> None:
    """Five records on a topic that the probe makes and removes; a second run finds neither topic nor group."""
    name = "kcon-probe-live"
    (told,) = kcon.items("probe", "-t", name, "--create", "--delete", "-n", "5", "--wait", "60s")
    assert (told["sent"], told["received"], told["lost"], told["duplicates"]) == (5, 5, 0, 0)
    assert (told["not_acknowledged"], told["not_committed"]) == (0, 0)
    assert 0 < told["produce_p50_ms"] <= told["round_trip_p99_ms"]
    assert told["commit_max_ms"] > 0
    kcon.settles(lambda: kcon.is_missing("topic", "describe", name))
    assert kcon.is_missing("group", "describe", name)
    kcon("probe", "-t", name, code=5)
