"""`kcon cluster`: what is this cluster, how is its quorum, what can it do, and who should lead?"""

from typing import Any, ClassVar

import click

from kcon.commands.group import Scope, TopicScope
from kcon.commands.options import confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf
from kcon.core.release_levels import RELEASES


class ClusterInfoRequest(Request):
    """Show the cluster at a glance."""

    command: ClassVar[str] = "cluster info"


class ClusterQuorum(Request):
    """Show the metadata quorum."""

    command: ClassVar[str] = "cluster quorum"


class ClusterFeatures(Request):
    """Show features."""

    command: ClassVar[str] = "cluster features"
    levels: tuple[tuple[str, int], ...] = ()
    """Empty, and no release: show them. 0 turns a feature off."""
    release: str | None = None
    """Bring every feature to the level that it has in this release."""
    downgrade: bool = False
    unsafe: bool = False
    confirmation: Confirmation = Confirmation()


class ClusterVersions(Request):
    """Show API versions."""

    command: ClassVar[str] = "cluster versions"
    every: bool = False


class ClusterElect(Request):
    """Elect leaders."""

    command: ClassVar[str] = "cluster elect"
    topics: tuple[TopicScope, ...] = ()
    """Empty: every partition that needs it."""
    unclean: bool = False
    confirmation: Confirmation = Confirmation()


COMMAND = Noun("cluster", "The cluster: quorum, features, versions, elections; and a local one to rehearse on.")

_LISTING = [*output_options(watch=True), *connection_options()]
_ANSWER = [*output_options(), *connection_options()]


@leaf("info", parent=COMMAND, options=_LISTING)
def cluster_info(*, shared: Shared) -> Request:
    """Show the cluster at a glance: id, controller, brokers, topics and what ails its partitions.

    Example: kcon cluster info
    """
    return ClusterInfoRequest(shared=shared)


@leaf("quorum", parent=COMMAND, options=_LISTING)
def cluster_quorum(*, shared: Shared) -> Request:
    """Show the metadata quorum: leader, voters and observers, and how far each is behind.

    Example: kcon cluster quorum
    """
    return ClusterQuorum(shared=shared)


class _Level(click.ParamType[tuple[str, int]]):
    name = "name=level"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        feature, _equals, level = str(value).partition("=")
        if not feature or not level.isdecimal() or int(level) > _LEVEL_MAX:
            self.fail(f"{value!r} is not NAME=LEVEL, e.g. metadata.version=29.", param, ctx)
        return feature, int(level)


_LEVEL_MAX = 32_767


@leaf("features", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@click.option(
    "--set",
    "levels",
    type=_Level(),
    multiple=True,
    metavar="NAME=LEVEL",
    help="Bring a feature to this level, 0 turns it off; repeatable.",
)
@click.option(
    "--release",
    type=click.Choice(RELEASES),
    metavar="X.Y",
    help="Bring every feature but kraft.version to its level in this release, 3.3 to 4.3.",
)
@click.option("--downgrade", is_flag=True, help="The levels may be lower than now, where nothing is lost by it.")
@click.option("--unsafe", is_flag=True, help="With --downgrade: even if metadata is lost.")
@takes_confirmation
def cluster_features(
    *,
    shared: Shared,
    levels: tuple[tuple[str, int], ...],
    release: str | None,
    downgrade: bool,
    unsafe: bool,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Show the features of the cluster: the level in force and those it supports; or change levels.

    Example: kcon cluster features

    Example: kcon cluster features --set metadata.version=30 --dry-run

    Example: kcon cluster features --release 4.2 --dry-run
    """
    if levels and release:
        raise click.UsageError("--release names every level, so --set contradicts it.")
    if (downgrade or unsafe) and not (levels or release):
        raise click.UsageError("Say what to change with --set or --release.")
    if unsafe and not downgrade:
        raise click.UsageError("--unsafe goes with --downgrade.")
    if (levels or release) and shared.output.where is not None:
        raise click.UsageError("--where picks what is shown; it does not choose what changes.")
    if len({name for name, _level in levels}) < len(levels):
        raise click.UsageError("A feature is set twice.")
    return ClusterFeatures(
        shared=shared,
        levels=levels,
        release=release,
        downgrade=downgrade,
        unsafe=unsafe,
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("versions", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@click.option("--all", "every", is_flag=True, help="APIs that kcon does not speak, too.")
def cluster_versions(*, shared: Shared, every: bool) -> Request:
    """Show the API versions of each broker, and which one kcon speaks with it.

    Example: kcon cluster versions
    """
    return ClusterVersions(shared=shared, every=every)


@leaf("elect", parent=COMMAND, options=_ANSWER)
@click.option(
    "-t", "--topic", "topics", multiple=True, type=Scope(), metavar="TOPIC[:P]", help="Only this topic; repeatable."
)
@click.option("--unclean", is_flag=True, help="Let any live replica lead where none is in sync. Records may be lost.")
@takes_confirmation
def cluster_elect(
    *,
    shared: Shared,
    topics: tuple[TopicScope, ...],
    unclean: bool,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Elect the preferred leader of partitions that another one leads; with --unclean, of those without a leader.

    Example: kcon cluster elect --topic orders
    """
    return ClusterElect(shared=shared, topics=topics, unclean=unclean, confirmation=confirmation(dry_run, yes, confirm))


def _add_others() -> None:
    from kcon.commands.cluster_members import add_member_commands
    from kcon.commands.local_cluster import add_local_commands
    from kcon.commands.resource_config import add_client_metrics

    add_client_metrics(COMMAND)
    add_member_commands(COMMAND)
    add_local_commands(COMMAND)


_add_others()
