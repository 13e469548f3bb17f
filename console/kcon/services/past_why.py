"""Why did a group lag then, and what was the matter with a topic or the cluster? The verdict from history alone.

It is judged by the same rules as the present. What history does not keep (open transactions, settings that nobody
changed, what a record's time was) is a sentence in the evidence, and no rule guesses it.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kcon.core.cluster_verdict import ClusterFacts, judge_cluster
from kcon.core.disk_usage import VolumeUse
from kcon.core.group_verdict import judge_group
from kcon.core.ids import TopicName, TopicPartition, group_id, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.partition_health import partition_health
from kcon.core.snapshot import OffsetAt, OffsetResult, PartitionInfo, TopicInfo
from kcon.core.topic_verdict import TopicFacts, judge_topic
from kcon.core.verdict import Verdict
from kcon.core.wire_text import WireText
from kcon.errors import NotFoundError
from kcon.observe.history_keys import END, LOOK, SEPARATOR, VOLUME_TOTAL, VOLUME_USED, SeriesKey, partition_name
from kcon.observe.past import Past, PastGroup
from kcon.services.group_watch import Extras, Look, facts_of

WATCH_MS: Final = 60_000
"""So much before a moment tells how things moved."""
LOOKS_MAX: Final = 12
WINDOW_MS: Final = 3_600_000
UNKNOWN_THEN: Final = "history keeps no transactions, and only such settings as somebody changed"
_NOT_KEPT: Final = kafka_error(-1, "history does not keep it")
MIN_ISR: Final = "min.insync.replicas"


def why_past_group(past: Past, name: str, look_ms: int) -> Verdict:
    """Return why a group lagged. NotFoundError when history knows no such group then."""
    group = group_id(name)
    last = past.group_at(group, look_ms)
    if last is None or last.description is None:
        raise NotFoundError(f"There was no group {group} then.", "`kcon group list --at TIME` shows those of then.")
    fact = past.group_fact(group, look_ms)
    if fact is not None and fact["reads"] and all(row.committed is None for row in last.rows):
        raise NotFoundError(
            f"What group {group} had read then is not kept partition by partition.",
            "There are more series than series_max of [history] allows; docs/history.md tells what more cost.",
        )
    times = past.reader.series(SeriesKey(LOOK, WireText("")), look_ms - WATCH_MS, look_ms).times_ms[-LOOKS_MAX:]
    told = [*(past.group_at(group, at_ms) for at_ms in times), last]
    topics = {topic.name: topic for topic in past.topics_at(look_ms)}
    looks = [_look(each, topics) for each in told if each is not None and each.description is not None]
    read = dict.fromkeys(row.partition.topic for row in last.rows)
    extras = Extras(
        probes={},
        transaction_ages_ms={},
        min_isr={name: minimum for name in read if (minimum := _min_isr(past, name, look_ms)) is not None},
        retention_ms={},
        problems=(UNKNOWN_THEN,),
    )
    facts = facts_of(looks, extras)
    partitions = tuple(
        replace(each, time_lag=last.late[each.where].lag) if each.where in last.late else each
        for each in facts.partitions
    )
    return judge_group(replace(facts, partitions=partitions))


def _look(told: PastGroup, topics: Mapping[TopicName, TopicInfo]) -> Look:
    assert told.description is not None, "the caller left out looks without the group"
    starts: dict[TopicPartition, OffsetResult] = {}
    ends: dict[TopicPartition, OffsetResult] = {}
    partitions: dict[TopicPartition, PartitionInfo] = {}
    for row in told.rows:
        if row.start is not None:
            starts[row.partition] = OffsetAt(row.start, -1, -1)
        # A partition whose end is not kept is there all the same.
        ends[row.partition] = _NOT_KEPT if row.end is None else OffsetAt(row.end, -1, -1)
        topic = topics.get(row.partition.topic)
        part = topic.partition(row.partition.partition) if topic is not None else None
        if part is not None:
            partitions[row.partition] = part
    return Look(
        at_ms=told.look_ms,
        about=told.description,
        commits={row.partition: row.committed for row in told.rows if row.committed is not None},
        starts=starts,
        ends=ends,
        stable_ends=ends,
        partitions=partitions,
    )


def _min_isr(past: Past, topic: TopicName, look_ms: int) -> int | None:
    text = (past.configs_at("topic", topic, look_ms) or {}).get(MIN_ISR, "")
    return int(text) if text.isdecimal() else None


def why_past_topic(past: Past, name: str, look_ms: int) -> Verdict:
    """Return what was the matter with a topic. NotFoundError when history knows no such topic then."""
    topic = topic_name(name)
    info = next((each for each in past.topics_at(look_ms) if each.name == topic), None)
    if info is None:
        raise NotFoundError(f"There was no topic {topic} then.", "`kcon topic list --at TIME` shows those of then.")
    written: dict[TopicPartition, int] = {}
    newest_ms: int | None = None
    for part in info.partitions:
        where = TopicPartition(topic, part.partition)
        ends = past.reader.series(SeriesKey(END, partition_name(where)), look_ms - WINDOW_MS, look_ms + 1)
        known = [(at_ms, end) for at_ms, end in zip(ends.times_ms, ends.values, strict=True) if not math.isnan(end)]
        if not known:
            continue
        written[where] = max(0, round(known[-1][1] - known[0][1]))
        moved = [at_ms for (at_ms, end), (_, before) in zip(known[1:], known, strict=False) if end > before]
        newest_ms = max([*moved, *([] if newest_ms is None else [newest_ms])], default=None)
    problems = [UNKNOWN_THEN]
    if len(written) < len(info.partitions):
        problems.append("what was written is not kept of every partition")
    return judge_topic(
        TopicFacts(
            topic=topic,
            partitions=len(info.partitions),
            health=partition_health([info], {topic.raw: _min_isr(past, topic, look_ms)}),
            written=written,
            window_ms=WINDOW_MS,
            silent_ms=None if newest_ms is None else look_ms - newest_ms,
            problems=tuple(problems),
        )
    )


def why_past_cluster(past: Past, look_ms: int) -> Verdict:
    """Return what was the matter with the cluster."""
    topics = past.topics_at(look_ms)
    lacking = [topic for topic in topics if any(part.is_under_replicated for part in topic.partitions)]
    return judge_cluster(
        ClusterFacts(
            has_controller=True,  # Where nobody was asked, nothing is said of it.
            live=frozenset(broker.id for broker in past.brokers_at(look_ms)),
            named=frozenset(each for topic in topics for part in topic.partitions for each in part.replicas),
            health=partition_health(topics, {each.name.raw: _min_isr(past, each.name, look_ms) for each in lacking}),
            volumes=past_volumes(past, look_ms),
            problems=(UNKNOWN_THEN,),
        )
    )


def past_volumes(past: Past, look_ms: int) -> tuple[VolumeUse, ...]:
    """Return how full the brokers' volumes were, as they were last told before."""
    used, total = past.reader.at(VOLUME_USED, look_ms), past.reader.at(VOLUME_TOTAL, look_ms)
    found = []
    for name in sorted(used.keys() & total.keys()):
        broker_id, _, path = name.raw.partition(SEPARATOR)
        found.append(
            VolumeUse(
                broker_id=int(broker_id),
                path=WireText(path),
                error=None,
                kafka_bytes=0,
                total_bytes=round(total[name]),
                usable_bytes=round(total[name] - used[name]),
                growth_per_s=None,
                full_in_ms=None,
            )
        )
    return tuple(found)
