"""When is a member of a group of the new protocol (KIP-848) given up?

When it was silent for the session timeout, when it did not give back its partitions within the rebalance timeout that
it named itself, and when it uses the classic protocol and did not send JoinGroup or SyncGroup within that time. None
of the deadlines is durable: after a start every member has its full time again.
"""

from kcon_broker.state.groups.consumer_group import ConsumerMember
from kcon_broker.state.groups.consumer_records import MemberState
from kcon_broker.state.groups.group_configs import GroupConfigs
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.state.groups.timers import TimerKey, TimerKind, Timers

MEMBER_KINDS = (
    TimerKind.CONSUMER_SESSION,
    TimerKind.CONSUMER_REVOCATION,
    TimerKind.CONSUMER_JOIN,
    TimerKind.CONSUMER_SYNC,
)


class ConsumerTimers:
    """The deadlines of members, among all timers of the coordinator."""

    def __init__(self, configs: GroupConfigs, timers: Timers) -> None:
        self._configs = configs
        self._timers = timers

    def keep_session(self, group_id: str, member: ConsumerMember, at: Moment) -> None:
        """Begin the member's session timeout anew; a member of the classic protocol named its own."""
        key = TimerKey(TimerKind.CONSUMER_SESSION, group_id, member.member_id)
        classic = member.subscription.classic
        timeout_ms = self._configs.session_timeout_ms(group_id) if classic is None else classic.session_timeout_ms
        self._timers.schedule(key, at.now_ms + timeout_ms)

    def watch_revocation(self, group_id: str, member: ConsumerMember, at: Moment) -> None:
        """Give a member that must give partitions back its time for it; a member that must not has no deadline."""
        key = TimerKey(TimerKind.CONSUMER_REVOCATION, group_id, member.member_id)
        if member.progress.state is MemberState.UNREVOKED_PARTITIONS and member.subscription.classic is None:
            self._timers.schedule(key, at.now_ms + member.subscription.rebalance_timeout_ms)
        else:
            self._timers.cancel(key)

    def await_join(self, group_id: str, member: ConsumerMember, at: Moment) -> None:
        """Give a member of the classic protocol its time to join again, unless it runs already."""
        key = TimerKey(TimerKind.CONSUMER_JOIN, group_id, member.member_id)
        if not self._timers.is_set(key):
            self._timers.schedule(key, at.now_ms + member.subscription.rebalance_timeout_ms)

    def joined(self, group_id: str, member: ConsumerMember, at: Moment) -> None:
        """Expect SyncGroup of a member of the classic protocol that joined."""
        self._timers.cancel(TimerKey(TimerKind.CONSUMER_JOIN, group_id, member.member_id))
        key = TimerKey(TimerKind.CONSUMER_SYNC, group_id, member.member_id)
        self._timers.schedule(key, at.now_ms + member.subscription.rebalance_timeout_ms)

    def synced(self, group_id: str, member_id: str) -> None:
        """Expect SyncGroup no longer."""
        self._timers.cancel(TimerKey(TimerKind.CONSUMER_SYNC, group_id, member_id))

    def resolve_soon(self, group_id: str, at: Moment) -> None:
        """Have the group's regular expressions matched once this request is answered."""
        self._timers.schedule(TimerKey(TimerKind.CONSUMER_REGEX, group_id), at.now_ms)

    def forget_group(self, group_id: str) -> None:
        """Drop what a group waits for that is gone."""
        self._timers.cancel(TimerKey(TimerKind.CONSUMER_REGEX, group_id))

    def cancel(self, group_id: str, member_id: str) -> None:
        """Drop the deadlines of a member that is gone."""
        for kind in MEMBER_KINDS:
            self._timers.cancel(TimerKey(kind, group_id, member_id))
