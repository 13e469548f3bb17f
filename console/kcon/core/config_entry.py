"""What is a topic or a broker configured to do, and where does each value come from?"""

from dataclasses import dataclass
from enum import IntEnum

from kcon.core.wire_text import WireText


class ResourceType(IntEnum):
    """What can be configured; the values are Kafka's."""

    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


@dataclass(frozen=True, slots=True)
class ConfigResource:
    """One thing with configs. A broker's name is its id; "" is the default of all brokers."""

    type: ResourceType
    name: WireText

    @property
    def target(self) -> str:
        """The raw name that a permit uses, e.g. `topic:orders`."""
        return f"{self.type.name.lower().replace('_', '-')}:{self.name.raw}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigEntry:
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
