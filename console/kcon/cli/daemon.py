"""`kcon daemon`: runs until SIGTERM or ctrl-C, and ends with 0 then."""

import asyncio
from contextlib import AsyncExitStack

from kcon.cli.alerts import read_config
from kcon.cli.invocation import Invocation
from kcon.cli.metrics import options_of
from kcon.commands.daemon import Daemon
from kcon.commands.request import Request
from kcon.core.units import format_duration
from kcon.errors import ExitCode
from kcon.observe.scrape_server import ScrapeServer
from kcon.services.daemon import Daemon as DaemonOfCluster


async def run_daemon(request: Request, invocation: Invocation) -> int:
    """Watch one cluster."""
    assert isinstance(request, Daemon)
    invocation.follows = True
    config = await asyncio.to_thread(read_config, request.config, invocation)
    environment = invocation.environment
    note = invocation.diagnostics.note
    try:
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(invocation.open_session())
            daemon = DaemonOfCluster(
                session,
                config,
                options_of(request),
                note,
                terminal=environment.stderr if environment.stderr_is_terminal else None,
                variables=environment.variables,
            )
            await stack.enter_async_context(daemon)
            if request.serves:
                server = ScrapeServer(daemon.metrics.text)
                host, port = await server.start(request.host, request.port)
                stack.push_async_callback(server.close)
                note(f"Metrics are served on http://{host}:{port}/metrics.")
            sinks = ", ".join(sink.name for sink in config.sinks)
            note(
                f"{len(config.policies)} alert rules are on; told are {sinks or 'no sinks: docs/alerts.md shows how'}."
            )
            if config.probe is not None:
                every = format_duration(config.probe.every_ms)
                note(f"{config.probe.count} records go through {config.probe.topic} every {every}.")
            await daemon.run()
    except asyncio.CancelledError:
        # SIGTERM is the proper end of a daemon, as ctrl-C is: everything above was closed.
        note("Stopped.")
    return ExitCode.OK
