"""What do the brokers tell about one topic, or about the cluster, for a verdict? One look; all questions are reads."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Final

from kcon.admin.client import Admin
from kcon.core.cluster_verdict import ClusterFacts, judge_cluster
from kcon.core.disk_usage import VolumeUse
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import LATEST, OffsetBound, Timestamp
from kcon.core.partition_health import partition_health
from kcon.core.snapshot import NO_BROKER, OffsetAt, OffsetResult, TopicInfo
from kcon.core.topic_verdict import SILENT_MS, TopicFacts, judge_topic
from kcon.core.transaction import HANGING_AFTER_MS, HangingTransaction
from kcon.core.verdict import Verdict
from kcon.errors import KconError
from kcon.services.disk_usage import read_disk_usage
from kcon.services.groups import PartitionScope
from kcon.services.min_isr import read_min_isr
from kcon.services.near_names import topic_error
from kcon.services.session import Session
from kcon.services.transactions import read_hanging

WINDOW_MS: Final = 3_600_000
SPANS: Final = 12
"""Spans of a third of the silence that are looked at before it."""
NO_RECORD: Final = -1


async def why_topic(session: Session, name: str) -> Verdict:
    """Return what is the matter with a topic. NotFoundError when there is none."""
    admin = await session.admin()
    topic = topic_name(name)
    (info,) = await admin.topics([topic])
    if info.error is not None:
        raise await topic_error(admin, topic, info.error)
    problems: list[str] = []
    minimums, hanging, (written, silent_ms, earlier) = await asyncio.gather(
        read_min_isr(admin, [info]),
        _hanging(session, (PartitionScope(topic=topic),), problems),
        _writes(admin, info, session.now_ms(), problems),
    )
    return judge_topic(
        TopicFacts(
            topic=topic,
            partitions=len(info.partitions),
            health=partition_health([info], minimums),
            written=written,
            window_ms=WINDOW_MS,
            silent_ms=silent_ms,
            earlier=earlier,
            hanging=hanging,
            problems=tuple(problems),
        )
    )


async def why_cluster(session: Session, *, watch_ms: int = 0) -> Verdict:
    """Return what is the matter with the cluster. watch_ms: look at the disks for so long, which tells growth."""
    admin = await session.admin()
    info = await admin.cluster()
    topics = await admin.topics()
    problems: list[str] = []
    minimums, hanging, volumes = await asyncio.gather(
        read_min_isr(admin, topics),
        _hanging(session, (), problems),
        _volumes(session, watch_ms, problems),
    )
    return judge_cluster(
        ClusterFacts(
            has_controller=info.controller_id != NO_BROKER,
            live=frozenset(broker.id for broker in info.brokers),
            named=frozenset(each for topic in topics for part in topic.partitions for each in part.replicas),
            health=partition_health(topics, minimums),
            hanging=hanging,
            volumes=volumes,
            problems=tuple(problems),
        )
    )


async def _hanging(
    session: Session, scopes: tuple[PartitionScope, ...], problems: list[str]
) -> tuple[HangingTransaction, ...]:
    try:
        hanging, told = await read_hanging(session, scopes, older_than_ms=HANGING_AFTER_MS)
    except KconError as error:
        problems.append(f"Transactions could not be read: {error.message}")
        return ()
    unread = sum(isinstance(each, KafkaError) for each in told.values())
    if unread:
        problems.append(f"The producers of {unread:,} partitions could not be read.")
    return tuple(hanging)


async def _volumes(session: Session, watch_ms: int, problems: list[str]) -> tuple[VolumeUse, ...]:
    try:
        usage = await read_disk_usage(session, watch_ms=watch_ms)
    except KconError as error:
        problems.append(f"Disks could not be read: {error.message}")
        return ()
    problems += [f"Disks of broker {broker_id} could not be read ({told})." for broker_id, told in usage.errors.items()]
    return tuple(usage.volumes)


async def _writes(
    admin: Admin, info: TopicInfo, now_ms: int, problems: list[str]
) -> tuple[dict[TopicPartition, int], int | None, tuple[int, ...]]:
    """Return what was written lately by partition, for how long it is silent, and what was written before that."""
    places = [TopicPartition(info.name, part.partition) for part in info.partitions if part.leader_id != NO_BROKER]
    ends, newest, since = await asyncio.gather(
        admin.list_offsets(places, LATEST),
        admin.list_offsets(places, OffsetBound.MAX_TIMESTAMP),
        admin.list_offsets(places, Timestamp(max(0, now_ms - WINDOW_MS))),
    )
    written = {
        where: max(0, end.offset - first)
        for where in places
        if isinstance(end := ends[where], OffsetAt) and (first := _first(since, where, end.offset)) is not None
    }
    if len(written) < len(places):
        problems.append(f"{len(places) - len(written):,} partitions did not tell what was written.")
    times = [each.timestamp_ms for each in newest.values() if isinstance(each, OffsetAt) and each.timestamp_ms > 0]
    if not times:
        return written, None, ()
    silent_ms = now_ms - max(times)
    if silent_ms < SILENT_MS or len(written) < len(info.partitions):
        return written, max(0, silent_ms), ()
    step_ms = silent_ms // 3
    marks = [max(0, max(times) - index * step_ms) for index in range(1, SPANS + 1)]
    told = await asyncio.gather(*(admin.list_offsets(places, Timestamp(mark)) for mark in marks))
    totals = [sum(_end(ends, where) for where in places)]
    totals += [sum(_first(each, where, _end(ends, where)) or 0 for where in places) for each in told]
    return written, silent_ms, tuple(later - earlier for later, earlier in itertools.pairwise(totals))


def _first(told: Mapping[TopicPartition, OffsetResult], where: TopicPartition, end: int) -> int | None:
    """Return the first offset at or after the time that was asked about; the end where there is no such record."""
    found = told.get(where)
    if not isinstance(found, OffsetAt):
        return None
    return end if found.offset == NO_RECORD else found.offset


def _end(ends: Mapping[TopicPartition, OffsetResult], where: TopicPartition) -> int:
    found = ends.get(where)
    return found.offset if isinstance(found, OffsetAt) else 0
