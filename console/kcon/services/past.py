"""What would the lists have said then? The same answers as from the cluster, made from its history.

`look_ms` is the time of a look, as a snapshot of the past has it in `taken_ms`.
"""

from collections.abc import Collection, Sequence

from kcon.core.broker_facts import BrokerRow
from kcon.core.config_entry import ConfigEntry
from kcon.core.ids import GroupId, TopicPartition, group_id
from kcon.core.snapshot import GroupDescription, TopicInfo
from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.observe.lag_engine import UNKNOWN_BOUNDS
from kcon.observe.past import Past
from kcon.services.brokers import BrokerLoads, BrokersFound
from kcon.services.groups import GroupsFound, LagReport, PartitionScope, missing_group
from kcon.services.names import select_names
from kcon.services.near_names import ASKED_MAX, near_names
from kcon.services.topics import PartitionOffsets, TopicDescription, TopicsFound


def past_topics(
    past: Past, look_ms: int, patterns: Sequence[str] | None = None, *, regex: bool = False, internal: bool = False
) -> TopicsFound:
    """Return topics sorted by name. patterns: None is all; internal: also Kafka's own, which a name finds anyway."""
    topics = {topic.name: topic for topic in past.topics_at(look_ms)}
    selection = select_names(topics, patterns, regex=regex)
    found = [
        topics[name]
        for name in selection.names
        if internal or not topics[name].internal or name.raw in (patterns or ())
    ]
    near = {name: near_names(name, [topic.raw for topic in topics]) for name in selection.missing[:ASKED_MAX]}
    return TopicsFound(topics=found, missing=selection.missing, near=near)


def describe_past_topics(past: Past, look_ms: int, topics: Sequence[TopicInfo]) -> list[TopicDescription]:
    """Add bounds and settings to topics; settings are None where history did not read them by then."""
    described = []
    for topic in topics:
        bounds = past.bounds_at(topic.name, look_ms)
        settings = past.configs_at("topic", topic.name, look_ms)
        partitions = []
        for part in topic.partitions:
            start, end = bounds.get(TopicPartition(topic.name, part.partition), UNKNOWN_BOUNDS)
            partitions.append(PartitionOffsets(info=part, start=start, end=end))
        configs = None if settings is None else [_entry(name, value) for name, value in sorted(settings.items())]
        described.append(TopicDescription(topic=topic, partitions=partitions, configs=configs))
    return described


def _entry(name: str, value: str) -> ConfigEntry:
    return ConfigEntry(
        name=WireText(name), value=WireText(value), source="dynamic-topic", read_only=False, sensitive=False
    )


def past_groups(
    past: Past,
    look_ms: int,
    patterns: Sequence[str] | None = None,
    *,
    regex: bool = False,
    states: Collection[str] = (),
) -> GroupsFound:
    """Return groups sorted by id; patterns None: all. states: only these, in any case of letters."""
    by_id = {listing.group: listing for listing in past.groups_at(look_ms)}
    selection = select_names(by_id, patterns, regex=regex)
    wanted = {state.lower() for state in states}
    groups = [by_id[name] for name in selection.names if not wanted or by_id[name].state.lower() in wanted]
    return GroupsFound(groups=groups, missing=selection.missing, errors={})


def describe_past_groups(
    past: Past, look_ms: int, names: Sequence[str], *, regex: bool = False
) -> tuple[list[GroupDescription], dict[GroupId, KconError]]:
    """Return the named groups, and why others are not there."""
    found = past_groups(past, look_ms, names, regex=regex)
    described = []
    for listing in found.groups:
        fact = past.group_fact(listing.group, look_ms)
        assert fact is not None, "it was just listed"
        described.append(past.description_at(listing.group, fact, look_ms))
    return described, {group_id(name): missing_group(group_id(name)) for name in found.missing}


def past_group_lag(
    past: Past,
    look_ms: int,
    names: Sequence[str] | None = None,
    *,
    regex: bool = False,
    scopes: Sequence[PartitionScope] = (),
) -> LagReport:
    """Return the lag of groups (None: all) in every partition they had a commit or an owner in."""
    found = past_groups(past, look_ms, names, regex=regex)
    groups: dict[GroupId, GroupDescription] = {}
    rows = []
    for listing in found.groups:
        told = past.group_at(listing.group, look_ms)
        if told is None or told.description is None:
            continue
        groups[listing.group] = told.description
        rows += [row for row in told.rows if not scopes or any(scope.covers(row.partition) for scope in scopes)]
    return LagReport(
        rows=rows,
        groups=groups,
        group_errors={group_id(name): missing_group(group_id(name)) for name in found.missing},
        partition_errors={},
    )


def past_brokers_found(past: Past, look_ms: int) -> BrokersFound:
    """Return the brokers with what they carried; of disks only how full their volumes were is kept."""
    loads = BrokerLoads(past.topics_at(look_ms))
    return BrokersFound(
        rows=tuple(past_brokers(past, look_ms)), controller_id=past.controller_at(look_ms), loads=loads, log_dirs={}
    )


def past_brokers(past: Past, look_ms: int) -> list[BrokerRow]:
    """Return the brokers by id."""
    return [
        BrokerRow(id=each.id, host=each.host, port=each.port, rack=each.rack, fenced=None)
        for each in past.brokers_at(look_ms)
    ]
