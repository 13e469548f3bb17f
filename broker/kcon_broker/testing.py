"""How does a test get a broker? In its own process, on a thread, in a few milliseconds.

    with InProcessBroker() as broker:
        Producer({"bootstrap.servers": broker.bootstrap})

Without a folder everything lives in memory, behind the same code that writes to disks; with `files` a test brings its
own, such as `MemoryFiles` with faults. Requests can be made to fail (`inject`), and with a `ManualClock` a day
passes when the test says so (`advance`). With pytest, `pytest_plugins = ["kcon_broker.testing"]` gives the fixtures
`kafka_broker`, a broker that lives as long as the test, and `kafka_bootstrap`, its address.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from kcon_broker.handlers.registry import load_handlers
from kcon_broker.server.clock import Clock, ManualClock
from kcon_broker.server.faults import Fault, FaultError, Injected
from kcon_broker.server.server import BrokerServer
from kcon_broker.settings import BrokerSettings
from kcon_broker.storage.files import Files
from kcon_broker.storage.memory_files import MemoryFiles, Step
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode

__all__ = ["ApiKey", "ErrorCode", "FaultError", "InProcessBroker", "Injected", "ManualClock", "MemoryFiles"]

# Hundreds of milliseconds, once: part of the import, so that no test waits for it.
load_handlers()

_Result = TypeVar("_Result")
_DEADLINE_S = 30.0


class _Memory(MemoryFiles):
    """Files in memory that remember their content and nothing of how it came."""

    def record(self, step: Step) -> None:
        """Forget the step."""


class InProcessBroker:
    """A broker on a thread of this process; a context manager."""

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        files: Files | None = None,
        settings: BrokerSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Prepare a broker in a folder, in given files, or in memory; `settings` may change everything else.

        The port is a free one unless the settings name one. With a `ManualClock` the test lets time pass (`advance`).
        """
        base = settings or BrokerSettings(data_dir=Path(), port=0)
        self.settings = replace(base, data_dir=data_dir or base.data_dir)
        self.bootstrap = ""
        """What clients connect to, once started."""
        self._clock = clock
        self._files = files if files is not None or data_dir is not None else _Memory()
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._server: BrokerServer
        self._is_killed = False
        self._thread = threading.Thread(target=self._run, name="kcon-broker", daemon=True)

    def __enter__(self) -> Self:
        """Start; on return clients are served."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop cleanly."""
        self.stop()

    def start(self) -> None:
        """Start; on return clients are served. Raises what the start raised (BrokerError)."""
        self._thread.start()
        if not self._ready.wait(_DEADLINE_S):
            raise TimeoutError(f"the broker was not ready within {_DEADLINE_S:.0f} s")
        if self._error is not None:
            self._thread.join(_DEADLINE_S)
            raise self._error

    def stop(self) -> None:
        """Stop cleanly, as SIGTERM does."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_DEADLINE_S)
        if self._error is not None:
            raise self._error

    def kill(self) -> None:
        """End without writing, syncing or closing anything more, as SIGKILL does."""
        self._is_killed = True
        self.stop()

    def call(self, function: Callable[[BrokerServer], _Result]) -> _Result:
        """Run a function of the server in the broker's thread, which owns all state; return its result."""

        async def run() -> _Result:
            return function(self._server)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_DEADLINE_S)

    def advance(self, duration_ms: int) -> None:
        """Let time pass at once: on return sessions have expired and retention has run, if they were due.

        Raises TypeError when the broker was not given a ManualClock.
        """
        if not isinstance(self._clock, ManualClock):
            raise TypeError("Only a broker with a ManualClock can be advanced: InProcessBroker(clock=ManualClock()).")
        asyncio.run_coroutine_threadsafe(self._clock.advance(duration_ms), self._loop).result(_DEADLINE_S)

    def inject(
        self,
        api_key: ApiKey,
        *,
        error: ErrorCode | None = None,
        delay_ms: int = 0,
        drop_connection: bool = False,
        times: int = 1,
        applied: bool = False,
    ) -> Injected:
        """Let the next `times` requests of an API fail, wait, or lose their connection; the result counts them.

        A request that fails is not carried out unless `applied`. Raises FaultError for what cannot be meant.
        """
        fault = Fault(
            api_key=api_key,
            error=error,
            delay_ms=delay_ms,
            drop_connection=drop_connection,
            times=times,
            is_applied=applied,
        )
        return self.call(lambda server: server.dispatcher.faults.add(fault))

    def clear_faults(self) -> int:
        """Forget what was injected and not met yet; return how many faults that were."""
        return self.call(lambda server: server.dispatcher.faults.clear())

    @property
    def control_url(self) -> str:
        """Where faults can be injected by HTTP; "" unless `BrokerSettings.control` names an address."""
        control = self.call(lambda server: server.control)
        return "" if control is None else control.url

    @property
    def metrics_url(self) -> str:
        """Where its metrics are served; "" unless `BrokerSettings.metrics` names an address."""
        metrics = self.call(lambda server: server.metrics)
        return "" if metrics is None else metrics.url

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:  # noqa: BLE001  # Handed to the thread that waits.
            self._error = error
        finally:
            self._ready.set()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._server = BrokerServer(self.settings, files=self._files, clock=self._clock)
        await self._server.start()
        host, port = self._server.address
        self.bootstrap = f"{host}:{port}"
        self._ready.set()
        await self._stop.wait()
        if self._is_killed:
            await self._server.abandon()
        else:
            await self._server.stop()


try:
    import pytest
except ImportError:
    pass
else:

    @pytest.fixture
    def kafka_broker() -> Iterator[InProcessBroker]:
        """Give a broker in memory that lives as long as the test."""
        with InProcessBroker() as broker:
            yield broker

    @pytest.fixture
    def kafka_bootstrap(kafka_broker: InProcessBroker) -> str:
        """Give the address of a broker in memory that lives as long as the test."""
        return kafka_broker.bootstrap
