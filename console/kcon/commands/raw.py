"""`kcon raw`: one request of Kafka's protocol, written field by field."""

from typing import ClassVar

import click

from kcon.commands.options import confirmation, connection_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import leaf


class Raw(Request):
    """Send one request."""

    command: ClassVar[str] = "raw"
    api: str
    data: str
    version: int | None = None
    broker: int | None = None
    confirmation: Confirmation = Confirmation()


@leaf("raw", options=connection_options())
@click.argument("api", metavar="API")
@click.option("--data", default="{}", metavar="JSON", help="The fields of the request under Kafka's names; - is stdin.")
@click.option("--api-version", "version", type=click.IntRange(min=0), metavar="N", help="Else the highest there is.")
@click.option("--broker", type=click.IntRange(min=0), metavar="ID", help="Send it to this broker; else to any.")
@takes_confirmation
def raw(
    *,
    shared: Shared,
    api: str,
    data: str,
    version: int | None,
    broker: int | None,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Send one request of Kafka's protocol and print the answer as JSON.

    What is not known to change nothing is treated as a change: it wants --execute.

    Example: kcon raw Metadata --data '{"topics": null, "allowAutoTopicCreation": false}'
    """
    return Raw(
        shared=shared,
        api=api,
        data=data,
        version=version,
        broker=broker,
        confirmation=confirmation(dry_run, yes, confirm),
    )


COMMAND = raw
