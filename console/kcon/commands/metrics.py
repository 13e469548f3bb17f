"""`kcon metrics`: which metrics, served where or printed once?"""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import click

from kcon.commands.options import Duration, Property, connection_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf

PROFILES = ("exporter", "lag", "kcon")
MISSING = ("omit", "-1", "nan")
BOARDS = ("kcon", "lag", "exporter", "broker")
LISTEN = "127.0.0.1:9308"


class Metrics(Request):
    """Serve or print metrics."""

    command: ClassVar[str] = "metrics"
    host: str
    port: int
    profiles: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    missing_commit: str
    interval_ms: int
    once: bool = False
    openmetrics: bool = False


class MetricsDashboards(Request):
    """Print or write dashboards. At least one of the two is set."""

    command: ClassVar[str] = "metrics dashboards"
    board: str | None = None
    into: str | None = None


class Listen(click.ParamType[tuple[str, int]]):
    """`HOST:PORT` or `:PORT`, which is all addresses."""

    name = "listen"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Return host and port; fail with a usage error."""
        if isinstance(value, tuple):
            return value
        host, separator, port = str(value).rpartition(":")
        if not separator or not port.isdecimal() or int(port) > 65_535:
            self.fail(f"{value!r} is no address; write HOST:PORT or :PORT.", param, ctx)
        return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - what `:PORT` means to everyone.


_F = TypeVar("_F", bound=Callable[..., Any])


def metrics_options(function: _F) -> _F:
    """Add the options of those who serve metrics."""
    options = (
        click.option("--listen", type=Listen(), default=LISTEN, metavar="HOST:PORT", help=f"Where to serve; {LISTEN}."),
        click.option(
            "--profile",
            "profile",
            default=",".join(PROFILES),
            metavar="NAMES",
            help="Of exporter, lag and kcon; all of them.",
        ),
        click.option("--label", "labels", type=Property(), multiple=True, metavar="KEY=VALUE", help="On every series."),
        click.option(
            "--missing-commit",
            type=click.Choice(MISSING),
            default="omit",
            help="What stands for a commit that is not there; no series by default.",
        ),
        click.option(
            "--interval", "interval_ms", type=Duration(), default="30s", metavar="DURATION", help="Between looks; 30s."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def metrics_request(
    *,
    shared: Shared,
    listen: tuple[str, int],
    profile: str,
    labels: tuple[tuple[str, str], ...],
    missing_commit: str,
    interval_ms: int,
) -> dict[str, Any]:
    """Return the values of a request to serve metrics. UsageError for a profile that there is not."""
    profiles = tuple(name.strip() for name in profile.split(",") if name.strip())
    unknown = [name for name in profiles if name not in PROFILES]
    if unknown or not profiles:
        raise click.UsageError(
            f"There is no profile {', '.join(unknown) or '(none)'}; there are {', '.join(PROFILES)}."
        )
    return {
        "shared": shared,
        "host": listen[0],
        "port": listen[1],
        "profiles": profiles,
        "labels": labels,
        "missing_commit": missing_commit,
        "interval_ms": interval_ms,
    }


@leaf("metrics", options=connection_options())
@click.argument("what", required=False, type=click.Choice(["dashboards"]), metavar="[dashboards]")
@metrics_options
@click.option("--once", is_flag=True, help="Print the metrics of one look and end.")
@click.option("--openmetrics", is_flag=True, help="With --once: in OpenMetrics, not in Prometheus's own format.")
@click.option("--board", type=click.Choice(BOARDS), help="With dashboards: print this one.")
@click.option("--into", metavar="FOLDER", help="With dashboards: write them all to files there.")
def metrics(
    *,
    shared: Shared,
    what: str | None,
    listen: tuple[str, int],
    once: bool,
    openmetrics: bool,
    profile: str,
    labels: tuple[tuple[str, str], ...],
    missing_commit: str,
    interval_ms: int,
    board: str | None,
    into: str | None,
) -> Request:
    """Serve metrics of topics, groups and lag for Prometheus; print dashboards.

    The names are those of kafka_exporter and of the lag exporters, so their dashboards work; kcon's own tell how good
    a time lag is and what is wrong with a group. A scrape reads memory and never asks the cluster. docs/metrics.md
    lists them all.

    Example: kcon metrics --listen :9308

    Example: kcon metrics --once --profile lag | grep max_lag_seconds

    Example: kcon metrics dashboards --into ./dashboards
    """
    if what is not None:
        if board is None and into is None:
            raise click.UsageError(f"Give --into FOLDER, or --board with one of {', '.join(BOARDS)}.")
        return MetricsDashboards(shared=shared, board=board, into=into)
    if board is not None or into is not None:
        raise click.UsageError("--board and --into are for `kcon metrics dashboards`.")
    values = metrics_request(
        shared=shared,
        listen=listen,
        profile=profile,
        labels=labels,
        missing_commit=missing_commit,
        interval_ms=interval_ms,
    )
    return Metrics(**values, once=once, openmetrics=openmetrics)


COMMAND = metrics
