"""`kcon cluster`: what is this cluster, how is its quorum, what can it do, and who should lead?"""

from typing import ClassVar

import click

from kcon.commands.group import Scope, TopicScope
from kcon.commands.options import confirmation, connection_options, output_options, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf


class ClusterInfoRequest(Request):
    """Show the cluster at a glance."""

    command: ClassVar[str] = "cluster info"


class ClusterQuorum(Request):
    """Show the metadata quorum."""

    command: ClassVar[str] = "cluster quorum"


class ClusterFeatures(Request):
    """Show features."""

    command: ClassVar[str] = "cluster features"


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


@leaf("features", parent=COMMAND, options=_ANSWER)
def cluster_features(*, shared: Shared) -> Request:
    """Show the features of the cluster: the level in force and those it supports.

    Example: kcon cluster features
    """
    return ClusterFeatures(shared=shared)


@leaf("versions", parent=COMMAND, options=_ANSWER)
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


def _add_local() -> None:
    from kcon.commands.local_cluster import add_local_commands

    add_local_commands(COMMAND)


_add_local()
