"""`kcon cluster up` and its like: a real Apache Kafka on this machine, to rehearse on and to grow into."""

from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar

import click

from kcon.commands.options import Property, confirmation, output_options, takes, takes_confirmation
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf

NAME: Final = "local"
"""The cluster, and its context, when no name is given."""
HEAP_MB: Final = 512

_F = TypeVar("_F", bound=Callable[..., Any])


class ClusterUp(Request):
    """Start a local cluster, or the nodes of it that do not run."""

    command: ClassVar[str] = "cluster up"
    name: str
    nodes: int | None = None
    """None: three, or as many as there are."""
    controllers: int | None = None
    port: int | None = None
    heap_mb: int | None = None
    kafka_dir: str | None = None
    version: str | None = None
    settings: tuple[tuple[str, str], ...] = ()


class ClusterStatus(Request):
    """Show the nodes of a local cluster."""

    command: ClassVar[str] = "cluster status"
    name: str | None = None
    """None: of every one."""


class ClusterNode(Request):
    """Kill, pause or resume a node."""

    command: ClassVar[str] = "cluster kill"
    name: str
    node: int
    action: str
    """`kill`, `pause` or `resume`."""


class ClusterAdd(Request):
    """Start one more broker."""

    command: ClassVar[str] = "cluster add"
    name: str


class ClusterRemove(Request):
    """Take a broker away."""

    command: ClassVar[str] = "cluster remove"
    name: str
    node: int
    confirmation: Confirmation = Confirmation()


class ClusterDown(Request):
    """End a local cluster."""

    command: ClassVar[str] = "cluster down"
    name: str
    keep_data: bool = False
    confirmation: Confirmation = Confirmation()


def _takes_name(function: _F) -> _F:
    text = f"The local cluster, and the context made for it; '{NAME}' by default."
    return takes(function, [click.Option(["--name"], default=NAME, metavar="NAME", help=text)])


def add_local_commands(noun: Noun) -> None:
    """Give `kcon cluster` the verbs of clusters on this machine."""
    for command in (
        cluster_up,
        cluster_status,
        cluster_kill,
        cluster_pause,
        cluster_resume,
        cluster_add,
        cluster_remove,
        cluster_down,
    ):
        noun.add_command(command)


_NODE = click.argument("node", type=click.IntRange(min=1))


@leaf("up", options=output_options())
@_takes_name
@click.option("--nodes", type=click.IntRange(1, 32), metavar="N", help="So many nodes; 3 by default.")
@click.option(
    "--controllers", type=click.IntRange(1, 32), metavar="N", help="So many of them vote; up to three by default."
)
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    metavar="PORT",
    help="Where clients find the first node, the others follow it; free ports by default.",
)
@click.option(
    "--heap-mb",
    type=click.IntRange(128, 65_536),
    metavar="MB",
    help=f"The largest Java heap of a node; {HEAP_MB} by default.",
)
@click.option("--kafka-dir", metavar="PATH", help="An unpacked Apache Kafka; without it Maven resolves the jars.")
@click.option("--kafka-version", "version", metavar="VERSION", help="Which Apache Kafka Maven resolves.")
@click.option(
    "--set",
    "settings",
    type=Property(),
    metavar="KEY=VALUE",
    multiple=True,
    help="A setting of every node on top of kcon's own; repeatable.",
)
def cluster_up(
    *,
    shared: Shared,
    name: str,
    nodes: int | None,
    controllers: int | None,
    port: int | None,
    heap_mb: int | None,
    kafka_dir: str | None,
    version: str | None,
    settings: tuple[tuple[str, str], ...],
) -> Request:
    """Start a real Apache Kafka on this machine, and make a context for it.

    The nodes listen on loopback alone; internal topics have three replicas, of which two must be in sync. They go
    on until `kcon cluster down`. Where the cluster exists, the nodes of it that do not run are started again. It
    takes Java 17, and Maven or an unpacked Apache Kafka.

    Example: kcon cluster up --nodes 3

    Example: kcon cluster up --kafka-dir /opt/kafka --port 9092 --heap-mb 1024
    """
    if version is not None and kafka_dir is not None:
        raise click.UsageError("--kafka-dir says which Apache Kafka it is; it takes no --kafka-version.")
    return ClusterUp(
        shared=shared,
        name=name,
        nodes=nodes,
        controllers=controllers,
        port=port,
        heap_mb=heap_mb,
        kafka_dir=kafka_dir,
        version=version,
        settings=settings,
    )


@leaf("status", options=output_options(watch=True))
@click.option("--name", metavar="NAME", help="Only this local cluster; every one by default.")
def cluster_status(*, shared: Shared, name: str | None) -> Request:
    """Show the nodes of local clusters: whether they run, what they lead, and what they use.

    Example: kcon cluster status --watch
    """
    return ClusterStatus(shared=shared, name=name)


@leaf("kill", options=output_options())
@_NODE
@_takes_name
def cluster_kill(*, shared: Shared, name: str, node: int) -> Request:
    """End a node of a local cluster as a power cut does. `kcon cluster up` starts it again.

    Example: kcon cluster kill 2
    """
    return ClusterNode(shared=shared, name=name, node=node, action="kill")


@leaf("pause", options=output_options())
@_NODE
@_takes_name
def cluster_pause(*, shared: Shared, name: str, node: int) -> Request:
    """Let a node of a local cluster hang: its connections stay open and nothing answers.

    Example: kcon cluster pause 2
    """
    return ClusterNode(shared=shared, name=name, node=node, action="pause")


@leaf("resume", options=output_options())
@_NODE
@_takes_name
def cluster_resume(*, shared: Shared, name: str, node: int) -> Request:
    """Let a paused node of a local cluster go on.

    Example: kcon cluster resume 2
    """
    return ClusterNode(shared=shared, name=name, node=node, action="resume")


@leaf("add", options=output_options())
@_takes_name
def cluster_add(*, shared: Shared, name: str) -> Request:
    """Start one more broker in a local cluster. It holds nothing until `kcon reassign` moves replicas to it.

    Example: kcon cluster add
    """
    return ClusterAdd(shared=shared, name=name)


@leaf("remove", options=output_options())
@_NODE
@_takes_name
@takes_confirmation
def cluster_remove(*, shared: Shared, name: str, node: int, dry_run: bool, yes: bool, confirm: str | None) -> Request:
    """Take a broker out of a local cluster and delete its folder. One that holds replicas stays.

    Example: kcon cluster remove 4 -y
    """
    return ClusterRemove(shared=shared, name=name, node=node, confirmation=confirmation(dry_run, yes, confirm))


@leaf("down", options=output_options())
@_takes_name
@click.option("--keep-data", is_flag=True, help="Stop the nodes cleanly and keep all; `kcon cluster up` goes on.")
@takes_confirmation
def cluster_down(
    *, shared: Shared, name: str, keep_data: bool, dry_run: bool, yes: bool, confirm: str | None
) -> Request:
    """End a local cluster and delete what it wrote: its nodes, its data, its context.

    Example: kcon cluster down -y
    """
    return ClusterDown(shared=shared, name=name, keep_data=keep_data, confirmation=confirmation(dry_run, yes, confirm))
