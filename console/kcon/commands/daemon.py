"""`kcon daemon`: which cluster is watched, how often, and where are its metrics served?"""

from typing import ClassVar

import click

from kcon.commands.alerts import config_option
from kcon.commands.metrics import Metrics, metrics_options, metrics_request
from kcon.commands.options import connection_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf


class Daemon(Metrics):
    """Watch a cluster until told to stop."""

    command: ClassVar[str] = "daemon"
    config: str | None = None
    serves: bool = True


@leaf("daemon", options=connection_options())
@metrics_options
@click.option("--no-listen", is_flag=True, help="Serve no metrics.")
@config_option
def daemon(
    *,
    shared: Shared,
    listen: tuple[str, int],
    no_listen: bool,
    profile: str,
    labels: tuple[tuple[str, str], ...],
    missing_commit: str,
    interval_ms: int,
    config: str | None,
) -> Request:
    """Watch a cluster without a terminal: serve metrics, send alerts.

    One process samples it, serves metrics for Prometheus, and tells sinks of alerts. It outlives the cluster, keeps
    alerts and what was not told yet through a crash, and ends on SIGTERM or ctrl-C. How to write rules and sinks, and
    a unit for systemd, are in docs/alerts.md.

    Example: kcon daemon -C prod

    Example: kcon daemon -C prod --interval 10s --no-listen --config ./alerts.toml
    """
    values = metrics_request(
        shared=shared,
        listen=listen,
        profile=profile,
        labels=labels,
        missing_commit=missing_commit,
        interval_ms=interval_ms,
    )
    return Daemon(**values, config=config, serves=not no_listen)


COMMAND = daemon
