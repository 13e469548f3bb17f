"""What does a log, a group, a transaction have to look like after any sequence of requests? Models, to be run by
Hypothesis beside a broker: each rule asks the broker and the model the same and compares.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kcon_broker.batch.records import Record
from kcon_broker.wire.error_codes import ErrorCode
from tests.semantics.batches import batch_of, record
from tests.semantics.cases.classic_groups import delete_group, described
from tests.semantics.cases.delete_records import delete_before
from tests.semantics.cases.offsets import commit, committed
from tests.semantics.kafka import EARLIEST, LATEST, Broker, Kafka
from tests.semantics.members import ClassicMember
from tests.semantics.producers import Producer

_COMMITTED = 1
_MAX_TIMESTAMP = -3


class _Model(RuleBasedStateMachine):
    """What all machines share: a broker."""

    broker: Broker

    def __init__(self) -> None:
        super().__init__()
        self.kafka = Kafka(self.broker).__enter__()

    def teardown(self) -> None:
        """Close the connections."""
        self.kafka.__exit__()


class LogModel(_Model):
    """One partition: batches, the start that moves, look-ups by offset and time."""

    @initialize()
    def begin(self) -> None:
        self.topic = self.kafka.topic(retention_ms="-1")
        self.start = 0
        self.records: list[Record] = []

    @rule(times=st.lists(st.integers(1, 50), min_size=1, max_size=4), codec=st.integers(0, 4))
    def produce(self, times: list[int], codec: int) -> None:
        base = len(self.records)
        batch = [record(b"%d" % (base + index), timestamp_ms=time_ms) for index, time_ms in enumerate(times)]
        answer = self.kafka.produce(self.topic, batch=batch_of(*batch, codec=codec))
        assert (answer.error_code, answer.base_offset) == (ErrorCode.NONE, base)
        self.records += [one._replace(offset=base + index) for index, one in enumerate(batch)]

    @rule(offset=st.integers(-1, 30))
    def delete(self, offset: int) -> None:
        answer = delete_before(self.kafka, self.topic, offset)
        wanted = len(self.records) if offset == -1 else offset
        if wanted > len(self.records):
            assert answer.error_code == ErrorCode.OFFSET_OUT_OF_RANGE
            return
        self.start = max(self.start, wanted)
        assert (answer.error_code, answer.low_watermark) == (ErrorCode.NONE, self.start)

    @rule(offset=st.integers(-1, 30))
    def fetch(self, offset: int) -> None:
        if not self.start <= offset <= len(self.records):
            assert self.kafka.fetch(self.topic, offset).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
            return
        assert self.kafka.records(self.topic, offset) == self.records[offset:]

    @rule(time_ms=st.integers(0, 51))
    def look_up(self, time_ms: int) -> None:
        found = self.kafka.offset(self.topic, time_ms)
        wanted = next((one for one in self.records[self.start :] if one.timestamp_ms >= time_ms), None)
        told = (-1, -1) if wanted is None else (wanted.offset, wanted.timestamp_ms)
        assert (found.offset, found.timestamp) == told

    @precondition(lambda self: self.records and not self.start)
    @rule()
    def look_up_the_latest_time(self) -> None:
        wanted = max(self.records, key=lambda one: (one.timestamp_ms, -one.offset))
        assert self.kafka.offset(self.topic, _MAX_TIMESTAMP).offset == wanted.offset

    @invariant()
    def bounds_are_right(self) -> None:
        bounds = [self.kafka.offset(self.topic, wanted).offset for wanted in (EARLIEST, LATEST)]
        assert bounds == [self.start, len(self.records)]


class GroupModel(_Model):
    """One classic group: a member that comes and goes, commits from inside and outside."""

    @initialize()
    def begin(self) -> None:
        self.topic = self.kafka.topic(partitions=3)
        self.group = self.kafka.fresh()
        self.member: ClassicMember | None = None
        self.generation = 0
        self.exists = False
        self.committed: dict[int, int] = {}

    @precondition(lambda self: self.member is None)
    @rule()
    def come(self) -> None:
        self.member = ClassicMember(self.kafka, self.group).stable()
        self.generation += 1
        self.exists = True
        assert self.member.generation == self.generation

    @precondition(lambda self: self.member is not None)
    @rule()
    def go(self) -> None:
        assert self.member is not None
        assert self.member.leave() == ErrorCode.NONE
        # An empty group is a generation too.
        self.member, self.generation = None, self.generation + 1

    @rule(partition=st.integers(0, 2), offset=st.integers(0, 1_000))
    def commit_from_outside(self, partition: int, offset: int) -> None:
        code = commit(self.kafka, self.group, self.topic, offset, partition=partition)
        if self.member is not None:
            assert code == ErrorCode.UNKNOWN_MEMBER_ID
            return
        assert code == ErrorCode.NONE
        self.exists = True
        self.committed[partition] = offset

    @precondition(lambda self: self.member is not None)
    @rule(partition=st.integers(0, 2), offset=st.integers(0, 1_000), late=st.integers(0, 1))
    def commit_from_inside(self, partition: int, offset: int, late: int) -> None:
        assert self.member is not None
        named: dict[str, Any] = {
            "member_id": self.member.member_id,
            "generation_id_or_member_epoch": self.generation - late,
        }
        code = commit(self.kafka, self.group, self.topic, offset, partition=partition, **named)
        if late:
            assert code == ErrorCode.ILLEGAL_GENERATION
            return
        assert code == ErrorCode.NONE
        self.committed[partition] = offset

    @rule()
    def delete(self) -> None:
        code = delete_group(self.kafka, self.group)
        if not self.exists:
            assert code == ErrorCode.GROUP_ID_NOT_FOUND
        elif self.member is not None:
            assert code == ErrorCode.NON_EMPTY_GROUP
        else:
            assert code == ErrorCode.NONE
            self.exists, self.generation, self.committed = False, 0, {}

    @invariant()
    def the_group_is_as_told(self) -> None:
        state = described(self.kafka, self.group).group_state
        assert state == ("Stable" if self.member is not None else "Empty" if self.exists else "Dead")
        for partition in range(3):
            found = committed(self.kafka, self.group, self.topic, partition=partition)
            assert found.committed_offset == self.committed.get(partition, -1)


@dataclass
class _Written:
    """What stands at an offset: a value and its producer (None: plain), or a marker."""

    value: bytes | None
    producer: int | None = None
    is_committed: bool | None = None
    """None: the transaction is open."""


@dataclass
class _Open:
    """An open transaction: where its records stand."""

    offsets: list[int] = field(default_factory=list)


class TransactionModel(_Model):
    """Two transactional producers and plain ones in one partition: what readers see, and up to where."""

    @initialize()
    def begin(self) -> None:
        self.topic = self.kafka.topic()
        self.producers = [Producer(self.kafka, self.kafka.fresh("txn")).ready() for _ in range(2)]
        self.open: dict[int, _Open] = {}
        self.log: list[_Written] = []

    @rule()
    def write_plainly(self) -> None:
        value = b"plain %d" % len(self.log)
        assert self.kafka.produce(self.topic, value).base_offset == len(self.log)
        self.log.append(_Written(value, is_committed=True))

    @rule(who=st.integers(0, 1), count=st.integers(1, 3))
    def write(self, who: int, count: int) -> None:
        producer = self.producers[who]
        if who not in self.open:
            assert producer.add(self.topic) == ErrorCode.NONE
            self.open[who] = _Open()
        values = [b"%d %d" % (who, len(self.log) + index) for index in range(count)]
        answer = producer.send(self.topic, *values)
        assert (answer.error_code, answer.base_offset) == (ErrorCode.NONE, len(self.log))
        self.open[who].offsets += range(len(self.log), len(self.log) + count)
        self.log += [_Written(value, who) for value in values]

    @precondition(lambda self: self.open)
    @rule(who=st.integers(0, 1), is_commit=st.booleans())
    def end(self, who: int, is_commit: bool) -> None:  # Hypothesis names arguments.
        producer = self.producers[who]
        if who not in self.open:
            return
        (producer.commit if is_commit else producer.abort)()
        for offset in self.open.pop(who).offsets:
            self.log[offset].is_committed = is_commit
        self.log.append(_Written(None))
        self._await_end()

    @rule(who=st.integers(0, 1))
    def start_anew(self, who: int) -> None:
        """A new process takes the id over: an open transaction is aborted."""
        self.producers[who].ready()
        if who in self.open:
            for offset in self.open.pop(who).offsets:
                self.log[offset].is_committed = False
            self.log.append(_Written(None))
            self._await_end()

    @invariant()
    def readers_see_what_they_may(self) -> None:
        firsts = [found.offsets[0] for found in self.open.values()]
        stable = min([*firsts, len(self.log)])
        assert self.kafka.offset(self.topic, LATEST, isolation=_COMMITTED).offset == stable
        every = [one.value for one in self.log if one.value is not None]
        assert self.kafka.values(self.topic) == every
        wanted = [one.value for one in self.log[:stable] if one.value is not None and one.is_committed]
        assert self.kafka.values(self.topic, isolation=_COMMITTED) == wanted

    def _await_end(self) -> None:
        """Wait until the marker is in the log."""
        end = self.kafka.until(
            lambda: self.kafka.offset(self.topic, LATEST).offset, lambda offset: offset == len(self.log)
        )
        assert end == len(self.log)
