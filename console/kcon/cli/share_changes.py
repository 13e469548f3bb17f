"""`kcon share reset`, `delete` and `offsets delete`: plan, confirm, and what became of each item."""

from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, ItemError, int64
from kcon.cli.group import scopes_of
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.cli.typed_groups import kind_errors
from kcon.commands.share import ShareDelete, ShareOffsetsDelete, ShareReset
from kcon.core.ids import group_id, topic_name
from kcon.core.offset_spec import Purpose, describe_offset_spec, parse_offset_spec
from kcon.core.typed_group import ShareGroup
from kcon.gate.permit import Operation
from kcon.services.resets import ToPlace
from kcon.services.session import Session
from kcon.services.share_changes import (
    KIND,
    describe_share_group,
    plan_share_delete,
    plan_share_forget,
    plan_share_reset,
    refuse_if_active,
)

_RESET_COLUMNS = (
    Column(key="group"),
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="current", right=True),
    Column(key="new", right=True),
    Column(key="note", drop=1),
)


async def run_share_reset(request: ShareReset, invocation: Invocation, session: Session) -> int:
    """Execute the request."""
    refuse_early(session, Operation.OFFSETS_COMMIT, request.confirmation)
    zone, zone_name = invocation.zone
    spec = parse_offset_spec(request.target, now_ms=invocation.environment.now_ms(), tz=zone, purpose=Purpose.RESET)
    target = ToPlace(spec=spec, text=describe_offset_spec(spec, zone, zone_name))
    group = group_id(request.group)
    async with invocation.deadline():
        described = await describe_share_group(session, group)
        plan, changes = await plan_share_reset(session, group, target, scopes_of(request.topics))
    if not request.confirmation.dry_run:
        refuse_if_active(described, "moved")
    rows = {row.partition: row for row in plan.rows}
    errors = []
    for where, row in rows.items():
        if row.error is not None:
            label = f"{where.topic}/{where.partition}"
            errors.append(ItemError(item=label, error=row.error.as_exception(label)))
    notes = [f"To {plan.target}.", *plan.warnings]
    shape = Shape(
        kind="ShareOffsetReset",
        columns=_RESET_COLUMNS,
        question=f"Move share group {group} in {len(changes.keys):,} partitions?",
        planned="to be moved",
        done="moved",
        what="partitions",
        name_key="topic",
        errors=errors,
        notes=notes if changes.keys else [*notes, "Nothing to change: it begins there already."],
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        changes,
        shape,
        item=lambda where: {
            "group": group,
            "topic": where.topic,
            "partition": where.partition,
            "current": int64(rows[where].current),
            "new": int64(rows[where].new),
            "note": ", ".join(note.value for note in rows[where].notes) or None,
        },
    )


async def run_share_delete(request: ShareDelete, invocation: Invocation, session: Session) -> int:
    """Execute the request."""
    refuse_early(session, Operation.GROUP_DELETE, request.confirmation)
    async with invocation.deadline():
        names = invocation.names(request.names)
        told, changes = await plan_share_delete(session, names)
    groups = {group: each for group, each in told.items() if isinstance(each, ShareGroup)}
    if not request.confirmation.dry_run:
        for each in groups.values():
            refuse_if_active(each, "deleted")
    shape = Shape(
        kind="ShareGroupDeletion",
        columns=(Column(key="group"), Column(key="state"), Column(key="members", right=True)),
        question=f"Delete {len(groups):,} share group{'' if len(groups) == 1 else 's'}?",
        planned="to be deleted",
        done="deleted",
        what="groups",
        name_key="group",
        errors=kind_errors(KIND, told),
    )
    return await carry_out_items(
        invocation,
        session,
        request.confirmation,
        changes,
        shape,
        item=lambda group: {"group": group, "state": groups[group].state, "members": len(groups[group].members)},
    )


async def run_share_forget(request: ShareOffsetsDelete, invocation: Invocation, session: Session) -> int:
    """Execute the request."""
    refuse_early(session, Operation.OFFSETS_DELETE, request.confirmation)
    group = group_id(request.group)
    async with invocation.deadline():
        described = await describe_share_group(session, group)
    if not request.confirmation.dry_run:
        refuse_if_active(described, "changed")
    changes = plan_share_forget(group, [topic_name(name) for name in dict.fromkeys(request.topics)])
    shape = Shape(
        kind="ShareOffsetDeletion",
        columns=(Column(key="group"), Column(key="topic")),
        question=f"Let share group {group} forget {len(changes.keys):,} topics?",
        planned="to be forgotten",
        done="forgotten",
        what="topics",
        name_key="topic",
    )
    return await carry_out_items(
        invocation, session, request.confirmation, changes, shape, item=lambda topic: {"group": group, "topic": topic}
    )
