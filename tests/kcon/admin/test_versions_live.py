"""The admin client on the releases of Apache Kafka that are said to work: every call answers, or says what lacks."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kcon.admin.client import Admin
from kcon.admin.config_entries import Edits
from kcon.admin.elections import Election
from kcon.admin.features import LevelChange
from kcon.admin.replica_moves import Replica
from kcon.admin.settings import AdminSettings
from kcon.admin.topic_changes import NewTopic
from kcon.core.acl import AclFilter
from kcon.core.config_entry import ConfigResource, ResourceType
from kcon.core.ids import MemberId, TopicPartition, group_id, topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import EARLIEST, LATEST, MAX_TIMESTAMP, Timestamp
from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.gate.permit import Operation
from kcon.services.apache_kafka import resolve_classpath
from kcon.services.local_cluster import LocalClusterOptions, start_local_cluster

pytestmark = [pytest.mark.slow, pytest.mark.java, pytest.mark.timeout(600)]

TOPIC = topic_name("smoke")
PLACE = TopicPartition(TOPIC, 0)
GROUP = group_id("smokers")
TOPIC_CONFIG = ConfigResource(ResourceType.TOPIC, TOPIC)

LACKING: Mapping[str, set[str]] = {
    "3.7.2": {"share groups", "share offsets", "alter share", "delete share", "streams", "config resources", "voter"},
    "3.9.1": {"share groups", "share offsets", "alter share", "delete share", "streams", "config resources"},
    "4.3.0": set(),
}
"""What a release does not have, by the names below."""


def calls(admin: Admin, permit: Callable[..., Any], path: str) -> dict[str, Callable[[], Coroutine[Any, Any, Any]]]:
    """Return every call, in an order in which each finds what it needs."""
    new = NewTopic(name=TOPIC, partitions=2, replication_factor=1)
    edits: Edits = {"retention.ms": "86400000"}
    return {
        "cluster": admin.cluster,
        "api versions": admin.api_versions,
        "brokers": admin.brokers,
        "quorum": admin.quorum,
        "features": admin.features,
        "create topics": lambda: admin.create_topics([new], permit(Operation.TOPIC_CREATE, TOPIC.raw)),
        "topics": admin.topics,
        "add partitions": lambda: admin.add_partitions({TOPIC: 3}, permit(Operation.PARTITIONS_ADD, TOPIC.raw)),
        "earliest": lambda: admin.list_offsets([PLACE], EARLIEST),
        "latest": lambda: admin.list_offsets([PLACE], LATEST, read_committed=True),
        "at a time": lambda: admin.list_offsets([PLACE], Timestamp(1)),
        "max timestamp": lambda: admin.list_offsets([PLACE], MAX_TIMESTAMP),
        "commit": lambda: admin.commit_offsets(GROUP, {PLACE: 0}, permit(Operation.OFFSETS_COMMIT, GROUP.raw)),
        "groups": admin.list_groups,
        "describe groups": lambda: admin.describe_groups([GROUP]),
        "commits": lambda: admin.committed_offsets([GROUP]),
        "delete commits": lambda: admin.delete_offsets(GROUP, [PLACE], permit(Operation.OFFSETS_DELETE, GROUP.raw)),
        "delete groups": lambda: admin.delete_groups([GROUP], permit(Operation.GROUP_DELETE, GROUP.raw)),
        "share groups": lambda: admin.describe_share_groups([GROUP]),
        "share offsets": lambda: admin.share_offsets([GROUP]),
        "alter share": lambda: admin.alter_share_offsets(
            GROUP, {PLACE: 0}, permit(Operation.OFFSETS_COMMIT, GROUP.raw)
        ),
        "delete share": lambda: admin.delete_share_offsets(GROUP, [TOPIC], permit(Operation.OFFSETS_DELETE, GROUP.raw)),
        "streams": lambda: admin.describe_streams_groups([GROUP]),
        "members": lambda: admin.remove_members(
            GROUP, [MemberId(WireText("nobody"))], permit(Operation.MEMBERS_REMOVE, GROUP.raw)
        ),
        "configs": lambda: admin.describe_configs([TOPIC_CONFIG], names=("retention.ms",)),
        "alter configs": lambda: admin.alter_configs(
            {TOPIC_CONFIG: edits}, permit(Operation.CONFIG_ALTER, TOPIC_CONFIG.target)
        ),
        "config resources": lambda: admin.config_resources([ResourceType.TOPIC]),
        "client metrics": lambda: admin.config_resources([ResourceType.CLIENT_METRICS]),
        "log dirs": admin.log_dirs,
        "move replicas": lambda: admin.move_replicas(
            {Replica(1, PLACE): path}, permit(Operation.REPLICAS_MOVE, TOPIC.raw)
        ),
        "elect": lambda: admin.elect_leaders([PLACE], Election.PREFERRED, permit(Operation.LEADERS_ELECT, TOPIC.raw)),
        "reassignments": admin.reassignments,
        "reassign": lambda: admin.reassign({PLACE: [1]}, permit(Operation.REASSIGN, TOPIC.raw)),
        "acls": lambda: admin.acls(AclFilter()),
        "quotas": admin.quotas,
        "scram users": admin.scram_users,
        "transactions": admin.transactions,
        "describe transactions": lambda: admin.describe_transactions(["nobody"]),
        "producers": lambda: admin.producers([PLACE]),
        "update features": lambda: admin.update_features(
            {"metadata.version": 1}, LevelChange.SAFE_DOWNGRADE, None, validate_only=True
        ),
        "unregister": lambda: admin.unregister_broker(99, permit(Operation.BROKER_UNREGISTER, "broker:99")),
        "voter": lambda: admin.remove_voter(99, b"\1" * 16, permit(Operation.QUORUM_CHANGE, "voter:99")),
        "delete records": lambda: admin.delete_records({PLACE: 0}, permit(Operation.RECORDS_DELETE, TOPIC.raw)),
        "delete topics": lambda: admin.delete_topics([TOPIC], permit(Operation.TOPIC_DELETE, TOPIC.raw)),
    }


ANSWERED_WITH_AN_ERROR = {
    "share groups": "GROUP_ID_NOT_FOUND",
    "share offsets": "GROUP_ID_NOT_FOUND",
    "alter share": "GROUP_ID_NOT_FOUND",
    "delete share": "GROUP_ID_NOT_FOUND",
    "streams": "GROUP_ID_NOT_FOUND",
    "members": "UNKNOWN_MEMBER_ID",
    "delete groups": "GROUP_ID_NOT_FOUND",  # Before 4.0 a group is gone with its last commit.
    "move replicas": "LOG_DIR_NOT_FOUND",
    "acls": "SECURITY_DISABLED",
    "describe transactions": "TRANSACTIONAL_ID_NOT_FOUND",
    "update features": "INVALID_UPDATE_VERSION",
    "unregister": "BROKER_ID_NOT_REGISTERED",
    "voter": "UNSUPPORTED_VERSION",
}
"""What a healthy broker says to these, because they name things that are not there."""


def problem_of(told: Any) -> str | None:
    """Return the name of the first error inside an answer."""
    values = list(told.values()) if isinstance(told, Mapping) else [told]
    return next((each.name for each in values if isinstance(each, KafkaError)), None)


@pytest.mark.parametrize("version", list(LACKING))
def test_every_call_answers_or_says_what_the_release_lacks(version: str, tmp_path: Path, wire: SimpleNamespace) -> None:
    async def settled(call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Ask again while the broker has not heard of the topic: on KRaft that takes a moment."""
        async with asyncio.timeout(30):
            while True:
                told = await call()
                if problem_of(told) != "UNKNOWN_TOPIC_OR_PARTITION":
                    return told
                await asyncio.sleep(0.2)

    async def main() -> dict[str, str]:
        classpath = await resolve_classpath(version=version)
        options = LocalClusterOptions(
            data_dir=tmp_path, dies_with_parent=True, jvm_options=("-XX:TieredStopAtLevel=1",)
        )
        node = await start_local_cluster(classpath, options)
        problems: dict[str, str] = {}
        try:
            settings = AdminSettings(bootstrap=(node.bootstrap,), context="test")
            async with await Admin.connect(settings) as admin:
                for name, call in calls(admin, wire.permit, str(tmp_path / "nowhere")).items():
                    try:
                        problem = problem_of(await settled(call))
                    except KconError as error:
                        problem = error.message
                    if problem is not None and ANSWERED_WITH_AN_ERROR.get(name, "?") not in problem:
                        problems[name] = problem
        finally:
            await node.stop(grace_s=0)
        return problems

    problems = asyncio.run(main())
    lacking = {
        name: said for name, said in problems.items() if "cannot answer" in said or said == "UNSUPPORTED_VERSION"
    }
    assert {name: said for name, said in problems.items() if name not in lacking} == {}
    assert set(lacking) == LACKING[version]
