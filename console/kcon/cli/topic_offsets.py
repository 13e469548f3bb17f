"""`kcon topic offsets`: asks ListOffsets once for every partition, and shows what came."""

from kcon.cli.document import Column, Document, Item, ItemError, MadeItems, int64
from kcon.cli.invocation import Invocation
from kcon.cli.topic import missing_topics
from kcon.commands.topic_offsets import TopicOffsets
from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import EARLIEST, LATEST, MAX_TIMESTAMP, OffsetQuery
from kcon.core.offset_spec import AtTime, FromEnd, FromStart, Purpose, parse_offset_spec, query_of
from kcon.core.snapshot import OffsetAt, TopicInfo
from kcon.errors import NotFoundError, UsageError
from kcon.services.session import Session
from kcon.services.topics import find_topics, list_topics

_COLUMNS = (Column(key="topic"), Column(key="partition", right=True), Column(key="offset", right=True))
_TIME_COLUMN = Column(key="timestamp_ms", right=True)


async def run_topic_offsets(request: TopicOffsets, invocation: Invocation, session: Session) -> int:
    """Execute the request."""
    query = _query(request.at, invocation)
    names = invocation.patterns(request.names)
    async with invocation.deadline():
        if names is None:
            found = await list_topics(session, None, internal=request.internal)
        else:
            found = await find_topics(session, names, regex=request.regex)
        places, errors = _places(found.topics, request.partitions)
        admin = await session.admin()
        results = await admin.list_offsets(places, query, read_committed=request.read_committed)
    told = [(where, result) for where, result in results.items() if isinstance(result, OffsetAt)]
    for where, result in results.items():
        if isinstance(result, KafkaError):
            label = f"{where.topic}/{where.partition}"
            errors.append(ItemError(item=label, error=result.as_exception(label)))
    has_times = query not in {LATEST, EARLIEST}
    return invocation.show(
        Document(
            kind="TopicOffsets",
            context=invocation.context.name,
            columns=(*_COLUMNS, _TIME_COLUMN) if has_times else _COLUMNS,
            name_key="topic",
            items=MadeItems(told, _item_with_time if has_times else _item),
            errors=[*missing_topics(found.missing, found.near), *errors],
        )
    )


def _item(told: tuple[TopicPartition, OffsetAt]) -> Item:
    (topic, partition), at = told
    return {"topic": topic, "partition": partition, "offset": int64(at.offset) if at.offset >= 0 else None}


def _item_with_time(told: tuple[TopicPartition, OffsetAt]) -> Item:
    time_ms = told[1].timestamp_ms
    return {**_item(told), "timestamp_ms": int64(time_ms) if time_ms >= 0 else None}


def _query(at: str, invocation: Invocation) -> OffsetQuery:
    if at == "max-timestamp":
        return MAX_TIMESTAMP
    zone, _name = invocation.zone
    spec = parse_offset_spec(at, now_ms=invocation.environment.now_ms(), tz=zone, purpose=Purpose.CONSUME)
    query = query_of(spec)
    if query is None or not (isinstance(spec, AtTime) or spec in {FromStart(), FromEnd()}):
        raise UsageError(f"--at {at} is no place that a broker can be asked for.", "Give start, end or @TIME.")
    return query


def _places(topics: list[TopicInfo], partitions: tuple[int, ...]) -> tuple[list[TopicPartition], list[ItemError]]:
    """Return the partitions to ask for, and an error for each topic that lacks one that was named."""
    wanted = set(partitions)
    places: list[TopicPartition] = []
    errors: list[ItemError] = []
    for topic in topics:
        if topic.error is not None:
            label = f"topic {topic.name}"
            errors.append(ItemError(item=label, error=topic.error.as_exception(label)))
            continue
        mine = [part.partition for part in topic.partitions if not wanted or part.partition in wanted]
        places += [TopicPartition(topic.name, partition) for partition in mine]
        for partition in sorted(wanted - set(mine)):
            error = NotFoundError(f"Topic {topic.name} has no partition {partition}.")
            errors.append(ItemError(item=f"{topic.name}/{partition}", error=error))
    return places, errors
