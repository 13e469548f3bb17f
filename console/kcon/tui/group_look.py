"""What does one look at a group show? Its lag, how late each partition is, its settings, what can be taken back.

Runs on the engine's thread; what it returns is frozen and belongs to the screen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kcon.core.config_entry import ConfigEntry, ConfigResource, ResourceType
from kcon.core.ids import GroupId, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.errors import KconError
from kcon.gate.undo import UndoRecord
from kcon.observe.lag_engine import (
    UNKNOWN_BOUNDS,
    Bounds,
    GroupReading,
    LagEngine,
    PartitionLateness,
    Rates,
    assigned_partitions,
)
from kcon.services.groups import LagReport, group_lag
from kcon.services.session import Session
from kcon.services.undo import list_undo_records

EngineOf = Callable[[], LagEngine | None]
"""Returns what the sampler remembers; None before its first look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLook:
    """One group at one moment."""

    report: LagReport
    undo: tuple[UndoRecord, ...] = ()
    configs: tuple[ConfigEntry, ...] | None = None
    """None where the cluster does not know any, or does not tell."""
    late: Mapping[TopicPartition, PartitionLateness] = field(default_factory=dict)
    rates: Mapping[TopicPartition, Rates] = field(default_factory=dict)
    """From the sampler's looks before this one."""


async def look_at_group(session: Session, group: GroupId, lag_engine_of: EngineOf) -> GroupLook:
    """Ask for everything that the view of a group shows."""
    report = await group_lag(session, [group.raw])
    undo = await list_undo_records(session, group)
    configs = await _configs_of(session, group)
    lag_engine = lag_engine_of()
    if lag_engine is None:
        return GroupLook(report=report, undo=tuple(undo), configs=configs)
    now_ms = session.now_ms()
    late = lag_engine.rows(_reading(group, report), now_ms)
    return GroupLook(
        report=report,
        undo=tuple(undo),
        configs=configs,
        late={each.where: each for each in late},
        rates={each.where: lag_engine.rates(group, each.where) for each in late},
    )


def _reading(group: GroupId, report: LagReport) -> GroupReading:
    described = report.groups.get(group)
    bounds = {row.partition: Bounds(row.start, row.end) for row in report.rows}
    return GroupReading(
        group=group,
        commits={row.partition: row.committed for row in report.rows if row.committed is not None},
        bounds_of=lambda where: bounds.get(where, UNKNOWN_BOUNDS),
        # What was assigned but could not be read is not without a commit.
        assigned=assigned_partitions(described) - {where for _group, where in report.partition_errors},
        state=described.state if described is not None else "",
        members=len(described.members) if described is not None else None,
    )


async def _configs_of(session: Session, group: GroupId) -> tuple[ConfigEntry, ...] | None:
    """Return the group's own settings (KIP-848)."""
    resource = ConfigResource(ResourceType.GROUP, group)
    try:
        told = (await (await session.admin()).describe_configs([resource]))[resource]
    except KconError:
        return None
    return None if isinstance(told, KafkaError) else tuple(told.values())
