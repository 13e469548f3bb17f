"""`kcon group evict`: shows who would be put out of a group, and puts them out."""

from collections.abc import Mapping, Sequence

from kcon.admin.client import Admin
from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, ItemError
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.commands.group_evict import GroupEvict
from kcon.core.ids import MemberId
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import GroupDescription, GroupMember
from kcon.core.wire_text import display_safe
from kcon.errors import NotFoundError, RefusedError
from kcon.gate.permit import Operation, Permit
from kcon.services.groups import describe_groups
from kcon.services.item_changes import ItemChanges
from kcon.services.session import Session

_COLUMNS = (
    Column(key="group"),
    Column(key="client_id", header="CLIENT"),
    Column(key="host", drop=1),
    Column(key="partitions", right=True),
    Column(key="instance", drop=2),
    Column(key="member"),
)
_CLASSIC = "classic"


async def run_evict(request: GroupEvict, invocation: Invocation, session: Session) -> int:
    """Plan, confirm, put out."""
    refuse_early(session, Operation.MEMBERS_REMOVE, request.confirmation)
    async with invocation.deadline():
        described, errors = await describe_groups(session, [request.group])
    for error in errors.values():
        raise error
    (group,) = described
    if group.group_type != _CLASSIC:
        raise RefusedError(
            f"Group {group.group} is of type {group.group_type}: only members of classic groups can be put out.",
            "Stop the member itself, or wait until its session times out.",
        )
    chosen, missing = _choose(group, request.members)
    by_id = {member.member_id: member for member in chosen}

    async def send(admin: Admin, permit: Permit) -> Mapping[MemberId, KafkaError | None]:
        return await admin.remove_members(group.group, list(by_id), permit)

    changes = ItemChanges(
        operation=Operation.MEMBERS_REMOVE,
        targets=frozenset({group.group.raw}),
        keys=tuple(by_id),
        label=lambda member_id: f"member {member_id}",
        send=send,
    )
    count = len(by_id)
    shape = Shape(
        kind="GroupEviction",
        columns=_COLUMNS,
        question=f"Put {count:,} member{'' if count == 1 else 's'} out of group {group.group}?",
        planned="to be put out",
        done="out",
        what="members",
        name_key="member",
        errors=missing,
        notes=[] if by_id or missing else [f"Group {group.group} has no members."],
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        changes,
        shape,
        item=lambda member_id: {
            "group": group.group,
            "client_id": by_id[member_id].client_id,
            "host": by_id[member_id].host,
            "partitions": len(by_id[member_id].assignment),
            "instance": by_id[member_id].instance_id,
            "member": member_id,
        },
    )


def _choose(group: GroupDescription, words: Sequence[str]) -> tuple[list[GroupMember], list[ItemError]]:
    """Return the members that the words mean (none: all), and an error for each word that means nobody."""
    if not words:
        return list(group.members), []
    chosen: dict[MemberId, GroupMember] = {}
    missing = []
    for word in words:
        names = [member for member in group.members if word in _names(member)]
        chosen |= {member.member_id: member for member in names}
        if not names:
            label = f"member {display_safe(word)}"
            error = NotFoundError(
                f"Group {group.group} has no {label}.", f"`kcon group members {group.group}` shows them."
            )
            missing.append(ItemError(item=label, error=error))
    return list(chosen.values()), missing


def _names(member: GroupMember) -> set[str]:
    names = {member.member_id.raw, member.client_id.raw}
    return names if member.instance_id is None else names | {member.instance_id.raw}
