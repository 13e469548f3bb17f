"""When should somebody be told? The rules that come with kcon, for its own alerts and for a Prometheus that scrapes it.

Thresholds are times wherever others count messages: 25 messages are nothing in one topic and an outage in another.
A lag of unknown age has no series, so it never alerts, and a group that has read everything never does.
"""

from enum import Enum
from typing import Final, NamedTuple


class Severity(Enum):
    """Whom it concerns. The value is the label that a router sees."""

    PAGE = "page"
    """Now."""
    WARN = "warn"
    """Today."""


class AlertRule(NamedTuple):
    """One rule."""

    name: str
    severity: Severity
    for_s: int
    """It must hold for so long without a break."""
    expression: str
    """PromQL; what it yields alerts. `{threshold}` stands for the threshold."""
    summary: str
    """One sentence, with Prometheus's templates of the labels."""
    threshold: float | None = None
    """What a user may move; None: there is nothing to move."""
    inhibited_by: frozenset[str] = frozenset()
    """While one of these alerts is there, this one is not told: it follows from it."""
    is_for_prometheus: bool = False
    """kcon's own alerts need it not: it tells Prometheus what kcon knows without."""

    def promql(self, threshold: float | None = None) -> str:
        """Return the expression with a threshold; None: its own."""
        chosen = self.threshold if threshold is None else threshold
        return self.expression.replace("{threshold}", "" if chosen is None else f"{chosen:g}")


_GROUP: Final = "Group {{ $labels.group }} of {{ $labels.cluster_name }}"
_PLACE: Final = "{{ $labels.group }} in {{ $labels.topic }}/{{ $labels.partition }}"
_OUTAGE: Final = frozenset({"KconDown", "KafkaBrokerDown", "KafkaPartitionOffline"})

_CLUSTER_RULES: Final = (
    AlertRule("KconDown", Severity.PAGE, 180, "kcon_up == 0", "kcon cannot read the cluster."),
    AlertRule(
        "KconStale",
        Severity.PAGE,
        0,
        "time() - kcon_last_success_timestamp_seconds > {threshold}",
        "kcon has not read the cluster for {{ $value | humanizeDuration }}.",
        threshold=180,
        is_for_prometheus=True,
    ),
    AlertRule(
        "KafkaNoController", Severity.PAGE, 10, "kcon_cluster_has_controller == 0", "The cluster has no controller."
    ),
    AlertRule(
        "KafkaBrokerDown",
        Severity.PAGE,
        60,
        "kcon_broker_up == 0",
        "Broker {{ $labels.broker }} is gone, and replicas are on it.",
    ),
    AlertRule(
        "KafkaPartitionOffline",
        Severity.PAGE,
        10,
        "kafka_topic_partition_replicas unless kafka_topic_partition_leader",
        "{{ $labels.topic }}/{{ $labels.partition }} has no leader.",
    ),
    AlertRule(
        "KafkaUnderMinIsr",
        Severity.PAGE,
        10,
        "kcon_topic_partition_under_min_isr > 0",
        "{{ $labels.topic }}/{{ $labels.partition }} has too few replicas in sync: acks=all writes are refused.",
    ),
    AlertRule(
        "KafkaUnderReplicated",
        Severity.WARN,
        120,
        "kafka_topic_partition_under_replicated_partition > 0",
        "{{ $labels.topic }}/{{ $labels.partition }} has replicas that are not in sync.",
        inhibited_by=frozenset({"KafkaBrokerDown"}),
    ),
    AlertRule(
        "KafkaLogDirOffline",
        Severity.PAGE,
        0,
        "kcon_log_dir_offline > 0",
        "Log dir {{ $labels.path }} of broker {{ $labels.broker }} is offline.",
    ),
    AlertRule(
        "KafkaDiskLow",
        Severity.WARN,
        60,
        "kcon_volume_free_bytes / kcon_volume_total_bytes < {threshold}",
        "The volume of {{ $labels.path }} on broker {{ $labels.broker }} has {{ $value | humanizePercentage }} free.",
        threshold=0.15,
    ),
    AlertRule(
        "KafkaDiskFull",
        Severity.PAGE,
        600,
        "predict_linear(kcon_volume_free_bytes[1h], 3600 * {threshold}) < 0",
        "At its present growth the volume of {{ $labels.path }} on broker {{ $labels.broker }} is full in hours.",
        threshold=4,
    ),
    AlertRule(
        "KafkaTransactionOpen",
        Severity.PAGE,
        0,
        "kcon_open_transaction_age_seconds > {threshold}",
        "Transaction {{ $labels.transactional_id }} has been open for {{ $value | humanizeDuration }}.",
        threshold=1_200,
    ),
    AlertRule(
        "KafkaCertificateEnds",
        Severity.WARN,
        0,
        "kcon_certificate_expiry_timestamp_seconds - time() < 86400 * {threshold}",
        "The certificate of {{ $labels.address }} ends in {{ $value | humanizeDuration }}.",
        threshold=30,
    ),
)
# KafkaTransactionOpen: transaction.max.timeout.ms is 15 minutes by default, and KIP-664 pads it by 5.

_GROUP_RULES: Final = (
    AlertRule(
        "KafkaGroupLate",
        Severity.WARN,
        300,
        "kafka_consumergroup_group_max_lag_seconds > {threshold}",
        f"{_GROUP} is {{{{ $value | humanizeDuration }}}} behind.",
        threshold=180,
        inhibited_by=_OUTAGE,
    ),
    AlertRule(
        "KafkaGroupFallsBehind",
        Severity.WARN,
        600,
        "deriv(kafka_consumergroup_group_sum_lag[10m]) > 0 and on (cluster_name, group) "
        "kafka_consumergroup_group_max_lag_seconds > {threshold}",
        f"{_GROUP} falls behind by {{{{ $value | humanize }}}} records a second.",
        threshold=60,
        inhibited_by=_OUTAGE,
    ),
    AlertRule(
        "KafkaGroupStopped",
        Severity.PAGE,
        0,
        "kcon_consumergroup_status == 4",
        f"{_PLACE} reads nothing.",
        inhibited_by=_OUTAGE,
    ),
    AlertRule(
        "KafkaGroupStalled",
        Severity.PAGE,
        0,
        "kcon_consumergroup_status == 5",
        f"{_PLACE} stands still while other partitions move.",
        inhibited_by=_OUTAGE,
    ),
    AlertRule("KafkaGroupRewound", Severity.WARN, 0, "kcon_consumergroup_status == 6", f"{_PLACE} went back."),
    AlertRule(
        "KafkaGroupRebalancing",
        Severity.WARN,
        60,
        "kcon_consumergroup_status == 8",
        f"{_PLACE} waits for a rebalance that does not end.",
        inhibited_by=_OUTAGE,
    ),
    AlertRule(
        "KafkaGroupRebalancesOften",
        Severity.WARN,
        0,
        "increase(kcon_consumergroup_rebalances_total[10m]) > {threshold}",
        "Group {{ $labels.group }} rebalanced {{ $value | humanize }} times in 10 minutes.",
        threshold=5,
        inhibited_by=_OUTAGE,
    ),
    AlertRule(
        "KafkaGroupWithoutMembers",
        Severity.WARN,
        900,
        "kcon_consumergroup_status == 9",
        f"{_PLACE}: records wait, and nobody is in the group.",
    ),
    AlertRule(
        "KafkaGroupNearRetention",
        Severity.WARN,
        60,
        "kafka_consumergroup_group_lag_retention_ratio > {threshold} "
        "and on (cluster_name, topic, partition) kafka_partition_earliest_offset > 0",
        f"{_PLACE}: retention is about to take what is not read yet.",
        threshold=80,
    ),
    AlertRule(
        "KafkaRecordsLost",
        Severity.PAGE,
        0,
        "kafka_consumergroup_group_messages_lost > 0",
        f"{_PLACE} lost {{{{ $value | humanize }}}} records to retention before it read them.",
    ),
)

PROBE_RULES: Final = (
    AlertRule(
        "KafkaProbeFailed",
        Severity.PAGE,
        0,
        "kcon_probe_up == 0",
        "Records of the probe do not get through.",
        inhibited_by=_OUTAGE,
    ),
    AlertRule(
        "KafkaProbeLost",
        Severity.PAGE,
        0,
        'kcon_probe_records{outcome=~"lost|duplicate"} > 0',
        "A record of the probe was acknowledged, and then lost or read twice.",
    ),
    AlertRule(
        "KafkaProbeSlow",
        Severity.WARN,
        300,
        'kcon_probe_round_trip_seconds{quantile="0.99"} > {threshold}',
        "A record of the probe took {{ $value | humanizeDuration }} from writer to reader.",
        threshold=1,
        inhibited_by=_OUTAGE,
    ),
)
"""What probes tell, where the configuration wants any."""

RULES: Final = _CLUSTER_RULES + _GROUP_RULES + PROBE_RULES
"""Every rule, by name unique."""
