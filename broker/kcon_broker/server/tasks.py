"""How does the broker start a task that nobody awaits, without losing it or its failure?"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_logger = logging.getLogger("kcon_broker")
_running: set[asyncio.Task[None]] = set()


def spawn(work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
    """Start `work` as a task; it is referenced until it ends, and a failure is logged."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[None]) -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        _logger.error("task %s failed", task.get_name(), exc_info=error)
