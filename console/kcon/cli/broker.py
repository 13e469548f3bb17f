"""`kcon broker`: executes its requests and shows the answers."""

from collections.abc import Mapping, Sequence

from kcon.cli.changes import refuse_early
from kcon.cli.document import Block, Column, Document, Item, ItemError, int64
from kcon.cli.invocation import Invocation
from kcon.cli.table import show
from kcon.commands.broker import BrokerConfig, BrokerDescribe, BrokerList, BrokerLogDirs
from kcon.commands.request import Request
from kcon.commands.resource_config import BrokerLoggers
from kcon.core.broker_facts import BrokerRow, LogDir
from kcon.core.config_entry import ConfigEntry, ConfigResource, ResourceType
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import TopicInfo
from kcon.core.units import format_bytes
from kcon.core.wire_text import WireText
from kcon.errors import NotFoundError
from kcon.gate.permit import Operation
from kcon.observe.controller import active_controller
from kcon.services.brokers import BrokerLoads
from kcon.services.session import Session


async def run_broker(request: Request, invocation: Invocation) -> int:
    """Execute one request about brokers."""
    async with invocation.open_session() as session:
        match request:
            case BrokerList():
                return await _list(invocation, session)
            case BrokerDescribe():
                return await _describe(request, invocation, session)
            case BrokerConfig() if request.edits:
                return await _alter(request, invocation, session)
            case BrokerConfig():
                return await _config(request, invocation, session)
            case BrokerLogDirs():
                return await _log_dirs(request, invocation, session)
            case BrokerLoggers():
                from kcon.cli.resource_config import run_resource_config

                return await run_resource_config(request, invocation, session)
            case _:
                raise AssertionError(f"not about brokers: {request.command}")


_LIST_COLUMNS = (
    Column(key="id", right=True),
    Column(key="host"),
    Column(key="port", right=True, show=str),
    Column(key="rack", drop=2),
    Column(key="controller", drop=3),
    Column(key="fenced", drop=4),
    Column(key="leaders", right=True),
    Column(key="replicas", right=True),
    Column(key="out_of_sync", right=True, drop=1),
)


async def _list(invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        admin = await session.admin()
        brokers = await admin.brokers()
        info = await admin.cluster()
        controller = await active_controller(admin, info)
        topics = await admin.topics()
    return invocation.show(list_document(invocation, brokers, controller, topics))


def list_document(
    invocation: Invocation, brokers: Sequence[BrokerRow], controller: int | None, topics: Sequence[TopicInfo]
) -> Document:
    """Return the answer of `broker list`. controller: None is unknown."""
    loads = BrokerLoads(topics)
    return Document(
        kind="BrokerList",
        context=invocation.context.name,
        columns=_LIST_COLUMNS,
        name_key="id",
        items=[
            {
                **broker_item(broker),
                "controller": None if controller is None else broker.id == controller,
                **loads(broker.id),
            }
            for broker in brokers
        ],
    )


def broker_item(broker: BrokerRow) -> dict[str, int | bool | WireText | None]:
    """Return what every answer says of a broker."""
    return {
        "id": broker.id,
        "host": broker.host,
        "port": broker.port,
        "rack": broker.rack,
        "fenced": broker.fenced,
    }


# --- settings -------------------------------------------------------------------------------------------------

_CONFIG_COLUMNS = (
    Column(key="broker"),
    Column(key="config"),
    Column(key="value"),
    Column(key="source", drop=1),
    Column(key="read_only", drop=2),
)


def _resources(ids: Sequence[int]) -> list[ConfigResource]:
    """Return the resources of brokers; none given: the default of all of them, whose name is empty."""
    return [ConfigResource(ResourceType.BROKER, WireText(str(each))) for each in ids] or [
        ConfigResource(ResourceType.BROKER, WireText(""))
    ]


def _broker_name(resource: ConfigResource) -> str:
    return resource.name.raw or "(all)"


async def _config(request: BrokerConfig, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        found = await (await session.admin()).describe_configs(_resources(request.ids))
    items: list[Item] = []
    for resource, configs in found.items():
        if isinstance(configs, KafkaError):
            continue
        for entry in _chosen(configs, every=request.every):
            items.append({"broker": _broker_name(resource), **_config_item(entry)})
    return invocation.show(
        Document(
            kind="BrokerConfig",
            context=invocation.context.name,
            columns=_CONFIG_COLUMNS,
            name_key="config",
            items=items,
            errors=_config_errors(found),
        )
    )


def _chosen(configs: Mapping[WireText, ConfigEntry], *, every: bool) -> list[ConfigEntry]:
    entries = [entry for entry in configs.values() if every or not entry.is_default]
    return sorted(entries, key=lambda entry: entry.name.raw)


def _config_item(entry: ConfigEntry) -> dict[str, str | bool | WireText | None]:
    return {
        "config": entry.name,
        "value": "(hidden)" if entry.sensitive else entry.value,
        "source": entry.source,
        "read_only": entry.read_only,
    }


def _config_errors(found: Mapping[ConfigResource, object]) -> list[ItemError]:
    return [
        ItemError(item=f"broker {_broker_name(resource)}", error=told.as_exception(f"broker {_broker_name(resource)}"))
        for resource, told in found.items()
        if isinstance(told, KafkaError)
    ]


async def _alter(request: BrokerConfig, invocation: Invocation, session: Session) -> int:
    from kcon.cli.topic_alterations import carry_out_config_edits
    from kcon.services.topic_alterations import plan_config_edits

    refuse_early(session, Operation.CONFIG_ALTER, request.confirmation)
    async with invocation.deadline():
        rows, errors, changes = await plan_config_edits(session, _resources(request.ids), request.edits)
    names = ", ".join(_broker_name(resource) for resource in changes.keys)
    return await carry_out_config_edits(
        invocation,
        session,
        request.confirmation,
        (rows, changes),
        kind="BrokerAlteration",
        question=f"Change the settings of broker {names}?",
        errors=_config_errors(errors),
    )


# --- disks ----------------------------------------------------------------------------------------------------


def _bytes(value: object) -> str:
    return format_bytes(value) if isinstance(value, int) else show(None)


DIR_COLUMNS = (
    Column(key="broker", right=True),
    Column(key="dir"),
    Column(key="replicas", right=True),
    Column(key="size", right=True, show=_bytes),
    Column(key="total", right=True, drop=2, show=_bytes),
    Column(key="usable", right=True, drop=1, show=_bytes),
    Column(key="state"),
)
_REPLICA_COLUMNS = (
    Column(key="broker", right=True),
    Column(key="dir", drop=1),
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="size", right=True, show=_bytes),
    Column(key="offset_lag", right=True, drop=2),
    Column(key="moving", drop=3),
)


async def _log_dirs(request: BrokerLogDirs, invocation: Invocation, session: Session) -> int:
    partitions = None
    async with invocation.deadline():
        admin = await session.admin()
        if request.topics:
            from kcon.core.ids import TopicPartition
            from kcon.services.topics import list_topics

            found = await list_topics(session, request.topics, internal=True)
            partitions = [
                TopicPartition(topic.name, part.partition) for topic in found.topics for part in topic.partitions
            ]
            if not partitions:
                raise NotFoundError(f"No topic matches {', '.join(request.topics)}.")
        told = await admin.log_dirs(request.ids or None, partitions)
    dirs = {broker_id: found for broker_id, found in told.items() if not isinstance(found, KafkaError)}
    errors = [
        ItemError(item=f"broker {broker_id}", error=found.as_exception(f"broker {broker_id}"))
        for broker_id, found in told.items()
        if isinstance(found, KafkaError)
    ]
    for broker_id, found_dirs in dirs.items():
        for each in found_dirs:
            if each.error is not None:
                what = f"{each.path} of broker {broker_id}"
                errors.append(ItemError(item=what, error=each.error.as_exception(what)))
    return invocation.show(
        Document(
            kind="ReplicaSizes" if request.replicas else "LogDirs",
            context=invocation.context.name,
            columns=_REPLICA_COLUMNS if request.replicas else DIR_COLUMNS,
            name_key="topic" if request.replicas else "dir",
            items=_replica_items(dirs) if request.replicas else _dir_items(dirs),
            errors=errors,
        )
    )


def _dir_items(dirs: Mapping[int, Sequence[LogDir]]) -> list[Item]:
    return [{"broker": broker_id, **_dir_item(each)} for broker_id, found in dirs.items() for each in found]


def _dir_item(each: LogDir) -> Item:
    return {
        "dir": each.path,
        "replicas": len(each.replicas),
        "size": int64(each.size_bytes),
        "total": int64(each.total_bytes),
        "usable": int64(each.usable_bytes),
        "state": "online" if each.error is None else each.error.name,
    }


def _replica_items(dirs: Mapping[int, Sequence[LogDir]]) -> list[Item]:
    return [
        {
            "broker": broker_id,
            "dir": each.path,
            "topic": replica.partition.topic,
            "partition": replica.partition.partition,
            "size": int64(replica.size_bytes),
            "offset_lag": int64(replica.offset_lag),
            "moving": replica.is_future,
        }
        for broker_id, found in dirs.items()
        for each in found
        for replica in sorted(each.replicas, key=lambda r: (r.partition.topic.raw, r.partition.partition))
    ]


# --- description ----------------------------------------------------------------------------------------------


async def _describe(request: BrokerDescribe, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        admin = await session.admin()
        brokers = {broker.id: broker for broker in await admin.brokers()}
        known = [broker_id for broker_id in request.ids if broker_id in brokers]
        live = [broker_id for broker_id in known if not brokers[broker_id].fenced]
        configs = await admin.describe_configs(_resources(live)) if live else {}
        dirs = await admin.log_dirs(live) if live else {}
    items: list[Item] = []
    blocks: list[Block] = []
    errors = _config_errors(configs)
    for broker_id in known:
        entries = configs.get(_resources([broker_id])[0])
        set_here = _chosen(entries, every=False) if isinstance(entries, dict) else []
        found = dirs.get(broker_id)
        if isinstance(found, KafkaError):
            what = f"log dirs of broker {broker_id}"
            errors.append(ItemError(item=what, error=found.as_exception(what)))
        its_dirs = [_dir_item(each) for each in found] if isinstance(found, tuple) else []
        facts = broker_item(brokers[broker_id])
        shown = {entry.name.raw: "(hidden)" if entry.sensitive else entry.value for entry in set_here}
        items.append({**facts, "configs": shown, "log_dirs": its_dirs})
        blocks.append(
            Block(
                heading=f"Broker {broker_id}",
                facts=[
                    ("address", f"{brokers[broker_id].host}:{brokers[broker_id].port}"),
                    ("rack", show(facts["rack"])),
                    ("fenced", show(facts["fenced"])),
                    *((str(WireText(name)), show(value)) for name, value in shown.items()),
                ],
                columns=DIR_COLUMNS[1:] if its_dirs else (),
                rows=its_dirs,
            )
        )
    errors += missing_brokers(request.ids, brokers)
    return invocation.show(description_document(invocation, items, blocks, errors))


def missing_brokers(ids: Sequence[int], brokers: Mapping[int, BrokerRow]) -> list[ItemError]:
    """Return an error for each id that no broker has."""
    return [
        ItemError(
            item=f"broker {broker_id}",
            error=NotFoundError(f"There is no broker {broker_id}.", "`kcon broker list` shows the ids."),
        )
        for broker_id in ids
        if broker_id not in brokers
    ]


def description_document(
    invocation: Invocation, items: list[Item], blocks: list[Block], errors: list[ItemError]
) -> Document:
    """Return the answer of `broker describe`."""
    return Document(
        kind="BrokerDescription",
        context=invocation.context.name,
        columns=(*_LIST_COLUMNS[:4], _LIST_COLUMNS[5]),
        name_key="id",
        items=items,
        blocks=blocks,
        errors=errors,
    )
