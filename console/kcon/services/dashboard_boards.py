"""What is on each dashboard? Its panels as a table: title, kind, unit, and PromQL with a legend."""

from typing import Final, NamedTuple

from kcon.core.frozen import Frozen

JOB: Final = 'job=~"$job"'
"""The filter by the job that scrapes, in every query."""


class Query(NamedTuple):
    """One line of a panel. `JOB` stands where the filter by job belongs."""

    expression: str
    legend: str = ""


class Panel(NamedTuple):
    """One picture."""

    title: str
    unit: str
    """Grafana's: short, s, ms, bytes, percent, percentunit, ops, Bps, bool."""
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    """Or stat, or table."""
    width: int = 12
    about: str = ""


class Board(Frozen):
    """One dashboard."""

    name: str
    title: str
    panels: tuple[Panel, ...]


def _stat(title: str, unit: str, expression: str, about: str = "") -> Panel:
    return Panel(title, unit, (Query(expression),), kind="stat", width=4, about=about)


_WORST: Final = "{{group}} {{topic}}/{{partition}}"

_KCON: Final = Board(
    name="kcon",
    title="Kafka by kcon",
    panels=(
        _stat("kcon reads the cluster", "bool", f"min(kcon_up{{{JOB}}})"),
        _stat("Since the last look", "s", f"time() - max(kcon_last_success_timestamp_seconds{{{JOB}}})"),
        _stat("Brokers gone", "short", f"count(kcon_broker_up{{{JOB}}} == 0) or vector(0)"),
        _stat("Under min ISR", "short", f"sum(kcon_topic_partition_under_min_isr{{{JOB}}}) or vector(0)"),
        _stat(
            "Groups in trouble",
            "short",
            f"count(count by (group) (kcon_consumergroup_status{{{JOB}}} > 2)) or vector(0)",
        ),
        _stat("Alerts that fire", "short", f'sum(kcon_alerts{{{JOB}, state="firing"}}) or vector(0)'),
        Panel(
            "What is wrong with groups",
            "short",
            (Query(f"kcon_consumergroup_status{{{JOB}}} > 1", _WORST),),
            kind="table",
            about="2 warn, 3 err, 4 stop, 5 stall, 6 rewind, 7 no commit, 8 rebalancing, 9 dead.",
        ),
        Panel("Until the lag is gone", "s", (Query(f"kcon_consumergroup_catchup_seconds{{{JOB}}}", "{{group}}"),)),
        Panel(
            "Since commits moved, the ten oldest",
            "s",
            (Query(f"topk(10, kcon_consumergroup_commit_age_seconds{{{JOB}}})", _WORST),),
        ),
        Panel(
            "How the time lag is known",
            "short",
            (Query(f'count_values("quality", kcon_lag_quality{{{JOB}}})', "{{quality}}"),),
            about="0 exact, 1 interpolated, 2 lower bound, 3 unknown.",
        ),
        Panel(
            "How far the time lag may be off, the ten worst",
            "s",
            (Query(f"topk(10, kcon_lag_error_seconds{{{JOB}}})", _WORST),),
        ),
        Panel(
            "Rebalances in 10 minutes",
            "short",
            (Query(f"increase(kcon_consumergroup_rebalances_total{{{JOB}}}[10m]) > 0", "{{group}}"),),
        ),
        Panel(
            "The busiest partition, in fair shares",
            "short",
            (Query(f"topk(10, kcon_hot_partition_ratio{{{JOB}}})", "{{topic}}"),),
        ),
        Panel(
            "Held back from read_committed",
            "short",
            (Query(f"topk(10, kcon_topic_partition_lso_lag{{{JOB}}})", "{{topic}}/{{partition}}"),),
        ),
        Panel(
            "Open transactions",
            "s",
            (Query(f"topk(10, kcon_open_transaction_age_seconds{{{JOB}}})", "{{transactional_id}}"),),
        ),
        Panel(
            "Free on the volumes",
            "percentunit",
            (
                Query(
                    f"kcon_volume_free_bytes{{{JOB}}} / kcon_volume_total_bytes{{{JOB}}}", "broker {{broker}} {{path}}"
                ),
            ),
        ),
        Panel(
            "Until certificates end",
            "s",
            (Query(f"kcon_certificate_expiry_timestamp_seconds{{{JOB}}} - time()", "{{address}}"),),
        ),
        Panel("Kafka's part of them", "bytes", (Query(f"kcon_log_dir_bytes{{{JOB}}}", "broker {{broker}} {{path}}"),)),
        Panel(
            "Log dirs offline, controller missing",
            "short",
            (
                Query(f"kcon_log_dir_offline{{{JOB}}}", "broker {{broker}} {{path}}"),
                Query(f"1 - kcon_cluster_has_controller{{{JOB}}}", "no controller"),
            ),
        ),
        Panel(
            "What looking costs",
            "ops",
            (Query(f"sum by (api) (rate(kcon_requests_total{{{JOB}}}[5m]))", "{{api}}"),),
        ),
        Panel("How long a look takes", "s", (Query(f"kcon_poll_duration_seconds{{{JOB}}}", "{{cluster}}"),)),
        Panel(
            "Messages to sinks",
            "short",
            (
                Query(f"increase(kcon_alert_messages_total{{{JOB}}}[10m])", "{{sink}} {{outcome}}"),
                Query(f"kcon_alert_messages_waiting{{{JOB}}}", "waiting"),
            ),
        ),
        _stat("The probe gets through", "bool", f"min(kcon_probe_up{{{JOB}}})", "Empty where nobody probes."),
        _stat("Since the last probe", "s", f"time() - max(kcon_probe_timestamp_seconds{{{JOB}}})"),
        Panel(
            "Round trip of the probe, from writer to reader",
            "s",
            (Query(f"kcon_probe_round_trip_seconds{{{JOB}}}", "p{{quantile}}"),),
            width=8,
        ),
        Panel(
            "Records of the probe that did not get through",
            "short",
            (Query(f'kcon_probe_records{{{JOB}, outcome!="sent"}}', "{{outcome}}"),),
            width=8,
        ),
    ),
)

_LAG: Final = Board(
    name="lag",
    title="Kafka consumer lag",
    panels=(
        Panel(
            "Time lag, the ten worst groups",
            "s",
            (Query(f"topk(10, kafka_consumergroup_group_max_lag_seconds{{{JOB}}})", "{{group}}"),),
        ),
        Panel(
            "Lag, the ten worst groups",
            "short",
            (Query(f"topk(10, kafka_consumergroup_group_sum_lag{{{JOB}}})", "{{group}}"),),
        ),
        Panel(
            "Lag of one partition, at most",
            "short",
            (Query(f"topk(10, kafka_consumergroup_group_max_lag{{{JOB}}})", "{{group}}"),),
        ),
        Panel(
            "Lag by topic",
            "short",
            (Query(f"topk(10, kafka_consumergroup_group_topic_sum_lag{{{JOB}}})", "{{group}} {{topic}}"),),
        ),
        Panel(
            "Time lag, the ten worst partitions",
            "s",
            (Query(f"topk(10, kafka_consumergroup_group_lag_seconds{{{JOB}}})", _WORST),),
        ),
        Panel(
            "Lag, the ten worst partitions",
            "short",
            (Query(f"topk(10, kafka_consumergroup_group_lag{{{JOB}}})", _WORST),),
        ),
        Panel(
            "Read a second",
            "ops",
            (Query(f"sum by (group) (rate(kafka_consumergroup_group_offset{{{JOB}}}[5m]))", "{{group}}"),),
        ),
        Panel(
            "Written a second",
            "ops",
            (Query(f"topk(10, sum by (topic) (rate(kafka_partition_latest_offset{{{JOB}}}[5m])))", "{{topic}}"),),
        ),
        Panel(
            "Lag as a share of what is kept",
            "percent",
            (Query(f"topk(10, kafka_consumergroup_group_lag_retention_ratio{{{JOB}}})", _WORST),),
            about="At 100 retention takes records that were not read.",
        ),
        Panel(
            "Records between the log start and the commit",
            "short",
            (
                Query(
                    f"bottomk(10, kafka_consumergroup_group_retention_margin{{{JOB}}} "
                    f"and on (topic, partition) kafka_partition_earliest_offset{{{JOB}}} > 0)",
                    _WORST,
                ),
            ),
        ),
        Panel(
            "Lost to retention",
            "short",
            (Query(f"sum by (group) (kafka_consumergroup_group_messages_lost{{{JOB}}})", "{{group}}"),),
        ),
        Panel(
            "State of groups",
            "short",
            (Query(f"kafka_consumergroup_group_state{{{JOB}}}", "{{group}}"),),
            kind="table",
            about="0 unknown, 1 preparing, 2 completing, 3 stable, 4 dead, 5 empty, 6 assigning, 7 reconciling.",
        ),
        Panel(
            "How long a look takes", "ms", (Query(f"kafka_consumergroup_poll_time_ms{{{JOB}}}", "{{cluster_name}}"),)
        ),
    ),
)

_EXPORTER: Final = Board(
    name="exporter",
    title="Kafka topics and groups",
    panels=(
        _stat("Brokers", "short", f"max(kafka_brokers{{{JOB}}})"),
        _stat("Topics", "short", f"count(kafka_topic_partitions{{{JOB}}})"),
        _stat("Partitions", "short", f"sum(kafka_topic_partitions{{{JOB}}})"),
        _stat(
            "Under-replicated", "short", f"sum(kafka_topic_partition_under_replicated_partition{{{JOB}}}) or vector(0)"
        ),
        _stat(
            "Without a leader",
            "short",
            f"count(kafka_topic_partition_replicas{{{JOB}}} unless kafka_topic_partition_leader{{{JOB}}}) or vector(0)",
        ),
        _stat(
            "Led by the preferred replica", "percentunit", f"avg(kafka_topic_partition_leader_is_preferred{{{JOB}}})"
        ),
        Panel(
            "Written a second",
            "ops",
            (
                Query(
                    f"topk(10, sum by (topic) (rate(kafka_topic_partition_current_offset{{{JOB}}}[5m])))", "{{topic}}"
                ),
            ),
        ),
        Panel(
            "Read a second",
            "ops",
            (
                Query(
                    f"sum by (consumergroup, topic) (rate(kafka_consumergroup_current_offset{{{JOB}}}[5m]))",
                    "{{consumergroup}} {{topic}}",
                ),
            ),
        ),
        Panel(
            "Lag by group and topic",
            "short",
            (
                Query(
                    f"sum by (consumergroup, topic) (kafka_consumergroup_lag{{{JOB}}})", "{{consumergroup}} {{topic}}"
                ),
            ),
        ),
        Panel(
            "Records kept",
            "short",
            (
                Query(
                    f"topk(10, sum by (topic) (kafka_topic_partition_current_offset{{{JOB}}} "
                    f"- kafka_topic_partition_oldest_offset{{{JOB}}}))",
                    "{{topic}}",
                ),
            ),
        ),
        Panel("Members", "short", (Query(f"kafka_consumergroup_members{{{JOB}}}", "{{consumergroup}}"),)),
        Panel(
            "Replicas in sync, assigned",
            "short",
            (
                Query(f"sum(kafka_topic_partition_in_sync_replica{{{JOB}}})", "in sync"),
                Query(f"sum(kafka_topic_partition_replicas{{{JOB}}})", "assigned"),
            ),
        ),
        Panel("Brokers", "short", (Query(f"kafka_broker_info{{{JOB}}}", "{{id}} {{address}}"),), kind="table"),
        Panel(
            "Sums by topic",
            "short",
            (
                Query(f"kafka_consumergroup_lag_sum{{{JOB}}}", "lag {{consumergroup}} {{topic}}"),
                Query(
                    f"rate(kafka_consumergroup_current_offset_sum{{{JOB}}}[5m])", "read/s {{consumergroup}} {{topic}}"
                ),
            ),
        ),
    ),
)


def _rates(title: str, unit: str, name: str) -> Panel:
    return Panel(
        title,
        unit,
        (Query(f"topk(10, rate(kafka_server_brokertopicmetrics_{name}_total{{{JOB}}}[5m]))", "{{topic}}"),),
    )


_BROKER: Final = Board(
    name="broker",
    title="kcon's broker",
    panels=(
        _stat("Partitions", "short", f"sum(kafka_server_replicamanager_partitioncount{{{JOB}}})"),
        _stat("Leaders", "short", f"sum(kafka_server_replicamanager_leadercount{{{JOB}}})"),
        _stat("Under-replicated", "short", f"sum(kafka_server_replicamanager_underreplicatedpartitions{{{JOB}}})"),
        _stat("Under min ISR", "short", f"sum(kafka_server_replicamanager_underminisrpartitioncount{{{JOB}}})"),
        _stat("Active controllers", "short", f"sum(kafka_controller_kafkacontroller_activecontrollercount{{{JOB}}})"),
        _stat("Offline partitions", "short", f"sum(kafka_controller_kafkacontroller_offlinepartitionscount{{{JOB}}})"),
        _rates("Bytes in", "Bps", "bytesin"),
        _rates("Bytes out", "Bps", "bytesout"),
        _rates("Records in", "ops", "messagesin"),
        _rates("Produce requests", "ops", "totalproducerequests"),
        _rates("Fetch requests", "ops", "totalfetchrequests"),
        Panel(
            "Failed requests",
            "ops",
            (
                Query(
                    f"rate(kafka_server_brokertopicmetrics_failedproducerequests_total{{{JOB}}}[5m]) > 0",
                    "produce {{topic}}",
                ),
                Query(
                    f"rate(kafka_server_brokertopicmetrics_failedfetchrequests_total{{{JOB}}}[5m]) > 0",
                    "fetch {{topic}}",
                ),
            ),
        ),
        Panel(
            "Size on disk, the ten largest",
            "bytes",
            (Query(f"topk(10, sum by (topic) (kafka_log_log_size{{{JOB}}}))", "{{topic}}"),),
        ),
        Panel(
            "Idle",
            "percentunit",
            (
                Query(f"kafka_network_socketserver_networkprocessoravgidle_percent{{{JOB}}}", "network"),
                Query(
                    f"kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent{{{JOB}}}", "request handlers"
                ),
            ),
        ),
        Panel(
            "Connections, open files",
            "short",
            (
                Query(f"kafka_server_socket_server_metrics_connection_count{{{JOB}}}", "{{listener}}"),
                Query(f"process_open_fds{{{JOB}}}", "files"),
            ),
        ),
        Panel(
            "Log dirs offline", "short", (Query(f"kafka_log_logmanager_offlinelogdirectorycount{{{JOB}}}", "offline"),)
        ),
    ),
)

BOARDS: Final = {board.name: board for board in (_KCON, _LAG, _EXPORTER, _BROKER)}
"""By name; one for each profile."""
