"""How fast did topics and volumes grow lately? From the cluster's history, where somebody looked for long enough."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kcon.core.disk_usage import Place, VolumeUse
from kcon.core.ids import TopicName
from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.observe.history_keys import DAY_MS, LOOK, SEPARATOR, TOPIC_SIZE, VOLUME_USED, SeriesKey
from kcon.observe.past import Past
from kcon.services.history import open_past
from kcon.services.session import Session

SPAN_MIN_MS: Final = 600_000
"""A tendency over less is none."""
MOMENTS: Final = 8
"""So many moments of the day are looked at for where growth began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskGrowth:
    """Bytes a second over the last day, or what there is of it."""

    topics: Mapping[TopicName, float] = field(default_factory=dict)
    """Of all replicas."""
    volumes: Mapping[Place, float] = field(default_factory=dict)
    """Of everything on the volume, Kafka's or not."""
    span_ms: int = 0
    """Over how long."""


async def growth_from_history(session: Session) -> DiskGrowth | None:
    """Return how fast disks filled; None where no history tells."""
    try:
        past = await open_past(session)
    except KconError:
        return None
    try:
        growth = await asyncio.to_thread(_growth, past, session.now_ms())
    except KconError:
        return None
    finally:
        past.close()
    return growth if growth.span_ms else None


def _growth(past: Past, now_ms: int) -> DiskGrowth:
    """Compare two moments, whatever lies between them: there may be tens of thousands of topics."""
    reader = past.reader
    times = reader.series(SeriesKey(LOOK, WireText("")), now_ms - DAY_MS, now_ms + 1).times_ms
    if not times:
        return DiskGrowth()
    topics: dict[TopicName, float] = {}
    volumes: dict[Place, float] = {}
    until_ms = times[-1]
    # The first look may not know sizes yet, and a topic that came later grows from where it began.
    places = sorted({*range(min(3, len(times))), *(len(times) * part // MOMENTS for part in range(MOMENTS))})
    earlier = [times[place] for place in places if until_ms - times[place] >= SPAN_MIN_MS]
    span_ms = 0
    for kind in (TOPIC_SIZE, VOLUME_USED):
        begun: dict[WireText, tuple[int, float]] = {}
        for look_ms in earlier:
            for name, size in reader.at(kind, look_ms).items():
                begun.setdefault(name, (look_ms, size))
        for name, size in reader.at(kind, until_ms).items():
            if name not in begun:
                continue
            began_ms, first = begun[name]
            rate = (size - first) * 1000 / (until_ms - began_ms)
            span_ms = max(span_ms, until_ms - began_ms)
            if kind == TOPIC_SIZE:
                topics[TopicName(name)] = rate
            else:
                broker, _, path = name.raw.partition(SEPARATOR)
                volumes[int(broker), path] = rate
    return DiskGrowth(topics=topics, volumes=volumes, span_ms=span_ms)


def with_growth(volumes: Sequence[VolumeUse], growth: DiskGrowth) -> list[VolumeUse]:
    """Return volumes with their growth of the last day, and when they are full by it."""
    found = []
    for use in volumes:
        rate = growth.volumes.get((use.broker_id, use.path.raw))
        full_in_ms = None
        if rate is not None and rate > 0 and use.usable_bytes is not None:
            full_in_ms = round(use.usable_bytes / rate * 1000)
        found.append(use._replace(growth_per_s=rate, full_in_ms=full_in_ms))
    return found
