"""How are the settings and the partitions of topics changed, and their records purged? Plans for `item_changes`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kcon.admin.client import Admin
from kcon.core.config_entry import ConfigEdit, ConfigEntry, ConfigOperation, ConfigResource, ResourceType
from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import EARLIEST, LATEST
from kcon.core.offset_spec import Absolute, AtTime, FromEnd, FromStart, OffsetSpec, query_of
from kcon.core.snapshot import OffsetAt, OffsetResult, TopicInfo
from kcon.core.wire_text import WireText
from kcon.errors import UsageError
from kcon.gate.permit import Operation, Permit
from kcon.services.item_changes import ItemChanges
from kcon.services.near_names import near_names
from kcon.services.session import Session

ConfigEdits = Sequence[tuple[str, str, str | None]]
"""Operation (`set`, `delete`, `append`, `subtract`), setting, value."""


class ConfigRow(NamedTuple):
    """One setting of an alteration plan."""

    resource: ConfigResource
    name: str
    edit: ConfigEdit
    current: WireText | None
    new: WireText | None
    """None: back to the default."""
    sensitive: bool = False
    near: tuple[str, ...] = ()
    """Of a setting that topics do not have, those that are spelt nearly so."""


class PurgeRow(NamedTuple):
    """One partition of a purge plan."""

    partition: TopicPartition
    start: int | None
    end: int | None
    before: int | None
    """The new log start; None when it is unknown."""
    error: KafkaError | None

    @property
    def goes(self) -> int:
        """How many offsets go away."""
        return 0 if self.start is None or self.before is None else max(0, self.before - self.start)


class GrowthRow(NamedTuple):
    """One topic of a plan to add partitions."""

    topic: TopicName
    current: int
    new: int


def topic_resources(topics: Sequence[TopicInfo]) -> list[ConfigResource]:
    """Return the config resources of topics."""
    return [ConfigResource(ResourceType.TOPIC, topic.name) for topic in topics]


async def plan_config_edits(
    session: Session, resources: Sequence[ConfigResource], edits: ConfigEdits, *, by_pattern: bool = False
) -> tuple[list[ConfigRow], dict[ConfigResource, KafkaError], ItemChanges[ConfigResource]]:
    """Plan the same edits for several resources; return the rows, what could not be read, and the changes."""
    admin = await session.admin()
    found = await admin.describe_configs(resources)
    made = {name: ConfigEdit(ConfigOperation[word.upper()], value) for word, name, value in edits}
    rows: list[ConfigRow] = []
    errors: dict[ConfigResource, KafkaError] = {}
    for resource in resources:
        configs = found[resource]
        if isinstance(configs, KafkaError):
            errors[resource] = configs
            continue
        rows += [_config_row(resource, name, edit, configs) for name, edit in made.items()]
    chosen = tuple(resource for resource in resources if resource not in errors)

    async def send(admin: Admin, permit: Permit) -> Mapping[ConfigResource, KafkaError | None]:
        return await admin.alter_configs(dict.fromkeys(chosen, made), permit)

    async def check(admin: Admin) -> Mapping[ConfigResource, KafkaError | None]:
        return await admin.alter_configs(dict.fromkeys(chosen, made), None, validate_only=True)

    changes = ItemChanges(
        operation=Operation.CONFIG_ALTER,
        targets=frozenset(resource.target for resource in chosen),
        keys=chosen,
        label=lambda resource: resource.target.replace(":", " ", 1),
        send=send,
        check=check,
        by_pattern=by_pattern,
    )
    return rows, errors, changes


def _config_row(
    resource: ConfigResource, name: str, edit: ConfigEdit, configs: Mapping[WireText, ConfigEntry]
) -> ConfigRow:
    entry = configs.get(WireText(name))
    current = entry.value if entry is not None else None
    new = edit.applied_to(current.raw if current is not None else None)
    sensitive = entry is not None and entry.sensitive
    # A topic tells every setting that there is; others only what somebody set.
    is_unknown = entry is None and resource.type is ResourceType.TOPIC
    near = tuple(near_names(name, [each.raw for each in configs])) if is_unknown else ()
    return ConfigRow(resource, name, edit, current, WireText(new) if new is not None else None, sensitive, near)


def plan_growth(
    topics: Sequence[TopicInfo], *, total: int | None, more: int | None, by_pattern: bool = False
) -> tuple[list[GrowthRow], ItemChanges[TopicName]]:
    """Plan to add partitions: to `total` each, or by `more`. UsageError when a topic would not grow."""
    rows = []
    for topic in topics:
        current = len(topic.partitions)
        new = total if total is not None else current + (more or 0)
        if new <= current:
            raise UsageError(f"Topic {topic.name} has {current} partitions already; Kafka cannot take partitions away.")
        rows.append(GrowthRow(topic.name, current, new))
    counts = {row.topic: row.new for row in rows}

    async def send(admin: Admin, permit: Permit) -> Mapping[TopicName, KafkaError | None]:
        return await admin.add_partitions(counts, permit)

    async def check(admin: Admin) -> Mapping[TopicName, KafkaError | None]:
        return await admin.add_partitions(counts, None, validate_only=True)

    changes = ItemChanges(
        operation=Operation.PARTITIONS_ADD,
        targets=frozenset(name.raw for name in counts),
        keys=tuple(counts),
        label=lambda name: f"topic {name.raw}",
        send=send,
        check=check,
        by_pattern=by_pattern,
    )
    return rows, changes


async def plan_purge(
    session: Session,
    topics: Sequence[TopicInfo],
    before: OffsetSpec,
    *,
    partitions: Sequence[int] = (),
    by_pattern: bool = False,
) -> tuple[list[PurgeRow], ItemChanges[TopicPartition]]:
    """Plan to delete what is before a place, clamped to what exists."""
    places = [
        TopicPartition(topic.name, part.partition)
        for topic in topics
        for part in topic.partitions
        if not partitions or part.partition in partitions
    ]
    admin = await session.admin()
    starts, ends = await admin.list_offsets(places, EARLIEST), await admin.list_offsets(places, LATEST)
    query = query_of(before)
    times: Mapping[TopicPartition, OffsetResult] = {}
    if isinstance(before, AtTime) and query is not None:
        times = await admin.list_offsets(places, query)
    rows = [_purge_row(where, before, starts[where], ends[where], times.get(where)) for where in places]
    offsets = {row.partition: row.before for row in rows if row.goes and row.before is not None}

    async def send(admin: Admin, permit: Permit) -> Mapping[TopicPartition, KafkaError | None]:
        told = await admin.delete_records(offsets, permit)
        return {where: result if isinstance(result, KafkaError) else None for where, result in told.items()}

    changes = ItemChanges(
        operation=Operation.RECORDS_DELETE,
        targets=frozenset(where.topic.raw for where in offsets),
        keys=tuple(offsets),
        label=lambda where: f"{where.topic.raw}/{where.partition}",
        send=send,
        by_pattern=by_pattern,
    )
    return rows, changes


def _purge_row(
    where: TopicPartition, before: OffsetSpec, start: OffsetResult, end: OffsetResult, at_time: OffsetResult | None
) -> PurgeRow:
    error = next((each for each in (start, end, at_time) if isinstance(each, KafkaError)), None)
    if not isinstance(start, OffsetAt) or not isinstance(end, OffsetAt) or error is not None:
        return PurgeRow(where, None, None, None, error)
    match before:
        case FromStart():
            place = start.offset + before.plus
        case FromEnd():
            place = end.offset - before.minus
        case Absolute():
            place = before.offset
        case AtTime() if isinstance(at_time, OffsetAt):
            # No record that late: everything is older.
            place = at_time.offset if at_time.found else end.offset
        case _:
            raise UsageError("A purge has no commit to start from.", "Name a place: end, @-1h, 42, end-1000.")
    place = min(max(place, start.offset), end.offset)
    return PurgeRow(where, start.offset, end.offset, place, None)
