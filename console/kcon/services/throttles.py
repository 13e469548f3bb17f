"""How fast may replicas be copied? The throttle of a reassignment, and those that one left behind.

A throttle is four settings: the rates of each broker, and on each topic which replicas they are for (KIP-73). Kafka
takes none of them away when the moves are done, so they are looked for and named.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from kcon.admin.client import Admin
from kcon.contexts.context import Mode
from kcon.core.config_entry import ConfigEntry, ConfigResource, ResourceType
from kcon.core.frozen import Frozen
from kcon.core.ids import TopicName
from kcon.core.kafka_error import KafkaError
from kcon.core.reassign_plan import ReassignRow
from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.gate.gate import confirmation_name
from kcon.gate.permit import Operation, Permit
from kcon.services.item_changes import ItemChanges, apply_changes
from kcon.services.session import Session

LEADER_RATE: Final = "leader.replication.throttled.rate"
FOLLOWER_RATE: Final = "follower.replication.throttled.rate"
LEADER_REPLICAS: Final = "leader.replication.throttled.replicas"
FOLLOWER_REPLICAS: Final = "follower.replication.throttled.replicas"
RATES: Final = (LEADER_RATE, FOLLOWER_RATE)
REPLICAS: Final = (LEADER_REPLICAS, FOLLOWER_REPLICAS)

Edits = Mapping[ConfigResource, Mapping[str, str | None]]


class Throttle(Frozen):
    """Throttle settings that are in force on one broker or topic."""

    resource: ConfigResource
    settings: Mapping[str, str]


def plan_throttle(rows: Iterable[ReassignRow], bytes_per_s: int) -> Edits:
    """Return the settings that throttle these moves: replicas are read at their old places and written at new ones."""
    moved = [row for row in rows if row.copies]
    edits: dict[ConfigResource, Mapping[str, str | None]] = {}
    brokers = sorted({broker for row in moved for broker in (*row.current, *row.new)})
    for broker in brokers:
        edits[_broker(broker)] = dict.fromkeys(RATES, str(bytes_per_s))
    by_topic: dict[TopicName, tuple[list[str], list[str]]] = {}
    for row in moved:
        leaders, followers = by_topic.setdefault(row.partition.topic, ([], []))
        index = row.partition.partition
        leaders += [f"{index}:{broker}" for broker in row.current]
        followers += [f"{index}:{broker}" for broker in row.new if broker not in row.current]
    for topic, (leaders, followers) in by_topic.items():
        edits[ConfigResource(ResourceType.TOPIC, topic)] = {
            LEADER_REPLICAS: ",".join(leaders),
            FOLLOWER_REPLICAS: ",".join(followers),
        }
    return edits


async def set_throttle(session: Session, edits: Edits, confirmed_by: str) -> None:
    """Set a planned throttle before anything moves. KconError names what refused, and then nothing may move."""
    if not edits:
        return
    if session.context.mode is Mode.PROTECT:
        # The name that was typed is that of the moves, of which the throttle is a part.
        confirmed_by = f"name:{confirmation_name(_targets(edits))}"
    results = await apply_changes(session, lift_or_set(edits), confirmed_by)
    for resource, error in results.items():
        if error is not None:
            what = resource.target.replace(":", " ", 1)
            raise KconError(
                f"The throttle could not be set on {what}, so nothing moves: {error.name}.",
                "`kcon reassign unthrottle` lifts what was set.",
            )


async def find_throttles(session: Session, *, everywhere: bool) -> list[Throttle]:
    """Return the throttles in force. everywhere: of topics too, though no broker has a rate.

    Without a rate on a broker the lists of topics do nothing, and reading the settings of all topics takes a while.
    """
    admin = await session.admin()
    brokers = [_broker(broker.id) for broker in (await admin.cluster()).brokers]
    found = await _read(admin, brokers, RATES)
    if found or everywhere:
        topics = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in await admin.topics()]
        found += await _read(admin, topics, REPLICAS)
    return found


def lift(throttles: Iterable[Throttle]) -> ItemChanges[ConfigResource]:
    """Plan to take throttles away."""
    return lift_or_set({each.resource: dict.fromkeys(each.settings) for each in throttles})


def lift_or_set(edits: Edits) -> ItemChanges[ConfigResource]:
    """Plan settings of brokers and topics; None: back to the default."""

    async def send(admin: Admin, permit: Permit) -> Mapping[ConfigResource, KafkaError | None]:
        return await admin.alter_configs(edits, permit)

    return ItemChanges(
        operation=Operation.CONFIG_ALTER,
        targets=_targets(edits),
        keys=tuple(edits),
        label=lambda resource: resource.target.replace(":", " ", 1),
        send=send,
    )


def _targets(edits: Edits) -> frozenset[str]:
    return frozenset(resource.target for resource in edits)


async def _read(admin: Admin, resources: list[ConfigResource], names: tuple[str, ...]) -> list[Throttle]:
    found = []
    for resource, configs in (await admin.describe_configs(resources, names=names)).items():
        if isinstance(configs, KafkaError):
            continue  # A broker that does not answer is told by the commands about it.
        settings = {
            entry.name.raw: entry.value.raw
            for entry in configs.values()
            if entry.name.raw in names and entry.value is not None and _is_set(entry)
        }
        if settings:
            found.append(Throttle(resource=resource, settings=settings))
    return found


def _is_set(entry: ConfigEntry) -> bool:
    return entry.source in {"dynamic-broker", "dynamic-default-broker", "dynamic-topic"} and bool(entry.value)


def _broker(broker_id: int) -> ConfigResource:
    return ConfigResource(ResourceType.BROKER, WireText(str(broker_id)))
