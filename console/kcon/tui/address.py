"""Where does this address lead? One form for `kcon ui ADDRESS`, the command line inside, and links between views.

    overview   topics   groups   brokers   acls   quotas   users   transactions   reassignments   quorum
    topic/NAME   group/ID   broker/ID   NAME/PARTITION/OFFSET   topic/NAME/PARTITION

Ids are percent-encoded where they hold a slash.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from kcon.core.ids import GroupId, TopicName, group_id, topic_name
from kcon.core.wire_text import display_safe
from kcon.errors import UsageError

LISTINGS: Final = ("brokers", "acls", "quotas", "users", "transactions", "reassignments", "quorum")
"""Lists that need no more than their name."""
_SPELLINGS: Final = {"broker": "brokers", "txn": "transactions", "txns": "transactions", "reassign": "reassignments"}
_HINT: Final = (
    f"Give overview, topics, groups, {', '.join(LISTINGS)}, topic/NAME, group/NAME, broker/ID or NAME/PARTITION/OFFSET."
)


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole cluster."""

    def __str__(self) -> str:
        return "overview"


@dataclass(frozen=True, slots=True)
class Topics:
    """The list of topics."""

    def __str__(self) -> str:
        return "topics"


@dataclass(frozen=True, slots=True)
class Groups:
    """The list of groups."""

    def __str__(self) -> str:
        return "groups"


@dataclass(frozen=True, slots=True)
class Listing:
    """One of `LISTINGS`."""

    word: str

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker."""

    broker_id: int

    def __str__(self) -> str:
        return f"broker/{self.broker_id}"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic."""

    name: TopicName

    def __str__(self) -> str:
        return f"topic/{_quoted(self.name.raw)}"


@dataclass(frozen=True, slots=True)
class Group:
    """One group."""

    group: GroupId

    def __str__(self) -> str:
        return f"group/{_quoted(self.group.raw)}"


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a topic or of one partition, from a place on."""

    name: TopicName
    partition: int | None = None
    start: str = ""
    """In the offsets mini-language; "" follows the newest."""
    others: tuple[TopicName, ...] = ()
    """Further topics, shown among the first by time."""
    group: GroupId | None = None
    """The group that is looked after: whose commit this place is."""

    def __str__(self) -> str:
        if self.partition is None:
            return f"topic/{_quoted(self.name.raw)}"
        return f"{_quoted(self.name.raw)}/{self.partition}/{self.start or 'end'}"


Address: TypeAlias = Overview | Topics | Groups | Listing | Topic | Group | Broker | Records


def _quoted(raw: str) -> str:
    return quote(raw.encode("utf-8", "surrogateescape"), safe="")


def parse_address(text: str) -> Address:
    """Read an address. UsageError names the forms."""
    parts = [unquote(part, errors="surrogateescape") for part in text.strip().split("/")]
    match parts:
        case [""] | ["overview"] | ["cluster"]:
            return Overview()
        case ["topics" | "topic"]:
            return Topics()
        case ["groups" | "group"]:
            return Groups()
        case [word] if _SPELLINGS.get(word, word) in LISTINGS:
            return Listing(_SPELLINGS.get(word, word))
        case ["broker", number] if _is_number(number):
            return Broker(int(number))
        case ["topic", name] if name:
            return Topic(topic_name(name))
        case ["topic", name, partition] if name and _is_number(partition):
            return Records(topic_name(name), int(partition))
        case ["group", group] if group:
            return Group(group_id(group))
        case [name, partition, offset] if name and _is_number(partition) and offset:
            return Records(topic_name(name), int(partition), offset)
        case _:
            raise UsageError(f"Not an address: {display_safe(text)}.", _HINT)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9
