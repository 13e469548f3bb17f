"""How is a cluster asked from code without an event loop? `BlockingAdmin`: the same client, one call at a time.

with BlockingAdmin.connect(AdminSettings(bootstrap=("localhost:9092",))) as admin:
    topics = admin.call(lambda it: it.topics())
    ends = admin.call(lambda it: it.list_offsets(partitions, LATEST))
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeVar

from kcon.admin.client import Admin
from kcon.admin.settings import AdminSettings

_Value = TypeVar("_Value")


class BlockingAdmin:
    """One cluster, for one thread that runs no event loop. Use it as a context manager or with `close()`."""

    def __init__(self, runner: asyncio.Runner, admin: Admin) -> None:
        self._runner = runner
        self._admin = admin

    @classmethod
    def connect(cls, settings: AdminSettings) -> "BlockingAdmin":
        """Connect to the first bootstrap address that answers. UnreachableError says why none does.

        RuntimeError: this thread runs an event loop; use `Admin` there.
        """
        if _runs_a_loop():
            raise RuntimeError("BlockingAdmin is for threads without an event loop; use Admin here.")
        runner = asyncio.Runner()
        try:
            return cls(runner, runner.run(Admin.connect(settings)))
        except BaseException:
            runner.close()
            raise

    def call(self, question: Callable[[Admin], Awaitable[_Value]]) -> _Value:
        """Put one question and return its answer; several at once with `asyncio.gather` inside of it.

        Ctrl-C ends the question. KconError is what the question raises.
        """

        async def ask() -> _Value:
            return await question(self._admin)

        return self._runner.run(ask())

    def close(self) -> None:
        """Close every connection."""
        self._runner.run(self._admin.close())
        self._runner.close()

    def __enter__(self) -> "BlockingAdmin":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _runs_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
