"""Which metrics does nobody else give? How good a time lag is, what is wrong with what, and the cost of looking."""

from collections.abc import Iterable

from kcon.core.ids import TopicPartition
from kcon.core.partition_health import partition_health
from kcon.core.snapshot import TopicInfo
from kcon.core.time_lag import UNKNOWN_LAG
from kcon.observe.exposition import escape_label
from kcon.observe.family_table import FamilyTable
from kcon.observe.metric_families import Rows, Tick
from kcon.observe.sampler import Sample

HOT_PARTITIONS_MIN = 3
"""With fewer partitions none is hot."""


def kcon_tables(tick: Tick, rows: Rows) -> Iterable[FamilyTable]:
    """Return the families of the profile `kcon`."""
    return [*_of_groups(tick, rows), *_of_cluster(tick), *_of_slow_facts(tick), _hot(tick)]


def _of_groups(tick: Tick, rows: Rows) -> Iterable[FamilyTable]:
    place = ("cluster", "group", "topic", "partition")
    status = FamilyTable(
        "kcon_consumergroup_status",
        "0 not found, 1 ok, 2 warn, 3 err, 4 stop, 5 stall, 6 rewind, 7 no commit, 8 rebalancing, 9 dead.",
        place,
    )
    quality = FamilyTable(
        "kcon_lag_quality", "Of the time lag: 0 exact, 1 interpolated, 2 lower bound, 3 unknown.", place
    )
    error = FamilyTable("kcon_lag_error_seconds", "How far the true time lag may be from the told one.", place)
    age = FamilyTable("kcon_consumergroup_commit_age_seconds", "Since the commit was last seen to move.", place)
    rebalances = FamilyTable(
        "kcon_consumergroup_rebalances_total", "Rebalances seen to begin.", ("cluster", "group"), "counter"
    )
    requests = FamilyTable(
        "kcon_requests_total", "Requests sent to the cluster, by API.", ("cluster", "api"), "counter"
    )
    took = FamilyTable("kcon_poll_duration_seconds", "How long the last look took.", ("cluster",))
    cluster = escape_label(tick.cluster_name)
    took.add((cluster,), tick.sample.duration_ms / 1000)
    for api, count in sorted(tick.requests_by_api.items()):
        requests.add((cluster, escape_label(api)), count)
    for group, mine in rows.items():
        name = escape_label(group)
        rebalances.add((cluster, name), tick.engine.rebalances(group))
        for row in mine:
            labels = (cluster, name, escape_label(row.where.topic), str(row.where.partition))
            status.add(labels, row.status.value)
            quality.add(labels, row.lag.quality.value)
            error.add(labels, None if row.lag is UNKNOWN_LAG else row.lag.error_ms / 1000)
            window = tick.engine.window(group, row.where)
            moved_ms = window.moved_ms if window is not None else None
            age.add(labels, None if moved_ms is None else (tick.sample.taken_ms - moved_ms) / 1000)
    return status, quality, error, age, rebalances, requests, took


def _of_cluster(tick: Tick) -> Iterable[FamilyTable]:
    cluster = escape_label(tick.cluster_name)
    controller = FamilyTable("kcon_cluster_has_controller", "1 when the cluster has a controller.", ("cluster",))
    up = FamilyTable("kcon_broker_up", "1 for a live broker, 0 for one that only replicas name.", ("cluster", "broker"))
    short = FamilyTable(
        "kcon_topic_partition_under_min_isr",
        "1 where acks=all is refused; partitions that lack a replica only.",
        ("cluster", "topic", "partition"),
    )
    catchup = FamilyTable(
        "kcon_consumergroup_catchup_seconds", "Until the lag is gone, where it shrinks.", ("cluster", "group")
    )
    info = tick.sample.cluster
    if info.brokers:
        controller.add((cluster,), float(info.controller_id >= 0))
    live = {broker.id for broker in info.brokers}
    for broker_id in sorted(live | named_brokers(tick.sample)):
        up.add((cluster, str(broker_id)), float(broker_id in live))
    lacking = topics_lacking_replicas(tick.sample)
    health = partition_health(lacking, tick.slow.minimums if tick.slow else dict.fromkeys(_names(lacking)))
    under, unsure = set(health.under_min_isr), set(health.uncertain)
    for where in health.under_replicated:
        if where not in unsure:
            short.add((cluster, escape_label(where.topic), str(where.partition)), float(where in under))
    if tick.snapshot is not None:
        groups = tick.snapshot.groups
        for group, eta_ms in zip(groups.group, groups.eta_ms, strict=True):
            if eta_ms is not None and eta_ms != float("inf"):
                catchup.add((cluster, escape_label(group)), eta_ms / 1000)
    return controller, up, short, catchup


def named_brokers(sample: Sample) -> set[int]:
    """Return the brokers that hold replicas, as far as the metadata tells."""
    return {broker for topic in sample.topics for part in topic.partitions for broker in part.replicas}


def topics_lacking_replicas(sample: Sample) -> list[TopicInfo]:
    """Return the topics with a partition that has fewer replicas in sync than assigned."""
    return [topic for topic in sample.topics if any(part.is_under_replicated for part in topic.partitions)]


def _names(topics: Iterable[TopicInfo]) -> Iterable[str]:
    return [topic.name.raw for topic in topics]


def _of_slow_facts(tick: Tick) -> Iterable[FamilyTable]:
    cluster = escape_label(tick.cluster_name)
    place = ("cluster", "broker", "path")
    offline = FamilyTable("kcon_log_dir_offline", "1 for a log dir that is not served.", place)
    used = FamilyTable("kcon_log_dir_bytes", "The replicas in a log dir.", place)
    total = FamilyTable("kcon_volume_total_bytes", "The size of the volume that a log dir is on.", place)
    free = FamilyTable("kcon_volume_free_bytes", "What is free there.", place)
    age = FamilyTable(
        "kcon_open_transaction_age_seconds",
        "Of transactions that have been open for a minute and more.",
        ("cluster", "transactional_id"),
    )
    held = FamilyTable(
        "kcon_topic_partition_lso_lag",
        "Records that read_committed consumers do not get yet, where there are any.",
        ("cluster", "topic", "partition"),
    )
    ends = FamilyTable(
        "kcon_certificate_expiry_timestamp_seconds",
        "When the certificate that a broker showed ends; with TLS alone.",
        ("cluster", "address"),
    )
    if tick.slow is None:
        return offline, used, total, free, age, held, ends
    for volume in tick.slow.volumes or ():
        at = (cluster, str(volume.broker_id), escape_label(volume.path))
        offline.add(at, float(volume.error is not None))
        used.add(at, volume.kafka_bytes)
        total.add(at, volume.total_bytes)
        free.add(at, volume.usable_bytes)
    for transaction in tick.slow.transactions or ():
        age.add((cluster, escape_label(transaction.transactional_id)), transaction.age_ms / 1000)
    for where, behind in (tick.slow.stable_lag or {}).items():
        held.add((cluster, escape_label(where.topic), str(where.partition)), behind)
    for address, ends_ms in tick.slow.certificates.items():
        ends.add((cluster, escape_label(address)), ends_ms / 1000)
    return offline, used, total, free, age, held, ends


def _hot(tick: Tick) -> FamilyTable:
    hot = FamilyTable(
        "kcon_hot_partition_ratio",
        "What the busiest partition got of the writes since the last look, in fair shares.",
        ("cluster", "topic"),
    )
    if tick.before is None:
        return hot
    cluster = escape_label(tick.cluster_name)
    for topic in tick.sample.topics:
        if len(topic.partitions) < HOT_PARTITIONS_MIN:
            continue
        written = []
        for part in topic.partitions:
            where = TopicPartition(topic.name, part.partition)
            now, then = tick.sample.ends.offset(where), tick.before.ends.offset(where)
            if now is not None and then is not None:
                written.append(max(0, now - then))
        total = sum(written)
        if total and len(written) == len(topic.partitions):
            hot.add((cluster, escape_label(topic.name)), max(written) * len(written) / total)
    return hot
