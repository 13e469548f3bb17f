"""Which of Apache Kafka's own tools does the same as a command? The words of its command line, or nothing.

For people who know those tools, or who must hand a change to somebody who has only them. Pure: nothing is run here.
"""

import shlex
from collections.abc import Callable, Sequence
from typing import Any, Final

from kcon.commands.request import Request

_CONNECT: Final = "--bootstrap-server"


def apache_command(request: Request, bootstrap: str) -> str | None:
    """Return Apache's command line; None where its tools cannot do that in one command."""
    maker = _MAKERS.get(type(request).__name__)
    if maker is None:
        return None
    made = maker(request)
    if made is None:
        return None
    tool, *rest = made
    return shlex.join([f"{tool}.sh", _CONNECT, bootstrap, *rest])


def _topics(request: Any, *verb: str) -> list[str] | None:
    if len(request.names) != 1 or getattr(request, "regex", False):
        return None
    return ["kafka-topics", *verb, "--topic", request.names[0]]


def _topic_create(request: Any) -> list[str] | None:
    words = _topics(request, "--create")
    if words is None:
        return None
    words += ["--if-not-exists"] if request.if_not_exists else []
    words += ["--partitions", str(request.partition_count)] if request.partition_count else []
    words += ["--replication-factor", str(request.replication_factor)] if request.replication_factor else []
    for key, value in request.configs:
        words += ["--config", f"{key}={value}"]
    return words


def _grow(request: Any) -> list[str] | None:
    words = _topics(request, "--alter")
    return None if words is None or request.total is None else [*words, "--partitions", str(request.total)]


def _config(kind: str, name: Sequence[str], edits: Sequence[tuple[str, str, str | None]]) -> list[str] | None:
    words = ["kafka-configs", "--alter", "--entity-type", kind, *name]
    added = [f"{key}={_listed(value)}" for operation, key, value in edits if operation == "set"]
    deleted = [key for operation, key, _value in edits if operation == "delete"]
    if len(added) + len(deleted) != len(edits):
        return None  # Its tool neither appends nor subtracts.
    words += ["--add-config", ",".join(added)] if added else []
    return words + (["--delete-config", ",".join(deleted)] if deleted else [])


def _listed(value: str | None) -> str:
    return f"[{value}]" if value and "," in value else value or ""


def _topic_alter(request: Any) -> list[str] | None:
    if len(request.names) != 1 or request.regex:
        return None
    return _config("topics", ["--entity-name", request.names[0]], request.edits)


def _broker_config(request: Any) -> list[str] | None:
    if not request.edits:
        if len(request.ids) != 1:
            return None
        return ["kafka-configs", "--describe", "--entity-type", "brokers", "--entity-name", str(request.ids[0])]
    if len(request.ids) > 1:
        return None
    name = ["--entity-name", str(request.ids[0])] if request.ids else ["--entity-default"]
    return _config("brokers", name, request.edits)


_SCENARIOS: Final = {"start": "--to-earliest", "end": "--to-latest", "current": "--to-current"}


def _reset(request: Any) -> list[str] | None:
    words = ["kafka-consumer-groups", "--group", request.group, "--reset-offsets"]
    for scope in request.topics:
        partitions = "" if scope.partitions is None else ":" + ",".join(map(str, scope.partitions))
        words += ["--topic", f"{scope.topic}{partitions}"]
    words += [] if request.topics else ["--all-topics"]
    target = request.target or ""
    if request.to_group is not None or request.all_groups or request.wait_ms is not None:
        return None
    if request.from_file is not None:
        words += ["--from-file", request.from_file]
    elif target in _SCENARIOS:
        words.append(_SCENARIOS[target])
    elif target.isdigit():
        words += ["--to-offset", target]
    elif target.startswith(("current+", "current-")):
        words += ["--shift-by", target.removeprefix("current").removeprefix("+")]
    else:
        return None  # A time is written differently there, and in UTC.
    return [*words, "--execute"]


def _group_delete(request: Any) -> list[str] | None:
    if request.regex or any(char in name for name in request.names for char in "*?["):
        return None
    return ["kafka-consumer-groups", "--delete", *(word for name in request.names for word in ("--group", name))]


def _acl(verb: str) -> Callable[[Any], list[str] | None]:
    def make(request: Any) -> list[str] | None:
        scope = request.scope
        words = ["kafka-acls", verb]
        preset = getattr(request, "preset", None)
        words += [f"--{preset}"] if preset else []
        for option, names in (
            ("--topic", scope.topics),
            ("--group", scope.groups),
            ("--transactional-id", scope.transactional_ids),
        ):
            for name in names:
                words += [option, name]
        words += ["--cluster"] if scope.cluster else []
        for operation in scope.operations if not preset else ():
            words += ["--operation", operation.title().replace("-", "").replace("_", "")]
        side = "deny" if getattr(scope, "permission", None) == "deny" else "allow"
        for principal in scope.principals:
            words += [f"--{side}-principal", principal if ":" in principal else f"User:{principal}"]
        for host in scope.hosts:
            words += [f"--{side}-host", host]
        return [*words, *(["--resource-pattern-type", scope.pattern] if scope.pattern == "prefixed" else [])]

    return make


def _quota(request: Any) -> list[str] | None:
    scope = request.scope
    words = ["kafka-configs", "--alter"]
    for kind, name in (("users", scope.user), ("clients", scope.client_id), ("ips", scope.ip)):
        if name is not None:
            words += ["--entity-type", kind]
            words += ["--entity-default"] if name == "<default>" else ["--entity-name", name]
    added = [f"{key}={value:.10g}" for key, value in request.values if value is not None]
    deleted = [key for key, value in request.values if value is None]
    words += ["--add-config", ",".join(added)] if added else []
    return words + (["--delete-config", ",".join(deleted)] if deleted else [])


def _user_delete(request: Any) -> list[str] | None:
    if len(request.names) != 1 or not request.mechanisms:
        return None
    removed = ",".join(name.upper() for name in request.mechanisms)
    return [
        "kafka-configs",
        "--alter",
        "--entity-type",
        "users",
        "--entity-name",
        request.names[0],
        "--delete-config",
        removed,
    ]


def _abort(request: Any) -> list[str]:
    place = ["--topic", request.topic, "--partition", str(request.partition)]
    return ["kafka-transactions", "abort", *place, "--start-offset", str(request.start_offset)]


def _elect(request: Any) -> list[str] | None:
    words = ["kafka-leader-election", "--election-type", "unclean" if request.unclean else "preferred"]
    if not request.topics:
        return [*words, "--all-topic-partitions"]
    (scope,) = request.topics if len(request.topics) == 1 else (None,)
    if scope is None or scope.partitions is None or len(scope.partitions) != 1:
        return None
    return [*words, "--topic", scope.topic, "--partition", str(next(iter(scope.partitions)))]


def _described(tool: str, *words: str) -> Callable[[Any], list[str] | None]:
    def make(request: Any) -> list[str] | None:
        names = getattr(request, "names", ())
        if len(names) > 1 or getattr(request, "regex", False):
            return None
        option = {"kafka-topics": "--topic", "kafka-consumer-groups": "--group"}.get(tool)
        return [tool, *words, *([option, names[0]] if names and option else [])]

    return make


_MAKERS: Final[dict[str, Callable[[Any], list[str] | None]]] = {
    "TopicList": _described("kafka-topics", "--list"),
    "TopicDescribe": _described("kafka-topics", "--describe"),
    "TopicCreate": _topic_create,
    "TopicDelete": lambda request: _topics(request, "--delete"),
    "TopicAlter": _topic_alter,
    "TopicAddPartitions": _grow,
    "GroupList": _described("kafka-consumer-groups", "--list"),
    "GroupDescribe": _described("kafka-consumer-groups", "--describe"),
    "GroupLag": _described("kafka-consumer-groups", "--describe"),
    "GroupMembers": _described("kafka-consumer-groups", "--describe", "--members", "--verbose"),
    "GroupReset": _reset,
    "GroupDelete": _group_delete,
    "AclList": _described("kafka-acls", "--list"),
    "AclCreate": _acl("--add"),
    "AclDelete": _acl("--remove"),
    "QuotaList": _described("kafka-configs", "--describe", "--entity-type", "users"),
    "QuotaAlter": _quota,
    "UserList": _described("kafka-configs", "--describe", "--entity-type", "users"),
    "UserDelete": _user_delete,
    "BrokerConfig": _broker_config,
    "BrokerLogDirs": _described("kafka-log-dirs", "--describe"),
    "ClusterQuorum": _described("kafka-metadata-quorum", "describe", "--replication"),
    "ClusterFeatures": _described("kafka-features", "describe"),
    "ClusterElect": _elect,
    "TxnList": _described("kafka-transactions", "list"),
    "TxnAbort": _abort,
    "ReassignStatus": lambda _request: ["kafka-reassign-partitions", "--list"],
}
