"""When should somebody be told? The default rules, over the metrics that `kcon metrics` serves.

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
    """PromQL; what it yields alerts."""
    summary: str
    """One sentence, with Prometheus's templates of the labels."""


_GROUP: Final = "Group {{ $labels.group }} of {{ $labels.cluster_name }}"
_PLACE: Final = "{{ $labels.group }} in {{ $labels.topic }}/{{ $labels.partition }}"

RULES: Final = (
    AlertRule("KconDown", Severity.PAGE, 180, "kcon_up == 0", "kcon cannot read the cluster."),
    AlertRule(
        "KconStale",
        Severity.PAGE,
        0,
        "time() - kcon_last_success_timestamp_seconds > 180",
        "kcon has not read the cluster for {{ $value | humanizeDuration }}.",
    ),
    AlertRule(
        "KafkaPartitionOffline",
        Severity.PAGE,
        10,
        "kafka_topic_partition_replicas unless kafka_topic_partition_leader",
        "{{ $labels.topic }}/{{ $labels.partition }} has no leader.",
    ),
    AlertRule(
        "KafkaUnderReplicated",
        Severity.WARN,
        120,
        "kafka_topic_partition_under_replicated_partition > 0",
        "{{ $labels.topic }}/{{ $labels.partition }} has replicas that are not in sync.",
    ),
    AlertRule(
        "KafkaGroupLate",
        Severity.WARN,
        300,
        "kafka_consumergroup_group_max_lag_seconds > 180",
        f"{_GROUP} is {{{{ $value | humanizeDuration }}}} behind.",
    ),
    AlertRule(
        "KafkaGroupFallsBehind",
        Severity.WARN,
        600,
        "deriv(kafka_consumergroup_group_sum_lag[10m]) > 0 and on (cluster_name, group) "
        "kafka_consumergroup_group_max_lag_seconds > 60",
        f"{_GROUP} falls behind by {{{{ $value | humanize }}}} records a second.",
    ),
    AlertRule("KafkaGroupStopped", Severity.PAGE, 0, "kcon_consumergroup_status == 4", f"{_PLACE} reads nothing."),
    AlertRule(
        "KafkaGroupStalled",
        Severity.PAGE,
        0,
        "kcon_consumergroup_status == 5",
        f"{_PLACE} stands still while other partitions move.",
    ),
    AlertRule("KafkaGroupRewound", Severity.WARN, 0, "kcon_consumergroup_status == 6", f"{_PLACE} went back."),
    AlertRule(
        "KafkaGroupRebalancing",
        Severity.WARN,
        60,
        "kcon_consumergroup_status == 8",
        f"{_PLACE} waits for a rebalance that does not end.",
    ),
    AlertRule(
        "KafkaGroupRebalancesOften",
        Severity.WARN,
        0,
        "increase(kcon_consumergroup_rebalances_total[10m]) > 5",
        "Group {{ $labels.group }} rebalanced {{ $value | humanize }} times in 10 minutes.",
    ),
    AlertRule(
        "KafkaGroupWithoutMembers",
        Severity.WARN,
        900,
        "kcon_consumergroup_status == 9",
        f"{_PLACE}: records wait, and nobody is in the group.",
    ),
    AlertRule(
        "KafkaRecordsLost",
        Severity.PAGE,
        0,
        "kafka_consumergroup_group_messages_lost > 0",
        f"{_PLACE} lost {{{{ $value | humanize }}}} records to retention before it read them.",
    ),
)
