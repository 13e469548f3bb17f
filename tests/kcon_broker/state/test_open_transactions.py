"""The last stable offset decides what read_committed may see: it must be neither too high nor stuck."""

from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.state.open_transactions import OpenTransactions
from kcon_broker.state.producers import ProducerTable, SentBatch
from kcon_broker.storage.transaction_index import AbortedTransaction
from kcon_broker.wire.error_codes import ErrorCode


def test_open_transaction_holds_the_last_stable_offset() -> None:
    open_transactions = OpenTransactions()
    assert open_transactions.last_stable_offset(10) == 10
    open_transactions.appended(1, 4)
    open_transactions.appended(1, 6)
    open_transactions.appended(2, 5)
    assert open_transactions.last_stable_offset(10) == 4
    open_transactions.ended(1, 9, is_commit=True)
    assert open_transactions.last_stable_offset(10) == 5


def test_transaction_is_undecided_until_its_marker_is_durable() -> None:
    """A power cut may take a marker that is written only; nobody may have read what it decided."""
    open_transactions = OpenTransactions()
    open_transactions.appended(1, 4)
    open_transactions.ended(1, 7, is_commit=True)
    assert open_transactions.last_stable_offset(7) == 4
    assert open_transactions.last_stable_offset(8) == 8


def test_marker_without_records_changes_nothing() -> None:
    open_transactions = OpenTransactions()
    open_transactions.ended(1, 3, is_commit=False)
    assert open_transactions.is_idle
    assert open_transactions.last_stable_offset(3) == 3


def test_failed_write_takes_back_what_was_not_written() -> None:
    open_transactions = OpenTransactions()
    open_transactions.appended(1, 0)
    open_transactions.written()
    open_transactions.ended(1, 1, is_commit=False)
    open_transactions.appended(2, 2)
    open_transactions.write_failed()
    assert open_transactions.ongoing == {1: 0}
    assert open_transactions.aborted.entries == []


def test_aborted_transactions_of_a_range() -> None:
    open_transactions = OpenTransactions()
    for producer_id, first, marker in ((1, 0, 3), (2, 4, 6), (3, 7, 9)):
        open_transactions.replay(producer_id, first)
        open_transactions.replay_marker(producer_id, marker, is_commit=False)
    assert [each.producer_id for each in open_transactions.aborted.between(3, 4)] == [1]
    assert [each.producer_id for each in open_transactions.aborted.between(4, 8)] == [2, 3]
    open_transactions.aborted.forget_before(7)
    assert open_transactions.aborted.entries == [AbortedTransaction(3, 7, 9, 10)]


_STEPS = st.lists(
    st.tuples(st.sampled_from(("data", "commit", "abort", "sync", "write", "fail")), st.integers(0, 3)), max_size=60
)


@given(_STEPS)
def test_model_of_a_log(steps: list[tuple[str, int]]) -> None:
    """Whatever happens, what is told equals what the written log says, and replay equals live."""
    live = OpenTransactions()
    log: list[tuple[str, int]] = []
    written = durable = 0
    for kind, producer_id in steps:
        if kind == "data":
            live.appended(producer_id, len(log))
            log.append((kind, producer_id))
        elif kind in ("commit", "abort"):
            live.ended(producer_id, len(log), is_commit=kind == "commit")
            log.append((kind, producer_id))
        elif kind == "write":
            live.written()
            written = len(log)
        elif kind == "sync":
            durable = written
        else:
            live.write_failed()
            del log[written:]
        replayed = OpenTransactions()
        first_undecided = durable
        for offset, (what, producer) in enumerate(log):
            if what == "data":
                replayed.replay(producer, offset)
            else:
                began = replayed.ongoing.get(producer)
                if began is not None and offset >= durable:
                    first_undecided = min(first_undecided, began)
                replayed.replay_marker(producer, offset, is_commit=what == "commit")
        assert replayed.ongoing == live.ongoing
        assert list(replayed.ongoing) == list(live.ongoing)
        assert replayed.aborted.entries == live.aborted.entries
        assert live.last_stable_offset(durable) == min([first_undecided, *live.ongoing.values()])


def test_marker_with_a_higher_epoch_shuts_the_older_out() -> None:
    table = ProducerTable()
    table.appended(7, 0, SentBatch(0, 0, 0, 0, 1), producers_max=9)
    table.transactions.appended(7, 0)
    assert table.check_marker(7, 0, 0, is_strict=True) is ErrorCode.INVALID_PRODUCER_EPOCH
    assert table.check_marker(7, 0, 0, is_strict=False) is None
    assert table.check_marker(7, 1, 0, is_strict=True) is None
    table.marked(7, 1, 3, 2)
    table.transactions.ended(7, 1, is_commit=True)
    assert table.check(7, 0, 1, 1) is ErrorCode.INVALID_PRODUCER_EPOCH
    assert table.check(7, 1, 0, 0) is None
    assert table.check(7, 1, 1, 1) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert table.check_marker(7, 1, 2, is_strict=False) is ErrorCode.TRANSACTION_COORDINATOR_FENCED


def test_producer_with_an_open_transaction_is_not_forgotten() -> None:
    table = ProducerTable()
    for producer_id in range(3):
        table.appended(producer_id, 0, SentBatch(0, 0, producer_id, producer_id, producer_id), producers_max=2)
        if producer_id == 0:
            table.transactions.appended(0, 0)
    assert list(table.entries) == [0, 2]
    table.expire(100)
    assert list(table.entries) == [0]


def test_snapshot_keeps_open_transactions_and_epochs_of_markers() -> None:
    table = ProducerTable()
    table.appended(7, 0, SentBatch(0, 1, 5, 6, 1), producers_max=9)
    table.transactions.appended(7, 5)
    table.marked(8, 4, 2, 9)
    restored = ProducerTable()
    restored.restore(table.snapshot(), [])
    assert restored.transactions.ongoing == {7: 5}
    assert restored.check(8, 3, 0, 0) is ErrorCode.INVALID_PRODUCER_EPOCH
    assert restored.check(8, 4, 0, 0) is None
    assert restored.snapshot() == table.snapshot()
