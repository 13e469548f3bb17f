"""What is a topic or a broker configured to do, and where does each value come from?"""

from enum import IntEnum
from typing import NamedTuple

from kcon.core.frozen import Frozen
from kcon.core.wire_text import WireText


class ResourceType(IntEnum):
    """What can be configured; the values are Kafka's."""

    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


class ConfigResource(NamedTuple):
    """One thing with configs. A broker's name is its id; "" is the default of all brokers."""

    type: ResourceType
    name: WireText

    @property
    def target(self) -> str:
        """The raw name that a permit uses, e.g. `topic:orders`."""
        return f"{self.type.name.lower().replace('_', '-')}:{self.name.raw}"


class ConfigEntry(Frozen):
    """One config with its value in force."""

    name: WireText
    value: WireText | None
    """None when it is sensitive, or has no value."""
    source: str
    """`dynamic-topic`, `dynamic-broker`, `static-broker`, `default`, ..., or `unknown`."""
    read_only: bool
    sensitive: bool

    @property
    def is_default(self) -> bool:
        """Nobody set it."""
        return self.source == "default"


class ConfigOperation(IntEnum):
    """How a config is changed; the values are Kafka's."""

    SET = 0
    DELETE = 1
    """Back to the default."""
    APPEND = 2
    """Add to a list."""
    SUBTRACT = 3
    """Take out of a list."""


class ConfigEdit(NamedTuple):
    """One change of one config."""

    operation: ConfigOperation
    value: str | None = None

    def applied_to(self, current: str | None) -> str | None:
        """Return what the value will be; None: the default, whatever that is."""
        items = [item for item in (current or "").split(",") if item]
        named = [item for item in (self.value or "").split(",") if item]
        match self.operation:
            case ConfigOperation.SET:
                return self.value
            case ConfigOperation.DELETE:
                return None
            case ConfigOperation.APPEND:
                return ",".join([*items, *(item for item in named if item not in items)])
            case ConfigOperation.SUBTRACT:
                return ",".join(item for item in items if item not in named)
