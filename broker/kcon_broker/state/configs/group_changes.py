"""May a group, or a subscription to clients' metrics, have these configs?

A group's limits come from its broker's configs `group.*.min.*` and `group.*.max.*` (`GroupConfig.validate`).
"""

import re
from collections.abc import Mapping

from kcon_broker.state.configs.broker_configs import BrokerConfigs
from kcon_broker.state.configs.definitions import client_metrics_definitions, group_definitions
from kcon_broker.state.configs.values import InvalidConfigError, check_value, parse_value

_PUSH_INTERVAL_MS_MIN = 100
_PUSH_INTERVAL_MS_MAX = 3_600_000
_SELECTORS = frozenset(
    (
        "client_instance_id",
        "client_id",
        "client_software_name",
        "client_software_version",
        "client_source_address",
        "client_source_port",
    )
)


class UnfitSubscriptionError(Exception):
    """A subscription has an unknown config or an interval out of range: INVALID_REQUEST, not INVALID_CONFIG."""


def check_group_configs(configs: BrokerConfigs, wanted: Mapping[str, str]) -> None:
    """Raise InvalidConfigError when a group cannot have these configs."""
    definitions = group_definitions()
    for name in wanted:
        if name not in definitions:
            raise InvalidConfigError(f"Unknown group config name: {name}")
    values = {name: check_value(definitions[name], text) for name, text in wanted.items()}
    for name, value in values.items():
        protocol, _, rest = name.partition(".")
        low = configs.value(f"group.{protocol}.min.{rest}")
        if isinstance(value, int) and low is not None and value < int(low):
            raise InvalidConfigError(f"{name} must be greater than or equal to group.{protocol}.min.{rest}")
        high = configs.value(f"group.{protocol}.max.{rest.removeprefix('num.')}")
        if isinstance(value, int) and high is not None and value > int(high):
            raise InvalidConfigError(f"{name} must be less than or equal to group.{protocol}.max.{rest}")


def check_client_metrics_configs(subscription: str, wanted: Mapping[str, str]) -> None:
    """Raise InvalidConfigError or UnfitSubscriptionError when a subscription cannot have these configs (KIP-714)."""
    if not subscription:
        raise UnfitSubscriptionError("Subscription name can't be empty")
    definitions = client_metrics_definitions()
    for name in wanted:
        if name not in definitions:
            raise UnfitSubscriptionError(f"Unknown client metrics configuration: {name}")
    values = {name: parse_value(definitions[name], text) for name, text in wanted.items()}
    interval_ms = values.get("interval.ms")
    if isinstance(interval_ms, int) and not _PUSH_INTERVAL_MS_MIN <= interval_ms <= _PUSH_INTERVAL_MS_MAX:
        raise UnfitSubscriptionError(
            f"Invalid value {interval_ms} for interval.ms, interval must be between {_PUSH_INTERVAL_MS_MIN} and "
            f"{_PUSH_INTERVAL_MS_MAX} (1 hour)"
        )
    patterns = values.get("match")
    for pattern in patterns if isinstance(patterns, list) else ():
        _check_pattern(pattern)


def _check_pattern(pattern: str) -> None:
    selector, separator, expression = pattern.partition("=")
    try:
        re.compile(expression.strip())
    except re.error:
        separator = ""
    if not separator or selector.strip() not in _SELECTORS:
        raise InvalidConfigError(f"Illegal client matching pattern: {pattern}")
