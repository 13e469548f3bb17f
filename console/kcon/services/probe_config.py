"""How often does a daemon probe, and with how much?"""

from dataclasses import dataclass
from typing import Final

from kcon.core.alert import Observation
from kcon.core.alert_rules import PROBE_RULES

NO_PROBES: Final = Observation(judged=frozenset(rule.name for rule in PROBE_RULES))
"""What a daemon that does not probe finds: nothing, so that an alert of one that did ends."""
SLACK_MS: Final = 30_000
"""Beyond what its records may take, for connecting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeConfig:
    """The budget: `count` small records every `every_ms`."""

    every_ms: int
    count: int
    wait_ms: int
    topic: str
    create: bool

    @property
    def deadline_ms(self) -> int:
        """How long one probe may take."""
        return self.count * 2 * self.wait_ms + SLACK_MS
