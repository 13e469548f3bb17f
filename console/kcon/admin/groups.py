"""Which groups are there, and how are they deleted? ListGroups of every broker; DeleteGroups at the coordinators."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kcon.admin.apis import Api
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.decode import decode_response, read_array, read_head
from kcon.admin.fan_out import fan_out, together
from kcon.admin.requests import ReadRequest, WriteRequest
from kcon.admin.routes import Routes
from kcon.admin.schema import entity_type
from kcon.core.ids import GroupId
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.snapshot import GroupListing
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import KconError
from kcon.gate.permit import Operation, Permit


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsListed:
    """The groups of every broker that answered, sorted by id, and why the others did not."""

    items: list[GroupListing]
    errors: dict[int, KconError]
    """By broker id. Groups of these brokers are missing from `items`."""


async def list_groups(cluster: Cluster, routes: Routes, deadline: Deadline) -> GroupsListed:
    """Ask every live broker for the groups it coordinates."""
    info = await cluster.refresh(deadline)
    items: dict[GroupId, GroupListing] = {}
    errors: dict[int, KconError] = {}

    async def ask(broker_id: int) -> None:
        try:
            answer = await cluster.send(ReadRequest(api=Api.LIST_GROUPS), deadline, broker_id)
            top = entity_type(answer.api, answer.version, "response")
            head, _, _ = read_head(top, answer.body, answer.offset, "groups")
            if head["error_code"]:
                errors[broker_id] = kafka_error(head["error_code"]).as_exception(f"broker {broker_id}")
            for number, group in enumerate(read_array(top, answer.body, answer.offset, "groups"), start=1):
                listing = _listing(group, broker_id)
                items[listing.group] = listing
                if number % cluster.settings.groups_per_request_max == 0:
                    await asyncio.sleep(0)
        except KconError as error:
            errors[broker_id] = error

    await together(ask(broker.id) for broker in info.brokers)
    routes.remember_coordinators({listing.group: listing.coordinator_id for listing in items.values()})
    return GroupsListed(items=sorted(items.values(), key=lambda listing: listing.group.raw), errors=errors)


async def delete_groups(
    cluster: Cluster, routes: Routes, groups: Sequence[GroupId], permit: Permit, deadline: Deadline
) -> dict[GroupId, KafkaError | None]:
    """Delete groups with their commits. None: done. A group with members is refused by the broker."""

    async def route(keys: Sequence[GroupId], fresh: bool) -> Mapping[GroupId, int | KafkaError]:
        if not await routes.has_groups(deadline):
            return dict.fromkeys(keys, kafka_error(_GROUP_ID_NOT_FOUND))
        return await routes.coordinators(keys, fresh, deadline)

    async def ask(broker_id: int, keys: Sequence[GroupId]) -> Mapping[GroupId, bool | KafkaError]:
        request = WriteRequest(api=Api.DELETE_GROUPS, values={"groups_names": [key.raw for key in keys]})
        answer = await cluster.send_mutating(request, permit, deadline, broker_id)
        told = decode_response(answer.api, answer.version, answer.body, answer.offset)
        codes = {GroupId(WireText(item.group_id)): int(item.error_code) for item in told.results}
        return {group: kafka_error(code) if code else True for group, code in codes.items()}

    targets = {group.raw for group in groups}
    with permit.use(context=cluster.settings.context, operation=Operation.GROUP_DELETE, targets=targets):
        told = await fan_out(
            list(dict.fromkeys(groups)),
            route=route,
            ask=ask,
            batch_max=cluster.settings.groups_per_request_max,
            settings=cluster.settings,
            deadline=deadline,
            mutating=True,
            needs="DELETE",
        )
    return {group: result if isinstance(result, KafkaError) else None for group, result in told.items()}


_GROUP_ID_NOT_FOUND = 69


def _listing(group: Any, broker_id: int) -> GroupListing:
    return GroupListing(
        group=GroupId(WireText(group.group_id)),
        state=display_safe(getattr(group, "group_state", "")),
        protocol_type=display_safe(group.protocol_type),
        group_type=display_safe(getattr(group, "group_type", "")).lower(),
        coordinator_id=broker_id,
    )
