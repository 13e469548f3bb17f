"""`kcon get`: which single records, shown how?"""

from typing import Any, ClassVar

import click

from kcon.commands.consume import RecordFormat, format_options, record_format, shared_record_options
from kcon.commands.options import takes
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf


class Get(Request):
    """Show records by their address."""

    command: ClassVar[str] = "get"
    addresses: tuple[str, ...]
    format: RecordFormat | None = None
    """None: a description on a terminal, else the exact value."""


def _takes_format(function: Any) -> Any:
    return takes(function, format_options()[:-1])


@leaf("get", options=shared_record_options())
@click.argument("addresses", metavar="TOPIC/PARTITION/OFFSET...", nargs=-1, required=True)
@_takes_format
def get(*, shared: Shared, addresses: tuple[str, ...], **values: Any) -> Request:
    """Show records by their address.

    On a terminal everything about them; piped, the exact value. A record of an open or an aborted transaction is
    shown too.

    Example: kcon get orders/3/48211

    Example: kcon get orders/3/48211 -J | jq .headers
    """
    chosen = any(values[name] for name in ("template", "as_json", "output_format", "key_separator", "raw", "decoders"))
    return Get(shared=shared, addresses=addresses, format=record_format(values) if chosen else None)


COMMAND = get
