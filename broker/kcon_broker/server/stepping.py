"""How is long work on files (`storage/steps`) done on the loop without holding up anybody?

Between two pauses it holds the loop for at most `SLICE_S`, then it rests as long as it worked; what blocks runs in a
thread.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from kcon_broker.storage.steps import Steps, Work

SLICE_S = 0.004
_Result = TypeVar("_Result")


async def drive(steps: Steps[_Result]) -> _Result:
    """Run a generator of steps in slices on the loop, and what blocks in a thread."""
    result: object = None
    began_s = time.monotonic()
    try:
        while True:
            work = steps.send(result)
            result = None
            while work is not None:
                try:
                    result = await _in_thread(work)
                except OSError as error:
                    work = steps.throw(error)
                    continue
                break
            held_s = time.monotonic() - began_s
            if held_s > SLICE_S or result is not None:
                await asyncio.sleep(held_s)
                began_s = time.monotonic()
    except StopIteration as stop:
        final: _Result = stop.value
        return final
    finally:
        steps.close()


async def _in_thread(work: Work) -> object:
    """Run what blocks; when cancelled, end only after it has: it uses a file."""
    running = asyncio.get_running_loop().run_in_executor(None, _caught(work))
    try:
        result = await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
    if isinstance(result, OSError):
        raise result
    return result


def _caught(work: Work) -> Callable[[], object]:
    def call() -> object:
        try:
            return work()
        except OSError as error:
            # Returned, so that a cancelled wait leaves no exception that nobody looks at.
            return error

    return call
