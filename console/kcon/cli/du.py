"""`kcon du`: shows who uses the disks, the largest first."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from kcon.cli.document import Column, Document, Item, ItemError, Value, int64
from kcon.cli.invocation import Invocation
from kcon.commands.du import Du
from kcon.commands.request import OutputFormat, Request
from kcon.core.disk_usage import PartitionUse, VolumeUse
from kcon.core.units import format_bytes, format_bytes_rate, format_duration
from kcon.core.wire_text import display_safe
from kcon.errors import NotFoundError
from kcon.services.disk_history import DiskGrowth, growth_from_history, with_growth
from kcon.services.disk_usage import DiskUsage, read_disk_usage

BAR_CELLS: Final = 12
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_FOR_PEOPLE: Final = frozenset({OutputFormat.TABLE, OutputFormat.WIDE})


def _bytes(value: Value) -> str:
    return format_bytes(value) if isinstance(value, int) else ""


def _rate(value: Value) -> str:
    return format_bytes_rate(value) if isinstance(value, int | float) else ""


def _duration(value: Value) -> str:
    return format_duration(value) if isinstance(value, int) else ""


_SIZE = Column(key="size_bytes", header="SIZE", right=True, show=_bytes)
_GROWTH = Column(key="growth_bytes_per_s", header="GROWTH", right=True, show=_rate)
_SHARE = Column(key="share", right=True, show=lambda value: f"{value:.0%}" if isinstance(value, float) else "")
_VOLUME = (
    Column(key="broker", right=True, show=str),
    Column(key="path"),
    _SIZE,
    Column(key="total_bytes", header="VOLUME", right=True, show=_bytes),
    Column(key="usable_bytes", header="FREE", right=True, show=_bytes),
    _GROWTH,
    Column(key="full_in_ms", header="FULL IN", right=True, show=_duration),
    Column(key="error", drop=1),
)


async def run_du(request: Request, invocation: Invocation) -> int:
    """Look, and show it."""
    assert isinstance(request, Du)
    names = invocation.patterns(request.names)
    async with invocation.open_session() as session:
        usage = await read_disk_usage(session, names, watch_ms=request.watch_ms, retentions_ms=request.retentions_ms)
        growth = None if request.watch_ms else await growth_from_history(session)
    if growth is not None:
        usage = replace(usage, volumes=with_growth(usage.volumes, growth))
    errors = [
        ItemError(item=f"broker {broker_id}", error=told.as_exception(f"Log dirs of broker {broker_id}"))
        for broker_id, told in usage.errors.items()
    ]
    errors += [
        ItemError(item=f"topic {(safe := display_safe(name))}", error=NotFoundError(f"No broker has topic {safe}."))
        for name in usage.missing
    ]
    if request.by == "broker":
        items = [_volume(each) for each in usage.volumes]
        columns: Sequence[Column] = _VOLUME
        rows: Sequence[Item] = items
        notes: list[str] = []
    else:
        items, rows = _uses(usage, request, growth)
        columns = _columns(request, growth, for_people=invocation.writer.format in _FOR_PEOPLE)
        notes = [_sentence(each) for each in usage.volumes]
    if growth is not None:
        notes.append(f"Growth is that of the last {format_duration(growth.span_ms)}, from history.")
    return invocation.show(
        Document(
            kind="VolumeUsage" if request.by == "broker" else "DiskUsage",
            context=invocation.context.name,
            columns=columns,
            items=items,
            rows=rows,
            name_key="path" if request.by == "broker" else "topic",
            errors=errors,
            notes=notes if invocation.writer.is_terminal else (),
        )
    )


def _has_growth(request: Du, growth: DiskGrowth | None) -> bool:
    return bool(request.watch_ms) or (growth is not None and request.by == "topic")


def _columns(request: Du, growth: DiskGrowth | None, *, for_people: bool) -> list[Column]:
    columns = [Column(key="topic")]
    if request.by == "partition":
        columns.append(Column(key="partition", right=True, show=str))
    columns += [_SIZE, _SHARE]
    if _has_growth(request, growth):
        columns.append(_GROWTH)
    columns += [
        Column(
            key=_freed_key(retention_ms), header=f"FREED AT {format_duration(retention_ms)}", right=True, show=_bytes
        )
        for retention_ms in request.retentions_ms
    ]
    columns.append(Column(key="replicas", right=True, wide=True))
    return [*columns, Column(key="bar", header=" ", drop=1)] if for_people else columns


def _freed_key(retention_ms: int) -> str:
    return f"freed_at_{retention_ms}_ms"


def _uses(usage: DiskUsage, request: Du, growth: DiskGrowth | None) -> tuple[list[Item], list[Item]]:
    """Return the items, the largest first, and the lines of a table with their bars."""
    by_name: dict[tuple[str, int | None], list[PartitionUse]] = {}
    for use in usage.partitions:
        partition = use.where.partition if request.by == "partition" else None
        by_name.setdefault((use.where.topic.raw, partition), []).append(use)
    sized = [(sum(use.size_bytes for use in uses), uses) for uses in by_name.values()]
    sized.sort(key=lambda each: each[0], reverse=True)
    total = sum(size for size, _uses in sized)
    items: list[Item] = []
    rows: list[Item] = []
    for size, uses in sized:
        freed = dict(zip(request.retentions_ms, _freed(uses, usage, len(request.retentions_ms)), strict=True))
        item = _use(uses, size, total, request, growth)
        columns = {_freed_key(retention_ms): int64(value) for retention_ms, value in freed.items()}
        listed = [{"retention_ms": each, "size_bytes": int64(value)} for each, value in freed.items()]
        items.append({**item, "reclaimable": listed} if freed else item)
        rows.append({**item, **columns, "bar": bar(size, sized[0][0])})
    return items, rows


def _freed(uses: Sequence[PartitionUse], usage: DiskUsage, count: int) -> list[int | None]:
    sums: list[int | None] = []
    for index in range(count):
        parts = [usage.reclaimable[use.where][index] for use in uses]
        sums.append(None if None in parts else sum(part or 0 for part in parts))
    return sums


def _use(
    uses: Sequence[PartitionUse], size: int, total: int, request: Du, growth: DiskGrowth | None
) -> dict[str, Value]:
    where = uses[0].where
    growths = [use.growth_per_s for use in uses if use.growth_per_s is not None]
    rate = sum(growths) if growths else None
    if growth is not None:
        rate = growth.topics.get(where.topic)
    return {
        "topic": where.topic,
        **({"partition": where.partition} if request.by == "partition" else {}),
        "size_bytes": int64(size),
        "share": size / total if total else 0.0,
        "replicas": sum(use.replicas for use in uses),
        **({"growth_bytes_per_s": rate} if _has_growth(request, growth) else {}),
    }


def bar(value: int, largest: int) -> str:
    """Return a bar in eighths of a cell, BAR_CELLS long for the largest value."""
    eighths = value * BAR_CELLS * 8 // largest if largest > 0 else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _volume(use: VolumeUse) -> Item:
    return {
        "broker": use.broker_id,
        "path": use.path,
        "size_bytes": int64(use.kafka_bytes),
        "total_bytes": int64(use.total_bytes),
        "usable_bytes": int64(use.usable_bytes),
        "growth_bytes_per_s": use.growth_per_s,
        "full_in_ms": int64(use.full_in_ms),
        "error": None if use.error is None else use.error.name,
    }


def _sentence(use: VolumeUse) -> str:
    if use.error is not None:
        return f"Broker {use.broker_id}, {use.path}: offline ({use.error.name})."
    parts = [f"{format_bytes(use.kafka_bytes)} of Kafka's"]
    if use.total_bytes is not None and use.usable_bytes is not None:
        parts.append(f"{format_bytes(use.usable_bytes)} of {format_bytes(use.total_bytes)} free")
    if use.growth_per_s is not None:
        parts.append(f"grows {format_bytes_rate(use.growth_per_s)}" if use.growth_per_s > 0 else "does not grow")
    if use.full_in_ms is not None:
        parts.append(f"full in {format_duration(use.full_in_ms)}")
    return f"Broker {use.broker_id}, {use.path}: {', '.join(parts)}."
