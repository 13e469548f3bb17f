"""Does it mutate? Judged by content, and denied by default."""

from typing import Any

import pytest

from kcon.admin.apis import Api
from kcon.admin.requests import (
    ReadRequest,
    Request,
    WriteRequest,
    config_target,
    mutates,
    operation_of,
    quota_target,
    targets_of,
)
from kcon.errors import RefusedError
from kcon.gate.permit import Operation

READS: dict[Api, dict[str, Any]] = {
    Api.FETCH: {},
    Api.LIST_OFFSETS: {},
    Api.METADATA: {"topics": None, "allow_auto_topic_creation": False},
    Api.OFFSET_FETCH: {},
    Api.DESCRIBE_GROUPS: {},
    Api.LIST_GROUPS: {},
    Api.SASL_HANDSHAKE: {},
    Api.SASL_AUTHENTICATE: {},
    Api.API_VERSIONS: {},
    Api.DESCRIBE_CONFIGS: {},
    Api.DESCRIBE_CLUSTER: {},
    Api.CONSUMER_GROUP_DESCRIBE: {},
    Api.CREATE_TOPICS: {"topics": [], "validate_only": True},
    Api.INCREMENTAL_ALTER_CONFIGS: {"resources": [], "validate_only": True},
    Api.CREATE_PARTITIONS: {"topics": [], "validate_only": True},
    Api.ALTER_CLIENT_QUOTAS: {"entries": [], "validate_only": True},
    Api.UPDATE_FEATURES: {"validate_only": True},
    Api.DESCRIBE_ACLS: {},
    Api.DESCRIBE_LOG_DIRS: {},
    Api.LIST_PARTITION_REASSIGNMENTS: {},
    Api.DESCRIBE_CLIENT_QUOTAS: {},
    Api.DESCRIBE_USER_SCRAM_CREDENTIALS: {},
    Api.DESCRIBE_DELEGATION_TOKEN: {},
    Api.DESCRIBE_QUORUM: {},
    Api.DESCRIBE_PRODUCERS: {},
    Api.DESCRIBE_TRANSACTIONS: {},
    Api.LIST_TRANSACTIONS: {},
    Api.LIST_CONFIG_RESOURCES: {},
    Api.DESCRIBE_TOPIC_PARTITIONS: {},
    Api.SHARE_GROUP_DESCRIBE: {},
    Api.STREAMS_GROUP_DESCRIBE: {},
    Api.DESCRIBE_SHARE_GROUP_OFFSETS: {},
}

RAW_ONLY: set[Api] = set()
"""Mutations that kcon sends for `kcon raw` alone."""


@pytest.mark.parametrize("api", Api)
def test_only_known_reads_are_reads(api: Api) -> None:
    """A new API mutates until somebody says it does not."""
    request = WriteRequest(api=api, values=READS.get(api, {}))
    assert mutates(request) is (api not in READS)


@pytest.mark.parametrize(
    "request_",
    [
        ReadRequest(api=Api.METADATA, values={"topics": [{"name": "x"}]}),
        ReadRequest(api=Api.METADATA, values={"topics": None, "allow_auto_topic_creation": None}),
        ReadRequest(api=Api.CREATE_TOPICS, values={"validate_only": 1}),
        ReadRequest(api=Api.CREATE_TOPICS, values={"validate_only": True}, encode_body=lambda _: b""),
        ReadRequest(api=Api.UPDATE_FEATURES, values={"validate_only": True}, droppable=frozenset({"validate_only"})),
        ReadRequest(api=Api.FIND_COORDINATOR, values={"key": "g"}),
    ],
    ids=["flag missing", "flag null", "not quite true", "body by hand", "flag may go", "first coordinator"],
)
def test_a_read_in_name_only_mutates(request_: Request) -> None:
    assert mutates(request_)


def test_coordinator_look_up_is_a_read_once_the_topic_is_there() -> None:
    assert not mutates(ReadRequest(api=Api.FIND_COORDINATOR, values={"key": "g"}, offsets_topic_exists=True))


@pytest.mark.parametrize(
    ("api", "values", "operation", "targets"),
    [
        (Api.CREATE_TOPICS, {"topics": [{"name": "a"}, {"name": "b"}]}, Operation.TOPIC_CREATE, {"a", "b"}),
        (Api.DELETE_TOPICS, {"topics": [{"name": "a"}], "topic_names": ["b"]}, Operation.TOPIC_DELETE, {"a", "b"}),
        (Api.DELETE_GROUPS, {"groups_names": ["g"]}, Operation.GROUP_DELETE, {"g"}),
        (Api.OFFSET_COMMIT, {"group_id": "g"}, Operation.OFFSETS_COMMIT, {"g"}),
        (Api.OFFSET_DELETE, {"group_id": "g"}, Operation.OFFSETS_DELETE, {"g"}),
        (
            Api.INCREMENTAL_ALTER_CONFIGS,
            {"resources": [{"resource_type": 2, "resource_name": "a"}]},
            Operation.CONFIG_ALTER,
            {"topic:a"},
        ),
        (Api.CREATE_PARTITIONS, {"topics": [{"name": "a"}]}, Operation.PARTITIONS_ADD, {"a"}),
        (Api.DELETE_RECORDS, {"topics": [{"name": "a"}]}, Operation.RECORDS_DELETE, {"a"}),
        (Api.ELECT_LEADERS, {"topic_partitions": [{"topic": "a"}]}, Operation.LEADERS_ELECT, {"a"}),
        (Api.ALTER_PARTITION_REASSIGNMENTS, {"topics": [{"name": "a"}]}, Operation.REASSIGN, {"a"}),
        (
            Api.CREATE_ACLS,
            {"creations": [{"resource_type": 2, "resource_name": "a"}]},
            Operation.ACL_CREATE,
            {"acl:topic:a"},
        ),
        (
            Api.DELETE_ACLS,
            {"filters": [{"resource_type_filter": 3, "resource_name_filter": "g"}]},
            Operation.ACL_DELETE,
            {"acl:group:g"},
        ),
        (
            Api.ALTER_USER_SCRAM_CREDENTIALS,
            {"deletions": [{"name": "a"}], "upsertions": [{"name": "b"}]},
            Operation.USER_ALTER,
            {"user:a", "user:b"},
        ),
        (
            Api.WRITE_TXN_MARKERS,
            {"markers": [{"topics": [{"name": "a"}]}]},
            Operation.TXN_ABORT,
            {"a"},
        ),
        (Api.LEAVE_GROUP, {"group_id": "g"}, Operation.MEMBERS_REMOVE, {"g"}),
        (Api.ALTER_SHARE_GROUP_OFFSETS, {"group_id": "g"}, Operation.OFFSETS_COMMIT, {"g"}),
        (Api.DELETE_SHARE_GROUP_OFFSETS, {"group_id": "g"}, Operation.OFFSETS_DELETE, {"g"}),
        (
            Api.ALTER_REPLICA_LOG_DIRS,
            {"dirs": [{"path": "/a", "topics": [{"name": "a"}]}, {"path": "/b", "topics": [{"name": "b"}]}]},
            Operation.REPLICAS_MOVE,
            {"a", "b"},
        ),
        (Api.CREATE_DELEGATION_TOKEN, {}, Operation.DELEGATION_ALTER, {"token-of:"}),
        (
            Api.CREATE_DELEGATION_TOKEN,
            {"owner_principal_type": "User", "owner_principal_name": "a"},
            Operation.DELEGATION_ALTER,
            {"token-of:User:a"},
        ),
        (Api.RENEW_DELEGATION_TOKEN, {"token_id": "t"}, Operation.DELEGATION_ALTER, {"token:t"}),
        (Api.EXPIRE_DELEGATION_TOKEN, {"token_id": "t"}, Operation.DELEGATION_ALTER, {"token:t"}),
        (Api.INIT_PRODUCER_ID, {"transactional_id": "p"}, Operation.PRODUCER_FENCE, {"p"}),
        (Api.UNREGISTER_BROKER, {"broker_id": 4}, Operation.BROKER_UNREGISTER, {"broker:4"}),
        (Api.ADD_RAFT_VOTER, {"voter_id": 2}, Operation.QUORUM_CHANGE, {"voter:2"}),
        (Api.REMOVE_RAFT_VOTER, {"voter_id": 2}, Operation.QUORUM_CHANGE, {"voter:2"}),
        (
            Api.UPDATE_FEATURES,
            {"feature_updates": [{"feature": "metadata.version"}]},
            Operation.FEATURES_UPDATE,
            {"feature:metadata.version"},
        ),
        (Api.FIND_COORDINATOR, {"coordinator_keys": ["g", "h"]}, Operation.OFFSETS_COMMIT, {"g", "h"}),
        (Api.FIND_COORDINATOR, {"key": "g"}, Operation.GROUP_DELETE, {"g"}),
    ],
)
def test_operation_and_targets(api: Api, values: dict[str, Any], operation: Operation, targets: set[str]) -> None:
    request = WriteRequest(api=api, values=values)
    assert operation_of(request, operation) is operation
    assert targets_of(request) == targets


def test_every_mutation_has_an_operation_and_targets_or_is_refused() -> None:
    lists = ("topics", "resources", "topic_partitions", "creations", "filters", "entries", "deletions", "upsertions")
    values: dict[str, Any] = {"group_id": "g", "groups_names": [], "markers": [], **{key: [] for key in lists}}
    values |= {"token_id": "t", "transactional_id": "p"}
    values |= {"broker_id": 1, "voter_id": 1, "feature_updates": [], "dirs": []}
    for api in set(Api) - READS.keys() - {Api.FIND_COORDINATOR} | {Api.CREATE_PARTITIONS, Api.ALTER_CLIENT_QUOTAS}:
        request = WriteRequest(api=api, values=values)
        if api in RAW_ONLY:
            with pytest.raises(RefusedError):
                operation_of(request, Operation.CONFIG_ALTER)
            with pytest.raises(RefusedError):
                targets_of(request)
        else:
            assert operation_of(request, Operation.RAW) is not Operation.RAW
            assert targets_of(request) is not None


def test_only_a_raw_request_rides_on_a_raw_permit() -> None:
    raw = WriteRequest(api=Api.DELETE_TOPICS, values={"topics": [{"name": "a"}]}, raw=True)
    assert operation_of(raw, Operation.TOPIC_DELETE) is Operation.RAW
    assert targets_of(raw) == {"DeleteTopics"}


def test_quota_targets_name_the_default() -> None:
    entity: list[dict[str, object]] = [
        {"entity_type": "user", "entity_name": None},
        {"entity_type": "client-id", "entity_name": "c"},
    ]
    assert quota_target(entity) == "quota:client-id=c,user=<default>"


def test_config_targets_are_told_apart() -> None:
    assert config_target(2, "a") != config_target(4, "a")
