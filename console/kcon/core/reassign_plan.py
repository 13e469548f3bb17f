"""Where should replicas live? A plan that moves as little as it can, and Apache's JSON of such plans."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kcon.core.ids import TopicPartition, topic_name
from kcon.errors import UsageError


class ReassignRow(NamedTuple):
    """One partition of a plan."""

    partition: TopicPartition
    current: tuple[int, ...]
    new: tuple[int, ...]
    """The preferred leader first."""

    @property
    def changes(self) -> bool:
        """Something moves, or another replica is preferred."""
        return self.current != self.new

    @property
    def copies(self) -> int:
        """How many replicas have to be copied."""
        return len(set(self.new) - set(self.current))


def plan_reassignment(
    current: Mapping[TopicPartition, tuple[int, ...]],
    *,
    brokers: Sequence[int],
    racks: Mapping[int, str | None],
    replication_factor: int | None = None,
) -> list[ReassignRow]:
    """Put the replicas on these brokers, each partition with as many as now or `replication_factor`.

    A replica on one of the brokers stays; missing ones go to the brokers with the fewest, on other racks first; the
    preferred leader stays where it can. UsageError when there are fewer brokers than replicas.
    """
    allowed = list(dict.fromkeys(brokers))
    load: Counter[int] = Counter(dict.fromkeys(allowed, 0))
    for replicas in current.values():
        load.update(broker for broker in replicas if broker in load)
    rows = []
    for where in sorted(current, key=lambda place: (place.topic.raw, place.partition)):
        replicas = current[where]
        wanted = len(replicas) if replication_factor is None else replication_factor
        if wanted > len(allowed):
            raise UsageError(
                f"{where.topic}/{where.partition} wants {wanted} replicas and there are {len(allowed)} brokers."
            )
        kept = [broker for broker in replicas if broker in load]
        while len(kept) > wanted:
            # The leader stays; of the others the one on the fullest broker goes.
            gone = max(kept[1:], key=lambda broker: (load[broker], broker))
            kept.remove(gone)
            load[gone] -= 1
        while len(kept) < wanted:
            used_racks = {racks.get(broker) for broker in kept} - {None}
            free = [broker for broker in allowed if broker not in kept]
            chosen = min(free, key=lambda broker: (racks.get(broker) in used_racks, load[broker], broker))
            kept.append(chosen)
            load[chosen] += 1
        rows.append(ReassignRow(where, replicas, tuple(kept)))
    return rows


def format_plan_json(rows: Sequence[ReassignRow], *, current: bool = False) -> str:
    """Write the plan, or what there is now, in the JSON of Apache's kafka-reassign-partitions."""
    partitions = [
        {
            "topic": row.partition.topic.raw,
            "partition": row.partition.partition,
            "replicas": list(row.current if current else row.new),
        }
        for row in rows
    ]
    return json.dumps({"version": 1, "partitions": partitions}, indent=2) + "\n"


def parse_plan_json(text: str) -> dict[TopicPartition, tuple[int, ...]]:
    """Read such a plan. UsageError says what is off."""
    try:
        told = json.loads(text)
        found: dict[TopicPartition, tuple[int, ...]] = {}
        for each in told["partitions"]:
            if not isinstance(each["topic"], str) or not isinstance(each["partition"], int):
                raise TypeError(each)
            where = TopicPartition(topic_name(each["topic"]), each["partition"])
            replicas = tuple(each["replicas"])
            if not replicas or len(set(replicas)) < len(replicas) or not all(isinstance(b, int) for b in replicas):
                raise UsageError(f"The replicas of {where.topic}/{where.partition} are not a list of broker ids.")
            if where in found:
                raise UsageError(f"{where.topic}/{where.partition} is planned twice.")
            found[where] = replicas
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            "The plan is not Apache's JSON.",
            'It looks like {"version": 1, "partitions": [{"topic": "t", "partition": 0, "replicas": [1, 2]}]}.',
        ) from error
    return found
