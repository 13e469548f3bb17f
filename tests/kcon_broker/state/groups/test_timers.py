"""Do timers come up at their last deadline, in order, and only once?"""

from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.state.groups.timers import TimerKey, TimerKind, Timers


def _key(name: str) -> TimerKey:
    return TimerKey(TimerKind.HEARTBEAT, "g", name)


def test_timers_are_due_in_order_of_their_deadlines() -> None:
    timers = Timers()
    timers.schedule(_key("late"), 30)
    timers.schedule(_key("early"), 10)
    assert timers.next_deadline_ms() == 10
    assert timers.pop_due(9) is None
    assert timers.pop_due(30) == _key("early")
    assert timers.pop_due(30) == _key("late")
    assert timers.next_deadline_ms() is None


def test_a_moved_timer_is_due_at_its_last_deadline_only() -> None:
    timers = Timers()
    for deadline_ms in (10, 50, 20):
        timers.schedule(_key("a"), deadline_ms)
    assert timers.pop_due(19) is None
    assert timers.pop_due(20) == _key("a")
    assert timers.pop_due(100) is None


def test_a_cancelled_timer_is_never_due() -> None:
    timers = Timers()
    timers.schedule(_key("a"), 10)
    timers.cancel(_key("a"))
    timers.cancel(_key("never set"))
    assert timers.next_deadline_ms() is None
    assert timers.pop_due(100) is None


def test_a_heartbeat_a_second_does_not_let_the_queue_grow() -> None:
    """Each heartbeat moves a deadline; memory must stay that of one timer."""
    timers = Timers()
    for now_ms in range(0, 1_000_000, 1_000):
        timers.schedule(_key("a"), now_ms + 10_000)
        assert timers.pop_due(now_ms) is None
    assert len(timers._queue) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 20)), st.integers(0, 4)), max_size=40
    )
)
def test_timers_agree_with_a_plain_table(steps: list[tuple[str, int | None, int]]) -> None:
    """None cancels; after each step time goes on and whatever is due must come up."""
    timers, model, now_ms = Timers(), dict[TimerKey, int](), 0
    for name, delay_ms, elapsed_ms in steps:
        if delay_ms is None:
            timers.cancel(_key(name))
            model.pop(_key(name), None)
        else:
            timers.schedule(_key(name), now_ms + delay_ms)
            model[_key(name)] = now_ms + delay_ms
        now_ms += elapsed_ms
        assert timers.next_deadline_ms() == min(model.values(), default=None)
        due = set()
        while (key := timers.pop_due(now_ms)) is not None:
            due.add(key)
        assert due == {key for key, deadline_ms in model.items() if deadline_ms <= now_ms}
        model = {key: deadline_ms for key, deadline_ms in model.items() if deadline_ms > now_ms}
