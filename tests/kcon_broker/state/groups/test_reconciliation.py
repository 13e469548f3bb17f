"""Is a member's next step the one that KIP-848 allows, whatever its state?"""

from typing import Any

import pytest

from kcon_broker.state.groups.consumer_records import MemberProgress, MemberState
from kcon_broker.state.groups.reconciliation import Goal, OwnedPartitions, reconcile

A, B = b"A" * 16, b"B" * 16
STABLE, UNREVOKED, UNRELEASED = (
    MemberState.STABLE,
    MemberState.UNREVOKED_PARTITIONS,
    MemberState.UNRELEASED_PARTITIONS,
)


def goal(target: dict[bytes, set[int]], *, epoch: int = 5, topics: tuple[bytes, ...] = (A, B), **others: Any) -> Goal:
    """Return a goal; `others` are partitions of A by who has them, as m2={3}."""
    owners = {(A, index): member_id for member_id, indexes in others.items() for index in indexes}
    wanted = {topic_id: frozenset(indexes) for topic_id, indexes in target.items()}
    return Goal(epoch=epoch, target=wanted, topic_ids=frozenset(topics), owners=owners)


def progress(state: MemberState = STABLE, *, epoch: int = 4, **fields: Any) -> MemberProgress:
    return MemberProgress(epoch=epoch, previous_epoch=3, state=state, **fields)


def step(
    current: MemberProgress, wanted: Goal, owned: OwnedPartitions | None = None, *, changed: bool = False
) -> tuple[int, MemberState, dict[bytes, set[int]], dict[bytes, set[int]]]:
    """Return epoch, state, what it may have and what it must give back."""
    result = reconcile("m1", current, wanted, owned, has_subscription_changed=changed)
    return (
        result.epoch,
        result.state,
        {topic_id: set(indexes) for topic_id, indexes in result.assigned.items()},
        {topic_id: set(indexes) for topic_id, indexes in result.revoking.items()},
    )


def test_nothing_to_do_is_the_same_progress() -> None:
    current = progress(epoch=5, assigned={A: {0: 5}})
    assert reconcile("m1", current, goal({A: {0}}), None, has_subscription_changed=False) is current


def test_free_partitions_are_given_at_once() -> None:
    assert step(progress(), goal({A: {0, 1}})) == (5, STABLE, {A: {0, 1}}, {})


def test_what_goes_must_be_given_back_first() -> None:
    current = progress(assigned={A: {0: 2, 1: 4}})
    assert step(current, goal({A: {0}, B: {7}})) == (4, UNREVOKED, {A: {0}}, {A: {1}})


def test_kept_partitions_keep_their_epochs() -> None:
    """They tell which late commits are still good (KIP-1251)."""
    current = progress(assigned={A: {0: 2}})
    result = reconcile("m1", current, goal({A: {0, 1}}), None, has_subscription_changed=False)
    assert result.assigned == {A: {0: 2, 1: 5}}


@pytest.mark.parametrize("owned", [None, [(A, [1])], [(B, [0]), (A, [0, 1])]])
def test_who_does_not_say_that_it_gave_back_has_not(owned: OwnedPartitions | None) -> None:
    current = progress(UNREVOKED, assigned={A: {0: 2}}, revoking={A: {1: 4}})
    wanted = goal({A: {0, 2}}, m1={0, 1})
    assert reconcile("m1", current, wanted, owned, has_subscription_changed=False) is current


def test_who_gave_back_moves_on() -> None:
    current = progress(UNREVOKED, assigned={A: {0: 2}}, revoking={A: {1: 4}})
    assert step(current, goal({A: {0, 2}}, m1={0, 1}), [(A, [0])]) == (5, STABLE, {A: {0, 2}}, {})


def test_what_comes_back_after_it_was_given_back_is_given_again() -> None:
    """The target changed its mind meanwhile; nobody else had the partition."""
    current = progress(UNREVOKED, assigned={A: {0: 2}}, revoking={A: {1: 4}})
    assert step(current, goal({A: {0, 1}}, m1={0, 1}), [(A, [0])]) == (5, STABLE, {A: {0, 1}}, {})


def test_what_another_has_is_waited_for() -> None:
    current = progress(assigned={A: {0: 4}})
    assert step(current, goal({A: {0, 1, 2}}, m1={0}, m2={2})) == (5, UNRELEASED, {A: {0, 1}}, {})


def test_what_another_gave_back_is_given() -> None:
    current = progress(UNRELEASED, epoch=5, assigned={A: {0: 4}})
    assert step(current, goal({A: {0, 2}}, m1={0})) == (5, STABLE, {A: {0, 2}}, {})


def test_a_newer_target_comes_before_the_one_waited_for() -> None:
    current = progress(UNRELEASED, assigned={A: {0: 4}})
    assert step(current, goal({A: {1}}, epoch=6, m1={0}, m2={1})) == (4, UNREVOKED, {}, {A: {0}})


def test_nothing_is_given_of_a_topic_that_is_not_subscribed_to() -> None:
    current = progress(assigned={A: {0: 4}, B: {0: 4}})
    assert step(current, goal({A: {0}, B: {0, 1}}, topics=(A,))) == (4, UNREVOKED, {A: {0}}, {B: {0}})


def test_a_changed_subscription_adds_to_what_must_be_given_back() -> None:
    current = progress(UNREVOKED, assigned={A: {0: 2}, B: {0: 4}}, revoking={B: {1: 4}})
    assert step(current, goal({}, epoch=4, topics=(A,)), changed=True) == (4, UNREVOKED, {A: {0}}, {B: {0, 1}})


def test_a_changed_subscription_that_drops_nothing_changes_nothing() -> None:
    current = progress(epoch=5, assigned={A: {0: 2}})
    assert reconcile("m1", current, goal({A: {0}}), None, has_subscription_changed=True) is current


def test_the_epoch_before_is_remembered() -> None:
    assert reconcile("m1", progress(), goal({}), None, has_subscription_changed=False).previous_epoch == 4
