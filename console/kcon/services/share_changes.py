"""How is a share group moved, emptied of topics, and deleted? Plans from what the cluster says, and what to send.

There is no undo: a group's own progress is more than one offset (what was delivered and not yet acknowledged), and the
brokers take back no more than where it begins.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from kcon.admin.client import Admin
from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.reset_plan import ResetPlan, plan_reset
from kcon.core.typed_group import ShareGroup
from kcon.errors import RefusedError
from kcon.gate.permit import Operation, Permit
from kcon.services.groups import PartitionScope, group_error, resolve_groups
from kcon.services.item_changes import ItemChanges
from kcon.services.names import is_pattern
from kcon.services.resets import ToPlace, in_scope, states_of
from kcon.services.session import Session

KIND: Final = "share"


async def describe_share_group(session: Session, group: GroupId) -> ShareGroup:
    """Describe one group. NotFoundError when there is no share group of that name."""
    described = (await (await session.admin()).describe_share_groups([group]))[group]
    if isinstance(described, KafkaError):
        raise group_error(group, described, KIND)
    return described


def refuse_if_active(group: ShareGroup, what: str) -> None:
    """RefusedError while the group has members. what: `moved`, `changed` or `deleted`."""
    count = len(group.members)
    if group.state not in {"Empty", "Dead"}:
        members = f"{count} member{'' if count == 1 else 's'}"
        raise RefusedError(
            f"Share group {group.group} is {group.state} with {members}: it cannot be {what}.",
            "Stop its members first.",
        )


async def plan_share_reset(
    session: Session, group: GroupId, target: ToPlace, scopes: Sequence[PartitionScope]
) -> tuple[ResetPlan, ItemChanges[TopicPartition]]:
    """Plan where the group begins in each partition that it knows, or that is named."""
    admin = await session.admin()
    told = (await admin.share_offsets([group]))[group]
    if isinstance(told, KafkaError):
        raise group_error(group, told, KIND)
    starts = {place.partition: commit for place in told if (commit := place.as_commit) is not None}
    places = await in_scope(admin, {place.partition for place in told}, scopes)
    plan = plan_reset(group, target.spec, await states_of(admin, places, starts, target), target=target.text)
    offsets = plan.offsets()

    async def send(admin: Admin, permit: Permit) -> Mapping[TopicPartition, KafkaError | None]:
        return await admin.alter_share_offsets(group, offsets, permit)

    changes = ItemChanges(
        operation=Operation.OFFSETS_COMMIT,
        targets=frozenset({group.raw}),
        keys=tuple(offsets),
        label=lambda where: f"{where.topic.raw}/{where.partition}",
        send=send,
    )
    return plan, changes


def plan_share_forget(group: GroupId, topics: Sequence[TopicName]) -> ItemChanges[TopicName]:
    """Plan to let a group forget topics."""

    async def send(admin: Admin, permit: Permit) -> Mapping[TopicName, KafkaError | None]:
        return await admin.delete_share_offsets(group, topics, permit)

    return ItemChanges(
        operation=Operation.OFFSETS_DELETE,
        targets=frozenset({group.raw}),
        keys=tuple(topics),
        label=lambda topic: f"topic {topic.raw}",
        send=send,
    )


async def plan_share_delete(
    session: Session, names: Sequence[str]
) -> tuple[dict[GroupId, ShareGroup | KafkaError], ItemChanges[GroupId]]:
    """Plan to delete share groups; return what each is, too. names: as the user wrote them."""
    admin = await session.admin()
    told = await admin.describe_share_groups(await resolve_groups(session, names, kind=KIND))
    there = tuple(group for group, each in told.items() if isinstance(each, ShareGroup))

    async def send(admin: Admin, permit: Permit) -> Mapping[GroupId, KafkaError | None]:
        return await admin.delete_groups(list(there), permit)

    changes = ItemChanges(
        operation=Operation.GROUP_DELETE,
        targets=frozenset(group.raw for group in there),
        keys=there,
        label=lambda group: f"group {group.raw}",
        send=send,
        by_pattern=any(is_pattern(name, regex=False) for name in names),
    )
    return dict(told), changes
