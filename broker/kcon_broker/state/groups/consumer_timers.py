"""When is a member of a group of the new protocol (KIP-848) given up?

When it was silent for the session timeout, and when it did not give back its partitions within the rebalance
timeout that it named itself. Neither deadline is durable: after a start every member has its full time again.
"""

from kcon_broker.settings import GroupSettings
from kcon_broker.state.groups.consumer_records import MemberProgress, MemberState, MemberSubscription
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.state.groups.timers import TimerKey, TimerKind, Timers


class ConsumerTimers:
    """The deadlines of members, among all timers of the coordinator."""

    def __init__(self, settings: GroupSettings, timers: Timers) -> None:
        self._settings = settings
        self._timers = timers

    def keep_session(self, group_id: str, member_id: str, at: Moment) -> None:
        """Begin the member's session timeout anew."""
        key = TimerKey(TimerKind.CONSUMER_SESSION, group_id, member_id)
        self._timers.schedule(key, at.now_ms + self._settings.consumer_session_timeout_ms)

    def watch_revocation(
        self, group_id: str, member_id: str, progress: MemberProgress, subscription: MemberSubscription, at: Moment
    ) -> None:
        """Give a member that must give partitions back its time for it; a member that must not has no deadline."""
        key = TimerKey(TimerKind.CONSUMER_REVOCATION, group_id, member_id)
        if progress.state is MemberState.UNREVOKED_PARTITIONS:
            self._timers.schedule(key, at.now_ms + subscription.rebalance_timeout_ms)
        else:
            self._timers.cancel(key)

    def cancel(self, group_id: str, member_id: str) -> None:
        """Drop the deadlines of a member that is gone."""
        self._timers.cancel(TimerKey(TimerKind.CONSUMER_SESSION, group_id, member_id))
        self._timers.cancel(TimerKey(TimerKind.CONSUMER_REVOCATION, group_id, member_id))
