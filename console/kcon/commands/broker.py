"""`kcon broker`: which brokers are there, how are they configured, what lies on their disks?"""

from typing import Any, ClassVar

import click

from kcon.commands.options import (
    confirmation,
    connection_options,
    edits_or_filter,
    output_options,
    past_options,
    takes_config_edits,
    takes_confirmation,
)
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.resource_config import add_broker_loggers
from kcon.commands.tree import Noun, leaf
from kcon.errors import UsageError


class BrokerList(Request):
    """List brokers."""

    command: ClassVar[str] = "broker list"


class BrokerDescribe(Request):
    """Describe brokers."""

    command: ClassVar[str] = "broker describe"
    ids: tuple[int, ...]


class BrokerConfig(Request):
    """Show or change the settings of brokers."""

    command: ClassVar[str] = "broker config"
    ids: tuple[int, ...]
    """Empty: the default of all brokers."""
    every: bool = False
    edits: tuple[tuple[str, str, str | None], ...] = ()
    confirmation: Confirmation = Confirmation()


class BrokerLogDirs(Request):
    """Show the log dirs of brokers."""

    command: ClassVar[str] = "broker logdirs"
    ids: tuple[int, ...] = ()
    topics: tuple[str, ...] = ()
    replicas: bool = False


COMMAND = Noun("broker", "Brokers: list, settings and disks.", {"log-dirs": "logdirs", "configs": "config"})

_LISTING = [*output_options(watch=True), *connection_options()]
_ANSWER = [*output_options(), *connection_options()]


def broker_ids(words: tuple[str, ...]) -> tuple[int, ...]:
    """Read broker ids, each once. UsageError for what is none."""
    for word in words:
        if not word.isdecimal():
            raise UsageError(f"{word!r} is not a broker id.", "`kcon broker list` shows the ids.")
    return tuple(dict.fromkeys(int(word) for word in words))


@leaf("list", parent=COMMAND, options=[*past_options(), *_LISTING])
def broker_list(*, shared: Shared) -> Request:
    """List brokers: address, rack, and how many partitions they lead and hold.

    Example: kcon broker list
    """
    return BrokerList(shared=shared)


@leaf("describe", parent=COMMAND, options=[*past_options(), *_ANSWER])
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
def broker_describe(*, shared: Shared, ids: tuple[str, ...]) -> Request:
    """Describe brokers: address, settings that somebody set, and log dirs.

    Example: kcon broker describe 1

    Example: kcon broker describe 1 --at @-1h
    """
    return BrokerDescribe(shared=shared, ids=broker_ids(ids))


@leaf("config", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Show defaults too, not only what somebody set.")
@takes_config_edits
@takes_confirmation
def broker_config(
    *,
    shared: Shared,
    ids: tuple[str, ...],
    every: bool,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
    **edits: Any,
) -> Request:
    """Show the settings of brokers, or change them. Without an id: the dynamic default of all brokers.

    Example: kcon broker config 1 --set log.cleaner.threads=2
    """
    return BrokerConfig(
        shared=shared,
        ids=broker_ids(ids),
        every=every,
        edits=edits_or_filter(edits, shared),
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("logdirs", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("-t", "--topic", "topics", multiple=True, metavar="TOPIC", help="Only this topic; repeatable, a glob.")
@click.option("--replicas", is_flag=True, help="One line for each replica.")
def broker_logdirs(*, shared: Shared, ids: tuple[str, ...], topics: tuple[str, ...], replicas: bool) -> Request:
    """Show the log dirs of brokers, all or these: size, space left, and whether one is offline.

    Example: kcon broker logdirs

    Example: kcon broker logdirs 1 --replicas --sort -size_bytes
    """
    return BrokerLogDirs(shared=shared, ids=broker_ids(ids), topics=topics, replicas=replicas)


add_broker_loggers(COMMAND)
