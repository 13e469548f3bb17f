"""Which broker answers for a partition, and which for a group? Caches, asked again when they prove stale."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from kcon.admin.apis import OFFSETS_TOPIC, Api
from kcon.admin.cluster import Cluster, Deadline, metadata_request
from kcon.admin.connection import Answer
from kcon.admin.decode import decode_response
from kcon.admin.fan_out import as_item_error, batches, together
from kcon.admin.requests import ReadRequest, WriteRequest
from kcon.admin.topics import KnownTopics, read_topics
from kcon.core.ids import GroupId, TopicName, TopicPartition, topic_name
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.partition_names import PartitionNames
from kcon.core.snapshot import NO_BROKER, TopicInfo
from kcon.core.wire_text import display_safe
from kcon.errors import KconError, RefusedError, UnreachableError
from kcon.gate.permit import Permit

_UNKNOWN_TOPIC_OR_PARTITION = 3
_LEADER_NOT_AVAILABLE = 5
_COORDINATOR_NOT_AVAILABLE = 15

_NAMES_BEFORE_ALL = 1_000
"""With more unknown topics than this, one request for all topics is the cheaper question."""


class Routes:
    """Leaders and coordinators of one cluster. One event loop."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._topics: dict[TopicName, tuple[float, TopicInfo]] = {}
        self._coordinators: dict[GroupId, int] = {}
        self._offsets_topic_seen = False
        self.names: Final = PartitionNames()
        self.known_topics: Final = KnownTopics()
        self._learning = asyncio.Lock()
        """Two questions about the same topics at once need one answer."""

    # --- what others learned ---------------------------------------------------------------------------------

    def remember_topics(self, topics: Iterable[TopicInfo]) -> None:
        """Keep leaders that a Metadata answer told."""
        now_s = asyncio.get_running_loop().time()
        for topic in topics:
            if topic.error is None:
                self._topics[topic.name] = (now_s, topic)
            else:
                self._topics.pop(topic.name, None)
        self._offsets_topic_seen = self._offsets_topic_seen or topic_name(OFFSETS_TOPIC) in self._topics

    def forget_topics(self, names: Iterable[TopicName]) -> None:
        """Drop what is known about topics that were changed."""
        for name in names:
            self._topics.pop(name, None)

    def remember_coordinators(self, coordinators: Mapping[GroupId, int]) -> None:
        """Keep the brokers that listed these groups: each is its group's coordinator."""
        self._coordinators.update(coordinators)

    # --- leaders ---------------------------------------------------------------------------------------------

    async def leaders(
        self, partitions: Sequence[TopicPartition], fresh: bool, deadline: Deadline
    ) -> list[int | KafkaError]:
        """Return the leader of each partition, or why there is none, in their order. fresh: ask again."""
        await self._learn_leaders(_topics_of(partitions), fresh, deadline)
        by_topic: dict[TopicName, dict[int, int]] = {}
        found: list[int | KafkaError] = []
        hold = self._cluster.settings.partitions_per_hold_max
        last: TopicName | None = None
        leaders: dict[int, int] = {}
        for topic, index in partitions:
            if len(found) % hold == hold - 1:
                await asyncio.sleep(0)
            if topic is not last:  # Neighbours are of one topic most often, and a look-up hashes its name.
                last = topic
                known = by_topic.get(topic)
                leaders = self._leaders_of(topic) if known is None else known
                by_topic[topic] = leaders
            leader_id = leaders.get(index)
            if leader_id is None:
                found.append(kafka_error(_UNKNOWN_TOPIC_OR_PARTITION))
            elif leader_id == NO_BROKER:
                found.append(kafka_error(_LEADER_NOT_AVAILABLE))
            else:
                found.append(leader_id)
        return found

    def _leaders_of(self, name: TopicName) -> dict[int, int]:
        known = self._topics.get(name)
        return {p.partition: p.leader_id for p in known[1].partitions} if known else {}

    async def _learn_leaders(self, names: set[TopicName], fresh: bool, deadline: Deadline) -> None:
        async with self._learning:
            oldest_s = asyncio.get_running_loop().time() - self._cluster.settings.metadata_max_age_ms / 1000
            unknown = sorted(
                (n for n in names if fresh or n not in self._topics or self._topics[n][0] < oldest_s),
                key=lambda name: name.raw,
            )
            if unknown:
                wanted = None if len(unknown) > _NAMES_BEFORE_ALL else unknown
                self.forget_topics(unknown)
                self.remember_topics(await read_topics(self._cluster, wanted, deadline, self.known_topics))

    # --- coordinators ----------------------------------------------------------------------------------------

    async def has_groups(self, deadline: Deadline) -> bool:
        """Tell whether `__consumer_offsets` exists. Without it there are no groups, and no coordinator is asked.

        A topic that we may not see counts as there.
        """
        async with self._learning:
            if not self._offsets_topic_seen:
                answer = await self._cluster.send(metadata_request((OFFSETS_TOPIC,)), deadline)
                told = decode_response(answer.api, answer.version, answer.body, answer.offset)
                codes = [int(topic.error_code) for topic in told.topics]
                self._offsets_topic_seen = bool(codes) and _UNKNOWN_TOPIC_OR_PARTITION not in codes
        return self._offsets_topic_seen

    async def coordinators(
        self, groups: Sequence[GroupId], fresh: bool, deadline: Deadline, permit: Permit | None = None
    ) -> dict[GroupId, int | KafkaError]:
        """Return the coordinator of each group, or why there is none.

        permit: lets the look-up create `__consumer_offsets` where it is missing; without one the caller has
        checked `has_groups`.
        """
        unknown = [group for group in groups if fresh or group not in self._coordinators]
        errors: dict[GroupId, KafkaError] = {}
        if unknown:
            versions = await self._cluster.versions(deadline)
            many = versions.supports(Api.FIND_COORDINATOR, _MANY_KEYS_SINCE)
            size = self._cluster.settings.groups_per_request_max if many else 1
            await together(self._find(batch, many, deadline, permit, errors) for batch in batches(unknown, size))
        missing = kafka_error(_COORDINATOR_NOT_AVAILABLE)
        found: dict[GroupId, int | KafkaError] = dict.fromkeys(groups, missing)
        found |= {group: self._coordinators[group] for group in groups if group in self._coordinators}
        return found | errors

    async def _find(
        self,
        groups: Sequence[GroupId],
        many: bool,
        deadline: Deadline,
        permit: Permit | None,
        errors: dict[GroupId, KafkaError],
    ) -> None:
        try:
            answer = await self._send_find([group.raw for group in groups], many, deadline, permit)
            told = decode_response(answer.api, answer.version, answer.body, answer.offset)
        except RefusedError:
            raise
        except KconError as error:
            errors.update(dict.fromkeys(groups, as_item_error(error)))
            return
        by_name = {group.raw: group for group in groups}
        for found in told.coordinators if many else [told]:
            group = by_name.get(found.key) if many else groups[0]
            if group is None:
                continue
            code = int(found.error_code)
            if code:
                self._coordinators.pop(group, None)
                errors[group] = kafka_error(code, display_safe(getattr(found, "error_message", None) or ""))
            else:
                self._coordinators[group] = int(found.node_id)

    async def _send_find(self, names: list[str], many: bool, deadline: Deadline, permit: Permit | None) -> Answer:
        values: dict[str, object] = {"coordinator_keys": names} if many else {"key": names[0]}
        version_min = _MANY_KEYS_SINCE if many else None
        version_max = None if many else _MANY_KEYS_SINCE - 1
        if await self.has_groups(deadline):
            read = ReadRequest(
                api=Api.FIND_COORDINATOR,
                values=values,
                version_min=version_min,
                version_max=version_max,
                offsets_topic_exists=True,
            )
            return await self._cluster.send(read, deadline)
        if permit is None:
            raise UnreachableError("The cluster has no consumer groups, so there is no coordinator to ask.")
        write = WriteRequest(api=Api.FIND_COORDINATOR, values=values, version_min=version_min, version_max=version_max)
        return await self._cluster.send_mutating(write, permit, deadline)


def _topics_of(partitions: Iterable[TopicPartition]) -> set[TopicName]:
    found: set[TopicName] = set()
    last: TopicName | None = None
    for topic, _partition in partitions:
        if topic is not last:
            last = topic
            found.add(topic)
    return found


_MANY_KEYS_SINCE = 4
"""FindCoordinator takes many keys since this version (KIP-699)."""
