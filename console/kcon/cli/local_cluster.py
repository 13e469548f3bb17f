"""`kcon cluster up|status|kill|pause|resume|add|remove|down`: executes its requests and shows the answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from kcon.cli.contexts import context_store
from kcon.cli.document import Column, Document, Item, Value
from kcon.cli.invocation import Invocation
from kcon.commands.local_cluster import (
    HEAP_MB,
    ClusterAdd,
    ClusterDown,
    ClusterNode,
    ClusterRemove,
    ClusterStatus,
    ClusterUp,
)
from kcon.commands.request import Confirmation, Request
from kcon.contexts.context import Context
from kcon.contexts.folders import state_folder
from kcon.core.units import format_bytes
from kcon.errors import ExitCode, KconError, NotFoundError, RefusedError, UsageError
from kcon.services.apache_kafka import KAFKA_VERSION
from kcon.services.broker_removal import BrokerView, check_empty, look_at_brokers, unregister
from kcon.services.kafka_node import STOP_GRACE_S, NodeState
from kcon.services.kept_cluster import KeptCluster, KeptOptions, NodeStatus
from kcon.services.session import Session, open_session

NODES: Final = 3
LOOK_TIMEOUT_MS: Final = 3_000
"""A status must not wait for nodes that hang."""
START_TIMEOUT_S: Final = 120.0


async def run_local_cluster(request: Request, invocation: Invocation) -> int:
    """Execute one request about clusters on this machine."""
    match request:
        case ClusterUp():
            return await _up(request, invocation)
        case ClusterStatus():
            return await _status(request, invocation)
        case ClusterNode():
            return await _node(request, invocation)
        case ClusterAdd():
            return await _add(request, invocation)
        case ClusterRemove():
            return await _remove(request, invocation)
        case ClusterDown():
            return await _down(request, invocation)
        case _:
            raise AssertionError(f"not about local clusters: {request.command}")


def _bytes(value: Value) -> str:
    return format_bytes(value) if isinstance(value, int) else "-"


_COLUMNS = (
    Column(key="cluster"),
    Column(key="node", right=True),
    Column(key="roles", drop=3),
    Column(key="address"),
    Column(key="state"),
    Column(key="controller", show=lambda value: "*" if value else "", drop=2),
    Column(key="leads", right=True),
    Column(key="out_of_sync", right=True),
    Column(key="memory_bytes", header="MEMORY", right=True, show=_bytes, drop=1),
    Column(key="pid", right=True, wide=True),
    Column(key="log", wide=True),
)


# --- up and down -----------------------------------------------------------------------------------------------


async def _up(request: ClusterUp, invocation: Invocation) -> int:
    folder = state_folder(invocation.environment.variables)
    try:
        cluster = KeptCluster.find(folder, request.name)
    except NotFoundError:
        cluster = None
    if cluster is None:
        if request.name in {each.name for each in context_store(invocation.environment).listings()}:
            raise UsageError(
                f"There is a context {request.name} already, for another cluster.",
                "Choose another name with --name, or remove that context.",
            )
        cluster = KeptCluster.create(folder, request.name, _options(request))
    else:
        _check_same(request, cluster)
    with cluster.exclusive():
        try:
            started = await cluster.start(invocation.diagnostics.progress, timeout_s=_start_timeout_s(request))
        finally:
            invocation.diagnostics.end_progress()
        _keep_context(cluster, invocation)
        code = await _show(invocation, [cluster])
    note = f"Nodes {', '.join(map(str, started))} run." if started else "Every node runs already."
    invocation.diagnostics.note(f"{note} Context {cluster.name}: kcon -C {cluster.name} cluster info")
    return code


def _options(request: ClusterUp) -> KeptOptions:
    return KeptOptions(
        nodes=request.nodes or NODES,
        controllers=request.controllers,
        port=request.port,
        heap_mb=request.heap_mb or HEAP_MB,
        kafka_dir=None if request.kafka_dir is None else Path(request.kafka_dir).expanduser(),
        version=request.version or KAFKA_VERSION,
        properties=dict(request.settings),
    )


def _check_same(request: ClusterUp, cluster: KeptCluster) -> None:
    """Refuse what cannot be changed any more, rather than leave it out silently."""
    given = {
        "--nodes": request.nodes is not None and request.nodes != len(cluster.plans),
        "--controllers": request.controllers is not None,
        "--port": request.port is not None,
        "--heap-mb": request.heap_mb is not None,
        "--kafka-dir": request.kafka_dir is not None,
        "--kafka-version": request.version is not None,
        "--set": bool(request.settings),
    }
    late = [option for option, is_given in given.items() if is_given]
    if late:
        raise UsageError(
            f"Local cluster {cluster.name} exists with {len(cluster.plans)} nodes; {', '.join(late)} came too late.",
            "`kcon cluster add` adds a broker, `kcon cluster down` ends it, --name makes another one.",
        )


async def _down(request: ClusterDown, invocation: Invocation) -> int:
    cluster = _find(request.name, invocation)
    what = "Stop" if request.keep_data else "End"
    count = len(cluster.plans)
    agreed = await _agreed(
        invocation,
        request.confirmation,
        cluster.status(),
        cluster,
        question=f"{what} {count} nodes{'' if request.keep_data else ' and delete their data'}?",
    )
    if not agreed:
        return ExitCode.OK
    with cluster.exclusive():
        await cluster.stop(grace_s=STOP_GRACE_S if request.keep_data else 0)
        if request.keep_data:
            invocation.diagnostics.note(f"Local cluster {cluster.name} is stopped; `kcon cluster up` goes on with it.")
            return ExitCode.OK
        if cluster.context is not None:
            _remove_context(cluster, invocation)
        cluster.delete()
    invocation.diagnostics.note(f"Local cluster {cluster.name} is gone.")
    return ExitCode.OK


# --- single nodes ----------------------------------------------------------------------------------------------


async def _node(request: ClusterNode, invocation: Invocation) -> int:
    cluster = _find(request.name, invocation)
    with cluster.exclusive():
        if request.action == "kill":
            await cluster.kill(request.node)
        elif request.action == "pause":
            await cluster.pause(request.node)
        else:
            await cluster.resume(request.node)
    done = {"kill": "killed", "pause": "paused", "resume": "running"}[request.action]
    invocation.diagnostics.note(f"Node {request.node} of local cluster {cluster.name} is {done}.")
    return ExitCode.OK


async def _add(request: ClusterAdd, invocation: Invocation) -> int:
    cluster = _find(request.name, invocation)
    with cluster.exclusive():
        try:
            node_id = await cluster.add(invocation.diagnostics.progress, timeout_s=_start_timeout_s(request))
        finally:
            invocation.diagnostics.end_progress()
            _keep_context(cluster, invocation)
        code = await _show(invocation, [cluster])
    ids = ",".join(str(plan.node_id) for plan in cluster.plans)
    invocation.diagnostics.note(
        f"Node {node_id} runs and holds nothing yet: kcon -C {cluster.name} reassign execute -t '*' --brokers {ids}"
    )
    return code


async def _remove(request: ClusterRemove, invocation: Invocation) -> int:
    cluster = _find(request.name, invocation)
    with cluster.exclusive():
        cluster.check_removable(request.node)
        mine = [each for each in cluster.status() if each.plan.node_id == request.node]
        async with _session(cluster, invocation) as session:
            others = ",".join(str(plan.node_id) for plan in cluster.plans if plan.node_id != request.node)
            await check_empty(
                session,
                request.node,
                hint=f"Move them away: kcon -C {cluster.name} reassign execute -t '*' --brokers {others}",
            )
            if not await _agreed(
                invocation, request.confirmation, mine, cluster, question=f"Stop node {request.node} and delete it?"
            ):
                return ExitCode.OK
            await cluster.remove(request.node)
            await unregister(session, request.node, confirmed_by=request.confirmation.confirmed_by or "prompt")
        _keep_context(cluster, invocation)
    invocation.diagnostics.note(f"Node {request.node} of local cluster {cluster.name} is gone.")
    return ExitCode.OK


# --- what is there ---------------------------------------------------------------------------------------------


async def _status(request: ClusterStatus, invocation: Invocation) -> int:
    folder = state_folder(invocation.environment.variables)
    names = KeptCluster.names(folder) if request.name is None else [request.name]
    clusters = [KeptCluster.find(folder, name) for name in names]
    if not clusters:
        invocation.diagnostics.note("There is no local cluster; `kcon cluster up` starts one.")
    return await _show(invocation, clusters)


async def _show(invocation: Invocation, clusters: Sequence[KeptCluster]) -> ExitCode:
    items: list[Item] = []
    notes: list[str] = []
    for cluster in clusters:
        status = cluster.status()
        view: Mapping[int, BrokerView] = {}
        if any(each.state is NodeState.RUNNING for each in status):
            try:
                async with _session(cluster, invocation, timeout_ms=LOOK_TIMEOUT_MS) as session:
                    view = await look_at_brokers(session)
            except KconError as error:
                notes.append(f"Cluster {cluster.name} does not answer: {error.message}")
        items += _items(cluster, status, view)
    return invocation.show(
        Document(kind="LocalClusterNodes", columns=_COLUMNS, items=items, name_key="node", notes=notes)
    )


def _items(cluster: KeptCluster, status: Sequence[NodeStatus], view: Mapping[int, BrokerView]) -> list[Item]:
    return [
        {
            "cluster": cluster.name,
            "node": each.plan.node_id,
            "roles": each.plan.roles,
            "address": each.plan.address,
            "state": each.state.value,
            "controller": told.is_controller if (told := view.get(each.plan.node_id)) else None,
            "leads": told.leads if told else None,
            "out_of_sync": told.out_of_sync if told else None,
            "memory_bytes": each.rss_bytes,
            "pid": each.pid,
            "log": str(each.plan.log_path),
        }
        for each in status
    ]


def _find(name: str, invocation: Invocation) -> KeptCluster:
    return KeptCluster.find(state_folder(invocation.environment.variables), name)


def _session(cluster: KeptCluster, invocation: Invocation, timeout_ms: int = 30_000) -> Session:
    running = [each.plan.address for each in cluster.status() if each.state is NodeState.RUNNING]
    context = Context(
        name=cluster.context or cluster.name, bootstrap=tuple(running) or cluster.bootstrap, timeout_ms=timeout_ms
    )
    return open_session(context, invocation.environment.variables, invocation.environment.now_ms)


async def _agreed(
    invocation: Invocation,
    confirmation: Confirmation,
    status: Sequence[NodeStatus],
    cluster: KeptCluster,
    *,
    question: str,
) -> bool:
    """Show what goes and have it confirmed; False after a dry run. RefusedError when nobody agrees."""
    if confirmation.dry_run or confirmation.confirmed_by is None:
        invocation.show(
            Document(kind="LocalClusterNodes", columns=_COLUMNS, items=_items(cluster, status, {}), name_key="node")
        )
    if confirmation.dry_run:
        invocation.diagnostics.note("Dry run: nothing was changed.")
        return False
    if confirmation.confirmed_by is not None:
        return True
    if not invocation.environment.is_interactive:
        raise RefusedError("Not confirmed: nothing was changed.", "Repeat it with --execute (or -y).")
    answer = await invocation.diagnostics.ask(f"{question} [y/N]")
    if answer is None or answer.lower() not in {"y", "yes"}:
        raise RefusedError("Not confirmed: nothing was changed.")
    return True


# --- the context -----------------------------------------------------------------------------------------------


def _keep_context(cluster: KeptCluster, invocation: Invocation) -> None:
    """Make the cluster's context, or tell it of nodes that came and went."""
    store = context_store(invocation.environment)
    store.add(cluster.name, {"bootstrap": list(cluster.bootstrap)}, replace=cluster.context is not None)
    cluster.context = cluster.name


def _remove_context(cluster: KeptCluster, invocation: Invocation) -> None:
    store = context_store(invocation.environment)
    name = cluster.context
    if name is not None and name in {each.name for each in store.listings()}:
        store.remove(name)


def _start_timeout_s(request: Request) -> float:
    timeout_ms = request.shared.connection.timeout_ms
    return START_TIMEOUT_S if timeout_ms is None else timeout_ms / 1000
