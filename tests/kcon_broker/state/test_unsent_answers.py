"""How much an answer may hold, below, at and above the limit of all connections."""

from collections.abc import Hashable

import pytest

from kcon_broker.state.unsent_answers import SMALL_ANSWER_BYTES, UnsentAnswers

_LIMIT = 8_000_000


def counted(held: int) -> tuple[UnsentAnswers, list[Hashable]]:
    told: list[Hashable] = []
    unsent = UnsentAnswers(_LIMIT, on_room=told.append)
    unsent.hold(held)
    return unsent, told


@pytest.mark.parametrize(
    ("held", "answer_bytes_max", "may_hold_a_large_batch"),
    [
        (0, _LIMIT // 2, True),
        (_LIMIT // 2, _LIMIT // 4, True),
        (_LIMIT - 1, SMALL_ANSWER_BYTES, True),
        (_LIMIT, SMALL_ANSWER_BYTES, False),
        (_LIMIT + 1, SMALL_ANSWER_BYTES, False),
    ],
)
def test_the_fuller_the_smaller(held: int, answer_bytes_max: int, *, may_hold_a_large_batch: bool) -> None:
    unsent, _ = counted(held)
    assert unsent.answer_bytes_max == answer_bytes_max
    assert unsent.may_hold(SMALL_ANSWER_BYTES)
    assert unsent.may_hold(SMALL_ANSWER_BYTES + 1) == may_hold_a_large_batch
    assert unsent.is_full != may_hold_a_large_batch


@pytest.mark.parametrize(
    ("held", "is_overfull"), [(2 * _LIMIT - 1, False), (2 * _LIMIT, False), (2 * _LIMIT + 1, True)]
)
def test_more_than_twice_the_limit_is_too_much(held: int, *, is_overfull: bool) -> None:
    assert counted(held)[0].is_overfull == is_overfull


def test_who_waits_is_told_once_when_a_quarter_is_free() -> None:
    unsent, told = counted(_LIMIT)
    key = unsent.await_room()
    unsent.release(_LIMIT // 4 - 1)
    assert told == []
    unsent.release(1)
    assert told == [key]
    unsent.release(1)
    assert told == [key]


def test_nobody_is_told_who_does_not_wait() -> None:
    unsent, told = counted(_LIMIT)
    unsent.release(_LIMIT)
    assert told == []
    assert unsent.held_bytes == 0
