"""How does a broker process live: start, signals, clean stop?"""

import asyncio
import signal
import sys
from collections.abc import Callable
from dataclasses import replace

from kcon_broker.errors import BrokerError
from kcon_broker.server.memory import keep_freed_buffers
from kcon_broker.server.server import BrokerServer
from kcon_broker.settings import BrokerSettings

OnReady = Callable[[BrokerSettings, str, int, str], None]


def serve(settings: BrokerSettings, *, on_ready: OnReady) -> None:
    """Run a broker until SIGTERM or SIGINT; raises BrokerError when it cannot run."""
    keep_freed_buffers()
    asyncio.run(_serve(settings, on_ready))


async def _serve(settings: BrokerSettings, on_ready: OnReady) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = BrokerServer(settings)
    has_defect = False

    def end_for_defect() -> None:
        nonlocal has_defect
        has_defect = True
        stop.set()

    server.on_defect = end_for_defect
    await server.start()
    try:
        control = None if server.control is None else server.control.address
        metrics = None if server.metrics is None else server.metrics.address
        on_ready(replace(settings, control=control, metrics=metrics), *server.address, server.broker.cluster_id)
        sys.stdout.flush()
        await server.warm_up()
        await stop.wait()
    finally:
        await server.stop()
    if has_defect:
        raise BrokerError("The broker met a defect and ended; its log says more.")
