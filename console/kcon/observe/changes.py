"""What happened between two looks at a cluster? Marks: leaders, replicas, brokers, topics, groups, commits, settings.

No I/O. Many changes of one kind in one look (a broker that restarts moves thousands of leaders) make one mark that
counts them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from kcon.core.group_status import GroupStatus
from kcon.core.ids import GroupId, MemberId, TopicPartition
from kcon.core.snapshot import NO_BROKER, ClusterInfo, CommittedOffset, GroupDescription, GroupListing, TopicInfo
from kcon.core.wire_text import WireText, display_safe
from kcon.observe.history_keys import Mark
from kcon.observe.lag_engine import STEADY
from kcon.observe.sampler import Sample
from kcon.observe.snapshot import ClusterSnapshot

EACH_MAX: Final = 4
"""Up to so many changes of one kind in one look have marks of their own."""
NAMED_MAX: Final = 3
WHOLE: Final = WireText("cluster")


def marks_between(before: Sample, now: Sample, was: ClusterSnapshot, snapshot: ClusterSnapshot) -> list[Mark]:
    """Return what changed from one sample to the next, with the snapshots that were made of them."""
    at_ms = now.taken_ms
    return [
        *cluster_marks(before.cluster, now.cluster, at_ms),
        *topic_marks(before.topics, now.topics, at_ms),
        *group_marks(before, now, at_ms),
        *commit_marks(before, now, at_ms),
        *status_marks(was, snapshot, at_ms),
    ]


def cluster_marks(before: ClusterInfo, now: ClusterInfo, at_ms: int) -> list[Mark]:
    """Return brokers that went or came."""
    was, here = {broker.id for broker in before.brokers}, {broker.id for broker in now.brokers}
    marks = [Mark(at_ms, "broker", WireText(str(each)), f"broker {each} is gone") for each in sorted(was - here)]
    marks += [Mark(at_ms, "broker", WireText(str(each)), f"broker {each} is there") for each in sorted(here - was)]
    return marks


def topic_marks(before: Sequence[TopicInfo], now: Sequence[TopicInfo], at_ms: int) -> list[Mark]:
    """Return topics that came, went or grew, and partitions with another leader or other replicas in sync."""
    was = {topic.name: topic for topic in before}
    here = {topic.name for topic in now}
    came: list[tuple[WireText, str]] = []
    grew: list[tuple[WireText, str]] = []
    led: list[tuple[WireText, str]] = []
    synced: list[tuple[WireText, str]] = []
    for topic in now:
        old = was.get(topic.name)
        if old is topic or old == topic:
            continue
        if old is None:
            came.append((topic.name, f"topic {topic.name} is there, {len(topic.partitions)} partitions"))
            continue
        if old.topic_id != topic.topic_id and None not in {old.topic_id, topic.topic_id}:
            came.append((topic.name, f"topic {topic.name} was made anew"))
        if len(old.partitions) != len(topic.partitions) and old.error is None and topic.error is None:
            grew.append((topic.name, f"topic {topic.name}: {len(old.partitions)} > {len(topic.partitions)} partitions"))
        _partition_changes(old, topic, led, synced)
    went = [(name, f"topic {name} is gone") for name in sorted(was.keys() - here)]
    return [
        *_marks(at_ms, "topic", came, lambda count: f"{count:,} topics came"),
        *_marks(at_ms, "topic", went, lambda count: f"{count:,} topics went"),
        *_marks(at_ms, "topic", grew, lambda count: f"{count:,} topics grew"),
        *_marks(at_ms, "leader", led, lambda count: f"{count:,} partitions have another leader"),
        *_marks(at_ms, "isr", synced, lambda count: f"{count:,} partitions have other replicas in sync"),
    ]


def _partition_changes(
    old: TopicInfo, topic: TopicInfo, led: list[tuple[WireText, str]], synced: list[tuple[WireText, str]]
) -> None:
    for before, now in zip(old.partitions, topic.partitions, strict=False):
        where = f"{topic.name}/{now.partition}"
        if before.leader_id != now.leader_id:
            to = "no leader" if now.leader_id == NO_BROKER else f"leader b{now.leader_id}"
            since = "none" if before.leader_id == NO_BROKER else f"b{before.leader_id}"
            led.append((topic.name, f"{where}: {to}, before {since}"))
        if set(before.isr) != set(now.isr):
            synced.append((topic.name, f"{where}: in sync {_ids(before.isr)} > {_ids(now.isr)}"))


def group_marks(before: Sample, now: Sample, at_ms: int) -> list[Mark]:
    """Return groups that came, went, or formed anew."""
    if before.groups.errors or now.groups.errors:
        return []  # What a broker did not tell has not happened.
    was: dict[GroupId, GroupListing] = {row.group: row for row in before.groups.items}
    here = {row.group: row for row in now.groups.items}
    came = [(group, f"group {group} is there") for group in here if group not in was]
    went = [(group, f"group {group} is gone") for group in was if group not in here]
    formed: list[tuple[WireText, str]] = []
    for group, row in here.items():
        old = was.get(group)
        if old is None:
            continue
        roster = _roster_change(before.members.get(group), now.members.get(group))
        has_begun = row.state not in STEADY and old.state in STEADY
        if has_begun or roster:
            states = f"{old.state or '?'} > {row.state or '?'}" if old.state != row.state else "formed anew"
            formed.append((group, f"group {group}: {states}{roster}"))
    return [
        *_marks(at_ms, "group", came, lambda count: f"{count:,} groups came"),
        *_marks(at_ms, "group", went, lambda count: f"{count:,} groups went"),
        *_marks(at_ms, "rebalance", formed, lambda count: f"{count:,} groups formed anew"),
    ]


def _roster_change(before: object, now: object) -> str:
    if before is now or not isinstance(before, GroupDescription) or not isinstance(now, GroupDescription):
        return ""
    was, here = _members(before), _members(now)
    if was.keys() == here.keys():
        if before.generation_id == now.generation_id:
            return ""
        return f", generation {before.generation_id} > {now.generation_id}"
    joined = sorted({str(here[each]) for each in here if each not in was})[:NAMED_MAX]
    left = sorted({str(was[each]) for each in was if each not in here})[:NAMED_MAX]
    text = f", members {len(was)} > {len(here)}"
    text += f", joined {' '.join(joined)}" if joined else ""
    return text + (f", left {' '.join(left)}" if left else "")


def _members(described: GroupDescription) -> dict[MemberId, WireText]:
    return {member.member_id: member.client_id for member in described.members}


def commit_marks(before: Sample, now: Sample, at_ms: int) -> list[Mark]:
    """Return groups whose commits were moved by hand: back, or forward while nobody is in the group."""
    # A group without a protocol has no members ever: it is Empty while its consumer commits.
    was_empty = {row.group for row in before.groups.items if row.state == "Empty" and row.protocol_type}
    empty = {row.group for row in now.groups.items if row.state == "Empty"} & was_empty
    moved: list[tuple[WireText, str]] = []
    for group, commits in now.commits.items():
        old = before.commits.get(group)
        if not isinstance(commits, dict) or not isinstance(old, dict) or old is commits or old == commits:
            continue
        back = _moved(old, commits, lambda was, is_: is_ < was)
        ahead = _moved(old, commits, lambda was, is_: is_ > was) if group in empty else []
        if back or ahead:
            way = "back" if back else "ahead"
            places = back or ahead
            total = sum(abs(offset) for _where, offset in places)
            example = places[0][0]
            moved.append(
                (
                    group,
                    (
                        f"commits of {group} moved {way} by {total:,} in {len(places)} partitions, "
                        f"e.g. {example.topic}/{example.partition}"
                    ),
                )
            )
    return _marks(at_ms, "reset", moved, lambda count: f"commits of {count:,} groups were moved")


def _moved(
    before: Mapping[TopicPartition, object], now: Mapping[TopicPartition, object], is_so: Callable[[int, int], bool]
) -> list[tuple[TopicPartition, int]]:
    found = []
    for where, commit in now.items():
        old = before.get(where)
        if (
            isinstance(commit, CommittedOffset)
            and isinstance(old, CommittedOffset)
            and is_so(old.offset, commit.offset)
        ):
            found.append((where, commit.offset - old.offset))
    return found


def status_marks(before: ClusterSnapshot, now: ClusterSnapshot, at_ms: int) -> list[Mark]:
    """Return groups that stopped, went back or died, and those that recovered."""
    was = dict(zip(before.groups.group, before.groups.status, strict=True))
    changed: list[tuple[WireText, str]] = []
    for group, status, at in zip(now.groups.group, now.groups.status, now.groups.status_at, strict=True):
        old = was.get(group, GroupStatus.NOTFOUND)
        # A group that is a bit slow now and then is no news; what stands still, or moves again, is.
        if old is status or not (old.is_error or status.is_error):
            continue
        place = f" at {at.topic}/{at.partition}" if at is not None else ""
        changed.append((group, f"group {group}: {old.name} > {status.name}{place}"))
    return _marks(at_ms, "status", changed, lambda count: f"{count:,} groups have another status")


def config_marks(
    name: str, subject: WireText, before: Mapping[str, str], now: Mapping[str, str], at_ms: int
) -> list[Mark]:
    """Return the mark of settings that changed. name: `topic orders`, `broker 1`."""
    keys = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if not keys:
        return []
    told = [f"{display_safe(key)} {_value(before.get(key))} > {_value(now.get(key))}" for key in keys[:NAMED_MAX]]
    more = f" and {len(keys) - NAMED_MAX} more" if len(keys) > NAMED_MAX else ""
    return [Mark(at_ms, "config", subject, f"{name}: {', '.join(told)}{more}")]


def _value(value: str | None) -> str:
    return "default" if value is None else display_safe(value)[:40]


def _ids(ids: Iterable[int]) -> str:
    return "[" + ",".join(str(each) for each in sorted(ids)) + "]"


def _marks(at_ms: int, kind: str, found: Sequence[tuple[WireText, str]], many: Callable[[int], str]) -> list[Mark]:
    if len(found) <= EACH_MAX:
        return [Mark(at_ms, kind, subject, text) for subject, text in found]
    example = found[0][1]
    return [Mark(at_ms, kind, WHOLE, f"{many(len(found))}, e.g. {example}")]
