"""What is asked of a cluster every few ticks only? Disks, transactions, certificates, settings of topics in trouble.

Each question stands alone: what cannot be read is unknown, and the others are told.
"""

from collections.abc import Awaitable
from typing import Final, TypeVar

from kcon.admin.client import Admin
from kcon.core.disk_usage import VolumeUse, volume_uses
from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import LATEST
from kcon.core.snapshot import OffsetAt
from kcon.errors import KconError
from kcon.observe.kcon_families import topics_lacking_replicas
from kcon.observe.sampler import Sample
from kcon.observe.slow_facts import OpenTransaction, SlowFacts
from kcon.services.min_isr import read_min_isr

OPEN_FOR_MS: Final = 60_000
TRANSACTIONS_MAX: Final = 1_000
"""Of more the ages are not asked for."""

_T = TypeVar("_T")


async def slow_look(admin: Admin, sample: Sample, now_ms: int) -> SlowFacts:
    """Ask it all once. Never raises for what a cluster refuses or does not know."""
    problems: list[str] = []
    minimums = await _told(read_min_isr(admin, topics_lacking_replicas(sample)), problems) or {}
    disks = await _told(_disks(admin), problems)
    transactions = await _told(_transactions(admin, now_ms), problems)
    stable_lag = await _told(_stable_lag(admin, sample), problems) if transactions else {}
    return SlowFacts(
        minimums=minimums,
        volumes=disks[0] if disks is not None else None,
        silent_brokers=disks[1] if disks is not None else frozenset(),
        transactions=transactions,
        stable_lag=stable_lag,
        certificates=admin.certificate_expiries_ms(),
        problems=tuple(problems),
    )


async def _told(asking: Awaitable[_T], problems: list[str]) -> _T | None:
    try:
        return await asking
    except KconError as error:
        problems.append(error.message)
        return None


async def _disks(admin: Admin) -> tuple[tuple[VolumeUse, ...], frozenset[int]]:
    told = await admin.log_dirs()
    silent = frozenset(broker_id for broker_id, dirs in told.items() if isinstance(dirs, KafkaError))
    return tuple(volume_uses(told)), silent


async def _transactions(admin: Admin, now_ms: int) -> tuple[OpenTransaction, ...]:
    listed = await admin.transactions(states=("Ongoing",))
    for broker_id, error in listed.errors.items():
        raise error.as_exception(f"transactions of broker {broker_id}")
    ids = [item.transactional_id.raw for item in listed.items[:TRANSACTIONS_MAX]]
    described = await admin.describe_transactions(ids) if ids else {}
    return tuple(
        OpenTransaction(transactional_id=each.transactional_id, age_ms=now_ms - each.start_ms)
        for each in described.values()
        if not isinstance(each, KafkaError) and each.start_ms is not None and now_ms - each.start_ms >= OPEN_FOR_MS
    )


async def _stable_lag(admin: Admin, sample: Sample) -> dict[TopicPartition, int]:
    partitions = [TopicPartition(topic.name, part.partition) for topic in sample.topics for part in topic.partitions]
    stable = await admin.list_offsets(partitions, LATEST, read_committed=True)
    found: dict[TopicPartition, int] = {}
    for where, told in stable.items():
        end = sample.ends.get(where)
        if isinstance(told, OffsetAt) and isinstance(end, OffsetAt) and told.offset < end.offset:
            found[where] = end.offset - told.offset
    return found
