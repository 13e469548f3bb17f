"""What must change so that topics are as a file says? A plan from the file and the cluster, and its execution.

The file is TOML:

    [topic.orders]
    partitions = 12
    replication_factor = 3
    [topic.orders.config]
    "retention.ms" = 86400000
    "cleanup.policy" = ["compact", "delete"]

Only what the file names is looked at. Nothing is deleted, no setting taken back, unless that was asked for.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Final

from kcon.admin.topic_changes import NewTopic
from kcon.core.config_entry import ConfigResource, ResourceType
from kcon.core.ids import TopicName, topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import TopicInfo
from kcon.core.wire_text import display_safe
from kcon.errors import KconError, RefusedError, UsageError
from kcon.gate.permit import Operation
from kcon.services.job_progress import restated
from kcon.services.session import Session
from kcon.services.topic_changes import TopicCreatePlan, TopicDeletePlan, apply_create, apply_delete
from kcon.services.topics import describe_topics, is_missing

TOPICS_MAX: Final = 100_000
PARTITIONS_MAX: Final = 1_000_000
_KEYS: Final = ("partitions", "replication_factor", "config")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """One topic as the file says. None: whatever it is, or the cluster's default when it is made."""

    name: TopicName
    partitions: int | None = None
    replication_factor: int | None = None
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRow:
    """One difference."""

    topic: TopicName
    action: str
    """create, add-partitions, set, reset, delete, or refused."""
    what: str
    current: str | None
    wanted: str | None
    error: KconError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPlan:
    """All differences; the unchanged topics are counted."""

    rows: Sequence[ApplyRow]
    unchanged: int
    creates: Sequence[NewTopic]
    growth: Mapping[TopicName, int]
    settings: Mapping[TopicName, Mapping[str, str | None]]
    deletes: TopicDeletePlan | None

    @property
    def targets(self) -> frozenset[str]:
        """The raw names of the topics that change."""
        return frozenset(row.topic.raw for row in self.rows if row.error is None)

    @property
    def error(self) -> KconError | None:
        """Why it cannot be carried out as a whole."""
        return next((row.error for row in self.rows if row.error is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _StepPlan:
    """What the gate is asked for one kind of change."""

    operation: Operation
    targets: frozenset[str]
    confirmed_by: str | None


def parse_specs(data: bytes) -> list[TopicSpec]:
    """Read a file. UsageError names the line, or the table and the key."""
    try:
        document = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"The file is not TOML: {display_safe(str(error))}.") from error
    topics = document.pop("topic", {})
    for stray in document:
        raise UsageError(f"The file has a table {display_safe(stray)} that means nothing.", "Write [topic.NAME].")
    if not isinstance(topics, dict) or not topics or len(topics) > TOPICS_MAX:
        raise UsageError("The file names no topic.", "Write [topic.NAME] with partitions, replication_factor, config.")
    return [_spec(name, table) for name, table in topics.items()]


def _spec(name: str, table: Any) -> TopicSpec:
    where = f"[topic.{display_safe(name)}]"
    if not isinstance(table, dict):
        raise UsageError(f"{where} is not a table.")
    for key in table:
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(_KEYS)}."
            raise UsageError(f"{where} has a key {display_safe(key)} that means nothing.", hint)
    configs = table.get("config", {})
    if not isinstance(configs, dict):
        raise UsageError(f"{where} config is not a table.")
    return TopicSpec(
        name=topic_name(name),
        partitions=_count(where, table, "partitions", PARTITIONS_MAX),
        replication_factor=_count(where, table, "replication_factor", 32_767),
        configs={key: _setting(where, key, value) for key, value in _flat(configs)},
    )


def _flat(configs: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return settings by their full names: `retention.ms = 1` without quotes is a table within a table."""
    found: list[tuple[str, Any]] = []
    for key, value in configs.items():
        found += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return found


def _count(where: str, table: Mapping[str, Any], key: str, limit: int) -> int | None:
    value = table.get(key)
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= limit:
        raise UsageError(f"{where} {key} is no number from 1 to {limit:,}.")
    return value


def _setting(where: str, key: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case list() if all(isinstance(part, str) for part in value):
            return ",".join(value)
        case _:
            raise UsageError(f"{where} config {display_safe(key)} is neither text, number, truth value nor list.")


async def plan_apply(
    session: Session, specs: Sequence[TopicSpec], *, resets: bool = False, delete: str | None = None
) -> ApplyPlan:
    """Compare the file with the cluster. resets: settings that the file does not name go back to the default.

    delete: topics that match this glob and are not in the file are deleted.
    """
    admin = await session.admin()
    infos = {info.name: info for info in await admin.topics([spec.name for spec in specs])}
    there = [info for info in infos.values() if not is_missing(info)]
    described = {each.topic.name: each for each in await describe_topics(session, there)}
    rows: list[ApplyRow] = []
    creates: list[NewTopic] = []
    growth: dict[TopicName, int] = {}
    settings: dict[TopicName, Mapping[str, str | None]] = {}
    unchanged = 0
    for spec in specs:
        before = len(rows)
        found = described.get(spec.name)
        if found is None:
            creates.append(_new_topic(spec))
            rows += _create_rows(spec)
            continue
        if found.topic.error is not None:
            raise found.topic.error.as_exception(f"topic {spec.name}")
        if found.configs is None:
            assert found.configs_error is not None
            raise found.configs_error.as_exception(f"configs of {spec.name}")
        rows += _shape_rows(spec, found.topic, growth)
        set_here = {entry.name.raw: entry.value.raw if entry.value is not None else "" for entry in found.configs}
        in_force = await _in_force(session, spec)
        edits = _edits(spec, set_here, in_force, resets=resets)
        if edits:
            settings[spec.name] = edits
        rows += [
            ApplyRow(
                topic=spec.name,
                action="reset" if value is None else "set",
                what=key,
                current=set_here.get(key, in_force.get(key)),
                wanted=value,
            )
            for key, value in edits.items()
        ]
        unchanged += len(rows) == before
    deletes = None if delete is None else await _deletes(session, specs, delete, rows)
    return ApplyPlan(rows=rows, unchanged=unchanged, creates=creates, growth=growth, settings=settings, deletes=deletes)


async def _in_force(session: Session, spec: TopicSpec) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, spec.name)
    configs = (await (await session.admin()).describe_configs([resource]))[resource]
    if isinstance(configs, KafkaError):
        raise configs.as_exception(f"configs of {spec.name}")
    return {name.raw: entry.value.raw for name, entry in configs.items() if entry.value is not None}


def _edits(
    spec: TopicSpec, set_here: Mapping[str, str], in_force: Mapping[str, str], *, resets: bool
) -> dict[str, str | None]:
    edits: dict[str, str | None] = {
        key: value for key, value in spec.configs.items() if set_here.get(key, in_force.get(key)) != value
    }
    if resets:
        edits |= dict.fromkeys(key for key in set_here if key not in spec.configs)
    return edits


def _new_topic(spec: TopicSpec) -> NewTopic:
    return NewTopic(
        name=spec.name,
        partitions=spec.partitions or -1,
        replication_factor=spec.replication_factor or -1,
        configs=spec.configs,
    )


def _create_rows(spec: TopicSpec) -> list[ApplyRow]:
    shape = {"partitions": spec.partitions, "replication_factor": spec.replication_factor}
    told = {key: "the cluster's default" if value is None else str(value) for key, value in shape.items()}
    return [
        ApplyRow(topic=spec.name, action="create", what=key, current=None, wanted=value)
        for key, value in {**told, **spec.configs}.items()
    ]


def _shape_rows(spec: TopicSpec, topic: TopicInfo, growth: dict[TopicName, int]) -> list[ApplyRow]:
    rows: list[ApplyRow] = []
    current, wanted = len(topic.partitions), spec.partitions
    if wanted is not None and wanted != current:
        error = None
        if wanted < current:
            error = RefusedError(
                f"Topic {spec.name} has {current} partitions, and Kafka cannot take any away.", "Mend the file."
            )
        else:
            growth[spec.name] = wanted
        rows.append(_row(spec, "add-partitions", "partitions", current=current, wanted=wanted, error=error))
    replicas, wanted = topic.replication_factor, spec.replication_factor
    if wanted is not None and wanted != replicas:
        error = RefusedError(
            f"Topic {spec.name} has {replicas} replicas, not {wanted}: that is moved, not set.",
            f"`kcon reassign plan -t {spec.name}` does it.",
        )
        rows.append(_row(spec, "refused", "replication_factor", current=replicas, wanted=wanted, error=error))
    return rows


def _row(spec: TopicSpec, action: str, what: str, *, current: int, wanted: int, error: KconError | None) -> ApplyRow:
    return ApplyRow(
        topic=spec.name,
        action=action if error is None else "refused",
        what=what,
        current=str(current),
        wanted=str(wanted),
        error=error,
    )


async def _deletes(
    session: Session, specs: Sequence[TopicSpec], pattern: str, rows: list[ApplyRow]
) -> TopicDeletePlan | None:
    kept = {spec.name for spec in specs}
    infos = await (await session.admin()).topics()
    gone = [
        info for info in infos if not info.internal and info.name not in kept and fnmatchcase(info.name.raw, pattern)
    ]
    if not gone:
        return None
    described = await describe_topics(session, gone)
    for each in described:
        span = "?" if each.span is None else f"{each.span:,}"
        rows.append(
            ApplyRow(topic=each.topic.name, action="delete", what="topic", current=f"{span} offsets", wanted=None)
        )
    return TopicDeletePlan(descriptions=tuple(described), by_pattern=True)


async def apply_plan(session: Session, plan: ApplyPlan, confirmed_by: str) -> dict[TopicName, KconError]:
    """Create, grow, set, delete, in this order; return what failed. The others are done."""
    failed: dict[TopicName, KconError] = {}

    def note(results: Mapping[TopicName, KafkaError | None]) -> None:
        failed.update({name: error.as_exception(f"topic {name}") for name, error in results.items() if error})

    def word(targets: frozenset[str]) -> str:
        return restated(confirmed_by, plan.targets, targets)

    if plan.creates:
        create = TopicCreatePlan(topics=tuple(plan.creates))
        word_of_create = word(create.targets)
        note(await apply_create(session, TopicCreatePlan(topics=create.topics, confirmed_by=word_of_create)))
    admin = await session.admin()
    if plan.growth:
        names = frozenset(name.raw for name in plan.growth)
        step = _StepPlan(operation=Operation.PARTITIONS_ADD, targets=names, confirmed_by=word(names))
        permit = await session.authorise(step)
        results = await admin.add_partitions(plan.growth, permit)
        session.gate.record_result(permit, ok=not any(results.values()), detail={})
        note(results)
    if plan.settings:
        edits = {ConfigResource(ResourceType.TOPIC, name): each for name, each in plan.settings.items()}
        names = frozenset(resource.target for resource in edits)
        step = _StepPlan(operation=Operation.CONFIG_ALTER, targets=names, confirmed_by=word(names))
        permit = await session.authorise(step)
        told = await admin.alter_configs(edits, permit)
        session.gate.record_result(permit, ok=not any(told.values()), detail={})
        note({topic_name(resource.name.raw): error for resource, error in told.items()})
    if plan.deletes is not None:
        deletes = plan.deletes
        confirmed = TopicDeletePlan(
            descriptions=deletes.descriptions, by_pattern=True, confirmed_by=word(deletes.targets)
        )
        note(await apply_delete(session, confirmed))
    return failed
