"""Do the assignors give every partition to exactly one subscriber, evenly and with few moves?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.state.groups.assignors import ASSIGNORS, AssignedMember, Targets, assign_range, assign_uniform

A, B, C = b"A" * 16, b"B" * 16, b"C" * 16


def member(*topics: bytes, instance: str | None = None, target: dict[bytes, set[int]] | None = None) -> AssignedMember:
    return AssignedMember(
        instance_id=instance,
        topic_ids=frozenset(topics),
        target={topic: frozenset(partitions) for topic, partitions in (target or {}).items()},
    )


def sizes(targets: Targets) -> dict[str, int]:
    return {member_id: sum(map(len, target.values())) for member_id, target in targets.items()}


def test_range_gives_the_same_numbers_of_equal_topics_to_the_same_member() -> None:
    members = {name: member(A, B) for name in ("m2", "m1", "m3")}
    assert assign_range(members, {A: 7, B: 7}) == {
        "m1": {A: {0, 1, 2}, B: {0, 1, 2}},
        "m2": {A: {3, 4}, B: {3, 4}},
        "m3": {A: {5, 6}, B: {5, 6}},
    }


def test_range_puts_static_members_first_by_instance() -> None:
    """A static member that comes back with another id keeps its range."""
    members = {"a": member(A), "z": member(A, instance="1"), "y": member(A, instance="2")}
    assert assign_range(members, {A: 3}) == {"z": {A: {0}}, "y": {A: {1}}, "a": {A: {2}}}


def test_range_gives_only_what_a_member_subscribes_to() -> None:
    members = {"m1": member(A), "m2": member(A, B), "m3": member()}
    assert assign_range(members, {A: 1, B: 2}) == {"m1": {A: {0}}, "m2": {B: {0, 1}}, "m3": {}}


def test_uniform_shares_evenly_and_keeps_what_is_there() -> None:
    members = {"old": member(A, target={A: {0, 1, 2, 3, 4}}), "new": member(A)}
    assert assign_uniform(members, {A: 5}) == {"old": {A: {0, 1, 2}}, "new": {A: {3, 4}}}


def test_uniform_takes_back_what_is_gone() -> None:
    members = {"m": member(A, target={A: {0, 1, 9}, B: {0}})}
    assert assign_uniform(members, {A: 3}) == {"m": {A: {0, 1, 2}}}


def test_uniform_moves_nothing_when_the_odd_one_is_already_placed() -> None:
    members = {"m1": member(A, target={A: {0}}), "m2": member(A, target={A: {1, 2}})}
    assert assign_uniform(members, {A: 3}) == {"m1": {A: {0}}, "m2": {A: {1, 2}}}


def test_uniform_balances_members_with_different_topics() -> None:
    members = {"m1": member(A, target={A: {0, 1, 2, 3}}), "m2": member(A), "m3": member(B, C)}
    targets = assign_uniform(members, {A: 4, B: 1, C: 1})
    assert targets == {"m1": {A: {2, 3}}, "m2": {A: {0, 1}}, "m3": {B: {0}, C: {0}}}


@pytest.mark.parametrize("name", ASSIGNORS)
def test_no_members_no_targets(name: str) -> None:
    assert ASSIGNORS[name]({}, {A: 3}) == {}


_TOPICS = st.dictionaries(st.sampled_from([A, B, C, b"D" * 16]), st.integers(1, 12), max_size=4)


@st.composite
def groups(draw: st.DrawFn) -> tuple[dict[str, AssignedMember], dict[bytes, int]]:
    counts = draw(_TOPICS)
    topics = sorted(counts)
    members: dict[str, AssignedMember] = {}
    for index in range(draw(st.integers(1, 6))):
        subscribed = draw(st.sets(st.sampled_from(topics))) if topics else set()
        target = draw(
            st.dictionaries(st.sampled_from([A, B, C, b"E" * 16]), st.sets(st.integers(0, 14), min_size=1), max_size=3)
        )
        instance = draw(st.none() | st.just(f"i{index}"))
        members[f"m{index}"] = member(*subscribed, instance=instance, target=target)
    return members, counts


@pytest.mark.parametrize("name", ASSIGNORS)
@given(group=groups())
def test_each_partition_has_one_owner_who_subscribes(
    name: str, group: tuple[dict[str, AssignedMember], dict[bytes, int]]
) -> None:
    """Whatever the targets before said, even twice the same."""
    members, counts = group
    targets = ASSIGNORS[name](members, counts)
    given_out = [
        (topic, partition)
        for member_id, target in targets.items()
        for topic, partitions in target.items()
        for partition in partitions
        if topic in members[member_id].topic_ids
    ]
    subscribed = set().union(*(known.topic_ids for known in members.values()))
    assert sorted(given_out) == [(topic, index) for topic in sorted(subscribed) for index in range(counts[topic])]
    assert sum(sizes(targets).values()) == len(given_out)
    assert set(targets) == set(members)
    assert all(partitions for target in targets.values() for partitions in target.values())


@given(group=groups())
def test_uniform_leaves_no_move_that_would_even_out(group: tuple[dict[str, AssignedMember], dict[bytes, int]]) -> None:
    members, counts = group
    targets = assign_uniform(members, counts)
    size_of = sizes(targets)
    for owner, target in targets.items():
        for topic in target:
            for other in members:
                if topic in members[other].topic_ids:
                    assert size_of[owner] <= size_of[other] + 1


@given(group=groups())
def test_uniform_is_stable(group: tuple[dict[str, AssignedMember], dict[bytes, int]]) -> None:
    """Nothing moves when nothing has changed."""
    members, counts = group
    targets = assign_uniform(members, counts)
    again = {
        name: member(*known.topic_ids, target={topic: set(has) for topic, has in targets[name].items()})
        for name, known in members.items()
    }
    assert assign_uniform(again, counts) == targets
