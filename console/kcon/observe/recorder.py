"""What of a look at a cluster goes into its history? Numbers as series, what seldom changes as facts, changes as marks.

A look is recorded when the last one is `interval_ms` ago: the screens look more often than history needs. Values are
gathered in slices with a turn of the event loop between them. Facts are the answers as JSON:

    cluster  ""       {"id", "seen", "controller"}
    broker   "1"      {"host", "port", "rack"}
    topic    name     {"id", "internal", "parts": [[partition, leader, epoch, replicas, in sync, offline], ...]}
    group    id       {"state", "kind", "type", "coordinator", "members", "reads", "status", "since", "at"}
    members  id       {"assignor", "generation", "members": [[id, client, host, instance, [[topic, [partition, ...]]]]]}
    config   "topic/orders", "broker/1"    {name: value}, what somebody set
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Final

from kcon.core.broker_facts import LogDir
from kcon.core.ids import GroupId, TopicName
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import CommittedOffset, GroupDescription, TopicInfo
from kcon.core.wire_text import WireText
from kcon.observe import history_keys as kinds
from kcon.observe.changes import config_marks, marks_between
from kcon.observe.history import History
from kcon.observe.history_keys import SEPARATOR, Fact, Mark, SeriesKey, commit_name, partition_name
from kcon.observe.sampler import Sample
from kcon.observe.snapshot import ClusterSnapshot

INTERVAL_MS: Final = 10_000
SLACK_MS: Final = 500
"""A look that comes so little too early is taken all the same."""
SERIES_MAX: Final = 20_000
"""Above so many, partitions and commits are not recorded one by one."""
SLICE: Final = 1_000
"""Values gathered between two turns of the event loop."""
NO_NAME: Final = WireText("")

Values = dict[SeriesKey, float | None]


class Recorder:
    """Writes the looks of one process into the history of one cluster. One event loop; the owner flushes."""

    def __init__(self, history: History, *, interval_ms: int = INTERVAL_MS, series_max: int = SERIES_MAX) -> None:
        self._history = history
        self.interval_ms = interval_ms
        self._series_max = series_max
        self._keys: dict[tuple[str, object], SeriesKey] = {}
        self._facts = history.last_facts()
        self._topics: dict[TopicName, TopicInfo] = {}
        self._members: dict[GroupId, object] = {}
        self._before: tuple[Sample, ClusterSnapshot] | None = None
        self._recorded_ms = 0
        self._done = 0
        self._sizes: Values = {}
        self._controller_id: int | None = None
        self.is_coarse = False
        """There are too many partitions to record each."""

    def is_due(self, taken_ms: int) -> bool:
        """Whether a look of this time would be recorded."""
        return taken_ms < self._recorded_ms or taken_ms - self._recorded_ms >= self.interval_ms - SLACK_MS

    async def take(self, sample: Sample, snapshot: ClusterSnapshot) -> bool:
        """Take in a look; return whether there is something to flush. What happened is noted at every look."""
        if not sample.has_offsets:
            return False
        if self._before is not None:
            for mark in marks_between(self._before[0], sample, self._before[1], snapshot):
                self._history.mark(mark)
        self._before = (sample, snapshot)
        if not self.is_due(sample.taken_ms):
            return False
        self._recorded_ms = sample.taken_ms
        values: Values = {}
        self._add_cluster(values, sample, snapshot)
        await self._add_topics(values, snapshot)
        await self._add_groups(values, snapshot)
        count = len(sample.ends) * 2 + sum(len(each) for each in sample.commits.values() if isinstance(each, dict))
        self.is_coarse = count + len(values) > self._series_max
        if not self.is_coarse:
            await self._add_partitions(values, sample)
        self._note_facts(sample, snapshot)
        values.update(self._sizes)
        if len(self._keys) > 2 * len(values) + SLICE:
            self._keys.clear()  # Most are of what is gone.
        return self._history.append(sample.taken_ms, values)

    def take_controller(self, controller_id: int | None, taken_ms: int) -> None:
        """Take in which node is the active controller; None: not known. It is recorded with each look from now on."""
        before = self._controller_id
        if before is not None and controller_id is not None and before != controller_id:
            text = f"the controller moved from node {before} to node {controller_id}"
            self._history.mark(Mark(taken_ms, "leader", WireText(str(controller_id)), text))
        self._controller_id = controller_id

    def take_sizes(self, log_dirs: Mapping[int, tuple[LogDir, ...] | KafkaError]) -> None:
        """Take in what the brokers' disks hold; it is recorded with each look until it is read again."""
        values: Values = {}
        sizes: dict[TopicName, int] = {}
        for broker_id, dirs in log_dirs.items():
            if isinstance(dirs, KafkaError):
                continue
            for each in dirs:
                name = WireText(f"{broker_id}{SEPARATOR}{each.path.raw}")
                if each.total_bytes is not None and each.usable_bytes is not None:
                    values[SeriesKey(kinds.VOLUME_USED, name)] = each.total_bytes - each.usable_bytes
                    values[SeriesKey(kinds.VOLUME_TOTAL, name)] = each.total_bytes
                for replica in each.replicas:
                    topic = replica.partition.topic
                    sizes[topic] = sizes.get(topic, 0) + replica.size_bytes
        values.update({SeriesKey(kinds.TOPIC_SIZE, name): size for name, size in sizes.items()})
        self._sizes = values

    def take_configs(self, kind: str, name: WireText, taken_ms: int, now: Mapping[str, str]) -> None:
        """Take in the settings that somebody set on a topic or a broker."""
        key = WireText(f"{kind}/{name.raw}")
        text = _json(dict(sorted(now.items())))
        old = self._facts.get(("config", key))
        if old == text:
            return
        self._set_fact("config", key, taken_ms, text)
        if old is not None:
            for mark in config_marks(f"{kind} {name}", name, json.loads(old), now, taken_ms):
                self._history.mark(mark)

    # --- series ----------------------------------------------------------------------------------------------

    def _key(self, kind: str, name: WireText) -> SeriesKey:
        found = self._keys.get((kind, name))
        if found is None:
            found = self._keys[kind, name] = SeriesKey(kind, name)
        return found

    async def _turn(self) -> None:
        self._done += 1
        if self._done >= SLICE:
            self._done = 0
            await asyncio.sleep(0)

    def _add_cluster(self, values: Values, sample: Sample, snapshot: ClusterSnapshot) -> None:
        values[self._key(kinds.LOOK, NO_NAME)] = sample.duration_ms
        for name, value in (
            ("in", snapshot.in_series.last),
            ("out", snapshot.out_series.last),
            ("lag", snapshot.lag_series.last),
            ("requests", snapshot.requests_per_s),
        ):
            values[self._key(kinds.CLUSTER, WireText(name))] = value
        brokers = snapshot.brokers
        for broker_id, inflow, outflow in zip(brokers.broker_id, brokers.in_per_s, brokers.out_per_s, strict=True):
            of_broker = WireText(str(broker_id))
            values[self._key(kinds.BROKER_IN, of_broker)] = inflow
            values[self._key(kinds.BROKER_OUT, of_broker)] = outflow

    async def _add_topics(self, values: Values, snapshot: ClusterSnapshot) -> None:
        topics = snapshot.topics
        for index, name in enumerate(topics.name):
            values[self._key(kinds.TOPIC_IN, name)] = topics.in_per_s[index]
            values[self._key(kinds.TOPIC_OUT, name)] = topics.out_per_s[index]
            values[self._key(kinds.TOPIC_SPAN, name)] = topics.span[index]
            hot = topics.hot[index]
            if hot is not None or (kinds.TOPIC_HOT, name) in self._keys:
                values[self._key(kinds.TOPIC_HOT, name)] = kinds.NOT_HOT if hot is None else hot
            await self._turn()

    async def _add_groups(self, values: Values, snapshot: ClusterSnapshot) -> None:
        groups = snapshot.groups
        for index, group in enumerate(groups.group):
            late = groups.time_lag[index]
            values[self._key(kinds.GROUP_LAG, group)] = groups.lag[index]
            values[self._key(kinds.GROUP_OUT, group)] = groups.out_per_s[index]
            values[self._key(kinds.GROUP_TIME, group)] = late.value_ms
            values[self._key(kinds.GROUP_QUALITY, group)] = late.quality.value
            if late.error_ms or (kinds.GROUP_ERROR, group) in self._keys:
                values[self._key(kinds.GROUP_ERROR, group)] = late.error_ms
            # These are 0 nearly always, and a series that is not there means 0.
            for kind, value in ((kinds.GROUP_LOST, groups.lost[index]), (kinds.GROUP_UNKNOWN, groups.unknown[index])):
                if value or (kind, group) in self._keys:
                    values[self._key(kind, group)] = value
            await self._turn()

    async def _add_partitions(self, values: Values, sample: Sample) -> None:
        keys = self._keys
        for kind, bounds in ((kinds.START, sample.starts), (kinds.END, sample.ends)):
            for where in bounds:
                key = keys.get((kind, where))
                if key is None:
                    key = keys[kind, where] = SeriesKey(kind, partition_name(where))
                values[key] = bounds.offset(where)
                await self._turn()
        for group, commits in sample.commits.items():
            if isinstance(commits, KafkaError):
                continue
            for where, commit in commits.items():
                key = keys.get((kinds.COMMIT, (group, where)))
                if key is None:
                    key = keys[kinds.COMMIT, (group, where)] = SeriesKey(kinds.COMMIT, commit_name(group, where))
                values[key] = commit.offset if isinstance(commit, CommittedOffset) else None
                await self._turn()

    # --- facts -----------------------------------------------------------------------------------------------

    def _set_fact(self, kind: str, name: WireText, at_ms: int, value: str | None) -> None:
        if self._facts.get((kind, name)) == value:
            return
        if value is None:
            del self._facts[kind, name]
        else:
            self._facts[kind, name] = value
        self._history.fact(Fact(kind, name, at_ms, value))

    def _forget_others(self, kind: str, names: Iterable[WireText], at_ms: int) -> None:
        here = set(names)
        for of, name in [each for each in self._facts if each[0] == kind and each[1] not in here]:
            self._set_fact(of, name, at_ms, None)

    def _note_facts(self, sample: Sample, snapshot: ClusterSnapshot) -> None:
        at_ms, cluster = sample.taken_ms, sample.cluster
        whole = {
            "id": cluster.cluster_id.raw if cluster.cluster_id is not None else None,
            "seen": snapshot.brokers_seen,
            # Not that of Metadata: on KRaft its answer names any live broker.
            "controller": self._controller_id,
        }
        self._set_fact("cluster", NO_NAME, at_ms, _json(whole))
        for broker in cluster.brokers:
            rack = broker.rack.raw if broker.rack is not None else None
            self._set_fact(
                "broker",
                WireText(str(broker.id)),
                at_ms,
                _json({"host": broker.host.raw, "port": broker.port, "rack": rack}),
            )
        self._forget_others("broker", [WireText(str(broker.id)) for broker in cluster.brokers], at_ms)
        for topic in sample.topics:
            if self._topics.get(topic.name) != topic:
                self._set_fact("topic", topic.name, at_ms, _topic_json(topic))
        self._topics = {topic.name: topic for topic in sample.topics}
        self._forget_others("topic", self._topics, at_ms)
        if not sample.groups.errors:
            self._note_groups(sample, snapshot)

    def _note_groups(self, sample: Sample, snapshot: ClusterSnapshot) -> None:
        at_ms, groups = sample.taken_ms, snapshot.groups
        types = {row.group: row.protocol_type for row in sample.groups.items}
        for index, group in enumerate(groups.group):
            at = groups.status_at[index]
            fact = {
                "state": groups.state[index],
                "kind": groups.kind[index],
                "type": types.get(group, ""),
                "coordinator": groups.coordinator_id[index],
                "members": groups.members[index],
                "reads": None if groups.topics[index] is None else sorted(name.raw for name in groups.reads[index]),
                "status": groups.status[index].name,
                "since": groups.status_since_ms[index],
                "at": None if at is None else [at.topic.raw, at.partition],
            }
            self._set_fact("group", group, at_ms, _json(fact))
            described = sample.members.get(group)
            if isinstance(described, GroupDescription) and self._members.get(group) is not described:
                self._members[group] = described
                self._set_fact("members", group, at_ms, _members_json(described))
        here = set(groups.group)
        self._forget_others("group", here, at_ms)
        self._forget_others("members", here, at_ms)
        for group in [each for each in self._members if each not in here]:
            del self._members[group]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _topic_json(topic: TopicInfo) -> str:
    parts = [
        [part.partition, part.leader_id, part.leader_epoch, part.replicas, part.isr, part.offline]
        for part in topic.partitions
    ]
    return _json({"id": topic.topic_id, "internal": topic.internal, "parts": parts})


def _members_json(described: GroupDescription) -> str:
    members = []
    for member in described.members:
        owned: dict[str, list[int]] = {}
        for where in member.assignment:
            owned.setdefault(where.topic.raw, []).append(where.partition)
        instance = member.instance_id.raw if member.instance_id is not None else None
        members.append(
            [member.member_id.raw, member.client_id.raw, member.host.raw, instance, [[*each] for each in owned.items()]]
        )
    return _json({"assignor": described.protocol, "generation": described.generation_id, "members": members})
