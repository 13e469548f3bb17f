"""A session that loses or invents a partition makes a consumer stand still, or read what it does not want."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        forgotten: Iterable[PartitionKey] = (),
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
    for sessions.now_ms in (99, 100):
        assert sessions.open(0, 0, wish(0)).session is None
    sessions.now_ms = 101
    assert sessions.open(0, 0, wish(0)).session is not None
    assert sessions.open(first.session_id, 1).error_code is ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_the_session_used_last_is_the_last_to_go_for_being_idle() -> None:
    sessions = Sessions(sessions_max=2)
    first, second = (sessions.open(0, 0, wish(0)).session for _ in range(2))
    assert first is not None
    assert second is not None
    sessions.now_ms = 101
    sessions.open(first.session_id, 1)
    assert sessions.open(0, 0, wish(0)).session is not None
    assert sessions.open(first.session_id, 2).error_code is ErrorCode.NONE
    assert sessions.open(second.session_id, 1).error_code is ErrorCode.FETCH_SESSION_ID_NOT_FOUND


@pytest.mark.parametrize(("age_ms", "size", "is_evicted"), [(100, 3, False), (101, 2, False), (101, 3, True)])
def test_a_larger_session_takes_the_place_of_one_in_use_that_is_not_young(
    age_ms: int, size: int, is_evicted: bool
) -> None:
    """Who follows many partitions gains most by a session; a young one has not shown yet whether it grows."""
    sessions = Sessions(sessions_max=1)
    first = sessions.open(0, 0, wish(0), wish(1)).session
    assert first is not None
    sessions.now_ms = age_ms
    sessions.open(first.session_id, 1)
    taken = sessions.open(0, 0, *map(wish, range(size))).session is not None
    gone = sessions.open(first.session_id, 2).error_code is ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert (taken, gone, len(sessions.table)) == (is_evicted, is_evicted, 1)


def test_the_smallest_session_goes_first_by_its_present_size() -> None:
    sessions = Sessions(sessions_max=2)
    shrinks, stays = (sessions.open(0, 0, *map(wish, range(size))).session for size in (5, 3))
    assert shrinks is not None
    assert stays is not None
    sessions.now_ms = 101
    sessions.open(shrinks.session_id, 1)
    sessions.open(stays.session_id, 1)
    sessions.open(shrinks.session_id, 2, forgotten=[("t", index) for index in range(4)])
    assert sessions.open(0, 0, wish(0), wish(1)).session is not None
    assert sessions.open(stays.session_id, 2).error_code is ErrorCode.NONE
    assert sessions.open(shrinks.session_id, 3).error_code is ErrorCode.FETCH_SESSION_ID_NOT_FOUND


@given(
    moves=st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from(["open", "use", "end"]), st.integers(0, 4), st.integers(1, 5)),
        max_size=60,
    )
)
def test_the_table_is_as_one_that_looks_at_every_session(moves: list[tuple[int, str, int, int]]) -> None:
    """Which session goes is kept in order as sessions change; here it is found by looking at all."""
    sessions = Sessions(sessions_max=3)
    known: dict[int, _Known] = {}
    for passed_ms, what, which, size in moves:
        sessions.now_ms += passed_ms
        if what == "open":
            session = sessions.open(0, 0, *map(wish, range(size))).session
            evicted = _evicted(known, size, sessions.now_ms) if len(known) == 3 else None
            assert (session is not None) == (len(known) < 3 or evicted is not None)
            known.pop(evicted or 0, None)
            if session is not None:
                known[session.session_id] = _Known(sessions.now_ms, sessions.now_ms, size)
        elif which < len(known):
            session_id = list(known)[which]
            one = known.pop(session_id)
            if what == "end":
                sessions.open(session_id, -1)
                continue
            changed = [wish(index) for index in range(size)]
            forgotten = tuple(("t", index) for index in range(size, 5))
            assert not sessions.open(session_id, one.epoch, *changed, forgotten=forgotten).error_code
            is_old = sessions.now_ms - one.created_ms > 100
            known[session_id] = _Known(one.created_ms, sessions.now_ms, size, is_old, one.epoch + 1)
        assert len(sessions.table) == len(known)


@dataclass(frozen=True)
class _Known:
    created_ms: int
    used_ms: int
    size: int
    is_evictable: bool = False
    epoch: int = 1


def _evicted(known: dict[int, _Known], size: int, now_ms: int) -> int | None:
    """Return the id of the session that goes, by looking at all."""
    oldest = min(known, key=lambda session_id: (known[session_id].used_ms, list(known).index(session_id)))
    if now_ms - known[oldest].used_ms > 100:
        return oldest
    ready = [(one.size, session_id) for session_id, one in known.items() if one.is_evictable and one.size < size]
    return min(ready)[1] if ready else None


def test_partition_with_news_goes_to_the_end() -> None:
    sessions = Sessions()
    session = sessions.open(0, 0, wish(0), wish(1), wish(2)).session
    assert session is not None
    session.had_news(session.wishes["t", 0])
    assert indexes(sessions.open(session.session_id, 1)) == [1, 2, 0]
