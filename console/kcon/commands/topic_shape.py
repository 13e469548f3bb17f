"""`kcon topic apply` and `kcon topic clone`: what shape shall topics have?"""

from typing import ClassVar

import click

from kcon.commands.options import (
    Property,
    confirmation,
    connection_options,
    output_options,
    takes_confirmation,
)
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.topic import COMMAND
from kcon.commands.tree import leaf


class TopicApply(Request):
    """Make topics as a file says."""

    command: ClassVar[str] = "topic apply"
    path: str
    diff: bool = False
    resets: bool = False
    delete: str | None = None
    confirmation: Confirmation = Confirmation()


class TopicClone(Request):
    """Make topics of the shape of another one."""

    command: ClassVar[str] = "topic clone"
    source: str
    names: tuple[str, ...]
    partition_count: int | None = None
    replication_factor: int | None = None
    configs: tuple[tuple[str, str], ...] = ()
    confirmation: Confirmation = Confirmation()


_ANSWER = [*output_options(), *connection_options()]


@leaf("apply", parent=COMMAND, options=_ANSWER)
@click.option("-f", "--file", "path", required=True, metavar="FILE", help="A TOML file; - is standard input.")
@click.option("--diff", is_flag=True, help="Show what differs and change nothing; exit 7 if something does.")
@click.option("--reset-others", is_flag=True, help="Settings that the file does not name go back to the default.")
@click.option("--delete", metavar="GLOB", help="Delete topics that match GLOB and are not in the file.")
@takes_confirmation
def topic_apply(
    *,
    shared: Shared,
    path: str,
    diff: bool,
    reset_others: bool,
    delete: str | None,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Make topics as a TOML file says: create, grow, set.

    The file has a table [topic.NAME] for each, with partitions, replication_factor and a table config; what it leaves
    out stays as it is. Nothing is deleted and no setting taken back unless asked. Partitions are never taken away,
    and replicas are moved by `kcon reassign`.

    Example: kcon topic apply -f topics.toml --diff

    Example: kcon topic apply -f topics.toml -y
    """
    if diff and (yes or dry_run or confirm is not None):
        raise click.UsageError("--diff changes nothing; leave --execute, --dry-run and --confirm out.")
    return TopicApply(
        shared=shared,
        path=path,
        diff=diff,
        resets=reset_others,
        delete=delete,
        confirmation=confirmation(dry_run or diff, yes, confirm),
    )


@leaf("clone", parent=COMMAND, options=_ANSWER)
@click.argument("source", metavar="SOURCE")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("-p", "--partitions", type=click.IntRange(min=1), metavar="N", help="Partitions; else as many.")
@click.option("-r", "--replication-factor", type=click.IntRange(1, 32_767), metavar="N", help="Replicas; else as many.")
@click.option(
    "-c", "--config", "configs", multiple=True, type=Property(), help="Another value of a setting; repeatable."
)
@takes_confirmation
def topic_clone(
    *,
    shared: Shared,
    source: str,
    names: tuple[str, ...],
    partitions: int | None,
    replication_factor: int | None,
    configs: tuple[tuple[str, str], ...],
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Create topics with the partitions, replicas and settings of another one, without its records.

    `kcon copy` brings the records.

    Example: kcon topic clone orders orders-test -r 1
    """
    return TopicClone(
        shared=shared,
        source=source,
        names=names,
        partition_count=partitions,
        replication_factor=replication_factor,
        configs=configs,
        confirmation=confirmation(dry_run, yes, confirm),
    )
