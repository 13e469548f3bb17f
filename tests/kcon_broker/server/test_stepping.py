"""Long work on files leaves the loop to others between two slices."""

import asyncio

from kcon_broker.server.stepping import drive
from kcon_broker.storage.steps import Steps


def test_the_loop_is_free_while_steps_work_and_read() -> None:
    """Others get their turn between two slices."""

    def steps() -> Steps[int]:
        for _ in range(200):
            sum(range(20_000))
            yield None
        read = yield lambda: b"content"
        assert read == b"content"
        try:
            yield _fail
        except OSError:
            return 7
        raise AssertionError

    async def live() -> tuple[int, int]:
        turns = 0
        driving = asyncio.get_running_loop().create_task(drive(steps()))
        while not driving.done():
            turns += 1
            await asyncio.sleep(0)
        return turns, await driving

    turns, result = asyncio.run(live())
    assert turns > 5
    assert result == 7


def _fail() -> object:
    raise OSError(5, "the disk")
