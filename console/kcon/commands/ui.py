"""`kcon ui`, and `kcon` alone on a terminal: open the console."""

from typing import ClassVar

import click

from kcon.commands.options import connection_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf


class Ui(Request):
    """Open the console."""

    command: ClassVar[str] = "ui"
    address: str | None = None
    plain: bool = False
    """One view after the other as text, without boxes and movement."""
    bare: bool = False
    """It was `kcon` without a command: without a terminal that is a question for help."""


@leaf("ui", options=connection_options())
@click.argument("address", metavar="[SCREEN|ADDRESS]", required=False)
@click.option("--plain", is_flag=True, help="Views as plain text, one after the other: for screen readers.")
def ui(*, shared: Shared, address: str | None, plain: bool) -> Request:
    """Open the terminal console, at a screen or an address.

    Screens: overview, topics, groups, brokers, acls, quotas, users, transactions, reassignments, quorum. Addresses:
    topic/NAME, NAME/PARTITION/OFFSET, group/NAME, broker/ID.

    Example: kcon ui

    Example: kcon ui group/billing
    """
    return Ui(shared=shared, address=address, plain=plain)


COMMAND = ui
