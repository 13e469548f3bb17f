"""The admin commands over a cluster in memory: exact output, plans, refusals."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kcon.core.broker_facts import BrokerRow, Feature, Features, LogDir, Quorum, QuorumReplica, ReplicaSize
from kcon.core.ids import ClientId, HostName, MemberId, TopicPartition, group_id, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.typed_group import ShareGroup, ShareOffset, StreamsGroup, StreamsMember, StreamsTasks
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation


def at(partition: int, topic: str = "orders") -> TopicPartition:
    return TopicPartition(topic_name(topic), partition)


# --- topics ---------------------------------------------------------------------------------------------------


def test_alter_shows_what_changes_and_wants_a_word(orders: Any, kcon: Any) -> None:
    orders.answers["alter_configs"] = lambda changes, *_args, **_kw: dict.fromkeys(changes)
    words = ("topic", "alter", "orders", "--set", "retention.ms=5", "--delete", "segment.ms", "-o", "table")
    ran = kcon(*words)
    assert ran.code == 6
    assert ran.out.splitlines() == [
        "NAME    CONFIG                   CURRENT         NEW          RESULT",
        "orders  retention.ms,segment.ms  1000,(default)  5,(default)  to be changed",
    ]
    assert orders.mutations == []
    assert kcon(*words, "--dry-run").code == 0
    assert orders.mutations == []
    assert kcon(*words, "-y").code == 0
    assert [operation for operation, _what in orders.mutations] == [Operation.CONFIG_ALTER]


def test_alter_says_what_the_cluster_would_refuse(orders: Any, kcon: Any) -> None:
    orders.answers["alter_configs"] = lambda changes, *_args, **_kw: dict.fromkeys(changes, kafka_error(40, "no"))
    ran = kcon("topic", "alter", "orders", "--set", "retention.ms=soon", "--dry-run")
    assert ran.code == 1
    assert "INVALID_CONFIG: no" in ran.err


def test_a_setting_edited_twice_is_a_usage_error(kcon: Any) -> None:
    assert kcon("topic", "alter", "x", "--set", "a=1", "--delete", "a").code == 2
    assert kcon("topic", "alter", "x").code == 2


def test_partitions_are_added_up_to_a_total_or_by_a_number(orders: Any, kcon: Any) -> None:
    orders.answers["add_partitions"] = lambda counts, *_args, **_kw: dict.fromkeys(counts)
    assert kcon.lines("topic", "add-partitions", "orders", "-p", "5", "-y")[1] == "orders\t3\t5\tgrown"
    assert kcon.lines("topic", "add-partitions", "orders", "--add", "1", "-y")[1] == "orders\t3\t4\tgrown"
    assert [what for _operation, what in orders.mutations] == [{topic_name("orders"): 5}, {topic_name("orders"): 4}]
    assert kcon("topic", "add-partitions", "orders", "-p", "3", "-y").code == 2
    assert kcon("topic", "add-partitions", "orders", "-y").code == 2


def test_purge_is_clamped_and_leaves_empty_partitions_alone(orders: Any, kcon: Any) -> None:
    orders.answers["delete_records"] = lambda before, _permit: dict(before)
    assert kcon.lines("topic", "purge", "orders", "--before", "50", "-y") == [
        "topic\tpartition\tstart\tnew_start\tend\tdeleted\tresult",
        "orders\t0\t0\t50\t100\t50\tpurged",
        "orders\t1\t40\t50\t90\t10\tpurged",
        "orders\t2\t0\t10\t10\t10\tpurged",
    ]
    assert orders.mutations == [(Operation.RECORDS_DELETE, {at(0): 50, at(1): 50, at(2): 10})]
    assert kcon("topic", "purge", "orders", "--before", "start", "-y").code == 0
    assert len(orders.mutations) == 1


def test_purge_names_the_partition_that_fails(orders: Any, kcon: Any) -> None:
    orders.answers["delete_records"] = lambda before, _permit: {where: kafka_error(44, "compacted") for where in before}
    ran = kcon("topic", "purge", "orders", "-p", "0", "-y")
    assert ran.code == 1
    assert "orders/0: POLICY_VIOLATION: compacted" in ran.err


def test_a_pattern_is_listed_and_wants_execute(orders: Any, kcon: Any) -> None:
    kcon.terminal = True
    assert kcon("topic", "purge", "or*", stdin=b"y\n").code == 6
    assert orders.mutations == []


# --- brokers and the cluster ----------------------------------------------------------------------------------

BROKERS = [
    BrokerRow(1, HostName(WireText("b1")), 9092, None, False),
    BrokerRow(2, HostName(WireText("b2")), 9092, WireText("r1"), True),
]
DIRS = {
    1: (
        LogDir(WireText("/d1"), None, 10_000, 5_000, (ReplicaSize(at(0), 1_024, 0, False),)),
        LogDir(WireText("/d2"), kafka_error(56), None, None, ()),
    ),
    2: kafka_error(7, "silent"),
}


def test_broker_list(orders: Any, kcon: Any) -> None:
    orders.answers["brokers"] = BROKERS
    assert kcon.lines("broker", "list") == [
        "id\thost\tport\track\tcontroller\tfenced\tleaders\treplicas\tout_of_sync",
        "1\tb1\t9092\t\ttrue\tfalse\t5\t5\t0",
        "2\tb2\t9092\tr1\tfalse\ttrue\t0\t0\t0",
    ]


def test_log_dirs_of_a_silent_broker_cost_its_rows_only(orders: Any, kcon: Any) -> None:
    orders.answers["log_dirs"] = DIRS
    ran = kcon("broker", "logdirs", "-o", "table")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "BROKER  DIR  REPLICAS      SIZE     TOTAL    USABLE  STATE",
        "     1  /d1         1  1.00 KiB  9.77 KiB  4.88 KiB  online",
        "     1  /d2         0       0 B         —         —  KAFKA_STORAGE_ERROR",
    ]
    assert "broker 2: REQUEST_TIMED_OUT: silent" in ran.err
    replicas = json.loads(kcon("broker", "logdirs", "--replicas", "-o", "json").out)["items"]
    assert [(each["topic"], each["partition"], each["size"]) for each in replicas] == [("orders", 0, 1_024)]


def test_a_broker_that_is_not_there_is_5(orders: Any, kcon: Any) -> None:
    orders.answers |= {"brokers": BROKERS, "log_dirs": {1: ()}}
    ran = kcon("broker", "describe", "1", "9", "-o", "json")
    assert ran.code == 5
    assert [item["id"] for item in json.loads(ran.out)["items"]] == [1]
    assert kcon("broker", "describe", "one").code == 2


def test_broker_settings_are_shown_and_changed(orders: Any, kcon: Any) -> None:
    orders.answers["alter_configs"] = lambda changes, *_args, **_kw: dict.fromkeys(changes)
    assert kcon.lines("broker", "config", "1") == [
        "broker\tconfig\tvalue\tsource\tread_only",
        "1\tretention.ms\t1000\tdynamic-topic\tfalse",
    ]
    assert kcon("broker", "config", "--set", "a=1", "-y").code == 0
    ((operation, changes),) = orders.mutations
    assert operation is Operation.CONFIG_ALTER
    assert [resource.target for resource in changes] == ["broker:"]


def test_cluster_info_quorum_and_features(orders: Any, kcon: Any) -> None:
    quorum = Quorum(1, 3, 90, (QuorumReplica(1, None, 100, None, None),), (QuorumReplica(2, "d", 95, 1, 1),))
    features = Features({"group.version": Feature(WireText("group.version"), None, None, 1)}, 7)
    orders.answers |= {"quorum": quorum, "features": features}
    assert json.loads(kcon("cluster", "info", "-o", "json").out)["items"][0]["partitions"] == 5
    assert kcon.lines("cluster", "quorum", "--columns", "node,role,log_end,lag") == [
        "node\trole\tlog_end\tlag",
        "1\tleader\t100\t0",
        "2\tobserver\t95\t5",
    ]
    assert kcon.lines("cluster", "features")[1] == "group.version\t1\t\t"


def feature_levels(orders: Any, kcon: Any, *words: str) -> tuple[Any, list[str]]:
    """Run `cluster features` where three features are on; return what was sent, and the lines."""
    told = {"metadata.version": 27, "group.version": 1, "share.version": 1}
    orders.answers["features"] = Features(
        {name: Feature(WireText(name), 0, 99, level) for name, level in told.items()}, 7
    )
    orders.answers["update_features"] = lambda levels, *_args, **_kw: dict.fromkeys(levels)
    ran = kcon("cluster", "features", *words, "--no-headers")
    return [dict(levels) for _operation, levels in orders.mutations], [*ran.out.splitlines(), ran.err]


def test_a_release_names_the_levels_that_are_still_below_it(orders: Any, kcon: Any) -> None:
    sent, _lines = feature_levels(orders, kcon, "--release", "4.2", "-y")
    assert sent == [
        {
            "metadata.version": 29,
            "transaction.version": 2,
            "eligible.leader.replicas.version": 1,
            "streams.version": 1,
        }
    ]


def test_an_older_release_names_the_levels_above_it(orders: Any, kcon: Any) -> None:
    sent, _lines = feature_levels(orders, kcon, "--release", "4.0", "--downgrade", "-y")
    assert sent == [{"metadata.version": 25, "share.version": 0}]


@pytest.mark.parametrize(("release", "way"), [("3.9", "below"), ("4.3", "above")])
def test_a_release_that_is_reached_changes_nothing(orders: Any, kcon: Any, release: str, way: str) -> None:
    sent, lines = feature_levels(orders, kcon, "--release", release, *(["--downgrade"] if way == "above" else []), "-y")
    assert sent == []
    assert f"no feature is {way} the level" in lines[-1]


@pytest.mark.parametrize(
    "words",
    [("--release", "4.9"), ("--release", "4.2", "--set", "group.version=1"), ("--release", "4.2", "--where", "true")],
)
def test_a_release_that_is_unknown_or_not_alone_is_a_usage_error(kcon: Any, words: tuple[str, ...]) -> None:
    assert kcon("cluster", "features", *words).code == 2


def test_nothing_to_elect_asks_nothing(orders: Any, kcon: Any) -> None:
    ran = kcon("cluster", "elect")
    assert (ran.code, orders.mutations) == (0, [])
    assert "No partition needs an election." in ran.err
    assert kcon("cluster", "elect", "-t", "nope").code == 5
    assert kcon("cluster", "elect", "-t", "orders:9").code == 5


# --- users ----------------------------------------------------------------------------------------------------


def test_a_password_stands_nowhere(fake_cluster: Any, kcon: Any) -> None:
    """Not in the output, not in the audit line, and never among the words of the command."""
    fake_cluster.answers |= {
        "scram_users": {"alice": kafka_error(91)},
        "alter_scram_users": lambda edits, _permit: {name: None for name, _mechanism in edits},
    }
    kcon.terminal = True
    ran = kcon("user", "create", "alice", "-y", stdin=b"hunter2\nhunter2\n")
    assert ran.code == 0, ran.err
    audit = "".join(path.read_text() for path in kcon.folder.rglob("audit.jsonl"))
    assert "user:alice" in audit
    assert "hunter2" not in ran.out + ran.err + audit
    ((operation, edits),) = fake_cluster.mutations
    assert operation is Operation.USER_ALTER
    assert "hunter2" not in repr(edits)


def test_passwords_that_differ_are_refused(fake_cluster: Any, kcon: Any) -> None:
    fake_cluster.answers["scram_users"] = {"alice": kafka_error(91)}
    kcon.terminal = True
    assert kcon("user", "create", "alice", "-y", stdin=b"one\ntwo\n").code == 2
    kcon.terminal = False
    assert kcon("user", "create", "alice", "-y").code == 2
    assert kcon("user", "create", "alice", "--password-env", "NOPE", "-y").code == 2
    assert fake_cluster.mutations == []


# --- commits of groups ----------------------------------------------------------------------------------------


def test_offsets_are_shown_and_exported(orders: Any, kcon: Any) -> None:
    orders.commit("audit", "clicks", 0, 3)
    assert kcon.lines("group", "offsets", "get", "billing", "-t", "orders:1") == [
        "group\ttopic\tpartition\toffset\tleader_epoch\tmetadata",
        "billing\torders\t1\t20\t\t",
    ]
    assert kcon.lines("group", "offsets", "export", "billing") == ["orders,0,60", "orders,1,20"]
    assert kcon.lines("group", "offsets", "export", "*")[0] == "audit,clicks,0,3"
    assert kcon("group", "offsets", "get", "nope").code == 5


def test_deleted_offsets_can_be_brought_back(orders: Any, kcon: Any) -> None:
    assert kcon("group", "offsets", "delete", "billing", "-y").code == 2
    assert kcon("group", "offsets", "delete", "billing", "-t", "orders:0").code == 6
    assert kcon("group", "offsets", "delete", "billing", "-t", "orders:0", "-y").code == 0
    assert list(orders.groups_by_id["billing"].commits) == [at(1)]
    assert kcon("group", "undo", "billing", "-y").code == 0
    assert orders.groups_by_id["billing"].commits[at(0)].offset == 60


def test_an_export_is_imported(orders: Any, kcon: Any) -> None:
    ran = kcon("group", "offsets", "import", "billing", "-", "-y", stdin=b"orders,0,5\n")
    assert ran.code == 0
    assert orders.groups_by_id["billing"].commits[at(0)].offset == 5


def test_members_are_listed(orders: Any, kcon: Any) -> None:
    orders.groups_by_id["billing"].state = "Stable"
    orders.groups_by_id["billing"].members = [("app", [at(0), at(1)])]
    assert kcon.lines("group", "members", "billing")[1] == "billing\tapp-1\tapp\t/10.0.0.1\t\t2\torders/0,orders/1"


def test_reset_of_all_groups_leaves_active_ones_alone(orders: Any, kcon: Any) -> None:
    orders.commit("audit", "clicks", 0, 3)
    orders.commit("busy", "clicks", 0, 3)
    orders.groups_by_id["busy"].state = "Stable"
    assert kcon("group", "reset", "--all-groups", "--to", "start").code == 6
    assert orders.mutations == []
    ran = kcon("group", "reset", "--all-groups", "--to", "start", "-y")
    assert ran.code == 6
    assert "busy" in ran.err
    assert orders.groups_by_id["audit"].commits[at(0, "clicks")].offset == 0
    assert orders.groups_by_id["billing"].commits[at(1)].offset == 40
    assert orders.groups_by_id["busy"].commits[at(0, "clicks")].offset == 3
    assert kcon("group", "reset", "--all-groups", "billing", "--to", "start").code == 2


# --- share and streams groups, completion ---------------------------------------------------------------------


def test_a_share_group_is_described(fake_cluster: Any, kcon: Any) -> None:
    group = group_id("sg")
    share = ShareGroup(group, "Stable", 3, "simple", 1, ())
    offsets = (ShareOffset(at(0), 5, 2, None), ShareOffset(at(1), None, None, None))
    fake_cluster.answers |= {"describe_share_groups": {group: share}, "share_offsets": {group: offsets}}
    assert kcon.lines("share", "describe", "sg") == [
        "group\ttopic\tpartition\tstart\tlag",
        "sg\torders\t0\t5\t2",
        "sg\torders\t1\t\t",
    ]
    fake_cluster.answers["describe_share_groups"] = {group: kafka_error(69)}
    assert kcon("share", "describe", "sg").code == 5


def test_a_streams_group_is_described(fake_cluster: Any, kcon: Any) -> None:
    group = group_id("app")
    member = StreamsMember(
        MemberId(WireText("m")),
        ClientId(WireText("c")),
        HostName(WireText("h")),
        WireText("p"),
        1,
        False,
        (StreamsTasks("active", WireText("0"), (0, 1)),),
    )
    topology = ((WireText("0"), (WireText("orders"),)),)
    fake_cluster.answers["describe_streams_groups"] = {
        group: StreamsGroup(group, "Stable", 3, 1, topology, 1, (member,))
    }
    assert kcon.lines("streams", "describe", "app")[1] == "app\tc\th\tactive\t0\t0,1"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_in_the_completion(kcon: Any, shell: str) -> None:
    script = "\n".join(kcon.lines("completion", shell))
    for word in ("topic", "add-partitions", "offsets", "explain", "before"):
        assert word in script


def test_bash_completes(kcon: Any, tmp_path: Path) -> None:
    """By a bash that reads the script."""
    script = tmp_path / "kcon.bash"
    script.write_text("\n".join(kcon.lines("completion", "bash")))

    def completed(*words: str) -> list[str]:
        quoted = " ".join(f"'{word}'" for word in words)
        line = f'. {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _kcon; echo "${{COMPREPLY[@]}}"'
        ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=30)
        return ran.stdout.split()

    assert completed("kcon", "topic", "pu") == ["purge"]
    assert completed("kcon", "-b", "x:1", "group", "offsets", "e") == ["export"]
    assert completed("kcon", "topic", "purge", "--be") == ["--before"]
    assert completed("kcon", "qu") == ["quota"]
