"""`kcon topic`: executes its requests and shows the answers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kcon.cli.document import Block, Column, Document, Item, ItemError, int64
from kcon.cli.invocation import Invocation
from kcon.cli.table import show
from kcon.commands.request import Request
from kcon.commands.topic import (
    TopicAddPartitions,
    TopicAlter,
    TopicCreate,
    TopicDelete,
    TopicDescribe,
    TopicList,
    TopicPurge,
)
from kcon.commands.topic_insight import TopicAnalyze, TopicConsumers, TopicProducers
from kcon.commands.topic_offsets import TopicOffsets
from kcon.commands.topic_shape import TopicApply, TopicClone
from kcon.core.ids import TopicName
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import TopicInfo
from kcon.core.wire_text import display_safe
from kcon.errors import NotFoundError
from kcon.services.near_names import did_you_mean
from kcon.services.session import Session
from kcon.services.topics import (
    PartitionOffsets,
    TopicDescription,
    TopicsFound,
    ailing_topics,
    describe_topics,
    find_topics,
    list_topics,
)

if TYPE_CHECKING:
    from kcon.admin.eligible_leaders import EligibleLeaders

ALREADY_EXISTS = "TOPIC_ALREADY_EXISTS"


async def run_topic(request: Request, invocation: Invocation) -> int:
    """Execute one request about topics."""
    async with invocation.open_session() as session:
        match request:
            case TopicList():
                return await _list(request, invocation, session)
            case TopicDescribe():
                return await _describe(request, invocation, session)
            case TopicCreate() | TopicDelete():
                from kcon.cli.topic_changes import run_topic_change

                return await run_topic_change(request, invocation, session)
            case TopicAlter() | TopicAddPartitions() | TopicPurge():
                from kcon.cli.topic_alterations import run_topic_alteration

                return await run_topic_alteration(request, invocation, session)
            case TopicOffsets():
                from kcon.cli.topic_offsets import run_topic_offsets

                return await run_topic_offsets(request, invocation, session)
            case TopicApply() | TopicClone():
                from kcon.cli.topic_shape import run_topic_shape

                return await run_topic_shape(request, invocation, session)
            case TopicAnalyze() | TopicConsumers() | TopicProducers():
                from kcon.cli.topic_insight import run_topic_insight

                return await run_topic_insight(request, invocation, session)
            case _:
                raise AssertionError(f"not about topics: {request.command}")


_LIST_COLUMNS = (
    Column(key="name"),
    Column(key="partitions", right=True),
    Column(key="replicas", right=True, drop=1),
    Column(key="under_replicated", right=True, drop=2),
    Column(key="offline", right=True, drop=3),
    Column(key="internal", drop=4),
    Column(key="topic_id", header="ID", wide=True),
)


async def _list(request: TopicList, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        found = await list_topics(
            session, invocation.patterns(request.patterns), regex=request.regex, internal=request.internal
        )
        topics = found.topics if not request.health else await ailing_topics(session, found.topics, request.health)
    return invocation.show(list_document(invocation, topics))


def list_document(invocation: Invocation, topics: Sequence[TopicInfo]) -> Document:
    """Return the answer of `topic list`."""
    return Document(
        kind="TopicList",
        context=invocation.context.name,
        columns=_LIST_COLUMNS,
        items=[_list_item(topic) for topic in topics],
        errors=_topic_errors(topics),
    )


def _list_item(topic: TopicInfo) -> Item:
    return {
        "name": topic.name,
        "partitions": len(topic.partitions),
        "replicas": topic.replication_factor,
        "under_replicated": sum(part.is_under_replicated for part in topic.partitions),
        "offline": sum(part.leader_id < 0 for part in topic.partitions),
        "internal": topic.internal,
        "topic_id": topic.topic_id,
    }


def _topic_errors(topics: Iterable[TopicInfo]) -> list[ItemError]:
    return [
        ItemError(item=f"topic {topic.name}", error=topic.error.as_exception(f"topic {topic.name}"))
        for topic in topics
        if topic.error is not None
    ]


def missing_topics(names: Iterable[str], near: Mapping[str, list[str]] | None = None) -> list[ItemError]:
    """Return the errors of topics that do not exist. near: by name what was probably meant."""
    return [
        ItemError(
            item=f"topic {display_safe(name)}",
            error=NotFoundError(
                f"Topic {display_safe(name)} does not exist.",
                did_you_mean((near or {}).get(name, ()), "`kcon topic list` shows the names."),
            ),
        )
        for name in names
    ]


_PARTITION_COLUMNS = (
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="leader", right=True),
    Column(key="leader_epoch", header="EPOCH", right=True),
    Column(key="replicas"),
    Column(key="isr", header="ISR"),
    Column(key="offline"),
    Column(key="start", right=True),
    Column(key="end", right=True),
    Column(key="span", right=True),
)


async def _describe(request: TopicDescribe, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        found = await find_topics(session, invocation.names(request.names), regex=request.regex)
        described = await describe_topics(session, found.topics)
        names = [each.topic.name for each in described if each.topic.error is None]
        eligible = await (await session.admin()).eligible_leaders(names) if request.eligible else None
    return invocation.show(description_document(invocation, found, described, eligible))


def description_document(
    invocation: Invocation,
    found: TopicsFound,
    described: Sequence[TopicDescription],
    eligible: "Eligible | None" = None,
) -> Document:
    """Return the answer of `topic describe`. eligible: who else may lead each partition; None: not asked."""
    shown = {each.topic.name: _partition_items(each, eligible) for each in described}
    more = () if eligible is None else _ELIGIBLE_COLUMNS
    return Document(
        kind="TopicDescription",
        context=invocation.context.name,
        columns=(*_PARTITION_COLUMNS, *more),
        items=[_describe_item(each, shown[each.topic.name]) for each in described],
        rows=[{"topic": each.topic.name, **part} for each in described for part in shown[each.topic.name]],
        blocks=[block for each in described for block in _describe_blocks(each, shown[each.topic.name], more)],
        errors=[
            *missing_topics(found.missing, found.near),
            *_topic_errors(found.topics),
            *(error for each in described for error in _partition_errors(each)),
            *_eligible_errors(eligible or {}),
        ],
    )


def _partition_errors(described: TopicDescription) -> list[ItemError]:
    where = described.topic.name
    errors = [
        ItemError(
            item=f"{where}/{part.info.partition}", error=part.error.as_exception(f"{where}/{part.info.partition}")
        )
        for part in described.partitions
        if part.error is not None
    ]
    if described.configs_error is not None and described.topic.error is None:
        errors.append(
            ItemError(item=f"configs of {where}", error=described.configs_error.as_exception(f"configs of {where}"))
        )
    return errors


_ELIGIBLE_COLUMNS = (Column(key="eligible"), Column(key="last_known", header="LAST KNOWN"))

Eligible = Mapping[TopicName, "tuple[EligibleLeaders, ...] | KafkaError"]


def _partition_items(described: TopicDescription, eligible: Eligible | None) -> list[Item]:
    items = [_partition_item(part) for part in described.partitions]
    if eligible is None:
        return items
    found = eligible.get(described.topic.name, ())
    told = {} if isinstance(found, KafkaError) else {each.partition.partition: each for each in found}
    return [{**item, **_eligible_item(told.get(int(str(item["partition"]))))} for item in items]


def _eligible_item(told: "EligibleLeaders | None") -> Item:
    return {"eligible": told and told.eligible, "last_known": told and told.last_known}


def _eligible_errors(eligible: Eligible) -> list[ItemError]:
    return [
        ItemError(item=label, error=found.as_exception(label))
        for topic, found in eligible.items()
        if isinstance(found, KafkaError) and (label := f"eligible leaders of {topic}")
    ]


def _partition_item(part: PartitionOffsets) -> Item:
    info = part.info
    return {
        "partition": info.partition,
        "leader": info.leader_id if info.leader_id >= 0 else None,
        "leader_epoch": info.leader_epoch if info.leader_epoch >= 0 else None,
        "replicas": info.replicas,
        "isr": info.isr,
        "offline": info.offline,
        "start": int64(part.start),
        "end": int64(part.end),
        "span": int64(part.span),
    }


def _describe_item(described: TopicDescription, partitions: Sequence[Item]) -> Item:
    topic = described.topic
    configs = described.configs
    return {
        "name": topic.name,
        "topic_id": topic.topic_id,
        "internal": topic.internal,
        "replicas": topic.replication_factor,
        "span": int64(described.span),
        "configs": None if configs is None else {entry.name.raw: entry.value for entry in configs},
        "partitions": partitions,
    }


def _describe_blocks(described: TopicDescription, partitions: Sequence[Item], more: Sequence[Column]) -> list[Block]:
    topic = described.topic
    configs = described.configs
    facts = [
        ("id", topic.topic_id or show(None)),
        ("partitions", show(len(topic.partitions))),
        ("replicas", show(topic.replication_factor)),
        ("offsets", f"{show(described.span)} between start and end"),
    ]
    if topic.internal:
        facts.append(("internal", "yes"))
    if configs is None:
        facts.append(("configs", "not readable"))
    else:
        facts += [(str(entry.name), show(entry.value)) for entry in configs]
        if not configs:
            facts.append(("configs", "all from the cluster's defaults"))
    return [
        Block(
            heading=f"Topic {topic.name}",
            facts=facts,
            columns=(*_PARTITION_COLUMNS[1:], *more),
            rows=partitions,
        )
    ]
