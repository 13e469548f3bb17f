"""What can be asked of the group coordinator, and how does its state come back after a start?

The owner of groups of both protocols and of committed offsets. Every operation runs in the same order: decide,
append the records through the Journal, `replay` them, finish, wake. `replay` is the only function that changes
what is durable, at start as in operation. Memory may run ahead of the disk: whoever sends an answer first waits
until the group's partition of `__consumer_offsets` is durable up to its end, and when a write fails the partition
is unloaded and loaded again from what is durable.

    start      replay(key, value) for each record in the log, then loaded(at)
    timers     expire(at) when next_deadline_ms() has come; parked requests are woken through the Journal
    failure    unload(partition), replay(...) each record of the log again, loaded(at, partition)
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from kcon_broker.settings import GroupSettings
from kcon_broker.state.groups import leave as leaving
from kcon_broker.state.groups import sync as syncing
from kcon_broker.state.groups.commit_batches import decode_commits
from kcon_broker.state.groups.consumer_group import ConsumerGroupState
from kcon_broker.state.groups.consumer_groups import ConsumerGroups
from kcon_broker.state.groups.consumer_records import decode_consumer_record
from kcon_broker.state.groups.consumer_timers import MEMBER_KINDS
from kcon_broker.state.groups.group import Group, GroupState
from kcon_broker.state.groups.group_configs import GroupConfigs
from kcon_broker.state.groups.heartbeat_request import HeartbeatAnswer, HeartbeatAsk
from kcon_broker.state.groups.join import Joiner
from kcon_broker.state.groups.leave import LeaveAnswer, Leaver
from kcon_broker.state.groups.offsets import CommitAsk, OffsetTable, is_anonymous
from kcon_broker.state.groups.outcome import (
    JoinAnswer,
    JoinAsk,
    Journal,
    Moment,
    Outcome,
    PendingAnswer,
    Records,
    SyncAnswer,
    SyncAsk,
)
from kcon_broker.state.groups.pending_offsets import OffsetPlace
from kcon_broker.state.groups.rebalance import Rebalancer
from kcon_broker.state.groups.record_fields import UnreadableRecordError
from kcon_broker.state.groups.records import GroupRecord, OffsetRecord, decode_record, encode_group
from kcon_broker.state.groups.timers import TimerKey, TimerKind, Timers
from kcon_broker.state.topic import TopicTable
from kcon_broker.wire.error_codes import ErrorCode

_AnswerT = TypeVar("_AnswerT")
AppendPending = Callable[[int, Records, int, tuple[int, int]], None]
"""Queues records, as of a wall clock time, for a partition as part of the transaction of a producer id and epoch."""
_RETENTION = TimerKey(TimerKind.OFFSET_RETENTION)
_KINDS_OF_CONSUMER_GROUPS = (*MEMBER_KINDS, TimerKind.CONSUMER_REGEX)
_UNAVAILABLE_RETRY_MS = 1_000
_VERSION_WITH_EPOCHS = 9
"""A version of OffsetCommit that knows the epochs of members (KIP-848); TxnOffsetCommit does in all its versions."""


class GroupCoordinator:
    """All groups of the broker; one thread, no waiting, no clock of its own."""

    def __init__(
        self,
        settings: GroupSettings,
        *,
        journal: Journal,
        new_uuid: Callable[[], str],
        topics: TopicTable | None = None,
        append_pending: AppendPending | None = None,
    ) -> None:
        """Begin without groups; `new_uuid` gives the random part of member ids, `topics` what can be assigned."""
        self.settings = settings
        self.offsets = OffsetTable(settings)
        self.groups: dict[str, Group] = {}
        """Groups of the classic protocol; an id is here or in `consumer`, never in both."""
        self.skipped_record_count = 0
        """Records that replay passed over: other kinds of groups, or bytes that cannot be read."""
        self._journal = journal
        self._append_pending = append_pending
        self._timers = Timers()
        self._rebalancer = Rebalancer(settings, self._timers)
        self._joiner = Joiner(self.groups, self._rebalancer, new_uuid)
        self.group_configs = GroupConfigs(settings)
        self.consumer = ConsumerGroups(
            self.group_configs,
            TopicTable() if topics is None else topics,
            self._timers,
            new_uuid,
            classic=self.groups,
            rebalancer=self._rebalancer,
        )
        self._clock_base: Moment | None = None

    # Membership

    def join(self, ask: JoinAsk, at: Moment) -> JoinAnswer | PendingAnswer[JoinAnswer]:
        if not self._is_available(ask.group_id):
            return JoinAnswer(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE, member_id=ask.member_id)
        refusal = self._joiner.refusal(ask)
        if refusal is not ErrorCode.NONE:
            return JoinAnswer(error_code=refusal, member_id=ask.member_id)
        consumer_group = self.consumer.by_id.get(ask.group_id)
        if consumer_group is not None and consumer_group.members:
            return self._run(ask.group_id, self.consumer.join(consumer_group, ask, at), at)
        outcome = self._joiner.join(ask, at)
        if consumer_group is not None and outcome.records:
            # The first record makes the classic group; the empty one of the new protocol goes before it.
            outcome = replace(outcome, records=self.consumer.tombstones(ask.group_id) + outcome.records)
        return self._run(ask.group_id, outcome, at)

    def consumer_heartbeat(self, ask: HeartbeatAsk, at: Moment) -> HeartbeatAnswer:
        """Answer a heartbeat of the new protocol (KIP-848)."""
        if not self._is_available(ask.group_id):
            return HeartbeatAnswer(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
        group_count = len(self.groups) + len(self.consumer.by_id)
        return self._run_now(
            ask.group_id, self.consumer.heartbeat(ask, self.groups.get(ask.group_id), group_count, at), at
        )

    def sync(self, ask: SyncAsk, at: Moment) -> SyncAnswer | PendingAnswer[SyncAnswer]:
        if not self._is_available(ask.group_id):
            return SyncAnswer(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
        consumer_group = self.consumer.by_id.get(ask.group_id)
        if consumer_group is not None:
            return self.consumer.sync(consumer_group, ask, at)
        return self._run(ask.group_id, syncing.sync(self.groups, self._rebalancer, ask, at), at)

    def heartbeat(
        self, *, group_id: str, member_id: str, instance_id: str | None, generation: int, at: Moment
    ) -> ErrorCode:
        if not self._is_available(group_id):
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        consumer_group = self.consumer.by_id.get(group_id)
        if consumer_group is not None:
            return self.consumer.classic_heartbeat(consumer_group, member_id, instance_id, generation, at)
        return syncing.heartbeat(
            self.groups,
            self._rebalancer,
            group_id=group_id,
            member_id=member_id,
            instance_id=instance_id,
            generation=generation,
            at=at,
        )

    def leave(self, group_id: str, leavers: tuple[Leaver, ...], at: Moment) -> LeaveAnswer:
        if not self._is_available(group_id):
            return LeaveAnswer(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
        consumer_group = self.consumer.by_id.get(group_id)
        if consumer_group is not None:
            return self._run_now(group_id, self.consumer.remove(consumer_group, leavers, at), at)
        return self._run_now(group_id, leaving.leave(self.groups, self._rebalancer, group_id, leavers, at), at)

    # Offsets

    def commit(self, ask: CommitAsk, at: Moment) -> tuple[ErrorCode, ...]:
        """Commit offsets; return an error code for each commit, in their order."""
        if not self._is_available(ask.group_id):
            return (ErrorCode.COORDINATOR_NOT_AVAILABLE,) * len(ask.commits)
        consumer_group = self.consumer.by_id.get(ask.group_id)
        if consumer_group is not None:
            refusal = self.consumer.commit_error(consumer_group, ask)
            return self._run_now(ask.group_id, self.offsets.record_commits(ask, refusal, at), at)
        group = self.groups.get(ask.group_id)
        if group is None and ask.generation < 0 and len(self.groups) >= self.settings.max_groups:
            return (ErrorCode.POLICY_VIOLATION,) * len(ask.commits)
        errors = self._run_now(ask.group_id, self.offsets.commit(group, ask, at), at)
        # A member that commits is alive; a refused one is not a member, or has to join again anyhow.
        if group is not None and group.state in (GroupState.STABLE, GroupState.PREPARING_REBALANCE):
            member = group.members.get(ask.member_id)
            if member is not None and ask.generation == group.generation:
                self._rebalancer.keep_session(group, member, at)
        return errors

    def commit_pending(self, ask: CommitAsk, producer: tuple[int, int], at: Moment) -> tuple[ErrorCode, ...]:
        """Commit offsets within the transaction of a producer id and epoch; they count once it is committed."""
        if not self._is_available(ask.group_id) or self._append_pending is None:
            return (ErrorCode.COORDINATOR_NOT_AVAILABLE,) * len(ask.commits)
        consumer_group = self.consumer.by_id.get(ask.group_id)
        if consumer_group is None:
            error = self.offsets.validate_pending(self.groups.get(ask.group_id), ask)
        elif is_anonymous(ask):
            error = ErrorCode.NONE
        else:
            error = self.consumer.commit_error(consumer_group, replace(ask, api_version=_VERSION_WITH_EPOCHS))
            error = ErrorCode.ILLEGAL_GENERATION if error is ErrorCode.STALE_MEMBER_EPOCH else error
        outcome = self.offsets.record_commits(ask, error, at)
        if outcome.records:
            partition = self._journal.partition_of(ask.group_id)
            self._append_pending(partition, outcome.records, at.wall_ms, producer)
            for key, value in outcome.records:
                self.replay(key, value, producer_id=producer[0])
        errors = outcome.finish()
        assert not isinstance(errors, PendingAnswer), "only joins and syncs wait"
        return errors

    def end_transaction(self, partition: int, producer_id: int, *, is_commit: bool) -> None:
        """Apply the marker that a partition of `__consumer_offsets` has got."""
        self.offsets.replay_end(
            producer_id, lambda group_id: self._journal.partition_of(group_id) == partition, is_commit=is_commit
        )

    def delete_offsets(
        self, group_id: str, partitions: tuple[tuple[str, int], ...], at: Moment
    ) -> tuple[ErrorCode, tuple[ErrorCode, ...]]:
        """Delete single offsets; return the request's error, then one for each partition."""
        if not group_id:
            return ErrorCode.INVALID_GROUP_ID, ()
        if not self._is_available(group_id):
            return ErrorCode.COORDINATOR_NOT_AVAILABLE, ()
        consumer_group = self.consumer.by_id.get(group_id)
        if consumer_group is not None:
            is_subscribed_to = consumer_group.subscribed_topics().__contains__
            return self._run_now(group_id, self.offsets.delete_unsubscribed(group_id, is_subscribed_to, partitions), at)
        return self._run_now(group_id, self.offsets.delete(self.groups.get(group_id), partitions), at)

    def delete_group(self, group_id: str, at: Moment) -> ErrorCode:
        """Delete a group without members, with its offsets."""
        if not self._is_available(group_id):
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        group = self.groups.get(group_id)
        consumer_group = self.consumer.by_id.get(group_id)
        if consumer_group is not None:
            is_empty, last = not consumer_group.members, self.consumer.tombstones(group_id)
        elif group is not None:
            is_empty, last = group.state is GroupState.EMPTY, (encode_group(group_id, None),)
        else:
            return ErrorCode.GROUP_ID_NOT_FOUND
        if not is_empty:
            return ErrorCode.NON_EMPTY_GROUP
        self._write(group_id, self.offsets.tombstones(group_id) + last, at)
        return ErrorCode.NONE

    def topic_deleted(self, topic: str, topic_id: bytes, at: Moment) -> None:
        """Delete every group's offsets of a deleted topic; groups whose partition is closed keep theirs."""
        for group_id in self.offsets.group_ids():
            if self._is_available(group_id):
                self._write(group_id, self.offsets.topic_tombstones(group_id, topic, topic_id), at)

    # Time

    def next_deadline_ms(self) -> int | None:
        """Return the monotonic time at which `expire` has something to do, None without timers."""
        return self._timers.next_deadline_ms()

    def expire(self, at: Moment) -> None:
        """Do what has become due: sessions, phases of rebalances, retention of offsets."""
        while (key := self._timers.pop_due(at.now_ms)) is not None:
            if key.kind is TimerKind.OFFSET_RETENTION:
                self._expire_offsets(at)
                continue
            if not self._is_available(key.group_id):
                # A failed partition is about to be unloaded with all its timers; ask again until then.
                self._timers.schedule(key, at.now_ms + _UNAVAILABLE_RETRY_MS)
                continue
            if key.kind in _KINDS_OF_CONSUMER_GROUPS:
                self._run_now(key.group_id, self.consumer.time_is_over(key.kind, key.group_id, key.member_id, at), at)
                continue
            group = self.groups.get(key.group_id)
            records = () if group is None else self._expire_in_group(group, key, at)
            self._write(key.group_id, records, at)
        self._wake()

    # State

    def loaded(self, at: Moment, partition: int | None = None) -> None:
        """Begin the sessions of the members that replay brought, of one partition or of all."""
        if self._clock_base is None:
            self._clock_base = at
        for group in list(self.groups.values()):
            if partition is not None and self._journal.partition_of(group.group_id) != partition:
                continue
            for member in group.members.values():
                self._rebalancer.keep_session(group, member, at)
            if len(group.members) > self.settings.max_members:
                # The limit was lowered: a rebalance lets in as many as fit, after they could commit.
                self._write(group.group_id, self._rebalancer.prepare(group, at), at)
        for consumer_group in self.consumer.by_id.values():
            if partition is None or self._journal.partition_of(consumer_group.group_id) == partition:
                self.consumer.begin_deadlines(consumer_group, at)
        self._timers.schedule(_RETENTION, at.now_ms + self.settings.offsets_retention_check_interval_ms)

    def unload(self, partition: int) -> None:
        """Forget the groups of a partition and send away everybody who waits for them."""
        group_ids = {*self.groups, *self.consumer.by_id, *self.offsets.group_ids()}
        for group_id in sorted(group_ids):
            if self._journal.partition_of(group_id) != partition:
                continue
            self.offsets.forget(group_id)
            self.consumer.forget(group_id)
            group = self.groups.pop(group_id, None)
            if group is None:
                continue
            self._rebalancer.forget_group(group)
            for member in group.members.values():
                refusal = ErrorCode.NOT_COORDINATOR
                group.answer_join(member, JoinAnswer(error_code=refusal, member_id=member.member_id))
                group.answer_sync(member, SyncAnswer(error_code=refusal))
        self._wake()

    def replay(self, key: bytes | None, value: bytes | None, *, producer_id: int | None = None) -> None:
        """Apply one record, of a producer's transaction if there is one: the only change of durable state."""
        try:
            record = decode_record(key, value)
        except UnreadableRecordError:
            record = None
        match record:
            case OffsetRecord():
                is_known = record.group_id in self.groups or record.group_id in self.consumer.by_id
                if record.value is not None and not is_known:
                    # A simple consumer's commit is all there is of its group.
                    self.groups[record.group_id] = Group(record.group_id)
                if producer_id is not None and record.value is not None:
                    place = OffsetPlace(record.group_id, record.topic, record.partition)
                    self.offsets.pending.add(producer_id, place, record.value)
                else:
                    self.offsets.replay(record.group_id, record.topic, record.partition, record.value)
            case GroupRecord(value=None):
                group = self.groups.pop(record.group_id, None)
                if group is not None:
                    self._rebalancer.forget_group(group)
            case GroupRecord():
                assert record.value is not None
                self.consumer.forget(record.group_id)
                self.groups.setdefault(record.group_id, Group(record.group_id)).restore(record.value)
            case None:
                self._replay_consumer(key, value)

    def replay_commits(self, records: bytes, count: int) -> bool:
        """Apply the uncompressed records of a batch outside transactions, if all of them are plain commits.

        False: nothing was done, `replay` has to take them one by one.
        """
        commits = None if self.offsets.pending.has_any else decode_commits(records, count)
        if commits is None:
            return False
        for (group_id, topic), partitions in commits.items():
            if group_id not in self.groups and group_id not in self.consumer.by_id:
                self.groups[group_id] = Group(group_id)
            self.offsets.replay_all(group_id, topic, partitions)
        return True

    def _replay_consumer(self, key: bytes | None, value: bytes | None) -> None:
        try:
            record = decode_consumer_record(key, value)
        except UnreadableRecordError:
            record = None
        if record is None:
            self.skipped_record_count += 1
            return
        if value is not None:
            # A commit read before its group looked like that of a simple consumer.
            self.groups.pop(record.group_id, None)
        self.consumer.replay(record, is_tombstone=value is None)

    def _is_available(self, group_id: str) -> bool:
        return self._journal.is_available(self._journal.partition_of(group_id))

    def _run(self, group_id: str, outcome: Outcome[_AnswerT], at: Moment) -> _AnswerT | PendingAnswer[_AnswerT]:
        self._append(group_id, outcome.records, at)
        answer = outcome.finish()
        self._wake()
        return answer

    def _run_now(self, group_id: str, outcome: Outcome[_AnswerT], at: Moment) -> _AnswerT:
        answer = self._run(group_id, outcome, at)
        assert not isinstance(answer, PendingAnswer), "only joins and syncs wait"
        return answer

    def _write(self, group_id: str, records: Records, at: Moment) -> None:
        self._append(group_id, records, at)
        self._wake()

    def _append(self, group_id: str, records: Records, at: Moment) -> None:
        if records:
            self._journal.append(self._journal.partition_of(group_id), records, at.wall_ms)
            for key, value in records:
                self.replay(key, value)

    def _wake(self) -> None:
        """Wake parked requests, now that what they are told has been appended."""
        woken = self._rebalancer.woken
        while woken:
            self._journal.wake(woken.pop(0))

    def _expire_in_group(self, group: Group, key: TimerKey, at: Moment) -> Records:
        if key.kind is TimerKind.HEARTBEAT:
            return self._rebalancer.session_is_over(group, key.member_id, at)
        if key.kind is TimerKind.JOIN:
            return self._rebalancer.join_phase_is_over(group, at)
        return self._rebalancer.sync_phase_is_over(group, at)

    def _expire_offsets(self, at: Moment) -> None:
        self._timers.schedule(_RETENTION, at.now_ms + self.settings.offsets_retention_check_interval_ms)
        wall_ms = self._steady_wall_ms(at)
        for group in list(self.groups.values()):
            if self._is_available(group.group_id):
                self._write(group.group_id, self.offsets.expired_tombstones(group, wall_ms), at)
        for group_id, consumer_group in list(self.consumer.by_id.items()):
            if not self._is_available(group_id):
                continue
            topics = consumer_group.subscribed_topics()
            records, is_all = self.offsets.expired_of_consumer_group(group_id, topics, wall_ms)
            if is_all and consumer_group.state is ConsumerGroupState.EMPTY:
                records += self.consumer.tombstones(group_id)
            self._write(group_id, records, at)

    def _steady_wall_ms(self, at: Moment) -> int:
        """Return the wall clock of the start moved on by the monotonic clock: a jump must not expire offsets."""
        base = self._clock_base or at
        return min(at.wall_ms, base.wall_ms + at.now_ms - base.now_ms)
