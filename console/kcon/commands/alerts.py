"""`kcon alerts`: which rules are there, and in what form are they wanted?"""

from typing import ClassVar

import click

from kcon.commands.options import output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf

FORMATS = ("prometheus",)


class AlertsList(Request):
    """List the alert rules."""

    command: ClassVar[str] = "alerts list"


class AlertsExport(Request):
    """Print the alert rules as a file for another program."""

    command: ClassVar[str] = "alerts export"
    format: str = FORMATS[0]


COMMAND = Noun("alerts", "Alert rules: list them, export them for Prometheus.")


@leaf("list", parent=COMMAND, options=output_options())
def alerts_list(*, shared: Shared) -> Request:
    """List the alert rules: what they want, for how long, and how grave it is.

    Example: kcon alerts list

    Example: kcon alerts list -o name
    """
    return AlertsList(shared=shared)


@leaf("export", parent=COMMAND, options=())
@click.option("--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], help="Whose file; prometheus.")
def alerts_export(*, shared: Shared, form: str) -> Request:
    """Print the alert rules as a rule file of Prometheus that scrapes `kcon metrics`.

    Example: kcon alerts export > kcon.rules.yml

    Example: kcon alerts export --format prometheus | promtool check rules
    """
    return AlertsExport(shared=shared, format=form)
