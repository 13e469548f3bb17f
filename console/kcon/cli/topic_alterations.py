"""`kcon topic alter`, `add-partitions` and `purge`: plan, question, outcome."""

from collections.abc import Mapping, Sequence

from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, ItemError, Value, int64
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.cli.topic import missing_topics
from kcon.commands.request import Confirmation
from kcon.commands.topic import TopicAddPartitions, TopicAlter, TopicPurge
from kcon.core.config_entry import ConfigResource
from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_spec import Purpose, parse_offset_spec
from kcon.core.wire_text import display_safe
from kcon.gate.permit import Operation
from kcon.services.item_changes import ItemChanges
from kcon.services.names import is_pattern
from kcon.services.near_names import did_you_mean
from kcon.services.session import Session
from kcon.services.topic_alterations import (
    ConfigRow,
    plan_config_edits,
    plan_growth,
    plan_purge,
    topic_resources,
)
from kcon.services.topics import TopicsFound, find_topics

TopicAlteration = TopicAlter | TopicAddPartitions | TopicPurge


async def run_topic_alteration(request: TopicAlteration, invocation: Invocation, session: Session) -> int:
    """Execute one change of existing topics."""
    match request:
        case TopicAlter():
            return await _alter(request, invocation, session)
        case TopicAddPartitions():
            return await _add_partitions(request, invocation, session)
        case TopicPurge():
            return await _purge(request, invocation, session)


async def _found(request: TopicAlteration, invocation: Invocation, session: Session) -> tuple[TopicsFound, bool]:
    names = invocation.names(request.names)
    found = await find_topics(session, names, regex=request.regex)
    for topic in found.topics:
        if topic.error is not None:
            raise topic.error.as_exception(f"topic {topic.name}")
    return found, any(is_pattern(name, regex=request.regex) for name in names)


async def _alter(request: TopicAlter, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.CONFIG_ALTER, request.confirmation)
    async with invocation.deadline():
        found, by_pattern = await _found(request, invocation, session)
        rows, errors, changes = await plan_config_edits(
            session, topic_resources(found.topics), request.edits, by_pattern=by_pattern
        )
    count = len(changes.keys)
    what = f"topic {changes.keys[0].name}" if count == 1 else f"{count:,} topics"
    return await carry_out_config_edits(
        invocation,
        session,
        request.confirmation,
        (rows, changes),
        kind="TopicAlteration",
        question=f"Change {what}?",
        errors=[*missing_topics(found.missing, found.near), *config_errors(errors)],
    )


CONFIG_COLUMNS = (
    Column(key="name"),
    Column(key="config"),
    Column(key="current"),
    Column(key="new"),
)


def config_errors(errors: Mapping[ConfigResource, KafkaError]) -> list[ItemError]:
    """Return the errors of resources whose configs could not be read."""
    return [
        ItemError(item=f"configs of {resource.name}", error=error.as_exception(f"configs of {resource.name}"))
        for resource, error in errors.items()
    ]


async def carry_out_config_edits(
    invocation: Invocation,
    session: Session,
    confirmation: Confirmation,
    plan: tuple[Sequence[ConfigRow], ItemChanges[ConfigResource]],
    *,
    kind: str,
    question: str,
    errors: Sequence[ItemError],
) -> int:
    """Carry out edits of configs: a line for each setting, a result for each resource."""
    rows, changes = plan
    by_resource: dict[ConfigResource, list[ConfigRow]] = {}
    for row in rows:
        by_resource.setdefault(row.resource, []).append(row)

    def item(resource: ConfigResource) -> Mapping[str, Value]:
        mine = by_resource[resource]
        return {
            "name": resource.name,
            "config": [row.name for row in mine],
            "current": [_shown(row, row.current) for row in mine],
            "new": [_shown(row, row.new) for row in mine],
        }

    shape = Shape(
        kind=kind,
        columns=CONFIG_COLUMNS,
        question=question,
        planned="to be changed",
        done="changed",
        what="resources",
        errors=errors,
        notes=[
            f"There may be no setting {display_safe(name)}. {did_you_mean(near, '')}"
            for name, near in {row.name: row.near for row in rows if row.near}.items()
        ],
    )
    return await carry_out_items(invocation, session, confirmation, changes, shape, item=item)


def _shown(row: ConfigRow, value: Value) -> Value:
    if row.sensitive:
        return "(hidden)"
    return "(default)" if value is None else value


_GROWTH_COLUMNS = (Column(key="name"), Column(key="current", right=True), Column(key="new", right=True))


async def _add_partitions(request: TopicAddPartitions, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.PARTITIONS_ADD, request.confirmation)
    async with invocation.deadline():
        found, by_pattern = await _found(request, invocation, session)
    rows, changes = plan_growth(found.topics, total=request.total, more=request.more, by_pattern=by_pattern)
    by_name = {row.topic: row for row in rows}
    what = f"topic {rows[0].topic}" if len(rows) == 1 else f"{len(rows):,} topics"
    shape = Shape(
        kind="PartitionGrowth",
        columns=_GROWTH_COLUMNS,
        question=f"Add {sum(row.new - row.current for row in rows):,} partitions to {what}? This cannot be undone.",
        planned="to be grown",
        done="grown",
        what="topics",
        errors=missing_topics(found.missing, found.near),
        notes=["Records of one key go to another partition from then on, so their order is not kept across it."],
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        changes,
        shape,
        item=lambda name: {"name": name, "current": by_name[name].current, "new": by_name[name].new},
    )


_PURGE_COLUMNS = (
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="start", right=True),
    Column(key="new_start", right=True),
    Column(key="end", right=True),
    Column(key="deleted", header="OFFSETS GONE", right=True),
)


async def _purge(request: TopicPurge, invocation: Invocation, session: Session) -> int:
    zone, _name = invocation.zone
    before = parse_offset_spec(request.before, now_ms=invocation.environment.now_ms(), tz=zone, purpose=Purpose.CONSUME)
    refuse_early(session, Operation.RECORDS_DELETE, request.confirmation)
    async with invocation.deadline():
        found, by_pattern = await _found(request, invocation, session)
        rows, changes = await plan_purge(
            session, found.topics, before, partitions=request.partitions, by_pattern=by_pattern
        )
    by_place = {row.partition: row for row in rows}
    errors = [*missing_topics(found.missing, found.near)]
    for row in rows:
        if row.error is not None:
            where = f"{row.partition.topic}/{row.partition.partition}"
            errors.append(ItemError(item=where, error=row.error.as_exception(where)))
    gone = sum(row.goes for row in rows)
    what = f"topic {found.topics[0].name}" if len(found.topics) == 1 else f"{len(found.topics):,} topics"
    shape = Shape(
        kind="TopicPurge",
        columns=_PURGE_COLUMNS,
        question=f"Delete {gone:,} offsets of {what}? This cannot be undone.",
        planned="to be purged",
        done="purged",
        what="partitions",
        name_key="topic",
        errors=errors,
        notes=[] if changes.keys or errors else ["There is nothing before that place."],
    )

    def item(where: TopicPartition) -> Mapping[str, Value]:
        row = by_place[where]
        return {
            "topic": row.partition.topic,
            "partition": row.partition.partition,
            "start": int64(row.start),
            "new_start": int64(row.before),
            "end": int64(row.end),
            "deleted": int64(row.goes),
        }

    return await carry_out_items(invocation, session, request.confirmation, changes, shape, item=item)
