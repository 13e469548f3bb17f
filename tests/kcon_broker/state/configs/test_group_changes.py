"""Groups stay within their broker's limits; subscriptions within those of KIP-714."""

import pytest

from kcon_broker.state.configs.broker_configs import BrokerConfigs
from kcon_broker.state.configs.group_changes import (
    UnfitSubscriptionError,
    check_client_metrics_configs,
    check_group_configs,
)
from kcon_broker.state.configs.values import InvalidConfigError


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("consumer.session.timeout.ms", ["45000", "60000"], ["44999", "60001"]),
        ("consumer.heartbeat.interval.ms", ["5000", "15000"], ["4999", "15001"]),
        ("consumer.assignment.interval.ms", ["0", "15000"], ["-1", "15001"]),
        ("share.delivery.count.limit", ["2", "10"], ["1", "11"]),
        ("streams.num.standby.replicas", ["0", "2"], ["-1", "3"]),
        ("no.such.config", [], ["1"]),
    ],
)
def test_values_of_groups_at_their_limits(name: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        check_group_configs(BrokerConfigs({}), {name: text})
    for text in bad:
        with pytest.raises(InvalidConfigError):
            check_group_configs(BrokerConfigs({}), {name: text})


def test_intervals_of_subscriptions_at_their_limits() -> None:
    for text in ("100", "3600000"):
        check_client_metrics_configs("s", {"interval.ms": text})
    for text in ("99", "3600001"):
        with pytest.raises(UnfitSubscriptionError):
            check_client_metrics_configs("s", {"interval.ms": text})


@pytest.mark.parametrize("pattern", ["client_id", "client=x", "client_id=[", "=x"])
def test_patterns_that_match_nobody(pattern: str) -> None:
    with pytest.raises(InvalidConfigError):
        check_client_metrics_configs("s", {"match": f"client_id=a.*,{pattern}"})


def test_a_subscription_has_a_name_and_known_configs() -> None:
    for name, configs in (("", {"metrics": "a"}), ("s", {"no.such": "a"})):
        with pytest.raises(UnfitSubscriptionError):
            check_client_metrics_configs(name, configs)
