"""What does ConsumerGroupHeartbeat do (KIP-848)?

One request for everything: a member joins with epoch 0, tells what it subscribes to and owns, is told what it may
have, and leaves with epoch -1, or -2 when it is static and comes back. A heartbeat decides in this order:

    1. who it is                unknown or fenced members are refused
    2. what it tells            a change of the subscription, or of the subscribed topics, is a new group epoch
    3. the target assignment    computed anew for a newer group epoch, at most once per interval (KIP-1263)
    4. the member's next step   towards the target (reconciliation.py)

All records of one heartbeat are one batch, so a group is never found half changed. A member of the classic protocol
takes the same way with its JoinGroup (classic_members.py). A new regular expression is only checked here and matched
a moment after the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from kcon_broker.state.groups.consumer_group import STATIC_LEFT_EPOCH, ConsumerGroup, ConsumerMember, Draft
from kcon_broker.state.groups.consumer_records import (
    NO_PARTITIONS,
    ClassicMembership,
    CurrentMemberRecord,
    GroupEpochRecord,
    MemberProgress,
    MemberRecord,
    MemberState,
    MemberSubscription,
    PartitionMetadataRecord,
    RegexRecord,
    ResolvedRegex,
    TargetMemberRecord,
)
from kcon_broker.state.groups.consumer_timers import ConsumerTimers
from kcon_broker.state.groups.group_configs import GroupConfigs
from kcon_broker.state.groups.heartbeat_request import (
    HeartbeatAnswer,
    HeartbeatAsk,
    RefusedError,
    check_epoch,
    holder_of,
    leaver_of,
    unknown_member,
)
from kcon_broker.state.groups.outcome import Moment, Outcome, Records
from kcon_broker.state.groups.reconciliation import Goal, reconcile
from kcon_broker.state.groups.target_assignment import metadata_hash, target_records, topic_ids_of
from kcon_broker.state.groups.topic_regex import TopicRegexError, compile_topic_regex, matching_topics
from kcon_broker.state.topic import TopicTable
from kcon_broker.wire.error_codes import ErrorCode

HeartbeatOutcome = Outcome[HeartbeatAnswer]


@dataclass(slots=True)
class _Seen:
    """What a group has taken note of; nothing of it is durable.

    topics_version: the topics from which its hash was computed; regexes_version: those that its expressions were
    matched with, at regexes_at_ms. assigned_at_ms: when its last target assignment was computed.
    """

    topics_version: int = -1
    regexes_version: int = -1
    regexes_at_ms: int = 0
    assigned_at_ms: int | None = None


@dataclass(slots=True)
class _Turn:
    """One heartbeat while it is decided; `classic` is what a member of the classic protocol told."""

    ask: HeartbeatAsk
    at: Moment
    draft: Draft
    seen: _Seen
    classic: ClassicMembership | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """What became of a member by its heartbeat: the records, the member after and before, what to do after them."""

    records: Records
    member: ConsumerMember
    before: ConsumerMember
    group: ConsumerGroup
    """The group as it will be."""
    finish: Callable[[], None]


class Heartbeater:
    """Decide heartbeats; the owner appends and replays the records, then lets them finish.

    Raises RefusedError, and then nothing has changed.
    """

    def __init__(
        self, configs: GroupConfigs, topics: TopicTable, timers: ConsumerTimers, new_uuid: Callable[[], str]
    ) -> None:
        self._settings = configs.settings
        self._configs = configs
        self._topics = topics
        self._timers = timers
        self._new_uuid = new_uuid
        self._seen: dict[str, _Seen] = {}

    def forget_group(self, group_id: str) -> None:
        """Drop what is not durable."""
        self._seen.pop(group_id, None)
        self._timers.forget_group(group_id)

    def heartbeat(self, group: ConsumerGroup, ask: HeartbeatAsk, at: Moment, before: Records = ()) -> HeartbeatOutcome:
        """Keep, change or begin a membership; `before` are records that make room for a new group."""
        advance = self.advance(group, ask, at, before)
        progress = advance.member.progress
        is_told = ask.member_epoch == 0 or ask.is_full or progress.assigned != advance.before.progress.assigned
        answer = HeartbeatAnswer(
            member_id=advance.member.member_id,
            member_epoch=progress.epoch,
            heartbeat_interval_ms=self._configs.heartbeat_interval_ms(ask.group_id),
            assignment=progress.assigned if is_told else None,
        )

        def finish() -> HeartbeatAnswer:
            advance.finish()
            return answer

        return Outcome(advance.records, finish)

    def advance(
        self,
        group: ConsumerGroup,
        ask: HeartbeatAsk,
        at: Moment,
        before: Records = (),
        *,
        classic: ClassicMembership | None = None,
    ) -> Advance:
        """Take what a member tells and bring it as near to its target as it can be."""
        if len(group.members) >= self._settings.consumer_max_members and ask.member_id not in group.members:
            raise RefusedError(
                ErrorCode.GROUP_MAX_SIZE_REACHED,
                "The consumer group has reached its maximum capacity of "
                f"{self._settings.consumer_max_members} members.",
            )
        group_id = group.group_id
        seen = replace(self._seen.get(group_id, _Seen()))
        turn = _Turn(ask, at, Draft(group, before), seen, classic)
        member = self._member(turn)
        subscription = _updated(member.subscription, ask, classic)
        has_changed = self._subscribe(turn, member, subscription)
        self._assign(turn)
        known = turn.draft.group.members[member.member_id].progress
        progress = self._progress(turn, member.member_id, has_changed)
        if progress != known:
            turn.draft.add(CurrentMemberRecord(group_id=group_id, member_id=member.member_id, value=progress))
        predecessor = None if ask.instance_id is None else group.static_member(ask.instance_id)
        advanced = turn.draft.group.members[member.member_id]
        must_resolve = self._must_resolve(turn.draft.group, seen, at)

        def finish() -> None:
            self._seen[group_id] = seen
            if predecessor is not None and predecessor.member_id != member.member_id:
                self._timers.cancel(group_id, predecessor.member_id)
            self._timers.keep_session(group_id, advanced, at)
            if progress != known:
                self._timers.watch_revocation(group_id, advanced, at)
            if must_resolve:
                self._timers.resolve_soon(group_id, at)

        return Advance(tuple(turn.draft.records), advanced, member, turn.draft.group, finish)

    def leave_for_a_while(self, group: ConsumerGroup, ask: HeartbeatAsk) -> HeartbeatOutcome:
        """Let a static member go and keep its partitions; who does not come back within its session loses them."""
        member = leaver_of(group, ask)
        draft = Draft(group)
        progress = replace(member.progress, epoch=STATIC_LEFT_EPOCH, revoking=NO_PARTITIONS)
        draft.add(CurrentMemberRecord(group_id=group.group_id, member_id=member.member_id, value=progress))
        answer = HeartbeatAnswer(member_id=ask.member_id, member_epoch=ask.member_epoch)
        return Outcome(tuple(draft.records), lambda: answer)

    def fence(self, group: ConsumerGroup, members: tuple[ConsumerMember, ...]) -> Records:
        """Put members out of the group and return the records; the others get what they had."""
        draft = Draft(group)
        for member in members:
            _remove(draft, member.member_id)
            self._timers.cancel(group.group_id, member.member_id)
        if members:
            _drop_regexes(draft, group.subscribed_regexes())
            self._bump(draft, is_certain=True)
        return tuple(draft.records)

    # Who it is

    def _member(self, turn: _Turn) -> ConsumerMember:
        """Find the member, or make the one that joins."""
        ask, group = turn.ask, turn.draft.group
        is_joining = ask.member_epoch == 0
        member: ConsumerMember | None
        if ask.instance_id is None:
            member = group.members.get(ask.member_id)
            if member is not None:
                if turn.classic is None:
                    check_epoch(member, ask)
                return member
            if not is_joining:
                raise unknown_member(group, ask)
            return ConsumerMember(ask.member_id or self._new_uuid())
        holder = group.static_member(ask.instance_id)
        if not is_joining:
            member = holder_of(holder, ask)
            check_epoch(member, ask)
            return member
        member_id = ask.member_id or self._new_uuid()
        if holder is None:
            return group.members.get(member_id, ConsumerMember(member_id))
        is_new_protocol = turn.classic is None and holder.subscription.classic is None
        if is_new_protocol and holder.progress.epoch != STATIC_LEFT_EPOCH:
            raise RefusedError(
                ErrorCode.UNRELEASED_INSTANCE_ID,
                f"Static member {member_id} with instance id {ask.instance_id} cannot join the group because the "
                f"instance id is owned by {holder.member_id} member.",
            )
        # A classic member is where the group is: its answer tells the generation, not what changed.
        epoch = 0 if turn.classic is None else group.target_epoch
        return _replace_static(turn.draft, holder, member_id, epoch)

    # What it tells

    def _subscribe(self, turn: _Turn, member: ConsumerMember, subscription: MemberSubscription) -> bool:
        """Take the member's news and those of the topics; say whether the member's own subscription changed."""
        draft, previous = turn.draft, member.subscription
        regexes_before = draft.group.subscribed_regexes()
        if subscription != previous or member.member_id not in draft.group.members:
            record = MemberRecord(group_id=draft.group.group_id, member_id=member.member_id, value=subscription)
            draft.add(record)
        names_changed = subscription.topic_names != previous.topic_names
        # Null and empty both stand for no expression.
        regex = subscription.topic_regex or ""
        regex_changed = regex != (previous.topic_regex or "")
        _drop_regexes(draft, regexes_before)
        if regex_changed and regex and regex not in regexes_before:
            _check_regex(regex)
        # One that is not matched yet changes nothing: its topics come with the match.
        is_matched = regex_changed and (not regex or regex in draft.group.regexes)
        if names_changed or is_matched or turn.seen.topics_version != self._topics.version:
            turn.seen.topics_version = self._topics.version
            self._bump(draft, is_certain=names_changed or is_matched)
        return names_changed or regex_changed

    def _must_resolve(self, group: ConsumerGroup, seen: _Seen, at: Moment) -> bool:
        """Say whether expressions are to be matched: new ones, or all when topics have come or gone for a while."""
        regexes = group.subscribed_regexes()
        if regexes - set(group.regexes):
            return True
        has_never = seen.regexes_version == -1
        is_due = at.now_ms - seen.regexes_at_ms >= self._settings.consumer_regex_refresh_interval_ms
        return bool(regexes) and (has_never or (is_due and seen.regexes_version != self._topics.version))

    def resolve_regexes(self, group: ConsumerGroup, at: Moment) -> Records:
        """Match the group's expressions with the topics that there are; one that matches otherwise is a new epoch."""
        seen = self._seen.setdefault(group.group_id, _Seen())
        seen.regexes_version, seen.regexes_at_ms = self._topics.version, at.now_ms
        draft = Draft(group)
        has_changed = False
        for regex in sorted(group.subscribed_regexes()):
            try:
                topics = matching_topics(compile_topic_regex(regex), self._topics.by_name)
            except TopicRegexError:
                # It came with the log, from a broker that could read it; it matches what it matched there.
                continue
            known = group.regexes.get(regex)
            if known is None or known.topics != topics:
                resolved = ResolvedRegex(topics=topics, version=self._topics.version, timestamp_ms=at.wall_ms)
                draft.add(RegexRecord(group_id=group.group_id, regex=regex, value=resolved))
                has_changed = has_changed or topics != (frozenset() if known is None else known.topics)
        if has_changed:
            self._bump(draft, is_certain=True)
        return tuple(draft.records)

    def _bump(self, draft: Draft, *, is_certain: bool) -> None:
        """Begin a new group epoch, if it is certain or if the subscribed topics are not what they were."""
        group = draft.group
        hashed = metadata_hash(group.subscribed_topics(), self._topics)
        if is_certain or hashed != group.metadata_hash:
            draft.add(GroupEpochRecord(group_id=group.group_id, epoch=group.epoch + 1, metadata_hash=hashed))
        if group.has_partition_metadata:
            draft.add(PartitionMetadataRecord(group_id=group.group_id, is_present=False))

    # What it may have

    def _assign(self, turn: _Turn) -> None:
        """Compute the target assignment if it is behind and the last one is old enough."""
        group, now_ms = turn.draft.group, turn.at.now_ms
        assigned_at_ms = turn.seen.assigned_at_ms
        interval_ms = self._configs.assignment_interval_ms(group.group_id)
        if group.epoch > group.target_epoch and (assigned_at_ms is None or now_ms - assigned_at_ms >= interval_ms):
            turn.seen.assigned_at_ms = now_ms
            for record in list(target_records(group, self._topics, turn.at.wall_ms)):
                turn.draft.add(record)

    def _progress(self, turn: _Turn, member_id: str, has_changed: bool) -> MemberProgress:
        group, ask = turn.draft.group, turn.ask
        member = group.members[member_id]
        if not has_changed and member.is_reconciled_to(group.target_epoch):
            return member.progress
        if member.progress.state is MemberState.UNKNOWN and (ask.owned is None or ask.owned):
            raise RefusedError(
                ErrorCode.FENCED_MEMBER_EPOCH,
                "The consumer group member is in a unknown state. The member must abandon all its partitions "
                "and rejoin.",
            )
        goal = Goal(
            epoch=group.target_epoch,
            target=group.target.get(member_id, {}),
            topic_ids=topic_ids_of(group.subscribed_topics_of(member), self._topics),
            owners=group.owners,
        )
        return reconcile(member_id, member.progress, goal, ask.owned, has_subscription_changed=has_changed)


def _check_regex(regex: str) -> None:
    try:
        compile_topic_regex(regex)
    except TopicRegexError as error:
        raise RefusedError(
            ErrorCode.INVALID_REGULAR_EXPRESSION,
            f"SubscribedTopicRegex `{regex}` is not a valid regular expression: {error}.",
        ) from error


def _updated(
    subscription: MemberSubscription, ask: HeartbeatAsk, classic: ClassicMembership | None
) -> MemberSubscription:
    """Return what is known of a member after this request."""
    timeout_ms = ask.rebalance_timeout_ms
    return MemberSubscription(
        instance_id=subscription.instance_id if ask.instance_id is None else ask.instance_id,
        rack_id=subscription.rack_id if ask.rack_id is None else ask.rack_id,
        client_id=ask.client_id,
        client_host=ask.client_host,
        topic_names=subscription.topic_names if ask.topic_names is None else ask.topic_names,
        topic_regex=subscription.topic_regex if ask.topic_regex is None else ask.topic_regex,
        rebalance_timeout_ms=subscription.rebalance_timeout_ms if timeout_ms == -1 else timeout_ms,
        server_assignor=subscription.server_assignor if ask.server_assignor is None else ask.server_assignor,
        classic=classic,
    )


def _replace_static(draft: Draft, old: ConsumerMember, member_id: str, epoch: int) -> ConsumerMember:
    """Hand a static member's place and partitions to the process that comes after it."""
    group_id = draft.group.group_id
    target = draft.group.target.get(old.member_id, {})
    member = ConsumerMember(member_id, old.subscription, replace(old.progress, epoch=epoch, previous_epoch=0))
    _remove(draft, old.member_id)
    draft.add(MemberRecord(group_id=group_id, member_id=member_id, value=member.subscription))
    draft.add(TargetMemberRecord(group_id=group_id, member_id=member_id, value=target))
    draft.add(CurrentMemberRecord(group_id=group_id, member_id=member_id, value=member.progress))
    return member


def _remove(draft: Draft, member_id: str) -> None:
    group_id = draft.group.group_id
    draft.add(CurrentMemberRecord(group_id=group_id, member_id=member_id, value=None))
    draft.add(TargetMemberRecord(group_id=group_id, member_id=member_id, value=None))
    draft.add(MemberRecord(group_id=group_id, member_id=member_id, value=None))


def _drop_regexes(draft: Draft, regexes_before: frozenset[str]) -> None:
    """End the expressions that nobody uses any more."""
    for regex in sorted(regexes_before - draft.group.subscribed_regexes()):
        draft.add(RegexRecord(group_id=draft.group.group_id, regex=regex, value=None))
