"""`kcon alerts`: which rules are there, in what form are they wanted, what fires now, and do the sinks work?"""

from typing import ClassVar

import click

from kcon.commands.options import connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf

FORMATS = ("prometheus",)

config_option = click.option(
    "--config", "config", metavar="FILE", help="Rules and sinks; by default alerts.toml in kcon's configuration folder."
)


class AlertsList(Request):
    """List the alert rules."""

    command: ClassVar[str] = "alerts list"
    config: str | None = None


class AlertsExport(Request):
    """Print the alert rules as a file for another program."""

    command: ClassVar[str] = "alerts export"
    format: str = FORMATS[0]
    config: str | None = None


class AlertsStatus(Request):
    """Show what the daemon remembers."""

    command: ClassVar[str] = "alerts status"


class AlertsTest(Request):
    """Send a test alert through each sink."""

    command: ClassVar[str] = "alerts test"
    config: str | None = None
    sinks: tuple[str, ...] = ()


COMMAND = Noun("alerts", "Alerts: the rules, what fires now, a test of each sink, rules for Prometheus.")


@leaf("list", parent=COMMAND, options=output_options())
@config_option
def alerts_list(*, shared: Shared, config: str | None) -> Request:
    """List the alert rules: what they want, for how long, and how grave it is.

    Those that come with kcon as alerts.toml changes them, then the own ones.

    Example: kcon alerts list

    Example: kcon alerts list -o name
    """
    return AlertsList(shared=shared, config=config)


@leaf("export", parent=COMMAND, options=())
@click.option("--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], help="Whose file; prometheus.")
@config_option
def alerts_export(*, shared: Shared, form: str, config: str | None) -> Request:
    """Print the alert rules as a rule file of Prometheus that scrapes `kcon metrics`.

    Own rules are in CEL and stay with kcon; what alerts.toml says of the others is in the file.

    Example: kcon alerts export > kcon.rules.yml

    Example: kcon alerts export --format prometheus | promtool check rules
    """
    return AlertsExport(shared=shared, format=form, config=config)


@leaf("status", parent=COMMAND, options=[*connection_options(), *output_options()])
def alerts_status(*, shared: Shared) -> Request:
    """Show the alerts that fire or are about to, as the daemon on this machine last saw them.

    It reads the daemon's file and asks no cluster. What waits to be told is said on standard error.

    Example: kcon alerts status -C prod

    Example: kcon alerts status -C prod -o json | jq '.items[] | select(.state == "firing")'
    """
    return AlertsStatus(shared=shared)


@leaf("test", parent=COMMAND, options=output_options())
@click.argument("sinks", nargs=-1, metavar="[SINK]...")
@config_option
def alerts_test(*, shared: Shared, sinks: tuple[str, ...], config: str | None) -> Request:
    """Send a test alert through each sink, or those named, and say what came of it.

    Exit code 7 when one could not be told.

    Example: kcon alerts test

    Example: kcon alerts test chat pager
    """
    return AlertsTest(shared=shared, sinks=sinks, config=config)
