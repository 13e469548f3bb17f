"""A session that loses or invents a partition makes a consumer stand still, or read what it does not want."""

from itertools import count

from kcon_broker.state.fetch_sessions import FetchContext, FetchSessionTable, FetchWish, PartitionKey
from kcon_broker.wire.error_codes import ErrorCode


def wish(index: int, offset: int = 0, topic: str | bytes = "t") -> FetchWish:
    return FetchWish(topic, index, offset, 1_000, -1, -1)


class Sessions:
    """A table with a clock that stands still until moved."""

    def __init__(self, sessions_max: int = 10) -> None:
        ids = count(1)
        self.now_ms = 0
        self.table = FetchSessionTable(sessions_max=sessions_max, min_idle_ms=100, new_session_id=lambda: next(ids))

    def open(
        self,
        session_id: int,
        epoch: int,
        *wishes: FetchWish,
        forgotten: tuple[PartitionKey, ...] = (),
        ids: bool = False,
    ) -> FetchContext:
        return self.table.open(
            session_id=session_id,
            epoch=epoch,
            uses_topic_ids=ids,
            wishes=list(wishes),
            forgotten=forgotten,
            now_ms=self.now_ms,
        )


def indexes(context: FetchContext) -> list[int]:
    return [entry.index for entry in context.wishes]


def test_full_fetch_without_session_makes_none() -> None:
    sessions = Sessions()
    context = sessions.open(0, -1, wish(0))
    assert (context.session, len(sessions.table)) == (None, 0)


def test_incremental_fetch_remembers_changes_and_forgets() -> None:
    sessions = Sessions()
    session = sessions.open(0, 0, wish(0), wish(1)).session
    assert session is not None
    second = sessions.open(session.session_id, 1, wish(1, offset=5), wish(2), forgotten=(("t", 0),))
    assert second.is_incremental
    assert indexes(second) == [1, 2]
    assert second.wishes[0].fetch_offset == 5
    assert indexes(sessions.open(session.session_id, 2)) == [1, 2]


def test_wrong_session_or_epoch_is_told() -> None:
    sessions = Sessions()
    session = sessions.open(0, 0, wish(0)).session
    assert session is not None
    assert sessions.open(99, 1).error_code is ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert sessions.open(session.session_id, 2).error_code is ErrorCode.INVALID_FETCH_SESSION_EPOCH
    assert sessions.open(session.session_id, 1, ids=True).error_code is ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR


def test_epoch_wraps_around_to_one() -> None:
    sessions = Sessions()
    session = sessions.open(0, 0, wish(0)).session
    assert session is not None
    session.epoch = (1 << 31) - 1
    assert sessions.open(session.session_id, (1 << 31) - 1).error_code is ErrorCode.NONE
    assert session.epoch == 1


def test_final_epoch_closes_the_session() -> None:
    sessions = Sessions()
    session = sessions.open(0, 0, wish(0)).session
    assert session is not None
    sessions.open(session.session_id, -1, wish(0))
    assert sessions.open(session.session_id, 1).error_code is ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_session_that_lost_all_partitions_ends() -> None:
    sessions = Sessions()
    session = sessions.open(0, 0, wish(0)).session
    assert session is not None
    context = sessions.open(session.session_id, 1, forgotten=(("t", 0),))
    assert (context.wishes, context.session, len(sessions.table)) == ([], None, 0)


def test_full_table_evicts_only_what_is_idle() -> None:
    sessions = Sessions(sessions_max=1)
    first = sessions.open(0, 0, wish(0)).session
    assert first is not None
    sessions.now_ms = 99
    assert sessions.open(0, 0, wish(0)).session is None
    sessions.now_ms = 100
    assert sessions.open(0, 0, wish(0)).session is not None
    assert sessions.open(first.session_id, 1).error_code is ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_partition_with_news_goes_to_the_end() -> None:
    sessions = Sessions()
    session = sessions.open(0, 0, wish(0), wish(1), wish(2)).session
    assert session is not None
    session.had_news(session.wishes["t", 0])
    assert indexes(sessions.open(session.session_id, 1)) == [1, 2, 0]
