"""What is known of one topic, and how does a change of topics reach the disk and the memory?

`TopicTable.apply` is the only place where topics change; it is fed by the metadata log, at start and afterwards alike.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kcon_broker.batch.validate import BatchRules
from kcon_broker.state.partition import Partition
from kcon_broker.state.topic_configs import TopicConfig
from kcon_broker.state.traffic import Traffic

OFFSETS_TOPIC = "__consumer_offsets"
TRANSACTIONS_TOPIC = "__transaction_state"
INTERNAL_TOPICS = frozenset({OFFSETS_TOPIC, TRANSACTIONS_TOPIC, "__share_group_state"})
TOPIC_NAME_CHARS_MAX = 249
_LEGAL_NAME = re.compile(r"[a-zA-Z0-9._-]+\Z")


def topic_name_error(name: str) -> str | None:
    """Say what is wrong with a topic name, in the way Kafka's `Topic.validate` judges; None: nothing."""
    if not name:
        return "the empty string is not allowed"
    if name in (".", ".."):
        return f"'{name}' is not allowed"
    if len(name) > TOPIC_NAME_CHARS_MAX:
        return f"the length of '{name}' is longer than the max allowed length {TOPIC_NAME_CHARS_MAX}"
    if not _LEGAL_NAME.match(name):
        return f"'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    return None


class Topic:
    """One topic. Its partitions come into being when they are first touched."""

    __slots__ = (
        "_partitions",
        "configs",
        "created_epoch",
        "effective",
        "is_deleted",
        "name",
        "partition_count",
        "rules",
        "topic_id",
        "traffic",
    )

    def __init__(
        self, *, name: str, topic_id: bytes, partition_count: int, created_epoch: int, configs: dict[str, str]
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partition_count = partition_count
        self.created_epoch = created_epoch
        """The broker's start epoch when the topic was created: its partitions began with leader epoch 0."""
        self.configs = configs
        """The values set on the topic itself."""
        self.effective: TopicConfig | None = None
        """What its configs and the defaults say; worked out when first needed."""
        self.rules: BatchRules | None = None
        """What the same means for batches that are produced."""
        self.is_deleted = False
        self.traffic = Traffic()
        """What went through it since the start."""
        self._partitions: dict[int, Partition] = {}

    @property
    def is_internal(self) -> bool:
        """Kafka's own topics, which clients may not write to."""
        return self.name in INTERNAL_TOPICS

    def partition(self, index: int) -> Partition | None:
        """Return one partition; None: the topic has no such partition."""
        found = self._partitions.get(index)
        if found is None and 0 <= index < self.partition_count:
            found = self._partitions[index] = Partition(self, index)
        return found

    def touched_partitions(self) -> Iterator[Partition]:
        """Yield the partitions that anyone has touched since the start."""
        yield from list(self._partitions.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicCreated:
    """A topic came into being."""

    name: str
    topic_id: bytes
    partition_count: int
    created_epoch: int
    configs: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicDeleted:
    """A topic is gone."""

    name: str
    topic_id: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionsGrew:
    """A topic has more partitions."""

    name: str
    partition_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicConfigured:
    """A topic's own configs are now these."""

    name: str
    configs: dict[str, str]


TopicChange = TopicCreated | TopicDeleted | PartitionsGrew | TopicConfigured


class TopicTable:
    """All topics, by name and by id."""

    def __init__(self) -> None:
        self.by_name: dict[str, Topic] = {}
        self.by_id: dict[bytes, Topic] = {}
        self._by_folded_name: dict[str, str] = {}
        self.partition_total = 0
        self.version = 0
        """Rises with each change; what is cached from topics is good for one version."""

    def colliding_name(self, name: str) -> str | None:
        """Return an existing topic whose metrics would have the same name: "." and "_" are one there."""
        found = self._by_folded_name.get(_folded(name))
        return None if found == name else found

    def apply(self, change: TopicChange) -> Topic:
        """Change the table; return the topic concerned."""
        self.version += 1
        match change:
            case TopicCreated():
                topic = Topic(
                    name=change.name,
                    topic_id=change.topic_id,
                    partition_count=change.partition_count,
                    created_epoch=change.created_epoch,
                    configs=dict(change.configs),
                )
                self.by_name[topic.name] = topic
                self.by_id[topic.topic_id] = topic
                self._by_folded_name[_folded(topic.name)] = topic.name
                self.partition_total += topic.partition_count
            case TopicDeleted():
                topic = self.by_name.pop(change.name)
                del self.by_id[topic.topic_id]
                self._by_folded_name.pop(_folded(topic.name), None)
                topic.is_deleted = True
                self.partition_total -= topic.partition_count
            case PartitionsGrew():
                topic = self.by_name[change.name]
                self.partition_total += change.partition_count - topic.partition_count
                topic.partition_count = change.partition_count
            case TopicConfigured():
                topic = self.by_name[change.name]
                topic.configs = dict(change.configs)
                topic.effective = topic.rules = None
        return topic


def _folded(name: str) -> str:
    return name.replace(".", "_")
