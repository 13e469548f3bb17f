"""How does one run a real Apache Kafka on this machine? Plan its nodes on loopback, start them, stop them.

It is the target to rehearse on and the oracle that the tests compare kcon's own broker with. One node is broker and
controller in one process; of several nodes the first three are both, so that any one of them may be lost, and the
internal topics have three replicas of which two must be in sync.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kcon.admin.fan_out import together
from kcon.errors import KconError, NotFoundError
from kcon.services.apache_kafka import KAFKA_VERSION, java_argv, missing_requirement, resolve_classpath
from kcon.services.kafka_node import (
    HOST,
    STOP_GRACE_S,
    AddressInUseError,
    KafkaNode,
    NodePlan,
    format_node,
    free_ports,
    is_free,
    random_cluster_id,
    start_node,
    until_it_answers,
)

__all__ = [
    "KAFKA_VERSION",
    "LocalCluster",
    "LocalClusterOptions",
    "java_argv",
    "missing_requirement",
    "node_settings",
    "plan_nodes",
    "resolve_classpath",
    "start_local_cluster",
    "start_plans",
]

START_TIMEOUT_S: Final = 90.0
HEAP_MB: Final = 512
CONTROLLERS_MAX: Final = 3
"""A quorum of three survives the loss of one; more nodes are brokers alone."""
PORT_ATTEMPTS: Final = 3
"""Free ports are picked, released, then bound by the node: another process may be quicker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalClusterOptions:
    """What a caller may choose about the cluster."""

    data_dir: Path
    """Settings, data and logs of the nodes; kept by `stop`, the caller removes it."""
    nodes: int = 1
    controllers: int | None = None
    """So many of the nodes, the first ones, are controllers too; None: up to three."""
    port: int | None = None
    """The client port of the first node, the others follow it; None takes free ones, as controllers always do."""
    heap_mb: int = HEAP_MB
    """The largest heap of each node."""
    start_timeout_s: float = START_TIMEOUT_S
    dies_with_parent: bool = False
    """Linux only: the nodes are killed when the thread that started them ends, however it ends."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Broker settings on top of the ones kcon needs."""
    jvm_options: Sequence[str] = ()


class LocalCluster:
    """Running nodes. Stop them with `stop`, from any event loop."""

    def __init__(self, classpath: str, options: LocalClusterOptions, nodes: Mapping[int, KafkaNode]) -> None:
        self._classpath = classpath
        self._options = options
        self.nodes = dict(nodes)
        """By node id, from 1."""
        self.data_dir = options.data_dir
        self.bootstrap = ",".join(node.plan.address for node in nodes.values())
        self.log_path = self.node(1).plan.log_path

    @property
    def pid(self) -> int:
        """Return the process id of the first node's JVM."""
        return self.node(1).pid

    def node(self, node_id: int) -> KafkaNode:
        """Return a node. NotFoundError when there is none of that id."""
        found = self.nodes.get(node_id)
        if found is None:
            raise NotFoundError(f"There is no node {node_id}.", f"There are {', '.join(map(str, self.nodes))}.")
        return found

    async def start(self, node_id: int) -> None:
        """Start a node that was stopped or killed, on its own data, and return when it answers."""
        before = self.node(node_id)
        node = _start(self._classpath, before.plan, self._options)
        self.nodes[node_id] = node
        await until_it_answers(node, self._options.start_timeout_s)

    async def stop(self, *, grace_s: float = STOP_GRACE_S) -> None:
        """Stop every node: a clean stop within `grace_s` (0: none at all), then SIGKILL. Idempotent."""
        # All at once: a controller leaves only while there is a quorum to take over.
        await together(node.stop(grace_s=grace_s) for node in self.nodes.values())


async def start_local_cluster(classpath: str, options: LocalClusterOptions) -> LocalCluster:
    """Format the data folders that are new, start the nodes and return when each answers requests.

    Raises KconError with the last line of a node's log when it ends early, UnreachableError on the deadline.
    """
    attempts = PORT_ATTEMPTS if options.port is None else 1
    for attempt in range(1, attempts + 1):
        plans = plan_nodes(options)
        try:
            return await start_plans(classpath, plans, options)
        except AddressInUseError as error:
            if attempt == attempts:
                raise KconError(f"Port {plans[0].port} is in use.", "Choose another one.") from error
    raise AssertionError("every attempt returns or raises")


def plan_nodes(options: LocalClusterOptions) -> list[NodePlan]:
    """Choose the folder and the ports of every node. KconError when a port asked for is in use."""
    count = options.nodes
    controllers = min(count, CONTROLLERS_MAX) if options.controllers is None else options.controllers
    if options.port is None:
        ports = free_ports(count + controllers)
    else:
        ports = list(range(options.port, options.port + count))
        for port in ports:
            if not is_free(port):
                raise KconError(f"Port {port} is in use.", "Choose another one.")
        ports += free_ports(controllers, but=ports)
    return [
        NodePlan(
            node_id=index + 1,
            folder=options.data_dir if count == 1 else options.data_dir / f"node-{index + 1}",
            port=ports[index],
            controller_port=ports[count + index] if index < controllers else None,
        )
        for index in range(count)
    ]


async def start_plans(
    classpath: str, plans: Sequence[NodePlan], options: LocalClusterOptions, cluster_id: str | None = None
) -> LocalCluster:
    """Start all nodes of a new or a stopped cluster; none is left behind when one of them fails.

    cluster_id: of a new cluster; None makes one.
    """
    cluster_id = cluster_id or random_cluster_id()
    await together(
        format_node(classpath, plan, node_settings(plan, plans, len(plans), options.properties), cluster_id)
        for plan in plans
    )
    cluster = LocalCluster(classpath, options, {plan.node_id: _start(classpath, plan, options) for plan in plans})
    try:
        await together(until_it_answers(node, options.start_timeout_s) for node in cluster.nodes.values())
    except BaseException:
        await cluster.stop(grace_s=0)
        raise
    return cluster


def node_settings(
    plan: NodePlan, plans: Sequence[NodePlan], replicas_max: int, extra: Mapping[str, str]
) -> dict[str, str]:
    """Return the `server.properties` of a node.

    plans: all nodes, of which some vote. replicas_max: with how many nodes the cluster began.
    """
    voters = [f"{each.node_id}@{HOST}:{each.controller_port}" for each in plans if each.controller_port is not None]
    listeners = f"PLAINTEXT://{plan.address}"
    if plan.controller_port is not None:
        listeners += f",CONTROLLER://{HOST}:{plan.controller_port}"
    # One node cannot hold three copies of the internal topics.
    replicas = min(replicas_max, 3)
    in_sync = 1 if replicas < 3 else 2
    # A setting shows in what a broker tells of its configs, so one node says nothing of them.
    replicated = {"default.replication.factor": str(replicas), "min.insync.replicas": str(in_sync)}
    return {
        "process.roles": plan.roles,
        "node.id": str(plan.node_id),
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "controller.quorum.voters": ",".join(voters),
        "listeners": listeners,
        "advertised.listeners": f"PLAINTEXT://{plan.address}",
        "log.dirs": str(plan.folder / "data"),
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(in_sync),
        "share.coordinator.state.topic.replication.factor": str(replicas),
        "share.coordinator.state.topic.min.isr": str(in_sync),
        # A first member need not wait three seconds for a second one.
        "group.initial.rebalance.delay.ms": "0",
        **(replicated if replicas > 1 else {}),
        **extra,
    }


def _start(classpath: str, plan: NodePlan, options: LocalClusterOptions) -> KafkaNode:
    return start_node(
        classpath,
        plan,
        heap_mb=options.heap_mb,
        jvm_options=options.jvm_options,
        dies_with_parent=options.dies_with_parent,
    )
