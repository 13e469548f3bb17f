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
    "group offsets import": ("OffsetCommit", (("g", "-", "-y"),)),
    "group offsets delete": ("OffsetDelete", (("g", "-t", "x", "-y"),)),
    "broker config": ("IncrementalAlterConfigs", (("1", "--set", "a=b", "-y"),)),
    "cluster elect": ("ElectLeaders", (("-y",),)),
    "reassign execute": ("AlterPartitionReassignments", (("-t", "x", "--brokers", "1", "-r", "1", "-y"),)),
    "reassign unthrottle": (None, (("-y",),)),
    "reassign cancel": ("AlterPartitionReassignments", (("-y",),)),
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
    "config paths": (),
    "config doctor": (),
    "audit": (),
    "alerts list": (),
    "alerts export": (),
    "alerts status": ("-b", "127.0.0.1:1"),
    "alerts test": (),
    "completion": ("bash",),
    "errcode": (),
    "doctor": ("--data-dir", "."),
    "cluster status": (),
}
"""Look at this machine alone."""

APART: dict[str, str] = {
    "ui": "takes the terminal",
    "incident open": "takes the terminal",
    "demo": "starts a broker",
    "serve-broker": "starts a broker",
    "daemon": "runs until it is stopped",
    "context edit": "starts an editor",
    "context shell": "starts a shell",
    "context test": "tries the record plane",
    "cluster up": "starts Apache Kafka",
    "cluster kill": "acts on processes of this machine",
    "cluster pause": "acts on processes of this machine",
    "cluster resume": "acts on processes of this machine",
    "cluster add": "acts on processes of this machine",
    "cluster remove": "acts on processes of this machine",
    "cluster down": "acts on processes of this machine",
}
"""Not run by the tests that go through all commands, and why; each has tests of its own."""

TABLES: tuple[dict[str, object], ...] = (dict(READS), dict(READS_RECORDS), dict(CHANGES), dict(LOCAL), dict(APART))
