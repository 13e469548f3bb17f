"""Who may do what with a transactional id, in which state, and what is left after a crash at any point?"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.settings import TransactionSettings
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.state.transactions.coordinator import ProducerAnswer, TransactionCoordinator
from kcon_broker.state.transactions.journal import Marker, Told
from kcon_broker.state.transactions.records import TopicPartition, TransactionRecord, TransactionState, TransactionValue
from kcon_broker.state.transactions.transaction import EPOCH_MAX
from kcon_broker.wire.error_codes import ErrorCode

_T0, _T1 = ("t", 0), ("t", 1)
_FENCED = ProducerAnswer(ErrorCode.PRODUCER_FENCED)
_BUSY = ErrorCode.CONCURRENT_TRANSACTIONS


@dataclass
class ListJournal:
    """Records and markers in lists; they become durable when the test says so."""

    records: list[TransactionRecord] = field(default_factory=list)
    markers: list[tuple[TopicPartition, Marker]] = field(default_factory=list)
    waiting: list[Told] = field(default_factory=list)
    is_open: bool = True
    next_id: int = 100
    rounds: int = 0

    def partition_of(self, transactional_id: str) -> int:
        assert transactional_id
        return 0

    def is_available(self, partition: int) -> bool:
        assert partition >= 0
        return self.is_open

    def append(self, partition: int, record: TransactionRecord, wall_ms: int) -> None:
        assert (partition, self.is_open) == (0, True)
        assert wall_ms >= 0
        self.records.append(record)

    def when_durable(self, partition: int, told: Told) -> None:
        assert partition == 0
        self.waiting.append(told)

    def write_marker(self, partition: TopicPartition, marker: Marker, wall_ms: int, told: Told) -> None:
        assert wall_ms >= 0
        self.markers.append((partition, marker))
        self.waiting.append(told)

    def new_producer_id(self) -> int:
        self.next_id += 1
        return self.next_id

    def request_round(self) -> None:
        self.rounds += 1


class Scene:
    """A coordinator and its journal."""

    def __init__(self) -> None:
        self.journal = ListJournal()
        self.now = 1_000
        self.coordinator = TransactionCoordinator(TransactionSettings(), journal=self.journal)
        self.coordinator.loaded(self.at)

    @property
    def at(self) -> Moment:
        return Moment(self.now, self.now + 1_000_000)

    def init(self, expected: tuple[int, int] | None = None, name: str = "tx") -> ProducerAnswer:
        return self.coordinator.init_producer(name, timeout_ms=60_000, expected=expected, at=self.at)

    def add(self, epoch: int, *partitions: TopicPartition, producer_id: int = 101, version: int = 0) -> ErrorCode:
        return self.coordinator.add_partitions("tx", producer_id, epoch, partitions, client_version=version, at=self.at)

    def end(self, epoch: int, *, commit: bool = True, producer_id: int = 101, version: int = 0) -> ProducerAnswer:
        return self.coordinator.end("tx", producer_id, epoch, is_commit=commit, client_version=version, at=self.at)

    def settle(self, *, is_durable: bool = True, rounds: int = 9) -> None:
        """Let everything become durable, and what follows from it, for so many rounds."""
        for _ in range(rounds):
            waiting, self.journal.waiting = self.journal.waiting, []
            for told in waiting:
                told(is_durable)
            self.coordinator.expire(self.at)

    def restart(self) -> None:
        """Begin anew from the records."""
        before, self.journal = self.journal, ListJournal(next_id=self.journal.next_id)
        self.journal.records = list(before.records)
        self.coordinator = TransactionCoordinator(TransactionSettings(), journal=self.journal)
        for record in self.journal.records:
            self.coordinator.replay(*record)
        self.coordinator.loaded(self.at)

    @property
    def value(self) -> TransactionValue:
        return self.coordinator.transactions["tx"].value

    def state(self) -> TransactionState:
        return self.value.state


def test_transaction_of_version_1_from_start_to_end() -> None:
    scene = Scene()
    assert scene.init() == ProducerAnswer(ErrorCode.NONE, 101, 0)
    assert scene.end(0).error_code is ErrorCode.INVALID_TXN_STATE
    assert scene.add(0, _T0) is ErrorCode.NONE
    assert scene.add(0, _T1) is ErrorCode.NONE
    count = len(scene.journal.records)
    assert scene.add(0, _T0) is ErrorCode.NONE
    assert len(scene.journal.records) == count, "nothing new is not written"
    assert scene.end(0) == ProducerAnswer(ErrorCode.NONE, 101, 0)
    assert scene.journal.markers == [], "the decision is not durable yet"
    assert scene.add(0, _T0) is _BUSY
    assert scene.end(0).error_code is _BUSY
    assert scene.end(0, commit=False).error_code is ErrorCode.INVALID_TXN_STATE
    scene.settle(rounds=1)
    assert scene.journal.markers == [(_T0, Marker(101, 0, True, 0)), (_T1, Marker(101, 0, True, 0))]
    assert scene.state() is TransactionState.PREPARE_COMMIT
    scene.settle(rounds=1)
    assert scene.state() is TransactionState.COMPLETE_COMMIT
    assert scene.end(0) == ProducerAnswer(ErrorCode.NONE, 101, 0), "repeated"
    assert scene.end(0, commit=False).error_code is ErrorCode.INVALID_TXN_STATE
    assert scene.add(0, _T1) is ErrorCode.NONE
    assert scene.value.partitions == {_T1}


def test_transaction_of_version_2_raises_the_epoch_with_each_end() -> None:
    scene = Scene()
    scene.init()
    assert scene.add(0, _T0, version=2) is ErrorCode.NONE
    assert scene.end(0, version=2) == ProducerAnswer(ErrorCode.NONE, 101, 1)
    assert scene.end(0, version=2).error_code is _BUSY
    scene.settle()
    assert scene.journal.markers == [(_T0, Marker(101, 1, True, 2))]
    assert scene.end(0, version=2) == ProducerAnswer(ErrorCode.NONE, 101, 1), "repeated"
    assert scene.end(0, commit=False, version=2).error_code is ErrorCode.INVALID_TXN_STATE
    assert scene.add(0, _T0, version=2) is ErrorCode.PRODUCER_FENCED, "a late batch of the transaction before"
    assert scene.end(1, commit=True, version=2).error_code is ErrorCode.INVALID_TXN_STATE
    assert scene.end(1, commit=False, version=2) == ProducerAnswer(ErrorCode.NONE, 101, 2), "without partitions"
    scene.settle()
    assert scene.state() is TransactionState.COMPLETE_ABORT


def test_delayed_end_does_not_touch_the_next_transaction() -> None:
    scene = Scene()
    scene.init()
    scene.add(0, _T0, version=2)
    scene.end(0, version=2)
    scene.settle()
    scene.add(1, _T1, version=2)
    assert scene.end(0, version=2) == _FENCED
    assert scene.end(0, commit=False, version=2) == _FENCED
    assert scene.state() is TransactionState.ONGOING


def test_second_producer_aborts_the_first_and_shuts_it_out() -> None:
    scene = Scene()
    scene.init()
    scene.add(0, _T0)
    assert scene.init().error_code is _BUSY
    assert scene.init().error_code is _BUSY, "until the markers are out"
    scene.settle()
    assert scene.journal.markers == [(_T0, Marker(101, 1, False, 0))]
    assert scene.init() == ProducerAnswer(ErrorCode.NONE, 101, 2)
    assert scene.end(0) == _FENCED
    assert scene.add(0, _T0) is ErrorCode.PRODUCER_FENCED
    assert scene.coordinator.verify_partition("tx", 101, 0, _T0) is ErrorCode.PRODUCER_FENCED


def test_transaction_open_for_too_long_is_aborted() -> None:
    scene = Scene()
    scene.init()
    scene.add(0, _T0)
    scene.now += 59_999
    scene.settle()
    assert scene.state() is TransactionState.ONGOING
    scene.now += 1
    scene.settle()
    assert scene.state() is TransactionState.COMPLETE_ABORT
    assert scene.end(0) == _FENCED


def test_timeout_goes_on_after_a_restart() -> None:
    scene = Scene()
    scene.init()
    scene.add(0, _T0)
    scene.now += 50_000
    scene.restart()
    scene.now += 9_999
    scene.settle()
    assert scene.state() is TransactionState.ONGOING
    scene.now += 1
    scene.settle()
    assert scene.state() is TransactionState.COMPLETE_ABORT


def test_producer_may_raise_its_own_epoch() -> None:
    """KIP-360: with the epoch it has, or with the one before if it missed the answer; with another it is fenced."""
    scene = Scene()
    scene.init()
    assert scene.init((101, 0)) == ProducerAnswer(ErrorCode.NONE, 101, 1)
    assert scene.init((101, 0)) == ProducerAnswer(ErrorCode.NONE, 101, 1)
    assert scene.init((101, 1)) == ProducerAnswer(ErrorCode.NONE, 101, 2)
    assert scene.init((101, 0)) == _FENCED
    assert scene.init((77, 2)) == _FENCED


def test_exhausted_epoch_brings_a_new_producer_id() -> None:
    scene = Scene()
    scene.init()
    for epoch in range(EPOCH_MAX - 1):
        scene.init((101, epoch))
    assert scene.value.producer_epoch == EPOCH_MAX - 1
    scene.add(EPOCH_MAX - 1, _T0, version=2)
    assert scene.end(EPOCH_MAX - 1, version=2) == ProducerAnswer(ErrorCode.NONE, 102, 0)
    scene.settle()
    assert scene.journal.markers == [(_T0, Marker(101, EPOCH_MAX, True, 2))]
    assert (scene.value.producer_id, scene.value.producer_epoch, scene.value.previous_producer_id) == (102, 0, 101)
    assert scene.end(EPOCH_MAX - 1, version=2) == ProducerAnswer(ErrorCode.NONE, 102, 0), "repeated"


def test_lost_marker_is_written_again() -> None:
    scene = Scene()
    scene.init()
    scene.add(0, _T0)
    scene.end(0)
    scene.settle(rounds=1)
    scene.settle(is_durable=False, rounds=1)
    assert scene.state() is TransactionState.PREPARE_COMMIT
    scene.now += 1_000
    scene.settle()
    assert scene.state() is TransactionState.COMPLETE_COMMIT
    assert len(scene.journal.markers) == 2


def test_decision_that_was_lost_sends_no_marker() -> None:
    scene = Scene()
    scene.init()
    scene.add(0, _T0)
    scene.end(0)
    scene.settle(is_durable=False)
    assert scene.journal.markers == []


@pytest.mark.parametrize("timeout_ms", [0, -1, 900_001])
def test_timeouts_out_of_range(timeout_ms: int) -> None:
    answer = Scene().coordinator.init_producer("tx", timeout_ms=timeout_ms, expected=None, at=Moment(0, 0))
    assert answer.error_code is ErrorCode.INVALID_TRANSACTION_TIMEOUT


def test_unknown_ids_and_producers() -> None:
    scene = Scene()
    assert scene.init(name="").error_code is ErrorCode.INVALID_REQUEST
    assert scene.end(0).error_code is ErrorCode.INVALID_PRODUCER_ID_MAPPING
    assert scene.add(0, _T0) is ErrorCode.INVALID_PRODUCER_ID_MAPPING
    scene.init()
    assert scene.add(0, _T0, producer_id=7) is ErrorCode.INVALID_PRODUCER_ID_MAPPING
    assert scene.end(0, producer_id=7, version=2).error_code is ErrorCode.INVALID_PRODUCER_ID_MAPPING
    assert scene.coordinator.verify_partition("tx", 101, 0, _T0) is ErrorCode.TRANSACTION_ABORTABLE
    scene.journal.is_open = False
    assert scene.add(0, _T0) is ErrorCode.NOT_COORDINATOR
    assert scene.init().error_code is ErrorCode.NOT_COORDINATOR
    assert scene.coordinator.is_known_in(7, _T0) is None
    scene.journal.is_open = True
    assert scene.coordinator.is_known_in(7, _T0) is False


def test_unused_id_is_forgotten() -> None:
    scene = Scene()
    scene.init()
    scene.now += 7 * 24 * 3_600_000
    scene.settle()
    assert scene.coordinator.transactions == {}
    scene.restart()
    assert scene.coordinator.transactions == {}


_Action = Callable[[Scene, int], object]
_ACTIONS: list[_Action] = [
    lambda scene, _: scene.init(),
    lambda scene, epoch: scene.init((101, epoch)),
    lambda scene, epoch: scene.add(epoch, _T0),
    lambda scene, epoch: scene.add(epoch, _T1, version=2),
    lambda scene, epoch: scene.end(epoch),
    lambda scene, epoch: scene.end(epoch, commit=False),
    lambda scene, epoch: scene.end(epoch, version=2),
    lambda scene, epoch: scene.end(epoch, commit=False, version=2),
    lambda scene, _: scene.settle(rounds=1),
    lambda scene, _: scene.settle(is_durable=False, rounds=1),
    lambda scene, _: setattr(scene, "now", scene.now + 30_000),
    lambda scene, _: scene.restart(),
]


@given(st.lists(st.tuples(st.integers(0, len(_ACTIONS) - 1), st.integers(0, 4)), max_size=40))
def test_replay_equals_live_and_every_decision_ends(steps: list[tuple[int, int]]) -> None:
    scene = Scene()
    epoch_before = -1
    for action, epoch in steps:
        before = scene.coordinator.transactions.get("tx")
        was = None if before is None else before.value
        _ACTIONS[action](scene, epoch)
        replayed = TransactionCoordinator(TransactionSettings(), journal=ListJournal())
        for record in scene.journal.records:
            replayed.replay(*record)
        live = {name: each.value for name, each in scene.coordinator.transactions.items()}
        assert {name: each.value for name, each in replayed.transactions.items()} == live
        if "tx" in live:
            assert live["tx"].producer_epoch >= epoch_before, "an epoch never falls"
            epoch_before = live["tx"].producer_epoch
            if was is not None and was.state.is_preparing and live["tx"].state is not was.state:
                is_commit = was.state is TransactionState.PREPARE_COMMIT
                wanted = TransactionState.COMPLETE_COMMIT if is_commit else TransactionState.COMPLETE_ABORT
                assert live["tx"].state in (wanted, TransactionState.EMPTY, TransactionState.ONGOING)
    scene.restart()
    for _ in range(4):
        scene.now += 60_000
        scene.settle()
    assert all(
        not each.value.state.is_preparing and each.value.state is not TransactionState.ONGOING
        for each in scene.coordinator.transactions.values()
    ), "nothing stays open"
