"""Are topics, and the cluster, well? Every question is a read; what cannot be read is UNKNOWN, never well."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Final

from kcon.admin.client import Admin
from kcon.core.check_result import CheckResult, CheckStatus, Measure
from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.partition_health import PartitionHealth, partition_health
from kcon.core.snapshot import ClusterInfo, TopicInfo
from kcon.core.transaction import HANGING_AFTER_MS
from kcon.core.wire_text import display_safe
from kcon.errors import KconError
from kcon.services.min_isr import read_min_isr
from kcon.services.session import Session
from kcon.services.topics import find_topics
from kcon.services.transactions import read_hanging

EXAMPLES_MAX: Final = 3


async def check_topics(session: Session, names: Sequence[str]) -> list[CheckResult]:
    """Return one result a topic, in their order; names are globs. One that is not there is UNKNOWN."""
    found = await find_topics(session, names)
    minimums = await read_min_isr(await session.admin(), found.topics)
    results = [_topic(topic, minimums) for topic in found.topics]
    results += [
        CheckResult(subject=display_safe(name), status=CheckStatus.UNKNOWN, detail="There is no such topic.")
        for name in found.missing
    ]
    if not results:
        wanted = display_safe(" ".join(names))
        results.append(CheckResult(subject=wanted, status=CheckStatus.UNKNOWN, detail="No topic matches."))
    return results


def _topic(topic: TopicInfo, minimums: Mapping[str, int | None]) -> CheckResult:
    if topic.error is not None:
        return CheckResult(subject=str(topic.name), status=CheckStatus.UNKNOWN, detail=f"Refused: {topic.error.name}.")
    health = partition_health([topic], minimums)
    told = _told(health)
    status = CheckStatus.UNKNOWN if health.uncertain else CheckStatus.OK
    if health.offline or health.under_replicated:
        status = CheckStatus.FAILED
    return CheckResult(
        subject=str(topic.name),
        status=status,
        detail=", ".join(told) or f"{health.total} partition{'' if health.total == 1 else 's'} in sync",
        measures=(
            Measure("offline", len(health.offline), 0),
            Measure("under_min_isr", len(health.under_min_isr), 0),
            Measure("under_replicated", len(health.under_replicated), 0),
        ),
    )


def _told(health: PartitionHealth) -> list[str]:
    parts = (
        ("offline", health.offline),
        ("under min.insync.replicas", health.under_min_isr),
        ("under-replicated", health.under_replicated),
        ("with an unknown min.insync.replicas", health.uncertain),
    )
    return [f"{len(places):,} {words} ({_examples(places)})" for words, places in parts if places]


def _examples(places: Sequence[TopicPartition]) -> str:
    names = ", ".join(f"{where.topic}/{where.partition}" for where in places[:EXAMPLES_MAX])
    return names if len(places) <= EXAMPLES_MAX else f"{names} ..."


async def check_cluster(session: Session, *, brokers: int | None = None) -> list[CheckResult]:
    """Return the results about a cluster. brokers: how many there must be; None: those that hold replicas.

    KconError when the cluster cannot be asked at all.
    """
    admin = await session.admin()
    info = await admin.cluster()
    topics = await admin.topics()
    health = partition_health(topics, await read_min_isr(admin, topics))
    return [
        _controller(info),
        _brokers(info, topics, brokers),
        _count("offline", "without a leader", health.offline),
        _count("under_min_isr", "below min.insync.replicas", health.under_min_isr, uncertain=len(health.uncertain)),
        _count("under_replicated", "with replicas out of sync", health.under_replicated),
        await _told_or_unknown("log_dirs", _log_dirs(admin)),
        await _told_or_unknown("hanging", _hanging(session)),
    ]


def _controller(info: ClusterInfo) -> CheckResult:
    # On KRaft a broker's Metadata names a random live broker; none at all is what says that there is no controller.
    if info.controller_id < 0:
        return CheckResult(subject="controller", status=CheckStatus.FAILED, detail="There is no controller.")
    return CheckResult(subject="controller", status=CheckStatus.OK, detail="There is one.")


def _brokers(info: ClusterInfo, topics: Sequence[TopicInfo], wanted: int | None) -> CheckResult:
    live = {broker.id for broker in info.brokers}
    named = {broker_id for topic in topics for part in topic.partitions for broker_id in part.replicas}
    missing = sorted(named - live)
    lacking = 0 if wanted is None else wanted - len(live)
    count = max(len(missing), lacking, 0)
    if missing:
        detail = f"{len(live)} live; replicas are on {', '.join(map(str, missing))}, which cannot be seen."
    elif lacking > 0:
        detail = f"{len(live)} live, {wanted} wanted."
    else:
        detail = f"{len(live)} live."
    status = CheckStatus.FAILED if count else CheckStatus.OK
    return CheckResult(subject="brokers", status=status, detail=detail, measures=(Measure("missing", count, 0),))


def _count(name: str, words: str, places: Sequence[TopicPartition], *, uncertain: int = 0) -> CheckResult:
    if places:
        detail, status = f"{len(places):,} {words} ({_examples(places)}).", CheckStatus.FAILED
    elif uncertain:
        detail, status = f"The setting of {uncertain:,} partitions' topics could not be read.", CheckStatus.UNKNOWN
    else:
        detail, status = f"None {words}.", CheckStatus.OK
    return CheckResult(subject=name, status=status, detail=detail, measures=(Measure("partitions", len(places), 0),))


async def _told_or_unknown(subject: str, asking: Awaitable[CheckResult]) -> CheckResult:
    try:
        return await asking
    except KconError as error:
        return CheckResult(subject=subject, status=CheckStatus.UNKNOWN, detail=error.message)


async def _log_dirs(admin: Admin) -> CheckResult:
    offline: list[str] = []
    unknown: list[str] = []
    for broker_id, dirs in (await admin.log_dirs()).items():
        if isinstance(dirs, KafkaError):
            unknown.append(f"broker {broker_id} ({dirs.name})")
            continue
        offline += [f"{each.path} of broker {broker_id}" for each in dirs if each.error is not None]
    status = CheckStatus.UNKNOWN if unknown else CheckStatus.OK
    detail = f"Not told by {', '.join(unknown)}." if unknown else "All are online."
    if offline:
        status, detail = CheckStatus.FAILED, f"Offline: {', '.join(offline)}."
    measures = (Measure("offline", len(offline), 0),)
    return CheckResult(subject="log_dirs", status=status, detail=detail, measures=measures)


async def _hanging(session: Session) -> CheckResult:
    hanging, producers = await read_hanging(session, (), older_than_ms=HANGING_AFTER_MS)
    unread = sum(isinstance(told, KafkaError) for told in producers.values())
    places = sorted({each.producer.partition for each in hanging})
    status = CheckStatus.UNKNOWN if unread else CheckStatus.OK
    detail = f"The producers of {unread:,} partitions could not be read." if unread else "No transaction hangs."
    if places:
        status, detail = CheckStatus.FAILED, f"{len(hanging):,} transactions hang ({_examples(places)})."
    measures = (Measure("transactions", len(hanging), 0),)
    return CheckResult(subject="hanging", status=status, detail=detail, measures=measures)
