"""Which rules hold over one look, and what is unknown rather than well."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from kcon.admin.groups import GroupsListed
from kcon.core.alert import Observation
from kcon.core.alert_rules import PROBE_RULES, RULES
from kcon.core.broker_facts import LogDir
from kcon.core.disk_usage import VolumeUse, volume_uses
from kcon.core.ids import GroupId, TopicPartition, topic_name
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.snapshot import PartitionInfo
from kcon.core.time_lag import Probe
from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.observe.alert_finder import AlertFinder, OwnRule
from kcon.observe.metric_families import Tick, group_rows
from kcon.observe.sampler import Sample, Sampler
from kcon.observe.slow_facts import OpenTransaction, SlowFacts
from kcon.observe.store import Store
from kcon.services.alert_config import parse_alert_config
from kcon.services.alert_sinks import load_sink_kinds
from tests.kcon.services.test_alert_config import PATH

NOW_MS = 1_795_487_700_000
WELL = SlowFacts(volumes=(), transactions=())
Found = dict[tuple[str, str], str]


class Watch:
    """Looks at a cluster in memory, again and again."""

    def __init__(self, cluster: Any, *own: OwnRule, **thresholds: float) -> None:
        cluster.requests_sent = Counter()
        self.cluster = cluster
        self.now_ms = NOW_MS
        self.store = Store()
        self.sampler = Sampler(cluster, lambda: self.now_ms)
        self.finder = AlertFinder(own, thresholds)
        self.before: Sample | None = None
        self.last = Observation()

    def look(self, slow: SlowFacts | None = WELL, *, after_s: float = 30) -> Found:
        self.now_ms += round(after_s * 1000)

        async def main() -> Observation:
            sample = await self.sampler.sample(None, self.store.lag_engine.wanted_probes())
            snapshot = await self.store.add(sample)
            tick = Tick(
                sample=sample,
                engine=self.store.lag_engine,
                cluster_name="prod",
                snapshot=snapshot,
                slow=slow,
                before=self.before,
            )
            self.before = sample
            return self.finder.look(tick, group_rows(tick))

        self.last = asyncio.run(main())
        return {
            (finding.rule, ",".join(value for _name, value in finding.labels)): finding.summary
            for finding in self.last.findings
        }


@pytest.fixture
def watch(orders: Any) -> Watch:
    """Return a watch over a cluster in which group billing has read nothing of orders/1's lost records."""
    orders.groups_by_id["billing"].commits.clear()
    orders.answers["probe_times"] = {}
    return Watch(orders)


def rules(found: Mapping[tuple[str, str], str]) -> set[str]:
    return {rule for rule, _labels in found}


def test_a_cluster_that_is_well_has_nothing(watch: Watch) -> None:
    assert watch.look() == {}
    of_probes = {rule.name for rule in PROBE_RULES}
    assert watch.last.judged == {rule.name for rule in RULES if not rule.is_for_prometheus} - of_probes
    assert watch.last.unknown == set()


def test_brokers_and_replicas_that_are_gone(watch: Watch) -> None:
    watch.cluster.topics_by_name["orders"].partitions = (
        PartitionInfo(0, -1, 0, (2,), (2,), ()),
        PartitionInfo(1, 1, 0, (1, 2), (1,), ()),
        PartitionInfo(2, 1, 0, (1,), (1,), ()),
    )
    watch.cluster.controller_id = -1
    found = watch.look(SlowFacts(minimums={"orders": 2}, volumes=(), transactions=()))
    assert set(found) == {
        ("KafkaNoController", ""),
        ("KafkaBrokerDown", "2"),
        ("KafkaPartitionOffline", "0,orders"),
        ("KafkaUnderMinIsr", "1,orders"),
        ("KafkaUnderReplicated", "1,orders"),
    }
    watch.look(SlowFacts(minimums={"orders": None}, volumes=(), transactions=()))
    assert ("topic", "orders") in watch.last.unknown


def volume(free: int, *, error: Any = None) -> VolumeUse:
    (use,) = volume_uses({1: (LogDir(WireText("/d\x1b"), error, 1_000, free, ()),)})
    return use


@pytest.mark.parametrize(("free", "low"), [(149, True), (150, False), (151, False)])
def test_a_disk_is_low_below_its_threshold(watch: Watch, free: int, low: bool) -> None:
    found = watch.look(SlowFacts(volumes=(volume(free),), transactions=()))
    assert (("KafkaDiskLow", "1,/d␛") in found) == low


def test_a_disk_that_fills_up_is_told_once_it_was_watched(watch: Watch) -> None:
    for minute in range(12):
        found = watch.look(SlowFacts(volumes=(volume(900 - 10 * minute),), transactions=()), after_s=60)
        assert ("KafkaDiskFull" in rules(found)) == (minute >= 10), minute
    assert "is full in 1h 19m" in found["KafkaDiskFull", "1,/d␛"]


def test_a_log_dir_that_is_offline(watch: Watch) -> None:
    found = watch.look(SlowFacts(volumes=(volume(0, error=kafka_error(56)),), transactions=()))
    assert rules(found) == {"KafkaLogDirOffline"}


@pytest.mark.parametrize(("age_s", "told"), [(1_200, False), (1_201, True)])
def test_a_transaction_that_is_open_for_long(watch: Watch, age_s: int, told: bool) -> None:
    old = OpenTransaction(transactional_id=WireText("t"), age_ms=age_s * 1000)
    assert bool(watch.look(SlowFacts(volumes=(), transactions=(old,)))) == told


@pytest.mark.parametrize(("days", "told"), [(30.001, False), (29.999, True), (-1.0, True)])
def test_a_certificate_that_ends_soon(watch: Watch, days: float, told: bool) -> None:
    ends_ms = NOW_MS + 30_000 + round(days * 86_400_000)
    found = watch.look(SlowFacts(volumes=(), transactions=(), certificates={"b1:9093": ends_ms}))
    assert (("KafkaCertificateEnds", "b1:9093") in found) == told
    assert days > 0 or found["KafkaCertificateEnds", "b1:9093"] == "The certificate of b1:9093 has ended."


def test_what_slow_questions_did_not_tell_is_not_judged(watch: Watch) -> None:
    watch.look(SlowFacts(silent_brokers=frozenset({3}), transactions=()))
    assert {"KafkaDiskLow", "KafkaDiskFull", "KafkaLogDirOffline"}.isdisjoint(watch.last.judged)
    assert ("broker", "3") in watch.last.unknown
    watch.look(None)
    assert "KafkaTransactionOpen" not in watch.last.judged


def test_records_that_retention_took_or_is_about_to_take(watch: Watch) -> None:
    watch.cluster.commit("billing", "orders", 1, 20)
    assert "KafkaRecordsLost" in rules(watch.look())
    watch.cluster.commit("billing", "orders", 1, 41)
    found = watch.look()
    assert "KafkaGroupNearRetention" in rules(found)
    assert "KafkaRecordsLost" not in rules(found)
    watch.cluster.commit("billing", "orders", 1, 60)
    assert "KafkaGroupNearRetention" not in rules(watch.look())


def late(cluster: Any, age_ms: int) -> None:
    """Let the next record of every commit be so old."""

    def probe(places: dict[TopicPartition, int]) -> dict[TopicPartition, Probe]:
        return {
            where: Probe(
                asked_offset=offset,
                base_offset=offset,
                last_offset=offset,
                base_timestamp_ms=NOW_MS - age_ms,
                max_timestamp_ms=NOW_MS - age_ms,
            )
            for where, offset in places.items()
        }

    cluster.answers["probe_times"] = probe


def test_a_group_that_is_late_and_falls_behind(watch: Watch) -> None:
    watch.cluster.commit("billing", "orders", 0, 10)
    watch.cluster.groups_by_id["billing"].members = [("app", [TopicPartition(topic_name("orders"), 0)])]
    watch.cluster.groups_by_id["billing"].state = "Stable"
    late(watch.cluster, 400_000)
    topic = watch.cluster.topics_by_name["orders"]
    for look in range(4):
        topic.bounds[0] = (topic.bounds[0][0], topic.bounds[0][1] + 90)
        found = watch.look()
        assert ("KafkaGroupLate" in rules(found)) == (look >= 1), look
        assert ("KafkaGroupFallsBehind" in rules(found)) == (look >= 2), look
    assert found["KafkaGroupFallsBehind", "billing"] == "Group billing falls behind by 3 records a second."


def test_a_group_that_could_not_be_read_is_unknown(watch: Watch) -> None:
    async def committed_offsets(groups: list[GroupId]) -> dict[GroupId, KafkaError]:
        return dict.fromkeys(groups, kafka_error(15))

    watch.cluster.committed_offsets = committed_offsets
    watch.look()
    assert ("group", "billing") in watch.last.unknown
    orders = watch.cluster.list_groups

    async def list_groups() -> GroupsListed:
        return GroupsListed(items=(await orders()).items, errors={2: KconError("It hangs.")})

    watch.cluster.list_groups = list_groups
    watch.look()
    assert "KafkaGroupLate" not in watch.last.judged
    assert "KafkaPartitionOffline" in watch.last.judged


def test_a_partition_whose_end_is_not_told_keeps_the_alerts_of_its_group(watch: Watch) -> None:
    watch.cluster.commit("billing", "orders", 0, 10)
    watch.cluster.unreadable[TopicPartition(topic_name("orders"), 0)] = kafka_error(5)
    watch.look()
    assert ("group", "billing") in watch.last.unknown


@pytest.mark.parametrize(
    ("scope", "when", "found"),
    [
        ("cluster", "topics >= 2 && brokers == 1", ""),
        ("broker", "leaders > 0", "1"),
        ("topic", 'topic.startsWith("ord") && partitions == 3', "orders"),
        ("group", 'lag == 90 && status == "ok" && members == 0', "billing"),
        ("partition", "lag > 40 && committed < start", "billing,1,orders"),
    ],
)
def test_an_own_rule_is_asked_of_each_thing_of_its_scope(orders: Any, scope: str, when: str, found: str) -> None:
    orders.answers["probe_times"] = {}
    kinds, _faults = load_sink_kinds()
    document = {"rule": {"Mine": {"on": scope, "when": when, "summary": "seen"}}}
    watch = Watch(orders, *parse_alert_config(document, PATH, kinds, {}).own_rules)
    assert {key: text for key, text in watch.look().items() if key[0] == "Mine"} == {("Mine", found): "seen"}
    assert watch.finder.unanswered == ()


def test_an_own_rule_that_never_has_an_answer_is_named(orders: Any) -> None:
    orders.answers["probe_times"] = {}
    kinds, _faults = load_sink_kinds()
    document = {"rule": {"Mine": {"on": "topic", "when": "partitions + topic > 3"}}}
    watch = Watch(orders, *parse_alert_config(document, PATH, kinds, {}).own_rules)
    watch.look()
    assert len(watch.finder.unanswered) == 1
    assert watch.finder.unanswered[0].startswith("Rule Mine had no answer about anything: ")


def test_a_summary_is_filled_in(orders: Any) -> None:
    orders.answers["probe_times"] = {}
    kinds, _faults = load_sink_kinds()
    table = {"on": "group", "when": "lag > 0", "summary": "$group has $lag, ${lag_seconds} s, $nothing"}
    watch = Watch(orders, *parse_alert_config({"rule": {"Mine": table}}, PATH, kinds, {}).own_rules)
    assert watch.look()["Mine", "billing"] == "billing has 90, None s, $nothing"


def test_a_look_that_failed_is_a_finding_and_judges_nothing_else(watch: Watch) -> None:
    observation = watch.finder.failed("Nobody answers.")
    assert [finding.rule for finding in observation.findings] == ["KconDown"]
    assert observation.judged == frozenset()
