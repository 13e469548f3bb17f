"""`kcon metrics`: prints one scrape, or serves scrapes until ctrl-C."""

import re
from pathlib import Path
from typing import Final

from kcon.cli.invocation import Invocation
from kcon.commands.metrics import BOARDS, Metrics, MetricsDashboards
from kcon.commands.request import Request
from kcon.core.wire_text import display_safe
from kcon.errors import ExitCode, UsageError
from kcon.observe.exposition import Format
from kcon.observe.metric_families import MissingCommit, Profile
from kcon.observe.scrape_server import ScrapeServer
from kcon.services.metrics import Metrics as MetricsOfCluster
from kcon.services.metrics import MetricsOptions

_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


def options_of(request: Metrics) -> MetricsOptions:
    """Return what a request wants to be told. UsageError for a label that can have no such name."""
    for name, _value in request.labels:
        if not _LABEL_NAME.match(name):
            raise UsageError(f"{display_safe(name)} is no label name.", "It has letters, digits and underscores.")
    return MetricsOptions(
        profiles=frozenset(Profile(name) for name in request.profiles),
        missing_commit=MissingCommit(request.missing_commit),
        static_labels=request.labels,
        interval_ms=request.interval_ms,
        records=not request.once,
    )


async def run_metrics(request: Request, invocation: Invocation) -> int:
    """Print or serve."""
    if isinstance(request, MetricsDashboards):
        return _dashboards(request, invocation)
    assert isinstance(request, Metrics)
    options = options_of(request)
    async with invocation.open_session() as session:
        metrics = MetricsOfCluster(session, options)
        if request.once:
            async with invocation.deadline():
                await metrics.look()
            text = metrics.text(Format.OPENMETRICS if request.openmetrics else Format.PROMETHEUS)
            if invocation.writer.is_terminal:
                invocation.writer.text(display_safe(text.decode(), multiline=True))
            else:
                invocation.writer.bytes(text)
            invocation.writer.flush()
            return ExitCode.OK
        return await _serve(request, invocation, metrics)


async def _serve(request: Metrics, invocation: Invocation, metrics: MetricsOfCluster) -> int:
    invocation.follows = True
    server = ScrapeServer(metrics.text)
    host, port = await server.start(request.host, request.port)
    invocation.diagnostics.note(f"Metrics are served on http://{host}:{port}/metrics; ctrl-C ends it.")
    try:
        await metrics.run(invocation.diagnostics.note)
    finally:
        await server.close()
        await metrics.close()
    return ExitCode.OK


def _dashboards(request: MetricsDashboards, invocation: Invocation) -> int:
    from kcon.services.dashboards import dashboard_text

    if request.board is not None:
        invocation.writer.bytes(dashboard_text(request.board).encode())
        invocation.writer.flush()
    if request.into is not None:
        folder = Path(request.into).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        for board in BOARDS:
            path = folder / f"kafka-{board}.json"
            path.write_text(dashboard_text(board))
            invocation.diagnostics.note(f"Wrote {display_safe(str(path))}.")
    return ExitCode.OK
