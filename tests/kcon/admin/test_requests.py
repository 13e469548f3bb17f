"""Does it mutate? Judged by content, and denied by default."""

from typing import Any

import pytest

from kcon.admin.apis import Api
from kcon.admin.requests import ReadRequest, Request, WriteRequest, config_target, mutates, operation_of, targets_of
from kcon.gate.permit import Operation

READS: dict[Api, dict[str, Any]] = {
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
}


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
        ReadRequest(api=Api.FIND_COORDINATOR, values={"key": "g"}),
    ],
    ids=["flag missing", "flag null", "not quite true", "body by hand", "first coordinator"],
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
        (Api.FIND_COORDINATOR, {"coordinator_keys": ["g", "h"]}, Operation.OFFSETS_COMMIT, {"g", "h"}),
        (Api.FIND_COORDINATOR, {"key": "g"}, Operation.GROUP_DELETE, {"g"}),
    ],
)
def test_operation_and_targets(api: Api, values: dict[str, Any], operation: Operation, targets: set[str]) -> None:
    request = WriteRequest(api=api, values=values)
    assert operation_of(request, operation) is operation
    assert targets_of(request) == targets


def test_every_mutating_api_has_targets() -> None:
    for api in set(Api) - READS.keys() - {Api.FIND_COORDINATOR}:
        values = {"topics": [], "group_id": "g", "groups_names": [], "resources": []}
        assert targets_of(WriteRequest(api=api, values=values)) is not None


def test_config_targets_are_told_apart() -> None:
    assert config_target(2, "a") != config_target(4, "a")
