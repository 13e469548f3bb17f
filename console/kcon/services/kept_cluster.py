"""How is a local cluster kept from one command to the next? A folder of the state folder, one cluster a name.

`clusters/NAME/cluster.json` holds which nodes there are and their processes' ids; beside it lie the nodes' folders.
The processes belong to nobody: they go on until a command ends them. Commands on one cluster exclude each other.
"""

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from kcon.admin.fan_out import together
from kcon.contexts.config_file import check_name
from kcon.core.frozen import Frozen
from kcon.errors import KconError, NotFoundError, RefusedError, UsageError
from kcon.services.apache_kafka import KAFKA_VERSION, check_java, classpath_of_folder, resolve_classpath
from kcon.services.kafka_node import (
    AddressInUseError,
    KafkaNode,
    NodePlan,
    NodeState,
    format_node,
    free_ports,
    is_free,
    random_cluster_id,
    start_node,
    until_it_answers,
)
from kcon.services.local_cluster import (
    HEAP_MB,
    START_TIMEOUT_S,
    LocalClusterOptions,
    node_settings,
    plan_nodes,
)

CLUSTERS_FOLDER: Final = "clusters"
STATE_FILE: Final = "cluster.json"
NODES_MAX: Final = 32

Say = Callable[[str], None]
"""Shows how far it is."""


class KeptOptions(Frozen):
    """What a cluster is made of."""

    nodes: int = 3
    controllers: int | None = None
    """None: up to three."""
    port: int | None = None
    """Of the first node; the others follow. None: free ones."""
    heap_mb: int = HEAP_MB
    kafka_dir: Path | None = None
    """An unpacked Apache Kafka; None: Maven's jars."""
    version: str = KAFKA_VERSION
    """Which one Maven resolves."""
    properties: Mapping[str, str] = {}
    """Broker settings on top."""
    start_timeout_s: float = START_TIMEOUT_S


class NodeStatus(Frozen):
    """One node now."""

    plan: NodePlan
    state: NodeState
    pid: int | None
    """None: it does not run."""
    rss_bytes: int | None
    """Its resident memory; None where the system does not tell or it does not run."""


class KeptCluster:
    """One local cluster of this user. Make it with `create` or `find`; change it inside `exclusive`."""

    def __init__(self, folder: Path, name: str, state: dict[str, Any]) -> None:
        self.folder = folder
        self.name = name
        self._state = state

    # --- which clusters there are ----------------------------------------------------------------------------

    @classmethod
    def find(cls, state_folder: Path, name: str) -> "KeptCluster":
        """Return a cluster that `up` made. NotFoundError when there is none of that name."""
        check_name(name)
        folder = state_folder / CLUSTERS_FOLDER / name
        try:
            state = json.loads((folder / STATE_FILE).read_text("utf-8"))
        except FileNotFoundError:
            others = cls.names(state_folder)
            hint = f"There are: {', '.join(others)}." if others else "`kcon cluster up` starts one."
            raise NotFoundError(f"There is no local cluster {name}.", hint) from None
        except (OSError, ValueError) as error:
            raise KconError(f"Cannot read {folder / STATE_FILE}: {error}.", "Remove the folder.") from error
        return cls(folder, name, state)

    @staticmethod
    def names(state_folder: Path) -> list[str]:
        """Return the clusters that `up` made and `down` did not take away."""
        return sorted(path.parent.name for path in (state_folder / CLUSTERS_FOLDER).glob(f"*/{STATE_FILE}"))

    @classmethod
    def create(cls, state_folder: Path, name: str, options: KeptOptions) -> "KeptCluster":
        """Plan a new cluster and keep the plan; `start` runs it. UsageError for counts that make no cluster."""
        check_name(name)
        if not 1 <= options.nodes <= NODES_MAX:
            raise UsageError(f"A local cluster has 1 to {NODES_MAX} nodes, not {options.nodes}.")
        if options.controllers is not None and not 1 <= options.controllers <= options.nodes:
            raise UsageError(f"Of {options.nodes} nodes, 1 to {options.nodes} can be controllers.")
        folder = state_folder / CLUSTERS_FOLDER / name
        wanted = LocalClusterOptions(
            data_dir=folder, nodes=options.nodes, controllers=options.controllers, port=options.port
        )
        plans = plan_nodes(wanted)
        state: dict[str, Any] = {
            "cluster_id": random_cluster_id(),
            "kafka_dir": None if options.kafka_dir is None else str(options.kafka_dir.resolve()),
            "version": options.version,
            "heap_mb": options.heap_mb,
            "properties": dict(options.properties),
            "context": None,
            "founders": options.nodes,
            "highest_id": options.nodes,
            "nodes": [
                {
                    "id": plan.node_id,
                    "port": plan.port,
                    "controller_port": plan.controller_port,
                    "pid": None,
                }
                for plan in plans
            ],
        }
        cluster = cls(folder, name, state)
        cluster._save()
        return cluster

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other commands off this cluster. RefusedError when one is at work on it."""
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RefusedError(
                    f"Another command works on local cluster {self.name}.", "Repeat it when that has ended."
                ) from None
            yield

    # --- what it is ------------------------------------------------------------------------------------------

    @property
    def plans(self) -> list[NodePlan]:
        """Every node, by id."""
        return [self._plan(node) for node in self._state["nodes"]]

    @property
    def bootstrap(self) -> tuple[str, ...]:
        """Where clients find it."""
        return tuple(plan.address for plan in self.plans)

    @property
    def context(self) -> str | None:
        """The context that was made for it."""
        name = self._state["context"]
        return None if name is None else str(name)

    @context.setter
    def context(self, name: str | None) -> None:
        self._state["context"] = name
        self._save()

    def status(self) -> list[NodeStatus]:
        """Look at every node's process."""
        return [self._status_of(node) for node in self._state["nodes"]]

    # --- changes ---------------------------------------------------------------------------------------------

    async def start(self, say: Say, *, timeout_s: float = START_TIMEOUT_S) -> list[int]:
        """Start every node that does not run and wait until it answers; return their ids.

        What was started is stopped again when one of them fails; the folders stay, with Kafka's own log.
        """
        missing = [status.plan for status in self.status() if status.state is NodeState.DEAD]
        if not missing:
            return []
        await check_java()
        say("Looking for Apache Kafka ...")
        classpath = await self._classpath()
        started: list[KafkaNode] = []
        for plan in missing:
            for port in filter(None, (plan.port, plan.controller_port)):
                if not is_free(port):
                    raise KconError(
                        f"Port {port} of node {plan.node_id} is in use.", "End what listens there, or choose --port."
                    )
        say(f"Formatting {len(missing)} nodes ...")
        founders, extra = self._state["founders"], self._state["properties"]
        settings = {plan.node_id: node_settings(plan, self.plans, founders, extra) for plan in missing}
        await together(
            format_node(classpath, plan, settings[plan.node_id], self._state["cluster_id"]) for plan in missing
        )
        try:
            for plan in missing:
                node = start_node(classpath, plan, heap_mb=self._state["heap_mb"])
                started.append(node)
                self._keep_pid(plan.node_id, node.pid)
            left = {plan.node_id for plan in missing}

            async def wait_for(node: KafkaNode) -> None:
                say(f"Waiting for nodes {', '.join(map(str, sorted(left)))} ...")
                await until_it_answers(node, timeout_s)
                left.discard(node.plan.node_id)

            await together(wait_for(node) for node in started)
            for node in started:
                node.disown()
        except AddressInUseError:
            await together(node.stop(grace_s=0) for node in started)
            raise KconError("A port of the cluster was taken a moment ago.", "Repeat the command.") from None
        except BaseException:
            await together(node.stop(grace_s=0) for node in started)
            raise
        return [plan.node_id for plan in missing]

    async def kill(self, node_id: int) -> None:
        """End a node as a power cut does (SIGKILL). KconError when it does not run."""
        node = self._running(node_id)
        await node.stop(grace_s=0)
        self._keep_pid(node_id, None)

    async def pause(self, node_id: int) -> None:
        """Let a node hang (SIGSTOP)."""
        await self._running(node_id).pause()

    async def resume(self, node_id: int) -> None:
        """Let a paused node go on."""
        await self._running(node_id).resume()

    async def add(self, say: Say, *, timeout_s: float = START_TIMEOUT_S) -> int:
        """Start one more broker and return its id. The quorum stays as it is."""
        nodes = self._state["nodes"]
        if len(nodes) >= NODES_MAX:
            raise RefusedError(f"A local cluster has at most {NODES_MAX} nodes.")
        # An id is never used twice: the cluster remembers it.
        node_id: int = self._state["highest_id"] + 1
        taken = [port for plan in self.plans for port in (plan.port, plan.controller_port) if port is not None]
        (port,) = free_ports(1, but=taken)
        nodes.append({"id": node_id, "port": port, "controller_port": None, "pid": None})
        self._state["highest_id"] = node_id
        self._save()
        await self.start(say, timeout_s=timeout_s)
        return node_id

    def check_removable(self, node_id: int) -> None:
        """Make sure that a node is a broker alone. RefusedError when it votes."""
        if self._plan(self._entry(node_id)).controller_port is not None:
            raise RefusedError(
                f"Node {node_id} is a controller, and the quorum is fixed.",
                f"Remove one that `kcon cluster add` made, or try its loss: kcon cluster kill {node_id}",
            )

    async def remove(self, node_id: int) -> None:
        """Stop a broker cleanly and delete its folder. Its replicas must have been moved away before."""
        self.check_removable(node_id)
        entry = self._entry(node_id)
        await self._node(entry).stop()
        self._state["nodes"].remove(entry)
        self._save()
        shutil.rmtree(self._plan(entry).folder, ignore_errors=True)

    async def stop(self, *, grace_s: float) -> None:
        """Stop every node: cleanly within `grace_s`, then, or with 0 at once, by SIGKILL. The data stay."""
        await together(self._node(entry).stop(grace_s=grace_s) for entry in self._state["nodes"])
        for entry in self._state["nodes"]:
            entry["pid"] = None
        self._save()

    def delete(self) -> None:
        """Delete the folder of a stopped cluster, with everything in it."""
        shutil.rmtree(self.folder)

    # --- the state file --------------------------------------------------------------------------------------

    async def _classpath(self) -> str:
        folder = self._state["kafka_dir"]
        if folder is not None:
            return classpath_of_folder(Path(folder))
        return await resolve_classpath(version=self._state["version"])

    def _entry(self, node_id: int) -> dict[str, Any]:
        for entry in self._state["nodes"]:
            if entry["id"] == node_id:
                found: dict[str, Any] = entry
                return found
        ids = ", ".join(str(entry["id"]) for entry in self._state["nodes"])
        raise NotFoundError(f"Local cluster {self.name} has no node {node_id}.", f"It has {ids}.")

    def _plan(self, entry: Mapping[str, Any]) -> NodePlan:
        # One node has its folder for itself here, or its data would lie beside the cluster's own file.
        return NodePlan(
            node_id=entry["id"],
            folder=self.folder / f"node-{entry['id']}",
            port=entry["port"],
            controller_port=entry["controller_port"],
        )

    def _node(self, entry: Mapping[str, Any]) -> KafkaNode:
        return KafkaNode(self._plan(entry), entry["pid"] or 0)

    def _running(self, node_id: int) -> KafkaNode:
        node = self._node(self._entry(node_id))
        if node.state is NodeState.DEAD:
            raise KconError(f"Node {node_id} does not run.", "`kcon cluster up` starts it again.")
        return node

    def _status_of(self, entry: Mapping[str, Any]) -> NodeStatus:
        node = self._node(entry)
        state = node.state
        alive = state is not NodeState.DEAD
        return NodeStatus(
            plan=node.plan,
            state=state,
            pid=node.pid if alive else None,
            rss_bytes=_rss_bytes(node.pid) if alive else None,
        )

    def _keep_pid(self, node_id: int, pid: int | None) -> None:
        self._entry(node_id)["pid"] = pid
        self._save()

    def _save(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.folder / f".{STATE_FILE}.tmp"
        temporary.write_text(json.dumps(self._state, indent=2) + "\n", "utf-8")
        temporary.replace(self.folder / STATE_FILE)


def _rss_bytes(pid: int) -> int | None:
    """Return a process's resident memory (Linux: proc(5)); None elsewhere."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        return None
    return None
