"""What is different between two moments of a cluster's past? Brokers, topics, settings and groups, thing by thing."""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kcon.core.ids import GroupId, TopicName
from kcon.core.snapshot import TopicInfo
from kcon.core.time_lag import TimeLag
from kcon.core.units import format_duration
from kcon.core.wire_text import WireText, display_safe
from kcon.observe.past import Past
from kcon.observe.snapshot import ClusterSnapshot


class Difference(NamedTuple):
    """One thing that is not as it was."""

    kind: str
    """`broker`, `topic`, `config` or `group`."""
    name: WireText
    what: str
    """What of it, e.g. `lag`, `leader 3`; `there` for the thing itself."""
    before: str | None
    """Safe text; None: it was not there, or unknown."""
    after: str | None


def differences(past: Past, before: ClusterSnapshot, after: ClusterSnapshot) -> list[Difference]:
    """Return what differs between two snapshots of a past: brokers first, then topics, settings, groups."""
    return [
        *_brokers(before, after),
        *_topics(past, before, after),
        *_configs(past, before.taken_ms, after.taken_ms),
        *_groups(before, after),
    ]


def _there(kind: str, was: set[WireText], is_: set[WireText]) -> Iterator[Difference]:
    for name in sorted(was ^ is_):
        yield Difference(kind, name, "there", _yes(name in was), _yes(name in is_))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _brokers(before: ClusterSnapshot, after: ClusterSnapshot) -> Iterator[Difference]:
    was, is_ = ({WireText(str(each.id)): each for each in seen.cluster.brokers} for seen in (before, after))
    yield from _there("broker", set(was), set(is_))
    for name in sorted(was.keys() & is_.keys()):
        old, new = was[name], is_[name]
        if (old.host, old.port) != (new.host, new.port):
            yield Difference("broker", name, "address", f"{old.host}:{old.port}", f"{new.host}:{new.port}")


def _topics(past: Past, before: ClusterSnapshot, after: ClusterSnapshot) -> Iterator[Difference]:
    was: dict[WireText, TopicInfo] = {topic.name: topic for topic in past.topics_at(before.taken_ms)}
    is_: dict[WireText, TopicInfo] = {topic.name: topic for topic in past.topics_at(after.taken_ms)}
    yield from _there("topic", set(was), set(is_))
    spans = [dict(zip(seen.topics.name, seen.topics.span, strict=True)) for seen in (before, after)]
    for name in sorted(was.keys() & is_.keys()):
        yield from _topic(was[name], is_[name])
        old, new = (each.get(TopicName(name)) for each in spans)
        if old != new:
            yield Difference("topic", name, "offsets", _number(old), _number(new))


def _topic(old: TopicInfo, new: TopicInfo) -> Iterator[Difference]:
    name = new.name
    if old.topic_id != new.topic_id:
        yield Difference("topic", name, "id", old.topic_id, new.topic_id)
    if len(old.partitions) != len(new.partitions):
        yield Difference("topic", name, "partitions", str(len(old.partitions)), str(len(new.partitions)))
    for was, is_ in zip(old.partitions, new.partitions, strict=False):
        if was.leader_id != is_.leader_id:
            yield Difference("topic", name, f"leader {is_.partition}", _leader(was.leader_id), _leader(is_.leader_id))
        if set(was.isr) != set(is_.isr):
            yield Difference("topic", name, f"in sync {is_.partition}", _ids(was.isr), _ids(is_.isr))
        if set(was.replicas) != set(is_.replicas):
            yield Difference("topic", name, f"replicas {is_.partition}", _ids(was.replicas), _ids(is_.replicas))


def _configs(past: Past, before_ms: int, after_ms: int) -> Iterator[Difference]:
    was, is_ = (past.reader.facts_at("config", at_ms) for at_ms in (before_ms, after_ms))
    for name in sorted(was.keys() & is_.keys()):
        if was[name] == is_[name]:
            continue
        old: Mapping[str, str] = json.loads(was[name])
        new: Mapping[str, str] = json.loads(is_[name])
        for key in sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key)):
            values = (None if each.get(key) is None else display_safe(each[key]) for each in (old, new))
            yield Difference("config", name, display_safe(key), *values)


def _groups(before: ClusterSnapshot, after: ClusterSnapshot) -> Iterator[Difference]:
    places: list[dict[GroupId, int]] = [
        {group: index for index, group in enumerate(seen.groups.group)} for seen in (before, after)
    ]
    yield from _there("group", set(places[0]), set(places[1]))
    for group in sorted(places[0].keys() & places[1].keys()):
        was, is_ = (_group(seen, place[group]) for seen, place in zip((before, after), places, strict=True))
        for what in was:
            if was[what] != is_[what]:
                yield Difference("group", group, what, was[what], is_[what])


def _group(seen: ClusterSnapshot, index: int) -> dict[str, str | None]:
    groups = seen.groups
    coordinator, members = groups.coordinator_id[index], groups.members[index]
    return {
        "state": groups.state[index] or None,
        "status": groups.status[index].name,
        "members": None if members is None else str(members),
        "lag": _number(groups.lag[index]),
        "time lag": _late(groups.time_lag[index]),
        "lost": _number(groups.lost[index]),
        "coordinator": str(coordinator),
    }


def _late(lag: TimeLag) -> str | None:
    return None if lag.value_ms is None else f"{format_duration(lag.value_ms)} {lag.quality.mark}"


def _number(value: int | None) -> str | None:
    return None if value is None else f"{value:,}"


def _leader(broker_id: int) -> str | None:
    return None if broker_id < 0 else str(broker_id)


def _ids(ids: tuple[int, ...]) -> str:
    return ",".join(str(each) for each in sorted(ids))
