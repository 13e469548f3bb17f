"""Every command of kcon with words that run it: what tests go through that must not forget a new one.

A command stands in exactly one of the four tables; `tests/kcon/commands/test_every_command.py` compares them with the
tree. Where a cluster is asked, words name what any cluster of `tests/answering_broker.py` has.
"""

Words = tuple[str, ...]

READS: dict[str, Words] = {
    "topic list": (),
    "topic describe": ("*",),
    "topic offsets": ("*",),
    "topic consumers": ("*",),
    "topic producers": ("*",),
    "group list": (),
    "group describe": ("*",),
    "group lag": ("--all",),
    "group members": ("*",),
    "group offsets get": ("*",),
    "group offsets export": ("*",),
    "share list": (),
    "share describe": ("*",),
    "streams list": (),
    "streams describe": ("*",),
    "broker list": (),
    "broker describe": ("1",),
    "broker logdirs": ("--replicas",),
    "cluster info": (),
    "cluster quorum": (),
    "cluster features": (),
    "cluster versions": ("--all",),
    "reassign plan": ("-t", "x", "--brokers", "1"),
    "reassign status": (),
    "check restart": ("1",),
    "check lag": ("*", "--max-lag", "1", "--max-time-lag", "1s"),
    "check topic": ("*",),
    "check cluster": (),
    "du": ("--retention", "1d"),
    "wait": ("urp=0", "--for", "1s"),
    "txn list": (),
    "txn describe": ("x",),
    "txn producers": ("x",),
    "txn hanging": ("x",),
    "acl list": (),
    "acl explain": ("alice", "-t", "x"),
    "quota list": (),
    "quota resolve": ("--user", "alice"),
    "user list": (),
    "token list": (),
    "metrics": ("--once",),
    "history status": (),
    "history marks": (),
    "history diff": ("@-1h",),
    "incident list": (),
    "incident start": ("x",),
    "incident note": ("hot",),
    "incident stop": (),
    "incident export": ("x",),
}
"""Ask the cluster by the admin plane, and end."""

READS_RECORDS: dict[str, Words] = {
    "consume": ("x", "-e"),
    "tail": ("x",),
    "get": ("x/0/0",),
    "search": ("x", "--where", "true"),
    "why": ("x", "--for", "1s"),
    "top": ("--once", "--interval", "1ms"),
    "topic analyze": ("x",),
}
"""Read records too, or watch for a while."""

CHANGES: dict[str, tuple[str | None, tuple[Words, ...]]] = {
    "topic create": ("CreateTopics", (("x",),)),
    "topic delete": ("DeleteTopics", (("x", "-y"), ("x", "--confirm", "x"))),
    "topic alter": ("IncrementalAlterConfigs", (("x", "--set", "a=b", "-y"),)),
    "topic add-partitions": ("CreatePartitions", (("x", "--add", "1", "-y"),)),
    "topic apply": (None, (("-f", "-", "-y"),)),
    "topic clone": ("CreateTopics", (("x", "y"),)),
    "topic purge": ("DeleteRecords", (("x", "-y"),)),
    "group reset": (
        "OffsetCommit",
        (
            ("g", "--to", "start", "-y"),
            ("g", "--to", "start", "-y", "--wait", "1s"),
            ("--all-groups", "--to", "start", "-y"),
        ),
    ),
    "group undo": (None, (("g", "-y"),)),
    "group delete": ("DeleteGroups", (("g", "-y"),)),
    "group evict": ("LeaveGroup", (("g", "--all", "-y"),)),
    "group config": ("IncrementalAlterConfigs", (("g", "--set", "a=b", "-y"),)),
    "group offsets import": ("OffsetCommit", (("g", "-", "-y"),)),
    "group offsets delete": ("OffsetDelete", (("g", "-t", "x", "-y"),)),
    "share reset": ("AlterShareGroupOffsets", (("x", "--to", "start", "-t", "x", "-y"),)),
    "share delete": ("DeleteGroups", (("x", "-y"),)),
    "share offsets delete": ("DeleteShareGroupOffsets", (("x", "-t", "x", "-y"),)),
    "streams reset": ("OffsetCommit", (("x", "--to", "start", "-y"),)),
    "streams delete": ("DeleteGroups", (("x", "-y"),)),
    "broker config": ("IncrementalAlterConfigs", (("1", "--set", "a=b", "-y"),)),
    "broker loggers": ("IncrementalAlterConfigs", (("1", "--set", "root=DEBUG", "-y"),)),
    "cluster elect": ("ElectLeaders", (("-y",),)),
    "cluster client-metrics": ("IncrementalAlterConfigs", (("m", "--set", "a=b", "-y"),)),
    "cluster unregister": ("UnregisterBroker", (("1", "-y"),)),
    "cluster add-voter": ("AddRaftVoter", (("4", "--listener", "C=h:1", "--directory-id", "A" * 22, "-y"),)),
    "cluster remove-voter": ("RemoveRaftVoter", (("1", "-y"),)),
    "reassign execute": ("AlterPartitionReassignments", (("-t", "x", "--brokers", "1", "-r", "1", "-y"),)),
    "reassign unthrottle": (None, (("-y",),)),
    "reassign logdir": ("AlterReplicaLogDirs", (("x", "--broker", "1", "--to", "x", "-y"),)),
    "reassign cancel": ("AlterPartitionReassignments", (("-y",),)),
    "txn fence": ("InitProducerId", (("x", "-y"),)),
    "txn abort": ("WriteTxnMarkers", (("x", "-p", "0", "--start-offset", "7", "-y"),)),
    "raw": (
        "DeleteTopics",
        (
            ("DeleteTopics", "--data", '{"topics": [{"name": "x"}], "timeoutMs": 9000}', "-y"),
            ("Metadata", "--data", '{"topics": [{"name": "x"}]}', "-y"),
        ),
    ),
    "acl create": ("CreateAcls", (("--principal", "a", "-t", "x", "--operation", "read", "-y"),)),
    "acl delete": ("DeleteAcls", (("-t", "x", "-y"),)),
    "quota alter": ("AlterClientQuotas", (("--user", "u", "--set", "producer_byte_rate=1", "-y"),)),
    "user create": ("AlterUserScramCredentials", (("u", "--password-file", "-", "-y"),)),
    "user alter": ("AlterUserScramCredentials", (("u", "--password-file", "-", "-y"),)),
    "user delete": ("AlterUserScramCredentials", (("u", "-y"),)),
    "token create": ("CreateDelegationToken", (("--secret-file", "new", "-y"),)),
    "token renew": ("RenewDelegationToken", (("x", "-y"),)),
    "token expire": ("ExpireDelegationToken", (("x", "-y"),)),
    "produce": (None, (("x", "v"),)),
    "probe": (None, (("--create", "--once"), ("--once", "--delete"))),
    "load": (None, (("-", "-t", "x"), ("-", "-t", "x", "--job", "j"))),
    "copy": (None, (("x", "y", "-y"), ("x/0/1", "y", "--create", "-y"))),
    "redrive": (None, (("x", "-y"),)),
    "migrate": (None, (("127.0.0.1:1", "127.0.0.1:1", "-y"),)),
}
"""Change a cluster: the API that a carried out change sends (None: it is no single one, or not the admin plane's)."""

CHANGES_ELSEWHERE: dict[str, Words] = {
    "consume": ("x", "-g", "g", "-e"),
    "cluster features": ("--set", "metadata.version=30", "-y"),
}
"""Commands of another table that change something with these words."""

LOCAL: dict[str, Words] = {
    "context add": ("new", "-b", "h:1"),
    "context use": ("prod",),
    "context list": (),
    "context show": ("--sources",),
    "context remove": ("prod",),
    "context trust": ("--list",),
    "context import": ("--from", "kcat", "no-such-file"),
    "check regex": ("orders[.].*",),
    "config paths": (),
    "config doctor": (),
    "audit": (),
    "alerts list": (),
    "alerts export": (),
    "alerts status": ("-b", "127.0.0.1:1"),
    "alerts test": (),
    "completion": ("bash",),
    "errcode": ("3", "NOT_CONTROLLER"),
    "doctor": ("--data-dir", "."),
    "cluster status": (),
}
"""Look at this machine alone."""

_LOCAL_CLUSTER = "kcon/cli/test_local_cluster.py::test_one_node_from_up_to_down"
APART: dict[str, tuple[str, str]] = {
    "ui": ("takes the terminal", "kcon/cli/test_ui.py::test_a_named_cluster_is_opened"),
    "demo": ("starts a broker", "kcon/cli/test_demo.py::test_a_headless_demo_reports_and_leaves_nothing"),
    "serve-broker": (
        "starts a broker",
        "kcon/cli/test_demo.py::test_a_broker_in_the_foreground_serves_and_stops_cleanly",
    ),
    "incident open": ("takes the terminal", "kcon/cli/test_incident.py::test_open_wants_a_terminal"),
    "daemon": (
        "runs until it is stopped",
        "kcon/cli/test_daemon.py::test_a_lag_is_told_when_it_begins_and_when_it_is_over",
    ),
    "context edit": (
        "starts an editor",
        "kcon/cli/test_context_files.py::test_an_edit_takes_the_old_files_place_when_it_is_in_order",
    ),
    "context shell": (
        "starts a shell",
        "kcon/cli/test_context_files.py::test_a_shell_has_its_context_and_its_code_is_handed_on",
    ),
    "context test": (
        "tries the record plane",
        "compat/test_security.py::test_a_context_is_tested_step_by_step",
    ),
    "cluster up": ("starts Apache Kafka", _LOCAL_CLUSTER),
    "cluster kill": ("acts on processes of this machine", _LOCAL_CLUSTER),
    "cluster pause": ("acts on processes of this machine", _LOCAL_CLUSTER),
    "cluster resume": ("acts on processes of this machine", _LOCAL_CLUSTER),
    "cluster add": ("acts on processes of this machine", _LOCAL_CLUSTER),
    "cluster remove": ("acts on processes of this machine", _LOCAL_CLUSTER),
    "cluster down": ("acts on processes of this machine", _LOCAL_CLUSTER),
}
"""Not run by the tests that go through all commands: why, and the test below `tests/` that each has of its own."""

TABLES: tuple[dict[str, object], ...] = (dict(READS), dict(READS_RECORDS), dict(CHANGES), dict(LOCAL), dict(APART))
