"""`kcon cluster`: executes its requests and shows the answers."""

from collections.abc import Mapping

from kcon.admin.apis import Api
from kcon.admin.elections import Election
from kcon.cli.changes import refuse_early
from kcon.cli.document import Block, Column, Document, Item, ItemError, Value, int64
from kcon.cli.group import scopes_of
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.cli.table import show
from kcon.commands.cluster import (
    ClusterElect,
    ClusterFeatures,
    ClusterInfoRequest,
    ClusterQuorum,
    ClusterVersions,
)
from kcon.commands.cluster_members import ClusterUnregister, ClusterVoter
from kcon.commands.request import Request
from kcon.commands.resource_config import ClientMetrics
from kcon.core.broker_facts import QuorumReplica
from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.units import format_duration
from kcon.gate.permit import Operation
from kcon.observe.controller import active_controller
from kcon.services.elections import plan_election
from kcon.services.session import Session

LOCAL = frozenset(f"cluster {verb}" for verb in ("up", "status", "kill", "add", "remove", "down"))
"""Commands about clusters on this machine, which need no context."""


async def run_cluster(request: Request, invocation: Invocation) -> int:
    """Execute one request about the cluster."""
    if request.command in LOCAL:
        from kcon.cli.local_cluster import run_local_cluster

        return await run_local_cluster(request, invocation)
    async with invocation.open_session() as session:
        match request:
            case ClusterInfoRequest():
                return await _info(invocation, session)
            case ClusterQuorum():
                return await _quorum(invocation, session)
            case ClusterFeatures():
                from kcon.cli.cluster_features import run_features

                return await run_features(request, invocation, session)
            case ClusterVersions():
                return await _versions(request, invocation, session)
            case ClusterElect():
                return await _elect(request, invocation, session)
            case ClusterUnregister():
                from kcon.cli.cluster_members import run_unregister

                return await run_unregister(request, invocation, session)
            case ClusterVoter():
                from kcon.cli.cluster_members import run_voter

                return await run_voter(request, invocation, session)
            case ClientMetrics():
                from kcon.cli.resource_config import run_resource_config

                return await run_resource_config(request, invocation, session)
            case _:
                raise AssertionError(f"not about the cluster: {request.command}")


async def _info(invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        admin = await session.admin()
        info = await admin.cluster()
        topics = await admin.topics()
        controller = await active_controller(admin, info)
    parts = [part for topic in topics for part in topic.partitions]
    item: Item = {
        "cluster_id": info.cluster_id,
        "controller": controller,
        "brokers": len(info.brokers),
        "topics": len(topics),
        "partitions": len(parts),
        "replicas": sum(len(part.replicas) for part in parts),
        "under_replicated": sum(part.is_under_replicated for part in parts),
        "without_leader": sum(part.leader_id < 0 for part in parts),
        "other_leader": sum(
            part.leader_id >= 0 and part.leader_id != part.replicas[0] for part in parts if part.replicas
        ),
    }
    facts = [(key.replace("_", " "), show(value)) for key, value in item.items()]
    return invocation.show(
        Document(
            kind="ClusterInfo",
            context=invocation.context.name,
            columns=[Column(key=key) for key in item],
            name_key="cluster_id",
            items=[item],
            blocks=[Block(heading=f"Cluster {show(info.cluster_id)}", facts=facts[1:])],
        )
    )


def _ago(value: Value) -> str:
    return f"{format_duration(value)} ago" if isinstance(value, int) else show(None)


_QUORUM_COLUMNS = (
    Column(key="node", right=True),
    Column(key="role"),
    Column(key="log_end", right=True),
    Column(key="lag", right=True),
    Column(key="last_fetch_ms_ago", header="LAST FETCH", right=True, drop=2, show=_ago),
    Column(key="caught_up_ms_ago", header="CAUGHT UP", right=True, drop=1, show=_ago),
    Column(key="directory_id", header="DIRECTORY", wide=True),
)


async def _quorum(invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        quorum = await (await session.admin()).quorum()
    now_ms = invocation.environment.now_ms()
    end = max((each.log_end_offset for each in (*quorum.voters, *quorum.observers)), default=0)
    rows: list[Item] = []
    for role, replicas in (("voter", quorum.voters), ("observer", quorum.observers)):
        rows += [
            _quorum_item(each, "leader" if each.id == quorum.leader_id else role, end=end, now_ms=now_ms)
            for each in replicas
        ]
    facts = [
        ("leader", show(quorum.leader_id)),
        ("leader epoch", show(quorum.leader_epoch)),
        ("high watermark", show(quorum.high_watermark)),
    ]
    return invocation.show(
        Document(
            kind="Quorum",
            context=invocation.context.name,
            columns=_QUORUM_COLUMNS,
            name_key="node",
            items=rows,
            blocks=[Block(heading="Metadata quorum", facts=facts, columns=_QUORUM_COLUMNS[:-1], rows=rows)],
        )
    )


def _quorum_item(replica: QuorumReplica, role: str, *, end: int, now_ms: int) -> Item:
    def ago(time_ms: int | None) -> int | None:
        return None if time_ms is None else max(0, now_ms - time_ms)

    return {
        "node": replica.id,
        "role": role,
        "log_end": int64(replica.log_end_offset),
        "lag": int64(end - replica.log_end_offset),
        "last_fetch_ms_ago": ago(replica.last_fetch_ms),
        "caught_up_ms_ago": ago(replica.last_caught_up_ms),
        "directory_id": replica.directory_id,
    }


_VERSION_COLUMNS = (
    Column(key="broker", right=True),
    Column(key="key", right=True),
    Column(key="api"),
    Column(key="min", right=True),
    Column(key="max", right=True),
    Column(key="used", right=True),
)


async def _versions(request: ClusterVersions, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        told = await (await session.admin()).api_versions()
    known = {api.key: api for api in Api}
    items: list[Item] = []
    errors: list[ItemError] = []
    for broker_id, ranges in told.items():
        if isinstance(ranges, KafkaError):
            errors.append(ItemError(item=f"broker {broker_id}", error=ranges.as_exception(f"broker {broker_id}")))
            continue
        for key in sorted(ranges):
            api = known.get(key)
            if api is None and not request.every:
                continue
            low, high = ranges[key]
            used = min(high, api.version_max) if api is not None and max(low, api.version_min) <= high else None
            items.append(
                {
                    "broker": broker_id,
                    "key": key,
                    "api": api.title if api is not None else None,
                    "min": low,
                    "max": high,
                    "used": used if api is not None and used is not None and used >= low else None,
                }
            )
    return invocation.show(
        Document(
            kind="ApiVersions",
            context=invocation.context.name,
            columns=_VERSION_COLUMNS,
            name_key="api",
            items=items,
            errors=errors,
        )
    )


_ELECT_COLUMNS = (
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="leader", right=True),
    Column(key="preferred", right=True),
)


async def _elect(request: ClusterElect, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.LEADERS_ELECT, request.confirmation)
    election = Election.UNCLEAN if request.unclean else Election.PREFERRED
    async with invocation.deadline():
        rows, changes = await plan_election(session, election, scopes_of(request.topics))

    def item(where: TopicPartition) -> Mapping[str, Value]:
        leader, preferred = rows[where]
        return {
            "topic": where.topic,
            "partition": where.partition,
            "leader": leader if leader >= 0 else None,
            "preferred": preferred,
        }

    count = len(changes.keys)
    question = f"Elect leaders of {count:,} partitions?"
    if request.unclean:
        question = f"Elect leaders of {count:,} partitions although records may be lost?"
    shape = Shape(
        kind="Election",
        columns=_ELECT_COLUMNS,
        question=question,
        planned="to be elected",
        done="elected",
        what="partitions",
        name_key="topic",
        notes=[] if changes.keys else ["No partition needs an election."],
    )
    return await carry_out_items(invocation, session, request.confirmation, changes, shape, item=item)
