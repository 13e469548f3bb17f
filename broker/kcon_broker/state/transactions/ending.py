"""May this producer end its transaction now (EndTxn)?

In version 1 of transactions the epoch stays, so a repeated EndTxn is told from a new one by the state alone. In
version 2 (KIP-890) every decision raises the epoch: the old one names a repetition, the present one the next
transaction, and a producer may abort a transaction that has no partitions.
"""

from kcon_broker.state.transactions.records import TransactionState, TransactionValue
from kcon_broker.state.transactions.transaction import EPOCH_MAX, TV2
from kcon_broker.wire.error_codes import ErrorCode

__all__ = ["TV2", "judge"]


def judge(
    value: TransactionValue, producer_id: int, epoch: int, *, is_commit: bool, client_version: int
) -> ErrorCode | None:
    """Return None where the outcome is to be written; NONE where it was before; otherwise why not."""
    if client_version >= TV2:
        return _judge_v2(value, producer_id, epoch, is_commit=is_commit)
    if value.producer_id != producer_id:
        return ErrorCode.INVALID_PRODUCER_ID_MAPPING
    if value.producer_epoch != epoch:
        return ErrorCode.PRODUCER_FENCED
    if value.state is TransactionState.ONGOING:
        return None
    if value.state is TransactionState.EMPTY:
        return ErrorCode.INVALID_TXN_STATE
    return _of_ended(value.state, is_commit=is_commit)


def _judge_v2(value: TransactionValue, producer_id: int, epoch: int, *, is_commit: bool) -> ErrorCode | None:
    state = value.state
    is_retry_after_overflow = (
        value.previous_producer_id == producer_id and epoch == EPOCH_MAX - 1 and value.producer_epoch == 0
    )
    is_retry = is_retry_after_overflow or value.producer_epoch == epoch + 1
    if value.producer_id != producer_id and not is_retry_after_overflow:
        return ErrorCode.INVALID_PRODUCER_ID_MAPPING
    if state.is_preparing:
        is_valid = value.producer_epoch == epoch + 1
    elif state.is_complete:
        is_valid = is_retry or value.producer_epoch == epoch
    else:
        is_valid = value.producer_epoch == epoch
    if not is_valid:
        return ErrorCode.PRODUCER_FENCED
    if state is TransactionState.ONGOING:
        return None
    if state.is_preparing or (state.is_complete and is_retry):
        return _of_ended(state, is_commit=is_commit)
    return ErrorCode.INVALID_TXN_STATE if is_commit else None


def _of_ended(state: TransactionState, *, is_commit: bool) -> ErrorCode:
    """Answer a repeated request: the same outcome is granted once the markers are out."""
    was_commit = state in (TransactionState.PREPARE_COMMIT, TransactionState.COMPLETE_COMMIT)
    if was_commit is not is_commit:
        return ErrorCode.INVALID_TXN_STATE
    return ErrorCode.CONCURRENT_TRANSACTIONS if state.is_preparing else ErrorCode.NONE
