"""Configs, rules, quotas, credentials and features act and outlive the broker; what Apache Kafka answers is compared
in tests/differential."""

from pathlib import Path

import pytest

from kcon_broker.settings import STANDARD_AUTHORIZER, BrokerSettings, SeedTopic
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    EntityData,
    EntryData,
    OpData,
)
from kcon_broker.wire.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    ScramCredentialUpsertion,
)
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.create_acls import AclCreation, CreateAclsRequest, CreateAclsResponse
from kcon_broker.wire.messages.describe_acls import DescribeAclsRequest, DescribeAclsResponse
from kcon_broker.wire.messages.describe_client_quotas import (
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
)
from kcon_broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResponse,
)
from kcon_broker.wire.messages.describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
)
from kcon_broker.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from kcon_broker.wire.messages.update_features import (
    FeatureUpdateKey,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)
from tests.kcon_broker.raw_client import RawClient, batch, produce

_TOPIC, _BROKER, _GROUP = 2, 4, 32
SETTINGS = BrokerSettings(
    data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=1),), authorizer_class_name=STANDARD_AUTHORIZER
)


def configure(client: RawClient, kind: int, name: str, **configs: str | None) -> int:
    """Set configs, or take those away that are None; return the error code."""
    changes = [
        AlterableConfig(name=key.replace("_", "."), value=value, config_operation=1 if value is None else 0)
        for key, value in configs.items()
    ]
    resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=changes)
    request = IncrementalAlterConfigsRequest(resources=[resource])
    return client.ask(request, IncrementalAlterConfigsResponse, 1).responses[0].error_code


def described(client: RawClient, kind: int, name: str, config: str) -> tuple[str | None, int]:
    """Return a config's value and source."""
    resource = DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=[config])
    answer = client.ask(DescribeConfigsRequest(resources=[resource]), DescribeConfigsResponse, 4)
    (entry,) = answer.results[0].configs
    return entry.value, entry.config_source


def test_a_brokers_config_acts_on_topics_at_once_and_ends_with_its_deletion(client: RawClient) -> None:
    assert produce(client, "t", batch(b"x" * 200)).error_code == ErrorCode.NONE
    assert configure(client, _BROKER, "", message_max_bytes="100") == ErrorCode.NONE
    assert produce(client, "t", batch(b"x" * 200)).error_code == ErrorCode.MESSAGE_TOO_LARGE
    # The topic's own value comes before the broker's.
    assert configure(client, _TOPIC, "t", max_message_bytes="1000") == ErrorCode.NONE
    assert produce(client, "t", batch(b"x" * 200)).error_code == ErrorCode.NONE
    assert configure(client, _TOPIC, "t", max_message_bytes=None) == ErrorCode.NONE
    assert configure(client, _BROKER, "1", message_max_bytes="1000") == ErrorCode.NONE
    assert produce(client, "t", batch(b"x" * 200)).error_code == ErrorCode.NONE
    assert configure(client, _BROKER, "1", message_max_bytes=None) == ErrorCode.NONE
    assert configure(client, _BROKER, "", message_max_bytes=None) == ErrorCode.NONE
    assert described(client, _TOPIC, "t", "max.message.bytes") == ("1048588", 5)


def test_a_limit_of_connections_acts_at_once(broker: InProcessBroker, client: RawClient) -> None:
    assert configure(client, _BROKER, "", max_connections="1") == ErrorCode.NONE
    with RawClient(broker.bootstrap) as second:
        assert second.is_closed_by_broker()
    assert configure(client, _BROKER, "", max_connections="2") == ErrorCode.NONE
    with RawClient(broker.bootstrap) as second:
        assert second.ask(ApiVersionsRequest(), ApiVersionsResponse, 0).error_code == ErrorCode.NONE


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with InProcessBroker(tmp_path, settings=SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        configure(client, _BROKER, "", log_segment_bytes="2000000")
        configure(client, _BROKER, "1", log_segment_bytes="3000000")
        configure(client, _GROUP, "g", consumer_session_timeout_ms="50000")
        client.ask(CreateAclsRequest(creations=[_rule()]), CreateAclsResponse, 3)
        client.ask(_quota(), AlterClientQuotasResponse, 1)
        client.ask(_credential(), AlterUserScramCredentialsResponse, 0)
        client.ask(_features("group.version", 0), UpdateFeaturesResponse, 1)
        broker.kill()
    for settings in (SETTINGS, SETTINGS):
        with InProcessBroker(tmp_path, settings=settings) as broker, RawClient(broker.bootstrap) as client:
            assert described(client, _BROKER, "", "log.segment.bytes") == ("2000000", 3)
            assert described(client, _TOPIC, "t", "segment.bytes") == ("3000000", 2)
            assert described(client, _GROUP, "g", "consumer.session.timeout.ms") == ("50000", 8)
            acls = client.ask(_all_rules(), DescribeAclsResponse, 3)
            assert [resource.resource_name for resource in acls.resources] == ["orders"]
            quotas = client.ask(DescribeClientQuotasRequest(), DescribeClientQuotasResponse, 1).entries
            assert quotas is not None
            assert [entry.values[0].value for entry in quotas] == [2048.0]
            users = client.ask(
                DescribeUserScramCredentialsRequest(users=None), DescribeUserScramCredentialsResponse, 0
            ).results
            assert [(user.user, user.credential_infos[0].iterations) for user in users] == [("alice", 8192)]
            assert "group.version" not in _finalized(client)


def test_rules_are_not_kept_without_an_authorizer(client: RawClient) -> None:
    created = client.ask(CreateAclsRequest(creations=[_rule()]), CreateAclsResponse, 3)
    assert created.results[0].error_code == ErrorCode.SECURITY_DISABLED
    assert client.ask(_all_rules(), DescribeAclsResponse, 3).error_code == ErrorCode.SECURITY_DISABLED


@pytest.mark.parametrize(
    "only_of_filters", [{"resource_type": 1}, {"resource_pattern_type": 2}, {"operation": 1}, {"permission_type": 1}]
)
def test_a_rule_with_a_code_of_filters_fails_its_whole_request(only_of_filters: dict[str, int]) -> None:
    """Whatever else is wrong with it: Apache Kafka cannot even make such a rule."""
    bad = _rule()
    for name, code in {"operation": -1, **only_of_filters}.items():
        setattr(bad, name, code)
    with InProcessBroker(settings=SETTINGS) as broker, RawClient(broker.bootstrap) as client:
        told = client.ask(CreateAclsRequest(creations=[bad, _rule()]), CreateAclsResponse, 3).results
        assert [one.error_code for one in told] == [ErrorCode.UNKNOWN_SERVER_ERROR] * 2
        assert client.ask(_all_rules(), DescribeAclsResponse, 3).resources == []


def test_a_change_of_a_feature_raises_the_epoch(client: RawClient) -> None:
    before = client.ask(_versions(), ApiVersionsResponse, 4).finalized_features_epoch
    client.ask(_features("transaction.version", 1), UpdateFeaturesResponse, 1)
    after = client.ask(_versions(), ApiVersionsResponse, 4)
    assert after.finalized_features_epoch > before
    assert _finalized(client)["transaction.version"] == 1


def test_features_and_ranges_are_of_one_release(client: RawClient) -> None:
    """A client that sees a feature must find the API behind it; those of share and streams groups are off, as at 0."""
    answer = client.ask(_versions(), ApiVersionsResponse, 4)
    ranges = {key.api_key: key.max_version for key in answer.api_keys}
    finalized = _finalized(client)
    assert finalized["metadata.version"] == 30
    assert (68 in ranges) == ("group.version" in finalized)
    assert (ranges[0] >= 12) == (finalized["transaction.version"] == 2)
    assert {76, 88} <= ranges.keys()
    assert not {"share.version", "streams.version"} & finalized.keys()


@pytest.mark.parametrize("level", [0, 3])
def test_a_level_that_cannot_be_changes_nothing(client: RawClient, level: int) -> None:
    request = _features("transaction.version", level, kind=1)
    assert client.ask(request, UpdateFeaturesResponse, 1).error_code == ErrorCode.INVALID_UPDATE_VERSION
    assert _finalized(client)["transaction.version"] == 2


def _rule() -> AclCreation:
    return AclCreation(
        resource_type=2,
        resource_name="orders",
        resource_pattern_type=3,
        principal="User:a",
        host="*",
        operation=3,
        permission_type=3,
    )


def _all_rules() -> DescribeAclsRequest:
    return DescribeAclsRequest(
        resource_type_filter=1,
        resource_name_filter=None,
        pattern_type_filter=1,
        principal_filter=None,
        host_filter=None,
        operation=1,
        permission_type=1,
    )


def _quota() -> AlterClientQuotasRequest:
    entry = EntryData(
        entity=[EntityData(entity_type="user", entity_name="alice")],
        ops=[OpData(key="producer_byte_rate", value=2048.0)],
    )
    return AlterClientQuotasRequest(entries=[entry])


def _credential() -> AlterUserScramCredentialsRequest:
    upsertion = ScramCredentialUpsertion(
        name="alice", mechanism=1, iterations=8192, salt=b"salt", salted_password=b"p" * 32
    )
    return AlterUserScramCredentialsRequest(upsertions=[upsertion])


def _features(name: str, level: int, kind: int = 2) -> UpdateFeaturesRequest:
    update = FeatureUpdateKey(feature=name, max_version_level=level, upgrade_type=kind)
    return UpdateFeaturesRequest(feature_updates=[update])


def _versions() -> ApiVersionsRequest:
    return ApiVersionsRequest(client_software_name="test", client_software_version="1")


def _finalized(client: RawClient) -> dict[str, int]:
    answer = client.ask(_versions(), ApiVersionsResponse, 4)
    return {feature.name: feature.max_version_level for feature in answer.finalized_features}
