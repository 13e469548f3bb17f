"""The clock step of `kcon context test`: what a cluster tells about its time, and when a difference is a failure."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kcon.contexts.context import Context
from kcon.core.broker_facts import Quorum, QuorumReplica
from kcon.errors import KconError
from kcon.services.context_check import SKEW_MS_MAX, Step, _check_clock, check_context
from kcon.services.session import open_session

NOW_MS = 1_795_487_700_000


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.mark.parametrize("off_ms", [0, 3_600_000, -3_600_000])
def test_a_cluster_tells_its_time(cluster: Any, tmp_path: Path, off_ms: int) -> None:
    context = Context(name="test", bootstrap=(cluster.bootstrap,))

    async def main() -> list[Step]:
        async with open_session(context, {"KCON_STATE_DIR": str(tmp_path)}, lambda: wall_ms() + off_ms) as session:
            return await check_context(session)

    (clock,) = [step for step in asyncio.run(main()) if step.name == "clock"]
    if off_ms == 0:
        assert clock.error is None
        assert "its clock is" in clock.detail
    else:
        assert clock.error is not None
        assert f"3,600 s {'behind' if off_ms > 0 else 'ahead of'} this machine's" in clock.error.message


class Leader:
    """An admin client whose quorum has one voter."""

    def __init__(self, told: Callable[[], int | None]) -> None:
        self._told = told

    async def quorum(self) -> Quorum:
        voter = QuorumReplica(1, None, 0, None, self._told())
        return Quorum(leader_id=1, leader_epoch=1, high_watermark=0, voters=(voter,), observers=())


def checked(told: Callable[[], int | None], monkeypatch: pytest.MonkeyPatch) -> Step:
    monkeypatch.setattr("kcon.services.context_check.time.perf_counter", lambda: 1.0)  # An answer takes no time.
    leader: Any = Leader(told)
    return asyncio.run(_check_clock(leader, lambda: NOW_MS))


@pytest.mark.parametrize(
    ("skew_ms", "is_failure"), [(SKEW_MS_MAX - 1, False), (SKEW_MS_MAX, False), (SKEW_MS_MAX + 1, True)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_large_difference_is_a_failure(
    skew_ms: int, is_failure: bool, sign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = checked(lambda: NOW_MS + sign * skew_ms, monkeypatch)
    assert (step.error is not None) == is_failure
    assert ("ahead of" if sign > 0 else "behind") in step.detail


def test_a_cluster_that_does_not_tell_its_time_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise KconError("This cluster has no DescribeQuorum.")

    for told, words in ((lambda: None, "does not tell its time"), (refuse, "no DescribeQuorum")):
        step = checked(told, monkeypatch)
        assert step.error is None
        assert words in step.detail
