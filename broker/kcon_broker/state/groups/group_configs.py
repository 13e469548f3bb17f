"""How often must members of one group of the new protocol call, and how often is it assigned anew?

A group's own configs (`configs/group.tsv`) come before the broker's settings.
"""

from collections.abc import Mapping

from kcon_broker.settings import GroupSettings


class GroupConfigs:
    """The timings of every group of the new protocol."""

    def __init__(self, settings: GroupSettings) -> None:
        self.settings = settings
        """What applies to groups that say nothing themselves; replaced when it changes."""
        self._own: dict[str, Mapping[str, str]] = {}

    def configure(self, group_id: str, configs: Mapping[str, str]) -> None:
        """Take note of a group's own configs, valid ones; none at all: it has no more."""
        if configs:
            self._own[group_id] = configs
        else:
            self._own.pop(group_id, None)

    def session_timeout_ms(self, group_id: str) -> int:
        """Return after what silence a member is out."""
        return self._number(group_id, "consumer.session.timeout.ms", self.settings.consumer_session_timeout_ms)

    def heartbeat_interval_ms(self, group_id: str) -> int:
        """Return how often members are told to call."""
        return self._number(group_id, "consumer.heartbeat.interval.ms", self.settings.consumer_heartbeat_interval_ms)

    def assignment_interval_ms(self, group_id: str) -> int:
        """Return the least time between two target assignments (KIP-1263)."""
        return self._number(group_id, "consumer.assignment.interval.ms", self.settings.consumer_assignment_interval_ms)

    def _number(self, group_id: str, name: str, otherwise: int) -> int:
        own = self._own.get(group_id)
        return otherwise if own is None or name not in own else int(own[name])
