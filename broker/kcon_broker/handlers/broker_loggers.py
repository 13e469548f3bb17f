"""How much does the broker log, and may a client change it (KIP-412)?

There is one logger, and it has the name that Apache Kafka gives its topmost one. A change lasts until the broker
stops.
"""

import logging

from kcon_broker.state.configs.definitions import ConfigSource, ConfigType
from kcon_broker.wire.messages.describe_configs import DescribeConfigsResourceResult

ROOT = "root"
_logger = logging.getLogger("kcon_broker")
_TRACE = 5
_LEVELS = {
    "FATAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": _TRACE,
}


def describe_loggers() -> list[DescribeConfigsResourceResult]:
    """Describe the one logger."""
    level = _logger.getEffectiveLevel()
    name = next((name for name, value in _LEVELS.items() if level >= value), "TRACE")
    return [
        DescribeConfigsResourceResult(
            name=ROOT,
            value=name,
            config_source=ConfigSource.BROKER_LOGGER,
            config_type=ConfigType.UNKNOWN,
            documentation="",
        )
    ]


def level_problem(level: str) -> str | None:
    """Say what is wrong with the name of a level; None: nothing."""
    if level in _LEVELS:
        return None
    return f"{level} is not a supported log level. Valid log levels are {', '.join(sorted(_LEVELS))}"


def set_level(level: str) -> None:
    """Log from this level on."""
    _logger.setLevel(_LEVELS[level])
