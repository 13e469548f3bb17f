"""`kcon cluster unregister|add-voter|remove-voter`: which nodes belong to a cluster."""

import base64
import binascii
from typing import Any, ClassVar

import click

from kcon.commands.options import confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf

_DIRECTORY_BYTES = 16


class ClusterUnregister(Request):
    """Forget a broker."""

    command: ClassVar[str] = "cluster unregister"
    broker: int
    confirmation: Confirmation = Confirmation()


class ClusterVoter(Request):
    """Let a controller vote, or take its vote away."""

    command: ClassVar[str] = "cluster add-voter"
    node: int
    directory_id: bytes | None
    """16 bytes; None: as the quorum tells it."""
    listeners: tuple[tuple[str, str, int], ...] = ()
    """Name, host and port; empty: the vote is taken away."""
    confirmation: Confirmation = Confirmation()


class _Listener(click.ParamType[tuple[str, str, int]]):
    name = "name=host:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str, int]:
        if isinstance(value, tuple):
            return value
        name, _equals, address = str(value).partition("=")
        host, _colon, port = address.rpartition(":")
        if not name or not host or not port.isdecimal() or not 0 < int(port) <= _PORT_MAX:
            self.fail(f"{value!r} is not NAME=HOST:PORT, e.g. CONTROLLER=b4:9093.", param, ctx)
        return name, host.removeprefix("[").removesuffix("]"), int(port)


_PORT_MAX = 65_535


class _DirectoryId(click.ParamType[bytes]):
    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            told = base64.b64decode(f"{value}==", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            told = b""
        if len(told) != _DIRECTORY_BYTES:
            self.fail(f"{value!r} is no directory id; `kcon cluster quorum -o wide` shows them.", param, ctx)
        return told


_ANSWER = [*output_options(), *connection_options()]
_DIRECTORY_HELP = "Of the controller's metadata folder; as the quorum tells it by default."


def add_member_commands(noun: Noun) -> None:
    """Hang the commands below `kcon cluster`."""

    @leaf("unregister", parent=noun, options=_ANSWER)
    @click.argument("broker", metavar="ID", type=click.IntRange(min=0))
    @takes_confirmation
    def unregister(*, shared: Shared, broker: int, dry_run: bool, yes: bool, confirm: str | None) -> Request:
        """Let the cluster forget a broker that is gone for good. Refused while it holds a replica.

        Example: kcon cluster unregister 4
        """
        return ClusterUnregister(shared=shared, broker=broker, confirmation=confirmation(dry_run, yes, confirm))

    @leaf("add-voter", parent=noun, options=_ANSWER)
    @click.argument("node", metavar="ID", type=click.IntRange(min=0))
    @click.option(
        "--listener",
        "listeners",
        type=_Listener(),
        multiple=True,
        required=True,
        metavar="NAME=HOST:PORT",
        help="Where the other voters reach it; repeatable.",
    )
    @click.option("--directory-id", type=_DirectoryId(), metavar="ID", help=_DIRECTORY_HELP)
    @takes_confirmation
    def add_voter(*, shared: Shared, node: int, **values: Any) -> Request:
        """Let a controller that follows the metadata quorum vote in it (KIP-853).

        Example: kcon cluster add-voter 4 --listener CONTROLLER=b4:9093
        """
        return ClusterVoter(
            shared=shared,
            node=node,
            directory_id=values["directory_id"],
            listeners=values["listeners"],
            confirmation=confirmation(values["dry_run"], values["yes"], values["confirm"]),
        )

    @leaf("remove-voter", parent=noun, options=_ANSWER)
    @click.argument("node", metavar="ID", type=click.IntRange(min=0))
    @click.option("--directory-id", type=_DirectoryId(), metavar="ID", help=_DIRECTORY_HELP)
    @takes_confirmation
    def remove_voter(*, shared: Shared, node: int, **values: Any) -> Request:
        """Take a controller's vote in the metadata quorum away (KIP-853), before it is stopped for good.

        Example: kcon cluster remove-voter 4
        """
        return ClusterVoter(
            shared=shared,
            node=node,
            directory_id=values["directory_id"],
            confirmation=confirmation(values["dry_run"], values["yes"], values["confirm"]),
        )
