"""The loop that rests: after work, in proportion, and only once there is something to disturb."""

import asyncio
from typing import Any

import pytest

from kcon.tui.pacing import REST_FACTOR, REST_MAX_S, PacedSelector, paced_loop


class Clock:
    """Thread time and sleep, by hand."""

    def __init__(self) -> None:
        self.busy_s = 0.0
        self.slept_s: list[float] = []

    def thread_time(self) -> float:
        return self.busy_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that the selector uses."""
    clock = Clock()
    monkeypatch.setattr("kcon.tui.pacing.time", clock)
    return clock


@pytest.mark.parametrize(
    ("busy_s", "slept_s"), [(0.010, [0.010 * REST_FACTOR]), (0.0001, []), (1.0, [REST_MAX_S]), (0.0, [])]
)
def test_it_rests_for_a_multiple_of_its_work(clock: Any, busy_s: float, slept_s: list[float]) -> None:
    selector = PacedSelector()
    selector.is_paced = True
    clock.busy_s += busy_s
    selector.select(0)
    assert clock.slept_s == pytest.approx(slept_s)
    selector.close()


def test_it_does_not_rest_before_it_is_told(clock: Any) -> None:
    selector = PacedSelector()
    clock.busy_s += 1.0
    selector.select(0)
    assert clock.slept_s == []
    selector.close()


def test_a_loop_on_it_works() -> None:
    selector = PacedSelector()
    selector.is_paced = True

    async def main() -> int:
        await asyncio.sleep(0)
        return sum(range(10))

    with asyncio.Runner(loop_factory=lambda: paced_loop(selector)) as runner:
        assert runner.run(main()) == 45
