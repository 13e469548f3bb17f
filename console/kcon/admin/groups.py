"""Which consumer groups are there, who is in them, and how are they deleted?"""

import asyncio
from dataclasses import dataclass
from typing import Any

from kcon.admin import codec
from kcon.admin.apis import Api
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.requests import ReadRequest
from kcon.core.ids import GroupId
from kcon.core.kafka_error import kafka_error
from kcon.core.snapshot import GroupListing
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import KconError


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsListed:
    """The groups of every broker that answered, sorted by id, and why the others did not."""

    items: list[GroupListing]
    errors: dict[int, KconError]
    """By broker id. Groups of these brokers are missing from `items`."""


async def list_groups(cluster: Cluster, deadline: Deadline) -> GroupsListed:
    """Ask every live broker for the groups it coordinates."""
    info = await cluster.refresh(deadline)
    items: dict[GroupId, GroupListing] = {}
    errors: dict[int, KconError] = {}

    async def ask(broker_id: int) -> None:
        request = ReadRequest(api=Api.LIST_GROUPS)
        try:
            answer = await cluster.send(request, deadline, broker_id)
            told = codec.decode_response(answer.api, answer.version, answer.body, answer.offset)
        except KconError as error:
            errors[broker_id] = error
            return
        if int(told.error_code):
            errors[broker_id] = kafka_error(int(told.error_code)).as_exception(f"broker {broker_id}")
        for group in told.groups:
            listing = _listing(group, broker_id)
            items[listing.group] = listing

    async with asyncio.TaskGroup() as tasks:
        for broker in info.brokers:
            tasks.create_task(ask(broker.id), name=f"list groups of broker {broker.id}")
    return GroupsListed(items=sorted(items.values(), key=lambda listing: listing.group.raw), errors=errors)


def _listing(group: Any, broker_id: int) -> GroupListing:
    return GroupListing(
        group=GroupId(WireText(group.group_id)),
        state=display_safe(getattr(group, "group_state", "")),
        protocol_type=display_safe(group.protocol_type),
        group_type=display_safe(getattr(group, "group_type", "")).lower(),
        coordinator_id=broker_id,
    )
