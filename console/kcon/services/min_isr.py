"""How many replicas must be in sync? The `min.insync.replicas` of topics, read with one request a few thousand."""

from collections.abc import Iterable
from typing import Final

from kcon.admin.client import Admin
from kcon.core.config_entry import ConfigResource, ResourceType
from kcon.core.ids import TopicName
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import TopicInfo

MIN_ISR: Final = "min.insync.replicas"


async def read_min_isr(admin: Admin, topics: Iterable[TopicInfo]) -> dict[str, int | None]:
    """Return the setting by topic; None where it could not be read. A topic of single replicas has no entry."""
    # Without a second replica there is nothing to compare the minimum with.
    names = [topic.name for topic in topics if any(len(part.replicas) > 1 for part in topic.partitions)]
    resources = {ConfigResource(ResourceType.TOPIC, name): name for name in names}
    found = await admin.describe_configs(resources, names=(MIN_ISR,)) if resources else {}
    minimums: dict[str, int | None] = {}
    for resource, configs in found.items():
        name: TopicName = resources[resource]
        minimums[name.raw] = None
        if isinstance(configs, KafkaError):
            continue
        for key, entry in configs.items():
            if key.raw == MIN_ISR and entry.value is not None and entry.value.raw.isdecimal():
                minimums[name.raw] = int(entry.value.raw)
    return minimums
