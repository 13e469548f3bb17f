"""What is kept in history, and under which names? Series of numbers, facts that change now and then, and marks.

A series is named by its kind and by whom it is of; a partition's name holds its parts with NUL between them, which
no topic has.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.wire_text import WireText

DAY_MS: Final = 86_400_000


class Level(NamedTuple):
    """One fineness of samples."""

    interval_ms: int
    """0: as they came."""
    keep_ms: int
    chunk_ms: int
    """How much one chunk of this level covers."""


LEVELS: Final = (
    Level(0, DAY_MS, 0),
    Level(60_000, 7 * DAY_MS, 3 * 3_600_000),
    Level(600_000, 90 * DAY_MS, 12 * 3_600_000),
)


class SeriesKey(NamedTuple):
    """Which series: what is measured, of whom."""

    kind: str
    """E.g. `group.lag`."""
    name: WireText


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment."""

    at_ms: int
    kind: str
    """One of MARK_KINDS."""
    subject: WireText
    text: str
    """One safe sentence."""


MARK_KINDS: Final = {
    "reset": "a commit was moved by hand, or went back",
    "rebalance": "a group formed anew",
    "group": "a group came or went",
    "status": "a group's status changed",
    "config": "a setting changed",
    "leader": "partitions have another leader, or none",
    "isr": "replicas fell behind, or caught up",
    "broker": "a broker went down, or came up",
    "topic": "a topic came, went or grew",
    "change": "kcon changed something",
    "note": "somebody noted something",
    "incident": "an incident began or ended",
}
MARK_LETTERS: Final = {
    "reset": "x",
    "rebalance": "v",
    "group": "g",
    "status": "!",
    "config": "c",
    "leader": "l",
    "isr": "i",
    "broker": "b",
    "topic": "t",
    "change": "^",
    "note": "n",
    "incident": "#",
}
"""What stands for a mark under a chart."""


class Fact(NamedTuple):
    """What was so from a moment on, until the next fact of that name."""

    kind: str
    """`cluster`, `broker`, `topic`, `group`, `members`, `config`."""
    name: WireText
    at_ms: int
    value: str | None
    """JSON; None: it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A named range of time that is sampled every second."""

    name: str
    start_ms: int
    end_ms: int | None
    """None: it goes on."""


SEPARATOR: Final = "\0"

LOOK: Final = "look"
"""One sample a look at the cluster: how long it took, ms."""
CLUSTER: Final = "cluster"
"""`in`, `out`, `lag`, `requests`."""
TOPIC_IN: Final = "topic.in"
TOPIC_OUT: Final = "topic.out"
TOPIC_HOT: Final = "topic.hot"
"""The hot partition, or NOT_HOT; not there for topics that never had one."""
NOT_HOT: Final = -1
TOPIC_SPAN: Final = "topic.span"
TOPIC_SIZE: Final = "topic.size"
BROKER_IN: Final = "broker.in"
BROKER_OUT: Final = "broker.out"
VOLUME_USED: Final = "volume.used"
VOLUME_TOTAL: Final = "volume.total"
GROUP_LAG: Final = "group.lag"
GROUP_OUT: Final = "group.out"
GROUP_TIME: Final = "group.time"
GROUP_QUALITY: Final = "group.quality"
GROUP_ERROR: Final = "group.error"
"""How far off the time lag may be, ms; not there for groups where it was always exact."""
GROUP_LOST: Final = "group.lost"
GROUP_UNKNOWN: Final = "group.unknown"
START: Final = "start"
END: Final = "end"
COMMIT: Final = "commit"


def partition_name(where: TopicPartition) -> WireText:
    """Return the name of a partition's series."""
    return WireText(f"{where.topic.raw}{SEPARATOR}{where.partition}")


def commit_name(group: GroupId, where: TopicPartition) -> WireText:
    """Return the name of a commit's series."""
    return WireText(f"{group.raw}{SEPARATOR}{where.topic.raw}{SEPARATOR}{where.partition}")


def partition_of(name: WireText) -> TopicPartition:
    """Return the partition of a series' name, or of what follows a group's in a commit's name. ValueError: neither."""
    topic, _, number = name.raw.rpartition(SEPARATOR)
    return TopicPartition(TopicName(WireText(topic.rpartition(SEPARATOR)[2])), int(number))
